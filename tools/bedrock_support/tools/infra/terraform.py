"""Terraform modules as resources: each folder is one, variables stand for their defaults, locals for their values."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from posixpath import dirname
from typing import Any, cast

from bedrock_support.tools.infra.hcl import Reader
from bedrock_support.tools.infra.model import (
    Block,
    Declared,
    Ref,
    Resource,
    Unknown,
    Unreadable,
    blocks,
    listed,
    refs_in,
    walk,
)
from bedrock_support.tools.infra.roles import role_of
from bedrock_support.tools.infra.yamls import read_documents

_DEPTH = 60
_ROUNDS = 4
"""How far a local may stand for a local."""


def take_modules(texts: Mapping[str, str], into: Declared) -> None:
    """Add what these files (label -> text) declare; files that can't be read are named in `broken`."""
    folders: dict[str, list[tuple[str, Block]]] = {}
    for file, text in texts.items():
        try:
            body = Reader(text).body()
        except Unreadable as error:
            into.broken.append(f"{file}: {error}")
            continue
        folders.setdefault(dirname(file), []).append((file, body))
    for folder, files in folders.items():
        try:
            _module(folder, files, into)
        except Unreadable as error:
            into.broken.append(f"{folder or '.'}: {error}")


def _module(folder: str, files: Sequence[tuple[str, Block]], into: Declared) -> None:
    known = _Known(files)
    for file, body in files:
        for word in ("resource", "data"):
            for each in blocks(body.get(word)):
                labels: Any = each.pop("__labels__", [])
                if len(labels) != 2:
                    continue
                kind, name = labels
                properties = known.value(each)
                into.resources.append(
                    Resource(
                        kind=kind[:200],
                        role=role_of(kind) if word == "resource" or kind == "aws_iam_policy_document" else "",
                        name=f"{'data.' if word == 'data' else ''}{kind}.{name}"[:200],
                        format="terraform",
                        file=file,
                        line=each.line,
                        properties=properties,
                        references=refs_in(properties),
                        scope=f"tf:{folder}",
                    )
                )
    used = known.used(files)
    for file, body in files:
        for each in blocks(body.get("variable")):
            for name in each.get("__labels__", ())[:1]:
                into.parameters.append((file, each.line, str(name)[:200], name in used))


class _Known:
    """What var.x and local.x stand for in one module."""

    def __init__(self, files: Sequence[tuple[str, Block]]) -> None:
        self._values: dict[str, Any] = {}
        for _, body in files:
            for each in blocks(body.get("variable")):
                for name in each.get("__labels__", ())[:1]:
                    self._values[f"var.{name}"] = _plain(each.get("default", Unknown(f"var.{name}")))
            for each in blocks(body.get("locals")):
                self._values.update({f"local.{name}": _plain(value) for name, value in each.items()})

    def value(self, given: Any, depth: int = 0, rounds: int = 0) -> Any:
        """A copy with variables and locals put in. Raises Unreadable."""
        if depth > _DEPTH:
            raise Unreadable(f"nested deeper than {_DEPTH}")
        if isinstance(given, list):
            return [self.value(each, depth + 1, rounds) for each in listed(given)]
        if isinstance(given, Block):
            made = Block(given.line)
            for key, each in given.items():
                made.put(key, self.value(each, depth + 1, rounds), given.at(key))
            return _parsed(made)
        if isinstance(given, Ref) and given.target.startswith(("var.", "local.")):
            found = self._values.get(given.target) if not given.attribute else None
            if found is None or rounds >= _ROUNDS:
                return Unknown(given.target, (given,))
            return self.value(found, depth + 1, rounds + 1)
        if isinstance(given, Unknown) and given.refs:
            return self._text(given)
        return given

    def _text(self, given: Unknown) -> Any:
        """A template of variables only is its text; others keep what they refer to, through locals too."""
        text, left = given.text, list[Ref]()
        for ref in given.refs:
            value = self._values.get(ref.target)
            if isinstance(value, str | int | float) and not ref.attribute:
                text = text.replace("${" + ref.target + "}", str(value)[:200])
            elif isinstance(value, Ref):
                left.append(value)
            elif isinstance(value, Unknown):
                left += value.refs[:50]
            else:
                left.append(ref)
        if not left and "${" in given.text and "${" not in text:
            return text
        return Unknown(text[:20_000], tuple(left))

    def used(self, files: Sequence[tuple[str, Block]]) -> set[str]:
        """Names of variables that anything in the module mentions."""
        found: set[str] = set()
        for _, body in files:
            for word, value in body.items():
                for _, leaf, _ in walk(value):
                    refs = (leaf,) if isinstance(leaf, Ref) else leaf.refs if isinstance(leaf, Unknown) else ()
                    found.update(ref.target[4:] for ref in refs if ref.target.startswith("var."))
                    if isinstance(leaf, Unknown) and word != "variable":
                        found.update(part.split(".")[0] for part in _after_var(leaf.text))
        return found


def _after_var(text: str) -> list[str]:
    return [
        "".join(sign if sign.isalnum() or sign in "_-" else "." for sign in part[:80])
        for part in text.split("var.")[1:]
    ]


def _plain(value: Any) -> Any:
    """A variable's value; a large one is unknown, since a small file could mention it ten thousand times."""
    if isinstance(value, str):
        return value[:1_000]
    large = isinstance(value, Block | list) and sum(1 for _ in walk(value)) > 100
    return Unknown("large value", refs_in(value)[:50]) if large else cast("Any", value)


def _parsed(made: Block) -> Block:
    """Policies and definitions that are JSON in a text become what they say."""
    for key, each in made.items():
        if isinstance(each, str) and each.lstrip()[:1] in ("{", "[") and '"' in each and len(each) < 200_000:
            line = made.at(key)
            try:
                json.loads(each)
                documents = read_documents(each)
            except (ValueError, RecursionError, Unreadable):
                continue
            _moved(documents[0], line)
            made.put(key, documents[0], line)
    return made


def _moved(value: Any, line: int) -> None:
    """Lines of a text inside a file as lines of the file."""
    pending: list[Any] = [value]
    while pending:
        each = pending.pop()
        if isinstance(each, Block):
            each.line += line
            each.lines = {name: at + line for name, at in each.lines.items()}
            pending += each.values()
        elif isinstance(each, list):
            pending += listed(each)
