"""Speed and memory of triage on a large log, beside a plain Python pass over the same file.

Run: python -m benchmarks.triage_log [megabytes] [rounds]
The log is generated with a fixed seed: a web service with request ids, durations and users, steady noise, a reloaded
configuration at 70 % of the file and connection pool errors with Java stack traces after it. The two passes are
interleaved; the analysis has no deadline here and is followed by one run under the 15 s budget of a standard call.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import anyio
import psutil

from bedrock_support.routing.clock import SystemClock
from bedrock_support.routing.matrix import shipped
from bedrock_support.routing.model import Failure, FailureKind, Operation, OperationClass, Outcome
from bedrock_support.tools.base import ToolContext
from bedrock_support.tools.triage import TRIAGE, TriageInput, TriageResult

_TRACE = (
    "java.sql.SQLTransientConnectionException: HikariPool-1 - Connection is not available, request timed out\n"
    "\tat com.zaxxer.hikari.pool.HikariPool.createTimeoutException(HikariPool.java:696)\n"
    "\tat com.shop.orders.OrderStore.save(OrderStore.java:88)\n"
    "\tat com.shop.orders.OrderService.place(OrderService.java:41)\n"
)


def lines(megabytes: float) -> Iterator[str]:
    """The generated log, piece by piece."""
    draw = random.Random(20261123)  # noqa: S311 - a log to measure on, no secret
    size, written, now, reloaded = int(megabytes * 1e6), 0, 1_790_000_000.0, False
    while written < size:
        now += draw.expovariate(40)
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03d}Z"
        request, user = f"{draw.getrandbits(64):016x}", f"user{draw.randrange(50_000)}"
        late = written > size * 0.7
        kind, web, ms = draw.random(), f"[http-{draw.randrange(64)}]", draw.randrange(5000)
        if late and not reloaded:
            text, reloaded = f"{stamp} INFO [main] c.s.Config - configuration reloaded, pool size 50 -> 5\n", True
        elif late and kind < 0.02:
            text = f"{stamp} ERROR {web} c.s.OrderApi - order failed req={request}\n{_TRACE}"
        elif kind < 0.01:
            text = f"{stamp} ERROR [job-{draw.randrange(4)}] c.s.Mail - mail server refused recipient {user}\n"
        elif kind < 0.4:
            text = f"{stamp} INFO {web} c.s.Access - GET /items/{draw.randrange(9999)} 200 {ms}ms\n"
        elif kind < 0.7:
            text = f"{stamp} INFO {web} c.s.Api - request {request} by {user} took {ms} ms\n"
        elif kind < 0.95:
            text = f"{stamp} DEBUG [cache-{ms % 8}] c.s.Cache - hit ratio {draw.random():.3f} for region items\n"
        else:
            text = f"{stamp} WARN {web} c.s.Api - slow query {ms} ms on orders\n"
        written += len(text)
        yield text


async def no_progress(done: float, total: float, message: str) -> None:
    """Nobody is watching."""


async def no_model(operation: Operation) -> Outcome:
    """No model here."""
    return Outcome(operation=operation, failure=Failure(kind=FailureKind.UNCONFIGURED, message="benchmark"))


def triage(path: Path, seconds: float) -> TriageResult:
    """One call of the tool."""
    clock = SystemClock()
    now = clock.now()
    ctx = ToolContext(
        call_id="benchmark",
        roots=(path.parent,),
        clock=clock,
        op_class=OperationClass.STANDARD,
        rule=shipped().rules[OperationClass.STANDARD],
        started=now,
        deadline=now + seconds,
        workers=anyio.CapacityLimiter(2),
        progress=no_progress,
        judge=no_model,
    )
    return anyio.run(TRIAGE.run, ctx, TriageInput(path=path.name))


def plain(path: Path) -> int:
    """The least that any Python program does with a file."""
    with path.open(encoding="utf-8", errors="replace") as file:
        return sum(1 for _ in file)


class Peak:
    """Highest resident memory since it was made, in MB above the start."""

    def __init__(self) -> None:
        self._start = psutil.Process().memory_info().rss
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")

    def megabytes(self) -> float:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        high = next(int(row.split()[1]) for row in status.splitlines() if row.startswith("VmHWM"))
        return high / 1024 - self._start / 1024**2


def main() -> None:
    """Generate, measure, print."""
    megabytes = float(sys.argv[1]) if len(sys.argv) > 1 else 200
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder).resolve() / "app.log"
        with path.open("w", encoding="utf-8") as file:
            file.writelines(lines(megabytes))
        print(f"{path.stat().st_size / 1e6:.1f} MB, seed 20261123")
        for _ in range(rounds):
            start = time.perf_counter()
            count = plain(path)
            took = time.perf_counter() - start
            print(f"plain pass: {took:6.2f} s  {count / took:12,.0f} lines/s")
            peak, start = Peak(), time.perf_counter()
            result = triage(path, 4_000)
            took = time.perf_counter() - start
            print(f"triage:     {took:6.2f} s  {count / took:12,.0f} lines/s  +{peak.megabytes():.0f} MB resident")
            print(f"            read {result.files[0].read:.0%}, first finding: {result.findings[0].title[:90]}")
        start = time.perf_counter()
        result = triage(path, 30)
        print(f"standard call: {time.perf_counter() - start:.2f} s, read {result.files[0].read:.0%}")
        print(TRIAGE.summary(result))


if __name__ == "__main__":
    main()
