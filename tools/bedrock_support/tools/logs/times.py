"""When a log line was written: stamps of the common formats, found and read fast."""

from __future__ import annotations

import itertools
import re
from calendar import timegm
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

_MONTHS = {name: number for number, name in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}
_DAY = 86_400
_CACHE = 50_000
_REACH = 256
"""Bytes of a line in which its stamp is looked for first."""
_FAR = 4_096
"""The same for a JSON line, whose fields come in any order."""

# Everything that is a stamp holds one of these; the search for them is cheap and says where to look closely.
_CLOCK = re.compile(rb"\d(?:\d:\d\d:\d\d|\d{9})")
_STAMP = re.compile(
    rb"(?P<iso>\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d)(?:[.,]\d{1,9})?"
    rb"(?:Z| ?(?P<zone>[+-]\d\d:?\d\d)(?!\d))?"
    rb"|(?P<clf>\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d)(?: (?P<clfzone>[+-]\d{4})(?!\d))?"
    rb"|(?P<month>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d)(?:\.\d{1,6})?(?: (?P<year>(?:19|20)\d\d)(?!\d))?"
    rb"|(?P<klog>(?<![0-9A-Za-z])[IWEF]\d{4} \d\d:\d\d:\d\d)"
    rb"|(?P<short>(?<![0-9/])\d\d/\d\d/\d\d \d\d:\d\d:\d\d)"
    rb"|(?P<android>(?<![0-9-])\d\d-\d\d \d\d:\d\d:\d\d)"
    rb"|(?<![0-9A-Za-z.])(?P<epoch>1\d{9})(?:\d{3})?(?:\.\d{1,9})?(?![0-9A-Za-z])"
)
_EPOCH_KEY = re.compile(rb"(?:^\[?|(?:ts|time|timestamp|date|t)\"?[=:] ?\"?)$", re.IGNORECASE)


class Stamp(NamedTuple):
    """One stamp found in a line."""

    seconds: int
    start: int
    end: int
    clock: int
    """Where its time of day starts."""
    key: bytes
    """Equal keys are equal seconds."""


def reach(line: bytes) -> int:
    """How many bytes of a line are searched for a stamp."""
    return _FAR if line[:1] == b"{" else _REACH


class Stamps:
    """Reads stamps into seconds since the epoch, taking those without a zone as UTC; counts what it had to assume."""

    def __init__(self, reference: float) -> None:
        self._reference = reference
        self.zoneless = 0
        self.yearless = 0
        self.lead = self.zone_at = self.zone_to = 0

    def read(self, line: bytes) -> Stamp | None:
        """The first stamp in a line, None without one."""
        for clock in itertools.islice(_CLOCK.finditer(line, 0, reach(line)), 4):
            at = clock.start()
            found = _STAMP.search(line, max(0, at - 24), at + 48)
            if found is None:
                continue
            kind, seconds = self._seconds(found, line)
            if seconds is None:
                continue
            start, end = found.span(kind)
            zone = found["zone"] or found["clfzone"] or found["year"] or b""
            self._learn(kind, at, start, found)
            return Stamp(seconds, start, end, at, found[kind] + zone)
        return None

    def _learn(self, kind: str, at: int, start: int, found: re.Match[bytes]) -> None:
        self.lead = at - start
        group = "zone" if kind == "iso" else "clfzone" if kind == "clf" else "year"
        first, last = found.span(group)
        self.zone_at, self.zone_to = (first - at, last - at) if first >= 0 else (0, 0)

    def _seconds(self, found: re.Match[bytes], line: bytes) -> tuple[str, int | None]:
        kind = next(name for name in ("iso", "clf", "month", "klog", "short", "android", "epoch") if found[name])
        text = found[kind]
        try:
            return kind, self._READERS[kind](self, text, found, line)
        except (ValueError, KeyError, OverflowError):
            return kind, None

    def _iso(self, text: bytes, found: re.Match[bytes], line: bytes) -> int:
        if not found["zone"] and line[found.end("iso") :].lstrip(b".,0123456789")[:1] != b"Z":
            self.zoneless += 1
        return _epoch(int(text[:4]), int(text[5:7]), int(text[8:10]), text[11:]) - _offset(found["zone"])

    def _clf(self, text: bytes, found: re.Match[bytes], line: bytes) -> int:
        self.zoneless += not found["clfzone"]
        return _epoch(int(text[7:11]), _MONTHS[text[3:6]], int(text[:2]), text[12:]) - _offset(found["clfzone"])

    def _month(self, text: bytes, found: re.Match[bytes], line: bytes) -> int:
        self.zoneless += 1
        year = found["year"]
        if year:
            return _epoch(int(year), _MONTHS[text[:3]], int(text[4:6]), text[7:])
        return self._recent(_MONTHS[text[:3]], int(text[4:6]), text[7:])

    def _klog(self, text: bytes, found: re.Match[bytes], line: bytes) -> int:
        self.zoneless += 1
        return self._recent(int(text[1:3]), int(text[3:5]), text[6:])

    def _short(self, text: bytes, found: re.Match[bytes], line: bytes) -> int:
        self.zoneless += 1
        return _epoch(2000 + int(text[:2]), int(text[3:5]), int(text[6:8]), text[9:])

    def _android(self, text: bytes, found: re.Match[bytes], line: bytes) -> int:
        self.zoneless += 1
        return self._recent(int(text[:2]), int(text[3:5]), text[6:])

    def _unix(self, text: bytes, found: re.Match[bytes], line: bytes) -> int | None:
        # Ten digits are a time only at the start of a line or as the value of a field called so.
        start = found.start("epoch")
        return int(text) if _EPOCH_KEY.search(line[max(0, start - 20) : start]) else None

    def _recent(self, month: int, day: int, clock: bytes) -> int:
        """The latest such date that isn't in the future of the reference."""
        self.yearless += 1
        year = datetime.fromtimestamp(self._reference, UTC).year
        for candidate in range(year, year - 9, -1):
            if month == 2 and day == 29 and (candidate % 4 or (candidate % 100 == 0 and candidate % 400)):
                continue
            seconds = _epoch(candidate, month, day, clock)
            if seconds <= self._reference + 2 * _DAY:
                return seconds
        return _epoch(year, month, day, clock)

    _READERS = {  # noqa: RUF012 - never changed
        "iso": _iso, "clf": _clf, "month": _month, "klog": _klog, "short": _short, "android": _android, "epoch": _unix,
    }  # fmt: skip


class StampCache:
    """The bucket of every line of one source, mostly by looking up the bytes where stamps have stood so far."""

    def __init__(self, stamps: Stamps, bucket: Callable[[int], int]) -> None:
        self._stamps = stamps
        self._bucket = bucket
        self._known: dict[bytes, int] = {}
        self._start = self._end = self._zone = self._zone_end = 0
        self._mixed = False

    def buckets(self, lines: Sequence[bytes], stampless: Sequence[bool] | None = None) -> list[int | None]:
        """One bucket a line, None where the line has no stamp. Lines marked stampless are not searched."""
        found = self._looked_up(lines, stampless)
        # A log may change its zone half-way, which the bytes looked up don't show: its ends are read in full.
        if not self._mixed and any(found[at] is not None and found[at] != self._exact(lines[at]) for at in (0, -1)):
            self._mixed = True
            self._known.clear()
        return [self._exact(line) for line in lines] if self._mixed else found

    def _exact(self, line: bytes) -> int | None:
        read = self._stamps.read(line)
        return None if read is None else self._bucket(read.seconds)

    def _looked_up(self, lines: Sequence[bytes], stampless: Sequence[bool] | None) -> list[int | None]:
        first, last, zone, zone_end = self._start, self._end, self._zone, self._zone_end
        if zone_end:
            keys = [line[first:last] + line[zone:zone_end] for line in lines]
        else:
            keys = [line[first:last] for line in lines]
        found: list[int | None] = list(map(self._known.get, keys))
        if None in found:
            for at, bucket in enumerate(found):
                if bucket is None and not (stampless and stampless[at]):
                    # The line before it may have made this second known.
                    known = self._known.get(keys[at])
                    found[at] = self._search(lines[at]) if known is None else known
        return found

    def _search(self, line: bytes) -> int | None:
        stamps = self._stamps
        clock = _CLOCK.search(line, 0, reach(line))
        if clock is None:
            return None
        at = clock.start()
        if at >= stamps.lead:
            key = line[at - stamps.lead : at + 8]
            if stamps.zone_to:
                key += line[at + stamps.zone_at : at + stamps.zone_to]
            known = self._known.get(key)
            if known is not None:
                return known
        return self._read(line)

    def _read(self, line: bytes) -> int | None:
        stamps = self._stamps
        read = stamps.read(line)
        if read is None:
            return None
        bucket = self._bucket(read.seconds)
        if len(self._known) >= _CACHE:
            self._known.clear()
        # A bare epoch's first digits say too little to be looked up by.
        if b":" in read.key:
            self._known[read.key] = bucket
            self._start, self._end, at = read.start, read.end, read.clock
            self._zone, self._zone_end = (at + stamps.zone_at, at + stamps.zone_to) if stamps.zone_to else (0, 0)
        return bucket


def _offset(zone: bytes | None) -> int:
    if not zone:
        return 0
    digits = zone.replace(b":", b"")
    seconds = int(digits[1:3]) * 3600 + int(digits[3:5]) * 60
    return -seconds if digits[:1] == b"-" else seconds


def _epoch(year: int, month: int, day: int, clock: bytes) -> int:
    hour, minute, second = int(clock[:2]), int(clock[3:5]), int(clock[6:8])
    if not (1 <= month <= 12 and 1 <= day <= 31 and 1970 <= year <= 2200 and hour < 24 and minute < 60 and second < 61):
        raise ValueError(clock)
    return timegm((year, month, day, hour, minute, second))


def stamped(line: bytes) -> bool:
    """Whether a line begins a record: it isn't indented and has a time of day near its start."""
    return line[:1] not in (b" ", b"\t") and _CLOCK.search(line, 0, 40) is not None


def shown(seconds: int, *, whole: bool = True) -> str:
    """A bucket's start as people read it, in UTC."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ" if whole else "%H:%M:%S")
