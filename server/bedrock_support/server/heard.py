"""What a command does when nobody can hear it any more: it ends in words, never by a traceback."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

GONE, UNWRITABLE, INTERRUPTED = 141, 3, 130
"""Exit codes: the reader closed its end, stdout can't be written, Ctrl-C. First and last are as shells show them."""


class Unheard(Exception):
    """stdout can't be written. No OSError: what handles those of files must not take it for one of its own."""

    def __init__(self, why: OSError | None) -> None:
        self.gone = why is not None and why.errno == errno.EPIPE
        super().__init__("it is closed" if why is None else why.strerror or str(why))


class Stdout:
    """The real stdout, but that a failing write raises Unheard."""

    def __init__(self, real: TextIO | None) -> None:
        self._real = real

    def write(self, text: str) -> int:
        if self._real is None:
            raise Unheard(None)
        try:
            return self._real.write(text)
        except OSError as error:
            raise Unheard(error) from None

    def flush(self) -> None:
        try:
            if self._real is not None:
                self._real.flush()
        except OSError as error:
            raise Unheard(error) from None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


@contextmanager
def stdout_watched() -> Generator[None]:
    """Within it a write to sys.stdout that fails raises Unheard, as does what is still to be flushed at its end."""
    real = sys.stdout
    watched = Stdout(cast("TextIO | None", real))
    sys.stdout = cast("TextIO", watched)
    try:
        yield
        watched.flush()
    finally:
        sys.stdout = real


def unheard(error: Unheard) -> int:
    """The exit code. What is left in the buffer goes nowhere, so that the interpreter's end has nothing to say."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    if error.gone:
        return GONE
    sys.stderr.write(f"bedrock-support: stdout can't be written: {error}\n")
    return UNWRITABLE
