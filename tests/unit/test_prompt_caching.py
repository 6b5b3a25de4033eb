"""When a checkpoint is set, and what the sandbox makes of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bedrock_support.routing.bedrock import wire
from bedrock_support.routing.bedrock.caching import CHARACTERS_PER_TOKEN, TABLE, caching_of
from bedrock_support.routing.model import Attempt, OperationClass, Outcome, RouteName, Usage
from bedrock_support.routing.optimizing.memory import MemoryStore
from bedrock_support.routing.optimizing.spending import Spending
from bedrock_support.server.sandbox.prefixes import UNSUPPORTED, Kept, Prefixes
from bedrock_support.tools.cost import report, worded
from bedrock_support.tools.judging import system_prompt
from tests.direct_rig import operation
from tests.fakes import FakeClock, reply
from tests.promises import promise

SONNET, OLD, NOVA = (
    "eu.anthropic.claude-sonnet-5-5",
    "eu.anthropic.claude-haiku-4-5-20251001-v1:0",
    "eu.amazon.nova-pro",
)
POINT: dict[str, Any] = {"cachePoint": {"type": "default"}}


def instructions(model: str, system: str) -> list[dict[str, Any]]:
    return wire.body(operation(system=system), model)["system"]


@promise("prompt-cache:point")
@pytest.mark.parametrize("match", sorted(TABLE))
def test_a_checkpoint_stands_from_the_least_length_on(match: str) -> None:
    least = round(TABLE[match].min_tokens * CHARACTERS_PER_TOKEN)
    assert instructions(f"eu.{match}", "x" * least)[1:] == [POINT]
    assert len(instructions(f"eu.{match}", "x" * (least - 1))) == 1


@promise("prompt-cache:point")
@pytest.mark.parametrize(
    "model", [NOVA, "eu.anthropic.claude-opus-5-6", "meta.llama4", "arn:aws:bedrock:eu-central-1:1:x/y"]
)
def test_a_model_that_is_not_listed_gets_none(model: str) -> None:
    assert caching_of(model) is None
    assert len(instructions(model, "x" * 100_000)) == 1


@promise("prompt-cache:stable")
def test_our_instructions_are_long_enough_for_the_models_of_every_role() -> None:
    assert system_prompt() == system_prompt()
    assert instructions(SONNET, system_prompt())[1:] == [POINT]
    assert len(instructions(OLD, system_prompt())) == 1


def asked(text: str) -> dict[str, Any]:
    return {"system": [{"text": text}, POINT], "messages": [{"role": "user", "content": [{"text": "why?"}]}]}


@promise("prompt-cache:sandbox")
def test_a_prefix_is_read_again_by_the_same_model_until_it_ends() -> None:
    prefixes, long = Prefixes(), "instruct " * 400
    first = prefixes.look(SONNET, asked(long), 0.0)
    assert isinstance(first, Kept)
    assert first.read == 0 < first.written
    assert prefixes.look(SONNET, asked(long), 299.0) == Kept(first.written, 0, "5m")
    assert prefixes.look(SONNET, asked(long), 598.0) == Kept(first.written, 0, "5m")
    assert prefixes.look(SONNET, asked(long), 899.0) == first
    assert prefixes.look(SONNET, asked(long + "!"), 899.0) != Kept(first.written, 0, "5m")
    assert prefixes.look("eu.anthropic.claude-opus-5-5", asked(long), 899.0) == first


@promise("prompt-cache:sandbox")
def test_what_is_too_short_or_unsupported_is_not_kept() -> None:
    prefixes = Prefixes()
    for _ in range(2):
        assert prefixes.look(SONNET, asked("short"), 0.0) == Kept()
        assert prefixes.look(OLD, asked("instruct " * 400), 0.0) == Kept()
    assert prefixes.look(NOVA, asked("long" * 1000), 0.0) is UNSUPPORTED
    assert prefixes.look(NOVA, {"messages": []}, 0.0) == Kept()


@promise("prompt-cache:sandbox")
def test_of_two_checkpoints_the_longest_kept_is_read_and_the_rest_written() -> None:
    prefixes, long = Prefixes(), "instruct " * 400
    body = asked(long)
    first = prefixes.look(SONNET, body, 0.0)
    assert isinstance(first, Kept)
    hour = {"cachePoint": {"type": "default", "ttl": "1h"}}
    body["messages"] = [{"role": "user", "content": [{"text": "more " * 100}, hour]}]
    found = prefixes.look(SONNET, body, 1.0)
    assert isinstance(found, Kept)
    assert (found.read, found.ttl) == (first.written, "1h")
    assert found.written > 0


@promise("prompt-cache:reported")
def test_the_report_says_what_was_saved_less_what_writing_cost() -> None:
    clock = FakeClock()
    spending = Spending(MemoryStore(clock), clock)
    for read, written in ((0, 1000), (1000, 0), (1000, 0)):
        tried = Attempt(
            route=RouteName.DIRECT,
            number=1,
            seconds=1.0,
            op_class=OperationClass.STANDARD,
            budget=5.0,
            model=SONNET,
            usage=Usage(input_tokens=10, cache_read_tokens=read, cache_write_tokens=written),
            usd=0.1,
        )
        spending.record("t", Outcome(operation=operation(), attempts=(tried,), reply=reply()))
    found = report(spending, None, clock, "t", 1, shared=True)
    assert datetime.fromtimestamp(clock.wall(), UTC).date().isoformat() == found.last_day
    # Two reads at 0.11 instead of 2.20 USD per million, one write at 2.75 instead of 2.20.
    assert found.saved_by_prompt_cache_usd == pytest.approx((2 * 2.09 - 0.55) * 1e-3)
    assert "Prompt caching saved 0.0036 USD" in worded(found)
