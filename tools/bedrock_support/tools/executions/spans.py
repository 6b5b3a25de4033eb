"""Spans of tool calls as steps: our own span file, and agents that follow OpenTelemetry's GenAI conventions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bedrock_support.routing import semconv
from bedrock_support.tools.executions.lines import Line, items, obj, whole, word
from bedrock_support.tools.executions.model import Step, Traits
from bedrock_support.tools.executions.texts import failure
from bedrock_support.tools.executions.traits import describe, digest

_ARGUMENTS = "gen_ai.tool.call.arguments"
_CONVERSATION = "gen_ai.conversation.id"


def from_spans(file: str, line: Line) -> Iterator[Step]:
    """Steps of one OTLP-JSON line, in the order in which the calls began."""
    found: list[Step] = []
    for resource in items(line.value.get("resourceSpans")):
        about = attributes(obj(resource).get("resource"))
        instance = word(about.get("service.instance.id"))
        for scope in items(obj(resource).get("scopeSpans")):
            if word(obj(obj(scope).get("scope")).get("name")) == semconv.MCP_SDK_SCOPE:
                continue  # the same call once more, as the SDK sees it
            for each in items(obj(scope).get("spans")):
                step = _step(file, line, obj(each), instance)
                if step is not None:
                    found.append(step)
    yield from sorted(found, key=lambda step: step.at or 0.0)


def attributes(holder: object) -> dict[str, Any]:
    """Plain values of OTLP's attributes, name -> value."""
    plain: dict[str, Any] = {}
    for each in items(obj(holder).get("attributes")):
        value = obj(obj(each).get("value"))
        for kind in ("stringValue", "intValue", "doubleValue", "boolValue"):
            if kind in value:
                plain[word(obj(each).get("key"))] = value[kind]
    return plain


def _step(file: str, line: Line, span: dict[str, Any], instance: str) -> Step | None:
    about = attributes(span)
    name = word(span.get("name"))
    tool = word(about.get(semconv.TOOL_NAME))
    is_call = name.startswith(f"{semconv.SPAN_TOOL} ") or about.get(semconv.OPERATION_NAME) == semconv.EXECUTE_TOOL
    if not (tool and is_call):
        return None
    began, ended = _nanos(span.get("startTimeUnixNano")), _nanos(span.get("endTimeUnixNano"))
    error = word(about.get(semconv.ERROR_TYPE))
    status = obj(span.get("status"))
    failed = bool(error) or status.get("code") in (2, "STATUS_CODE_ERROR")
    traits: Traits = describe(tool, about.get(_ARGUMENTS))
    asked = word(about.get(semconv.EVIDENCE_DIGEST))
    if not traits.args and asked:
        traits = Traits(tool=traits.tool, kind=traits.kind, args=digest(asked))
    return Step(
        run=word(about.get(_CONVERSATION)) or instance or file,
        file=file,
        line=line.number,
        traits=traits,
        ok=not failed,
        error=failure(error or word(status.get("message")) or "failed") if failed else "",
        at=began,
        seconds=max(0.0, ended - began) if began is not None and ended is not None else 0.0,
        tokens=whole(about.get(semconv.USAGE_INPUT_TOKENS)) + whole(about.get(semconv.USAGE_OUTPUT_TOKENS)),
        partial=True,
        head=line.head,
    )


def _nanos(value: object) -> float | None:
    if isinstance(value, str) and value.isdecimal() and len(value) <= 20:
        return int(value) / 1e9
    return value / 1e9 if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63 else None
