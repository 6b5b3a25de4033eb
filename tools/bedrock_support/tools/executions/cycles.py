"""Stretches in which an agent does the same few calls over and over, found while the calls go by."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from bedrock_support.tools.executions.model import Step

ROUNDS = {1: 3, 2: 2, 3: 3, 4: 3}
"""Length of a period in calls -> rounds from which on it is a finding."""
PATIENCE = 10
"""Calls that wait for something, and see it come in the end, are no loop up to this many."""
CITED = 8


@dataclass(slots=True, kw_only=True)
class Stretch:
    """Calls from the first round on; the first round itself is no waste."""

    period: int
    start: int
    """Place of the first call in the run."""
    first_bad: int = 0
    """Place of the first call of the second round."""
    bad: Step | None = None
    end: int = 0
    length: int = 0
    steps: list[Step] = field(default_factory=list[Step])
    keys: tuple[object, ...] = ()
    tokens: int = 0
    seconds: float = 0.0

    @property
    def rounds(self) -> int:
        return self.length // self.period


class Cycles:
    """Watches the calls of one run. Keeps the last four calls and at most eight steps per period."""

    def __init__(self) -> None:
        self._last: deque[tuple[int, Step, object]] = deque(maxlen=max(ROUNDS))
        self._open: dict[int, Stretch] = {}

    def see(self, index: int, step: Step) -> list[Stretch]:
        """Take in a call; stretches that it ends are given back."""
        key: object = step.outcome if step.traits.args and step.answered else (index,)
        over: list[Stretch] = []
        for period in ROUNDS:
            stretch = self._open.get(period)
            if len(self._last) >= period and self._last[-period][2] == key:
                if stretch is None:
                    stretch = self._begin(period, index, step)
                _grow(stretch, index, step)
            elif stretch is not None:
                del self._open[period]
                if not _came(stretch, step):
                    over.append(stretch)
        self._last.append((index, step, key))
        return [each for each in over if _counts(each)]

    def rest(self) -> list[Stretch]:
        """Stretches that the end of the run ends."""
        found = [each for each in self._open.values() if _counts(each)]
        self._open.clear()
        return found

    def _begin(self, period: int, index: int, step: Step) -> Stretch:
        block = list(self._last)[-period:]
        found = Stretch(
            period=period,
            start=block[0][0],
            first_bad=index,
            bad=step,
            length=period,
            steps=[each[1] for each in block],
            keys=tuple(each[2] for each in block),
        )
        self._open[period] = found
        return found


def _grow(stretch: Stretch, index: int, step: Step) -> None:
    stretch.length += 1
    stretch.end = index
    stretch.tokens += step.tokens
    stretch.seconds += step.seconds
    if len(stretch.steps) < CITED:
        stretch.steps.append(step)


def _came(stretch: Stretch, step: Step) -> bool:
    """Whether what a polling call waited for came: the same call, another result, and not after too long."""
    last = stretch.steps[-1]
    return stretch.period == 1 and last.ok is True and stretch.length <= PATIENCE and step.key == last.key


def _counts(stretch: Stretch) -> bool:
    keys, period = stretch.keys, stretch.period
    if stretch.rounds < ROUNDS[period]:
        return False
    if period == 1:
        return True
    # A A A A has every period, and A B A B that of four: only the shortest is told.
    return len(set(keys)) > 1 and not (period == 4 and keys[:2] == keys[2:])
