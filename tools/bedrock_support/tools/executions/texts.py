"""What results and sentences say: failed or not, which failure, claim of success or of trouble."""

from __future__ import annotations

import json
import re
from typing import Any, Literal, cast

_LOOK = 20_000
"""Characters at each end of a text that are looked at."""
_FAILED_TESTS = re.compile(
    r"\b[1-9]\d* (?:failed|failing|failures?|errors?)\b|^(?:FAILED|FAIL)\b|^--- FAIL", re.MULTILINE
)
_ERROR = re.compile(
    r"\A\s*(?:<tool_use_error>|error\b|fatal\b|traceback \(most recent|[\w.]*(?:Error|Exception)\b:|command failed)",
    re.IGNORECASE,
)
_EXIT = re.compile(r"\bexit(?:ed)?(?: with)?[ _-]?(?:code|status)?[ :=]+(-?\d{1,5})\b", re.IGNORECASE)
_QUOTED = re.compile(r"'[^'\n]{0,200}'|\"[^\"\n]{0,200}\"|`[^`\n]{0,200}`")
_PATHS = re.compile(r"(?<![\w<])(?:[\w.-]{0,80}[/\\]){1,20}[\w.-]{0,80}")
_NUMBERS = re.compile(r"0x[0-9a-fA-F]{1,32}|\b[0-9a-fA-F]{12,64}\b|\d+")
_DURATION = re.compile(r"(?<![\w.])\d{1,9}(?:\.\d{1,9})? ?(?:ms|µs|us|s|secs?|seconds|milliseconds)\b")
_SUCCESS = re.compile(
    r"\btests? (?:now |all |are |is )*(?:pass(?:es|ing)?|green)\b|\ball (?:the )?(?:tests|checks) (?:now )?pass"
    r"|\b(?:is|are|has been|have been|everything(?:'s| is)) (?:now |all )?"
    r"(?:fixed|done|complete(?:d)?|working|implemented|resolved|finished)\b"
    r"|\bsuccessfully\b|\bworks now\b|\A\W*(?:done|fixed|finished|all set)\b",
    re.IGNORECASE,
)
_TROUBLE = re.compile(
    r"\b(?:not|n't|cannot|can't|couldn't|unable|fail(?:s|ed|ing|ure)?|still|blocked|stuck|stopp(?:ed|ing)|give up"
    r"|except|unfinished|incomplete|remain(?:s|ing)?|needs? your|please (?:check|tell|decide|grant))\b"
    r"|n't\b|\?\s*\Z",
    re.IGNORECASE,
)
_INTENT = re.compile(r"\b(?:would|should|will|once|until|if|to be|let me)\b", re.IGNORECASE)


def text_of(value: object) -> str:
    """The text of a result, whichever of the usual forms it has."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        parts = [text_of(each) for each in cast("list[object]", value)[:100]]
        return "\n".join(part for part in parts if part)
    if isinstance(value, dict):
        pairs = cast("dict[str, Any]", value)
        if isinstance(pairs.get("text"), str):
            return str(pairs["text"])
        try:
            return json.dumps(pairs, sort_keys=True, default=str)
        except (RecursionError, ValueError, TypeError):
            return ""
    return "" if value is None else str(value)


def succeeded(text: str, *, test: bool, said: bool | None) -> bool:
    """Whether a result is a success. What the record says of it (`said`) counts unless a test's text speaks against."""
    ends = text if len(text) <= 2 * _LOOK else text[:_LOOK] + "\n" + text[-_LOOK:]
    if said is False:
        return False
    if test and _FAILED_TESTS.search(ends):
        return False
    if said is True:
        return True
    found = _EXIT.search(ends[:2_000]) or _EXIT.search(ends[-2_000:])
    if found:
        return int(found[1]) == 0
    return not (_ERROR.search(ends) or _marked(text))


def _marked(text: str) -> bool:
    if text.lstrip()[:1] != "{" or len(text) > _LOOK:
        return False
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return False
    if not isinstance(value, dict):
        return False
    pairs = cast("dict[str, Any]", value)
    code = next((pairs[name] for name in ("exit_code", "exitCode", "returncode", "exit_status") if name in pairs), 0)
    refused = pairs.get("ok") is False or pairs.get("success") is False or pairs.get("isError") is True
    return refused or bool(pairs.get("error")) or code not in (0, None)


def failure(text: str) -> str:
    """A failure's telling line with figures, paths and quoted names taken out, at most 100 characters."""
    lines = [line.strip() for line in text[:_LOOK].splitlines() if line.strip()]
    if not lines:
        return "failed"
    chosen = lines[0][:400]
    if chosen.startswith("Traceback"):
        chosen = lines[-1][:400]
    chosen = _NUMBERS.sub("#", _PATHS.sub("<path>", _QUOTED.sub("<name>", chosen)))
    return "".join(each if each.isprintable() else "?" for each in chosen)[:100]


def settled(text: str) -> str:
    """The text without durations: a second run of the same thing takes a little longer and brings nothing new."""
    return _DURATION.sub("#s", text) if len(text) <= 10 * _LOOK else text


def claim(text: str) -> Literal["", "success", "trouble"]:
    """What a sentence of the agent says of its work. Trouble wins: who names it doesn't hide it."""
    ends = text if len(text) <= 2 * _LOOK else text[-_LOOK:]
    if _TROUBLE.search(ends):
        return "trouble"
    return "success" if _SUCCESS.search(ends) and not _INTENT.search(ends) else ""
