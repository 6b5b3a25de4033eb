"""APIs of Jaeger and Prometheus on loopback, answering as theirs do over data made by a fixed recipe."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

Answer = Callable[[Mapping[str, str]], tuple[int, object]]


@dataclass
class Served:
    """What was asked, and by whom."""

    url: str = ""
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list[tuple[str, dict[str, str]]])
    headers: list[dict[str, str]] = field(default_factory=list[dict[str, str]])


@contextmanager
def serving(routes: Mapping[str, Answer]) -> Generator[Served]:
    """A server that gives each path's answer: a status and a body, or bytes, or an iterator of pieces."""
    served = Served()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(url.query).items()}
            served.asked.append((url.path, query))
            served.headers.append({key.lower(): value for key, value in self.headers.items()})
            status, body = routes[url.path](query) if url.path in routes else (404, b"not here")
            self.send_response(status)
            if status in (301, 302, 307):
                self.send_header("Location", str(body))
                body = b""
            if not isinstance(body, Generator):
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
                return
            self.end_headers()
            try:
                for piece in cast("Generator[bytes]", body):
                    self.wfile.write(piece)
                    self.wfile.flush()
            except OSError:
                body.close()

        def log_message(self, format: str, *args: object) -> None:
            """Silence."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


class Traces:
    """Spans that a Jaeger v2 holds, as OTLP: the documents that its /api/v3 gives."""

    def __init__(self, lines: list[str]) -> None:
        self.traces: dict[str, list[tuple[str, float, dict[str, Any]]]] = {}
        for line in lines:
            for resource in json.loads(line)["resourceSpans"]:
                service = resource["resource"]["attributes"][0]["value"]["stringValue"]
                for span in resource["scopeSpans"][0]["spans"]:
                    at = int(span["startTimeUnixNano"]) / 1e9
                    self.traces.setdefault(span["traceId"], []).append((service, at, span))

    def services(self, _: Mapping[str, str]) -> tuple[int, object]:
        """/api/v3/services"""
        return 200, {"services": sorted({service for spans in self.traces.values() for service, _, _ in spans})}

    def find(self, query: Mapping[str, str]) -> tuple[int, object]:
        """/api/v3/traces: whole traces with a span of the service in the time, cut at searchDepth."""
        first, last = (datetime.fromisoformat(query[f"query.startTime{end}"]).timestamp() for end in ("Min", "Max"))
        wanted = query["query.serviceName"]
        found = [
            spans
            for spans in self.traces.values()
            if any(service == wanted and first <= at < last for service, at, _ in spans)
        ][: int(query["query.searchDepth"])]
        if not found:
            return 404, {"error": {"httpCode": 404, "message": "No traces found", "grpcCode": 5}}
        resources = [
            {
                "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
                "scopeSpans": [{"scope": {"name": "x"}, "spans": [span]}],
            }
            for spans in found
            for service, _, span in spans
        ]
        return 200, {"result": {"resourceSpans": resources}}

    @property
    def routes(self) -> dict[str, Answer]:
        return {"/api/v3/services": self.services, "/api/v3/traces": self.find}


def matrix(rows: list[tuple[dict[str, str], list[tuple[float, float]]]]) -> dict[str, object]:
    """An answer of /api/v1/query_range."""
    result = [{"metric": labels, "values": [[at, str(value)] for at, value in points]} for labels, points in rows]
    return {"status": "success", "data": {"resultType": "matrix", "result": result}}
