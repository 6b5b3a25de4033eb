"""Lines a second and memory of triage's log engine on a generated log where no two lines are alike.

Run: python -m benchmarks.log_speed [megabytes] [kind]
`kind` is words (ids of random letters, which no mask takes away), ids (hexadecimal ids) or calm (only numbers differ);
without it all three. The log has a fixed seed. A child process reads it to the end without a deadline; its own peak of
resident memory is asked of the kernel, above what it held before it began. Before and after it a fixed
piece of plain Python is timed (splitting and counting words), as the speed of the machine in the same run: figures of
two runs are compared by their ratio to it. PASS: at least 50,000 lines for each second
of a core's time (the wall's is shown beside it: it grows with what else runs) of each kind, and at most 150 MB.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bedrock_support.tools.logs.analysis import Analysis
from bedrock_support.tools.logs.findings import Report
from bedrock_support.tools.logs.sources import Source

SEED = 20261124
LINES_A_SECOND, MEGABYTES = 50_000, 150
KINDS = ("words", "ids", "calm")
_POOL = 20_000
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def pool(kind: str) -> list[str]:
    """Lines with an `@` where each copy of the pool writes its own mark, so that no line comes twice."""
    draw = random.Random(SEED)  # noqa: S311 - a log to measure on, no secret

    def word() -> str:
        if kind == "words":
            return "".join(draw.choices(_LETTERS, k=12)) + "@"
        return f"{draw.getrandbits(64):016x}@" if kind == "ids" else f"{draw.randrange(10**9)}"

    made: list[str] = []
    for _ in range(_POOL):
        web, ms, part = draw.randrange(64), draw.randrange(5000), draw.random()
        if part < 0.5:
            text = f"INFO [http-{web}] c.s.Api - request {word()} by {word()} took {ms} ms"
        elif part < 0.8:
            text = f"INFO [http-{web}] c.s.Access - GET /items/{word()} 200 {ms}ms"
        elif part < 0.97:
            text = f"DEBUG [cache-{web}] c.s.Cache - stored key {word()} in region items for {ms} s"
        else:
            text = f"ERROR [http-{web}] c.s.OrderApi - order {word()} failed: connection refused by {word()}"
        made.append(text)
    return made


def pieces(megabytes: float, kind: str) -> Iterator[str]:
    """The generated log, one copy of the pool after the other."""
    lines, written, at, copy = pool(kind), 0, 0, 0
    while written < megabytes * 1e6:
        mark = "".join(_LETTERS[copy // 26**power % 26] for power in range(3)) if kind == "words" else f"{copy:04x}"
        rows: list[str] = []
        for line in lines:
            second = 1_790_000_000 + at // 400
            at += 1
            rows.append(f"{_stamp(second)} {line.replace('@', mark)}\n")
        data = "".join(rows)
        written, copy = written + len(data), copy + 1
        yield data


def _stamp(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second))


def memory(field: str) -> float:
    """What the kernel says of this process's own memory, in MB: VmRSS is held now, VmHWM the most so far (Linux only).

    The peak of `resource.getrusage` wouldn't do: a child begins with its parent's.
    """
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:")) / 1024


def reference() -> float:
    """Millions of words that this machine splits and counts in a second of a core: no code of this project."""
    draw = random.Random(SEED)  # noqa: S311 - words to count, no secret
    lines = [" ".join("".join(draw.choices(_LETTERS, k=5)) for _ in range(20)) for _ in range(2_000)]
    begun, words = time.process_time(), 0
    for _ in range(10):
        counts: dict[str, int] = {}
        for line in lines:
            for word in line.split(" "):
                counts[word] = counts.get(word, 0) + 1
                words += 1
    return words / (time.process_time() - begun) / 1e6


def child(path: Path) -> None:
    """Read the whole log and print lines, seconds, MB, templates."""
    before = memory("VmRSS")
    with path.open("rb") as file:
        source = Source(path.name, path.stat().st_size, path.stat().st_mtime, file.fileno())
        analysis = Analysis([source], source.modified, None)
        pace = [reference()]
        begun, used = time.perf_counter(), time.process_time()
        for _ in analysis.steps(time.monotonic, time.monotonic() + 10_000, lambda: None):
            pass
        report = Report(analysis, 10)
        took, used = time.perf_counter() - begun, time.process_time() - used
        pace.append(reference())
    told = report.files[0].lines, took, used, memory("VmHWM") - before, len(analysis.miner.templates)
    print(*told, sum(pace) / len(pace))


def main() -> int:
    """Generate, measure in a child, print, judge."""
    if sys.argv[1:2] == ["--child"]:
        child(Path(sys.argv[2]))
        return 0
    megabytes = float(sys.argv[1]) if len(sys.argv) > 1 else 100
    passed = True
    for kind in sys.argv[2:] or KINDS:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "app.log"
            with path.open("w", encoding="utf-8") as file:
                file.writelines(pieces(megabytes, kind))
            command = [sys.executable, "-m", "benchmarks.log_speed", "--child", str(path)]
            said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
            size = path.stat().st_size / 1e6
        lines, templates = int(said[0]), int(said[4])
        took, used, peak = map(float, said[1:4])
        pace = float(said[5])
        rate = lines / used
        passed = passed and rate >= LINES_A_SECOND and peak <= MEGABYTES
        print(
            f"{kind:<6}{size:8.0f} MB{lines:12,} lines{took:8.1f} s wall{used:8.1f} s of a core"
            f"{rate:10,.0f} lines/s  +{peak:.0f} MB resident, {templates} templates; "
            f"machine: {pace:.1f} million words/s, {rate / pace:,.0f} lines for each million of them"
        )
    print("PASS" if passed else "FAIL", f"(asked: {LINES_A_SECOND:,} lines/s, {MEGABYTES} MB; seed {SEED})")
    return 0 if passed else 1


if __name__ == "__main__":
    raise SystemExit(main())
