"""Decisions from a Jaeger's query API (/api/v3/traces). Blocks: call it in a thread."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import SplitResult, urlencode, urlsplit

import msgspec

from bedrock_support.routing import semconv
from bedrock_support.routing.clock import Clock
from bedrock_support.telemetry.efficiency.join import Joiner
from bedrock_support.telemetry.efficiency.otlp_files import joining_limits
from bedrock_support.telemetry.efficiency.otlp_json import UNREADABLE, Request, joined
from bedrock_support.telemetry.efficiency.record import DecisionRecord

SERVICE = "bedrock-support"
PATH = "/api/v3/traces"
DEPTH = 500
"""Traces asked for at once. A full answer may be cut, so its time is asked for again in halves."""
NARROWEST = 1e-3
"""Seconds of a window that isn't halved again."""
MOST_REQUESTS = 2_000
LARGEST = 64 * 1024 * 1024
"""Bytes of one answer; more counts as a full one."""
TIMEOUT = 10.0
WIDEST = 7 * 86_400.0
"""Seconds looked back when no beginning is given: stores of years should not be asked for all of them."""
OK, NOT_FOUND = 200, 404


class JaegerError(Exception):
    """The query API can't be asked, or gives no usable answer. The message says which, and holds no content."""


class _Problem(msgspec.Struct):
    message: str = ""


class _Answer(msgspec.Struct):
    result: Request | None = None
    error: _Problem | None = None


_whole = msgspec.json.Decoder(_Answer)


class JaegerReading:
    """The decisions of a span of time."""

    def __init__(self, base: str, since: float | None, clock: Clock, seconds: float) -> None:
        """`base` is the query service's URL; `since` Unix seconds; `seconds` the time that all of it may take.

        Raises:
            JaegerError: `base` is no http(s) URL.
        """
        self._url = _checked(base)
        self._clock = clock
        self._until = clock.now() + seconds
        self._last = clock.wall() + 1.0
        self._first = since if since is not None else self._last - WIDEST
        self._since = since
        self._joiner = Joiner()
        self.cut = 0
        """Windows whose answer was full and which can't be halved any more."""

    def __iter__(self) -> Iterator[DecisionRecord]:
        """Once only.

        Raises:
            JaegerError: no usable answer, or not all of them in time.
        """
        windows, asked = [(self._first, self._last)], 0
        while windows:
            first, last = windows.pop()
            asked += 1
            if asked > MOST_REQUESTS:
                raise JaegerError(f"more than {MOST_REQUESTS} requests would be needed; give a later beginning")
            answer = self._ask(first, last)
            full = answer is None or _traces(answer) >= DEPTH
            if full and last - first > NARROWEST:
                middle = (first + last) / 2
                windows += [(middle, last), (first, middle)]
                continue
            self.cut += full
            for each in answer or ():
                yield from joined(each, self._joiner)
        yield from self._joiner.rest()

    def limits(self) -> list[str]:
        """What to know beside the figures, once all was read."""
        limits = joining_limits(self._joiner)
        if self._since is None:
            limits.append("from Jaeger: the last 7 days")
        if self.cut:
            limits.append(f"{self.cut} moments have more traces than Jaeger gives at once: some are missing")
        return limits

    def _ask(self, first: float, last: float) -> list[Request] | None:
        """The traces of a window; None where the answer is too large."""
        query = {
            "query.serviceName": SERVICE,
            "query.operationName": semconv.SPAN_DECIDE,
            "query.startTimeMin": _rfc3339(first),
            "query.startTimeMax": _rfc3339(last),
            "query.searchDepth": str(DEPTH),
        }
        left = self._until - self._clock.now()
        if left <= 0:
            raise JaegerError("not all traces came in time; give a later beginning, or more time")
        connection = _connection(self._url, min(left, TIMEOUT))
        try:
            connection.request("GET", f"{self._url.path.rstrip('/')}{PATH}?{urlencode(query)}")
            response = connection.getresponse()
            body = response.read(LARGEST + 1)
        except (OSError, HTTPException) as error:
            raise JaegerError(f"no answer from {self._url.hostname}: {type(error).__name__}") from None
        finally:
            connection.close()
        if response.status == NOT_FOUND and _says_none(body):
            return []  # how v3 says that there is no trace
        if response.status != OK:
            raise JaegerError(f"{self._url.hostname} answered {response.status} to {PATH}")
        return None if len(body) > LARGEST else _decoded(body)


def _decoded(body: bytes) -> list[Request]:
    """One answer, or several in lines, as a streaming gateway sends them."""
    try:
        answers = [_whole.decode(body)] if body.strip() else []
    except UNREADABLE:
        try:
            answers = _whole.decode_lines(body)
        except UNREADABLE:
            raise JaegerError(f"the answer to {PATH} is no OTLP JSON") from None
    if any(each.error is not None for each in answers):
        raise JaegerError(f"Jaeger could not answer {PATH}")
    return [each.result for each in answers if each.result is not None]


def _traces(answer: list[Request]) -> int:
    return len({span.traceId for each in answer for span in each.spans()})


def _says_none(body: bytes) -> bool:
    """Whether a 404 is the API's own and not some other server's."""
    try:
        return _whole.decode(body).error is not None
    except UNREADABLE:
        return False


def _checked(base: str) -> SplitResult:
    try:
        url = urlsplit(base)
        usable = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise JaegerError("no http(s) URL; give the query service's, such as http://127.0.0.1:16686")
    return urlsplit(base)


def _connection(url: SplitResult, timeout: float) -> HTTPConnection:
    host = url.hostname or ""
    if url.scheme == "https":
        return HTTPSConnection(host, url.port, timeout=timeout, context=ssl.create_default_context())
    return HTTPConnection(host, url.port, timeout=timeout)


def _rfc3339(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
