"""The one door to the environment. Settings are read through it; what must start fast needs no more than this."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

PREFIX = "BEDROCK_SUPPORT_"


class SettingsError(ValueError):
    """A setting can't be used; the message names it, its value and the mend."""


def process_environment() -> Mapping[str, str]:
    """The whole environment."""
    return dict(os.environ)


def aws_environment() -> dict[str, str]:
    """The variables that boto3's credential chain reads, for a child process that is to have the same access."""
    return {key: value for key, value in os.environ.items() if key.startswith("AWS_")}


def child_environment() -> dict[str, str]:
    """The variables that programs need to run at all: nothing that gives access to anything."""
    names = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SYSTEMROOT", "GOPATH", "GOMODCACHE", "JAVA_HOME")
    return {name: os.environ[name] for name in names if os.environ.get(name)}


def spool_folder() -> Path:
    """Where the hook's records are kept unless told otherwise."""
    return state_folder(os.environ) / "spool"


def state_folder(env: Mapping[str, str]) -> Path:
    """Where programs of this system keep what outlives them."""
    home = Path(env.get("HOME") or Path.home())
    if sys.platform == "win32":
        state = Path(env.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        state = home / "Library" / "Application Support"
    else:
        # A relative path is to be ignored (XDG Base Directory Specification).
        named = Path(env.get("XDG_STATE_HOME", ""))
        state = named if named.is_absolute() else home / ".local" / "state"
    return state / "bedrock-support"
