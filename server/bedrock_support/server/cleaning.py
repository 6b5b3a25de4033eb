"""Redaction for good: what is found in these texts is put back for nobody."""

from __future__ import annotations

from collections.abc import Callable

from bedrock_support.routing.clock import Entropy
from bedrock_support.routing.redaction import Redactor


def redacting(entropy: Entropy) -> Callable[[str], str]:
    """For texts that leave for a peer: what is found is gone for good, since nobody there may have it back."""
    return lambda text: Redactor(nonce=entropy.token()[:8]).redact(text)


def for_good(text: str) -> str:
    """For the queue's file: one text always gives the same, so that an idempotency key holds when it is sent again."""
    return Redactor(nonce="queued00").redact(text)
