"""Converse and ConverseStream answers, whole or spoiled in every way that is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anyio

from bedrock_support.server.sandbox import frames
from bedrock_support.server.sandbox.answers import compose, pieces, request_text, tokens
from bedrock_support.server.sandbox.faults import STOP_REASONS, STREAM_EXCEPTIONS, Fault, FaultKind, Faults
from bedrock_support.server.sandbox.http import Connection, as_json

EVENT_STREAM = "application/vnd.amazon.eventstream"
DRIP_SECONDS = 0.05
HUGE = 30_000_000
"""Characters of an answer that no caller should have to hold."""
_SPOILED = frozenset({FaultKind.STALL, FaultKind.DRIP, FaultKind.CUT, FaultKind.CUT_MID_FRAME})
_CLEAN = frozenset({None, *STOP_REASONS})


def _text(body: Mapping[str, Any], faults: Faults, kind: FaultKind | None) -> str:
    text = faults.answer if faults.answer is not None else compose(body)
    if kind is FaultKind.HUGE_BODY:
        return text + "x" * HUGE
    return text[: len(text) // 2] if kind is FaultKind.MAX_TOKENS else text


def _usage(body: Mapping[str, Any], text: str) -> dict[str, int]:
    read, written = tokens(request_text(body)), tokens(text)
    return {"inputTokens": read, "outputTokens": written, "totalTokens": read + written}


async def send_reply(
    connection: Connection, headers: dict[str, str], body: Mapping[str, Any], faults: Faults, fault: Fault | None
) -> None:
    """One Converse answer. Faults of a stream's frames have no meaning here and are left out."""
    kind = fault.kind if fault else None
    if kind is FaultKind.HANG:
        await connection.silence()
    if kind is FaultKind.RESET:
        connection.reset()
    text = _text(body, faults, kind)
    answer = as_json(
        {
            "output": {"message": {"role": "assistant", "content": [{"text": text}]}},
            "stopReason": STOP_REASONS.get(kind, "end_turn") if kind else "end_turn",
            "usage": _usage(body, text),
            "metrics": {"latencyMs": round(faults.latency_ms)},
        }
    )
    if kind is FaultKind.MALFORMED_JSON:
        answer = answer[: len(answer) // 2]
    if kind is not None and kind in _SPOILED:
        await _spoil(connection, headers, answer, kind)
        return
    await connection.respond(200, headers, answer)


async def _spoil(connection: Connection, headers: dict[str, str], answer: bytes, kind: FaultKind) -> None:
    await connection.start(200, {**headers, "content-length": str(len(answer))})
    if kind is FaultKind.DRIP:
        for byte in answer:
            await connection.send(bytes([byte]))
            await anyio.sleep(DRIP_SECONDS)
        await connection.finish()
        return
    if kind is FaultKind.STALL:
        await connection.silence()
    await connection.send(answer[: len(answer) // 2])
    connection.cut()


async def send_stream(
    connection: Connection, headers: dict[str, str], body: Mapping[str, Any], faults: Faults, fault: Fault | None
) -> None:
    """One ConverseStream answer, frame by frame."""
    kind = fault.kind if fault else None
    if kind is FaultKind.HANG:
        await connection.silence()
    if kind is FaultKind.RESET:
        connection.reset()
    await connection.start(200, {**headers, "content-type": EVENT_STREAM, "transfer-encoding": "chunked"})
    for number, frame in enumerate(_frames(body, faults, kind)):
        if fault is not None and kind not in _CLEAN and number >= fault.after_chunks:
            await _strike(connection, fault.kind, frame)
        if number:
            await anyio.sleep(faults.chunk_ms / 1000)
        await connection.send(frame)
    await connection.finish()


def _frames(body: Mapping[str, Any], faults: Faults, kind: FaultKind | None) -> list[bytes]:
    text = _text(body, faults, kind)
    stop = STOP_REASONS.get(kind, "end_turn") if kind else "end_turn"
    # A huge stream is many frames of a lawful size, not one of thirty megabytes.
    size = 100_000 if kind is FaultKind.HUGE_BODY else 24
    out = [frames.event("messageStart", {"role": "assistant"})]
    out += [
        frames.event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": piece}})
        for piece in pieces(text, size)
    ]
    out.append(frames.event("contentBlockStop", {"contentBlockIndex": 0}))
    if kind is FaultKind.NO_MESSAGE_STOP:
        return out
    out.append(frames.event("messageStop", {"stopReason": stop}))
    if kind is FaultKind.NO_METADATA:
        return out
    metrics = {"latencyMs": round(faults.latency_ms)}
    out.append(frames.event("metadata", {"usage": _usage(body, text), "metrics": metrics}))
    return out


async def _strike(connection: Connection, kind: FaultKind, frame: bytes) -> None:
    """The fault, at its place in the stream. Returns only when the stream goes on."""
    if kind is FaultKind.STALL:
        await connection.silence()
    elif kind is FaultKind.CUT:
        connection.cut()
    elif kind is FaultKind.CUT_MID_FRAME:
        await connection.send(frame[: len(frame) // 2])
        connection.cut()
    elif kind is FaultKind.BAD_CRC:
        await connection.send(frames.spoiled(frame))
    elif kind is FaultKind.DRIP:
        for byte in frame:
            await connection.send(bytes([byte]))
            await anyio.sleep(DRIP_SECONDS)
    elif kind in STREAM_EXCEPTIONS:
        await connection.send(frames.exception(STREAM_EXCEPTIONS[kind], "simulated in-stream exception"))
        await connection.finish()
        connection.cut()
