"""Bedrock Guardrails: what is sent, what is read of the trace, where they may work, and what the MCP route does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bedrock_support.routing.bedrock import guardrail as guarding
from bedrock_support.routing.bedrock import wire
from bedrock_support.routing.bedrock.guardrail import GuardrailSettings
from bedrock_support.routing.compliance import ComplianceValidator, Destinations
from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.handoff import HandoffDesk
from bedrock_support.routing.mcp_router import MCPRouter
from bedrock_support.routing.model import Clearance, FailureKind, Handoff, Reply, Residency, RouteName
from bedrock_support.routing.residency import foreign_guardrail
from bedrock_support.server.environment import SettingsError
from bedrock_support.server.from_settings import bedrock_settings
from bedrock_support.server.guardrails import screen_of
from bedrock_support.server.settings import load
from tests.direct_rig import ANSWER
from tests.fakes import CountingEntropy, FakeCaller, FakeClock, operation
from tests.promises import promise

pytestmark = pytest.mark.anyio

GUARDRAIL = GuardrailSettings(identifier="gr1", version="3", profile="none")
ARN = "arn:aws:bedrock:{}:123456789012:guardrail/gr1"
BLOCKING: dict[str, Any] = {
    "guardrail": {
        "inputAssessment": {
            "gr1": {
                "contentPolicy": {"filters": [{"type": "PROMPT_ATTACK", "action": "BLOCKED"}]},
                "wordPolicy": {"customWords": [{"match": "anna@example.org", "action": "BLOCKED"}]},
                "topicPolicy": {"topics": [{"name": "Finance advice", "type": "DENY", "action": "NONE"}]},
                "invocationMetrics": {"guardrailProcessingLatency": 3},
            }
        }
    }
}
MASKING: dict[str, Any] = {
    "guardrail": {
        "outputAssessments": {
            "gr1": [
                {
                    "sensitiveInformationPolicy": {
                        "piiEntities": [{"type": "EMAIL", "match": "x", "action": "ANONYMIZED"}]
                    }
                }
            ]
        }
    }
}


def answered(trace: Any, reason: str = "guardrail_intervened") -> Reply:
    return wire.judge(wire.read({**ANSWER, "stopReason": reason, "trace": trace}, {}), "eu.model")


@promise("guardrail:converse")
@pytest.mark.parametrize("stream", [True, False])
def test_the_question_is_tagged_for_the_guardrail(stream: bool) -> None:
    asked = operation(brief="why?")
    sent = wire.body(replace(asked, stream=stream), "eu.model", GUARDRAIL)
    assert sent["messages"] == [{"role": "user", "content": [{"guardContent": {"text": {"text": "why?"}}}]}]
    told = {"guardrailIdentifier": "gr1", "guardrailVersion": "3", "trace": "enabled"}
    assert sent["guardrailConfig"] == (told | {"streamProcessingMode": "sync"} if stream else told)
    assert "guardrailConfig" not in wire.body(asked, "eu.model")


@promise("guardrail:typed")
def test_an_intervention_is_a_failure_that_names_policies_and_quotes_nothing() -> None:
    with pytest.raises(RouteError) as caught:
        answered(BLOCKING)
    assert caught.value.kind is FailureKind.GUARDRAIL
    assert caught.value.failure.policies == ("input:content:PROMPT_ATTACK", "input:word:unnamed")
    assert "anna@example.org" not in repr(caught.value.failure)


@promise("guardrail:typed")
@pytest.mark.parametrize("trace", [None, {}, {"guardrail": 7}, {"guardrail": {"outputAssessments": [{"x": 1}]}}])
def test_without_a_trace_the_worse_is_taken(trace: Any) -> None:
    with pytest.raises(RouteError) as caught:
        answered(trace)
    assert caught.value.failure.policies == ("unnamed",)


@promise("guardrail:typed")
def test_a_masked_answer_is_an_answer_that_says_so() -> None:
    reply = answered(MASKING)
    assert reply.masked == ("output:sensitiveInformation:EMAIL",)
    both = {"guardrail": {**BLOCKING["guardrail"], **MASKING["guardrail"]}}
    with pytest.raises(RouteError):
        answered(both)
    assert answered(MASKING, "end_turn").masked == ()


@promise("guardrail:typed")
def test_apply_guardrail_is_read_the_same_way() -> None:
    assert guarding.applied({"action": "NONE", "assessments": [], "outputs": []}, "INPUT") == (None, "")
    acted = [{"contentPolicy": {"filters": [{"type": "HATE", "action": "BLOCKED"}]}}]
    found, text = guarding.applied(
        {"action": "GUARDRAIL_INTERVENED", "assessments": acted, "outputs": [{"text": "no"}]}, "OUTPUT"
    )
    assert (found, text) == (guarding.Assessed(("output:content:HATE",), blocked=True), "no")
    new, _ = guarding.applied({"action": "SOMETHING_NEW", "assessments": [], "outputs": None}, "INPUT")
    assert new is not None
    assert new.blocked
    with pytest.raises(TypeError):
        guarding.applied({"action": 1}, "INPUT")


@promise("guardrail:residency")
@pytest.mark.parametrize(
    ("identifier", "profile", "fine"),
    [
        ("gr1", "", True),
        (ARN.format("eu-central-1"), "", True),
        (ARN.format("us-east-1"), "", False),
        (ARN.format("eu-west-2"), "", False),
        (ARN.format("eu-central-2"), "", False),
        ("gr1", "eu.guardrail.v1:0", True),
        ("gr1", "us.guardrail.v1:0", False),
        ("gr1", "apac.guardrail.v1:0", False),
        ("gr1", "us-gov.guardrail.v1:0", False),
        ("gr1", "global.guardrail.v1:0", False),
        ("gr1", "nonsense", False),
        ("gr1", "arn:aws:bedrock:eu-central-1:123456789012:guardrail-profile/eu.guardrail.v1:0", True),
        ("gr1", "arn:aws:bedrock:us-east-1:123456789012:guardrail-profile/eu.guardrail.v1:0", False),
        ("gr1", "arn:aws:bedrock:eu-central-1:123456789012:guardrail-profile/us.guardrail.v1:0", False),
    ],
)
def test_where_a_guardrail_may_work(identifier: str, profile: str, fine: bool) -> None:
    assert (foreign_guardrail(Residency.EU, identifier, profile) is None) is fine
    assert foreign_guardrail(Residency.ANY, identifier, profile) is None


@promise("guardrail:residency")
def test_a_guardrail_abroad_closes_the_direct_route_at_every_call() -> None:
    where = Destinations(
        region="eu-central-1", endpoint_url=None, models=frozenset({"eu.m"}), guardrail=ARN.format("us-east-1")
    )
    cleared = ComplianceValidator(where, CountingEntropy()).clear(operation())
    assert isinstance(cleared, Clearance)
    assert "guardrail" in cleared.forbidden[RouteName.DIRECT]


@promise("guardrail:converse")
@pytest.mark.parametrize(
    ("env", "named"),
    [
        ({"BEDROCK_SUPPORT_GUARDRAIL": "Not An Id"}, "BEDROCK_SUPPORT_GUARDRAIL"),
        ({"BEDROCK_SUPPORT_GUARDRAIL": "gr1", "BEDROCK_SUPPORT_GUARDRAIL_VERSION": "latest"}, "GUARDRAIL_VERSION"),
        ({"BEDROCK_SUPPORT_GUARDRAIL": "gr1", "BEDROCK_SUPPORT_GUARDRAIL_PROFILE": "a b"}, "GUARDRAIL_PROFILE"),
        ({"BEDROCK_SUPPORT_GUARDRAIL_MCP": "true"}, "BEDROCK_SUPPORT_GUARDRAIL"),
        ({"BEDROCK_SUPPORT_GUARDRAIL": "gr1", "BEDROCK_SUPPORT_GUARDRAIL_STREAM": "maybe"}, "GUARDRAIL_STREAM"),
    ],
)
def test_settings_that_cannot_be_used_are_told(env: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        bedrock_settings(load(env))


class Screener:
    """Bedrock's side of a Screen."""

    def __init__(self, refuses: str = "") -> None:
        self.refuses = refuses
        self.seen: list[tuple[str, str]] = []

    async def __call__(self, text: str, source: str, deadline: float) -> str:
        self.seen.append((text, source))
        if source == self.refuses:
            raise guarding.Assessed(("input:content:HATE",)).refusal()
        return text.replace("bad", "***")


@promise("guardrail:mcp")
async def test_on_the_mcp_route_question_and_answer_are_screened() -> None:
    screener = Screener()
    router = MCPRouter(HandoffDesk(FakeClock(), CountingEntropy()), screen=screener)
    caller = FakeCaller(sampling=True)
    answer = await router.ask(caller, operation(brief="the question"))
    assert isinstance(answer, Reply)
    assert [source for _, source in screener.seen] == ["INPUT", "OUTPUT"]
    handed = await router.ask(FakeCaller(), operation())
    assert isinstance(handed, Handoff)
    for refused, asked in (("INPUT", 1), ("OUTPUT", 2)):
        screener = Screener(refused)
        router = MCPRouter(HandoffDesk(FakeClock(), CountingEntropy()), screen=screener)
        with pytest.raises(RouteError) as caught:
            await router.ask(caller, operation())
        assert caught.value.kind is FailureKind.GUARDRAIL
        assert len(screener.seen) == asked


@promise("guardrail:mcp", "guardrail:residency")
async def test_what_the_guardrail_is_shown_is_redacted_and_stays_in_the_eu() -> None:
    told = {"BEDROCK_SUPPORT_GUARDRAIL": "gr1", "BEDROCK_SUPPORT_GUARDRAIL_MCP": "true"}
    settings = load(told)
    screener = Screener()
    screen = screen_of(settings, bedrock_settings(settings), screener, CountingEntropy())
    assert screen is not None
    assert await screen("bad mail of jane.doe@example.com", "OUTPUT", 1.0) == "*** mail of jane.doe@example.com"
    assert "jane.doe" not in screener.seen[0][0]
    abroad = load(told | {"BEDROCK_SUPPORT_REGION": "us-east-1"})
    screen = screen_of(abroad, bedrock_settings(abroad), screener, CountingEntropy())
    assert screen is not None
    with pytest.raises(RouteError) as caught:
        await screen("text", "INPUT", 1.0)
    assert caught.value.kind is FailureKind.NOT_APPROVED
    assert len(screener.seen) == 1
    assert screen_of(load({}), bedrock_settings(load({})), screener, CountingEntropy()) is None
