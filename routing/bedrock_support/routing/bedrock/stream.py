"""Reading ConverseStream to its end, and saying so when it had none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any

from bedrock_support.routing.bedrock.call import Call
from bedrock_support.routing.bedrock.wire import MOST_TEXT, Reading, origin, too_much, usage
from bedrock_support.routing.clock import Clock
from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.model import FailureKind, Usage

_GOODBYE_SECONDS = 0.25
_GOODBYE_FRAMES = 4


def read_stream(response: Mapping[str, Any], call: Call, clock: Clock) -> Reading:
    """Read frames until the answer is whole. Raises RouteError(STREAM_CUT) unless messageStop and metadata came."""
    pieces: list[str] = []
    length = 0
    stop_reason = ""
    counted: Usage | None = None
    events: Iterator[Mapping[str, Any]] = iter(response["stream"])
    for event in events:
        call.progress = clock.now()
        if "contentBlockDelta" in event:
            if call.first_piece is None:
                call.first_piece = call.progress
            piece: str = event["contentBlockDelta"]["delta"].get("text", "")
            pieces.append(piece)
            length += len(piece)
            if length > MOST_TEXT:
                raise too_much()
        elif "messageStop" in event:
            stop_reason = event["messageStop"]["stopReason"]
        elif "metadata" in event:
            counted = usage(event["metadata"]["usage"])
        if stop_reason and counted is not None:
            _say_goodbye(events, call)
            break
    if not stop_reason or counted is None:
        missing = "metadata" if stop_reason else "messageStop"
        raise RouteError(FailureKind.STREAM_CUT, f"the answer ended early: no {missing} came")
    request_id, simulated = origin(response)
    return Reading(
        text="".join(pieces),
        stop_reason=stop_reason,
        usage=counted,
        request_id=request_id,
        simulated=simulated,
        first_piece_after=None if call.first_piece is None else call.first_piece - call.asked,
    )


def _say_goodbye(events: Iterator[Mapping[str, Any]], call: Call) -> None:
    # Only a body read to its end gives the connection back to the pool clean. The answer is whole by now: an end
    # that does not come, or comes broken, costs the connection and not the answer.
    call.hurry(_GOODBYE_SECONDS)
    with suppress(Exception):
        for _ in islice(events, _GOODBYE_FRAMES):
            pass
