"""What is done to every span before it leaves: the MCP SDK's own are named right, and content is taken out.

Nothing here imports the OpenTelemetry SDK; otel.py hands its spans in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from opentelemetry.context import Context
from opentelemetry.util.types import AttributeValue

from bedrock_support.routing import semconv
from bedrock_support.routing.spans import asked_peer

LONGEST_TARGET = 64
"""Characters of a tool's or prompt's name in a span's name: the other side chose it."""


class Scope(Protocol):
    """Who made a span."""

    @property
    def name(self) -> str: ...


class StartedSpan(Protocol):
    """A span of the SDK that has just begun."""

    @property
    def name(self) -> str: ...
    @property
    def instrumentation_scope(self) -> Scope | None: ...
    def update_name(self, name: str) -> None: ...
    def set_attribute(self, key: str, value: AttributeValue) -> None: ...


class SpanEnricher:
    """A span processor that brings the MCP SDK's spans in line with the MCP conventions as they start."""

    def on_start(self, span: StartedSpan, parent_context: Context | None = None) -> None:
        """Name `{method} {target}` and the tool's or prompt's name, on the sender's side as on the receiver's."""
        if not from_mcp_sdk(span.instrumentation_scope):
            return
        name = span.name.removeprefix(semconv.MCP_SDK_SEND)
        if name != span.name and (peer := asked_peer(parent_context)):
            span.set_attribute(semconv.PEER_SERVICE, peer)
            span.set_attribute(semconv.SERVICE_PEER_NAME, peer)
        method, _, target = name.partition(" ")
        tidy = f"{method} {_tidy(target)}" if target else method
        if tidy != span.name:
            span.update_name(tidy)
        if target and method == semconv.MCP_CALL_TOOL:
            span.set_attribute(semconv.OPERATION_NAME, semconv.EXECUTE_TOOL)
            span.set_attribute(semconv.TOOL_NAME, _tidy(target))
        elif target and method == semconv.MCP_GET_PROMPT:
            span.set_attribute(semconv.PROMPT_NAME, _tidy(target))

    def _on_ending(self, span: object) -> None:
        """Asked for by the SDK of every processor; nothing to do."""

    def on_end(self, span: object) -> None:
        """Nothing to do: content is taken out on the way to each exporter, because spans are sealed by now."""

    def shutdown(self) -> None:
        """Nothing is held."""

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Nothing is held."""
        return True


def from_mcp_sdk(scope: Scope | None) -> bool:
    """Whether the MCP SDK made the span, so that names and error texts in it are the other side's words."""
    return scope is not None and scope.name == semconv.MCP_SDK_SCOPE


def is_content(key: str) -> bool:
    """Whether an attribute may hold what was asked, answered or raised."""
    return key in semconv.CONTENT or key.startswith(semconv.CONTENT_PREFIXES)


def has_content(attributes: Mapping[str, Any] | None) -> bool:
    """Whether any of them is content."""
    return bool(attributes) and any(map(is_content, attributes))


def without_content(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    """The same attributes, less those that hold content."""
    return {key: value for key, value in (attributes or {}).items() if not is_content(key)}


def _tidy(target: str) -> str:
    """A name fit for a span: short, one line, printable."""
    return "".join(char if char.isprintable() else "?" for char in target[:LONGEST_TARGET])
