"""Breaker: stops asking a route that fails or crawls, and finds out by a few trials when to ask again.

Defaults after Resilience4j's count-based breaker and Envoy's outlier detection, with windows sized for calls that
take seconds: both expect hundreds of calls a minute.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Self

from bedrock_support.routing.clock import Clock, Entropy


class BreakerState(StrEnum):
    """What a breaker does with calls."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    """A limited number of trials may pass."""
    FORCED_OPEN = "forced_open"
    """By hand: nothing passes."""
    DISABLED = "disabled"
    """By hand: everything passes and nothing is counted."""
    SHADOW = "shadow"
    """By hand: everything passes, and `would_be` tells what a working breaker would have done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerSettings:
    """When to open, for how long, and what it takes to close."""

    window: int = 50
    """Calls looked at, the newest."""
    window_seconds: float = 60.0
    """Calls older than this don't count."""
    min_calls: int = 10
    """Fewer calls than this say nothing by their share."""
    failed_share: float = 0.5
    slow_share: float = 0.5
    consecutive: int = 5
    """So many failures in a row open it however few calls there were."""
    open_first: float = 5.0
    """Seconds that it stays open at first; doubles with each failed trial."""
    open_most: float = 60.0
    jitter: float = 0.2
    """Share of the wait that is left to chance, so that replicas don't try again in step."""
    trials: int = 3
    """Calls in flight while half open, and good ones in a row that close it."""
    trial_seconds: float = 5.0
    """A trial that takes longer no longer keeps the next one waiting: a hung one would hold every call back for as
    long as its own deadline. What becomes of it still counts."""


class _Verdict(StrEnum):
    GOOD = "good"
    SLOW = "slow"
    FAILED = "failed"


class Permit:
    """Leave to make one call. Ends exactly once: later ends are ignored, and leaving its block ends it as ignored."""

    __slots__ = ("_end",)

    def __init__(self, end: Callable[[_Verdict | None], None]) -> None:
        self._end: Callable[[_Verdict | None], None] | None = end

    @classmethod
    def uncounted(cls) -> Self:
        """Leave for a call whose end tells the breaker nothing."""
        return cls(lambda _: None)

    def succeeded(self, slow: bool = False) -> None:
        """The call was answered; `slow` when it nearly ran out of time."""
        self._finish(_Verdict.SLOW if slow else _Verdict.GOOD)

    def failed(self) -> None:
        """The other side failed it."""
        self._finish(_Verdict.FAILED)

    def ignored(self) -> None:
        """It says nothing of the other side: cancelled, throttled, the caller's fault, never sent."""
        self._finish(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ignored()

    def _finish(self, verdict: _Verdict | None) -> None:
        end, self._end = self._end, None
        if end is not None:
            end(verdict)


class Breaker:
    """One route's breaker. Not thread-safe: it belongs to the event loop."""

    def __init__(self, clock: Clock, entropy: Entropy, settings: BreakerSettings | None = None) -> None:
        self._clock = clock
        self._entropy = entropy
        self._settings = settings or BreakerSettings()
        self._mode: BreakerState | None = None
        """Set by hand; None while the breaker works by itself."""
        self._calls: deque[tuple[float, _Verdict]] = deque(maxlen=self._settings.window)
        self._bad = 0
        """How many of them were slow or failed: while none was, there is nothing to judge."""
        self._tripped = False
        """Open or half open."""
        self._until = 0.0
        self._trips = 0
        self._epoch = 0
        """Calls admitted before the last change of state must not decide the next one."""
        self._trials: list[float] = []
        """When each running trial began."""
        self._good_trials = 0

    @property
    def state(self) -> BreakerState:
        """What it does with the next call."""
        return self._mode or self.would_be

    @property
    def would_be(self) -> BreakerState:
        """What it would do by itself."""
        if not self._tripped:
            return BreakerState.CLOSED
        return BreakerState.OPEN if self._clock.now() < self._until else BreakerState.HALF_OPEN

    def admit(self) -> Permit | None:
        """Leave for one call, or None: don't call now."""
        state = self.state
        if state is BreakerState.DISABLED:
            return Permit.uncounted()
        if state is BreakerState.SHADOW:
            return self._shadow_permit()
        if state in (BreakerState.OPEN, BreakerState.FORCED_OPEN):
            return None
        if state is BreakerState.HALF_OPEN:
            return self._trial_permit() if self._trial_is_free() else None
        return self._closed_permit()

    def retry_in(self) -> float:
        """Seconds until a call may pass: 0 when one may now, infinite when only a hand can change it."""
        if self._mode is BreakerState.FORCED_OPEN:
            return float("inf")
        if self._mode is not None or not self._tripped:
            return 0.0
        return max(0.0, self._until - self._clock.now())

    def set_mode(self, mode: BreakerState | None) -> None:
        """Force open, disable or shadow by hand; None lets the breaker work by itself again.

        Raises:
            ValueError: `mode` is a state that only the breaker itself may enter.
        """
        if mode in (BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN):
            raise ValueError(f"mode = {mode}: give forced_open, disabled, shadow or None")
        if mode is None and self._mode in (BreakerState.DISABLED, BreakerState.FORCED_OPEN):
            self._close()  # nothing was counted meanwhile: what was known before is stale
        self._mode = mode

    def _closed_permit(self) -> Permit:
        epoch = self._epoch

        def end(verdict: _Verdict | None) -> None:
            if verdict is not None and epoch == self._epoch:
                self._count(verdict)

        return Permit(end)

    def _shadow_permit(self) -> Permit:
        """Everything passes, so a tripped shadow learns from whatever comes, one trial at a time."""
        state = self.would_be
        if state is BreakerState.HALF_OPEN and self._trial_is_free():
            return self._trial_permit()
        return self._closed_permit() if state is BreakerState.CLOSED else Permit.uncounted()

    def _trial_is_free(self) -> bool:
        since = self._clock.now() - self._settings.trial_seconds
        return sum(began > since for began in self._trials) < self._settings.trials

    def _trial_permit(self) -> Permit:
        began = self._clock.now()
        self._trials.append(began)
        epoch = self._epoch

        def end(verdict: _Verdict | None) -> None:
            if epoch != self._epoch:
                return  # another trial has decided already, and its decision freed every place
            self._trials.remove(began)
            if verdict is _Verdict.GOOD:
                self._good_trials += 1
                if self._good_trials >= self._settings.trials:
                    self._close()
            elif verdict is not None:
                self._trip()

        return Permit(end)

    def _count(self, verdict: _Verdict) -> None:
        now = self._clock.now()
        if len(self._calls) == self._settings.window:
            self._forget()
        self._calls.append((now, verdict))
        self._bad += verdict is not _Verdict.GOOD
        while self._calls and self._calls[0][0] + self._settings.window_seconds <= now:
            self._forget()
        if self._bad and self._must_open():
            self._trip()

    def _forget(self) -> None:
        """Let the oldest call go."""
        self._bad -= self._calls.popleft()[1] is not _Verdict.GOOD

    def _must_open(self) -> bool:
        settings, verdicts = self._settings, [verdict for _, verdict in self._calls]
        last = verdicts[-settings.consecutive :]
        if len(last) == settings.consecutive and all(each is _Verdict.FAILED for each in last):
            return True
        if len(verdicts) < settings.min_calls:
            return False
        failed = verdicts.count(_Verdict.FAILED) / len(verdicts)
        slow = verdicts.count(_Verdict.SLOW) / len(verdicts)
        return failed >= settings.failed_share or slow >= settings.slow_share

    def _trip(self) -> None:
        settings = self._settings
        wait = min(settings.open_most, settings.open_first * 2.0 ** min(self._trips, 16))
        wait *= 1.0 - settings.jitter * self._entropy.unit()
        self._begin(tripped=True)
        self._trips += 1
        self._until = self._clock.now() + wait

    def _close(self) -> None:
        self._begin(tripped=False)
        self._trips = 0

    def _begin(self, *, tripped: bool) -> None:
        self._epoch += 1
        self._tripped = tripped
        self._calls.clear()
        self._bad = 0
        self._trials.clear()
        self._good_trials = 0
