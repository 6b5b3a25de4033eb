"""HTTP to Bedrock on the event loop: a pool of connections, one try, and an answer that is bounded.

Imported in a thread, with boto3: aiohttp costs 0.1 s to import.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
import anyio
from yarl import URL

from bedrock_support.routing.bedrock.access import Access
from bedrock_support.routing.bedrock.faults import Refused
from bedrock_support.routing.bedrock.settings import BedrockSettings
from bedrock_support.routing.clock import Clock

MOST_REFUSAL = 64 * 1024
"""Bytes read of a refusal, about."""
REFUSAL_SECONDS = 1.0
"""How long a refusal's body is waited for: its status says most of it."""
_JSON = {"Content-Type": "application/json"}


class Exchange:
    """The connections to one endpoint. Made and used on one event loop."""

    def __init__(self, access: Access, settings: BedrockSettings, clock: Clock) -> None:
        self._clock = clock
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=settings.concurrency, ssl=access.tls, keepalive_timeout=60.0),
            timeout=aiohttp.ClientTimeout(sock_connect=settings.connect_timeout, sock_read=settings.read_timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("Accept", "Accept-Encoding"),
            headers={"User-Agent": access.agent},
            # Proxies are looked up once, with the credentials: aiohttp would read ~/.netrc on the loop at each request.
            trust_env=False,
        )

    @asynccontextmanager
    async def post(
        self, access: Access, path: str, content: Mapping[str, Any]
    ) -> AsyncGenerator[aiohttp.ClientResponse]:
        """Ask at a path, whose parts are encoded, and give the answer once its head has come with status 200.

        What isn't read then is thrown away.

        Raises:
            Refused: any other status.
            aiohttp.ClientError, OSError: as aiohttp raises them.
        """
        url = f"{access.url}/{path}"
        body = json.dumps(content, separators=(",", ":")).encode()
        headers = access.signer.headers(url, body, _JSON, self._clock.wall())
        async with self._session.post(
            URL(url, encoded=True),
            data=body,
            headers=headers,
            allow_redirects=False,
            proxy=access.proxy,
        ) as answer:
            if answer.status != 200:
                raise Refused.read(answer.status, answer.headers, await _refusal(answer))
            yield answer

    async def aclose(self) -> None:
        """Close every connection."""
        await self._session.close()


async def _refusal(answer: aiohttp.ClientResponse) -> bytes:
    """What could be had of a refusal's body."""
    read = bytearray()
    with suppress(aiohttp.ClientError, OSError), anyio.move_on_after(REFUSAL_SECONDS):
        while len(read) < MOST_REFUSAL and (piece := await answer.content.readany()):
            read += piece
    return bytes(read)
