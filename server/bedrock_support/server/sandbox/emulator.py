"""The sandbox itself: Converse, ConverseStream, CountTokens and ApplyGuardrail over HTTP, and its own controls."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import unquote

import anyio
import h11
from anyio.abc import SocketAttribute, SocketStream
from pydantic import ValidationError

from bedrock_support.routing.clock import Entropy, SystemEntropy
from bedrock_support.server.environment import SettingsError
from bedrock_support.server.loopback import as_url, is_loopback
from bedrock_support.server.sandbox import guardrail
from bedrock_support.server.sandbox.faults import ERRORS, ErrorShape, Fault, FaultKind, Faults, FaultSettings
from bedrock_support.server.sandbox.http import Connection, Dropped, Request, as_json
from bedrock_support.server.sandbox.prefixes import Prefixes
from bedrock_support.server.sandbox.replies import converse, send_stream, send_whole
from bedrock_support.server.sandbox.requests import count, read_object, refusal

JSON = {"content-type": "application/json"}
MOST_CALLS = 10_000
"""Calls remembered; the oldest give way."""
UNKNOWN = ErrorShape(404, "UnknownOperationException", "Unknown operation.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that was received."""

    operation: str
    model: str
    body: dict[str, Any]
    connection: int
    headers: dict[str, str] = field(repr=False)


class Sandbox:
    """A running sandbox; its faults may be changed at any time."""

    def __init__(self, url: str, faults: Faults, entropy: Entropy) -> None:
        self.url = url
        self.faults = faults
        self.calls: list[Call] = []
        self.open_connections = 0
        self._accepted = 0
        self._prefixes = Prefixes()
        self._entropy = entropy

    def set(self, fault: Fault) -> None:
        """Strike the requests that match from now on."""
        self.faults.set(fault)

    def clear(self) -> None:
        """No fault, no latency, the composed answer."""
        FaultSettings().apply(self.faults)

    async def serve(self, stream: SocketStream) -> None:
        """Serve one connection to its end."""
        self._accepted += 1
        self.open_connections += 1
        stream.extra(SocketAttribute.raw_socket).setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = Connection(stream, self._accepted)
        try:
            async with stream, aclosing(connection.requests()) as requests:
                async for request in requests:
                    await self._answer(connection, request)
        except (Dropped, h11.ProtocolError, OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
            """Cut on purpose, or the other side left or sent something that isn't HTTP: this connection is over."""
        finally:
            self.open_connections -= 1

    async def _answer(self, connection: Connection, request: Request) -> None:
        path = request.path.partition("?")[0]
        if path.startswith("/_sandbox"):
            await self._control(connection, request, path)
            return
        match request.method, path.split("/"):
            case "GET", ["", "guardrails", identifier]:
                await self._send(connection, guardrail.described(unquote(identifier)), None)
                return
            case "GET", ["", "inference-profiles", *parts]:
                await self._send(connection, guardrail.profile(unquote("/".join(parts))), None)
                return
            case "POST", ["", "guardrail", model, "version", version, "apply"]:
                operation = f"apply-guardrail:{version}"
            case "POST", ["", "model", model, operation]:
                pass
            case _:
                await self._fail(connection, UNKNOWN)
                return
        model = unquote(model)
        body = read_object(request.body)
        if isinstance(body, ErrorShape):
            await self._fail(connection, body)
            return
        self.calls.append(
            Call(
                operation=operation, model=model, body=body, connection=connection.number, headers=dict(request.headers)
            )
        )
        del self.calls[:-MOST_CALLS]
        await self._operate(connection, operation, model, body)

    async def _operate(self, connection: Connection, operation: str, model: str, body: dict[str, Any]) -> None:
        fault = self.faults.strike(model)
        kind = fault.kind if fault else None
        await anyio.sleep(self.faults.latency_ms / 1000)
        if kind is FaultKind.HANG:
            await connection.silence()
        if kind is FaultKind.RESET:
            connection.reset()
        if fault is not None and fault.kind in ERRORS:
            await self._fail(connection, ERRORS[fault.kind], fault.retry_after)
        elif operation.startswith("apply-guardrail:"):
            await self._send(connection, guardrail.applied(model, operation.partition(":")[2], body), kind)
        elif operation == "count-tokens":
            await self._send(connection, _counted(body), kind)
        elif operation not in ("converse", "converse-stream"):
            await self._fail(connection, UNKNOWN)
        elif refused := refusal(body) or guardrail.unfit(body, stream=operation == "converse-stream"):
            await self._fail(connection, refused)
        else:
            kept = self._prefixes.look(model, body, anyio.current_time())
            if isinstance(kept, ErrorShape):
                await self._fail(connection, kept)
            elif operation == "converse":
                await self._send(connection, converse(body, self.faults, kind, kept), kind)
            else:
                await send_stream(connection, self._headers({}), body, self.faults, fault, kept)

    async def _send(self, connection: Connection, answer: dict[str, Any] | ErrorShape, kind: FaultKind | None) -> None:
        if isinstance(answer, ErrorShape):
            await self._fail(connection, answer)
        else:
            await send_whole(connection, self._headers(JSON), as_json(answer), kind)

    async def _fail(self, connection: Connection, shape: ErrorShape, retry_after: float | None = None) -> None:
        headers = self._headers(JSON) | {"x-amzn-errortype": shape.type}
        if retry_after is not None:
            headers["retry-after"] = f"{retry_after:g}"
            headers["x-amz-retry-after"] = str(round(retry_after * 1000))
        await connection.respond(shape.status, headers, as_json({"message": shape.message}))

    def _headers(self, base: dict[str, str]) -> dict[str, str]:
        return base | {"x-amzn-requestid": self._entropy.token()}

    async def _control(self, connection: Connection, request: Request, path: str) -> None:
        status, told = 200, {}
        match request.method, path:
            case "GET", "/_sandbox":
                told = {"simulated": True, "faults": _state(self.faults), "open_connections": self.open_connections}
            case "GET", "/_sandbox/calls":
                told = {"calls": [_record(call) for call in self.calls]}
            case "PUT", "/_sandbox/faults":
                status, told = self._configure(request.body)
            case "DELETE", "/_sandbox/faults":
                self.clear()
                told = _state(self.faults)
            case _:
                status, told = 404, {"error": f"{request.method} {path}: no such control. Use GET /_sandbox"}
        await connection.respond(status, JSON, as_json(told))

    def _configure(self, body: bytes) -> tuple[int, dict[str, Any]]:
        try:
            FaultSettings.model_validate_json(body).apply(self.faults)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "body"
            known = ", ".join(FaultSettings.model_fields)
            return 400, {"error": f"{where} = {first['input']!r:.80}: {first['msg']}. The fields are {known}"}
        return 200, _state(self.faults)


def _state(faults: Faults) -> dict[str, Any]:
    return {
        "latency_ms": faults.latency_ms,
        "chunk_ms": faults.chunk_ms,
        "answer": faults.answer,
        "fault": asdict(faults.active) if faults.active else None,
    }


def _record(call: Call) -> dict[str, Any]:
    # Headers carry the caller's signature or bearer token: kept for tests in process, never told over HTTP.
    return {"operation": call.operation, "model": call.model, "body": call.body, "connection": call.connection}


def _counted(body: dict[str, Any]) -> dict[str, Any] | ErrorShape:
    counted = count(body)
    return counted if isinstance(counted, ErrorShape) else {"inputTokens": counted}


@asynccontextmanager
async def open_sandbox(
    *, host: str = "127.0.0.1", port: int = 0, faults: Faults | None = None
) -> AsyncGenerator[Sandbox]:
    """A sandbox on a loopback address; port 0 takes any free one.

    Raises:
        SettingsError: the address is not loopback, or is taken.
    """
    if not is_loopback(host):
        raise SettingsError(f"--host = {host!r}: the sandbox is a test double; it listens on loopback only")
    try:
        listener = await anyio.create_tcp_listener(local_host=host, local_port=port, reuse_port=False)
    except OSError as error:
        raise SettingsError(f"--port = {port}: {error.strerror}. Choose a free port, or 0 for any") from error
    bound = listener.extra(SocketAttribute.local_port)
    sandbox = Sandbox(as_url(host, bound), faults or Faults(), SystemEntropy())
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, sandbox.serve)
        yield sandbox
        group.cancel_scope.cancel()


async def run_sandbox(host: str, port: int, announce: Callable[[str], None]) -> None:
    """Serve until cancelled."""
    async with open_sandbox(host=host, port=port) as sandbox:
        announce(f"simulated Bedrock runtime listening on {sandbox.url}")
        await anyio.sleep_forever()
