"""The finder, loaded behind a server's start: its patterns take a tenth of a bare server's start to compile.

A server says soon(); what runs on an event loop waits for loaded() before it redacts; anything else may just find().
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from contextlib import suppress
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
    model: str | None = None
    find: Callable[[str], list[Span]] | None = None
    due = False


def names(wanted: bool, model: str | None = None) -> None:
    """Whether names of people in running text are looked for, and by which model of spaCy instead of the shipped tagger.

    Takes effect at once. Raises outside.NoModel where the model can't be had.
    """
    with _Finder.lock:
        _Finder.names, _Finder.model = wanted, model
        if model is not None or f"{_HOME}.finder" in sys.modules:
            _plug()  # a model that isn't there is told of at the start


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
    """Returns when find() blocks nobody any more. Raises nothing: what can't be loaded fails whoever looks."""
    if _Finder.find is None:
        with suppress(Exception):
            await anyio.to_thread.run_sync(load)


def find(text: str) -> list[Span]:
    """As finder.find()."""
    return (_Finder.find or load())(text)


def heavy() -> bool:
    """Whether a find may take so long that it doesn't belong on an event loop."""
    return _Finder.names and _Finder.model is not None


def _plug() -> None:
    finder: Any = import_module(f"{_HOME}.finder")
    if _Finder.names and _Finder.model is not None:
        finder.plug(import_module(f"{_HOME}.outside").pipeline(_Finder.model))
    else:
        finder.plug(finder.SHIPPED if _Finder.names else None)
