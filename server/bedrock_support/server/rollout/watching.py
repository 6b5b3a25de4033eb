"""What the front sees of one exchange: which call it was, and how it ended."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, cast

from bedrock_support.routing.model import OperationClass

_CLASSES = frozenset(each.value for each in OperationClass)
MOST_HELD = 8 * 1024 * 1024
"""Bytes of one message that are held to be read; a longer one passes unread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The message of a POST, as far as a proxy cares. Batches and broken JSON are nobody's: the worker refuses them."""

    method: str = ""
    id: str | int | None = None
    tool: str = ""
    op_class: str = ""
    about: str | int | None = None
    """Of notifications/cancelled: the request it is about."""
    state: str = ""
    """Of a retry in protocol 2026-07-28: the state that came with the question, by which the call is known."""

    @property
    def request(self) -> bool:
        return bool(self.method) and self.id is not None

    @property
    def answer(self) -> bool:
        """An answer to what a server asked its client."""
        return not self.method and self.id is not None

    @staticmethod
    def of(body: bytes) -> Asked:
        try:
            told: Any = json.loads(body)
        except (ValueError, RecursionError):
            return Asked()
        if not isinstance(told, dict):
            return Asked()
        message = cast("dict[str, Any]", told)
        params = _object(message.get("params"))
        method = message.get("method")
        name, arguments = params.get("name"), _object(params.get("arguments"))
        op_class = arguments.get("operation_class")
        return Asked(
            method=method if isinstance(method, str) else "",
            id=_id(message.get("id")),
            tool=name[:100] if method == "tools/call" and isinstance(name, str) else "",
            op_class=op_class if isinstance(op_class, str) and op_class in _CLASSES else "",
            about=_id(params.get("requestId")),
            state=_state(params),
        )


@dataclass(slots=True, kw_only=True)
class Watch:
    """Reads along while an answer streams by. Feed it every chunk; `problem` is then how the request ended."""

    asked: Asked
    stream: bool
    """Whether the answer is an event stream, else one JSON object."""
    size: int = 0
    """Bytes of the object, where the worker said so: it is then read with its last one, not when the stream ends."""
    questions: list[str | int] = field(default_factory=list[str | int])
    """Ids of what the server asked its client meanwhile; taken out by who reads them."""
    answered: bool = False
    problem: str = ""
    left: str = ""
    """The state under which the call waits for its client's answers; empty when it doesn't."""
    over: bool = False
    """The worker has sent all that it will send."""
    _pending: bytearray = field(default_factory=bytearray)
    _skipping: bool = False

    def feed(self, chunk: bytes) -> None:
        self._pending += chunk
        if self.stream:
            *lines, rest = self._pending.split(b"\n")
            self._pending = bytearray(rest)
            for line in lines:
                if self._skipping:
                    self._skipping = False
                elif line.startswith(b"data:"):
                    self._message(bytes(line[5:]))
        elif self.size and len(self._pending) >= self.size:
            self.end()
        if len(self._pending) > MOST_HELD:
            self._pending.clear()
            self._skipping = True

    def end(self) -> None:
        """All has come."""
        if not self.stream and self._pending and not self._skipping:
            self._message(bytes(self._pending))
        self._pending.clear()

    def _message(self, data: bytes) -> None:
        try:
            told: Any = json.loads(data)
        except (ValueError, RecursionError):
            return
        if not isinstance(told, dict):
            return
        message = cast("dict[str, Any]", told)
        given = _id(message.get("id"))
        if "method" in message:
            if given is not None:
                self.questions.append(given)
        elif given == self.asked.id:
            self.answered = True
            result = _object(message.get("result"))
            self.left = _state(result)
            if "error" in message:
                self.problem = f"error {_object(message['error']).get('code')}"
            elif result.get("isError") is True:
                self.problem = "tool error"


def _object(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _state(members: dict[str, Any]) -> str:
    state = members.get("requestState")
    return state if isinstance(state, str) else ""


def _id(value: object) -> str | int | None:
    return value if isinstance(value, str | int) and not isinstance(value, bool) else None
