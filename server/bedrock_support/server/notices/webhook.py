"""A webhook that is signed, follows no redirect, and can't be made to reach into this network.

The signature is an HMAC-SHA256 over the time and the body, as Stripe's and Slack's are; a receiver refuses old times.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

import anyio
import httpx2
from anyio import to_thread

from bedrock_support.routing.clock import Clock
from bedrock_support.server.notices.notice import Notice, Undelivered

SIGNATURE = "x-bedrock-support-signature"
DELIVERY = "x-bedrock-support-delivery"
SECONDS = 10.0
HTTPS, HTTP = 443, 80
TOO_MANY, SERVER_ERROR, OK = 429, 500, 300
Resolve = Callable[[str, int], list[str]]


def resolved(host: str, port: int) -> list[str]:
    """The addresses of a host. Raises OSError, UnicodeError."""
    return [str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def is_public(address: str) -> bool:
    """Whether an address is one of the open Internet: not of this machine, its network, or a cloud's own services."""
    told = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(told, ipaddress.IPv6Address):
        inner = told.ipv4_mapped or told.sixtofour or (told.teredo[1] if told.teredo else None)
        if inner is not None:
            return is_public(str(inner))
        # NAT64 carries an IPv4 address in its last 32 bits (RFC 6052).
        if told in ipaddress.ip_network("64:ff9b::/96"):
            return is_public(str(ipaddress.IPv4Address(int(told) & 0xFFFFFFFF)))
    return told.is_global and not told.is_multicast


class Webhook:
    """Implements Target by POST of JSON."""

    def __init__(
        self, url: str, secret: str, clock: Clock, *, private: bool = False, resolve: Resolve = resolved
    ) -> None:
        """`private` allows addresses that aren't public, and http to them."""
        self._url = url
        self._secret = secret.encode()
        self._clock = clock
        self._private = private
        self._resolve = resolve
        self.name = f"webhook {urlsplit(url).hostname}"

    async def send(self, notice: Notice) -> None:
        # In a thread: looking up a host and reading the certificates that are trusted would block the loop.
        await to_thread.run_sync(self._post, notice, abandon_on_cancel=True, limiter=anyio.CapacityLimiter(1))

    def _post(self, notice: Notice) -> None:
        parts = urlsplit(self._url)
        host = parts.hostname or ""
        port = parts.port or (HTTPS if parts.scheme == "https" else HTTP)
        address = self._address(host, port)
        body = json.dumps(notice.as_table(), sort_keys=True).encode()
        at = str(int(self._clock.wall()))
        signed = hmac.new(self._secret, f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        headers = {
            "host": parts.netloc,
            "content-type": "application/json",
            SIGNATURE: f"t={at},v1={signed}",
            DELIVERY: notice.id,
        }
        # The address that was looked at is the one connected to: a second look-up might give another.
        target = httpx2.URL(self._url).copy_with(host=address, port=port)
        try:
            with httpx2.Client(timeout=SECONDS, trust_env=False, follow_redirects=False) as client:
                request = client.build_request("POST", target, headers=headers, content=body)
                request.extensions = {**request.extensions, "sni_hostname": host}
                response = client.send(request, stream=True)
                response.close()
        except httpx2.HTTPError as error:
            raise Undelivered(type(error).__name__) from None
        if response.status_code >= OK:
            lasting = response.status_code < SERVER_ERROR and response.status_code != TOO_MANY
            raise Undelivered(f"status {response.status_code}", lasting=lasting)

    def _address(self, host: str, port: int) -> str:
        try:
            addresses = self._resolve(host, port)
        except (OSError, UnicodeError):
            raise Undelivered("its host can't be found") from None
        fit = [each for each in addresses if self._private or is_public(each)]
        if len(fit) < len(addresses) or not fit:
            raise Undelivered("its host has an address that isn't public", lasting=True)
        return fit[0]
