"""Templates: words that are part of a message against words that are values, and what is counted for them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_support.tools.logs.analysis import Analysis
from bedrock_support.tools.logs.outlines import Outlines, quiet
from bedrock_support.tools.logs.sources import Source
from bedrock_support.tools.logs.templates import Miner
from tests.promises import promise


def grouped(lines: list[str]) -> list[int]:
    miner = Miner()
    numbers = [miner.number(line.encode()) for line in lines]
    return [miner.templates[number].last_word().number for number in numbers]


@promise("triage:templates")
def test_few_words_in_one_place_are_parts_of_the_message() -> None:
    lines = [f"instance {at} of the pool was {word}" for word in ("started", "paused", "resumed") for at in range(9)]
    assert len(set(grouped(lines))) == 3


@promise("triage:templates")
def test_many_words_in_one_place_are_values_even_for_the_lines_before() -> None:
    users = ("alice", "bob", "carol", "dan", "erin", "frank", "grace")
    assert len(set(grouped([f"session opened for {user} by the daemon" for user in users]))) == 1


@promise("triage:templates")
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("10.0.0.7:80 closed the line early", "proxy.example.org:8080 closed the line early"),
        ("sent 17 B to the client in time", "sent 1.5 KB to the client in time"),
        ("lifetime <1 sec of the line", "lifetime 00:03 of the line"),
        ("login at Fri Jun 17 07:07:00 2005 was fine", "login at Mon Jul 4 08:00:59 2005 was fine"),
        ("notice with index:-1 was cancelled", "notice with index:3 was cancelled"),
    ],
)
def test_values_in_two_forms_are_one_template(one: str, other: str) -> None:
    assert len(set(grouped([one, other]))) == 1


@promise("triage:templates")
def test_what_was_counted_before_templates_became_one_is_kept() -> None:
    users = [f"{first}{second}" for first in ("al", "bo", "ca") for second in ("ice", "nny", "rol")]
    lines = [f"2026-03-01T10:00:{at:02d}Z INFO login of {user} was fine" for at, user in enumerate(users)]
    data = "\n".join(lines).encode()
    analysis = Analysis([Source("log", len(data), 0, text=data)], 1_772_400_000.0, None)
    for _ in analysis.steps(time.monotonic, time.monotonic() + 9, lambda: None):
        pass
    (template,) = [each for each in analysis.miner.templates if each.count]
    assert (template.count, template.first, template.last) == (9, 1, 9)
    assert template.text.endswith("login of <*> was fine")
    assert sum(analysis.counts.values()) == 9
    assert {number for number, _ in analysis.counts} == {template.number}
    assert analysis.firsts.keys() == analysis.counts.keys()


_VALUES = ("qxkjv", "wzpfh", "mbtgn", "kdlrs", "vhqxz", "jfmwp", "nzkcb", "ptgxd")
_LOUD = (
    "reset",
    "SomeError",
    "OutOfMemory",
    "refused",
    "corrupted",
    "FATAL",
    "reloaded",
    "timed",
    "failed",
    "panicked",
)


@promise("triage:templates")
@given(st.lists(st.tuples(st.sampled_from(("connection", "order")), st.sampled_from(_VALUES + _LOUD)), min_size=20))
def test_a_line_known_by_the_words_around_its_values_gets_the_template_it_got_before(
    drawn: list[tuple[str, str]],
) -> None:
    learnt = [(what, value) for what in ("connection", "order") for value in _VALUES]
    lines = [f"the {what} {value} was seen by the watcher".encode() for what, value in learnt + drawn]
    quick, slow = Miner(), Miner()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Outlines, "find", lambda self, tokens: None)  # pyright: ignore[reportUnknownArgumentType, reportUnknownLambdaType]
        expected = [slow.number(line) for line in lines]
    found = [quick.number(line) for line in lines]
    assert [quick.templates[each].last_word().text for each in found] == [
        slow.templates[each].last_word().text for each in expected
    ]
    assert [quick.templates[each].severity for each in found] == [slow.templates[each].severity for each in expected]


def test_words_that_say_how_bad_a_line_is_are_no_quiet_values() -> None:
    assert quiet([b"qxkjv", b"<*>", b"/items/abc"])
    assert not any(quiet([b"qxkjv", word.encode()]) for word in _LOUD)
