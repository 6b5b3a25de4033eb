"""The finder, loaded behind a server's start: its patterns take a tenth of a bare server's start to compile.

A server says soon(); what runs on an event loop waits for loaded() before it redacts; anything else may just find().
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any, cast

import anyio

from bedrock_support.routing.pii.span import Span

AFTER = 0.5
"""Seconds that a server has for its first answer before the finder is loaded beside it."""
_HOME = "bedrock_support.routing.pii"


class _Finder:
    """One for the process: every gate in it must find the same."""

    lock = threading.Lock()
    names = True
    find: Callable[[str], list[Span]] | None = None
    due = False


def names(wanted: bool) -> None:
    """Whether names of people in running text are looked for; takes effect at once."""
    with _Finder.lock:
        _Finder.names = wanted
        if f"{_HOME}.finder" in sys.modules:
            _plug()


def soon() -> None:
    """Have it loaded in a thread, a moment from now. Once is enough; more does nothing."""
    if _Finder.find is None and not _Finder.due:
        _Finder.due = True
        timer = threading.Timer(AFTER, load)
        timer.daemon = True
        timer.start()


def load() -> Callable[[str], list[Span]]:
    """The finder. Takes some 80 ms the first time; whoever else asks meanwhile waits for it."""
    with _Finder.lock:
        if _Finder.find is None:
            finder = import_module(f"{_HOME}.finder")
            _plug()
            _Finder.find = cast("Callable[[str], list[Span]]", finder.find)
        return _Finder.find


async def loaded() -> None:
    """Returns when find() blocks nobody any more."""
    if _Finder.find is None:
        await anyio.to_thread.run_sync(load)


def find(text: str) -> list[Span]:
    """As finder.find()."""
    return (_Finder.find or load())(text)


def _plug() -> None:
    finder: Any = import_module(f"{_HOME}.finder")
    finder.plug(finder.SHIPPED if _Finder.names else None)
