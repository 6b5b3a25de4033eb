"""YAML and JSON with line numbers, safe whatever the file holds.

Built from parse events in one loop: no recursion, no constructors, and what aliases stand for is counted each time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import yaml

from bedrock_support.tools.infra.model import Block, Unreadable, blocks

MOST_NODES = 100_000
MOST_DEPTH = 64
MOST_DOCUMENTS = 500
_PARSER: Any = getattr(yaml, "CParser", None)
_RESOLVER = yaml.resolver.Resolver()
_WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


@dataclass(slots=True)
class _Open:
    """A collection that isn't closed yet."""

    value: Any
    tag: str
    anchor: str | None
    line: int
    nodes: int
    """Count of all nodes when it began."""
    key: str | None = None
    key_line: int = 0
    merged: list[Block] = field(default_factory=list[Block])


class _Builder:
    """Values from events."""

    def __init__(self) -> None:
        self.documents: list[Any] = []
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._nodes = 0

    def take(self, event: Any) -> None:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.ScalarEvent):
            self._add(_scalar(event), line, event.anchor, 1)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            if len(self._open) >= MOST_DEPTH:
                raise Unreadable(f"nested deeper than {MOST_DEPTH}")
            value: Any = Block(line) if isinstance(event, yaml.MappingStartEvent) else []
            self._open.append(_Open(value, event.tag or "", event.anchor, line, self._nodes))
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._close(self._open.pop())
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise Unreadable(f"alias *{event.anchor} stands for nothing that is complete")
            value, nodes = self._anchors[event.anchor]
            self._add(value, line, None, nodes)
        elif isinstance(event, yaml.DocumentEndEvent):
            self._anchors.clear()

    def _close(self, done: _Open) -> None:
        for base in done.merged:
            for key, each in base.items():
                if key not in done.value:
                    done.value.put(key, each, base.at(key))
        self._add(_tagged(done.tag, done.value, done.line), done.line, done.anchor, 1, done.nodes)

    def _add(self, value: Any, line: int, anchor: str | None, nodes: int, since: int | None = None) -> None:
        self._nodes += nodes
        if self._nodes > MOST_NODES:
            raise Unreadable(f"more than {MOST_NODES} nodes, aliases included")
        if anchor is not None:
            self._anchors[anchor] = value, self._nodes - since if since is not None else nodes
        if not self._open:
            if len(self.documents) >= MOST_DOCUMENTS:
                raise Unreadable(f"more than {MOST_DOCUMENTS} documents")
            self.documents.append(value)
            return
        around = self._open[-1]
        if not isinstance(around.value, Block):
            around.value.append(value)
        elif around.key is None:
            around.key, around.key_line = str(value), line
        else:
            if around.key == "<<":
                around.merged += blocks(value)
            else:
                around.value.put(around.key, value, around.key_line)
            around.key = None


def _scalar(event: Any) -> Any:
    text: str = event.value
    if event.tag and not event.tag.startswith("tag:"):
        return _tagged(event.tag, text, event.start_mark.line + 1)
    if not event.implicit[0]:
        return text
    kind: str = cast("Any", _RESOLVER).resolve(yaml.ScalarNode, text, event.implicit)
    if kind.endswith(":bool"):
        return _WORDS.get(text.lower(), text)
    if kind.endswith(":null"):
        return None
    try:
        if kind.endswith(":int") and len(text) <= 30 and text.lstrip("+-").isdecimal():
            # A leading nought means octal to YAML 1.1, but account numbers and ports to those who write it.
            return int(text) if not text.lstrip("+-").startswith("0") or text == "0" else text
        if kind.endswith(":float"):
            return float(text)
    except ValueError:
        return text
    return text


def _tagged(tag: str, value: Any, line: int) -> Any:
    """CloudFormation's short forms as their long ones: !Ref, !GetAtt, !Sub and the rest."""
    if not tag.startswith("!") or tag == "!":
        return value
    name = tag[1:]
    long = name if name in ("Ref", "Condition") else f"Fn::{name}"
    if name == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    made = Block(line)
    made.put(long, value, line)
    return made


def read_documents(text: str) -> list[Any]:
    """Every document of a YAML or JSON text, mappings as Blocks.

    Raises:
        Unreadable: no YAML, or deeper, longer or wider than is taken.
    """
    builder = _Builder()
    parser: Any = None
    try:
        parser = (_PARSER or yaml.SafeLoader)(text)
        while not isinstance(event := parser.get_event(), yaml.StreamEndEvent):
            builder.take(event)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Unreadable(f"no plain YAML ({type(error).__name__})") from None
    finally:
        if parser is not None:
            parser.dispose()
    return builder.documents
