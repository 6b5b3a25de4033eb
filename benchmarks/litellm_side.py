# pyright: basic, reportMissingImports=false
"""LiteLLM's side: its Router with one deployment and no retries. Runs in LiteLLM's own environment, nowhere else."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import anyio

from benchmarks.sides import MAX_TOKENS, MODEL, REGION, SYSTEM, brief, serve

routers: dict[str, Any] = {}


def router(url: str) -> Any:
    """The Router of one upstream, made when first asked for."""
    from litellm import Router

    if url not in routers:
        deployment = {
            "model": f"bedrock/converse/{MODEL}",
            "aws_region_name": REGION,
            "aws_bedrock_runtime_endpoint": url,
            "aws_access_key_id": "benchmark",
            "aws_secret_access_key": "benchmark",
        }
        routers[url] = Router(model_list=[{"model_name": "bench", "litellm_params": deployment}], num_retries=0)
    return routers[url]


async def ask(url: str, stream: bool) -> str:
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": brief()}]
    answer = await router(url).acompletion(
        model="bench", messages=messages, max_tokens=MAX_TOKENS, stream=stream, num_retries=0
    )
    if not stream:
        return answer.choices[0].message.content
    return "".join([chunk.choices[0].delta.content or "" async for chunk in answer if chunk.choices])


if __name__ == "__main__":
    anyio.run(serve, ask, {"side": "litellm", "version": version("litellm"), "boto3": version("boto3")})
