"""What the tests of the direct route share: an operation, credentials, a client, and a peer that can misbehave."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
import time
import zlib
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import anyio
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from bedrock_support.routing.bedrock.settings import BedrockSettings
from bedrock_support.routing.clock import SystemClock
from bedrock_support.routing.direct_bedrock import DirectBedrockClient
from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.model import Operation, OperationClass

CLOCK = SystemClock()
SOURCES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_BEARER_TOKEN_BEDROCK")


def no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing in the environment, in files, or on the network that boto3's chain could find."""
    for name in (*SOURCES, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", f"{tmp_path}/config")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", f"{tmp_path}/credentials")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def with_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys that satisfy the chain and open nothing."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def operation(seconds: float = 5.0, **changes: Any) -> Operation:
    """An operation that must end `seconds` from now."""
    wanted: dict[str, Any] = {
        "id": "op-1",
        "op_class": OperationClass.EMERGENCY,
        "tool": "diagnose",
        "system": "You help.",
        "brief": "Why does it fail?",
        "evidence_digest": "ab" * 32,
        "deadline": CLOCK.now() + seconds,
    }
    return Operation(**{**wanted, **changes})


@asynccontextmanager
async def direct(url: str, **changes: Any) -> AsyncGenerator[DirectBedrockClient]:
    """A client of one endpoint, closed at the end, which must have left no call behind."""
    client = DirectBedrockClient(BedrockSettings(endpoint_url=url, **changes), CLOCK)
    try:
        yield client
        await until(lambda: client.busy == 0)
    finally:
        await client.aclose()


async def until(true: Callable[[], bool], seconds: float = 3.0) -> None:
    """Wait for something that should be so in a moment."""
    with anyio.fail_after(seconds):
        while not true():  # noqa: ASYNC110 - what is waited for happens in threads
            await anyio.sleep(0.005)


async def failure_of(client: DirectBedrockClient, asked: Operation) -> RouteError:
    """The RouteError that sending must end in."""
    with pytest.raises(RouteError) as caught:
        await client.send(asked)
    return caught.value


ANSWER: dict[str, Any] = {
    "output": {"message": {"role": "assistant", "content": [{"text": "Because."}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 7, "outputTokens": 2, "totalTokens": 9, "cacheReadInputTokens": 5},
    "metrics": {"latencyMs": 1},
}


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS for 127.0.0.1, and the file by which a client trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "peer")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    trusted, private = folder / "peer.crt", folder / "peer.key"
    trusted.write_bytes(signed.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trusted, private)
    return context, trusted


def http(body: object = ANSWER, status: str = "200 OK", headers: str = "") -> bytes:
    """One whole HTTP answer."""
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(payload)}\r\n{headers}\r\n"
    return head.encode() + payload


@dataclass
class Peer:
    """A server of raw bytes on loopback: for every request it sends `reply`, or nothing while that is None."""

    reply: bytes | None
    hang_up: bool = False
    late: int = 0
    """Bytes at the end of a reply that come a moment after the others."""
    url: str = ""
    requests: list[bytes] = field(default_factory=list[bytes])
    accepted: int = 0
    serving: list[threading.Thread] = field(default_factory=list[threading.Thread])

    @property
    def open(self) -> int:
        """Connections that neither side has ended."""
        return sum(thread.is_alive() for thread in self.serving)


@contextmanager
def peer(reply: bytes | None, *, hang_up: bool = False, tls: ssl.SSLContext | None = None) -> Generator[Peer]:
    """Run a Peer in threads of its own, so that it also serves while the event loop is busy."""
    state = Peer(reply, hang_up)
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    state.url = f"http{'s' if tls else ''}://127.0.0.1:{listener.getsockname()[1]}"
    lines: list[socket.socket] = []

    def serve(line: socket.socket) -> None:
        with suppress(OSError), tls.wrap_socket(line, server_side=True) if tls else line as talk:
            lines.append(talk)
            while request := _request(talk):
                state.requests.append(request)
                if state.reply is not None:
                    cut = len(state.reply) - state.late
                    talk.sendall(state.reply[:cut])
                    if state.late:
                        time.sleep(0.1)
                        talk.sendall(state.reply[cut:])
                if state.hang_up:
                    break

    def accept() -> None:
        with suppress(OSError):
            while True:
                line, _ = listener.accept()
                state.accepted += 1
                thread = threading.Thread(target=serve, args=(line,), daemon=True)
                thread.start()
                state.serving.append(thread)

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield state
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for line in lines:
            with suppress(OSError):
                socket.socket.shutdown(line, socket.SHUT_RDWR)
        accepting.join(5)
        for thread in state.serving:
            thread.join(5)


def _request(line: socket.socket) -> bytes:
    read = b""
    while b"\r\n\r\n" not in read:
        more = line.recv(65536)
        if not more:
            return b""
        read += more
    head, _, body = read.partition(b"\r\n\r\n")
    length = next(
        (int(row.split(b":")[1]) for row in head.split(b"\r\n") if row.lower().startswith(b"content-length")), 0
    )
    while len(body) < length:
        more = line.recv(65536)
        if not more:
            return b""
        body += more
    return head + b"\r\n\r\n" + body


def frame(kind: str, body: object, *, message_type: str = "event") -> bytes:
    """One frame of an event stream, checksums and all."""
    headers = b"".join(
        struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", 7, len(value)) + value.encode()
        for name, value in (
            (f":{message_type}-type", kind),
            (":content-type", "application/json"),
            (":message-type", message_type),
        )
    )
    payload = json.dumps(body).encode()
    prelude = struct.pack("!II", 16 + len(headers) + len(payload), len(headers))
    checked = prelude + struct.pack("!I", zlib.crc32(prelude)) + headers + payload
    return checked + struct.pack("!I", zlib.crc32(checked))


START = frame("messageStart", {"role": "assistant"})
STOP = frame("messageStop", {"stopReason": "end_turn"})
METADATA = frame("metadata", {"usage": ANSWER["usage"], "metrics": {"latencyMs": 1}})


def piece(text: str) -> bytes:
    """A frame with a piece of the answer."""
    return frame("contentBlockDelta", {"delta": {"text": text}, "contentBlockIndex": 0})


def stream(*frames: bytes, end: bool = True, headers: str = "") -> bytes:
    """An HTTP answer in chunks; without `end` its body goes on."""
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\n"
        f"Transfer-Encoding: chunked\r\n{headers}\r\n"
    )
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in frames)
    return head.encode() + chunks + (b"0\r\n\r\n" if end else b"")
