"""Told: what texts came down to of late, so that the very same text isn't taken apart again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from hashlib import blake2b

from bedrock_support.routing.optimizing.canonical import Slots, canonical, plain_marks, with_nonce

MOST = 512
"""Texts remembered."""


class Told:
    """The digest of a text's canonical form, and its slots.

    A text's canonical form depends on nothing but the text, less its placeholders' nonce, and the values behind them:
    what is remembered stands under a digest of these. No text is kept: a digest, and the times, ids and placeholders
    that stood in its slots, all of it redacted. Safe to use from several threads.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._kept: OrderedDict[bytes, tuple[str, tuple[str, ...]]] = OrderedDict()

    def of(self, text: str, behind: Mapping[str, str]) -> tuple[str, Slots]:
        """The digest, and the slots in this call's own placeholders."""
        behind = behind if "[[" in text else {}
        plain, nonce = plain_marks(text, behind)
        state = blake2b(plain.encode(errors="surrogatepass"), digest_size=32)
        for mark, value in behind.items():
            one = f"{mark[:-10] if nonce else mark}={value}".encode(errors="surrogatepass")
            state.update(b"\0%d:" % len(one) + one)
        key = state.digest()
        found = self._kept.get(key)
        if found is None:
            known = {plain_marks(mark, behind)[0]: value for mark, value in behind.items()} if nonce else behind
            about = canonical(plain, known)
            digest = blake2b(about.text.encode(errors="surrogatepass"), digest_size=32).hexdigest()
            found = digest, about.slots.literals
        # Put in anew each time, so that what comes with every call is never the oldest.
        self._kept.pop(key, None)
        self._kept[key] = found
        while len(self._kept) > self._most:
            self._forget_oldest()
        return found[0], Slots(with_nonce(found[1], nonce))

    def _forget_oldest(self) -> None:
        try:
            self._kept.popitem(last=False)
        except KeyError:
            return  # another thread was quicker
