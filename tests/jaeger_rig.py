"""A query API on loopback that answers as Jaeger v2 does over a file's spans: whole traces, cut at searchDepth."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

NONE_FOUND = {"error": {"httpCode": 404, "message": "No traces found", "grpcCode": 5}}


class FakeJaeger:
    """What it holds and what it was asked."""

    def __init__(self, path: Path) -> None:
        self.traces: defaultdict[str, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
        self.asked: list[dict[str, str]] = []
        for line in path.read_text().splitlines():
            for resource in json.loads(line)["resourceSpans"]:
                service = next(
                    each["value"]["stringValue"]
                    for each in resource["resource"]["attributes"]
                    if each["key"] == "service.name"
                )
                for scope in resource["scopeSpans"]:
                    for span in scope["spans"]:
                        self.traces[span["traceId"]].append((service, span))

    def answer(self, query: dict[str, str]) -> tuple[int, object]:
        """The traces with a span of the service and the name inside the times, the newest first."""
        self.asked.append(query)
        first, last = (
            datetime.fromisoformat(query[f"query.startTime{end}"]).timestamp() * 1e9 for end in ("Min", "Max")
        )

        def fits(service: str, span: dict[str, Any]) -> bool:
            named = (service, span["name"]) == (query["query.serviceName"], query["query.operationName"])
            return named and first <= int(span["startTimeUnixNano"]) <= last

        found = [spans for spans in self.traces.values() if any(fits(*each) for each in spans)]
        found.sort(key=lambda spans: -int(spans[0][1]["startTimeUnixNano"]))
        found = found[: int(query["query.searchDepth"])]
        if not found:
            return 404, NONE_FOUND
        resources = [
            {
                "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
                "scopeSpans": [{"scope": {"name": "x"}, "spans": [span]}],
            }
            for spans in found
            for service, span in spans
        ]
        return 200, {"result": {"resourceSpans": resources}}


@contextmanager
def answering(answer: Callable[[dict[str, str]], tuple[int, object]]) -> Generator[str]:
    """A server that gives `answer(query)`, a status and a body, to /api/v3/traces."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            status, body = 404, b"not here"
            if url.path == "/api/v3/traces":
                status, told = answer({key: values[0] for key, values in parse_qs(url.query).items()})
                body = told if isinstance(told, bytes) else json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Silence."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
