"""Redaction for good: what is found in these texts is put back for nobody."""

from __future__ import annotations

from bedrock_support.routing.pii import late
from bedrock_support.routing.redaction import Redactor


async def for_good(text: str) -> str:
    """For the queue's file: one text always gives the same, so that an idempotency key holds when it is sent again."""
    await late.loaded()
    return Redactor(nonce="queued00").redact(text)
