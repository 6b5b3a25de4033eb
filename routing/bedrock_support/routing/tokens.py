"""TokenBucket: how many retries and hedges a channel may cause, so that a bad hour isn't made worse by them."""

from __future__ import annotations

MOST = 10.0
EARNED = 0.1
"""Per success: at most one extra call in ten, over time."""


class TokenBucket:
    """The retry throttle of gRPC (proposal A6): a failure costs one, an extra call needs more than half the bucket."""

    def __init__(self, most: float = MOST, earned: float = EARNED) -> None:
        self._most = most
        self._earned = earned
        self.tokens = most

    @property
    def allows(self) -> bool:
        """Whether another extra call is within the budget."""
        return self.tokens > self._most / 2

    def take(self) -> bool:
        """Spend one, if the budget allows."""
        if not self.allows:
            return False
        self.spend()
        return True

    def spend(self) -> None:
        self.tokens = max(0.0, self.tokens - 1.0)

    def earn(self) -> None:
        self.tokens = min(self._most, self.tokens + self._earned)
