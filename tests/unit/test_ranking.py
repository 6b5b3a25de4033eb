"""What goes into a brief when not everything fits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_support.routing.length import text_tokens
from bedrock_support.tools.envelope import Evidence, Finding
from bedrock_support.tools.judging import brief_of
from bedrock_support.tools.ranking import SEVERITY, pick
from tests.promises import promise

LINE = "connection to database host refused after timeout on port"


def finding(number: int, title: str, severity: str = "high", confidence: float = 0.7) -> Finding:
    return Finding.model_validate(
        {
            "id": f"F{number}",
            "severity": severity,
            "title": title,
            "detail": "",
            "confidence": confidence,
            "evidence_ids": [],
            "disproof": "",
        }
    )


@promise("brief:information")
def test_a_lone_rare_finding_beats_repeats_of_one() -> None:
    same = [finding(n, LINE) for n in range(10)]
    rare = finding(10, "certificate expired yesterday for issuer unknown", "medium", 0.35)
    found = pick([*same, rare], [each.title for each in (*same, rare)], 3 * text_tokens(LINE))
    assert rare in found.kept
    assert same[0] in found.kept


@promise("brief:information")
def test_the_severe_comes_before_the_mild_where_words_tell_the_same() -> None:
    mild, severe = finding(1, LINE, "low"), finding(2, LINE, "critical")
    assert pick([mild, severe], [LINE, LINE], text_tokens(LINE)).kept == (severe,)


@promise("brief:information")
def test_one_great_finding_beats_many_cheap_ones() -> None:
    long = " ".join(f"{first}{second}rare" for first in "abcdefgh" for second in "abcdefgh")
    cheap, great = finding(1, "note", "info", 0.1), finding(2, long, "critical")
    found = pick([cheap, great], ["note", long], text_tokens(long))
    assert found.kept == (great,)
    assert "1 of 2" in found.left_out()


@promise("brief:whole", "brief:left-out")
@given(
    st.lists(st.tuples(st.sampled_from(sorted(SEVERITY)), st.text(max_size=80), st.floats(0, 1)), max_size=12),
    st.integers(1, 200),
)
def test_no_brief_is_longer_than_its_budget_and_nothing_is_lost_unsaid(
    drawn: list[tuple[str, str, float]], budget: int
) -> None:
    findings = [finding(n, title, severity, sure) for n, (severity, title, sure) in enumerate(drawn)]
    found = pick(findings, [each.title for each in findings], budget)
    assert sum(max(1, text_tokens(each.title)) for each in found.kept) <= budget
    assert sorted(each.id for each in (*found.kept, *found.left)) == sorted(each.id for each in findings)
    assert list(found.kept) == [each for each in findings if each in found.kept]
    assert bool(found.left) is bool(found.left_out())


@promise("brief:left-out", "brief:whole")
def test_a_brief_says_what_is_missing_and_cuts_no_quote() -> None:
    quotes = {f"E{n}": f"{n} {LINE}" for n in range(9)}
    evidence = [Evidence(id=key, kind="log line", source="a:1", quote=each, sha256="") for key, each in quotes.items()]
    findings = [finding(n, f"trouble {n}").model_copy(update={"evidence_ids": [f"E{n}"]}) for n in range(9)]
    brief = brief_of("Why?", findings, evidence, "ab" * 8, 200)
    assert "of 9 findings left out" in brief.left_out
    assert f"({brief.left_out})" in brief.text
    assert all(LINE in line for line in brief.text.splitlines() if line.startswith("{"))
    whole = brief_of("Why?", findings, evidence, "ab" * 8, 10_000)
    assert whole.left_out == ""
    assert whole.text.count(LINE) == 9


@promise("tokens:estimate")
@pytest.mark.parametrize(
    ("text", "least", "most"),
    [("", 0, 0), ("the quick brown fox", 4, 4), ("2026-11-24T10:00:00Z id=4f1c09aa77", 24, 34), ("ü" * 10, 10, 10)],
)
def test_ids_and_times_come_to_more_tokens_than_words(text: str, least: int, most: int) -> None:
    assert least <= text_tokens(text) <= most
