"""What one run's watch remembers of calls and edits, within bounds."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field

from bedrock_support.tools.executions.model import Step

MOST_CALLS = 2_048
MOST_FILES = 512
MOST_PLACES = 64


@dataclass(slots=True)
class Again:
    """Calls with the same arguments and result, with nothing written in between."""

    epoch: int
    count: int = 0
    places: list[int] = field(default_factory=list[int])
    """Of the first MOST_PLACES calls."""
    steps: list[Step] = field(default_factory=list[Step])
    tokens: int = 0
    seconds: float = 0.0


class Repeats:
    """Counts calls that bring what is known; anything written begins a new epoch."""

    def __init__(self) -> None:
        self._seen: OrderedDict[object, Again] = OrderedDict()
        self._epoch = 0
        self.total = 0
        self.worth: list[Again] = []
        """Those made three times or more, at most 32."""

    def written(self) -> None:
        """From here on, the same call may well bring something else."""
        self._epoch += 1

    def see(self, index: int, step: Step) -> None:
        """Take in an answered call whose arguments are known."""
        found = self._seen.get(step.outcome)
        if found is None or found.epoch != self._epoch:
            found = self._seen[step.outcome] = Again(self._epoch)
            if len(self._seen) > MOST_CALLS:
                self._seen.popitem(last=False)
        self._seen.move_to_end(step.outcome)
        found.count += 1
        if len(found.places) < MOST_PLACES:
            found.places.append(index)
        if len(found.steps) < 8:
            found.steps.append(step)
        if found.count > 1:
            self.total += 1
            found.tokens += step.tokens
            found.seconds += step.seconds
        if found.count == 3 and len(self.worth) < 32:
            self.worth.append(found)


class Edits:
    """Remembers what was written to each file, to see it taken back."""

    def __init__(self) -> None:
        self._files: OrderedDict[str, deque[tuple[str, str, Step]]] = OrderedDict()

    def undone(self, step: Step) -> Step | None:
        """Take in a successful write; the earlier write that it takes back, if it does."""
        traits = step.traits
        if not (traits.target and traits.after):
            return None
        past = self._files.setdefault(traits.target, deque(maxlen=16))
        self._files.move_to_end(traits.target)
        if len(self._files) > MOST_FILES:
            self._files.popitem(last=False)
        found = None
        if traits.before:
            back = traits.after, traits.before
            found = next((each for before, after, each in reversed(past) if (before, after) == back), None)
        elif past and not past[-1][0] and past[-1][1] != traits.after:
            # A whole file that has again what it had two writes ago: the write after that is taken back.
            whole = list(past)
            same = next((i for i in range(len(whole) - 2, -1, -1) if whole[i][:2] == ("", traits.after)), None)
            found = whole[same + 1][2] if same is not None else None
        past.append((traits.before, traits.after, step))
        return found
