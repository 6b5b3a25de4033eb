"""What a call is about, from its name and arguments: one function for the readers and for the hook."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, cast

from bedrock_support.tools.executions.model import Kind, Traits

_MOST = 200_000
"""Characters of a value that digests are made of; its length counts too."""
_TESTS = re.compile(
    r"\b(?:pytest|unittest|tox|nox|jest|vitest|mocha|rspec|phpunit|ctest|"
    r"(?:npm|pnpm|yarn|bun|go|cargo|mvn|gradle|gradlew|dotnet|make|mix)\s+(?:run\s+)?(?:test|check|verify))\b"
)
_WRITES = re.compile(r"write|edit|replace|create|insert|patch|delete|remove|rename|move|append|save|update_file|apply")
_READS = re.compile(r"read|view|open|cat|list|ls|glob|grep|search|find|fetch|get|show|status")
_RUNS = re.compile(r"bash|shell|exec|run|command|terminal")
_CHANGING = re.compile(
    r"(?:^|[;&|]\s*)(?:sudo\s+)?(?:rm|mv|cp|mkdir|touch|tee|sed\s+-i|patch|pip|npm|uv|apt|apt-get|git\s+"
    r"(?:checkout|reset|stash|commit|apply|merge|pull|restore|revert|clean|rebase))\b|(?<![0-9&>])>{1,2}(?!&)"
)
_TARGETS = ("file_path", "path", "filename", "file", "notebook_path", "target_file", "uri")
_BEFORE = ("old_string", "old_str", "oldText", "old_text", "search")
_AFTER = ("new_string", "new_str", "newText", "new_text", "replace", "content", "file_text", "text", "contents")
_LISTS = ("todos", "plan", "tasks", "items")
_REMARKS = frozenset({"description", "explanation", "reason", "thought", "toolSummary"})
"""Arguments that only say why: a call with another remark is the same call."""
_DONE = frozenset({"completed", "complete", "done", "cancelled", "canceled", "skipped"})


def digest(value: object) -> str:
    """16 hexadecimal digits of a value's canonical JSON; of strings their text. Equal values get equal digests."""
    if isinstance(value, str):
        text = value
    else:
        try:
            text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
        except (RecursionError, ValueError, TypeError):
            text = "unreadable"
    body = text if len(text) <= _MOST else f"{len(text)}:{text[:_MOST]}"
    return hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def describe(tool: object, args: object) -> Traits:
    """Traits of a call. `args` may be JSON in a string, as some records have it; None: not recorded."""
    name = tool_name(tool)
    if isinstance(args, str):
        try:
            args = json.loads(args)
        except (ValueError, RecursionError):
            args = {"command": args}
    if args is None:
        return Traits(tool=name, kind=_kind(name, ""))
    given: Mapping[str, Any] = cast("dict[str, Any]", args) if isinstance(args, dict) else {"value": args}
    command = given.get("command", given.get("cmd", ""))
    if isinstance(command, list):
        command = " ".join(str(each) for each in cast("list[object]", command)[:50])
    kind = _kind(name, command if isinstance(command, str) else "")
    todos = _todos(given)
    return Traits(
        tool=name,
        args=digest({key: each for key, each in given.items() if key not in _REMARKS} or given),
        kind="other" if todos is not None else kind,
        target=_first(given, _TARGETS),
        before=_first(given, _BEFORE) if kind == "write" else "",
        after=_first(given, _AFTER) if kind == "write" else "",
        todos=todos,
    )


def tool_name(tool: object) -> str:
    """A name fit for output: printable, at most 80 characters."""
    text = tool if isinstance(tool, str) else "unknown"
    return "".join(each if each.isprintable() else "?" for each in text[:80]).strip() or "unknown"


def _kind(name: str, command: str) -> Kind:
    low = name.lower()
    command = command[:4_000]
    if command:
        if _TESTS.search(command):
            return "test"
        return "write" if _CHANGING.search(command) else "run"
    if re.search(r"(?:^|_)tests?(?:_|$)", low):
        return "test"
    if _WRITES.search(low):
        return "write"
    if _READS.search(low):
        return "read"
    return "run" if _RUNS.search(low) else "other"


def _first(given: Mapping[str, Any], names: tuple[str, ...]) -> str:
    for name in names:
        value = given.get(name)
        if isinstance(value, str) and value:
            return digest(value)
    return ""


def _todos(given: Mapping[str, Any]) -> int | None:
    for name in _LISTS:
        listed = given.get(name)
        if not isinstance(listed, list):
            continue
        states = [
            cast("dict[str, Any]", each).get("status")
            for each in cast("list[object]", listed)[:500]
            if isinstance(each, dict)
        ]
        if states and all(isinstance(state, str) for state in states):
            return sum(str(state).lower() not in _DONE for state in states)
    return None
