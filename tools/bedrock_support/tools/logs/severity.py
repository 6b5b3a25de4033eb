"""How bad one log line is, and what it is about: its level, and words that mean trouble or a change."""

from __future__ import annotations

import re
from typing import NamedTuple

from bedrock_support.tools.envelope import Severity

INFO, LOW, MEDIUM, HIGH, CRITICAL = range(5)
NAMES: tuple[Severity, ...] = ("info", "low", "medium", "high", "critical")

# Status codes are digits, which grouping throws away; these stand in for them.
SERVER_ERROR, CLIENT_ERROR, BAD_EXIT = b"\x0e", b"\x0f", b"\x10"
_HTTP_5 = re.compile(rb'(HTTP/[\d.]{1,3}"? )5\d\d\b')
_HTTP_4 = re.compile(rb'(HTTP/[\d.]{1,3}"? )4\d\d\b')
_STATUS_5 = re.compile(rb'(status(?:_?[cC]ode)?"?[=:] ?"?)5\d\d\b')
_STATUS_4 = re.compile(rb'(status(?:_?[cC]ode)?"?[=:] ?"?)4\d\d\b')
_EXIT = re.compile(rb"(exit(?:ed)?(?: with)?(?: code| status)?[ =:]{1,3})[1-9]\d{0,2}\b")

_LEVEL = re.compile(
    rb"(?P<up>\b(?:EMERG|ALERT|FATAL|CRITICAL|CRIT|PANIC|SEVERE|ERROR|ERR|WARNING|WARN|NOTICE|INFO|DEBUG|TRACE)\b)"
    rb'|"(?:level|severity|log\.level|loglevel|lvl)" ?: ?"?(?P<json>[A-Za-z]{3,11}|\d{2})'
    rb'|\b(?:level|severity|lvl)="?(?P<kv>[A-Za-z]{3,11})'
    rb"|\[(?:[a-z_0-9]{1,20}:)?(?P<box>emerg|alert|crit|error|warn|notice|info|debug)\]"
    rb"|\A(?P<klog>[IWEF])\d{4} "
    rb"|\A<(?P<pri>\d{1,3})>"
    rb"|(?:\A|[ \]])(?P<low>error|fatal|warning|warn|info|debug): "
)
_RANKS = {
    b"emerg": CRITICAL, b"alert": CRITICAL, b"fatal": CRITICAL, b"critical": CRITICAL, b"crit": CRITICAL,
    b"panic": CRITICAL, b"emergency": CRITICAL, b"severe": HIGH, b"error": HIGH, b"err": HIGH, b"warning": MEDIUM,
    b"warn": MEDIUM, b"notice": INFO, b"info": INFO, b"information": INFO, b"debug": INFO, b"trace": INFO,
    b"f": CRITICAL, b"e": HIGH, b"w": MEDIUM, b"i": INFO, b"60": CRITICAL, b"50": HIGH, b"40": MEDIUM,
    b"30": INFO, b"20": INFO, b"10": INFO,
}  # fmt: skip
_SYSLOG = (CRITICAL, CRITICAL, CRITICAL, HIGH, MEDIUM, INFO, INFO, INFO)


class Rule(NamedTuple):
    """Words that mean one kind of trouble."""

    label: str
    severity: int
    words: tuple[bytes, ...]
    """Any of them, in lower case."""


RULES = (
    Rule("out of memory", CRITICAL, (b"out of memory", b"outofmemory", b"oom-kill", b"oom_kill", b"oomkilled",
                                     b"cannot allocate memory", b"heap out of memory", b"memoryerror")),
    Rule("disk full", CRITICAL, (b"no space left on device", b"enospc", b"disk full", b"disk quota exceeded")),
    Rule("crash", CRITICAL, (b"segfault", b"segmentation fault", b"sigsegv", b"core dumped", b"kernel panic",
                             b"panicked at", b"panic:", b"sigabrt", b"fatal error:", b"crashloopbackoff")),
    Rule("data corruption", CRITICAL, (b"corrupt", b"checksum mismatch", b"data loss")),
    Rule("killed", HIGH, (b"sigkill", b"killed process", b"signal 9", b"evicted", b"was terminated")),
    Rule("certificate", HIGH, (b"certificate has expired", b"certificate verify failed", b"x509:", b"tls handshake",
                               b"ssl handshake", b"certificate expired", b"unable to get local issuer")),
    Rule("pool exhausted", HIGH, (b"pool exhausted", b"pool is exhausted", b"connection is not available",
                                  b"too many connections", b"too many clients", b"remaining connection slots",
                                  b"queuepool limit", b"poolexhausted", b"pool timed out", b"pool is full",
                                  b"pool is empty")),
    Rule("too many open files", HIGH, (b"too many open files", b"emfile")),
    Rule("deadlock", HIGH, (b"deadlock", b"lock wait timeout")),
    Rule("lock wait", HIGH, (b"still waiting for", b"waiting for lock", b"metadata lock", b"lock timeout")),
    Rule("connection refused", HIGH, (b"connection refused", b"econnrefused", b"no route to host", b"unreachable")),
    Rule("connection lost", HIGH, (b"connection reset", b"econnreset", b"broken pipe", b"connection closed unexpect",
                                   b"connection aborted", b"connection lost", b"lost connection")),
    Rule("name not resolved", HIGH, (b"name or service not known", b"enotfound", b"no such host",
                                     b"temporary failure in name resolution", b"eai_again", b"nxdomain")),
    Rule("timeout", HIGH, (b"timed out", b"timeoutexception", b"deadline exceeded", b"etimedout", b"timeouterror",
                           b"timeout exceeded", b"read timeout", b"request timeout", b"timeout while",
                           b"timeout after")),
    Rule("throttled", MEDIUM, (b"throttl", b"too many requests", b"rate limit", b"ratelimit")),
    Rule("permission denied", HIGH, (b"permission denied", b"access denied", b"accessdenied", b"eacces",
                                     b"not authorized", b"unauthorized")),
    Rule("exception", HIGH, (b"unhandled", b"uncaught", b"traceback (most recent", b"exception in thread")),
)  # fmt: skip


def _words(*phrases: bytes) -> bytes:
    r"""Any of the phrases at the start of a word.

    Each branch begins with what it takes and looks back afterwards: the engine searches for that several times faster
    than for `\b(?:...)`.
    """
    return b"|".join(phrase[:1] + rb"(?<!\w.)" + phrase[1:] for phrase in phrases)


_CHANGE = re.compile(
    _words(
        rb"config(?:uration)? (?:re)?load", rb"reload(?:ed|ing)\b", rb"deploy(?:ed|ing|ment)\b", rb"rollout",
        rb"rolled (?:out|back)", rb"restart(?:ed|ing)\b", rb"starting up",
        rb"started (?:in|server|application|version)",
        rb"shutting down", rb"upgrad(?:ed|ing)\b", rb"migrat(?:ed|ing|ion)\b", rb"feature flag",
        rb"scal(?:ed|ing) (?:up|down|to|in|out)", rb"failover", rb"leader elect", rb"new leader", rb"version changed",
        rb"settings? (?:changed|updated)", rb"configs? (?:changed|updated)", rb"flags? (?:changed|updated)",
        rb"booting",
    ),
    re.DOTALL,
)  # fmt: skip
_VAGUE = re.compile(
    _words(
        rb"fail(?:ed|ure|s|ing)?\b", rb"errno\b", rb"cannot\b", rb"could not\b", rb"unable to\b", rb"refused\b",
        rb"abort(?:ed|ing)?\b",
    )
    + rb"|exception\b|error\b(?<=\w.{5})",
    re.DOTALL,
)  # fmt: skip


_CHANGES = (
    b"config configuration load reload reloaded reloading deploy deployed deploying deployment rollout rolled out back "
    b"restart restarted restarting starting up started server application version shutting down upgraded upgrading "
    b"migrated migrating migration feature flag flags scaled scaling to in failover leader elect new changed updated "
    b"setting settings configs booting"
)
_LEVELS = b"error err warn warning notice info debug trace fatal critical crit alert emerg emergency panic severe"
_PARTS = frozenset(
    part
    for phrase in (_CHANGES, _LEVELS, *(word for rule in RULES for word in rule.words))
    for part in re.findall(rb"[a-z]+", phrase)
)
"""Every word that is a level, or stands in a phrase that says how bad a line is or that something was changed."""
_WHOLE = (
    SERVER_ERROR, CLIENT_ERROR, BAD_EXIT, b"error", b"exception",
    *(word for rule in RULES for word in rule.words if b" " not in word),
)  # fmt: skip
"""What matters as a part of a longer word, too."""


class Verdict(NamedTuple):
    """What one line says about itself."""

    severity: int
    label: str
    """A rule's label, "change" for a deliberate change, or empty."""


def mark_codes(data: bytes) -> bytes:
    """Put a stand-in for every HTTP 4xx and 5xx status and every exit code but 0, so that grouping keeps them apart."""
    if b"HTTP/" in data:
        data = _HTTP_4.sub(rb"\g<1>" + CLIENT_ERROR, _HTTP_5.sub(rb"\g<1>" + SERVER_ERROR, data))
    if b"status" in data:
        data = _STATUS_4.sub(rb"\g<1>" + CLIENT_ERROR, _STATUS_5.sub(rb"\g<1>" + SERVER_ERROR, data))
    if b"exit" in data:
        data = _EXIT.sub(rb"\g<1>" + BAD_EXIT, data)
    return data


def unmark(text: bytes) -> bytes:
    """Put readable words back for the stand-ins."""
    return text.replace(SERVER_ERROR, b"5xx").replace(CLIENT_ERROR, b"4xx").replace(BAD_EXIT, b"<not 0>")


def level_of(line: bytes) -> int | None:
    """The level that a line states, by its form or its level field; None if it states none."""
    found = _LEVEL.search(line[:2048] if line[:1] == b"{" else line[:200])
    if found is None:
        return None
    if found.lastgroup == "pri":
        return _SYSLOG[int(found["pri"]) % 8]
    return _RANKS.get(found[found.lastgroup or 0].lower())


def rules_in(data: bytes) -> tuple[Rule, ...]:
    """The rules of which a word stands anywhere in these lines, with those words alone: mostly few."""
    low = data.lower()
    found = [Rule(label, severity, tuple(word for word in words if word in low)) for label, severity, words in RULES]
    return tuple(rule for rule in found if rule.words)


def speaks_up(low: bytes, words: list[bytes]) -> bool:
    """Whether a part of a line, in lower case and as its words, could matter to what `judge_line` says of the whole."""
    return not _PARTS.isdisjoint(words) or any(part in low for part in _WHOLE) or bool(_VAGUE.search(low))


def judge_line(line: bytes, rules: tuple[Rule, ...] = RULES) -> Verdict:
    """Severity and label of a line whose codes were marked; `rules` may leave out those that can't apply."""
    level = level_of(line)
    low = line[:2048].lower()
    for label, severity, words in rules:
        for word in words:
            if word not in low:
                continue
            # Words of a line that calls itself harmless weigh less than what a line calls an error.
            quiet = level is not None and level < MEDIUM and severity < CRITICAL
            return Verdict(MEDIUM if quiet else max(severity, level or INFO), label)
    if SERVER_ERROR in line:
        return Verdict(max(HIGH, level or INFO), "HTTP 5xx")
    if BAD_EXIT in line:
        return Verdict(max(HIGH, level or INFO), "bad exit")
    if CLIENT_ERROR in line:
        return Verdict(max(LOW, level or INFO), "HTTP 4xx")
    if (level is None or level < HIGH) and _CHANGE.search(low):
        return Verdict(level or INFO, "change")
    if level is None:
        return Verdict(MEDIUM if _VAGUE.search(low) else INFO, "")
    return Verdict(max(level, LOW) if level < MEDIUM and _VAGUE.search(low) else level, "")
