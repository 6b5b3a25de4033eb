"""The breaker against a plain model of what it promises, and the corners that a model would hide."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from bedrock_support.routing.breaker import Breaker, BreakerSettings, BreakerState, Permit
from tests.fakes import CountingEntropy, FakeClock
from tests.promises import promise

LIMITS = BreakerSettings(window=20, min_calls=6, consecutive=4, open_first=5.0, open_most=40.0, trials=2)


def breaker(clock: FakeClock, limits: BreakerSettings = LIMITS) -> Breaker:
    return Breaker(clock, CountingEntropy(), limits)


def call(of: Breaker, verdict: str) -> bool:
    permit = of.admit()
    if permit is None:
        return False
    end(permit, verdict)
    return True


def end(permit: Permit, verdict: str) -> None:
    if verdict == "good":
        permit.succeeded()
    elif verdict == "slow":
        permit.succeeded(slow=True)
    elif verdict == "failed":
        permit.failed()
    else:
        permit.ignored()


def tripped(clock: FakeClock) -> Breaker:
    found = breaker(clock)
    for _ in range(LIMITS.consecutive):
        call(found, "failed")
    return found


class BreakerMachine(RuleBasedStateMachine):
    """Calls begin, end in any order or are abandoned, and time passes; what must hold at every moment is below."""

    permits: Bundle[Permit] = Bundle("permits")

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.breaker = breaker(self.clock)
        self.trials: dict[int, float] = {}
        """When each running trial began."""
        self.refused_until = 0.0

    @rule(target=permits)
    def begin(self) -> Permit:
        before = self.breaker.state
        waited = self.breaker.retry_in()
        permit = self.breaker.admit()
        if before is BreakerState.OPEN:
            assert permit is None
            assert waited > 0
        if before is BreakerState.CLOSED:
            assert permit is not None
        if before is BreakerState.HALF_OPEN and permit is not None:
            self.trials[id(permit)] = self.clock.time
            young = [each for each in self.trials.values() if self.clock.time - each < LIMITS.trial_seconds]
            assert len(young) <= LIMITS.trials
        return permit or Permit.uncounted()

    @rule(permit=consumes(permits), verdict=st.sampled_from(["good", "slow", "failed", "ignored", "left"]))
    def finish(self, permit: Permit, verdict: str) -> None:
        before = self.breaker.state
        trial = id(permit) in self.trials
        if verdict == "left":
            with permit:
                pass
        else:
            end(permit, verdict)
        self.trials.pop(id(permit), None)
        after = self.breaker.state
        if verdict in ("ignored", "left") or (before is BreakerState.HALF_OPEN and not trial):
            assert after is before  # neither says anything about the other side
        if before is BreakerState.HALF_OPEN and trial and verdict in ("failed", "slow"):
            assert after is BreakerState.OPEN
        if after is not before:
            self.trials.clear()  # those still running belong to a past that no longer counts
        end(permit, "failed")  # a second end changes nothing
        assert self.breaker.state is after

    @rule(seconds=st.sampled_from([0.5, 4.0, 5.0, 41.0, 61.0]))
    def wait(self, seconds: float) -> None:
        self.clock.time += seconds

    @invariant()
    def never_open_for_longer_than_the_most(self) -> None:
        assert self.breaker.retry_in() <= LIMITS.open_most


TestBreakerMachine = promise("breaker:model")(BreakerMachine.TestCase)
BreakerMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=60)


@promise("breaker:opens")
@pytest.mark.parametrize(
    ("verdicts", "state"),
    [
        (["failed"] * 4, BreakerState.OPEN),
        (["failed"] * 3 + ["good"], BreakerState.CLOSED),
        (["good", "failed"] * 3, BreakerState.OPEN),
        (["good", "good", "failed"] * 6, BreakerState.CLOSED),
        (["slow", "good"] * 3, BreakerState.OPEN),
        (["slow"] * 5, BreakerState.CLOSED),
        (["ignored"] * 50, BreakerState.CLOSED),
    ],
)
def test_it_opens_for_failures_and_for_slowness_by_their_shares(verdicts: list[str], state: BreakerState) -> None:
    found = breaker(FakeClock())
    for verdict in verdicts:
        call(found, verdict)
    assert found.state is state


@promise("breaker:opens")
def test_failures_older_than_the_window_no_longer_count() -> None:
    clock = FakeClock()
    found = breaker(clock)
    for _ in range(3):
        call(found, "failed")
    clock.time += LIMITS.window_seconds
    call(found, "failed")
    assert found.state is BreakerState.CLOSED


@promise("breaker:recovers")
def test_a_few_good_trials_close_it_and_no_more_than_those_pass() -> None:
    clock = FakeClock()
    found = tripped(clock)
    assert not call(found, "good")
    clock.time += LIMITS.open_first
    assert found.state is BreakerState.HALF_OPEN
    first, second = found.admit(), found.admit()
    assert first is not None
    assert second is not None
    assert found.admit() is None
    first.succeeded()
    second.succeeded()
    assert found.state is BreakerState.CLOSED


@promise("breaker:recovers")
def test_each_failed_trial_doubles_the_wait_up_to_the_most() -> None:
    clock = FakeClock()
    found = tripped(clock)
    waits: list[float] = []
    for _ in range(5):
        waits.append(found.retry_in())
        clock.time += found.retry_in()
        assert call(found, "failed")
    assert waits == sorted(waits)
    assert waits[1] == pytest.approx(2 * waits[0])
    assert found.retry_in() <= LIMITS.open_most


@promise("breaker:no-leak")
def test_an_abandoned_trial_gives_its_place_back() -> None:
    clock = FakeClock()
    found = tripped(clock)
    clock.time += LIMITS.open_first
    for _ in range(10):
        permit = found.admit()
        assert permit is not None
        with pytest.raises(KeyError), permit:
            raise KeyError


@promise("breaker:hung-trial")
def test_a_hung_trial_makes_room_for_the_next_and_still_counts() -> None:
    clock = FakeClock()
    found = tripped(clock)
    clock.time += LIMITS.open_first
    hung = [found.admit() for _ in range(LIMITS.trials)]
    assert found.admit() is None
    clock.time += LIMITS.trial_seconds
    later = found.admit()
    assert later is not None
    assert hung[0] is not None
    hung[0].failed()
    assert found.state is BreakerState.OPEN


@promise("breaker:late")
def test_a_call_from_before_it_opened_decides_nothing_later() -> None:
    clock = FakeClock()
    found = breaker(clock)
    late = found.admit()
    assert late is not None
    for _ in range(LIMITS.consecutive):
        call(found, "failed")
    clock.time += LIMITS.open_first
    late.failed()
    assert found.state is BreakerState.HALF_OPEN


@promise("breaker:by-hand")
def test_modes_set_by_hand() -> None:
    clock = FakeClock()
    found = breaker(clock)
    found.set_mode(BreakerState.FORCED_OPEN)
    assert found.admit() is None
    assert found.retry_in() == float("inf")
    found.set_mode(BreakerState.DISABLED)
    for _ in range(20):
        assert call(found, "failed")
    found.set_mode(BreakerState.SHADOW)
    for _ in range(20):
        assert call(found, "failed")
    assert found.would_be is BreakerState.OPEN
    assert found.state is BreakerState.SHADOW
    found.set_mode(None)
    assert found.state is BreakerState.OPEN
    with pytest.raises(ValueError, match="mode = open: give forced_open"):
        found.set_mode(BreakerState.OPEN)


@promise("breaker:by-hand")
def test_a_shadow_recovers_like_a_working_one() -> None:
    clock = FakeClock()
    found = breaker(clock)
    found.set_mode(BreakerState.SHADOW)
    for _ in range(LIMITS.consecutive):
        call(found, "failed")
    clock.time += LIMITS.open_first
    for _ in range(LIMITS.trials):
        assert call(found, "good")
    assert found.would_be is BreakerState.CLOSED
