"""What is found in texts, from outside `pii`: loaded when first needed, and not looked for twice in the same text.

The detectors take long to load (patterns, lists, the model of names), and a server that is only asked what it can do
never needs them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from typing import ClassVar

from anyio import to_thread

from bedrock_support.routing.pii.span import Span

MOST = 256
"""Texts remembered."""


class _Detectors:
    """Of the whole process: every gate in it must find the same."""

    names: ClassVar[bool] = True
    find: ClassVar[Callable[[str], list[Span]] | None] = None


def tag_names(on: bool) -> None:
    """Whether names in running text are looked for, by the model, or by rules alone."""
    _Detectors.names = on
    if _Detectors.find is not None:
        load()


def load() -> Callable[[str], list[Span]]:
    """Load the detectors, which takes a while the first time; `find` of them."""
    from bedrock_support.routing.pii import finder, tagger

    finder.plug(tagger.SHIPPED if _Detectors.names else None)
    _Detectors.find = finder.find
    return finder.find


async def ready() -> None:
    """Have the detectors loaded, off the event loop. Raises nothing: what can't be loaded fails whoever looks."""
    if _Detectors.find is None:
        with suppress(Exception):
            await to_thread.run_sync(load)


def find(text: str) -> list[Span]:
    """Personal data and secrets in the text, in order, without overlaps. On an event loop, `ready` comes first."""
    return (_Detectors.find or load())(text)


class Found:
    """Looking again at the very same text finds the same: standing instructions come with every call of a tool, and a
    question that is answered from memory is redacted before anybody knows that it was asked before.

    Keeps places and kinds by the text's digest, and no text. For the life of one gate, because it is chosen before a
    gate is made whether names are tagged. Safe to use from several threads.
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
            with suppress(KeyError):  # another thread was quicker
                self._kept.popitem(last=False)
        return found
