"""CPU of one direct call: DirectBedrockClient.send beside bare boto3 on threads with the same pool.

Both ask the same upstream, which runs in a process of its own, in interleaved rounds of one run. Believe the
ratio: absolute times move with the machine.

    python -m benchmarks.direct_call [--json] [--rounds 7] [--calls 64] [--upstream sandbox|canned]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio

from bedrock_support.routing.bedrock import wire
from bedrock_support.routing.bedrock.settings import BedrockSettings
from bedrock_support.routing.clock import SystemClock
from bedrock_support.routing.direct_bedrock import DirectBedrockClient
from bedrock_support.routing.model import ModelRole, Operation, OperationClass

CONCURRENCY = 16
POOL = 64
CLOCK = SystemClock()
Ask = Callable[[], Awaitable[object]]

UPSTREAMS = {
    "sandbox": """
import sys, anyio
from bedrock_support.server.sandbox.emulator import open_sandbox
async def main():
    async with open_sandbox() as sandbox:
        print(sandbox.url, flush=True)
        await anyio.to_thread.run_sync(sys.stdin.read)
anyio.run(main)
""",
    "canned": """
import sys
from tests.direct_rig import METADATA, START, STOP, http, peer, piece, stream
with peer(http()) as plain, peer(stream(START, *(piece("word ") for _ in range(50)), STOP, METADATA)) as streamed:
    print(plain.url, streamed.url, flush=True)
    sys.stdin.read()
""",
}


@contextmanager
def upstream(name: str) -> Generator[tuple[str, str]]:
    """The addresses of an upstream for plain and for streamed calls; its process ends with the block."""
    root = Path(__file__).resolve().parent.parent
    with subprocess.Popen(
        [sys.executable, "-c", UPSTREAMS[name]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root
    ) as process:
        try:
            assert process.stdout is not None
            urls = process.stdout.readline().split()
            if not urls:
                raise SystemExit(f"the {name} upstream did not start")
            yield urls[0], urls[-1]
        finally:
            process.terminate()


def operation(stream: bool) -> Operation:
    return Operation(
        id="bench",
        op_class=OperationClass.EMERGENCY,
        tool="bench",
        system="You are a support engineer. Answer briefly.",
        brief="The deployment fails with exit code 137. " * 40,
        evidence_digest="0" * 64,
        deadline=CLOCK.now() + 30,
        model_role=ModelRole.FAST,
        max_tokens=300,
        stream=stream,
    )


def bare(url: str, settings: BedrockSettings, stream: bool) -> Ask:
    """Boto3 as a careful person would use it: one client, equal pool and limiter, nothing else."""
    import boto3
    from botocore.config import Config

    config = Config(max_pool_connections=POOL, retries={"total_max_attempts": 1})
    maker: Any = boto3.Session()
    client = maker.client("bedrock-runtime", region_name=settings.region, endpoint_url=url, config=config)
    limiter = anyio.CapacityLimiter(POOL)
    model = settings.models[ModelRole.FAST]
    request = {"modelId": model, **wire.body(operation(stream), model)}

    def ask() -> object:
        if not stream:
            return client.converse(**request)
        return list(client.converse_stream(**request)["stream"])

    return partial(anyio.to_thread.run_sync, ask, limiter=limiter)


async def round_of(ask: Ask, calls: int) -> tuple[float, list[float]]:
    """CPU seconds per call of this process, and the wall seconds of each call."""
    walls: list[float] = []
    left = iter(range(calls))

    async def worker() -> None:
        for _ in left:
            began = time.perf_counter()
            await ask()
            walls.append(time.perf_counter() - began)

    began = time.process_time()
    async with anyio.create_task_group() as group:
        for _ in range(CONCURRENCY):
            group.start_soon(worker)
    return (time.process_time() - began) / calls, walls


async def compare(url: str, stream: bool, rounds: int, calls: int) -> dict[str, float]:
    settings = BedrockSettings(endpoint_url=url, concurrency=POOL)
    client = DirectBedrockClient(settings, CLOCK)
    sides: dict[str, Ask] = {"direct": lambda: client.send(operation(stream)), "bare": bare(url, settings, stream)}
    cpu: dict[str, list[float]] = {side: [] for side in sides}
    wall: dict[str, list[float]] = {side: [] for side in sides}
    for number in range(rounds + 1):
        # Turn about, so that neither side always runs on the warmer machine; the first round only warms up.
        for side in sorted(sides, reverse=bool(number % 2)):
            seconds, walls = await round_of(sides[side], calls)
            if number:
                cpu[side].append(seconds)
                wall[side] += walls
    await client.aclose()
    return {
        "direct_cpu_us": statistics.median(cpu["direct"]) * 1e6,
        "bare_cpu_us": statistics.median(cpu["bare"]) * 1e6,
        "cpu_ratio": statistics.median(ours / theirs for ours, theirs in zip(cpu["direct"], cpu["bare"], strict=True)),
        "direct_p50_ms": statistics.median(wall["direct"]) * 1e3,
        "bare_p50_ms": statistics.median(wall["bare"]) * 1e3,
        "calls": float(rounds * calls),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--rounds", type=int, default=7, choices=range(1, 21), metavar="1..20")
    parser.add_argument(
        "--calls", type=int, default=64, choices=range(16, 257), metavar="16..256", help="in each round"
    )
    parser.add_argument("--upstream", choices=sorted(UPSTREAMS), default="sandbox")
    wanted = parser.parse_args()
    # Keys that open nothing: the upstream is on this machine.
    os.environ.pop("AWS_BEARER_TOKEN_BEDROCK", None)  # it would need TLS
    os.environ.update(AWS_ACCESS_KEY_ID="bench", AWS_SECRET_ACCESS_KEY="bench", AWS_EC2_METADATA_DISABLED="true")
    with upstream(wanted.upstream) as (plain, streamed):
        table = {
            "converse": anyio.run(compare, plain, False, wanted.rounds, wanted.calls),
            "converse_stream": anyio.run(compare, streamed, True, wanted.rounds, wanted.calls),
        }
    if wanted.json:
        print(json.dumps({"upstream": wanted.upstream, **table}))
        return
    print(f"{'call':<16}{'direct CPU us':>15}{'bare CPU us':>13}{'ratio':>8}{'direct p50 ms':>15}{'bare p50 ms':>13}")
    for name, row in table.items():
        print(
            f"{name:<16}{row['direct_cpu_us']:>15.0f}{row['bare_cpu_us']:>13.0f}{row['cpu_ratio']:>8.3f}"
            f"{row['direct_p50_ms']:>15.2f}{row['bare_p50_ms']:>13.2f}"
        )


if __name__ == "__main__":
    main()
