"""Converse and ConverseStream answers, whole or spoiled in every way that is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import anyio

from bedrock_support.server.sandbox import frames
from bedrock_support.server.sandbox.answers import compose, pieces, request_text, tokens
from bedrock_support.server.sandbox.faults import STOP_REASONS, STREAM_EXCEPTIONS, Fault, FaultKind, Faults
from bedrock_support.server.sandbox.guardrail import guarded
from bedrock_support.server.sandbox.http import Connection
from bedrock_support.server.sandbox.prefixes import Kept

EVENT_STREAM = "application/vnd.amazon.eventstream"
DRIP_SECONDS = 0.05
HUGE = 30_000_000
"""Characters of an answer that no caller should have to hold."""
_SPOILED = frozenset({FaultKind.STALL, FaultKind.DRIP, FaultKind.CUT, FaultKind.CUT_MID_FRAME})
_STRIKING = _SPOILED | {FaultKind.BAD_CRC} | STREAM_EXCEPTIONS.keys()
"""Faults that strike at one place of a stream."""


def _text(body: Mapping[str, Any], faults: Faults, kind: FaultKind | None) -> str:
    text = faults.answer if faults.answer is not None else compose(body)
    if kind is FaultKind.HUGE_BODY:
        return text + "x" * HUGE
    return text[: len(text) // 2] if kind is FaultKind.MAX_TOKENS else text


def _usage(body: Mapping[str, Any], text: str, kept: Kept) -> dict[str, Any]:
    asked, written = tokens(request_text(body)), tokens(text)
    told: dict[str, Any] = {
        "inputTokens": max(0, asked - kept.read - kept.written),
        "outputTokens": written,
        "totalTokens": asked + written,
    }
    if kept.read or kept.written:
        told |= {"cacheReadInputTokens": kept.read, "cacheWriteInputTokens": kept.written}
    if kept.written:
        told["cacheDetails"] = [{"ttl": kept.ttl, "inputTokens": kept.written}]
    return told


def converse(body: Mapping[str, Any], faults: Faults, kind: FaultKind | None, kept: Kept) -> dict[str, Any]:
    """A whole Converse answer."""
    said = _said(body, faults, kind, kept)
    answer = {
        "output": {"message": {"role": "assistant", "content": [{"text": said.text}]}},
        "stopReason": said.stop_reason,
        "usage": said.usage,
        "metrics": {"latencyMs": round(faults.latency_ms)},
    }
    return answer if said.trace is None else {**answer, "trace": said.trace}


@dataclass(frozen=True, slots=True)
class _Said:
    text: str
    stop_reason: str
    usage: dict[str, Any]
    trace: dict[str, Any] | None


def _said(body: Mapping[str, Any], faults: Faults, kind: FaultKind | None, kept: Kept) -> _Said:
    """What is answered in the end, by the model that isn't there or by the guardrail that isn't either."""
    text = _text(body, faults, kind)
    screened = guarded(body, text)
    if screened is None:
        return _Said(text, _stop_reason(kind), _usage(body, text, kept), None)
    none = {"inputTokens": 0, "outputTokens": 0, "totalTokens": 0}
    usage = _usage(body, screened.text, kept) if screened.asked else none
    reason = screened.stop_reason if screened.stop_reason != "end_turn" else _stop_reason(kind)
    return _Said(screened.text, reason, usage, screened.trace)


def _stop_reason(kind: FaultKind | None) -> str:
    return STOP_REASONS.get(kind, "end_turn") if kind else "end_turn"


async def send_whole(connection: Connection, headers: dict[str, str], answer: bytes, kind: FaultKind | None) -> None:
    """An answer in one body. Faults that belong to a stream's frames have no meaning here and are left out."""
    if kind is FaultKind.MALFORMED_JSON:
        answer = answer[: len(answer) // 2]
    if kind is not None and kind in _SPOILED:
        await _spoil(connection, headers, answer, kind)
        return
    await connection.respond(200, headers, answer)


async def _spoil(connection: Connection, headers: dict[str, str], answer: bytes, kind: FaultKind) -> None:
    await connection.start(200, {**headers, "content-length": str(len(answer))})
    if kind is FaultKind.DRIP:
        await _drip(connection, answer)
        await connection.finish()
        return
    if kind is FaultKind.STALL:
        await connection.silence()
    await connection.send(answer[: len(answer) // 2])
    connection.cut()


async def send_stream(
    connection: Connection,
    headers: dict[str, str],
    body: Mapping[str, Any],
    faults: Faults,
    fault: Fault | None,
    kept: Kept,
) -> None:
    """One ConverseStream answer, frame by frame."""
    sent = _frames(body, faults, fault.kind if fault else None, kept)
    # A stream shorter than after_chunks is struck at its end: a fault that was set never passes for an answer.
    place = min(fault.after_chunks, len(sent) - 1) if fault and fault.kind in _STRIKING else len(sent)
    await connection.start(200, {**headers, "content-type": EVENT_STREAM, "transfer-encoding": "chunked"})
    for number, frame in enumerate(sent):
        if number:
            await anyio.sleep(faults.chunk_ms / 1000)
        if fault is None or number < place:
            await connection.send(frame)
        elif await _strike(connection, fault.kind, frame):
            break
    await connection.finish()


def _frames(body: Mapping[str, Any], faults: Faults, kind: FaultKind | None, kept: Kept) -> list[bytes]:
    said = _said(body, faults, kind, kept)
    metadata: dict[str, Any] = {"usage": said.usage, "metrics": {"latencyMs": round(faults.latency_ms)}}
    if said.trace is not None:
        metadata["trace"] = said.trace
    # A huge stream is many frames of a lawful size, not one of thirty megabytes.
    size = 100_000 if kind is FaultKind.HUGE_BODY else 24
    events: list[tuple[str, dict[str, Any]]] = [
        ("messageStart", {"role": "assistant"}),
        *(
            ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": piece}})
            for piece in pieces(said.text, size)
        ),
        ("contentBlockStop", {"contentBlockIndex": 0}),
        ("messageStop", {"stopReason": said.stop_reason}),
        ("metadata", metadata),
    ]
    missing = {FaultKind.NO_MESSAGE_STOP: 2, FaultKind.NO_METADATA: 1}.get(kind, 0) if kind else 0
    left = events[: len(events) - missing]
    return [frames.event(name, frames.padded(payload, number)) for number, (name, payload) in enumerate(left)]


async def _strike(connection: Connection, kind: FaultKind, frame: bytes) -> bool:
    """The fault, in place of this frame. True when the stream ends with it, cleanly as HTTP goes."""
    if kind is FaultKind.STALL:
        await connection.silence()
    elif kind is FaultKind.CUT:
        connection.cut()
    elif kind is FaultKind.CUT_MID_FRAME:
        await connection.send(frame[: len(frame) // 2])
        return True
    elif kind in STREAM_EXCEPTIONS:
        await connection.send(frames.exception(STREAM_EXCEPTIONS[kind], "simulated in-stream exception"))
        return True
    elif kind is FaultKind.BAD_CRC:
        await connection.send(frames.spoiled(frame))
    elif kind is FaultKind.DRIP:
        await _drip(connection, frame)
    return False


async def _drip(connection: Connection, data: bytes) -> None:
    for byte in data:
        await connection.send(bytes([byte]))
        await anyio.sleep(DRIP_SECONDS)
