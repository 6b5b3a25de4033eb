"""What is sent, and how a reply is judged."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_support.routing.bedrock import wire
from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.model import FailureKind, Usage
from tests.direct_rig import ANSWER, operation
from tests.promises import promise


@promise("direct:max-tokens")
def test_a_request_limits_its_answer_and_leaves_sampling_alone() -> None:
    sent = wire.body(operation(max_tokens=300), "eu.model")
    assert sent.get("inferenceConfig") == {"maxTokens": 300}
    assert [message["role"] for message in sent.get("messages", [])] == ["user"]
    assert sent.get("system") == [{"text": "You help."}]
    assert "additionalModelRequestFields" not in sent


def test_no_system_prompt_sends_none() -> None:
    assert "system" not in wire.body(operation(system=""), "eu.model")


@promise("direct:metadata")
@given(id=st.text(max_size=400), tool=st.text(max_size=400))
def test_metadata_fits_the_rules_of_bedrock(id: str, tool: str) -> None:
    sent = wire.body(operation(id=id, tool=tool), "eu.model").get("requestMetadata", {})
    assert sent["op_class"] == "emergency"
    assert 1 <= len(sent) <= 16
    for key, value in sent.items():
        assert re.fullmatch(r"[a-zA-Z0-9\s:_@$#=/+,-.]{1,256}", key)
        assert re.fullmatch(r"[a-zA-Z0-9\s:_@$#=/+,-.]{0,256}", value)


@promise("direct:stop-reasons")
@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("guardrail_intervened", FailureKind.GUARDRAIL),
        ("content_filtered", FailureKind.BLOCKED),
        ("malformed_model_output", FailureKind.MODEL_ERROR),
        ("malformed_tool_use", FailureKind.MODEL_ERROR),
        ("model_context_window_exceeded", FailureKind.INVALID_REQUEST),
    ],
)
def test_some_stops_are_failures(reason: str, kind: FailureKind) -> None:
    with pytest.raises(RouteError) as caught:
        wire.judge(wire.read({**ANSWER, "stopReason": reason}, {}), "eu.model")
    assert caught.value.kind is kind


@promise("direct:stop-reasons")
def test_an_answer_cut_short_is_an_answer_that_says_so() -> None:
    reply = wire.judge(wire.read({**ANSWER, "stopReason": "max_tokens"}, {}), "eu.model")
    assert (reply.text, reply.stop_reason) == ("Because.", "max_tokens")
    assert reply.usage == Usage(input_tokens=7, output_tokens=2, cache_read_tokens=5)
    assert not reply.simulated


@promise("direct:stop-reasons")
def test_an_answer_without_text_is_none() -> None:
    thoughts = {"message": {"content": [{"reasoningContent": {"reasoningText": {"text": "hm"}}}, {"text": " \n"}]}}
    with pytest.raises(RouteError) as caught:
        wire.judge(wire.read({**ANSWER, "output": thoughts}, {}), "eu.model")
    assert caught.value.kind is FailureKind.BAD_REPLY


def test_an_estimate_is_marked() -> None:
    assert wire.estimate(operation(system="ab", brief="cd")) == Usage(input_tokens=3, estimated=True)
