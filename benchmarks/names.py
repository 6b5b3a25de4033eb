"""How many names of people the tagger finds in German sentences that it was not trained on, and how fast it is.

    python -m benchmarks.names FOLDER [--clean PATH ...]

FOLDER holds GermEval 2014's test part as ge-test.tsv (CC BY 4.0). A name counts as found when every letter of it is
covered; a find is right when at least half of it lies in a name. --clean names files or folders (Python, Markdown,
reStructuredText, METADATA of packages): what the tagger adds there to the finds of the rules is counted and shown.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path

from bedrock_support.routing.pii.finder import find, plug
from bedrock_support.routing.pii.tagger import SHIPPED
from benchmarks.names_data import HELD_OUT, Sentence, sentences

Spans = list[tuple[int, int]]


def tagged(text: str) -> Spans:
    """What the tagger alone finds."""
    return list(SHIPPED.names(text, [(0, len(text), "de")]))


def found(text: str) -> Spans:
    """People among all that is found."""
    return [(each.start, each.end) for each in find(text) if each.label == "PERSON"]


def scored(given: list[Sentence], found: list[Spans]) -> str:
    """Precision, recall, F1."""
    right = finds = hit = names = 0
    for sentence, spans in zip(given, found, strict=True):
        gold = set[int]().union(*(range(*each) for each in sentence.spans))
        ours = set[int]().union(*(range(*each) for each in spans))
        finds += len(spans)
        right += sum(2 * len(gold.intersection(range(*each))) >= each[1] - each[0] for each in spans)
        names += len(sentence.spans)
        letters = ({n for n in range(*each) if sentence.text[n].isalnum()} for each in sentence.spans)
        hit += sum(each <= ours for each in letters)
    precision, recall = right / max(1, finds), hit / max(1, names)
    return f"P {precision:.3f}  R {recall:.3f}  F1 {2 * precision * recall / max(1e-9, precision + recall):.3f}"


def added(paths: list[Path]) -> str:
    """What the tagger finds beyond the rules in files that are no prose about people."""
    size, names = 0, Counter[str]()
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.suffix not in (".py", ".md", ".rst") and file.name != "METADATA":
                continue
            text = file.read_text(encoding="utf-8", errors="replace")
            plug(None)
            before = set(found(text))
            plug(SHIPPED)
            names.update(text[start:end] for start, end in found(text) if (start, end) not in before)
            size += len(text)
    commonest = ", ".join(f"{each} {count}" for each, count in names.most_common(12))
    return f"{names.total()} in {size} characters, {names.total() / max(1, size) * 1e4:.2f} per 10 kB: {commonest}"


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--clean", type=Path, nargs="+", default=[])
    asked = parser.parse_args()
    given = list(sentences(asked.folder, HELD_OUT))
    size = sum(len(each.text.encode()) for each in given)
    print(f"GermEval 2014 test: {len(given)} sentences, {sum(len(each.spans) for each in given)} names, {size} bytes")
    for name, tool in (("tagger alone", tagged), ("all that is found", found)):
        tool("Warm.")
        began = time.process_time()
        spans = [tool(each.text) for each in given]
        seconds = time.process_time() - began
        print(f"{name:18} {scored(given, spans)}  {size / seconds / 1e3:.0f} kB/s sentence by sentence")
    text = "\n".join(each.text for each in given)
    for name, tagger in (("with the tagger", SHIPPED), ("rules alone", None)):
        plug(tagger)
        began = time.process_time()
        find(text)
        print(f"{name:18} {size / (time.process_time() - began) / 1e3:.0f} kB/s as one text, one core")
    for path in asked.clean:
        print(f"added in {path.name}: {added([path])}")


if __name__ == "__main__":
    main()
