"""A request to Converse and what its reply says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.model import Carrier, FailureKind, Operation, Reply, Usage

if TYPE_CHECKING:
    from types_boto3_bedrock_runtime.type_defs import ConverseRequestTypeDef, ConverseTokensRequestTypeDef

SIMULATED_HEADER = "x-bedrock-support-simulated"
_NOT_ALLOWED = re.compile(r"[^a-zA-Z0-9\s:_@$#=/+,.-]")
_LONGEST = 256
CHARACTERS_PER_TOKEN = 3
"""Low on purpose: an estimate that reserves budget should not come out short."""
MOST_TEXT = 4_000_000
"""Characters of one answer; far above any model's limit, so that a flood goes no further than this door."""

_BLOCKED = frozenset({"guardrail_intervened", "content_filtered", "refusal"})
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


def request(operation: Operation, model: str) -> ConverseRequestTypeDef:
    """The arguments of converse and converse_stream.

    maxTokens is always set, because Bedrock reserves quota for the model's maximum otherwise. temperature, topP
    and a prefilled answer never are: Claude 5 refuses them.
    """
    return {
        "modelId": model,
        **content(operation),
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


def read(response: Mapping[str, Any]) -> Reading:
    """Read a reply of converse. Raises LookupError or TypeError for one that lacks what every reply has."""
    blocks: list[Mapping[str, Any]] = response["output"]["message"]["content"]
    request_id, simulated = origin(response)
    return Reading(
        text="".join(block.get("text", "") for block in blocks),
        stop_reason=response["stopReason"],
        usage=usage(response["usage"]),
        request_id=request_id,
        simulated=simulated,
    )


def origin(response: Mapping[str, Any]) -> tuple[str, bool]:
    """The request id, and whether a stand-in answered instead of a model."""
    about: Mapping[str, Any] = response.get("ResponseMetadata", {})
    headers: Mapping[str, str] = about.get("HTTPHeaders", {})
    return about.get("RequestId", ""), headers.get(SIMULATED_HEADER, "") == "true"


def usage(told: Mapping[str, Any]) -> Usage:
    """Tokens as Bedrock counts them."""
    return Usage(
        input_tokens=told["inputTokens"],
        output_tokens=told["outputTokens"],
        cache_read_tokens=told.get("cacheReadInputTokens", 0),
        cache_write_tokens=told.get("cacheWriteInputTokens", 0),
    )


def judge(reading: Reading, model: str) -> Reply:
    """The reply, if it is an answer. Raises RouteError when the model stopped for a reason that makes it none."""
    reason = reading.stop_reason
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
    )


def too_much() -> RouteError:
    """The failure of an answer without end."""
    return RouteError(FailureKind.BAD_REPLY, f"the answer is longer than {MOST_TEXT} characters")


def estimate(operation: Operation) -> Usage:
    """Input tokens by length, for where CountTokens is not offered."""
    length = len(operation.system) + len(operation.brief)
    return Usage(input_tokens=-(-length // CHARACTERS_PER_TOKEN), estimated=True)
