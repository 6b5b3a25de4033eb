"""Which worker takes the next session: smooth weighted round robin, exact on every prefix and not by chance."""

from __future__ import annotations

from collections.abc import Mapping


class Balance:
    """Keeps count of what each name is owed."""

    def __init__(self) -> None:
        self._owed: dict[str, int] = {}

    def next(self, weights: Mapping[str, int]) -> str | None:
        """The name that comes next; None when nobody has any weight.

        Each round everybody is owed their weight more and the one taken pays the sum, so that of any hundred
        in a row each gets its percentage, spread evenly (the scheme is nginx's smooth weighted round robin).
        """
        wanted = {name: weight for name, weight in weights.items() if weight > 0}
        if not wanted:
            return None
        self._owed = {name: self._owed.get(name, 0) + weight for name, weight in wanted.items()}
        taken = max(self._owed, key=lambda name: self._owed[name])
        self._owed[taken] -= sum(wanted.values())
        return taken
