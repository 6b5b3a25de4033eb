"""What is declared, in one form for all formats, and what is found wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from bedrock_support.tools.envelope import Severity


class Unreadable(Exception):
    """A file that can't be taken in safely: broken, too deep, too large when expanded."""


class Block(dict[str, Any]):
    """A mapping that knows the line it starts at and the line of each key."""

    __slots__ = ("line", "lines")

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}

    def put(self, key: str, value: Any, line: int) -> None:
        """Set a member and remember where it stands."""
        self[key] = value
        self.lines[key] = line

    def at(self, key: str) -> int:
        """The line of a member, or that of the mapping when there is none."""
        return self.lines.get(key, self.line)


@dataclass(frozen=True, slots=True)
class Ref:
    """A value that is another resource's name or attribute."""

    target: str
    attribute: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that only deployment knows; what is written there."""

    text: str
    refs: tuple[Ref, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One declared thing."""

    kind: str
    """As its format names it: AWS::S3::Bucket, aws_s3_bucket, Deployment, service."""
    role: str
    """What it is, the same in all formats (roles.py); empty when no check cares."""
    name: str
    format: str
    """cloudformation, terraform, compose, kubernetes or live."""
    file: str
    line: int
    properties: Block
    references: tuple[Ref, ...] = ()
    scope: str = ""
    """Names are unique within it: the template's file, the Terraform module's folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something wrong, where it stands, and how one would know better."""

    file: str
    line: int
    resource: str
    kind: str
    severity: Severity
    confidence: float
    title: str
    detail: str
    disproof: str
    remedy: str
    also: tuple[tuple[str, int], ...] = ()
    """Other places that make it true."""
    sources: tuple[str, ...] = ("builtin",)
    """Who found it: builtin, or engine:rule."""

    @property
    def symbol(self) -> str:
        return self.resource


@dataclass(slots=True, kw_only=True)
class Declared:
    """Everything that a tree declares."""

    resources: list[Resource] = field(default_factory=list[Resource])
    parameters: list[tuple[str, int, str, bool]] = field(default_factory=list[tuple[str, int, str, bool]])
    """File, line, name of each parameter or variable, and whether anything uses it."""
    templates: list[str] = field(default_factory=list[str])
    """CloudFormation files, for engines that take these only."""
    paths: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    """Construct paths of CDK by file and logical id: the names that their authors know."""
    files: int = 0
    broken: list[str] = field(default_factory=list[str])


_SIGNS = re.compile(r"[^a-z0-9]")


def folded(name: str) -> str:
    """StorageEncrypted, storage_encrypted and storageEncrypted are one name."""
    return _SIGNS.sub("", name.lower())


def get(block: Any, *names: str) -> Any:
    """The first member of any of these names, whatever the spelling; a Terraform block of one counts as itself."""
    found = locate(block, *names)
    return found[0] if found else None


def locate(block: Any, *names: str) -> tuple[Any, int] | None:
    """As `get`, with the line."""
    if not isinstance(block, Block):
        return None
    wanted = [folded(name) for name in names]
    by_name = {folded(key): key for key in block}
    for name in wanted:
        if name in by_name:
            key = by_name[name]
            return block[key], block.at(key)
    return None


def dig(block: Any, *path: str) -> Any:
    """A member of members; lists of one mapping are looked through."""
    for name in path:
        many: list[Any] = listed(block)
        block = get(many[0], name) if many else None
    return block


def listed(value: Any) -> list[Any]:
    """A value that may be one or many, as a list."""
    if value is None:
        return []
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def blocks(value: Any) -> list[Block]:
    """The mappings among one or many values."""
    return [each for each in listed(value) if isinstance(each, Block)]


def truth(value: Any) -> bool | None:
    """Yes, no, or unknown; templates write booleans as words too."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false", "yes", "no", "enabled", "disabled"):
        return value.lower() in ("true", "yes", "enabled")
    return None


def number(value: Any) -> float | None:
    """A figure, or None when it isn't known."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,12}(\.\d{1,6})?", value):
        return float(value)
    return None


def walk(value: Any) -> Iterator[tuple[str, Any, int]]:
    """Every leaf with the key above it and a line. Values are bounded by their readers."""
    pending: list[tuple[str, Any, int]] = [("", value, 0)]
    while pending:
        key, each, line = pending.pop()
        if isinstance(each, Block):
            pending += [(name, member, each.at(name)) for name, member in each.items()]
        elif isinstance(each, list):
            pending += [(key, member, line) for member in cast("list[Any]", each)]
        else:
            yield key, each, line


def refs_in(value: Any) -> tuple[Ref, ...]:
    """Every resource that a value speaks of."""
    found: dict[Ref, None] = {}
    for _, leaf, _ in walk(value):
        if isinstance(leaf, Ref):
            found[leaf] = None
        elif isinstance(leaf, Unknown):
            found.update(dict.fromkeys(leaf.refs))
    return tuple(found)
