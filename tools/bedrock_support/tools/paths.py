"""Paths that callers name, confined to the folders they are allowed to read."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from bedrock_support.tools.base import InputError


@dataclass(frozen=True, slots=True)
class Place:
    """A file or folder that exists, resolved, inside one of the roots."""

    path: Path
    root: Path

    @property
    def label(self) -> str:
        """The path as answers show it: relative to its root, whole where that is all there is."""
        if self.root == Path(self.root.anchor):
            return os.fsencode(self.path).decode("utf-8", "replace")
        relative = self.path.relative_to(self.root).as_posix()
        # A name need not be valid UTF-8; an answer must be.
        return os.fsencode(relative if relative != "." else self.path.name).decode("utf-8", "replace")

    @property
    def is_folder(self) -> bool:
        return self.path.is_dir()


def confine(field: str, value: str, roots: tuple[Path, ...]) -> Place:
    """Find what `value` names, following links only as long as they stay inside a root. Blocks: call off the loop.

    Raises:
        InputError: it doesn't exist, lies outside, or is neither a regular file nor a folder.
    """
    if not roots:
        mend = "Paste the log as text, or start the server with --root DIR"
        raise InputError(field, value, "no folder may be read: the server has no roots", mend)
    allowed = ", ".join(str(root) for root in roots)
    resolved = _resolve(field, value, roots[0], allowed)
    root = next((root for root in roots if resolved.is_relative_to(root)), None)
    if root is None:
        problem = f"lies outside the allowed folders ({allowed})"
        raise InputError(field, value, problem, "Name a path inside them, or start the server with --root DIR")
    mode = resolved.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise InputError(field, value, f"is a {_kind(mode)}", "Name a regular file or a folder")
    return Place(resolved, root)


def open_regular(field: str, place: Place) -> int:
    """Open for reading and hand back the descriptor, sure that it is still the regular file that was checked.

    Raises:
        InputError: it may not be read, or became something else since it was checked.
    """
    # O_NONBLOCK: a FIFO put there in the meantime would otherwise hold the thread for ever.
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        handle = os.open(place.path, flags)
    except PermissionError:
        problem, mend = (
            "may not be read by the server's user",
            "Give it read permission, or paste the part that matters",
        )
        raise InputError(field, place.label, problem, mend) from None
    except OSError as error:
        raise InputError(field, place.label, f"can't be opened ({error.strerror})", "Check the path") from None
    # A parent folder may have been swapped for a link between the check and the opening.
    if stat.S_ISREG(os.fstat(handle).st_mode) and _same(place.path, handle):
        return handle
    os.close(handle)
    raise InputError(field, place.label, "changed while it was being opened", "Try again")


def _same(path: Path, handle: int) -> bool:
    try:
        return path.resolve(strict=True) == path and os.path.samestat(path.stat(), os.fstat(handle))
    except (OSError, RuntimeError):
        return False


def _resolve(field: str, value: str, first: Path, allowed: str) -> Path:
    mend = f"Name an existing file or folder inside {allowed}; relative paths start at {first}"
    if first == Path(first.anchor):
        mend = "Name an existing file or folder"
    try:
        return (first / value).resolve(strict=True)
    except FileNotFoundError:
        # Whether something exists outside the roots is nobody's business; "outside" is said only of what resolves.
        raise InputError(field, value, "doesn't exist", mend) from None
    except PermissionError:
        raise InputError(field, value, "may not be read by the server's user", mend) from None
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(field, value, f"isn't a usable path ({error})", mend) from None


def _kind(mode: int) -> str:
    if stat.S_ISFIFO(mode):
        return "FIFO"
    if stat.S_ISSOCK(mode):
        return "socket"
    return "device"
