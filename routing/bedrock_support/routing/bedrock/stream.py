"""Reading ConverseStream to its end, and saying so when it had none."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from bedrock_support.routing.bedrock.frames import Frame, Frames
from bedrock_support.routing.bedrock.guardrail import UNSAID, Assessed, traced
from bedrock_support.routing.bedrock.wire import (
    MOST_TEXT,
    REQUEST_ID_HEADER,
    SIMULATED_HEADER,
    Reading,
    stopped,
    too_much,
    usage,
)
from bedrock_support.routing.clock import Clock
from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.model import FailureKind, Usage

if TYPE_CHECKING:
    import aiohttp

_GOODBYE_SECONDS = 0.25
_GOODBYE_BYTES = 65536


class Pace:
    """How long a stream may keep us waiting. A socket's own timeout never notices a drip."""

    def __init__(self, first: float, between: float, clock: Clock) -> None:
        self._first = first
        self._between = between
        self._clock = clock
        self.asked = clock.now()
        """When the request went out. Monotonic seconds."""
        self.first_piece: float | None = None
        """When the first piece of the answer came. Monotonic seconds."""
        self.scope = anyio.CancelScope(deadline=anyio.current_time() + first)
        """Around all that is read; cut off when the stream is too slow."""

    @property
    def limit(self) -> float:
        """Seconds of silence that are borne now."""
        return self._first if self.first_piece is None else self._between

    def heard(self, piece: bool) -> None:
        """Whole frames came; `piece` when they hold a part of the answer."""
        if piece and self.first_piece is None:
            self.first_piece = self._clock.now()
        if self.first_piece is not None:
            self.scope.deadline = anyio.current_time() + self._between


@dataclass(slots=True)
class _Said:
    """What a stream has said so far."""

    pieces: list[str]
    length: int = 0
    stop_reason: str = ""
    usage: Usage | None = None
    guardrail: Assessed = UNSAID

    @property
    def whole(self) -> bool:
        return bool(self.stop_reason) and self.usage is not None

    def add(self, frame: Frame) -> bool:
        """Take in a frame; true when it holds a piece of the answer. Raises Refused for an exception frame."""
        if frame.headers.get(":message-type") != "event":
            from bedrock_support.routing.bedrock.faults import Refused  # stands on what is imported in a thread first

            raise Refused.frame(frame.headers, frame.payload)
        kind = frame.headers.get(":event-type")
        if kind == "contentBlockDelta":
            piece: str = json.loads(frame.payload)["delta"].get("text") or ""
            self.pieces.append(piece)
            self.length += len(piece)
            if self.length > MOST_TEXT:
                raise too_much()
            return True
        # All but these, old or new to us, only shows that the stream moves.
        if kind == "messageStop":
            self.stop_reason = stopped(json.loads(frame.payload))
        elif kind == "metadata":
            told = json.loads(frame.payload)
            self.usage, self.guardrail = usage(told), traced(told.get("trace"))
        return False


async def read_stream(answer: aiohttp.ClientResponse, pace: Pace) -> Reading:
    """Read frames until the answer is whole. Raises RouteError(STREAM_CUT) unless messageStop and metadata came."""
    said = _Said([])
    frames = Frames()
    async for data in answer.content.iter_any():
        moved = pieces = False
        for frame in frames.feed(data):
            moved = True
            pieces |= said.add(frame)
            if said.whole:
                break
        if moved:
            pace.heard(pieces)
        if said.whole:
            break
    if said.usage is None or not said.stop_reason:
        missing = "metadata" if said.stop_reason else "messageStop"
        raise RouteError(FailureKind.STREAM_CUT, f"the answer ended early: no {missing} came")
    await _say_goodbye(answer)
    return Reading(
        text="".join(said.pieces),
        stop_reason=said.stop_reason,
        usage=said.usage,
        request_id=answer.headers.get(REQUEST_ID_HEADER, ""),
        simulated=answer.headers.get(SIMULATED_HEADER, "") == "true",
        first_piece_after=None if pace.first_piece is None else pace.first_piece - pace.asked,
        guardrail=said.guardrail,
    )


async def _say_goodbye(answer: aiohttp.ClientResponse) -> None:
    # Only a body read to its end gives the connection back to the pool clean. The answer is whole by now: an end
    # that does not come, or comes broken, costs the connection and not the answer.
    length = 0
    with suppress(Exception), anyio.move_on_after(_GOODBYE_SECONDS):
        while length < _GOODBYE_BYTES and (data := await answer.content.readany()):
            length += len(data)
    if not answer.content.at_eof():
        answer.close()
