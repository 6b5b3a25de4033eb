"""How fast texts are looked through: what people and machines write, and what is made to keep the detectors busy.

    python -m benchmarks.scan_speed [CORPUS.jsonl[.gz] ...] [--most 600] [--slowest 10]

CORPUS rows have text: they are read one by one, and joined to texts of 20,000 characters. Without one, the documents of
this project and a log are read. Each text is read once, after others have been: nothing in it was seen before. Speed is
bytes to a second of CPU. Beside it stands what the machine does at that moment: steps of a bare loop of Python, and one
pattern's search. A hostile text has 100,000 characters (benchmarks/hostile.py).
"""

from __future__ import annotations

import argparse
import re
import time
from pathlib import Path

from bedrock_support.routing.pii.finder import find, plug
from bedrock_support.routing.pii.tagger import SHIPPED
from benchmarks.against_presidio import corpus_rows
from benchmarks.hostile import SHAPES, hostile
from benchmarks.wire import ROOT

JOINED, HOSTILE = 20_000, 100_000
BAR = 0.05
"""Seconds that a hostile text may take."""
_STEPS = 1_000_000
_PATTERN = re.compile(r"[A-Za-z]\w*(?=[:=])")


def reference(text: str) -> str:
    """How fast the machine is now."""
    began = time.process_time()
    for _ in range(_STEPS):
        pass
    loop = (time.process_time() - began) / _STEPS
    began = time.process_time()
    _PATTERN.findall(text)
    rate = len(text) / (time.process_time() - began) / 1e6
    return f"now: {loop * 1e9:.0f} ns a step of a bare loop, {rate:.1f} MB/s by one pattern"


def speed(texts: list[str]) -> float:
    """Bytes to a second of CPU."""
    began = time.process_time()
    for each in texts:
        find(each)
    return sum(len(each.encode()) for each in texts) / (time.process_time() - began)


def given(paths: list[Path], most: int) -> dict[str, list[str]]:
    """Texts by the name of where they come from."""
    if not paths:
        return {"documents of this project": [each.read_text("utf-8") for each in sorted(ROOT.glob("docs/**/*.md"))]}
    found: dict[str, list[str]] = {}
    for path in paths:
        found[path.name] = [each["text"] for each in corpus_rows(path, most)]
        whole = "\n".join(found[path.name])
        found[f"{path.name}, joined"] = [whole[at : at + JOINED] for at in range(0, len(whole), JOINED)]
    return found


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, nargs="*")
    parser.add_argument("--most", type=int, default=600, help="texts of each corpus")
    parser.add_argument("--slowest", type=int, default=10, help="hostile shapes that are named")
    asked = parser.parse_args()
    corpora = given(asked.corpus, asked.most)
    sample = "\n".join(next(iter(corpora.values())))[:200_000]
    print(reference(sample))
    for name, texts in corpora.items():
        rates: list[float] = []
        for tagger in (None, SHIPPED):
            plug(tagger)
            speed(texts[: len(texts) // 5])  # what every process has seen after its first texts
            rates.append(speed(texts[len(texts) // 5 :]))
        print(f"{name:40} rules alone {rates[0] / 1e3:7.0f} kB/s, with the tagger {rates[1] / 1e3:7.0f} kB/s")
    print(reference(sample))
    taken: list[tuple[float, str]] = []
    for shape in SHAPES:
        text = hostile(shape, HOSTILE)
        began = time.process_time()
        find(text)
        taken.append((time.process_time() - began, shape))
    taken.sort(reverse=True)
    over = sum(seconds > BAR for seconds, _ in taken)
    print(f"hostile: worst {taken[0][0] * 1e3:.0f} ms; {over} of {len(taken)} shapes above {BAR * 1e3:.0f} ms")
    for seconds, shape in taken[: asked.slowest]:
        print(f"  {seconds * 1e3:6.0f} ms {shape[:60]!r}")
    print(reference(sample))


if __name__ == "__main__":
    main()
