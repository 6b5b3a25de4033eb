"""Which service failed first: the first grave line of each, in the order of their clocks."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from bedrock_support.tools.logs.times import Stamps

SKEW_SECONDS = 2
"""Clocks of machines that are kept by NTP differ by less; an order closer than this is not certain."""
MAX_SERVICES = 50
_STREAMS = frozenset({b"", b"stdout", b"stderr"})
_ROTATED = re.compile(r"(?:[.-](?:\d{1,10}|\d{4}-?\d\d-?\d\d))*(?:\.(?:log|txt|out|err|jsonl?|ndjson))?"
                      r"(?:[.-](?:\d{1,10}|\d{4}-?\d\d-?\d\d))*(?:\.(?:gz|zst))?$")  # fmt: skip


class FirstError(NamedTuple):
    """The first error of a service."""

    seconds: int
    service: str
    place: int


@dataclass(slots=True)
class Graves:
    """By service, template and bucket the first grave line; a service is a writer named in the lines, or a file."""

    _at: dict[tuple[str, int, int], int] = field(default_factory=dict[tuple[str, int, int], int])
    _services: set[str] = field(default_factory=set[str])

    def note(
        self,
        label: str,
        prefix: re.Pattern[bytes] | None,
        lines: Sequence[bytes],
        numbers: Sequence[int],
        buckets: Sequence[int],
        base: int,
        grave: Container[int],
    ) -> None:
        """Take in a block: its lines from place `base` on, with the numbers of their templates and their buckets."""
        file = _ROTATED.sub("", label) or label
        for at, number in enumerate(numbers):
            if number not in grave:
                continue
            service = file
            found = prefix.match(lines[at]) if prefix else None
            if found and found["name"] not in _STREAMS:
                service = found["name"].decode("utf-8", "replace")
            if service not in self._services:
                if len(self._services) >= MAX_SERVICES:
                    continue
                self._services.add(service)
            key, place = (service, number, buckets[at]), base + at
            known = self._at.get(key)
            if known is None or place < known:
                self._at[key] = place

    def places(self, numbers: Container[int], window: Container[int] | None) -> dict[str, int]:
        """By service the first line of these templates, in the buckets of a window if one is given."""
        first: dict[str, tuple[int, int]] = {}
        for (service, number, bucket), place in self._at.items():
            if number in numbers and (window is None or bucket in window):
                first[service] = min(first.get(service, (bucket, place)), (bucket, place))
        return {service: place for service, (_, place) in first.items()}


def ordered(quotes: Iterable[tuple[str, int, str]], reference: float) -> list[FirstError]:
    """(service, place, its line) in the order of the times that the lines state; lines without one are left out."""
    stamps = Stamps(reference)
    found: list[FirstError] = []
    for service, place, line in quotes:
        stamp = stamps.read(line.encode())
        if stamp is not None:
            found.append(FirstError(stamp.seconds, service, place))
    return sorted(found)
