"""Reading decisions from files and from a Jaeger: whatever stands there, and however it comes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from bedrock_support.routing import semconv
from bedrock_support.routing.model import RouteName
from bedrock_support.server.cli import main
from bedrock_support.server.efficiency_evidence import EfficiencyEvidence, Origin
from bedrock_support.telemetry.efficiency import jaeger, join
from bedrock_support.telemetry.efficiency.jaeger import JaegerError, JaegerReading
from bedrock_support.telemetry.efficiency.live import LiveEfficiency
from bedrock_support.telemetry.efficiency.otlp_files import FileReading
from bedrock_support.telemetry.efficiency.record import (
    Candidate,
    DecisionRecord,
    Ending,
    about_candidate,
    about_ending,
)
from bedrock_support.tools.base import InputError
from bedrock_support.tools.efficiency import Asked, Source, moment
from tests.fakes import FakeClock
from tests.jaeger_rig import NONE_FOUND, FakeJaeger, answering
from tests.promises import promise

AT = FakeClock().wall() - 100.0
SEEN = Candidate(
    route="direct",
    feasible=True,
    health="healthy",
    breaker="closed",
    p_success=0.9,
    ms=812.25,
    usd=None,
    utility=0.8,
    n_eff=12.5,
    flagged=True,
)
ENDING = Ending(ended="answered", met=True, attempts=2, hedge=True, fallback=False, usd=0.00125)


def pairs(about: dict[str, Any]) -> list[dict[str, Any]]:
    kinds = {bool: "boolValue", int: "intValue", float: "doubleValue", str: "stringValue"}
    return [
        {"key": key, "value": {kinds[type(each)]: str(each) if type(each) is int else each}}
        for key, each in about.items()
    ]


def span(number: int, name: str, about: dict[str, Any], events: Iterable[dict[str, Any]] = ()) -> dict[str, Any]:
    made: dict[str, Any] = {
        "traceId": f"{number:032x}",
        "spanId": f"{number:016x}",
        "name": name,
        "startTimeUnixNano": str(int((AT + number / 10) * 1e9)),
        "attributes": pairs(about),
    }
    return made | {"events": [{"name": semconv.EVENT_CANDIDATE, "attributes": pairs(each)} for each in events]}


def decided(number: int) -> dict[str, Any]:
    about = {
        semconv.DECISION_ID: f"d-{number}",
        semconv.DECISION_AT: AT + number / 10,
        semconv.OP_CLASS: "standard",
        semconv.ROUTE_ROW: "row",
        semconv.ROUTE_CHOSEN: "direct",
    }
    return span(number, semconv.SPAN_DECIDE, about, [dict(about_candidate(SEEN))])


def ended(number: int) -> dict[str, Any]:
    return span(number, semconv.SPAN_OUTCOME, dict(about_ending(f"d-{number}", ENDING)))


def line(*spans: dict[str, Any]) -> str:
    resource = {"attributes": pairs({"service.name": "bedrock-support"})}
    return json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}) + "\n"


def expected(number: int, ending: Ending = ENDING) -> DecisionRecord:
    return DecisionRecord(
        id=f"d-{number}",
        trace=f"{number:032x}",
        at=AT + number / 10,
        op_class="standard",
        row="row",
        chosen="direct",
        candidates=(SEEN,),
        ending=ending,
    )


def read(tmp_path: Path, *lines: str | bytes) -> tuple[list[DecisionRecord], list[str]]:
    path = tmp_path / "spans.jsonl"
    path.write_bytes(b"".join(each if isinstance(each, bytes) else each.encode() for each in lines))
    reading = FileReading([path, path])
    return list(reading), reading.limits()


@promise("efficiency:robust")
def test_halves_come_in_any_order_and_twice(tmp_path: Path) -> None:
    found, limits = read(tmp_path, line(ended(1), decided(2)), line(decided(1), ended(2)), line(decided(1), ended(1)))
    assert sorted(found, key=lambda each: each.id) == [expected(1), expected(2)]
    assert limits == []


@promise("efficiency:robust")
def test_what_is_missing_or_broken_is_told(tmp_path: Path) -> None:
    foreign = span(7, "route.decide", {"http.route": "/"})
    odd = decided(8) | {"attributes": [{"key": 3}]}
    found, limits = read(
        tmp_path,
        line(decided(1)),
        line(ended(2), foreign, odd),
        line(decided(3), ended(3))[:-30] + "\n",
        b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"route.decide\xff"}]}]}]}\n',
        "[]\n\nnull\n",
        line(decided(4), ended(4)).rstrip("\n"),
    )
    assert sorted(found, key=lambda each: each.id) == [expected(1, Ending()), expected(4)]
    assert limits == [
        "1 decisions have no outcome: their outcome counts as unknown",
        "1 outcomes have no decision and are in no figure",
        "2 lines are no OTLP JSON and were passed over",
    ]


@promise("efficiency:bounded")
def test_a_line_without_end_and_halves_that_never_come_take_no_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bedrock_support.telemetry.efficiency.otlp_files.LONGEST", 4000)
    monkeypatch.setattr(join, "WAITING", 3)
    monkeypatch.setattr(join, "REMEMBERED", 3)
    lines = [line(decided(number)) for number in range(10)] + [line(ended(100 + number)) for number in range(10)]
    found, limits = read(tmp_path, "x" * 9000 + "\n", *lines, line(decided(50), ended(50)))
    assert len(found) == 11
    assert limits[:2] == [
        "10 decisions have no outcome: their outcome counts as unknown",
        "10 outcomes have no decision and are in no figure",
    ]
    assert limits[2].startswith("1 lines are no OTLP JSON")


@promise("efficiency:robust")
def test_reading_ends_when_its_time_does(tmp_path: Path) -> None:
    path = tmp_path / "spans.jsonl"
    path.write_text(line(decided(1), ended(1)))
    reading = FileReading([path], go_on=lambda: False)
    assert list(reading) == []
    assert reading.limits() == ["the time ran out before all was read"]


def ask(base: str, since: float | None = AT - 1.0) -> JaegerReading:
    return JaegerReading(base, since, FakeClock(), 10.0)


@promise("efficiency:jaeger")
def test_a_full_answer_is_asked_for_again_in_halves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jaeger, "DEPTH", 5)
    path = tmp_path / "spans.jsonl"
    path.write_text("".join(line(decided(number), ended(number)) for number in range(40)))
    server = FakeJaeger(path)
    with answering(server.answer) as base:
        reading = ask(base)
        found = sorted(reading, key=lambda each: each.at)
    assert found == [expected(number) for number in range(40)]
    assert reading.limits() == []
    assert len(server.asked) > 8


@promise("efficiency:jaeger")
def test_more_traces_in_one_moment_than_jaeger_gives_are_told_as_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jaeger, "DEPTH", 2)
    same = {"startTimeUnixNano": str(int(AT * 1e9))}
    path = tmp_path / "spans.jsonl"
    path.write_text("".join(line(decided(number) | same, ended(number) | same) for number in range(4)))
    with answering(FakeJaeger(path).answer) as base:
        reading = ask(base)
        assert 2 <= len(list(reading)) < 4
    assert "some are missing" in reading.limits()[0]


@promise("efficiency:jaeger")
def test_none_found_is_none_and_streams_of_answers_are_joined() -> None:
    with answering(lambda _: (404, NONE_FOUND)) as base:
        reading = ask(base, None)
        assert list(reading) == []
        assert reading.limits() == ["from Jaeger: the last 7 days"]
    halves = b"\n".join(f'{{"result": {line(each(1)).strip()}}}'.encode() for each in (decided, ended))
    with answering(lambda _: (200, halves)) as base:
        assert list(ask(base)) == [expected(1)]


@promise("efficiency:jaeger")
@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (404, b'{"detail":"Not Found"}', "answered 404"),
        (404, b"nginx", "answered 404"),
        (302, b"", "answered 302"),
        (500, b'{"error":{"message":"boom"}}', "answered 500"),
        (200, b"<html>", "no OTLP JSON"),
        (200, b'{"result":{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"\xff"}]}]}]}}', "no OTLP JSON"),
        (200, b'{"error":{"message":"boom"}}', "could not answer"),
    ],
)
def test_what_is_no_jaeger_is_told(status: int, body: bytes, said: str) -> None:
    with answering(lambda _: (status, body)) as base, pytest.raises(JaegerError, match=said):
        list(ask(base))


@promise("efficiency:jaeger")
def test_a_dead_jaeger_is_told() -> None:
    with answering(lambda _: (200, b"")) as base:
        pass
    with pytest.raises(JaegerError, match="no answer from 127"):
        list(ask(base))
    with pytest.raises(JaegerError, match="not all traces came in time"):
        list(JaegerReading(base, AT, FakeClock(), 0.0))


@promise("efficiency:refused")
@pytest.mark.parametrize(
    ("source", "url", "field"),
    [
        ("jaeger", "http://169.254.169.254/", "url"),
        ("jaeger", "http://127.0.0.1.example.org/", "url"),
        ("jaeger", "http://127.0.0.1@example.org/", "url"),
        ("jaeger", "http://[::1", "url"),
        ("jaeger", "file://localhost/etc/passwd", "url"),
        ("jaeger", None, "url"),
        ("files", None, "path"),
    ],
)
def test_an_agent_reaches_only_this_machine_and_the_set_jaeger(source: Source, url: str | None, field: str) -> None:
    evidence = EfficiencyEvidence(live=LiveEfficiency(), span_file=None, jaeger_url=None, clock=FakeClock())
    with pytest.raises(InputError) as refused:
        evidence(Asked(source=source, url=url, seconds=1.0))
    assert refused.value.field == field


@promise("efficiency:refused")
def test_the_jaeger_of_the_settings_may_be_asked_and_its_password_is_not_shown() -> None:
    with answering(lambda _: (200, b"<html>")) as base:
        url = base.replace("127.0.0.1", "user:secret@127.0.0.1")
        evidence = EfficiencyEvidence(live=LiveEfficiency(), span_file=None, jaeger_url=url, clock=FakeClock())
        with pytest.raises(InputError) as told:
            evidence(Asked(source="jaeger", seconds=5.0))
    assert "secret" not in str(told.value)


@promise("efficiency:refused")
def test_a_beginning_is_an_iso_time() -> None:
    assert moment("2026-11-23T14:00:00Z") == moment("2026-11-23T14:00:00") == moment("2026-11-23T15:00:00+01:00")
    with pytest.raises(InputError, match="no ISO 8601 time"):
        moment("yesterday")


@promise("efficiency:replay")
def test_one_change_is_replayed_from_files_and_from_a_jaeger(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = SEEN._replace(route="mcp", p_success=0.95)

    def choice(number: int) -> dict[str, Any]:
        made = decided(number)
        events = [{"name": semconv.EVENT_CANDIDATE, "attributes": pairs(dict(about_candidate(other)))}]
        return made | {"events": [*made["events"], *events]}

    path = tmp_path / "spans.jsonl"
    path.write_text("".join(line(choice(number), ended(number)) for number in range(5)))
    assert main(["efficiency", "--files", str(path), "--replay", "row=mcp", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["row"], told["route"], told["n"], told["attainment"]) == ("row", "mcp", 5, 0.05)
    with answering(FakeJaeger(path).answer) as base:
        evidence = EfficiencyEvidence(live=LiveEfficiency(), span_file=None, jaeger_url=None, clock=FakeClock())
        assert evidence.replayed(Origin(url=base, seconds=60.0), "row", RouteName.MCP) == told
        with pytest.raises(InputError, match="no decision of this row"):
            evidence.replayed(Origin(url=base, seconds=60.0), "another", RouteName.MCP)
    assert main(["efficiency", "--files", str(path), "--replay", "no such row=mcp"]) == 2
    assert "no decision of this row had that choice" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["efficiency", "--files", str(path), "--replay", "row=nowhere"])
