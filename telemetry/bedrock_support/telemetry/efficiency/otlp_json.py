"""OTLP JSON as bytes to decision records: only spans of ours are looked into, all others are skipped unparsed."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import TypeAlias

import msgspec

from bedrock_support.routing import semconv
from bedrock_support.telemetry.efficiency.join import Joiner
from bedrock_support.telemetry.efficiency.record import DecisionRecord, ending_from, record_from

MARK = b'"route.'
"""A request without it has no span of ours."""
EMPTY = msgspec.Raw(b"[]")
HEX_DIGITS = 32


class _Value(msgspec.Struct, gc=False):
    stringValue: str | None = None  # OTLP's names
    boolValue: bool | None = None
    intValue: str | int | None = None
    doubleValue: float | str | None = None


class _Pair(msgspec.Struct, gc=False):
    key: str
    value: _Value = msgspec.field(default_factory=_Value)


class _Event(msgspec.Struct, gc=False):
    name: str = ""
    attributes: list[_Pair] = []


class _Span(msgspec.Struct, gc=False):
    name: str = ""
    traceId: str = ""
    attributes: msgspec.Raw = EMPTY
    events: msgspec.Raw = EMPTY


class _Scope(msgspec.Struct, gc=False):
    spans: list[_Span] = []


class _Resource(msgspec.Struct, gc=False):
    scopeSpans: list[_Scope] = []


class Request(msgspec.Struct, gc=False):
    """What a collector is sent, and one line of a span file."""

    resourceSpans: list[_Resource] = []

    def spans(self) -> Iterator[_Span]:
        """All of them."""
        for resource in self.resourceSpans:
            for scope in resource.scopeSpans:
                yield from scope.spans


Bytes: TypeAlias = bytes | msgspec.Raw
_request = msgspec.json.Decoder(Request)
_pairs = msgspec.json.Decoder(list[_Pair])
_events = msgspec.json.Decoder(list[_Event])
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""Raised for what isn't OTLP JSON."""


def records(request: bytes, joiner: Joiner) -> Iterator[DecisionRecord]:
    """Decisions that are complete after this request. A span whose attributes can't be read is passed over.

    Raises:
        MsgspecError, UnicodeDecodeError, RecursionError: it isn't OTLP JSON.
    """
    if MARK in request:
        yield from joined(_request.decode(request), joiner)


def joined(request: Request, joiner: Joiner) -> Iterator[DecisionRecord]:
    """Decisions that are complete after these spans."""
    for span in request.spans():
        if span.name == semconv.SPAN_DECIDE:
            yield from _decided(span, joiner)
        elif span.name == semconv.SPAN_OUTCOME:
            yield from _ended(span, joiner)


def _decided(span: _Span, joiner: Joiner) -> Iterator[DecisionRecord]:
    try:
        events = _events.decode(span.events)
        about = _plain(_pairs.decode(span.attributes))
    except UNREADABLE:
        return
    candidates = [_plain(each.attributes) for each in events if each.name == semconv.EVENT_CANDIDATE]
    record = record_from(about, candidates, _hexadecimal(span.traceId))
    if record is not None:
        yield from joiner.decided(record)


def _ended(span: _Span, joiner: Joiner) -> Iterator[DecisionRecord]:
    try:
        about = _plain(_pairs.decode(span.attributes))
    except UNREADABLE:
        return
    decision_id = about.get(semconv.DECISION_ID)
    if isinstance(decision_id, str):
        yield from joiner.ended(decision_id, ending_from(about))


def _plain(pairs: list[_Pair]) -> dict[str, object]:
    # Most values are text: that they are found without a call shows in files of a million spans.
    return {each.key: text if (text := each.value.stringValue) is not None else _value(each.value) for each in pairs}


def _value(value: _Value) -> object:
    """What is no text."""
    if value.boolValue is not None:
        return value.boolValue
    number = value.doubleValue if value.doubleValue is not None else value.intValue
    if isinstance(number, str):  # Protobuf's JSON writes 64-bit integers, and what isn't finite, as text
        try:
            return float(number)
        except ValueError:
            return None
    return number


def _hexadecimal(trace: str) -> str | None:
    """A trace's id; some servers write it as base64, as Protobuf's JSON would."""
    if len(trace) == HEX_DIGITS:
        return trace.lower()
    try:
        return base64.b64decode(trace, validate=True).hex() or None
    except (binascii.Error, ValueError):
        return None
