"""Stack traces of Python, Java, Node, Go, Rust and .NET: where one ends, and its first cause with its line of code."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import NamedTuple

MAX_LINES = 300
"""Lines of one trace that are looked at."""

EXCEPTION = re.compile(
    rb"(?:^|[ \"\[(:])((?:[A-Za-z_$][\w$]{0,80}[.:]{1,2}){0,12}"
    rb"[A-Za-z_$][\w$]{0,80}(?:Exception|Error|Throwable|Failure))"
    rb"(?: \[[A-Z_]{1,40}\])?(?:: ?(.{0,400})|[ \t\r]*$|(?= ))"
)
_CHAIN = re.compile(
    rb"[ \t]{0,8}(?:Caused by: |Suppressed: |During handling of |The above exception |Traceback \(most|goroutine \d|"
    rb"created by |\.\.\. \d|--- End of |---> |stack backtrace:|\[cause\]: |note: run with|exit status|\[signal )"
)
_GO_CALL = re.compile(rb"[\w./*(){}\[\]-]{1,300}\([^)]{0,300}\)\s*$")
_PLAIN_END = re.compile(rb"[A-Za-z_][\w.]{0,120}(?::|$)")

_PY_FRAME = re.compile(rb'\s*File "([^"]{1,400})", line (\d{1,7})(?:, in ([^\r\n]{1,200}))?')
_JVM_FRAME = re.compile(rb"\s*at (?:[\w.$@-]{1,200}/{1,2})?([\w.$<>]{1,300})\(([\w$.-]{1,120}):(\d{1,7})\)")
_NET_FRAME = re.compile(rb"\s*at ([^\r\n(]{1,300})\([^\r\n)]{0,300}\) in ([^\r\n]{1,400}):line (\d{1,7})")
_NODE_FRAME = re.compile(
    rb"\s*at (?:(?:async )?([^()\r\n]{1,200}) \()?((?:file://|node:|/|[A-Za-z]:\\|\.)?[^():\r\n]{1,300}):(\d{1,7}):\d{1,7}\)?"
)
_GO_FRAME = re.compile(rb"\t([^\s:]{1,400}\.go):(\d{1,7})")
_RUST_AT = re.compile(rb"panicked at (?:'([^'\r\n]{0,400})', )?([^\s:']{1,300}):(\d{1,7}):\d{1,7}")
_FOREIGN = re.compile(
    rb"site-packages|dist-packages|/lib/python\d|<frozen|node_modules|\Anode:|/usr/local/go/src|/go/pkg/mod|/rustc/"
    rb"|\A(?:java|javax|jdk|sun|com\.sun|org\.springframework|org\.apache|org\.hibernate|io\.netty|kotlin|scala|"
    rb"com\.zaxxer|com\.fasterxml|reactor|jakarta|System|Microsoft)\."
)


class Frame(NamedTuple):
    """One place in source code."""

    file: str
    line: int
    function: str


class Trace(NamedTuple):
    """One stack trace, boiled down."""

    language: str
    kind: str
    """Type of the first cause."""
    message: str
    frame: Frame | None
    """Innermost frame of the first cause that lies in the application's own code, else the innermost."""
    chain: tuple[str, ...]
    """Types that wrapped the first cause, outermost first."""


def end_of(lines: Sequence[bytes], begin: int, own: Sequence[bool]) -> int:
    """Index after the last line of the trace that starts at `begin`; `own` marks lines that start a record."""
    at, stop = begin + 1, min(len(lines), begin + MAX_LINES)
    python = b"Traceback (most" in lines[begin]
    while at < stop and not own[at]:
        line = lines[at]
        indented = line[:1] in (b" ", b"\t")
        if not line.strip():
            # An empty line ends a trace unless a further part of it follows.
            if at + 1 >= stop or own[at + 1] or not _goes_on(lines[at + 1]):
                break
        elif not indented and not _goes_on(line):
            ends_python = python and lines[at - 1][:1] in (b" ", b"\t") and _PLAIN_END.match(line)
            rust_message = b"panicked at" in lines[at - 1]
            if not (ends_python or rust_message):
                break
        python = python or b"Traceback (most" in line
        at += 1
    return at


def _goes_on(line: bytes) -> bool:
    start = EXCEPTION.match(line)
    return bool(_CHAIN.match(line) or (start and start.start(1) == 0) or _GO_CALL.match(line))


def parse(lines: Sequence[bytes]) -> Trace | None:
    """Read a trace, whichever language it is of."""
    text = b"\n".join(lines[:3])
    if any(b"Traceback (most" in line for line in lines) or any(_PY_FRAME.match(line) for line in lines[:3]):
        return _python(lines)
    if b"panicked at" in text:
        return _rust(lines)
    if b"panic: " in text or b"fatal error: " in text or any(_GO_FRAME.match(line) for line in lines[:8]):
        return _go(lines)
    if any(_NET_FRAME.match(line) for line in lines) or b"---> " in text or b"Unhandled exception." in text:
        return _net(lines)
    if any(_JVM_FRAME.match(line) for line in lines):
        return _sections("Java", lines, _JVM_FRAME, (b"Caused by: ",))
    if any(_NODE_FRAME.match(line) for line in lines):
        return _sections("Node", lines, _NODE_FRAME, (b"[cause]: ", b"Caused by: "))
    return None


def _python(lines: Sequence[bytes]) -> Trace:
    causes: list[tuple[str, str, list[Frame]]] = []
    frames: list[Frame] = []
    for line in lines:
        if found := _PY_FRAME.match(line):
            frames.append(Frame(_text(found[1]), int(found[2]), _text(found[3] or b"")))
        elif frames and line[:1] not in (b" ", b"\t") and line.strip():
            kind, _, message = line.partition(b":")
            causes.append((_text(kind), _text(message), frames))
            frames = []
    if not causes:
        causes.append(("Exception", "", frames))
    # Python prints the first cause first, each wrapper after it, and the innermost frame last.
    kind, message, first = causes[0]
    return Trace("Python", kind, message, _own(list(reversed(first))), tuple(each[0] for each in causes[:0:-1]))


def _sections(language: str, lines: Sequence[bytes], pattern: re.Pattern[bytes], marks: tuple[bytes, ...]) -> Trace:
    # The last cause named is the first that happened.
    causes: list[tuple[str, str]] = []
    frames: list[Frame] = []
    for line in lines:
        if found := pattern.match(line):
            frames.append(_frame(language, found))
        elif not causes or any(mark in line for mark in marks):
            causes.append(_named(line))
            frames = []
    kind, message = causes[-1] if causes else ("Exception", "")
    return Trace(language, kind, message, _own(frames), tuple(each[0] for each in causes[:-1]))


def _frame(language: str, found: re.Match[bytes]) -> Frame:
    if language == "Node":
        return Frame(_text(found[2]).removeprefix("file://"), int(found[3]), _text(found[1] or b""))
    return Frame(_text(found[2]), int(found[3]), _text(found[1]))


def _net(lines: Sequence[bytes]) -> Trace:
    causes: list[tuple[str, str]] = []
    frames: list[Frame] = []
    for line in lines:
        if b"--- End of inner" in line:
            break
        if found := _NET_FRAME.match(line):
            frames.append(_frame(".NET", found))
        elif b"---> " in line or not causes:
            causes += [_named(part) for part in line.split(b"---> ") if part.strip()]
    kind, message = causes[-1]
    return Trace(".NET", kind, message, _own(frames), tuple(each[0] for each in causes[:-1]))


def _go(lines: Sequence[bytes]) -> Trace:
    head = next((line for line in lines if b"panic: " in line or b"fatal error: " in line), lines[0])
    message = head.split(b"panic: ", 1)[-1].split(b"fatal error: ", 1)[-1]
    frames: list[Frame] = []
    for before, line in itertools.pairwise(lines):
        if found := _GO_FRAME.match(line):
            frames.append(Frame(_text(found[1]), int(found[2]), _text(before.split(b"(", 1)[0])))
    return Trace("Go", "panic", _text(message), _own(frames), ())


def _rust(lines: Sequence[bytes]) -> Trace:
    for at, line in enumerate(lines):
        if found := _RUST_AT.search(line):
            following = lines[at + 1] if at + 1 < len(lines) else b""
            frame = Frame(_text(found[2]), int(found[3]), "")
            return Trace("Rust", "panic", _text(found[1] if found[1] is not None else following), frame, ())
    return Trace("Rust", "panic", _text(lines[0]), None, ())


def _named(line: bytes) -> tuple[str, str]:
    found = EXCEPTION.search(line)
    if found:
        return _text(found[1]), _text(found[2] or b"")
    kind, _, message = line.replace(b"Caused by: ", b"").partition(b": ")
    return (_text(kind), _text(message)) if b" " not in kind.strip() else ("Exception", _text(line))


def _own(frames: list[Frame]) -> Frame | None:
    """The innermost frame outside libraries, else the innermost; frames come innermost first."""
    for frame in frames:
        if not _FOREIGN.search(frame.file.encode()) and not _FOREIGN.search(frame.function.encode()):
            return frame
    return frames[0] if frames else None


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace").strip()[:300]
