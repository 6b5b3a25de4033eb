"""A simulated guardrail: three rules by which it blocks or masks, told in Bedrock's words. It protects nobody."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from bedrock_support.server.sandbox.answers import LABEL, objects, request_text, tokens
from bedrock_support.server.sandbox.faults import ErrorShape

BLOCKED = f"{LABEL} A simulated guardrail withheld the text."
FORBIDDEN = "sandbox-forbidden-word"
"""A word that it never lets pass, on either side."""
MASK = "{EMAIL}"
ABROAD = "abroad"
"""A guardrail of this id says that it works across Regions of the United States."""
_ID = re.compile(r"[a-z0-9]+|arn:aws(-[^:]+)?:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:guardrail/[a-z0-9]+")
_VERSION = re.compile(r"[1-9][0-9]{0,7}|DRAFT")
_ATTACK = re.compile(
    r"(?i)ignore (?:all )?(?:the )?(?:previous|prior) (?:instructions|rules)|reveal your system prompt"
)
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")


@dataclass(slots=True)
class Assessment:
    """What was found on one side."""

    text: str
    """As it may pass."""
    blocked: bool = False
    acted: bool = False
    told: dict[str, Any] = field(default_factory=dict[str, Any])
    """As Bedrock tells it."""


def assess(text: str, source: str) -> Assessment:
    """Prompt attacks in a question and a forbidden word anywhere are blocked; addresses in an answer are masked."""
    found = Assessment(text)
    if source == "INPUT" and _ATTACK.search(text):
        attack = {"type": "PROMPT_ATTACK", "confidence": "HIGH", "action": "BLOCKED", "detected": True}
        found.told["contentPolicy"] = {"filters": [attack]}
        found.blocked = found.acted = True
    if FORBIDDEN in text:
        word = {"match": FORBIDDEN, "action": "BLOCKED", "detected": True}
        found.told["wordPolicy"] = {"customWords": [word], "managedWordLists": []}
        found.blocked = found.acted = True
    if source == "OUTPUT" and (matches := _EMAIL.findall(text)):
        entities = [{"type": "EMAIL", "match": each, "action": "ANONYMIZED", "detected": True} for each in matches]
        found.told["sensitiveInformationPolicy"] = {"piiEntities": entities, "regexes": []}
        found.text, found.acted = _EMAIL.sub(MASK, text), True
    if found.blocked:
        found.text = BLOCKED
    return found


@dataclass(frozen=True, slots=True)
class Guarded:
    """A Converse answer after the guardrail."""

    text: str
    stop_reason: str
    trace: dict[str, Any] | None
    asked: bool
    """Whether a model was asked at all: not when the question was blocked."""


def guarded(body: Mapping[str, Any], text: str) -> Guarded | None:
    """What becomes of a composed answer; None where the request names no guardrail."""
    config = _table(body.get("guardrailConfig"))
    if not config:
        return None
    identifier = str(config.get("guardrailIdentifier"))
    given = assess(_tagged(body) or request_text({"messages": body.get("messages")}), "INPUT")
    trace: dict[str, Any] = {"inputAssessment": {identifier: given.told}}
    ended = given
    if not given.blocked:
        ended = assess(text, "OUTPUT")
        trace["outputAssessments"] = {identifier: [ended.told]}
    shown = {"guardrail": trace} if config.get("trace") in ("enabled", "enabled_full") else None
    return Guarded(ended.text, "guardrail_intervened" if ended.acted else "end_turn", shown, not given.blocked)


def applied(identifier: str, version: str, body: Mapping[str, Any]) -> dict[str, Any] | ErrorShape:
    """An answer of ApplyGuardrail."""
    if not (_ID.fullmatch(identifier) and _VERSION.fullmatch(version)):
        return ErrorShape(404, "ResourceNotFoundException", "The guardrail was not found.")
    source = body.get("source")
    texts = [str(_table(each.get("text")).get("text", "")) for each in objects(body.get("content"))]
    if source not in ("INPUT", "OUTPUT") or not texts:
        return ErrorShape(400, "ValidationException", "source and content are required.")
    found = assess("\n".join(texts), str(source))
    return {
        "usage": {"contentPolicyUnits": tokens("".join(texts)) // 250 + 1},
        "action": "GUARDRAIL_INTERVENED" if found.acted else "NONE",
        "outputs": [{"text": found.text}] if found.acted else [],
        "assessments": [found.told],
    }


def described(identifier: str) -> dict[str, Any]:
    """An answer of GetGuardrail, as far as a caller asks where it works."""
    profile = "us.guardrail.v1:0" if identifier == ABROAD else "eu.guardrail.v1:0"
    region = "us-east-1" if identifier == ABROAD else "eu-central-1"
    arn = f"arn:aws:bedrock:{region}:123456789012"
    return {
        "name": "simulated",
        "guardrailId": identifier,
        "guardrailArn": f"{arn}:guardrail/{identifier}",
        "version": "DRAFT",
        "status": "READY",
        "createdAt": "2026-01-01T00:00:00Z",
        "updatedAt": "2026-01-01T00:00:00Z",
        "blockedInputMessaging": BLOCKED,
        "blockedOutputsMessaging": BLOCKED,
        "crossRegionDetails": {
            "guardrailProfileId": profile,
            "guardrailProfileArn": f"{arn}:guardrail-profile/{profile}",
        },
    }


def profile(identifier: str) -> dict[str, Any]:
    """An answer of GetInferenceProfile: an application's profile, made from one of the EU or of the United States."""
    region = "us-east-1" if identifier.endswith(ABROAD) else "eu-west-1"
    model = f"arn:aws:bedrock:{region}::foundation-model/anthropic.simulated"
    return {
        "inferenceProfileName": "simulated",
        "models": [{"modelArn": model}],
        "inferenceProfileArn": identifier,
        "inferenceProfileId": identifier.rpartition("/")[2],
        "status": "ACTIVE",
        "type": "APPLICATION",
    }


def unfit(body: Mapping[str, Any], *, stream: bool) -> ErrorShape | None:
    """Why Bedrock would refuse the request's guardrailConfig."""
    config = _table(body.get("guardrailConfig"))
    if "guardrailConfig" not in body:
        return None
    known = _ID.fullmatch(str(config.get("guardrailIdentifier", "")))
    if not known or not _VERSION.fullmatch(str(config.get("guardrailVersion", ""))):
        return ErrorShape(400, "ValidationException", "The guardrail identifier or version is invalid.")
    mode = config.get("streamProcessingMode")
    if mode is not None and (not stream or mode not in ("sync", "async")):
        return ErrorShape(400, "ValidationException", "guardrailConfig.streamProcessingMode is not allowed here.")
    if config.get("trace", "disabled") not in ("enabled", "disabled", "enabled_full"):
        return ErrorShape(400, "ValidationException", "guardrailConfig.trace is invalid.")
    return None


def _tagged(body: Mapping[str, Any]) -> str:
    """What the request wants looked at: where anything is tagged, nothing else is."""
    blocks = [each for message in objects(body.get("messages")) for each in objects(message.get("content"))]
    found = [_table(_table(each.get("guardContent")).get("text")) for each in blocks]
    return "\n".join(str(each["text"]) for each in found if "text" in each)


def _table(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}
