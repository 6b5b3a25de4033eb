"""Logs in which each line carries what its collector put before it: containers, kubectl, syslog. What is inside?

The lines of a stack trace can be told only without that prefix, and lines of several services come mixed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_LOOKED_AT = 200
_SHARE = 0.9
"""Share of a source's first lines that must carry the same prefix."""
_INSTANT = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)"
_NANOS = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z"
_NAME = rb"[\w./-]{1,80}"

PREFIXES = tuple(
    re.compile(pattern)
    for pattern in (
        # docker compose, with or without times
        rb"(?P<name>%b) *\| ?(?:%b )?" % (_NAME, _NANOS),
        # the kubelet's files (CRI)
        rb"%b (?P<name>stdout|stderr) [FP] " % _INSTANT,
        # kubectl logs --prefix, with or without --timestamps; stern writes pod and container
        rb"\[(?P<name>pod/[\w./-]{1,200})\] (?:%b )?" % _NANOS,
        # docker logs -t and kubectl logs --timestamps, which always write nine digits
        rb"(?P<name>)%b " % _NANOS,
        # syslog, RFC 3164, and as rsyslog writes it with the time of RFC 3339
        rb"(?:<\d{1,3}>)?(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|%b) \S{1,200} (?P<name>%b)(?:\[\d{1,9}\])?: "
        % (_INSTANT, _NAME),
        # syslog, RFC 5424
        rb"<\d{1,3}>1 \S{1,60} \S{1,255} (?P<name>\S{1,48}) \S{1,128} \S{1,32} (?:-|\[[^\]]{0,2000}\]) ?",
        # AWS CLI and console exports of CloudWatch Logs: time, stream, message
        rb"%b (?P<name>\d{4}/\d\d/\d\d/\[[^\]]{1,40}\][0-9a-f]{32}|\S{1,200}/[0-9a-f]{32}) " % _INSTANT,
    )
)


def prefix_of(lines: Sequence[bytes]) -> re.Pattern[bytes] | None:
    """What nearly every line begins with, None if nothing such."""
    seen = [line for line in lines[:_LOOKED_AT] if line.strip()]
    for pattern in PREFIXES:
        if seen and sum(pattern.match(line) is not None for line in seen) >= _SHARE * len(seen):
            return pattern
    return None


def unwrapped(lines: Sequence[bytes], prefix: re.Pattern[bytes]) -> tuple[list[bytes], dict[bytes, list[int]]]:
    """The lines without the prefix, and the indices of the lines of each name in it."""
    bare: list[bytes] = []
    of: dict[bytes, list[int]] = {}
    last = b""
    for at, line in enumerate(lines):
        found = prefix.match(line)
        if found:
            last = found["name"]
        of.setdefault(last, []).append(at)
        bare.append(line[found.end() :] if found else line)
    return bare, of
