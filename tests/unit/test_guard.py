"""What a guard makes of each end of a call, and whom it lets pass."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_support.routing.breaker import BreakerState
from bedrock_support.routing.errors import FAILURES, RouteError
from bedrock_support.routing.guard import BACKOFF_FIRST, BACKOFF_MOST, CHANNELS, Guard, Guards, GuardSettings
from bedrock_support.routing.model import Failure, FailureKind, ModelRole, OperationClass, Priority, Usage
from bedrock_support.routing.prices import expected_usage, price_of
from bedrock_support.routing.tokens import TokenBucket
from bedrock_support.server.environment import SettingsError
from bedrock_support.server.from_settings import guard_settings
from bedrock_support.server.settings import load
from tests.fakes import CountingEntropy, FakeClock, operation
from tests.promises import promise


def guard(clock: FakeClock) -> Guard:
    return Guard(clock, CountingEntropy(), GuardSettings(capacity=4))


async def fail(of: Guard, kind: FailureKind, retry_after: float | None = None) -> None:
    async with of.entered(Priority.HIGH) as leave:
        leave.failed(Failure(kind=kind, message="no", retry_after=retry_after))


@promise("guard:meaning")
@pytest.mark.parametrize("kind", list(FailureKind))
async def test_each_failure_means_what_the_table_says(kind: FailureKind) -> None:
    found = guard(FakeClock())
    for _ in range(5):
        await fail(found, kind)
    meaning = FAILURES[kind]
    assert (found.breaker.state is BreakerState.OPEN) == meaning.hurts_health
    assert (found.limit.value < 4) == (kind is FailureKind.TIMEOUT or meaning.overload) or found.limit.value == 4
    assert (found.retries.tokens < 10) == (meaning.hurts_health or meaning.overload)
    assert found.line.busy == 0


@promise("guard:retry-after")
async def test_a_route_that_asks_to_be_left_alone_is() -> None:
    clock = FakeClock()
    found = guard(clock)
    await fail(found, FailureKind.THROTTLED, retry_after=2.0)
    assert found.open_in() == 2.0
    assert found.backoff(1) == 2.0
    with pytest.raises(RouteError, match="left alone for another 2"):
        async with found.entered(Priority.CRITICAL):
            pass
    async with found.entered(Priority.EMERGENCY) as leave:
        leave.answered(1.0, 5.0, None)
    clock.time += 2.0
    async with found.entered(Priority.LOW) as leave:
        leave.answered(1.0, 5.0, None)
    assert found.line.busy == 0


@promise("guard:emergency-passes")
async def test_an_emergency_passes_an_open_breaker_without_being_its_trial() -> None:
    clock = FakeClock()
    found = guard(clock)
    for _ in range(5):
        await fail(found, FailureKind.TIMEOUT)
    with pytest.raises(RouteError, match="failed too often") as refused:
        async with found.entered(Priority.CRITICAL):
            pass
    assert refused.value.kind is FailureKind.HELD_BACK
    assert refused.value.failure.retry_after == pytest.approx(found.breaker.retry_in())
    for wait in (0.0, 5.0):
        clock.time += wait
        state = found.breaker.state
        async with found.entered(Priority.EMERGENCY) as leave:
            leave.failed(Failure(kind=FailureKind.TIMEOUT, message="late"))
        assert found.breaker.state is state
    found.breaker.set_mode(BreakerState.FORCED_OPEN)
    with pytest.raises(RouteError, match="switched off by hand"):
        async with found.entered(Priority.EMERGENCY):
            pass


@promise("retry:full-jitter")
@given(st.floats(0, 1, exclude_max=True), st.integers(1, 40))
def test_waits_are_drawn_from_nought_to_a_doubling_bound(drawn: float, tries: int) -> None:
    entropy = CountingEntropy()
    entropy.unit = lambda: drawn
    found = Guard(FakeClock(), entropy, GuardSettings())
    bound = min(BACKOFF_MOST, BACKOFF_FIRST * 2.0 ** (tries - 1))
    assert found.backoff(tries) == pytest.approx(drawn * bound)


@promise("guard:bounded")
async def test_guards_are_bounded_and_one_in_use_stays() -> None:
    guards = Guards(FakeClock(), CountingEntropy())
    used = guards.of("mcp:used")
    async with used.entered(Priority.LOW):
        for number in range(CHANNELS + 10):
            guards.of(f"mcp:{number}")
        assert guards.of("mcp:used") is used
    assert len(guards.known()) == CHANNELS


@promise("retry:budget")
def test_one_extra_call_in_ten_successes_is_earned() -> None:
    bucket = TokenBucket()
    while bucket.take():
        pass
    earned = 0
    for _ in range(1000):
        bucket.earn()
        earned += bucket.take()
    assert 90 <= earned <= 100


@promise("prices:unknown")
def test_prices_are_listed_or_unknown() -> None:
    haiku = price_of("eu.anthropic.claude-haiku-5-5")
    assert haiku is not None
    assert haiku == price_of("anthropic.claude-haiku-5-5-20260101-v1:0")
    assert haiku.usd(Usage(input_tokens=1_000_000)) == pytest.approx(0.55)
    assert haiku.usd(Usage(input_tokens=100_000, output_tokens=1_000_000)) == pytest.approx(0.011 + 0.55)
    assert price_of("eu.somebody.else-1") is None
    assert price_of("arn:aws:bedrock:eu-central-1:1:application-inference-profile/x") is None
    asked = operation(OperationClass.EMERGENCY)
    assert asked.model_role is ModelRole.STANDARD
    assert expected_usage(asked).estimated


@promise("breaker:set")
@pytest.mark.parametrize(("told", "open_then"), [("working", True), ("shadow", False), ("disabled", False)])
async def test_breakers_do_what_the_setting_says(told: str, open_then: bool) -> None:
    settings = load({"BEDROCK_SUPPORT_BREAKERS": told, "HOME": ""})
    guards = Guards(FakeClock(), CountingEntropy(), guard_settings(settings, 4))
    found = guards.of("direct")
    for _ in range(5):
        await fail(found, FailureKind.UNAVAILABLE)
    assert (found.open_in() > 0) == open_then
    would_be = BreakerState.CLOSED if told == "disabled" else BreakerState.OPEN
    assert found.breaker.would_be is would_be
    assert found.breaker.state is (BreakerState.OPEN if open_then else BreakerState(told))


@promise("breaker:set")
def test_a_setting_of_the_breakers_that_is_none_is_refused() -> None:
    with pytest.raises(SettingsError, match="BEDROCK_SUPPORT_BREAKERS = 'sometimes'"):
        load({"BEDROCK_SUPPORT_BREAKERS": "sometimes", "HOME": ""})
