"""Templates: words that are part of a message against words that are values, and what is counted for them."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_support.tools.logs.analysis import Analysis
from bedrock_support.tools.logs.outlines import Outlines, quiet
from bedrock_support.tools.logs.records import keys_of
from bedrock_support.tools.logs.severity import mark_codes
from bedrock_support.tools.logs.sources import Source
from bedrock_support.tools.logs.templates import Miner
from bedrock_support.tools.logs.unmasked import Unmasked
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


_FORMS = (
    "INFO order {} of {} was sent",
    "INFO GET /items/{} 200 12 ms",
    "WARN kept 5 {} of {}",
    "INFO {} {} on Mon {} 12 of the year",
    "{} was here and {} was not (12 {} today",
    'level=info msg="task {} is done" by {}',
)
_ODD = (
    *("B", "KB)", "bytes", "s", "secs", "Jan", "Mon", "7", "+7", "(7", "<5", "<*>", "[1/Jan/2]", "", "a\tb", "back\\"),
    *('"q"', "msg=x", "status=500", "8fail", "fail8", "erin5", "deadbeef", "10.0.0.1:80", "host.org:9", "aBc", "order"),
)


def drawn_lines(count: int) -> list[bytes]:
    """Lines of all forms with random words in them, and here and there a value that is odd or says something."""
    draw = random.Random(20261129)  # noqa: S311 - lines to group, no secret
    odd = _ODD + _LOUD

    def value() -> str:
        return draw.choice(odd) if draw.random() < 0.05 else "".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=12))

    return [
        f"2026-03-01T10:00:{at % 60:02d}Z {draw.choice(_FORMS).format(value(), value(), value())}".encode()
        for at in range(count)
    ]


def numbered(miner: Miner, lines: list[bytes]) -> list[tuple[str, int]]:
    """Text and severity of each line's template, the lines being numbered in blocks as a log's are."""
    numbers: list[int] = []
    for first in range(0, len(lines), 1_000):
        some = lines[first : first + 1_000]
        numbers += miner.numbers(some, keys_of(mark_codes(b"\n".join(some)), strong=False))[0]
    found = [miner.templates[number].last_word() for number in numbers]
    return [(template.text, template.severity) for template in found]


@promise("triage:templates")
def test_a_line_known_before_it_is_masked_gets_the_template_it_got_before() -> None:
    lines = drawn_lines(6_000)
    quick, slow = Miner(), Miner()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Unmasked, "find", lambda self, lines: [None] * len(lines))  # pyright: ignore[reportUnknownArgumentType, reportUnknownLambdaType]
        expected = numbered(slow, lines)
    assert numbered(quick, lines) == expected


def learnt() -> tuple[Unmasked, list[bytes]]:
    """A memory that knows lines of which the third and fifth words are values, and such lines."""
    lines = [f"the order {one} of {two} was sent".encode() for one in _VALUES for two in _VALUES]
    memory = Unmasked()
    for line in lines:
        memory.learn(line, 3, frozenset({2, 4}), bytes.split)
    return memory, lines


def test_lines_are_known_by_the_words_around_their_values_until_these_may_mean_another_template() -> None:
    memory, lines = learnt()
    assert memory.find(lines) == [3] * len(lines)
    memory.forget(6)
    assert memory.find(lines) == [3] * len(lines)
    memory.forget(7)
    assert memory.find(lines) == [None] * len(lines)


def test_one_line_whose_value_may_be_more_than_a_value_is_left_out_alone() -> None:
    memory, lines = learnt()
    memory.fixed.add(b"draft")
    for value in (*_LOUD, "draft", "Mon", "", "<*>", "status=\x0e"):
        line = f"the order {value} of qxkjv was sent".encode()
        assert memory.find([*lines, line, *lines]) == [3] * len(lines) + [None] + [3] * len(lines)


def test_nothing_is_learnt_of_a_place_whose_value_changes_other_words() -> None:
    def joined(line: bytes) -> list[bytes]:
        return line.replace(b"7 of", b"7-of").split()

    memory = Unmasked()
    for line in learnt()[1]:
        memory.learn(line, 3, frozenset({2, 4}), joined)
    assert memory.find([b"the order 7 of qxkjv was sent", b"the order nzkcb of qxkjv was sent"]) == [None, None]
