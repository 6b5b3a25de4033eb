"""The OpenFeature Remote Evaluation Protocol without a network: what is asked, and what is made of each answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress

import httpx2
import pytest

from bedrock_support.server.flag_provider import Evaluator, FedProvider, ProviderTrouble
from bedrock_support.server.ofrep import NAMES, OfrepError, OfrepFeed
from tests.promises import promise

ROUTING, SUPPORT = "ENABLE_INTELLIGENT_ROUTING", "ENABLE_BEDROCK_SUPPORT_MODE"
BULK = "/ofrep/v1/evaluate/flags"
Answers = Callable[[httpx2.Request], httpx2.Response]


def feed(answers: Answers) -> OfrepFeed:
    return OfrepFeed("http://flags.example/", httpx2.MockTransport(answers))


def whole(*flags: dict[str, object], tag: str = "") -> httpx2.Response:
    return httpx2.Response(200, json={"flags": list(flags)}, headers={"etag": tag} if tag else {})


@promise("flags:services")
def test_all_flags_come_by_one_question_and_what_is_unchanged_is_not_sent_again() -> None:
    asked: list[tuple[str, str, object]] = []

    def answers(request: httpx2.Request) -> httpx2.Response:
        tag = request.headers.get("if-none-match", "")
        asked.append((request.url.path, tag, json.loads(request.content)))
        if tag == '"one"':
            return httpx2.Response(304)
        return whole({"key": ROUTING, "value": False}, {"key": "others", "value": 7}, tag='"one"')

    service = feed(answers)
    assert [service.latest() for _ in range(2)] == [{ROUTING: False}] * 2
    assert asked == [(BULK, "", {"context": {}}), (BULK, '"one"', {"context": {}})]
    service.close()


@promise("flags:services")
def test_a_service_without_the_one_question_is_asked_flag_by_flag_until_two_rounds_agree() -> None:
    asked: list[str] = []
    flips = [True]

    def answers(request: httpx2.Request) -> httpx2.Response:
        name = request.url.path.removeprefix(f"{BULK}/")
        asked.append(name)
        if name == BULK:
            return httpx2.Response(405)
        if flips and len(asked) == 3:  # in the middle of the first round
            flips.pop()
        if name in (ROUTING, SUPPORT):
            return httpx2.Response(200, json={"key": name, "value": bool(flips)})
        return httpx2.Response(404, json={"key": name, "errorCode": "FLAG_NOT_FOUND"})

    service = feed(answers)
    assert service.latest() == {ROUTING: False, SUPPORT: False}, "half of a change is none"
    assert len(asked) == 1 + 3 * len(NAMES)
    assert service.latest() == {ROUTING: False, SUPPORT: False}
    assert asked.count(BULK) == 1

    turn: list[int] = []

    def restless(request: httpx2.Request) -> httpx2.Response:
        turn.append(1)
        bulk = request.url.path == BULK
        return httpx2.Response(404) if bulk else httpx2.Response(200, json={"value": len(turn) % 2 == 0})

    with pytest.raises(OfrepError, match="changed while"):
        feed(restless).latest()


@promise("flags:services")
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (whole({"key": ROUTING, "value": "no"}), "neither true nor false"),
        (whole({"key": ROUTING, "errorCode": "PARSE_ERROR"}), "PARSE_ERROR"),
        (httpx2.Response(200, json={"metadata": {}}), "no flags"),
        (httpx2.Response(200, json={"flags": [3]}), "no JSON object"),
        (httpx2.Response(200, text="<html>"), "no JSON object"),
        (httpx2.Response(429, headers={"retry-after": "30"}), "status 429, again after 30"),
        (httpx2.Response(401), "status 401"),
    ],
)
def test_an_answer_that_cannot_be_used_is_trouble_and_changes_nothing(answer: httpx2.Response, said: str) -> None:
    given = [whole({"key": ROUTING, "value": False}), answer, whole({"key": ROUTING, "value": True})]
    service = feed(lambda _: given.pop(0))
    asked = Evaluator(FedProvider("ofrep", service.latest, service.close), "test-ofrep")
    try:
        defaults = dict.fromkeys(NAMES, True)
        found: dict[str, bool] = {}
        while not found:  # the SDK makes it ready in a thread of its own
            with suppress(ProviderTrouble):
                found = asked.all(defaults)
            if not found:
                given.insert(0, whole({"key": ROUTING, "value": False}))
        assert found == defaults | {ROUTING: False}
        with pytest.raises(ProviderTrouble, match=said):
            asked.all(defaults)
        assert asked.all(defaults) == defaults
    finally:
        asked.close()
