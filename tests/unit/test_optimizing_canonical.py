"""What a question comes down to: what varies doesn't matter, and everything else does."""

from __future__ import annotations

import json
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bedrock_support.routing.optimizing.canonical import canonical
from bedrock_support.routing.optimizing.told import Told
from tests.promises import promise

LINE = "{at} ERROR db-{host}.internal refused request_id={request} for {user} after {ms} ms (volume {volume})"
VOLUME = "6f1c2a9e-0b7d-4d6e-9a53-0d4f3c1b2a10"


def text(base: int = 0, request: str = "r-1000", host: int = 1, ms: int = 30, user: str = "u1") -> str:
    lines = [
        LINE.format(
            at=f"2026-11-{23 + base:02}T14:02:{second:02}Z", host=host, request=request, ms=ms, user=user, volume=VOLUME
        )
        for second in (3, 10)
    ]
    quotes = [json.dumps({"id": f"E{number}", "quote": line}) for number, line in enumerate(lines, 1)]
    return "\n".join(["Triage this.", "<evidence-0123456789abcdef>", *quotes, "</evidence-0123456789abcdef>"])


@promise("cache:varying")
def test_time_ids_marks_and_order_do_not_matter() -> None:
    one = canonical(text(), {})
    for other in (
        text(base=3),
        text(request="r-2000"),
        text().replace("0123456789abcdef", "fedcba9876543210"),
    ):
        assert canonical(other, {}).text == one.text
    lines = ["head", "b 2026-11-23T14:02:03Z", "a 2026-11-23T14:02:03Z"]
    assert canonical("\n".join(lines), {}).text == canonical("\n".join(reversed(lines)), {}).text


@promise("cache:no-false-hit")
@pytest.mark.parametrize(
    "other",
    [
        pytest.param(text(host=2), id="host"),
        pytest.param(text(ms=31), id="one digit"),
        pytest.param(text().replace("ERROR", "FATAL"), id="severity"),
        pytest.param(text().replace("14:02:10Z", "14:02:50Z"), id="distance in time"),
        pytest.param(text() + "\nmore", id="one line more"),
        pytest.param(text(user="u2"), id="user"),
        pytest.param(
            text().replace("request_id=r-1000", "request_id=r-1000", 1).replace("r-1000", "r-2", 1), id="two requests"
        ),
        pytest.param(text().replace("refused", "Refused"), id="case"),
        pytest.param(text().replace(VOLUME, "00000000-1111-2222-3333-444444444444"), id="resource"),
    ],
)
def test_everything_else_matters(other: str) -> None:
    assert canonical(other, {}).text != canonical(text(), {}).text


@promise("cache:no-false-hit")
@given(st.text(string.printable, min_size=1, max_size=60), st.integers(0, 59), st.sampled_from(string.printable[:94]))
def test_one_changed_character_is_another_question(plain: str, at: int, new: str) -> None:
    at %= len(plain)
    changed = plain[:at] + new + plain[at + 1 :]
    assume(sorted(changed.split("\n")) != sorted(plain.split("\n")))
    one, other = canonical(plain, {}), canonical(changed, {})
    # Only a text that holds nothing of what varies is bound to differ.
    assume(not one.slots.literals and not other.slots.literals)
    assert one.text != other.text


@promise("cache:private")
def test_a_placeholder_counts_by_what_stands_behind_it() -> None:
    def about(nonce: str, value: str) -> str:
        mark = f"[[EMAIL_1_{nonce}]]"
        return canonical(f"{mark} can't log in", {mark: value}).text

    assert about("00000000", "a@x.example") == about("ffffffff", "a@x.example")
    assert about("00000000", "a@x.example") != about("00000000", "b@x.example")
    assert "x.example" not in about("00000000", "a@x.example")


@promise("cache:own-words")
def test_an_answer_is_given_again_in_the_words_of_the_new_question() -> None:
    first, again = canonical(text(request="r-1000"), {}), canonical(text(base=3, request="r-2000"), {})
    general = first.slots.general("r-1000 failed at 2026-11-23T14:02:03Z (E1), then on db-1.internal (E2)")
    assert general is not None
    assert again.slots.special(general) == "r-2000 failed at 2026-11-26T14:02:03Z (E1), then on db-1.internal (E2)"


@promise("cache:own-words")
@pytest.mark.parametrize("answer", ["it began at 14:02:03", "see E9", "at 2026-11-23T14:05:00Z", "\x1a0\x1a"])
def test_an_answer_that_holds_more_of_that_kind_is_not_kept(answer: str) -> None:
    assert canonical(text(), {}).slots.general(answer) is None


def test_a_slot_that_is_not_there_is_no_answer() -> None:
    assert canonical("plain", {}).slots.special("\x1a3\x1a") is None


@promise("cache:varying", "cache:no-false-hit")
def test_an_id_that_redaction_took_for_somebodys_number_is_still_an_id() -> None:
    def bare(value: str) -> str:
        return canonical(f"refused request_id={value} after 3 ms", {}).text

    card, mail = "[[CREDIT_CARD_1_0123abcd]]", "[[EMAIL_1_0123abcd]]"
    assert bare(card) == bare(f"ab-{card}-9") == bare("4c1f0aa2b1c3")
    assert bare(mail) != bare("4c1f0aa2b1c3")
    for one, other in (("500", "501"), ('5"}]', '6"}]'), ("5, a", "6, a")):
        assert bare(one) != bare(other), "what is too short for an id counts"
    seen = canonical(f"refused request_id=ab-{card}-9", {})
    general = seen.slots.general(f"see ab-{card}-9")
    assert general is not None
    assert card not in general
    assert seen.slots.special(general) == f"see ab-{card}-9"


PARTS = st.sampled_from(
    (
        "2026-11-23T14:02:03.1Z",
        "2026-11-23T14:02:03.2Z",
        "request_id=",
        "x-amzn-trace-id: ",
        "r-1000",
        "[[EMAIL_1_{}]]",
        "[[NAME_2_{}]]",
        "[[EMAIL_1_00000000]]",
        '"id": "E1"',
        "<evidence-0123456789abcdef>",
        "\n",
        " ",
        "ERROR",
        "12",
    )
)
BEHIND = st.fixed_dictionaries({"EMAIL_1": st.sampled_from("ab"), "NAME_2": st.sampled_from("ab")})


@promise("cache:memo")
@given(st.lists(st.tuples(st.lists(PARTS, max_size=8), BEHIND, st.sampled_from(("0a1b2c3d", "ffffffff"))), max_size=6))
def test_what_is_remembered_of_a_text_is_what_it_comes_down_to(
    asked: list[tuple[list[str], dict[str, str], str]],
) -> None:
    told, seen = Told(), dict[str, str]()
    for parts, values, nonce in asked:
        text = "".join(parts).replace("{}", nonce)
        behind = {f"[[{name}_{nonce}]]": value for name, value in values.items()}
        digest, slots = told.of(text, behind)
        about = canonical(text, behind)
        assert slots == about.slots
        assert seen.setdefault(digest, about.text) == about.text, "two texts have one digest"
        assert told.of(text, behind) == (digest, slots)
        assert Told().of(text, behind) == (digest, slots)


@promise("cache:private", "cache:no-false-hit")
@pytest.mark.parametrize("label", ["IP", "EMAIL", "DATE_OF_BIRTH", "A_LABEL_OF_ALL_TOO_MANY_LETTERS"])
def test_a_value_behind_a_placeholder_of_any_kind_counts(label: str) -> None:
    def told(nonce: str, value: str) -> str:
        mark = f"[[{label}_1_{nonce}]]"
        return Told().of(f"refused by {mark}", {mark: value})[0]

    assert told("0a1b2c3d", "10.0.0.1") != told("ffffffff", "10.0.0.2")
    known = len(label) <= 16  # what isn't known for a placeholder is asked anew
    assert (told("0a1b2c3d", "10.0.0.1") == told("ffffffff", "10.0.0.1")) is known
    assert (told("0a1b2c3d", "10.0.0.1") != told("0a1b2c3d", "10.0.0.2")) is known


@promise("cache:memo")
def test_what_is_remembered_is_bounded_and_holds_no_text() -> None:
    told = Told(most=3)
    for number in range(9):
        told.of(f"host-{number} refused [[EMAIL_1_0a1b2c3d]]", {"[[EMAIL_1_0a1b2c3d]]": "anna@x.example"})
    kept = repr(told._kept)  # pyright: ignore[reportPrivateUsage] - what lies in memory is the point
    assert "refused" not in kept
    assert "anna" not in kept
    assert kept.count("EMAIL") == 3


@promise("cache:no-false-hit")
def test_what_came_first_within_a_second_matters() -> None:
    def told(*parts: str) -> str:
        one, two, three = (f"2026-11-23T14:02:03.{each}Z" for each in parts)
        return canonical(f"begin {one}\ndatabase refused {two}\nshop gave up {three}", {}).text

    assert told("100", "200", "300") != told("100", "300", "200")
    assert told("100", "200", "300") == told("101", "201", "301")


@promise("cache:no-false-hit")
def test_nobody_can_write_what_looks_like_a_slot() -> None:
    assert canonical("at <time 0 +0.000>", {}).text != canonical("at 2026-11-23T14:02:03Z", {}).text
