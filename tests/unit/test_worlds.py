"""Worlds: their truth is what a sample shows, events apply where and when they say, and decisions are tallied right."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from random import Random

import pytest

from bedrock_support.routing.model import OperationClass, RouteName
from benchmarks.further import TICK
from benchmarks.further_families import FURTHER, HELD_OUT, SEEN, further_world
from benchmarks.latencies import Shape, families
from benchmarks.policies import NAMES, policy
from benchmarks.routing_quality import Job, main, play
from benchmarks.situations import SITUATIONS, random_world
from benchmarks.tally import Tally
from benchmarks.worlds import Drift, Event, Side, World
from tests.promises import promise

DRAWS = 20_000
KIRO = OperationClass.KIRO_COMMUNICATION


def world(side: Side, *events: Event) -> World:
    return World(
        name="test",
        seed=1,
        rate=100.0,
        seconds=DRAWS / 100.0,
        sides=dict.fromkeys(RouteName, side),
        mix={KIRO: 1.0},
        size_sd=0.0,
        events=events,
    )


def side(shape_of: str = "log-normal", median: float = 20.0) -> Side:
    return Side(shape=families()[shape_of][0], medians=dict.fromkeys(OperationClass, median), fails=0.1)


@promise("worlds:truth")
@pytest.mark.parametrize("family", FURTHER)
def test_the_truth_of_a_further_family_is_what_its_calls_show(family: str) -> None:
    given = further_world(family, 3, seconds=150.0, hard=True)
    rows = list(given.rows())
    assert rows == list(further_world(family, 3, seconds=150.0, hard=True).rows())
    for route in RouteName:
        truths = [given.truth(row.t, row.op_class, row.size, route, row.deadline) for row in rows]
        in_time = sum(row.ok[route] and row.seconds[route] <= row.deadline for row in rows)
        seconds = sum(min(row.seconds[route], row.deadline) for row in rows)
        assert in_time / len(rows) == pytest.approx(
            sum(p for p, _ in truths) / len(rows), abs=4 * math.sqrt(0.25 / len(rows))
        )
        assert seconds / len(rows) == pytest.approx(sum(each for _, each in truths) / len(rows), rel=0.08)
    eventful = sum(given.eventful(row.t) for row in rows)
    assert 0 < eventful < len(rows)


@promise("worlds:truth")
def test_a_course_strikes_only_whom_it_names_and_is_known_late_when_asked_so() -> None:
    given = further_world("large-only", 0)
    route, struck = next(
        (route, tick)
        for route, law in given.laws.items()
        for tick, slow in enumerate(law.course.slow)
        if slow > 1 and tick
    )
    t = struck * TICK + 0.01
    # a small request and a large one, as the course began: one is as before, the other is not
    for size, changed in ((100.0, False), (10_000.0, True)):
        now, before = (given.truth(at, KIRO, size, route, 30.0) for at in (t, t - TICK))
        assert (now != before) == changed
    assert given.truth(t, KIRO, 10_000.0, route, 30.0, late=1.0) == given.truth(t - TICK, KIRO, 10_000.0, route, 30.0)


@promise("worlds:truth")
def test_half_of_the_further_families_are_kept_back_and_all_are_played_like_the_others() -> None:
    assert len(SEEN) == len(HELD_OUT) == 6
    assert not set(SEEN) & set(HELD_OUT)
    for family in (SEEN[0], HELD_OUT[0]):
        job = Job(family=family, seed=0, hard=False, rate=20.0, seconds=30.0, policies=("oracle", "informed 1"))
        found = play(job)
        assert found["oracle"].optimal.rate == 1.0
        assert 0.0 < found["informed 1"].optimal.rate <= 1.0


def _name(shape: Shape) -> str:
    return shape.name


def _kind(event: Event) -> str:
    return event.kind


def sampled(of: World, route: RouteName = RouteName.DIRECT) -> tuple[float, float]:
    """Share of answers in time and mean seconds up to the deadline."""
    rows = list(of.rows())
    in_time = [row.ok[route] and row.seconds[route] <= row.deadline for row in rows]
    return sum(in_time) / len(rows), sum(min(row.seconds[route], row.deadline) for row in rows) / len(rows)


@promise("worlds:truth")
@pytest.mark.parametrize("shape", [*itertools.chain(*families().values())], ids=_name)
def test_the_truth_of_a_shape_is_what_a_sample_shows(shape: Shape) -> None:
    given = world(replace(side(), shape=shape))
    p, seconds = given.truth(5.0, KIRO, 1000.0, RouteName.DIRECT, 30.0)
    share, mean = sampled(given)
    assert share == pytest.approx(p, abs=4 * math.sqrt(0.25 / DRAWS))
    assert mean == pytest.approx(seconds, rel=0.02)


@promise("worlds:truth")
@pytest.mark.parametrize(
    "event",
    [
        Event(kind="brown-out", start=0, stop=1e9, routes=(RouteName.DIRECT,), slow=2.0),
        Event(kind="partial", start=0, stop=1e9, routes=(RouteName.DIRECT,), fails=0.4),
        Event(kind="hang", start=0, stop=1e9, routes=(RouteName.DIRECT,), fails=1.0, fail_seconds=40.0),
        Event(kind="throttle", start=0, stop=1e9, routes=(RouteName.DIRECT,), fails=0.7, fail_seconds=0.02),
    ],
    ids=_kind,
)
def test_the_truth_of_an_event_is_what_a_sample_shows(event: Event) -> None:
    given = world(side(), event)
    p, seconds = given.truth(5.0, KIRO, 1000.0, RouteName.DIRECT, 30.0)
    share, mean = sampled(given)
    assert share == pytest.approx(p, abs=4 * math.sqrt(0.25 / DRAWS))
    assert mean == pytest.approx(seconds, rel=0.02)
    assert (p, seconds) != given.truth(5.0, KIRO, 1000.0, RouteName.MCP, 30.0)


@promise("worlds:truth")
def test_an_event_applies_to_its_time_route_and_class_alone() -> None:
    event = Event(kind="gray", start=10, stop=20, routes=(RouteName.MCP,), slow=5.0, fails=0.5, op_class=KIRO)
    given = world(side(), event)
    usual = given.state(0.0, KIRO, 1000.0, RouteName.MCP)
    hit = given.state(10.0, KIRO, 1000.0, RouteName.MCP)
    assert (hit.middle, hit.fails) == (pytest.approx(5 * usual.middle), 0.5)
    assert given.state(20.0, KIRO, 1000.0, RouteName.MCP) == usual
    assert given.state(15.0, KIRO, 1000.0, RouteName.DIRECT) == usual
    assert given.state(15.0, OperationClass.STANDARD, 1000.0, RouteName.MCP) == usual
    assert [given.eventful(t) for t in (9.9, 10.0, 19.9, 20.0)] == [False, True, True, False]


@promise("worlds:truth")
def test_size_and_drift_move_the_middle() -> None:
    power = world(replace(side(median=2.0), growth=0.5, drift=Drift(slope=0.001, swing=0.5, period=100.0)))
    assert power.state(0.0, KIRO, 4000.0, RouteName.MCP).middle == pytest.approx(4.0)
    assert power.state(25.0, KIRO, 1000.0, RouteName.MCP).middle == pytest.approx(2.0 * math.exp(0.525))
    linear = world(replace(side(median=2.0), growth=0.5, linear=True))
    assert linear.state(0.0, KIRO, 3000.0, RouteName.MCP).middle == pytest.approx(4.0)


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_world_is_the_same_for_the_same_seed(name: str) -> None:
    first, again, other = (random_world(name, seed, seconds=20.0) for seed in (1, 1, 2))
    assert list(first.rows()) == list(again.rows()) != list(other.rows())
    assert random_world(name, 1, hard=True).sides != first.sides
    for row in first.rows():
        emergency = row.op_class is OperationClass.EMERGENCY
        assert first.utilities(row).keys() == ({RouteName.DIRECT} if emergency else set(RouteName))


@promise("worlds:policies")
def test_every_policy_plays_and_the_oracle_has_no_regret() -> None:
    job = Job(family="mixed", seed=3, hard=False, rate=20.0, seconds=60.0, policies=NAMES)
    found = play(job)
    assert found.keys() == set(NAMES)
    assert {tally.decisions for tally in found.values()} == {found["oracle"].decisions}
    assert {tally.forbidden for tally in found.values()} == {0}
    assert found["oracle"].regret == 0.0
    assert found["oracle"].optimal.rate == found["oracle"].everything.rate == 1.0
    assert found["ours"].normalised < found["random"].normalised
    with pytest.raises(ValueError, match="no such policy"):
        policy("best", random_world("mixed", 1))


def test_decisions_are_counted_by_regret_window_and_choice() -> None:
    row = next(random_world("mixed", 1).rows())
    both = {RouteName.DIRECT: 0.9, RouteName.MCP: 0.885}
    tally = Tally()
    assert tally.add(row, both, RouteName.DIRECT, 1, eventful=False) == 0.0
    assert tally.add(row, both, RouteName.MCP, 0, eventful=True) == pytest.approx(0.015)
    tally.add(row, {RouteName.DIRECT: 0.9}, RouteName.DIRECT, 0, eventful=True)
    tally.add(row, {RouteName.DIRECT: 0.9}, RouteName.MCP, 0, eventful=True)
    assert [count.good for count in tally.overall] == [1, 1, 2, 2]
    assert (tally.calm.rate, tally.event.rate, tally.forbidden, tally.single) == (1.0, 0.0, 1, 1)
    assert (tally.everything.n, tally.everything.good) == (4, 2)
    assert tally.normalised == pytest.approx(0.5)
    total = Tally()
    total.merge(tally)
    total.merge(tally)
    assert (total.decisions, total.optimal.n, total.event.n, total.probes) == (8, 4, 2, 2)
    low, high = total.optimal.interval()
    assert 0.1 < low < 0.5 < high < 0.9


def test_a_family_or_policy_that_is_unknown_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--families", "cauchy"]) == 2
    assert main(["--policies", "best"]) == 2
    said = capsys.readouterr().err
    assert "cauchy: unknown; there are log-normal" in said
    assert "best: unknown; there are ours" in said


@promise("worlds:truth")
def test_levels_are_drawn_inside_the_shape() -> None:
    random = Random(5)  # noqa: S311 - a fixed sample
    for shape in itertools.chain(*families().values()):
        assert all(0 < shape.draw(level) < 1e9 for level in (0.0, 1.0, random.random()))
        assert list(shape.grid) == sorted(shape.grid)
