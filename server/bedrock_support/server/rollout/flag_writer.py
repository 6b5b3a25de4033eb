"""The one place where a rollout writes flags: the JSON file that servers read through BEDROCK_SUPPORT_FLAGS."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from bedrock_support.server.rollout.files import read_json, write_json
from bedrock_support.server.settings import FLAG_NAMES, PREFIX, SettingsError

VARIABLE = f"{PREFIX}FLAGS"
NAMES = tuple(FLAG_NAMES.values())


def write_flags(path: Path, changes: Mapping[str, bool]) -> dict[str, bool]:
    """Set flags by their names ENABLE_...; others stay. What was read back. Raises OSError, SettingsError."""
    write_json(path, {**(read_json(path) or {}), **changes})
    return read_flags(path)


def read_flags(path: Path) -> dict[str, bool]:
    """The flags that the file names. Raises SettingsError."""
    return {name: value for name, value in (read_json(path) or {}).items() if name in NAMES and value in (True, False)}


def replace_flags(path: Path, flags: Mapping[str, bool]) -> dict[str, bool]:
    """The file holds these flags and no others; what else stands in it stays, if it can be read. Raises OSError."""
    others: dict[str, object] = {}
    with suppress(SettingsError):
        others = {name: value for name, value in (read_json(path) or {}).items() if name not in NAMES}
    write_json(path, {**others, **flags})
    return read_flags(path)
