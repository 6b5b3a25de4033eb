"""What goes wrong in agents' runs is found, and what only looks like it is not."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest

from tests.promises import promise
from tests.runs_rig import FORMS, Call, Event, lines, look, patterns, write


def read(name: str, text: str = "text") -> Call:
    return "read_file", {"path": name}, text, True


def edit(old: str, new: str) -> Call:
    return "edit_file", {"path": "a.py", "old_string": old, "new_string": new}, "done", True


def suite(result: str, ok: bool) -> Call:
    return "bash", {"command": "pytest -q"}, result, ok


GREP: Call = "grep", {"pattern": "x"}, "a.py:1", True
BROKEN: Call = "fetch", {"url": "u"}, "connection refused at 10:22", False
WORK: list[Event] = [read("a.py", "1"), GREP, edit("1", "2"), suite("3 passed", True)]
DONE = "Done: the tests pass."

PLANTED: dict[str, tuple[list[Event], str, int]] = {
    "loop": ([read("b"), *[read("a")] * 4, *WORK], "loop", 2),
    "ping-pong": ([*WORK, *[read("c"), GREP] * 3, *WORK], "ping_pong", 6),
    "edits to and fro": ([*[edit("a", "b"), edit("b", "a")] * 3, read("a")], "ping_pong", 2),
    "retries": ([read("b"), *[BROKEN] * 4, *WORK], "retry_storm", 2),
    "guessing": ([*[("fetch", {"url": str(n)}, f"not found: {n}", False) for n in range(5)], *WORK], "retry_storm", 1),
    "repeats": ([read("a"), GREP, read("a"), read("b"), read("a"), *WORK], "repeat", 2),
    "taken back": ([edit("a", "b"), suite("3 passed", True), edit("b", "a"), read("q")], "contradiction", 2),
    "left failing": ([*WORK, BROKEN, ("fetch", {"url": "v"}, "refused", False)], "abandoned", 4),
}
FINE: dict[str, list[Event]] = {
    "polling that progresses": [*[("status", {"id": 1}, f"{n} of 9", True) for n in range(9)], *WORK],
    "waiting for what comes": [*[("status", {"id": 1}, "pending", True)] * 5, ("status", {"id": 1}, "done", True)],
    "pages": [*[("read_file", {"path": "a", "offset": n}, f"page {n}", True) for n in range(0, 900, 100)], *WORK],
    "tests after edits": [
        *[each for n in range(5) for each in (edit(f"v{n}", f"v{n + 1}"), suite("1 failed in 0.2s", False))],
        *[edit("v6", "v7"), suite("3 passed", True)],
    ],
    "reading again after a write": [*[each for n in range(4) for each in (read("a"), edit(f"{n}", f"{n + 1}"))]],
    "one retry": [BROKEN, BROKEN, ("fetch", {"url": "u"}, "here", True), *WORK],
}


@promise("runs:patterns")
@promise("runs:forms")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", PLANTED)
def test_what_goes_wrong_is_found_in_each_form(tmp_path: Path, name: str, form: str) -> None:
    events, pattern, first = PLANTED[name]
    report = look(write(tmp_path / "run.jsonl", events, form))
    assert {each.pattern for each in report.found} == {pattern}
    assert report.found[0].first_bad_index == first
    assert report.runs[0].calls == len(events)


@promise("runs:look-alikes")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", FINE)
def test_what_only_looks_wrong_is_left_alone(tmp_path: Path, name: str, form: str) -> None:
    assert patterns(write(tmp_path / "run.jsonl", FINE[name], form)) == set()


@promise("runs:patterns")
@pytest.mark.parametrize("form", ["messages", "chat"])
def test_words_are_held_against_tests(tmp_path: Path, form: str) -> None:
    path = tmp_path / "run.jsonl"
    failing = suite("1 failed, 2 passed", False)
    assert patterns(write(path, [*WORK, failing, DONE], form)) == {"contradiction"}
    assert patterns(write(path, [*WORK, failing, "One test still fails; I can't mend it."], form)) == set()
    assert patterns(write(path, [failing, *WORK, DONE], form)) == set()
    assert patterns(write(path, [*WORK, ("bash", {"command": "make"}, None, True)], form)) == {"abandoned"}


@promise("runs:patterns")
@pytest.mark.parametrize("form", FORMS)
def test_an_open_task_list_is_abandoned_work(tmp_path: Path, form: str) -> None:
    def todo(*states: str) -> Call:
        return "TodoWrite", {"todos": [{"content": "x", "status": state} for state in states]}, "ok", True

    path = tmp_path / "run.jsonl"
    assert patterns(write(path, [todo("completed", "pending"), *WORK], form)) == {"abandoned"}
    assert patterns(write(path, [todo("pending"), *WORK, todo("completed")], form)) == set()


@promise("runs:cited")
def test_findings_cite_lines_and_failures_are_grouped(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", [read("b"), *[BROKEN] * 4, *WORK], "plain")
    write(tmp_path / "b.jsonl", [BROKEN, *WORK], "messages")
    report = look(tmp_path)
    (found,) = report.found
    rows = (tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines()
    assert found.first_bad.file == "a.jsonl"
    assert found.first_bad.line == 3
    assert all(json.loads(rows[each.line - 1])["tool"] == each.traits.tool for each in found.steps)
    assert found.disproof
    assert "cause" in found.feedback
    (cluster,) = report.clusters
    assert (cluster.count, cluster.runs, cluster.first.line) == (5, 2, 2)
    assert cluster.error == "connection refused at #:#"


@promise("runs:cited")
def test_waste_is_what_the_later_rounds_cost(tmp_path: Path) -> None:
    report = look(write(tmp_path / "run.jsonl", [*[read("a")] * 5, *WORK], "messages"))
    assert report.found[0].tokens == 4 * 120
    assert report.runs[0].wasted_tokens == 4 * 120
    assert report.runs[0].tokens == 9 * 120


@promise("runs:hostile")
def test_hostile_lines_are_passed_over_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    bad = [
        b"\xff\xfe\x00",
        b"[" * 200_000,
        b'{"a":' * 100_000,
        b'{"tool": "x", "args": ' + b"[" * 900 + b"]" * 900 + b"}",
        b'{"role": "assistant", "content": 7, "tool_calls": {"a": 1}}',
        b'{"type": "user", "message": {"role": "user", "content": [null, 3, {"type": "tool_result"}]}}',
        b'{"resourceSpans": [{"scopeSpans": [{"spans": [7, {"attributes": 3}]}]}]}',
        b'{"event": "PostToolUse", "tool": "t", "args_sha256": 5, "ts": 1e999, "out_bytes": -3}',
        b'{"tool": "x", "t": NaN, "ok": "yes", "tokens": 1e400, "result": {"a": [1]}}',
        b'{"tool": "x", "tokens": ' + b"9" * 5_000 + b"}",
        b'{"tool": "' + b"x" * 5_000_000 + b'"}',
        b'{"tool": "\\u0000\\ud800", "result": "\\ud800", "ok": false}',
        b"{}",
    ]
    good = "\n".join(lines([*[read("a")] * 4], "plain")).encode()
    path.write_bytes(b"\n".join([*bad, good]))
    (tmp_path / "link.jsonl").symlink_to("/etc/hostname")
    report = look(tmp_path)
    assert report.tally.unreadable >= 4
    assert report.tally.files == 1
    assert "loop" in {each.pattern for each in report.found}


@promise("runs:bounded")
@pytest.mark.timeout(300)
def test_a_long_record_takes_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for n in range(40_000):
            row = {"run": f"r{n % 900}", "tool": f"t{n}", "args": {"n": n}, "result": "x" * 500, "ok": n % 3 > 0}
            file.write(json.dumps(row) + "\n")
    tracemalloc.start()
    try:
        report = look(path)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()  # else all tests after this one are slow
    assert report.ended_early > 0
    assert len(report.runs) <= 2_000
    assert most < 60_000_000
