"""One GET to a source of the settings: bounded in time and size, no redirects, no proxies. Blocks."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import SplitResult, unquote, urlencode, urlsplit

LARGEST = 16 * 2**20
"""Bytes of one answer."""
PATIENCE = 10.0
"""Seconds without a byte."""
OK = 200
_PIECE = 2**16


class LiveError(Exception):
    """A source gave no usable answer. The message names its host and what it said; it is safe to show."""


class TooLarge(LiveError):
    """The answer has more than LARGEST bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """When everything must have been read, and whether anybody still waits for it."""

    until: float
    """Absolute monotonic seconds."""
    now: Callable[[], float]
    check: Callable[[], None] = lambda: None
    """May raise to stop."""

    @property
    def left(self) -> float:
        """Seconds."""
        return self.until - self.now()

    def spent(self) -> bool:
        """Whether the time is over."""
        self.check()
        return self.left <= 0


def usable(base: str) -> bool:
    """Whether a setting is an http(s) URL that can be asked."""
    try:
        url = urlsplit(base)
        return url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        return False


def ask(base: str, path: str, query: Mapping[str, str], budget: Budget) -> tuple[int, bytes]:
    """Status and body of one answer.

    Raises:
        TooLarge: it has more than LARGEST bytes.
        LiveError: there is none in time.
    """
    url = urlsplit(base)
    host = url.hostname or base
    left = budget.left
    if left <= 0:
        raise LiveError(f"no time was left to ask {host}")
    connection = _connection(url, min(left, PATIENCE))
    try:
        connection.request("GET", f"{url.path.rstrip('/')}{path}?{urlencode(query)}", headers=_headers(url))
        response = connection.getresponse()
        body = bytearray()
        # A peer that sends a byte now and then would keep a plain read alive for ever.
        while piece := response.read1(_PIECE):
            body += piece
            if len(body) > LARGEST:
                raise TooLarge(f"{host} answered {path} with more than {LARGEST // 2**20} MiB")
            if budget.spent():
                raise LiveError(f"{host} had not answered {path} to the end when the time was over")
    except (OSError, HTTPException, ValueError) as error:
        raise LiveError(f"no answer from {host}: {type(error).__name__}") from None
    finally:
        connection.close()
    return response.status, bytes(body)


def _headers(url: SplitResult) -> dict[str, str]:
    headers = {"accept": "application/json", "user-agent": "bedrock-support"}
    if url.username:
        pair = f"{unquote(url.username)}:{unquote(url.password or '')}"
        headers["authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    return headers


def _connection(url: SplitResult, timeout: float) -> HTTPConnection:
    host = url.hostname or ""
    if url.scheme == "https":
        return HTTPSConnection(host, url.port, timeout=timeout, context=ssl.create_default_context())
    return HTTPConnection(host, url.port, timeout=timeout)
