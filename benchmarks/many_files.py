"""The gap check of ten thousand files, by the command: cold, and again with what it remembers.

Run: python -m benchmarks.many_files [files]
The files are those of the installed packages, each once, then over again with a comment of their own at the end, so
that no two are alike to the memory of facts. A fixed piece of plain Python is timed beside it, as the speed of the
machine. PASS: the first run within 60 s by the clock, the second within a third of it and with the same findings.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

from benchmarks.log_speed import reference

FILES, BAR, AGAIN = 10_000, 60.0, 1 / 3
_LARGEST = 200_000
"""Bytes: tables that were written by machines are left out."""


def grow(target: Path, count: int) -> int:
    """Fill a folder with so many files; how many bytes they are."""
    site = Path(sysconfig.get_paths()["purelib"])
    sources = [each for each in sorted(site.rglob("*.py")) if 0 < each.stat().st_size <= _LARGEST]
    written = size = 0
    while written < count:
        lap = written // len(sources)
        for each in sources[: count - written]:
            data = each.read_bytes() + (f"\n# lap {lap}\n".encode() if lap else b"")
            place = target / f"lap{lap}" / each.relative_to(site)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
            written, size = written + 1, size + len(data)
    return size


def run(tree: Path, cache: Path) -> tuple[float, float, list[object]]:
    """Seconds by the clock and of cores, and the findings."""
    command = [sys.executable, "-m", "bedrock_support.server", "gaps", str(tree), "--json"]
    env = os.environ | {"XDG_CACHE_HOME": str(cache)}
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([*command, "--focus", "stubs", "--focus", "tests"], env=env, capture_output=True, check=False)
    took, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 1):
        sys.exit(done.stderr.decode())
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return took, used, json.loads(done.stdout)["findings"]


def main() -> int:
    """Measure, print, judge."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else FILES
    with tempfile.TemporaryDirectory() as temporary:
        tree, cache = Path(temporary).resolve() / "tree", Path(temporary) / "cache"
        size = grow(tree, count)
        pace = reference()
        first, first_used, found = run(tree, cache)
        again, again_used, same = run(tree, cache)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"{count:,} files, {size / 1e6:.0f} MB, {os.cpu_count()} cores, machine: {pace:.1f} million words/s")
    print(f"first  {first:6.1f} s by the clock, {first_used:6.1f} s of cores, {len(found)} findings")
    print(f"again  {again:6.1f} s by the clock, {again_used:6.1f} s of cores; largest process {peak:.0f} MB")
    held = first <= BAR and again <= first * AGAIN and found == same
    print("PASS" if held else "FAIL", f"(asked: {BAR:g} s, then a third of it, the same findings)")
    return 0 if held else 1


if __name__ == "__main__":
    raise SystemExit(main())
