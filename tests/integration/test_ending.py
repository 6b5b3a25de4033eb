"""How the server ends, and what it says to messages that are none."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import time
import urllib.request
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
import pytest

from bedrock_support.server.stdio import MAX_LINE
from tests.promises import promise
from tests.rig import COMMAND, Running, environment, running, with_bedrock

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "raw", "version": "0"},
    },
}
INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}


class Raw:
    """A client that speaks the wire itself."""

    def __init__(self, *arguments: str, **env: str) -> None:
        self.running = Running(["serve", *arguments], environment(**env), stdin=subprocess.PIPE)
        self.process = self.running.process

    def send(self, message: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write((message if isinstance(message, str) else json.dumps(message)) + "\n")
        self.process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "".join(self.running.said)
        loaded: dict[str, Any] = json.loads(line)
        return loaded

    def ready(self) -> None:
        self.send(INITIALIZE)
        assert self.receive()["id"] == 1
        self.send(INITIALIZED)


def call(request_id: int, **arguments: object) -> dict[str, object]:
    params = {"name": "triage_incident", "arguments": arguments}
    return {"jsonrpc": "2.0", "id": request_id, "method": "tools/call", "params": params}


@promise("stdio:malformed-answered")
@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])
def test_a_malformed_or_oversized_line_is_answered_and_the_server_goes_on(version: str) -> None:
    raw = Raw()
    try:
        raw.send(INITIALIZE | {"params": INITIALIZE["params"] | {"protocolVersion": version}})  # type: ignore[operator]
        assert raw.receive()["result"]["protocolVersion"] == version
        raw.send(INITIALIZED)
        for line, code in (("{oops", -32700), ("[]", -32600), ("x" * (MAX_LINE + 10), -32600)):
            raw.send(line)
            answer = raw.receive()
            assert (answer["id"], answer["error"]["code"]) == (None, code)
        raw.send({"jsonrpc": "2.0", "id": 7, "method": "ping"})
        assert raw.receive() == {"jsonrpc": "2.0", "id": 7, "result": {}}
    finally:
        raw.running.end()


@promise("server:ends")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, None])
@pytest.mark.parametrize("busy", [False, True])
def test_a_signal_or_a_closed_stdin_ends_it_within_five_seconds(
    how: signal.Signals | None, busy: bool, tmp_path: Path
) -> None:
    with running("sandbox", "--port", "0", env=environment()) as (_, url):
        raw = Raw("--root", str(tmp_path), **with_bedrock(url))
        raw.ready()
        if busy:
            hang(url)
            raw.send(call(2, text="2026-11-23T14:00:00Z ERROR x", operation_class="infrastructure"))
            time.sleep(1.0)
        began = time.monotonic()
        if how is None:
            assert raw.process.stdin is not None
            raw.process.stdin.close()
        else:
            raw.process.send_signal(how)
        assert raw.process.wait(5) == 0
        assert time.monotonic() - began < 5
        raw.running.end()
    assert not [line for line in raw.running.said if "Traceback" in line]


@promise("server:ends")
@pytest.mark.parametrize("transport", ["http", "sse"])
def test_an_http_server_ends_on_sigterm(transport: str) -> None:
    with running("serve", "--transport", transport, "--port", "0", env=environment()) as (process, _):
        began = time.monotonic()
        assert process.end() == 0
        assert time.monotonic() - began < 5


@promise("server:ends")
def test_a_client_that_stops_reading_does_not_keep_it_alive(tmp_path: Path) -> None:
    raw = Raw("--root", str(tmp_path))
    raw.ready()
    for number in range(300):
        raw.send({"jsonrpc": "2.0", "id": number, "method": "tools/list"})
    time.sleep(0.5)
    raw.process.send_signal(signal.SIGTERM)
    assert raw.process.wait(5) == 0
    raw.running.end()


def hang(url: str) -> None:
    body = json.dumps({"kind": "hang"}).encode()
    request = urllib.request.Request(f"{url}/_sandbox/faults", data=body, method="PUT")  # noqa: S310
    urllib.request.urlopen(request, timeout=5).close()  # noqa: S310


@promise("server:host-and-origin")
async def test_foreign_hosts_and_origins_are_refused() -> None:
    def ask(url: str, **headers: str) -> int:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 0, timeout=5)
        try:
            given = {"content-type": "application/json", "accept": "application/json, text/event-stream"} | headers
            connection.request("POST", parts.path, body=json.dumps(INITIALIZE), headers=given)
            return connection.getresponse().status
        finally:
            connection.close()

    with running("serve", "--transport", "http", "--port", "0", env=environment()) as (_, url):
        off = anyio.to_thread.run_sync
        assert await off(partial(ask, url)) == 200
        assert await off(partial(ask, url, host="evil.example")) == 421
        assert await off(partial(ask, url, origin="https://evil.example")) == 403
        assert await off(partial(ask, url, origin="http://localhost:3000")) == 200


@promise("server:host-and-origin")
@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.org"])  # noqa: S104 - refused
def test_other_interfaces_are_refused_with_the_mend(host: str) -> None:
    process = Running(["serve", "--transport", "http", "--host", host, "--port", "0"], environment())
    assert process.process.wait(20) == 2
    process.end()
    said = "".join(process.said)
    assert f"--host = '{host}'" in said
    assert "127.0.0.1" in said


@promise("server:oversized-http")
async def test_an_oversized_or_malformed_body_is_answered() -> None:
    def post(url: str, body: bytes, length: int) -> int:
        # The body's length is declared; a client that waits for the answer needn't send what will be refused.
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 0, timeout=10)
        try:
            connection.putrequest("POST", parts.path)
            connection.putheader("content-type", "application/json")
            connection.putheader("accept", "application/json, text/event-stream")
            connection.putheader("content-length", str(length))
            connection.endheaders(body)
            return connection.getresponse().status
        finally:
            connection.close()

    with running("serve", "--transport", "http", "--port", "0", env=environment()) as (_, url):
        off = anyio.to_thread.run_sync
        assert await off(partial(post, url, b"{oops", 5)) == 400
        assert await off(partial(post, url, b"x", MAX_LINE + 1)) == 413


def test_the_version_can_be_asked() -> None:
    done = subprocess.run([*COMMAND, "--version"], capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout.startswith("bedrock-support 0.")


def test_a_taken_port_and_a_wrong_setting_are_named() -> None:
    with running("serve", "--transport", "http", "--port", "0", env=environment()) as (_, url):
        port = url.split(":")[2].split("/")[0]
        second = Running(["serve", "--transport", "http", "--port", port], environment())
        assert second.process.wait(20) == 2
        second.end()
        assert "Choose a free port" in "".join(second.said)
    for arguments, env, words in (
        (["serve"], {"BEDROCK_SUPPORT_RESIDENCY": "mars"}, "BEDROCK_SUPPORT_RESIDENCY = 'mars'"),
        (["serve"], {"BEDROCK_SUPPORT_REGION": "x y"}, "BEDROCK_SUPPORT_REGION: region is 'x y'"),
        (["serve", "--port", "99999"], {}, "'99999': give a number from 0"),
        (["sandbox", "--host", "0.0.0.0"], {}, "it listens on loopback only"),  # noqa: S104 - refused
    ):
        wrong = Running(arguments, environment(**env))
        assert wrong.process.wait(20) == 2
        wrong.end()
        assert words in "".join(wrong.said)
        assert "Traceback" not in "".join(wrong.said)
