"""What the tests of analyze_executions share: one run of an agent, written down in each form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bedrock_support.tools.executions.analyze import Report, analyze
from bedrock_support.tools.executions.spool import record_of
from bedrock_support.tools.paths import Place

Call = tuple[str, dict[str, Any], str | None, bool]
"""Tool, arguments, result (None: it never came), ok."""
Event = Call | str
"""A call, or something that the agent said."""
FORMS = ("messages", "chat", "plain", "spool")


def lines(events: list[Event], form: str) -> list[str]:
    """The run in one form, a JSON object a line. Plain lines and hook records leave out what was said."""
    found: list[dict[str, Any]] = []
    for number, event in enumerate(events):
        found += _said(event, form) if isinstance(event, str) else _called(event, form, number)
    return [json.dumps(each) for each in found]


def _said(text: str, form: str) -> list[dict[str, Any]]:
    if form == "messages":
        content = [{"type": "text", "text": text}]
        return [{"type": "assistant", "sessionId": "s", "message": {"role": "assistant", "content": content}}]
    return [{"role": "assistant", "content": text}] if form == "chat" else []


def _called(call: Call, form: str, number: int) -> list[dict[str, Any]]:
    tool, given, result, ok = call
    name = f"call-{number}"
    if form == "messages":
        asked = {"type": "tool_use", "id": name, "name": tool, "input": given}
        got = {"type": "tool_result", "tool_use_id": name, "content": result, "is_error": not ok}
        used = {"input_tokens": 100, "output_tokens": 20}
        first = {"role": "assistant", "content": [asked], "usage": used}
        rows = [
            {"type": "assistant", "sessionId": "s", "message": first},
            {"type": "user", "sessionId": "s", "message": {"role": "user", "content": [got]}},
        ]
    elif form == "chat":
        function = {"name": tool, "arguments": json.dumps(given)}
        content = result if ok else f"Error: {result}"
        rows = [
            {"role": "assistant", "tool_calls": [{"id": name, "type": "function", "function": function}]},
            {"role": "tool", "tool_call_id": name, "content": content},
        ]
    elif form == "plain":
        row: dict[str, Any] = {"tool": tool, "args": given, "t": number}
        return [row if result is None else {**row, "result": result, "ok": ok}]
    elif result is None:
        return []  # the hook runs after the call only
    else:
        payload: dict[str, Any] = {"hook_event_name": "PostToolUse", "tool_name": tool, "tool_input": given}
        payload |= {"session_id": "s"}
        return [record_of({**payload, "tool_response": {"ok": ok, "text": result}}, 1.7e9 + number, str)]
    return rows[:1] if result is None else rows


def write(path: Path, events: list[Event], form: str) -> Path:
    path.write_text("\n".join(lines(events, form)) + "\n", encoding="utf-8")
    return path


def look(path: Path, focus: str | None = None) -> Report:
    return analyze(Place(path, path if path.is_dir() else path.parent), focus, lambda: False)


def patterns(path: Path) -> set[str]:
    return {each.pattern for each in look(path).found}
