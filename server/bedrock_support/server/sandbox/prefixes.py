"""The sandbox's prompt cache: it keeps what was really sent before a checkpoint, and the same alone is a hit."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bedrock_support.routing.bedrock.caching import caching_of
from bedrock_support.server.sandbox.answers import objects, tokens
from bedrock_support.server.sandbox.faults import ErrorShape

LIVES = {"5m": 300.0, "1h": 3600.0}
"""Seconds; a hit begins them anew."""
MOST = 1000
"""Prefixes kept; the oldest give way."""
UNSUPPORTED = ErrorShape(
    403,
    "AccessDeniedException",
    "You invoked an unsupported model or your request did not allow prompt caching.",
)


@dataclass(frozen=True, slots=True)
class Kept:
    """Tokens read from the cache and written to it."""

    read: int = 0
    written: int = 0
    ttl: str = "5m"


class Prefixes:
    """What was sent before a checkpoint, by model and digest, with its end."""

    def __init__(self) -> None:
        self._ends: dict[tuple[str, bytes], float] = {}

    def look(self, model: str, body: Mapping[str, Any], now: float) -> Kept | ErrorShape:
        """Read the longest prefix that is kept and write the rest up to the last checkpoint. `now` in seconds."""
        points = _points(body)
        if not points:
            return Kept()
        caching = caching_of(model)
        if caching is None:
            return UNSUPPORTED
        read = written = 0
        ttl = caching.ttls[0]
        for digest, length, wanted in points:
            if length < caching.min_tokens:
                continue
            ttl = wanted if wanted in caching.ttls else caching.ttls[0]
            if self._ends.get((model, digest), 0.0) > now:
                read, written = length, 0
            else:
                written = length - read
            self._ends[model, digest] = now + LIVES[ttl]
        while len(self._ends) > MOST:
            del self._ends[next(iter(self._ends))]
        return Kept(read, written, ttl)


def _points(body: Mapping[str, Any]) -> list[tuple[bytes, int, str]]:
    """Digest and tokens of what stands before each checkpoint, and the time that it asks for."""
    blocks = objects(body.get("system"))
    for message in objects(body.get("messages")):
        blocks += objects(message.get("content"))
    found: list[tuple[bytes, int, str]] = []
    seen = ""
    for block in blocks:
        if "text" in block:
            seen += f"{block['text']}\n"
        if isinstance(block.get("cachePoint"), Mapping):
            ttl = str(block["cachePoint"].get("ttl", ""))
            found.append((hashlib.sha256(seen.encode(errors="surrogatepass")).digest(), tokens(seen), ttl))
    return found
