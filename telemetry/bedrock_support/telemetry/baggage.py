"""Baggage that a caller sent along: three members are taken in, their values checked; everything else is left outside.

What is taken in goes on to upstream servers. A stranger's own members would too, if they were.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry import baggage, context
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context

from bedrock_support.routing import semconv
from bedrock_support.routing.model import OperationClass

LONGEST_HEADER = 8192
"""Bytes that the W3C's Baggage asks everybody to pass on; a longer one is not read."""
LONGEST_DEADLINE_MS = 600_000
_OP_CLASSES = frozenset(each.value for each in OperationClass)
_DATA_CLASSES = frozenset({"public", "internal", "confidential", "personal", "secret"})


def _deadline(value: str) -> bool:
    return len(value) <= 6 and value.isascii() and value.isdigit() and 0 < int(value) <= LONGEST_DEADLINE_MS


ALLOWED: Mapping[str, Callable[[str], bool]] = {
    semconv.BAGGAGE_OP_CLASS: _OP_CLASSES.__contains__,
    semconv.BAGGAGE_DATA_CLASS: _DATA_CLASSES.__contains__,
    semconv.BAGGAGE_DEADLINE_MS: _deadline,
}
"""Members, and whether a value is one that they may have."""


def allowed(header: object) -> dict[str, str]:
    """The members of a baggage header that are taken in."""
    if not isinstance(header, str) or len(header) > LONGEST_HEADER:
        return {}
    found: Mapping[str, Any] = baggage.get_all(W3CBaggagePropagator().extract({"baggage": header}, Context()))
    # A member may have properties after its value: they are nobody's here.
    values = {key: found[key].partition(";")[0].strip() for key in ALLOWED if isinstance(found.get(key), str)}
    return {key: value for key, value in values.items() if ALLOWED[key](value)}


@contextmanager
def carried(header: object) -> Generator[dict[str, str]]:
    """What is allowed of a header is the baggage of the block, and nothing else is."""
    members = allowed(header)
    ours = baggage.clear()
    for key, value in members.items():
        ours = baggage.set_baggage(key, value, ours)
    token = context.attach(ours)
    try:
        yield members
    finally:
        context.detach(token)
