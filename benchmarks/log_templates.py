"""Grouping accuracy of our log templates on the Loghub-2k samples, beside drain3 with generic masks, in one run.

Run: python -m benchmarks.log_templates FOLDER
FOLDER holds <System>/<System>_2k.log_structured.csv for each system, as data/loghub_2k in logpai/logparser does;
nothing is downloaded. GA is the share of lines whose group, as a set of lines, is also a group of the labels; FGA is
the F1 over groups. Only the Content column is given to both, one setting for all systems. PASS: our mean GA is above
drain3's and above 0.77.
"""

from __future__ import annotations

import csv
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from bedrock_support.tools.logs.templates import Miner

BAR = 0.77
_MASKS = (
    (r"(?<![0-9A-Za-z])(?:[0-9a-fA-F]{2,}:){3,}[0-9a-fA-F]{2,}(?![0-9A-Za-z])", "ADDRESS"),
    (r"(?<![0-9A-Za-z])\d{1,3}(?:\.\d{1,3}){3}(?![0-9A-Za-z])", "ADDRESS"),
    (r"(?<![0-9A-Za-z])(?:[0-9a-f]{6,} ?){3,}(?![0-9A-Za-z])", "SEQUENCE"),
    (r"(?<![0-9A-Za-z])(?:[0-9A-F]{4} ?){4,}(?![0-9A-Za-z])", "SEQUENCE"),
    (r"(?<![0-9A-Za-z])0x[0-9a-fA-F]+(?![0-9A-Za-z])", "HEX"),
    (r"(?<![0-9A-Za-z])[-+]?\d+(?![0-9A-Za-z])", "NUMBER"),
)

Grouping = Callable[[list[str]], Sequence[Hashable]]


def ours(lines: list[str]) -> list[int]:
    """Our number of each line, one miner for the whole system."""
    miner = Miner()
    numbers = [miner.number(line.encode()) for line in lines]
    last = [template.last_word().number for template in miner.templates]
    return [last[number] if number >= 0 else number for number in numbers]


def drain3(lines: list[str]) -> list[int]:
    """drain3's defaults with generic masks."""
    from drain3 import TemplateMiner  # pyright: ignore[reportMissingTypeStubs]
    from drain3.masking import MaskingInstruction  # pyright: ignore[reportMissingTypeStubs]
    from drain3.template_miner_config import TemplateMinerConfig  # pyright: ignore[reportMissingTypeStubs]

    config = TemplateMinerConfig()
    config.masking_instructions = [MaskingInstruction(pattern, name) for pattern, name in _MASKS]
    miner: Any = TemplateMiner(config=config)
    return [int(miner.add_log_message(line)["cluster_id"]) for line in lines]


def grouped(labels: Sequence[Hashable]) -> set[frozenset[int]]:
    """The groups as sets of line numbers."""
    found: dict[Hashable, list[int]] = defaultdict(list)
    for at, label in enumerate(labels):
        found[label].append(at)
    return {frozenset(group) for group in found.values()}


def score(truth: Sequence[Hashable], found: Sequence[Hashable]) -> tuple[float, float]:
    """GA and FGA."""
    true, seen = grouped(truth), grouped(found)
    same = true & seen
    return sum(map(len, same)) / len(truth), 2 * len(same) / (len(true) + len(seen))


def samples(folder: Path) -> dict[str, tuple[list[str], list[str]]]:
    """By system: its lines and their labels."""
    found: dict[str, tuple[list[str], list[str]]] = {}
    for path in sorted(folder.glob("*/*_2k.log_structured.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        found[path.parent.name] = [row["Content"].strip() for row in rows], [row["EventId"] for row in rows]
    return found


def main() -> int:
    """Measure, print, judge; 0 when it passes, 2 when there is nothing to measure."""
    systems = samples(Path(sys.argv[1])) if len(sys.argv) > 1 else {}
    if not systems:
        print("SKIPPED: name the folder that holds <System>/<System>_2k.log_structured.csv")
        return 2
    scores: dict[str, list[tuple[float, float]]] = {}
    seconds = dict.fromkeys(("ours", "drain3"), 0.0)
    makers: tuple[tuple[str, Grouping], ...] = (("ours", ours), ("drain3", drain3))
    for system, (lines, truth) in systems.items():
        scores[system] = []
        for name, group in makers:
            begun = time.perf_counter()
            labels = group(lines)
            seconds[name] += time.perf_counter() - begun
            scores[system].append(score(truth, labels))
    print(f"{'system':<13}{'ours GA':>9}{'FGA':>7}{'drain3 GA':>11}{'FGA':>7}")
    for system, (mine, other) in scores.items():
        print(f"{system:<13}{mine[0]:>9.3f}{mine[1]:>7.3f}{other[0]:>11.3f}{other[1]:>7.3f}")
    mean = [[fmean(row[who][what] for row in scores.values()) for what in (0, 1)] for who in (0, 1)]
    print(f"{'mean':<13}{mean[0][0]:>9.3f}{mean[0][1]:>7.3f}{mean[1][0]:>11.3f}{mean[1][1]:>7.3f}")
    total = sum(len(lines) for lines, _ in systems.values())
    print(", ".join(f"{name}: {total / spent:,.0f} lines/s" for name, spent in seconds.items()))
    passed = mean[0][0] > mean[1][0] and mean[0][0] > BAR
    print("PASS" if passed else "FAIL", f"(asked: above drain3 and above {BAR}; {len(systems)} systems)")
    return 0 if passed else 1


if __name__ == "__main__":
    raise SystemExit(main())
