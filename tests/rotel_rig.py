"""rotel: a collector of other people's, in Rust. It takes spans by OTLP/HTTP and posts what it understood of them."""

from __future__ import annotations

import socket
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

START = 30.0
"""Seconds that it may take to listen."""


@contextmanager
def rotel(to: str) -> Generator[str]:
    """A collector on loopback that passes on to `to`. Yields its URL; ended, it has passed on all that it got."""
    spec = find_spec("rotel")
    if spec is None or spec.origin is None:
        pytest.skip("NOT CHECKED: there is no rotel for this platform")
    program = Path(spec.origin).parent / "rotel-agent"
    http, grpc = free_ports()
    command = [str(program), "start", "--otlp-http-endpoint", f"127.0.0.1:{http}"]
    command += ["--otlp-grpc-endpoint", f"127.0.0.1:{grpc}", "--exporter", "otlp", "--batch-timeout", "100ms"]
    command += ["--otlp-exporter-endpoint", to, "--otlp-exporter-protocol", "http"]
    with tempfile.TemporaryFile("w+") as said, subprocess.Popen(command, stdout=said, stderr=said) as process:
        try:
            wait_for(http, process)
            yield f"http://127.0.0.1:{http}"
        finally:
            process.terminate()
            process.wait(20)
            said.seek(0)
            complaints = [line for line in said if "ERROR" in line]
    assert complaints == []


def free_ports() -> tuple[int, int]:
    """Two ports that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        return one.getsockname()[1], two.getsockname()[1]


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Until somebody listens; a process that only listens says nothing of it."""
    end = time.monotonic() + START
    while time.monotonic() < end:
        assert process.poll() is None, "rotel ended"
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("rotel doesn't listen")
