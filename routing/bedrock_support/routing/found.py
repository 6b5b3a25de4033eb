"""Found: what was found in texts of late, so that the very same text isn't looked through again."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import sha256

from bedrock_support.routing.pii.late import find
from bedrock_support.routing.pii.span import Span

MOST = 256
"""Texts remembered."""


class Found:
    """Looking again at the very same text finds the same: standing instructions come with every call of a tool, and a
    question that is answered from memory is redacted before anybody knows that it was asked before.

    Keeps places and kinds by the text's digest, and no text. For the life of one gate, because the tagger of names is
    chosen before a gate is made. Safe to use from several threads.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._kept: OrderedDict[bytes, tuple[Span, ...]] = OrderedDict()

    def in_text(self, text: str) -> tuple[Span, ...]:
        """What `find` finds."""
        digest = sha256(text.encode(errors="surrogatepass")).digest()
        found = self._kept.get(digest)
        if found is None:
            found = tuple(find(text))
        # Put in anew each time, so that what comes with every call is never the oldest.
        self._kept.pop(digest, None)
        self._kept[digest] = found
        while len(self._kept) > self._most:
            self._forget_oldest()
        return found

    def _forget_oldest(self) -> None:
        try:
            self._kept.popitem(last=False)
        except KeyError:
            return  # another thread was quicker
