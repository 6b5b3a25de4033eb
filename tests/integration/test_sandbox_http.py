"""The sandbox on the bare wire: malformed requests, its controls, how connections end."""

from __future__ import annotations

import json
import socket
from typing import Any

import anyio
import pytest
from anyio.abc import SocketStream

from bedrock_support.server.environment import SettingsError
from bedrock_support.server.sandbox.emulator import Sandbox, open_sandbox, run_sandbox
from bedrock_support.server.sandbox.faults import Fault, FaultKind
from tests.direct_rig import until
from tests.promises import promise

LAWFUL = json.dumps({"messages": [{"role": "user", "content": [{"text": "hello"}]}]}).encode()


async def raw(box: Sandbox, start: str, body: bytes = b"", headers: str = "") -> SocketStream:
    """A connection on which a request has been sent as it stands."""
    wire = await anyio.connect_tcp("127.0.0.1", int(box.url.rsplit(":", 1)[1]))
    await wire.send(f"{start} HTTP/1.1\r\nHost: box\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return wire


async def told(box: Sandbox, start: str, body: bytes = b"") -> tuple[int, dict[str, Any]]:
    """Status and JSON of the answer to one raw request."""
    async with await raw(box, start, body, "Connection: close\r\n") as wire:
        answer = b"".join([piece async for piece in wire])
    head, _, rest = answer.partition(b"\r\n\r\n")
    assert b"x-bedrock-support-simulated: true" in head.lower()
    return int(head.split()[1]), json.loads(rest)


@promise("sandbox:survives")
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/model/m/count-tokens", b'{"input": []}'),
        ("/model/m/converse", b'{"messages": ["x"]}'),
        ("/model/m/converse-stream", b'{"messages": {"a": 1}}'),
        ("/model/%ff/converse", b"[" * 200_000),
        ("/model/m/converse", b'{"a": "' + b"x" * 25_000_001 + b'"}'),
    ],
    ids=["count", "strings", "object", "deep", "long"],
)
async def test_a_malformed_request_is_refused_and_the_next_one_served(path: str, body: bytes) -> None:
    async with open_sandbox() as box:
        status, refused = await told(box, f"POST {path}", body)
        assert (status, list(refused)) == (400, ["message"])
        assert (await told(box, "POST /model/m/converse", LAWFUL))[0] == 200


@promise("sandbox:survives")
async def test_what_is_not_http_and_who_leaves_early_end_one_connection_only() -> None:
    async with open_sandbox() as box:
        async with await anyio.connect_tcp("127.0.0.1", int(box.url.rsplit(":", 1)[1])) as wire:
            await wire.send(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
            with pytest.raises(anyio.EndOfStream):
                await wire.receive()
        box.faults.latency_ms = 50
        for kind in (FaultKind.CUT, FaultKind.RESET, FaultKind.DRIP, FaultKind.HANG):
            box.set(Fault(kind=kind))
            wire = await raw(box, "POST /model/m/converse", LAWFUL)
            await wire.aclose()
        box.clear()
        assert (await told(box, "POST /model/m/converse", LAWFUL))[0] == 200
        await until(lambda: box.open_connections == 0)


async def test_a_large_body_is_invited_where_the_caller_waits_for_that() -> None:
    async with open_sandbox() as box, await anyio.connect_tcp("127.0.0.1", int(box.url.rsplit(":", 1)[1])) as wire:
        head = f"POST /model/m/converse HTTP/1.1\r\nHost: box\r\nContent-Length: {len(LAWFUL)}\r\n"
        await wire.send(f"{head}Expect: 100-continue\r\n\r\n".encode())
        assert (await wire.receive()).startswith(b"HTTP/1.1 100 ")
        await wire.send(LAWFUL)
        assert (await wire.receive()).startswith(b"HTTP/1.1 200 ")


@promise("sandbox:faults")
async def test_a_reset_is_a_tcp_reset_before_any_byte() -> None:
    async with open_sandbox() as box:
        box.set(Fault(kind=FaultKind.RESET))
        async with await raw(box, "POST /model/m/converse", LAWFUL) as wire:
            with pytest.raises(anyio.BrokenResourceError) as raised:
                await wire.receive()
        assert isinstance(raised.value.__cause__, ConnectionResetError)


@promise("sandbox:live")
async def test_it_is_controlled_over_http_while_it_runs() -> None:
    async with open_sandbox() as box:
        status, state = await told(box, "PUT /_sandbox/faults", b'{"kind": "throttling", "times": 3}')
        assert (status, state["fault"]["kind"]) == (200, "throttling")
        assert box.faults.active == Fault(kind=FaultKind.THROTTLING, times=3)
        assert (await told(box, "DELETE /_sandbox/faults"))[1]["fault"] is None
        assert (await told(box, "GET /_sandbox"))[1]["simulated"] is True
        assert (await told(box, "GET /_sandbox/nothing"))[0] == 404
        for unknown in ("/nothing", "/model/m/sing"):
            assert (await told(box, f"POST {unknown}", LAWFUL))[0] == 404


@promise("sandbox:live")
async def test_calls_are_told_over_http_without_the_signature() -> None:
    async with open_sandbox() as box:
        async with await raw(box, "POST /model/a%3A0/converse", LAWFUL, "Authorization: AWS4-HMAC x\r\n") as wire:
            await wire.receive()
        assert (await told(box, "GET /_sandbox/calls"))[1] == {
            "calls": [{"operation": "converse", "model": "a:0", "body": json.loads(LAWFUL), "connection": 1}]
        }
        assert box.calls[0].headers["authorization"] == "AWS4-HMAC x"


@promise("sandbox:live")
@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"kind": "throttling", "after": 2}, "after = 2: "),
        ({"times": 0}, "times = 0: "),
        ({"latency_ms": "soon"}, "latency_ms = 'soon': "),
    ],
)
async def test_a_bad_setting_is_refused_by_field_and_value_and_changes_nothing(
    setting: dict[str, object], said: str
) -> None:
    async with open_sandbox() as box:
        box.set(Fault(kind=FaultKind.HANG))
        status, refused = await told(box, "PUT /_sandbox/faults", json.dumps(setting).encode())
        assert status == 400
        assert refused["error"].startswith(said)
        assert "The fields are kind, model, times," in refused["error"]
        assert (await told(box, "PUT /_sandbox/faults", b"{"))[0] == 400
        assert box.faults.active == Fault(kind=FaultKind.HANG)


@promise("sandbox:loopback")
async def test_it_listens_on_loopback_only_and_says_when_a_port_is_taken() -> None:
    with pytest.raises(SettingsError, match="loopback only"):
        async with open_sandbox(host="0.0.0.0"):  # noqa: S104 - refused
            pass
    async with open_sandbox() as box:
        with pytest.raises(SettingsError, match="free port"):
            async with open_sandbox(port=int(box.url.rsplit(":", 1)[1])):
                pass


@promise("sandbox:ends")
async def test_it_ends_within_a_second_whatever_its_connections_wait_for() -> None:
    wires: list[SocketStream] = []
    async with open_sandbox() as box:
        for kind in (FaultKind.HANG, FaultKind.STALL, FaultKind.DRIP):
            box.set(Fault(kind=kind))
            wires += [await raw(box, f"POST /model/m/{name}", LAWFUL) for name in ("converse", "converse-stream")]
        await until(lambda: len(box.calls) == len(wires))
        wires.append(await raw(box, "GET /_sandbox"))
        await until(lambda: box.open_connections == len(wires))
        began = anyio.current_time()
    assert anyio.current_time() - began < 1
    assert box.open_connections == 0
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(box.url.rsplit(":", 1)[1]))) != 0
    for wire in wires:
        await wire.aclose()


@promise("sandbox:ends")
async def test_it_announces_its_address_and_serves_until_cancelled() -> None:
    said: list[str] = []
    async with anyio.create_task_group() as group:
        group.start_soon(run_sandbox, "127.0.0.1", 0, said.append)
        await until(lambda: bool(said))
        group.cancel_scope.cancel()
    assert "simulated" in said[0]
    assert "http://127.0.0.1:" in said[0]
