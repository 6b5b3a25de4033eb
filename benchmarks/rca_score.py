"""Scores of find_root_cause on recorded incidents."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from bedrock_support.tools.causes.analyse import DEFAULT, find_causes
from bedrock_support.tools.causes.detectors import DETECTORS
from bedrock_support.tools.causes.gather import gather
from bedrock_support.tools.causes.model import SYMPTOMS, Data
from bedrock_support.tools.paths import Place

FIRST, THIRD = 0.8, 0.95
BINS = 5


@dataclass(slots=True)
class Ranks:
    """Place of the true cause (from 1; none: never) in each incident, and the confidence in the first."""

    places: list[int | None] = field(default_factory=list[int | None])
    sure: list[float] = field(default_factory=list[float])

    def add(self, ranked: Mapping[str, float], truth: str) -> int | None:
        names = list(ranked)
        place = names.index(truth) + 1 if truth in names else None
        self.places.append(place)
        self.sure.append(next(iter(ranked.values()), 0.0))
        return place

    def top(self, most: int) -> float:
        return sum(each is not None and each <= most for each in self.places) / max(1, len(self.places))

    def error(self) -> float:
        """Expected calibration error of the first cause's confidence, in five bins."""
        total = 0.0
        for place in range(BINS):
            inside = [each for each in range(len(self.sure)) if min(BINS - 1, int(self.sure[each] * BINS)) == place]
            if inside:
                said = sum(self.sure[each] for each in inside) / len(inside)
                true = sum(self.places[each] == 1 for each in inside) / len(inside)
                total += len(inside) / len(self.sure) * abs(said - true)
        return total

    def __str__(self) -> str:
        return (
            f"top-1 {self.top(1):.3f}, top-3 {self.top(3):.3f}, top-5 {self.top(5):.3f} of {len(self.places)}, "
            f"calibration error {self.error():.3f}"
        )


def score_suite(folder: Path, detectors: bool) -> bool:
    """Print the scores of recorded incidents; true if the bars are reached."""
    cases = [
        (json.loads((each / "truth.txt").read_text(encoding="utf-8")), gather([Place(each, folder)]), each.name)
        for each in sorted(folder.iterdir())
        if (each / "truth.txt").is_file()
    ]
    reached = False
    plain = Ranks()
    for truth, data, _ in cases:
        bare = tuple(each for each in data.series if each.kind not in SYMPTOMS or not each.own)
        found = find_causes(Data(series=bare, calls=data.calls), start=truth["start"], end=truth["end"])
        plain.add({each.entity: each.confidence for each in found.causes}, truth["service"])
    alarms = sum(bool(find_causes(_before(data, truth["start"])).causes) for truth, data, _ in cases)
    print(f"suite, {DEFAULT}, told nothing, calm part alone: a cause is named in {alarms} of {len(cases)}")
    print(f"suite, {DEFAULT}, told when, without self time, own errors and unanswered calls: {plain}")
    for name in DETECTORS if detectors else (DEFAULT,):
        for told in (False, True):
            ranks, by_fault = Ranks(), dict[str, Ranks]()
            missed: list[str] = []
            for truth, data, label in cases:
                start = truth["start"] if told else None
                end = truth["end"] if told else None
                found = find_causes(data, start=start, end=end, detector=DETECTORS[name])
                ranked = {each.entity: each.confidence for each in found.causes}
                place = ranks.add(ranked, truth["service"])
                by_fault.setdefault(truth["fault"], Ranks()).add(ranked, truth["service"])
                if place != 1:
                    missed.append(f"{label}: {place or 'not listed'}, first {next(iter(ranked), 'nothing')}")
            how = "told when" if told else "told nothing"
            print(f"suite, {name}, {how}: {ranks}")
            if name == DEFAULT:
                reached = ranks.top(1) >= FIRST and ranks.top(3) >= THIRD and (reached or not told)
                _detail(by_fault, missed)
    print(f"suite: {'reaches' if reached else 'misses'} top-1 {FIRST} and top-3 {THIRD}")
    return reached


def _before(data: Data, end: float) -> Data:
    """What was measured before a moment."""
    cut = [(each, sum(when < end for when in each.times)) for each in data.series]
    series = (replace(each, times=each.times[:place], values=each.values[:place]) for each, place in cut)
    return Data(series=tuple(series), calls=data.calls)


def _detail(by_fault: Mapping[str, Ranks], missed: Iterable[str]) -> None:
    for fault, ranks in sorted(by_fault.items()):
        print(f"  {fault}: {ranks.top(1):.2f} / {ranks.top(3):.2f} of {len(ranks.places)}")
    for each in missed:
        print(f"  missed {each}")
