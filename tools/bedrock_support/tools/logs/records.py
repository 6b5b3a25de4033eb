"""From a raw line to what is grouped: the message of structured lines, masks for what varies, and fast keys."""

from __future__ import annotations

import re

_JSON_TEXT = re.compile(rb'"(?:message|msg|event|log|short_message)" ?: ?"((?:[^"\\]|\\.){0,4000})"')
_JSON_ERROR = re.compile(rb'"(?:error|err|exception|exc_type|error_message)" ?: ?"((?:[^"\\]|\\.){0,1000})"')
_JSON_STACK = re.compile(
    rb'"(?:stack|stack_?[tT]race|exc_info|exception|traceback|error\.stack_trace)" ?: ?"((?:[^"\\]|\\.){0,6000})'
)
_LOGFMT_TEXT = re.compile(rb'(?:^| )(?:msg|message)=(?:"((?:[^"\\]|\\.){0,4000})"|([^ "]{1,400}))')
_LOGFMT_ERROR = re.compile(rb'(?:^| )(?:err|error)=(?:"((?:[^"\\]|\\.){0,1000})"|([^ "]{1,400}))')

# A run that begins with a digit, with the parts of addresses, ids, times and measures that hang on it; then the
# hexadecimal letters or the sign before it. Two steps, since letters are everywhere and digits aren't.
_VARIABLE = re.compile(rb"[0-9](?:[0-9A-Za-z]|[.:,+-](?=[0-9a-fA-F]{1,40}(?![0-9A-Za-z])))*")
_HEADED = re.compile(rb"<\*>(?<=[a-fA-F+-]<\*>)")
_HEAD = re.compile(rb"(?:[a-fA-F](?<![0-9A-Za-z].)[a-fA-F]{0,15}|[-+](?<=[:=(,\[ ].))<\*>", re.DOTALL)
_HEX_WORD = re.compile(rb"(?<![0-9A-Za-z<])[a-f]{4}(?:[a-f]{4})?(?=-<\*>)|(?<=<\*>-)[a-f]{4}(?![0-9A-Za-z])")
_NEAR_HEX = re.compile(rb"-<\*>(?<=[a-f]{4}-<\*>)|<\*>-(?=[a-f]{4})")
# A host before its port, a size with its unit, a date in words, a size said again in round figures, "<1 sec".
_HOST = re.compile(rb"(?<![0-9A-Za-z.<>/-])(?:[A-Za-z0-9<*>-]{1,63}\.){1,8}[A-Za-z][A-Za-z0-9-]{1,62}:<\*>")
_SIZE = re.compile(rb"<\*> (?:[kKMGT]i?)?(?:B|[Bb]ytes)\b")
_DATE = re.compile(
    rb"(?:M(?<!\w.)on|T(?<!\w.)ue|W(?<!\w.)ed|T(?<!\w.)hu|F(?<!\w.)ri|S(?<!\w.)at|S(?<!\w.)un)[a-z]{0,6},? "
    rb"(?:[A-Z][a-z]{2} +<\*>|<\*> [A-Z][a-z]{2})(?: <\*>){0,3}",
    re.DOTALL,
)
_ROUNDED = re.compile(rb" \(<\*> ?[kKMGT]i?B\)")
_LESS = re.compile(rb"(?<![0-9A-Za-z<])<<\*> ?(?:s|secs?|seconds?|ms|minutes?|min)\b")
_TWICE = re.compile(rb">[-:.,/]?<\*>")
_REPEAT = re.compile(rb"<\*>(?:[-:.,/]?<\*>)+")
_STAMP_REST = re.compile(
    rb"\A[\[{(<\"]?(?:(?:[A-Z][a-z]{2},? )?[A-Z][a-z]{2} +)?<\*>[\])>,Z]*(?: <\*>[\])>,Z]*)*(?: [+-]<\*>\]?)? *"
)
_ACCESS_STAMP = re.compile(rb"\[<\*>/[A-Z][a-z]{2}/<\*>(?: [+-]?<\*>)?\] ?")

# Ids of eight and more hexadecimal digits: what makes lines differ that say the same.
_LONG_HEX = re.compile(rb"[0-9a-fA-F]{8}[0-9a-fA-F-]*")
_DIGITS = b"0123456789"

FRAME = re.compile(
    rb'\A[ \t]+(?:at (?!(?:least|most|once)\b)\S|File "|\d{1,4}: \S|\.\.\. \d+ (?:more|common))|\A\t\S{1,400}\.go:\d'
)
TRACE_START = re.compile(
    rb"Traceback \(most recent call last\)|\bpanic: |\bpanicked at |\A(?:\S{1,60} )?fatal error: |Unhandled exception\."
)


def keys_of(data: bytes, *, strong: bool) -> list[bytes]:
    """A key for each line: equal keys have the same template. Whole blocks at a time, in C."""
    if strong:
        data = _LONG_HEX.sub(b"", data)
    return data.translate(None, _DIGITS).split(b"\n")


def body(line: bytes) -> bytes:
    """The part of a line that says something: the message of JSON and logfmt, all of any other line."""
    if line[:1] == b"{":
        return _joined(_JSON_TEXT.search(line), _JSON_ERROR.search(line)) or line
    if b"msg=" in line or b"message=" in line:
        return _joined(_LOGFMT_TEXT.search(line), _LOGFMT_ERROR.search(line)) or line
    return line


def _joined(text: re.Match[bytes] | None, error: re.Match[bytes] | None) -> bytes:
    return b" error: ".join(next((part for part in found.groups() if part), b"") for found in (text, error) if found)


def mask(text: bytes) -> bytes:
    """Replace what varies between lines that say the same by <*>, and drop a leading stamp."""
    masked = _VARIABLE.sub(b"<*>", text)
    if _HEADED.search(masked):
        masked = _HEAD.sub(b"<*>", masked)
    if _TWICE.search(masked):
        masked = _REPEAT.sub(b"<*>", masked)
    if (b"<*>-" in masked or b"-<*>" in masked) and _NEAR_HEX.search(masked):
        masked = _REPEAT.sub(b"<*>", _HEX_WORD.sub(b"<*>", masked))
    if b":<*>" in masked:
        masked = _HOST.sub(b"<*>", masked)
    if b"B)" in masked:
        masked = _ROUNDED.sub(b"", masked)
    if b"B" in masked:
        masked = _SIZE.sub(b"<*>", masked)
    if b"<<*>" in masked:
        masked = _LESS.sub(b"<*>", masked)
    if b"/<*>" in masked:
        masked = _ACCESS_STAMP.sub(b"", masked, count=1)
    if stamp := _STAMP_REST.match(masked):
        masked = masked[stamp.end() :] or masked
    return _DATE.sub(b"<*>", masked)


def stack_of(line: bytes) -> list[bytes]:
    """The lines of a stack trace inside a JSON line, none if there isn't one."""
    found = _JSON_STACK.search(line) if line[:1] == b"{" else None
    if found is None or b"\\n" not in found[1]:
        return []
    text = found[1].replace(b"\\\\", b"\\").replace(b"\\r", b"").replace(b"\\t", b"\t").replace(b'\\"', b'"')
    return text.split(b"\\n")
