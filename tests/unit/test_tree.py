"""Traces printed as trees."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bedrock_support.telemetry.tree import SHOWN, SpanLine, render
from tests.promises import promise

MS = 1_000_000
START = 1_800_000_000_000 * MS


def span(
    name: str, identity: str, parent: str = "", *, at: float = 0, took: float = 1, kind: int = 1, **more: Any
) -> dict[str, Any]:
    """One span of OTLP-JSON; attributes by keyword, with __ for a dot."""
    error = more.pop("error", None)
    attributes = [{"key": "error.type", "value": {"stringValue": error}}] if error else []
    for key, value in more.items():
        kinds = {bool: "boolValue", int: "intValue", str: "stringValue"}
        shown = str(value) if type(value) is int else value
        attributes.append({"key": key.replace("__", "."), "value": {kinds[type(value)]: shown}})
    return {
        "traceId": "ab" * 16,
        "spanId": identity,
        "parentSpanId": parent,
        "name": name,
        "kind": kind,
        "startTimeUnixNano": str(START + int(at * MS)),
        "endTimeUnixNano": str(START + int((at + took) * MS)),
        "attributes": attributes,
        "status": {"code": 2} if error else {},
    }


def line(service: str, *spans: dict[str, Any]) -> str:
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    return json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": list(spans)}]}]}) + "\n"


SERVER = (
    span("route.attempt", "d", "b", at=10, took=0.26, support__route__name="direct", error="throttled"),
    span("chat eu.fast", "e", "f", at=12, took=200, kind=3, gen_ai__usage__input_tokens=12),
    span("route.decide", "c", "b", at=5, took=0.2, support__route__row="mcp-first", support__route__plan="mcp,direct"),
    span("route.attempt", "f", "b", at=11, took=300, support__route__name="mcp", support__simulated=True),
    span("tools/call triage_incident", "b", "a", at=1, took=812, kind=2),
)
CLIENT = span("tools/call triage_incident", "a", took=815, kind=3)
TREE = """\
trace abababababababababababababababab  2027-01-15 08:00:00Z  agent, bedrock-support
tools/call triage_incident  815 ms  client  @agent
└─ tools/call triage_incident  812 ms  server  @bedrock-support
   ├─ route.decide  0.2 ms  row=mcp-first plan=mcp,direct
   ├─ route.attempt direct  0.3 ms  ERROR throttled
   └─ route.attempt mcp  300 ms  simulated
      └─ chat eu.fast  200 ms  client  in=12"""


@promise("telemetry:tree")
def test_spans_of_two_processes_make_one_tree(tmp_path: Path) -> None:
    one, two = tmp_path / "server.jsonl", tmp_path / "client.jsonl"
    one.write_text(line("bedrock-support", *SERVER[:2]) + line("bedrock-support", *SERVER[2:]), encoding="utf-8")
    two.write_text(line("agent", CLIENT), encoding="utf-8")
    assert render([one, two]) == TREE
    assert render([two, one, one]) == TREE, "neither order nor repetition matters"


@promise("telemetry:tree")
def test_colour_is_off_unless_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "spans.jsonl"
    path.write_text(line("agent", CLIENT, *SERVER), encoding="utf-8")
    assert "\x1b" not in render([path])
    assert "\x1b[31mERROR throttled\x1b[0m" in render([path], colour=True)


@promise("telemetry:tree")
def test_a_missing_parent_and_a_later_trace_stand_on_their_own(tmp_path: Path) -> None:
    path = tmp_path / "spans.jsonl"
    later = span("later", "z", at=5000) | {"traceId": "cd" * 16}
    path.write_text(line("s", later, span("orphan", "a", "gone")), encoding="utf-8")
    first, second = render([path]).split("\n\n")
    assert first.splitlines()[1].startswith("orphan")
    assert second.splitlines()[1].startswith("later")


@promise("telemetry:tree-robust")
def test_a_cut_last_line_and_foreign_lines_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "spans.jsonl"
    whole = line("s", span("whole", "a"))
    path.write_text(f'\n[1]\nnull\n"x"\n{{"resourceSpans": [{{}}]}}\n{whole}{whole[:-40]}', encoding="utf-8")
    assert render([path]).splitlines()[1:] == ["whole  1.0 ms  @s"]
    path.write_bytes(b"")
    assert render([path]) == ""


@promise("telemetry:tree-robust")
def test_rings_and_deep_nests_are_drawn_once(tmp_path: Path) -> None:
    path = tmp_path / "spans.jsonl"
    ring = [span("one", "1", "2"), span("two", "2", "1"), span("self", "3", "3")]
    nest = [span("deep", f"n{number}", f"n{number - 1}" if number else "") for number in range(3000)]
    path.write_text(line("s", *ring, *nest), encoding="utf-8")
    drawn = render([path]).splitlines()[1:]
    assert len(drawn) == 3003
    assert max(map(len, drawn)) < 500


@promise("telemetry:tree-robust")
def test_nothing_in_a_file_reaches_the_terminal_as_a_command(tmp_path: Path) -> None:
    path = tmp_path / "spans.jsonl"
    path.write_text(line("s\x1b[2J", span("n\x1b]0;x\x07\n", "a", support__route__row="\x9b31m")), encoding="utf-8")
    assert all(char.isprintable() or char == "\n" for char in render([path]))


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3))


@promise("telemetry:tree-robust")
@given(st.dictionaries(st.sampled_from(sorted(SpanLine.__dataclass_fields__ | span("", "").keys() | {*SHOWN})), JSON))
def test_whatever_a_span_holds_it_does_not_fail(tmp_path_factory: Any, odd: dict[str, Any]) -> None:
    path = tmp_path_factory.mktemp("odd") / "spans.jsonl"
    path.write_text(line("s", span("whole", "a") | odd), encoding="utf-8")
    assert isinstance(render([path]), str)
