"""What the sandbox makes of requests, lawful and not, without a socket."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_support.server.sandbox.answers import compose, request_text, tokens
from bedrock_support.server.sandbox.faults import ErrorShape
from bedrock_support.server.sandbox.frames import padded
from bedrock_support.server.sandbox.http import MAX_BODY
from bedrock_support.server.sandbox.requests import count, read_object, refusal
from tests.promises import promise

NAMES = ("messages", "system", "input", "converse", "invokeModel", "content", "role", "text", "body")
SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
BODIES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=8,
)


@promise("sandbox:survives")
@given(st.dictionaries(st.sampled_from(NAMES), BODIES))
def test_no_json_object_trips_it(body: dict[str, object]) -> None:
    refused = refusal(body)
    assert refused is None or refused.type == "ValidationException"
    counted = count(body)
    assert counted.status == 400 if isinstance(counted, ErrorShape) else counted >= 0
    assert compose(body)


@promise("sandbox:survives")
@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 200_000, "not JSON"),
        (b"[]", "not a JSON object"),
        (b" " * (MAX_BODY + 1), "longer than"),
    ],
    ids=["empty", "no UTF-8", "deep", "list", "long"],
)
def test_a_body_that_is_no_object_is_a_validation_error(raw: bytes, said: str) -> None:
    refused = read_object(raw)
    assert isinstance(refused, ErrorShape)
    assert (refused.status, refused.type) == (400, "ValidationException")
    assert said in refused.message


REFUSED: list[tuple[Any, str]] = [
    ([], "must not be empty"),
    ({"role": "user"}, "list of objects"),
    (["hello"], "list of objects"),
    ([{"role": "system", "content": []}], "messages.0.role"),
    ([{"role": "user", "content": []}, {"role": "assistant"}], "messages.1.content"),
]


@pytest.mark.parametrize(("messages", "said"), REFUSED)
def test_a_refusal_names_the_member(messages: object, said: str) -> None:
    refused = refusal({"messages": messages})
    assert refused is not None
    assert said in refused.message


def test_members_it_does_not_need_are_tolerated() -> None:
    message: dict[str, Any] = {
        "role": "user",
        "content": [{"text": "a"}, {"toolUse": {"name": "b"}}, {"cachePoint": {}}],
    }
    body: dict[str, Any] = {"messages": [message], "toolConfig": {"tools": []}, "somethingNew": [1]}
    assert refusal(body) is None
    assert request_text(body) == "a"


def test_tokens_are_counted_in_both_forms() -> None:
    asked = {"messages": [{"role": "user", "content": [{"text": "12345"}]}]}
    assert count({"input": {"converse": asked}}) == 2
    assert count({"input": {"invokeModel": {"body": base64.b64encode(b"123456789").decode()}}}) == 3
    assert isinstance(count({"input": {"invokeModel": {"body": "a"}}}), ErrorShape)
    assert (tokens(""), tokens("1234"), tokens("12345")) == (0, 1, 2)


def test_a_json_answer_without_evidence_has_no_causes() -> None:
    answer = json.loads(compose({"system": [{"text": "Answer as JSON."}]}))
    assert answer["causes"] == []
    assert answer["next_steps"]


@given(st.integers(min_value=0, max_value=10_000))
def test_padding_is_one_member_of_varying_length(seed: int) -> None:
    payload = padded({"role": "assistant"}, seed)
    assert payload.keys() == {"role", "p"}
    assert 1 <= len(str(payload["p"])) <= 62
