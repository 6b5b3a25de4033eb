"""The tools of a peer as far as they can be trusted: bounded, cleaned, and pinned to what they were when first seen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, cast

from mcp.types import Tool

from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.model import FailureKind
from bedrock_support.server.peers.limits import printable

MOST_TOOLS = 256
MOST_PINS = 1024
"""Names remembered of one peer: one that invents new ones without end gets no further."""
MOST_NOTES = 16
DESCRIPTION = 1_000
"""Characters kept of a description, and of each text in a schema."""
SCHEMA = 32_768
"""Characters of an input schema, as JSON."""
DEPTH = 16


def fingerprint(tool: Tool) -> str:
    """SHA-256 of what a model is told of a tool: name, description, input schema."""
    definition = json.dumps([tool.name, tool.description, tool.input_schema], sort_keys=True)
    return hashlib.sha256(definition.encode()).hexdigest()


def tidy(text: str, most: int) -> str:
    """Text without control characters, direction marks and invisible tags; line breaks and tabs stay."""
    return "".join(each if each.isprintable() or each in "\n\t" else " " for each in text[:most])


def cleaned(tool: Tool) -> Tool:
    """The tool as it may be shown to a model. Its annotations are claims of a stranger: none is passed on.

    Raises:
        ValueError: it can't be shown; the message says why.
    """
    if printable(tool.name, 128) != tool.name or not tool.name:
        raise ValueError("no usable name")
    schema = json.dumps(tool.input_schema)
    if len(schema) > SCHEMA:
        raise ValueError(f"an input schema of more than {SCHEMA} characters")
    return Tool(
        name=tool.name,
        title=printable(tool.title, 100) if tool.title else None,
        description=tidy(tool.description or "", DESCRIPTION),
        input_schema=_clean_schema(tool.input_schema, DEPTH),
    )


def _clean_schema(value: Any, depth: int) -> Any:
    if depth == 0:
        raise ValueError(f"an input schema of more than {DEPTH} levels")
    if isinstance(value, str):
        return tidy(value, DESCRIPTION)
    if isinstance(value, list):
        return [_clean_schema(each, depth - 1) for each in cast("list[Any]", value)]
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value)
        reference = items.get("$ref")
        if isinstance(reference, str) and not reference.startswith("#"):
            raise ValueError("an input schema that points elsewhere")
        # Headers are between the peer and us; our own client has no part in them.
        return {
            tidy(key, DESCRIPTION): _clean_schema(each, depth - 1)
            for key, each in items.items()
            if key != "x-mcp-header"
        }
    return value


class Catalogue:
    """What one peer lists, and since when."""

    def __init__(self, peer: str, left_out: Collection[str] = ()) -> None:
        self._peer = peer
        self._left_out = frozenset(left_out)
        self._pins: dict[str, str] = {}
        self._tools: dict[str, Tool] = {}
        self._withheld: dict[str, str] = {}
        self.known = False
        """Whether the peer was ever asked."""

    @property
    def tools(self) -> Mapping[str, Tool]:
        """The tools that may be called, cleaned, by name in alphabetical order."""
        return MappingProxyType(self._tools)

    @property
    def notes(self) -> tuple[str, ...]:
        """Why tools are withheld."""
        lines = [f"{self._peer}: {printable(name, 64)}: {why}" for name, why in self._withheld.items()]
        return tuple(lines[:MOST_NOTES])

    def learn(self, listed: list[Tool]) -> bool:
        """Take in a new listing. True when what may be called has changed."""
        before, self._tools, self._withheld, self.known = self._tools, {}, {}, True
        for tool in sorted(listed[:MOST_TOOLS], key=lambda each: each.name):
            if tool.name in self._left_out:
                continue
            why = self._admit(tool)
            if why:
                self._withheld[tool.name] = why
        return before != self._tools

    def _admit(self, tool: Tool) -> str:
        try:
            shown = cleaned(tool)
            pin = fingerprint(tool)
        except (ValueError, RecursionError) as error:
            return f"left out: {error}" if isinstance(error, ValueError) else "left out: a schema without end"
        known = self._pins.get(tool.name)
        if known is None:
            if len(self._pins) >= MOST_PINS:
                return f"left out: more than {MOST_PINS} names so far"
            self._pins[tool.name] = pin
        elif known != pin:
            return "withheld: its definition changed after it was first seen; look at it, then restart"
        self._tools[tool.name] = shown
        return ""

    def check(self, name: str) -> None:
        """Raises RouteError (NOT_FOUND) for a tool that may not be called."""
        if name in self._tools:
            return
        why = self._withheld.get(name, "no such tool")
        raise RouteError(
            FailureKind.NOT_FOUND, f"peer {self._peer}: {printable(name, 64)}: {why}", mend="use a tool that it lists"
        )
