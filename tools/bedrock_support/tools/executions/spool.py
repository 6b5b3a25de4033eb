"""Records of the Kiro hook: how one is made of a payload, and how one is read."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from bedrock_support.tools.executions.lines import Line, items, moment, obj, whole, word
from bedrock_support.tools.executions.model import Kind, Step, Traits
from bedrock_support.tools.executions.texts import failure, settled, succeeded, text_of
from bedrock_support.tools.executions.traits import describe, digest, tool_name

VERSION = 1
_KINDS: dict[str, Kind] = {"read": "read", "write": "write", "test": "test", "run": "run"}
_PLAIN = re.compile(r"[\w.:-]{1,64}")
_HEX = re.compile(r"[0-9a-f]{0,64}")


def record_of(payload: dict[str, Any], at: float, clean: Callable[[str], str]) -> dict[str, Any]:
    """One record of a payload as Kiro (snake_case, or camelCase before 1.0) or Claude Code gives it.

    Args:
        payload: What the hook was given.
        at: Seconds since the epoch.
        clean: Takes secrets and personal data out of a text; digests are made of cleaned values only, so that
            nobody can try out secrets against them.
    """
    session = word(payload.get("session_id", payload.get("sessionId")))
    tool = payload.get("tool_name", payload.get("toolName"))
    given = payload.get("tool_input", payload.get("toolArgs"))
    has_result = any(name in payload for name in ("tool_response", "toolResult", "toolSuccess"))
    result = payload.get("tool_response", payload.get("toolResult"))
    traits = describe(clean(tool_name(tool)), _cleaned(given, clean))
    text = text_of(result)
    ok = None
    if has_result:
        ok = succeeded(text, test=traits.kind == "test", said=_said(payload, result))
    event = payload.get("hook_event_name", payload.get("hookEventName"))
    return {
        "v": VERSION,
        "ts": round(at, 3),
        "session": session if _PLAIN.fullmatch(session) else digest(session),
        "event": clean(tool_name(event)),
        "tool": traits.tool,
        "kind": traits.kind,
        "args_sha256": traits.args,
        "target_sha256": traits.target,
        "before_sha256": traits.before,
        "after_sha256": traits.after,
        "todos_open": traits.todos,
        "ok": ok,
        "error_class": failure(clean(text[:2_000])) if ok is False else "",
        "out_bytes": len(text.encode("utf-8", "surrogatepass")),
        "out_sha256": digest(settled(clean(text[:20_000]) + text[20_000:])) if has_result else "",
    }


def from_record(file: str, line: Line) -> list[Step]:
    """The step of a record; events that are no calls give none."""
    value = line.value
    if not word(value.get("tool")) or word(value.get("event")).lower() not in ("posttooluse", "pretooluse"):
        return []
    if word(value.get("event")).lower() == "pretooluse":
        return []
    todos, ok = value.get("todos_open"), value.get("ok")
    traits = Traits(
        tool=tool_name(value["tool"]),
        args=_hex(value, "args_sha256"),
        kind=_KINDS.get(word(value.get("kind")), "other"),
        target=_hex(value, "target_sha256"),
        before=_hex(value, "before_sha256"),
        after=_hex(value, "after_sha256"),
        todos=whole(todos) if isinstance(todos, int) else None,
    )
    step = Step(
        run=word(value.get("session")) or file,
        file=file,
        line=line.number,
        traits=traits,
        ok=ok if isinstance(ok, bool) else None,
        out=_hex(value, "out_sha256"),
        error=word(value.get("error_class"), 100) if ok is False else "",
        at=moment(value.get("ts")),
        tokens=whole(value.get("out_bytes")) // 4,
        head=line.head,
    )
    return [step]


def _hex(value: dict[str, Any], name: str) -> str:
    text = word(value.get(name), 64)
    return text if _HEX.fullmatch(text) else ""


def _said(payload: dict[str, Any], result: object) -> bool | None:
    for each in (payload.get("toolSuccess"), obj(result).get("success"), obj(result).get("ok")):
        if isinstance(each, bool):
            return each
    refused = obj(result).get("is_error", obj(result).get("isError"))
    return False if refused is True else None


def _cleaned(value: object, clean: Callable[[str], str], depth: int = 0) -> object:
    """The value with every text in it cleaned; what lies deeper than eight levels, or past 200 entries, is left out."""
    if isinstance(value, str):
        return clean(value[:20_000]) + (f"…{digest(value)}" if len(value) > 20_000 else "")
    if depth >= 8:
        return "deeper"
    if obj(value):
        return {str(key)[:200]: _cleaned(each, clean, depth + 1) for key, each in list(obj(value).items())[:200]}
    if items(value):
        return [_cleaned(each, clean, depth + 1) for each in items(value)[:200]]
    return value
