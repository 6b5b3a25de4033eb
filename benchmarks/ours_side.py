"""Our sides, one to a process: `ours` is the whole pipeline, `direct` its client alone, `bare` boto3 on threads.

`python -m benchmarks.ours_side ours|direct|bare`, and then as benchmarks/sides.py says.
"""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from functools import partial
from importlib.metadata import version
from typing import Any

import anyio

from bedrock_support.routing.bedrock.settings import BedrockSettings
from bedrock_support.routing.clock import SystemClock
from bedrock_support.routing.direct_bedrock import DirectBedrockClient
from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.mcp_router import CallerAbilities
from bedrock_support.routing.model import FailureKind, ModelRole, Operation, OperationClass, Reply
from bedrock_support.server.from_settings import telemetry_settings
from bedrock_support.server.settings import Settings
from bedrock_support.server.wiring import build
from bedrock_support.telemetry.otel import install
from benchmarks.sides import MAX_TOKENS, MODEL, POOL, REGION, SYSTEM, Ask, brief, serve

CLOCK = SystemClock()
PATIENCE = 12
"""Looks for credentials, of five seconds each, before the first question."""


class NoCaller:
    """A client that offers nothing: an answer can only have come from Bedrock."""

    key = "benchmark"
    abilities = CallerAbilities(sampling=False, elicitation=False)

    async def sample(self, operation: Operation) -> Reply:
        raise RouteError(FailureKind.NO_CARRIER, f"{operation.id}: nothing to sample")

    async def elicit(self, message: str) -> bool:
        raise RouteError(FailureKind.NO_CARRIER, f"nobody to ask: {message}")


def operation(stream: bool, op_class: OperationClass = OperationClass.INFRASTRUCTURE) -> Operation:
    """The question, with ten seconds to answer it."""
    return Operation(
        id="bench",
        op_class=op_class,
        tool="bench",
        system=SYSTEM,
        brief=brief(),
        evidence_digest="0" * 64,
        deadline=CLOCK.now() + 10,
        model_role=ModelRole.FAST,
        max_tokens=MAX_TOKENS,
        stream=stream,
    )


def settings(url: str) -> Settings:
    """The server's settings. Without the optimizer: every question here is the same."""
    flags = {"optimization": False}
    return Settings(endpoint_url=url, region=REGION, models={ModelRole.FAST: MODEL}, flags=flags)


def ours(stack: AsyncExitStack) -> Ask:
    """The pipeline as `bedrock-support serve` runs it: spans, gate, decision, dispatch, ledger, seal."""
    install(telemetry_settings(Settings()), role="bedrock-support")
    houses: dict[str, Any] = {}
    caller = NoCaller()

    async def ask(url: str, stream: bool) -> str:
        if url not in houses:
            houses[url] = house = build(settings(url))
            stack.push_async_callback(house.aclose)
            await stack.enter_async_context(house.running())
            for _ in range(PATIENCE):  # on a busy machine boto3 takes longer to load than a question may take
                if house.manager.direct.condition().note.startswith("credentials found"):
                    break
                await house.manager.direct.check()
        outcome = await houses[url].manager.judge(operation(stream), caller)
        if outcome.reply is None:
            raise RuntimeError(f"no answer from the pipeline: {outcome.failure or outcome.refusal or outcome.handoff}")
        return outcome.reply.text

    return ask


def direct(stack: AsyncExitStack) -> Ask:
    """DirectBedrockClient.send and nothing around it."""
    clients: dict[str, DirectBedrockClient] = {}

    async def ask(url: str, stream: bool) -> str:
        if url not in clients:
            settings = BedrockSettings(
                endpoint_url=url, region=REGION, models={ModelRole.FAST: MODEL}, concurrency=POOL
            )
            clients[url] = DirectBedrockClient(settings, CLOCK)
            stack.push_async_callback(clients[url].aclose)
        return (await clients[url].send(operation(stream))).text

    return ask


def bare(stack: AsyncExitStack) -> Ask:
    """Boto3 as a careful person would use it: one client, pool and limiter of one size, nothing else."""
    import boto3
    from botocore.config import Config

    config = Config(max_pool_connections=POOL, retries={"total_max_attempts": 1})
    maker: Any = boto3.Session()
    clients: dict[str, Any] = {}
    limiter = anyio.CapacityLimiter(POOL)

    def request() -> dict[str, Any]:
        return {
            "modelId": MODEL,
            "messages": [{"role": "user", "content": [{"text": brief()}]}],
            "system": [{"text": SYSTEM}],
            "inferenceConfig": {"maxTokens": MAX_TOKENS},
        }

    def whole(client: Any) -> str:
        return client.converse(**request())["output"]["message"]["content"][0]["text"]

    def streamed(client: Any) -> str:
        events = client.converse_stream(**request())["stream"]
        return "".join(each["contentBlockDelta"]["delta"]["text"] for each in events if "contentBlockDelta" in each)

    async def ask(url: str, stream: bool) -> str:
        if url not in clients:
            clients[url] = maker.client("bedrock-runtime", region_name=REGION, endpoint_url=url, config=config)
            stack.callback(clients[url].close)
        return await anyio.to_thread.run_sync(partial(streamed if stream else whole, clients[url]), limiter=limiter)

    return ask


async def main(name: str) -> None:
    async with AsyncExitStack() as stack:
        ask = {"ours": ours, "direct": direct, "bare": bare}[name](stack)
        await serve(ask, {"side": name, "version": version("bedrock-support"), "boto3": version("boto3")})


if __name__ == "__main__":
    anyio.run(main, sys.argv[1])
