"""The openly licensed corpora from which benchmarks/names_train.py makes the tagger, read into plain sentences.

One folder holds all the files, under the names that CORPORA gives them; routing/.../pii/names.md says where each comes
from. Nothing of them is part of this project.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence as it may stand in a text, and where people are named in it."""

    text: str
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """Files of one source in columns, and which share of its sentences is trained on."""

    files: tuple[str, ...]
    word: int
    """Column of the token."""
    tag: int
    """Column of its tag."""
    keep: int = 1
    """Every how many sentences without a person are kept: some are much alike."""


COURTS = ("bag", "bfh", "bgh", "bpatg", "bsg", "bverfg", "bverwg")
CORPORA = {
    "GermEval 2014, dev": Corpus(files=("ge-dev.tsv",), word=1, tag=2),
    "LER": Corpus(files=tuple(f"ler-{each}.conll" for each in COURTS), word=0, tag=1, keep=4),
    "MobIE": Corpus(files=("train.conll2003", "dev.conll2003", "test.conll2003"), word=0, tag=3, keep=2),
    "UNER German PUD": Corpus(files=("uner-de-pud.iob2",), word=1, tag=2),
    "UNER English EWT": Corpus(files=("uner-en-dev.iob2", "uner-en-test.iob2"), word=1, tag=2),
    "Europeana German": Corpus(files=("enp-lft.bio", "enp-sbb.bio"), word=0, tag=1),
    "Europeana French": Corpus(files=("enp-fr.bio",), word=0, tag=1),
    "Broad Twitter Corpus": Corpus(files=("btc-f.conll", "btc-g.conll", "btc-h.conll"), word=0, tag=1, keep=2),
    "Wikigold": Corpus(files=("wikigold.txt",), word=0, tag=1),
}
HELD_OUT = Corpus(files=("ge-test.tsv",), word=1, tag=2)
_PEOPLE = frozenset({"PER", "PERSON", "RR", "AN"})
"""Tags of people: LER tells judges (RR) and lawyers (AN) from others."""
FEWEST = 4
"""Times a first name was given before it counts."""
_LONGEST = 80
"""Tokens after which a sentence is ended: one corpus has none marked."""
_CASES = ("nominativ", "genitiv", "dativ", "akkusativ")
_GLUED_LEFT = frozenset(".,;:!?)]}%»”\u2019'")
_GLUED_RIGHT = frozenset("([{«„“")


def sentences(folder: Path, corpus: Corpus) -> Iterator[Sentence]:
    """The sentences of a corpus, in order."""
    for name in corpus.files:
        rows: list[tuple[str, bool]] = []
        for line in [*folder.joinpath(name).read_text(encoding="utf-8", errors="replace").splitlines(), ""]:
            fields = line.split("\t") if "\t" in line else line.split(" ")
            blank = not line.strip() or line.startswith(("# ", "#\t", "-DOCSTART-"))
            if rows and (blank or len(rows) >= _LONGEST):
                yield joined(rows)
                rows = []
            if not blank and len(fields) > max(corpus.word, corpus.tag):
                kind = fields[corpus.tag].strip().rpartition("-")[2].upper()
                handle = fields[corpus.word] == "@" or (bool(rows) and rows[-1][0] == "@")
                rows.append((fields[corpus.word], kind in _PEOPLE and not handle))


def joined(rows: list[tuple[str, bool]]) -> Sentence:
    """Tokens as running text, punctuation where it usually stands."""
    text, spans = "", list[tuple[int, int]]()
    open_quote = glued = False
    for token, person in rows:
        closing = token == '"' and open_quote
        if text and not glued and not closing and token not in _GLUED_LEFT:
            text += " "
        if person and spans and spans[-1][1] >= len(text) - 1 and spans[-1][1] >= 0:
            spans[-1] = (spans[-1][0], len(text) + len(token))
        elif person:
            spans.append((len(text), len(text) + len(token)))
        text += token
        open_quote = not open_quote if token == '"' else open_quote
        glued = token in _GLUED_RIGHT or (token == '"' and open_quote)
    return Sentence(text, tuple(spans))


def first_names(folder: Path) -> list[str]:
    """First names of Berlin's registers, given at least FEWEST times, and of the English lists."""
    counted: Counter[str] = Counter()
    for path in sorted(folder.glob("berlin-*.csv")):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        for row in csv.DictReader(lines, delimiter=";" if lines and ";" in lines[0] else ","):
            for name in (row.get("vorname") or "").split():
                counted[name] += int(row.get("anzahl") or 0)
    names = {each for each, count in counted.items() if count >= FEWEST}
    for path in sorted(folder.glob("first-*.json")):
        names.update(json.loads(path.read_text(encoding="utf-8")))
    return sorted(each for each in names if each[:1].isupper() and len(each) > 2)


def surnames(folder: Path) -> list[str]:
    """Surnames of GermaNER's list, as LER passes it on."""
    lines = folder.joinpath("surnames.list").read_text(encoding="utf-8").splitlines()
    return sorted({part for each in lines for part in each.split("-") if part[:1].isupper() and len(part) > 2})


def nouns_and_places(folder: Path) -> tuple[list[str], list[str], list[str], list[str]]:
    """German common nouns in all their forms, places, first names and surnames, of the list german-nouns."""
    nouns, places, given, family = set[str](), set[str](), set[str](), set[str]()
    with folder.joinpath("nouns.csv").open(encoding="utf-8", newline="") as opened:
        for row in csv.DictReader(opened):
            kinds = set(row["pos"].split(","))
            forms = {value for key, value in row.items() if key.startswith(_CASES) and value and value[0].isupper()}
            forms.add(row["lemma"])
            if "Toponym" in kinds:
                places |= forms
            elif "Vorname" in kinds:
                given.add(row["lemma"])
            elif "Nachname" in kinds:
                family.add(row["lemma"])
            elif not kinds & {"Eigenname", "Buchstabe", "Symbol"}:
                nouns |= forms
    return sorted(each for each in nouns if len(each) > 2), sorted(places), sorted(given), sorted(family)
