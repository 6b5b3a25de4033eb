"""Where an audit trail lives: one folder, its owner's alone."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFiles:
    """The names inside the folder."""

    folder: Path

    @property
    def log(self) -> Path:
        return self.folder / "log.db"

    @property
    def key(self) -> Path:
        return self.folder / "key.pem"

    @property
    def public_key(self) -> Path:
        return self.folder / "key.pub"

    @property
    def subjects(self) -> Path:
        """Apart from the log: a backup of the log must not bring an erased key back."""
        return self.folder / "subjects.db"


def identity(path: Path) -> tuple[int, int]:
    """Tells a file from another one of the same name."""
    status = os.stat(path)
    return status.st_dev, status.st_ino


def private(path: Path) -> None:
    """Make the file, for its owner alone, where it is missing."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A file that exists isn't opened here: closing it would drop the locks that SQLite holds on it in this process
    # (https://www.sqlite.org/howtocorrupt.html, section 2.2).
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
