"""Whether tools are running, so that what a server costs for nobody can be told from what it costs for its users."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(slots=True)
class Load:
    """Calls of tools in this process."""

    running: int = 0
    uses: int = 0
    """Grows when a call begins and when it ends."""

    @contextmanager
    def call(self) -> Generator[None]:
        """Around one call."""
        self.running += 1
        self.uses += 1
        try:
            yield
        finally:
            self.running -= 1
            self.uses += 1
