"""AWS Signature Version 4 for a POST, with the day's key kept: four of its five HMACs change once a day.

Source: AWS, Signing AWS API requests. botocore's signer is the oracle of the tests; it takes six times as long.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Keys as they are now. `token` is empty for those that don't end."""

    access: str
    secret: str
    token: str


class Signer:
    """Signs requests to one service in one Region."""

    def __init__(self, region: str, service: str) -> None:
        self._scope = f"{region}/{service}/aws4_request"
        self._parts = (region, service, "aws4_request")
        self._day = ("", "")
        self._key = b""

    def headers(self, keys: KeyPair, url: str, body: bytes, given: Mapping[str, str], now: float) -> dict[str, str]:
        """The given headers with those that sign the request. `now` is Unix seconds."""
        parts = urlsplit(url)
        stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
        sent = {**given, "X-Amz-Date": stamp}
        if keys.token:
            sent["X-Amz-Security-Token"] = keys.token
        signed = sorted(
            [("host", _host(parts.scheme, parts.netloc)), *((k.lower(), v.strip()) for k, v in sent.items())]
        )
        names = ";".join(name for name, _ in signed)
        lines = "".join(f"{name}:{value}\n" for name, value in signed)
        # The path is encoded once more than it is sent, as for every service but S3.
        request = (
            f"POST\n{quote(parts.path, safe='/~')}\n{parts.query}\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
        )
        scope = f"{stamp[:8]}/{self._scope}"
        digest = hashlib.sha256(request.encode()).hexdigest()
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}"
        signature = hmac.new(self._key_of(keys.secret, stamp[:8]), text.encode(), hashlib.sha256).hexdigest()
        sent["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={keys.access}/{scope}, SignedHeaders={names}, Signature={signature}"
        )
        return sent

    def _key_of(self, secret: str, day: str) -> bytes:
        if self._day != (secret, day):
            key = f"AWS4{secret}".encode()
            for part in (day, *self._parts):
                key = hmac.new(key, part.encode(), hashlib.sha256).digest()
            self._key, self._day = key, (secret, day)
        return self._key


def _host(scheme: str, netloc: str) -> str:
    default = {"http": ":80", "https": ":443"}.get(scheme, "")
    return netloc.removesuffix(default) if default else netloc
