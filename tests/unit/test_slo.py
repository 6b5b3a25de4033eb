"""Objectives, burn rates and gates, against curves computed by hand."""

from __future__ import annotations

import pytest

from bedrock_support.routing.matrix import shipped
from bedrock_support.telemetry.slo.board import Board
from bedrock_support.telemetry.slo.burn import Counts, Severity, alerts, burn_rate
from bedrock_support.telemetry.slo.objectives import read_objectives, shipped_objectives
from tests.fakes import FakeClock
from tests.promises import promise

HOUR = 3600


def run(clock: FakeClock, counts: Counts, seconds: int, bad_in: int) -> None:
    """One event every 3 s, every `bad_in`th bad; 0: none."""
    for number in range(seconds // 3):
        clock.time += 3
        counts.add(not (bad_in and number % bad_in == 0))


@promise("health:burn")
def test_burn_is_the_error_rate_in_budgets() -> None:
    assert burn_rate(90, 10, 0.99) == pytest.approx(10.0)
    assert burn_rate(99, 1, 0.99) == pytest.approx(1.0)
    assert burn_rate(0, 0, 0.99) is None


@promise("health:burn")
def test_twenty_per_cent_errors_for_an_hour_page() -> None:
    clock = FakeClock(0.0)
    counts = Counts(clock)
    run(clock, counts, HOUR, 5)  # 20 % of 1 % allowed: burn 20
    fast, slow, *_ = alerts(counts, 0.99)
    assert (fast.fires, fast.rule.severity) == (True, Severity.PAGE)
    assert fast.long_burn == pytest.approx(20.0, rel=0.05)
    assert slow.fires is True


@promise("health:burn")
def test_ten_per_cent_errors_page_by_the_slower_rule_alone() -> None:
    clock = FakeClock(0.0)
    counts = Counts(clock)
    run(clock, counts, 6 * HOUR, 10)  # burn 10: under 14.4, over 6
    assert [each.fires for each in alerts(counts, 0.99)] == [False, True, True, True]


@promise("health:burn")
def test_two_per_cent_errors_make_a_ticket_and_no_page() -> None:
    clock = FakeClock(0.0)
    counts = Counts(clock)
    run(clock, counts, 6 * HOUR, 50)  # burn 2: under 3, over 1
    assert [each.fires for each in alerts(counts, 0.99)] == [False, False, False, True]


@promise("health:burn")
def test_an_alert_ends_with_its_short_window() -> None:
    clock = FakeClock(0.0)
    counts = Counts(clock)
    run(clock, counts, HOUR, 2)
    assert alerts(counts, 0.99)[0].fires is True
    run(clock, counts, 360, 0)
    assert (alerts(counts, 0.99)[0].long_burn or 0) > 14.4
    assert alerts(counts, 0.99)[0].fires is False


@promise("health:burn")
def test_few_events_are_unknown_and_a_gate_on_unknown_fails() -> None:
    clock = FakeClock(0.0)
    counts = Counts(clock)
    run(clock, counts, 57, 1)
    assert {each.fires for each in alerts(counts, 0.99)} == {None}
    gates = [each for each in Board(clock).standing() if each.objective.gate]
    assert len(gates) == 5
    assert not any(each.passes for each in gates)


@promise("health:objectives")
def test_each_class_has_its_deadline_of_the_matrix() -> None:
    written = {each.op_class: each.seconds for each in shipped_objectives() if each.op_class}
    assert written == {op_class: rule.deadline for op_class, rule in shipped().rules.items()}


@pytest.mark.parametrize(
    ("change", "said"),
    [(("target = 0.99", "target = 1.0"), "target"), (("kind = ", "kin = "), "missing"), (("", ""), "")],
)
def test_impossible_objectives_are_refused(change: tuple[str, str], said: str) -> None:
    text = '[[slo]]\nname = "a"\ntitle = "A"\nkind = "success"\ntarget = 0.99\ngate = true\nwindow = 300\n'
    if not said:
        with pytest.raises(ValueError, match="twice"):
            read_objectives(text + text)
        return
    with pytest.raises(ValueError, match=said):
        read_objectives(text.replace(*change))
