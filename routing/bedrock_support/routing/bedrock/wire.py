"""A request to Converse and what its reply says."""

from __future__ import annotations

import json
import math
import re
from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from bedrock_support.routing.bedrock import guardrail as guarding
from bedrock_support.routing.bedrock.caching import worth_a_checkpoint
from bedrock_support.routing.bedrock.guardrail import UNSAID, Assessed, GuardrailSettings
from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.length import MARGIN, text_tokens
from bedrock_support.routing.model import Carrier, FailureKind, Operation, Reply, Usage

if TYPE_CHECKING:
    from types_boto3_bedrock_runtime.type_defs import ConverseTokensRequestTypeDef

SIMULATED_HEADER = "x-bedrock-support-simulated"
"""Says that a stand-in answered instead of a model."""
REQUEST_ID_HEADER = "x-amzn-requestid"
_NOT_ALLOWED = re.compile(r"[^a-zA-Z0-9\s:_@$#=/+,.-]")
_LONGEST = 256
MOST_TEXT = 4_000_000
"""Characters of one answer; far above any model's limit, so that a flood goes no further than this door."""
MOST_BODY = 8 * MOST_TEXT
"""Bytes of one answer that is not a stream."""

_BLOCKED = frozenset({"content_filtered", "refusal"})
_MALFORMED = frozenset({"malformed_model_output", "malformed_tool_use"})
_TOO_LONG = "model_context_window_exceeded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What came back, before anybody judged whether it is an answer."""

    text: str
    stop_reason: str
    usage: Usage
    request_id: str
    simulated: bool
    first_piece_after: float | None = None
    """Seconds from asking to the first piece of a stream."""
    guardrail: Assessed = UNSAID


def body(operation: Operation, model: str, guardrail: GuardrailSettings | None = None) -> dict[str, Any]:
    """What is sent to Converse and ConverseStream.

    The system prompt is the same from call to call, so that a model which keeps prefixes is told where it ends.

    maxTokens is always set, because Bedrock reserves quota for the model's maximum otherwise. temperature, topP
    and a prefilled answer never are: Claude 5 refuses them.
    """
    read: dict[str, Any] = {**content(operation)}
    if guardrail is not None:
        read["messages"] = [{"role": "user", "content": [guarding.tagged(operation.brief)]}]
        read["guardrailConfig"] = guarding.config(guardrail, stream=operation.stream)
    if operation.system and worth_a_checkpoint(model, operation.system):
        read["system"] = [{"text": operation.system}, {"cachePoint": {"type": "default"}}]
    return {
        **read,
        "inferenceConfig": {"maxTokens": operation.max_tokens},
        "requestMetadata": _metadata(operation),
    }


def content(operation: Operation) -> ConverseTokensRequestTypeDef:
    """What the model reads, which is what counts as input tokens."""
    read: ConverseTokensRequestTypeDef = {"messages": [{"role": "user", "content": [{"text": operation.brief}]}]}
    if operation.system:
        read["system"] = [{"text": operation.system}]
    return read


def _metadata(operation: Operation) -> dict[str, str]:
    # Written to the account's invocation log, where it leads from a bill or a complaint back to the call.
    pairs = {
        "operation_id": operation.id,
        "op_class": operation.op_class.value,
        "tool": operation.tool,
        "kind": operation.kind.value,
        "model_role": operation.model_role.value,
        "evidence_digest": operation.evidence_digest,
    }
    return {key: _NOT_ALLOWED.sub("_", value)[:_LONGEST] for key, value in pairs.items() if value}


async def whole(pieces: AsyncIterable[bytes]) -> Mapping[str, Any]:
    """The JSON object of an answer. Raises RouteError when it is too long, ValueError or TypeError when it is none."""
    kept: list[bytes] = []
    length = 0
    async for piece in pieces:
        kept.append(piece)
        length += len(piece)
        if length > MOST_BODY:
            raise too_much()
    found: object = json.loads(b"".join(kept))
    if not isinstance(found, dict):
        raise TypeError(type(found).__name__)
    return cast("Mapping[str, Any]", found)


def read(answer: Mapping[str, Any], headers: Mapping[str, str]) -> Reading:
    """Read a reply of Converse. Raises LookupError or TypeError for one that lacks what every reply has."""
    blocks: list[Mapping[str, Any]] = answer["output"]["message"]["content"]
    return Reading(
        text="".join(block.get("text") or "" for block in blocks),
        stop_reason=stopped(answer),
        usage=usage(answer),
        request_id=headers.get(REQUEST_ID_HEADER, ""),
        simulated=headers.get(SIMULATED_HEADER, "") == "true",
        guardrail=guarding.traced(answer.get("trace")),
    )


def usage(answer: Mapping[str, Any]) -> Usage:
    """Tokens as Bedrock counts them, from a reply of Converse or from the last event of a stream."""
    told: Mapping[str, Any] = answer["usage"]
    details: list[Mapping[str, Any]] = told.get("cacheDetails") or []
    written = tokens(told.get("cacheWriteInputTokens") or 0)
    served: object = answer.get("serviceTier")
    tier = cast("Mapping[str, object]", served).get("type") if isinstance(served, Mapping) else None
    return Usage(
        input_tokens=tokens(told["inputTokens"]),
        output_tokens=tokens(told["outputTokens"]),
        cache_read_tokens=tokens(told.get("cacheReadInputTokens") or 0),
        cache_write_tokens=written,
        cache_write_1h_tokens=min(written, sum(tokens(each["inputTokens"]) for each in details if each["ttl"] == "1h")),
        tier=tier if isinstance(tier, str) else "",
    )


def tokens(told: object) -> int:
    """A number of tokens. Raises TypeError for anything else: nobody after this door would expect it."""
    if not isinstance(told, int) or told < 0:
        raise TypeError("tokens")
    return told


def stopped(told: Mapping[str, Any]) -> str:
    """Why the model stopped. Raises LookupError or TypeError when it doesn't say."""
    reason = told["stopReason"]
    if not isinstance(reason, str):
        raise TypeError("stopReason")
    return reason


def judge(reading: Reading, model: str) -> Reply:
    """The reply, if it is an answer. Raises RouteError when the model stopped for a reason that makes it none."""
    reason = reading.stop_reason
    if reason == guarding.INTERVENED and reading.guardrail.blocked:
        raise reading.guardrail.refusal()
    if reason in _BLOCKED:
        raise RouteError(FailureKind.BLOCKED, f"the model's provider withheld the answer ({reason})")
    if reason in _MALFORMED:
        raise RouteError(FailureKind.MODEL_ERROR, f"the model produced a broken answer ({reason})")
    if reason == _TOO_LONG:
        raise RouteError(
            FailureKind.INVALID_REQUEST, "the brief is longer than the model's context", mend="shorten the evidence"
        )
    if len(reading.text) > MOST_TEXT:
        raise too_much()
    if not reading.text.strip():
        raise RouteError(FailureKind.BAD_REPLY, "the model's answer holds no text")
    return Reply(
        text=reading.text,
        model=model,
        carrier=Carrier.BEDROCK,
        stop_reason=reason,
        usage=reading.usage,
        simulated=reading.simulated,
        request_id=reading.request_id,
        masked=reading.guardrail.acted if reason == guarding.INTERVENED else (),
    )


def too_much() -> RouteError:
    """The failure of an answer without end."""
    return RouteError(FailureKind.BAD_REPLY, f"the answer is longer than {MOST_TEXT} characters")


def estimate(operation: Operation) -> Usage:
    """Input tokens by length, on the high side, for where CountTokens is not offered."""
    counted = text_tokens(operation.system) + text_tokens(operation.brief)
    return Usage(input_tokens=math.ceil(MARGIN * counted), estimated=True)
