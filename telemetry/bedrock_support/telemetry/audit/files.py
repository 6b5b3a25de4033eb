"""Where an audit trail lives: one folder, its owner's alone."""

from __future__ import annotations

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
