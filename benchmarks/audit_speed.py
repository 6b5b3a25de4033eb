"""How fast the audit trail is written and verified.

    python -m benchmarks.audit_speed [SECONDS] [FOLDER]

Written through AuditTrail as the server does it, each entry durable before its caller goes on: one caller, then 16 at
once. FOLDER says whose disk is measured; a folder in memory would measure nothing.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import anyio

from bedrock_support.routing.clock import SystemClock, SystemEntropy
from bedrock_support.routing.model import Clearance, Operation, OperationClass, RouteName
from bedrock_support.telemetry.audit.anchor import Anchoring, FolderPlace
from bedrock_support.telemetry.audit.files import AuditFiles
from bedrock_support.telemetry.audit.signer import PublicKey
from bedrock_support.telemetry.audit.trail import AuditTrail
from bedrock_support.telemetry.audit.verify import verify


def clearance(entropy: SystemEntropy) -> Clearance:
    """What the gate hands over for a log excerpt of two thousand characters."""
    operation = Operation(
        id=entropy.token(),
        op_class=OperationClass.STANDARD,
        tool="triage_incident",
        system="",
        brief="ERROR could not connect to orders-db: refused\n" * 45,
        evidence_digest="ab" * 32,
        deadline=0.0,
    )
    return Clearance(operation=operation, routes=frozenset(RouteName), restore={"[[EMAIL_1_0badcafe]]": "x"})


async def append(trail: AuditTrail, callers: int, seconds: float) -> float:
    """Records a second."""
    entropy = SystemEntropy()
    end = time.perf_counter() + seconds
    written = 0

    async def caller() -> None:
        nonlocal written
        while time.perf_counter() < end:
            await trail.opened(clearance(entropy), "benchmark")
            written += 1

    began = time.perf_counter()
    async with anyio.create_task_group() as group:
        for _ in range(callers):
            group.start_soon(caller)
    return written / (time.perf_counter() - began)


async def measure(folder: Path, seconds: float) -> None:
    """Print the rates."""
    files = AuditFiles(folder=folder)
    trail = AuditTrail(files, SystemClock(), SystemEntropy(), server="benchmark")
    await trail.opened(clearance(SystemEntropy()), "benchmark")
    for callers in (1, 16):
        print(f"append, {callers:>2} in flight: {await append(trail, callers, seconds):>8,.0f} records/s")
    await trail.aclose()
    key = PublicKey.read(files.public_key)
    place = FolderPlace(folder / "anchors")
    Anchoring(files, key, place).anchor()
    wall, processor = time.perf_counter(), time.process_time()
    verdict = verify(files, key, [place])
    assert verdict.good
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    size = files.log.stat().st_size
    print(
        f"verify: {verdict.records / wall:,.0f} records/s, {verdict.records / processor:,.0f} per processor second "
        f"({verdict.records:,} records with checkpoints and anchors; {size / verdict.records:,.0f} bytes a record)"
    )


def main() -> None:
    """Measure in a folder that is thrown away."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else ".") as folder:
        anyio.run(measure, Path(folder), seconds)


if __name__ == "__main__":
    main()
