"""One service of the root-cause suite: answers GET after asking its callees, writes OTLP-JSON spans, takes faults.

    python benchmarks/rca_service.py NAME PORT SPANS.jsonl MODE [CALLEE=PORT ...]

MODE is `serial` (callees one after another), `parallel` (all at once) or `store` (no callees; reads and writes a table
under one lock, as a small database does). PUT /fault/KIND injects latency, errors, cpu or memory;
PUT /fault/none ends it.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import sys
import threading
import time
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NAME, PORT, SPANS, MODE = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
CALLEES = [(name, int(port)) for name, port in (each.split("=") for each in sys.argv[5:])]
SLOW, BURN, FAILING, CHUNK, MOST_CHUNKS = 0.04, 0.025, 0.5, 4 * 2**20, 40

handle = os.open(SPANS, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
fault = "none"
ballast: list[bytearray] = []
table: dict[str, str] = {}
lock = threading.Lock()


def span(trace: str, parent: str, ident: str, kind: int, began: int, failed: bool, peer: str = "") -> None:
    attributes = [{"key": "peer.service", "value": {"stringValue": peer}}] if peer else []
    record = {
        "traceId": trace,
        "spanId": ident,
        "parentSpanId": parent,
        "name": "work",
        "kind": kind,
        "startTimeUnixNano": str(began),
        "endTimeUnixNano": str(time.time_ns()),
        "attributes": attributes,
        "status": {"code": 2} if failed else {},
    }
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": NAME}}]}
    line = json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [record]}]}]})
    os.write(handle, line.encode() + b"\n")


def ask(callee: tuple[str, int], trace: str, parent: str, failures: list[str]) -> None:
    ident, began, failed = os.urandom(8).hex(), time.time_ns(), True
    connection = HTTPConnection("127.0.0.1", callee[1], timeout=1.0)
    try:
        connection.request("GET", "/", headers={"traceparent": f"00-{trace}-{ident}-01"})
        failed = connection.getresponse().status >= 500
    except (OSError, HTTPException):
        failed = True
    finally:
        connection.close()
    span(trace, parent, ident, 3, began, failed, callee[0])
    if failed:
        failures.append(callee[0])


def hurt() -> bool:
    """The injected fault, if any; true: this request is to fail."""
    if fault == "latency":
        time.sleep(SLOW)
    elif fault == "cpu":
        until = time.thread_time() + BURN
        while time.thread_time() < until:
            hashlib.sha256(b"x" * 4096).digest()
    elif fault == "memory" and len(ballast) < MOST_CHUNKS:
        ballast.append(bytearray(os.urandom(CHUNK // 64) * 64))
    return fault == "errors" and random.random() < FAILING  # noqa: S311 - chance, not secrecy


def work(trace: str, parent: str) -> bool:
    """The service's own work and its calls; true: it failed."""
    failures: list[str] = []
    if MODE == "store":
        with lock:
            table[str(len(table) % 997)] = hashlib.sha256(trace.encode()).hexdigest()
    hashlib.sha256(json.dumps(sorted(range(200))).encode()).hexdigest()
    failed = hurt()
    if failed:
        return True
    if MODE == "parallel":
        threads = [threading.Thread(target=ask, args=(each, trace, parent, failures)) for each in CALLEES]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    else:
        for each in CALLEES:
            ask(each, trace, parent, failures)
    return bool(failures)


class Service(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        began, ident = time.time_ns(), os.urandom(8).hex()
        _, trace, parent, _ = (self.headers.get("traceparent") or f"00-{os.urandom(16).hex()}--01").split("-")
        failed = work(trace, ident)
        span(trace, parent, ident, 2, began, failed)
        self.answer(502 if failed else 200)

    def do_PUT(self) -> None:
        global fault
        fault = self.path.rpartition("/")[2]
        if fault == "none":
            ballast.clear()
        self.answer(200)

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the spans say it all."""


if __name__ == "__main__":
    ThreadingHTTPServer.request_queue_size = 64
    ThreadingHTTPServer(("127.0.0.1", PORT), Service).serve_forever()
