"""How a rollout writes flags: into the file that servers follow, with its lock and its checks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bedrock_support.routing.clock import SystemClock
from bedrock_support.server.environment import SettingsError
from bedrock_support.server.flag_file import VARIABLE, FlagFile, FlagFileError
from bedrock_support.server.settings import FLAG_NAMES
from bedrock_support.tools.base import InputError

__all__ = ["NAMES", "VARIABLE", "read_flags", "replace_flags", "write_flags"]

NAMES = tuple(FLAG_NAMES.values())


def write_flags(path: Path, changes: Mapping[str, bool]) -> dict[str, bool]:
    """Set flags by their names ENABLE_...; others stay. What was read back. Raises SettingsError."""
    try:
        return dict(_file(path).write(changes).flags)
    except InputError as error:
        raise SettingsError(str(error)) from error


def read_flags(path: Path) -> dict[str, bool]:
    """The flags that the file names. Raises SettingsError."""
    try:
        return dict(_file(path).read().flags)
    except FlagFileError as error:
        raise SettingsError(f"{path.name}: {error}") from error


def replace_flags(path: Path, flags: Mapping[str, bool]) -> dict[str, bool]:
    """The file names these flags and no others; emergency stops stay. What was read back. Raises SettingsError."""
    try:
        return dict(_file(path).replace(flags).flags)
    except InputError as error:
        raise SettingsError(str(error)) from error


def _file(path: Path) -> FlagFile:
    return FlagFile(path, SystemClock())
