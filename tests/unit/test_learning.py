"""What the learner makes of calls: size, shape, trouble and its end."""

from __future__ import annotations

import math
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from bedrock_support.routing.estimate import Estimate, Weights, choose
from bedrock_support.routing.learning import learner, levels, trail, usual
from bedrock_support.routing.learning.learner import RouteLearner
from tests.fakes import FakeClock
from tests.promises import promise

WEIGHTS = Weights()


class Scene:
    """A learner on a clock, fed with one call after the other."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.learner = RouteLearner(self.clock)
        self.random = Random(7)  # noqa: S311 - a fixed world, not a secret

    def call(self, seconds: float = 1.0, *, ok: bool = True, op_class: str = "standard", size: float = 1000.0) -> None:
        """A call that takes about `seconds`; the next one begins when it has ended."""
        took = seconds * math.exp(self.random.gauss(0, 0.2))
        ticket = self.learner.started("direct", op_class, size, 30.0)
        self.clock.time += took
        self.learner.ended(ticket, seconds=took, ok=ok)

    def estimate(self, op_class: str = "standard", *, size: float = 1000.0, budget: float = 30.0) -> Estimate:
        self.clock.time += 0.05
        return self.learner.estimate("direct", op_class, size, budget, usd=0.0, weights=WEIGHTS)


def settled(calls: int = 200) -> Scene:
    scene = Scene()
    for _ in range(calls):
        scene.call()
    return scene


@promise("learning:unknown")
def test_a_channel_never_seen_is_a_guess_without_samples() -> None:
    found = Scene().estimate()
    assert found.samples == 0
    assert not found.flagged
    assert 0.9 < found.p_success < 1


@promise("learning:size")
def test_latency_by_size_is_learnt() -> None:
    scene = Scene()
    for _ in range(400):
        size = math.exp(scene.random.uniform(5, 9))
        scene.call((size / 1000) ** 0.5, size=size)
    small, large = scene.estimate(size=250), scene.estimate(size=4000)
    assert 3.2 < large.seconds / small.seconds < 4.8


@promise("learning:shape")
def test_a_cache_that_answers_half_the_calls_is_seen_in_the_estimate() -> None:
    scene = Scene()
    for number in range(400):
        scene.call(0.2 if number % 2 else 6.0)
    found = scene.estimate(budget=2.0)
    assert 0.4 < found.p_success < 0.6
    assert not found.flagged


@promise("learning:brown-out")
def test_a_brown_out_is_known_within_a_few_calls_and_so_is_its_end() -> None:
    scene = settled()
    assert scene.estimate().seconds < 1.3
    for _ in range(6):
        scene.call(6.0)
    scene.clock.time += 10  # all that began in it has had its time to end
    found = scene.estimate()
    assert found.flagged
    assert found.seconds > 4
    for _ in range(8):
        scene.call()
    scene.clock.time += 2
    assert scene.estimate().seconds < 1.3


@promise("learning:hang")
def test_calls_that_hang_count_before_they_end() -> None:
    scene = settled()
    tickets = [scene.learner.started("direct", "standard", 1000.0, 30.0) for _ in range(6)]
    scene.clock.time += 8
    found = scene.estimate()
    assert found.flagged
    assert found.p_success < 0.5
    for ticket in tickets:
        scene.learner.ended(ticket, seconds=8.0, ok=None)
    assert not scene.estimate().flagged


@promise("learning:outage")
def test_an_outage_is_known_after_a_few_failures_and_forgotten_after_a_few_good_ends() -> None:
    scene = settled()
    for _ in range(3):
        scene.call(0.05, ok=False)
    assert scene.estimate().p_success < 0.3
    for _ in range(4):
        scene.call()
    assert scene.estimate().p_success > 0.95


@promise("learning:gray")
def test_a_class_that_fails_alone_leaves_the_others_alone() -> None:
    scene = Scene()
    for _ in range(200):
        scene.call()
        scene.call(op_class="implementation")
    for _ in range(12):
        scene.call()
        scene.call(0.05, ok=False, op_class="implementation")
    assert scene.estimate("implementation").p_success < 0.4
    assert scene.estimate("standard").p_success > 0.9
    assert scene.learner.class_alone("direct", "implementation")


@promise("learning:not-usual")
def test_a_trouble_does_not_become_the_usual() -> None:
    scene = settled()
    for _ in range(60):
        scene.call(0.05, ok=False)
    for _ in range(4):
        scene.call(8.0)
    for _ in range(12):
        scene.call()
    scene.clock.time += 3
    found = scene.estimate()
    assert found.seconds < 1.4
    assert found.p_success > 0.95


@promise("learning:adopts")
def test_a_new_speed_that_stays_becomes_the_usual() -> None:
    scene = settled()
    for _ in range(60):
        scene.call(4.0)
        scene.estimate()
    assert not scene.learner.troubled("direct")
    assert 3.5 < scene.estimate().seconds < 5


@promise("learning:silent")
def test_what_says_nothing_changes_nothing() -> None:
    scene = settled()
    before = scene.estimate()
    for _ in range(20):
        ticket = scene.learner.started("direct", "standard", 1000.0, 30.0)
        scene.learner.ended(ticket, seconds=20.0, ok=None)
    scene.learner.ended(10_000, seconds=1.0, ok=False)
    assert scene.estimate() == before


@promise("learning:bounded")
def test_what_is_kept_is_bounded() -> None:
    scene = Scene()
    for number in range(learner.CHANNELS + 50):
        scene.learner.started(f"mcp:{number}", "standard", 1.0, 30.0)
    for number in range(learner.FLYING + 50):
        scene.learner.started("direct", "standard", float(number), 30.0)
    for number in range(learner.CLASSES + 50):
        scene.call(op_class=f"class-{number}")
    kept = scene.learner._channels  # pyright: ignore[reportPrivateUsage] - its size is the promise
    assert len(kept) <= learner.CHANNELS
    assert len(kept["direct"].flying) <= learner.FLYING
    assert len(kept["direct"].pairs) <= learner.CLASSES
    assert len(scene.learner._tickets) <= learner.CHANNELS + learner.FLYING + 50  # pyright: ignore[reportPrivateUsage]


@promise("learning:order")
@given(st.lists(st.floats(-1, 1), min_size=1, max_size=5), st.floats(0, 0.5))
def test_the_order_is_by_utility_and_the_given_one_within_the_margin(worth: list[float], margin: float) -> None:
    estimates = {
        number: Estimate(p_success=1, seconds=1, p95_seconds=1, usd=None, utility=each, samples=1, flagged=False)
        for number, each in enumerate(worth)
    }
    order = choose(estimates, list(range(len(worth))), margin)
    assert sorted(order) == list(range(len(worth)))
    if margin == 0:
        assert [worth[each] for each in order] == sorted(worth, reverse=True)
    if max(worth) - min(worth) <= margin:
        assert order == tuple(range(len(worth)))


@promise("learning:shape")
@given(st.floats(0.05, 20.0))
def test_a_shape_agrees_with_the_calls_that_made_it(budget: float) -> None:
    known = usual.Usual()
    pair = known.pairs["standard"] = usual.Pair()
    random = Random(3)  # noqa: S311 - a fixed world
    calls = [random.expovariate(1.0) + 0.1 for _ in range(500)]
    for number, each in enumerate(calls):
        known.absorb(pair, 0.0, math.log(each), float(number))
    in_time, seconds = known.shape(pair).within(math.exp(known.expected(pair, 0.0)), budget)
    assert abs(in_time - sum(each <= budget for each in calls) / len(calls)) < 0.09
    assert abs(seconds - sum(min(each, budget) for each in calls) / len(calls)) < 0.12


@promise("learning:brown-out")
@given(st.lists(st.floats(-30, 0), min_size=levels.SLOWNESS, max_size=levels.SLOWNESS), st.floats(0, 0.3))
def test_levels_stay_probabilities(evidence: list[float], chance: float) -> None:
    before = levels.slowness_prior()
    after = levels.step(before, levels.BELOW, (chance, chance, chance), before, evidence)
    assert math.isclose(sum(after), 1.0)
    assert min(after) >= 0
    assert math.isclose(sum(weight for _, weight in levels.sharpened(after)), 1.0)


@promise("learning:both")
def test_two_channels_that_fail_alike_fail_for_one_reason() -> None:
    scene = Scene()
    for number in range(500):
        bad = number > 400 and number % 4 == 0
        tickets = [scene.learner.started(each, "standard", 1.0, 30.0) for each in ("direct", "mcp")]
        scene.clock.time += 0.2
        for ticket in tickets:
            scene.learner.ended(ticket, seconds=0.2, ok=not bad)
    found = [
        scene.learner.estimate(each, "standard", 1.0, 30.0, usd=0.0, weights=WEIGHTS) for each in ("direct", "mcp")
    ]
    assert all(each.flagged for each in found)
    assert abs(found[0].p_success - found[1].p_success) < 0.02
    assert 0.6 < found[0].p_success < 0.85


@promise("learning:bounded")
def test_calls_that_never_end_do_not_pile_up() -> None:
    scene = settled()
    for _ in range(400):
        scene.clock.time += 1.0
        scene.learner.started("direct", "standard", 1.0, 30.0)
        scene.estimate()
    channel = scene.learner._channels["direct"]  # pyright: ignore[reportPrivateUsage] - its size is the promise
    assert len(channel.buckets) <= trail.MOST + 1


@promise("learning:bounded")
def test_calls_that_nobody_asks_about_do_not_pile_up() -> None:
    scene = settled(400)
    channel = scene.learner._channels["direct"]  # pyright: ignore[reportPrivateUsage] - its size is the promise
    assert len(channel.buckets) <= trail.MOST + 1
