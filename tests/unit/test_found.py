"""What is found without being looked for again, and where long texts are looked through."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Generator
from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bedrock_support.routing import found
from bedrock_support.routing.compliance import LONG, ComplianceValidator, Destinations
from bedrock_support.routing.found import Found
from bedrock_support.routing.length import text_tokens
from bedrock_support.routing.model import Clearance, Operation, Refusal
from bedrock_support.routing.optimizing.spending import Sums
from bedrock_support.routing.pii import finder, late
from bedrock_support.routing.pii.span import Span
from tests.fakes import CountingEntropy, operation
from tests.promises import promise

MAIL = "mail to jane.doe@example.com now"
EU = Destinations(region="eu-central-1", endpoint_url=None, models=frozenset({"eu.amazon.nova-lite-v1:0"}))


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every text that is really looked through."""
    seen: list[str] = []

    def find(text: str) -> list[Span]:
        seen.append(text)
        return finder.find(text)

    monkeypatch.setattr(found, "find", find)
    return seen


@pytest.fixture
def as_shipped() -> Generator[None]:
    yield
    late.names(True)


@promise("gate:once")
@settings(deadline=None)
@given(st.lists(st.sampled_from([MAIL, "nothing", "", "password=hunter22 x", "\ud800"]), max_size=12))
def test_what_is_remembered_is_what_would_be_found(texts: list[str]) -> None:
    remembering = Found(most=2)
    for text in texts:
        assert list(remembering.in_text(text)) == finder.find(text)


@promise("gate:once")
def test_the_same_text_is_looked_through_once_and_what_comes_often_is_kept(looks: list[str]) -> None:
    remembering = Found(most=3)
    for number in range(10):
        remembering.in_text("standing instructions")
        remembering.in_text(f"question {number}")
    assert looks.count("standing instructions") == 1
    remembering.in_text("question 0")
    assert looks.count("question 0") == 2  # forgotten by then


@promise("gate:once")
def test_another_word_is_another_text(looks: list[str]) -> None:
    validator = ComplianceValidator(EU, CountingEntropy())
    for brief in (MAIL, f"{MAIL}.", MAIL):
        cleared = validator.clear(operation(brief=brief))
        assert isinstance(cleared, Clearance)
        assert "jane.doe" not in cleared.operation.brief
        assert list(cleared.restore.values()) == ["jane.doe@example.com"]
    assert [each for each in looks if each != "be brief"] == [MAIL, f"{MAIL}."]


class Watched(ComplianceValidator):
    """Remembers in which thread it looked."""

    threads: tuple[int, ...] = ()

    def clear(self, operation: Operation) -> Clearance | Refusal:
        self.threads = (*self.threads, threading.get_ident())
        return super().clear(operation)


@promise("gate:off-the-loop")
async def test_a_long_brief_is_looked_through_in_a_thread() -> None:
    validator = Watched(EU, CountingEntropy())
    for brief in (MAIL, f"{MAIL}\n{'a log line ' * (LONG // 10)}"):
        cleared = await validator.look(operation(brief=brief))
        assert isinstance(cleared, Clearance)
        assert list(cleared.restore.values()) == ["jane.doe@example.com"]
    short, long = validator.threads
    assert short == threading.get_ident()
    assert long != threading.get_ident()


@promise("gate:off-the-loop")
async def test_detectors_that_cannot_be_loaded_close_the_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ImportError("no detectors")

    detectors = late._Finder  # pyright: ignore[reportPrivateUsage] - what a broken installation looks like
    monkeypatch.setattr(detectors, "find", None)
    monkeypatch.setattr(late, "load", broken)
    refused = await ComplianceValidator(EU, CountingEntropy()).look(operation(brief=MAIL))
    assert isinstance(refused, Refusal)
    assert "ImportError" in refused.reason


@promise("gate:off-the-loop")
def test_assembling_a_server_loads_no_detectors() -> None:
    code = """
import sys
from bedrock_support.server.settings import Settings
from bedrock_support.server.wiring import build
build(Settings())
print([each for each in sys.modules if "routing.pii." in each and not each.endswith((".span", ".late"))])
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert ended.stdout.strip() == "[]"


@promise("gate:once")
@pytest.mark.usefixtures("as_shipped")
def test_names_are_tagged_or_not_whenever_that_is_said() -> None:
    text = "Yesterday Annegret Hoffmann restarted the worker on her own."
    late.names(False)
    without = late.find(text)
    late.names(True)
    assert len(late.find(text)) > len(without)


@settings(deadline=None)
@given(st.text() | st.text("aB9 .,\n-é", max_size=200))
def test_tokens_are_counted_as_the_weights_say(text: str) -> None:
    words = re.findall(r"[A-Za-z]+", text)
    weighed = len(words) + 0.2 * sum(max(0, len(each) - 7) for each in words)
    weighed += 0.95 * len(re.findall(r"[0-9]", text)) + 1.2 * len(re.findall(r"\n\s*", text))
    signs = [1 if each.isascii() else len(each) for each in re.findall(r"[^A-Za-z0-9\s]+", text)]
    assert abs(text_tokens(text) - (weighed + 0.95 * sum(signs))) <= 1 + 1e-6


@settings(deadline=None)
@given(st.integers(0, 1000))
def test_every_sum_is_added(number: int) -> None:
    one = Sums(**{each.name: number + place for place, each in enumerate(fields(Sums))})
    other = Sums(**{each.name: 3 * place for place, each in enumerate(fields(Sums))})
    one.add(other)
    assert one == Sums(**{each.name: number + 4 * place for place, each in enumerate(fields(Sums))})
