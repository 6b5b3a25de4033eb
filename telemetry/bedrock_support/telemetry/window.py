"""A sliding window over one route's attempts: bounded in time and number, and the figures drawn from it."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from bedrock_support.routing.model import FailureKind

WINDOW = 60.0
"""Seconds that an attempt counts for."""
MOST = 50
"""Attempts kept, the newest."""


class Verdict(StrEnum):
    """What one attempt says of its route."""

    GOOD = "good"
    SLOW = "slow"
    THROTTLED = "throttled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Sample:
    """One attempt that counts."""

    at: float
    """Monotonic seconds."""
    verdict: Verdict
    seconds: float
    kind: FailureKind | None = None
    simulated: bool = False


class Window:
    """The newest samples. `judged` of them count for the state, all of them for the figures."""

    def __init__(self) -> None:
        self._samples: deque[Sample] = deque(maxlen=MOST)
        self.judged = 0

    def __len__(self) -> int:
        return len(self._samples)

    def add(self, sample: Sample) -> None:
        self._samples.append(sample)
        self.judged = min(self.judged + 1, len(self._samples))

    def expire(self, now: float) -> float | None:
        """Drop the oldest sample if it is too old, and say when it became so."""
        if not self._samples or self._samples[0].at + WINDOW > now:
            return None
        left = self._samples.popleft()
        self.judged = min(self.judged, len(self._samples))
        return left.at + WINDOW

    def judge_last(self, count: int) -> None:
        """From here on only the newest `count` samples and later ones count for the state."""
        self.judged = min(count, len(self._samples))

    def share(self, verdict: Verdict) -> float:
        """Share of the judged samples."""
        return self.shares(verdict)[0]

    def shares(self, *verdicts: Verdict) -> tuple[float, ...]:
        """Share of the judged samples that each of these verdicts has."""
        # With every call: counting in one list of verdicts is many times faster than a generator for each.
        recent = [sample.verdict for sample in self._samples][len(self._samples) - self.judged :]
        return tuple([recent.count(each) / len(recent) if recent else 0.0 for each in verdicts])

    def run(self, *verdicts: Verdict) -> int:
        """How many of the newest samples in a row have one of these verdicts."""
        count = 0
        for sample in reversed(self._samples):
            if sample.verdict not in verdicts:
                break
            count += 1
        return count

    def simulated(self) -> int:
        return [sample.simulated for sample in self._samples].count(True)

    def failures(self) -> dict[FailureKind, int]:
        """Failed and throttled samples by kind, the most frequent first."""
        kinds = [sample.kind for sample in self._samples if sample.kind is not None]
        return dict(Counter(kinds).most_common()) if kinds else {}

    def quantile(self, share: float) -> float | None:
        """Seconds by nearest rank over the answered attempts, so that it is one that happened."""
        return nearest_rank([each.seconds for each in self._samples if each.kind is None], share)

    def sentence(self) -> str:
        """The evidence with its counts."""
        total = len(self._samples)
        failures = self.failures()
        parts = [f"{kind.value} {count}" for kind, count in failures.items()]
        bad = sum(failures.values())
        said = f"{bad} of {total} attempts in the last {WINDOW:.0f} s failed"
        if parts:
            said += f" ({', '.join(parts)})"
        if slow := [sample.verdict for sample in self._samples].count(Verdict.SLOW):
            said += f", {slow} nearly ran out of time"
        return said


def nearest_rank(values: Iterable[float], share: float) -> float | None:
    """A quantile that is one of the values: the least with at least this share at or below it. None of nothing."""
    ordered = sorted(values)
    return ordered[math.ceil(share * len(ordered)) - 1] if ordered else None
