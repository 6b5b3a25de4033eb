"""What a tool must have before it changes anything: somebody's approval of this act, on what is there now."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Something that changes something."""

    action: str
    """What kind of act, as a word that an approval can name, such as `roll_back.full`."""
    target: str
    """What it would change, as it is now: see `digest`. An approval of another state is none."""
    question: str
    """For the person who is asked."""
    undo: str
    """How it is taken back, in words. What can't be taken back is no act of this system."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """Somebody approved of an act. Say how it ended."""

    by: str
    """Who, and how."""
    ended: Callable[[str], Awaitable[None]]
    """Write down what came of it, in few words."""


class NotApproved(Exception):
    """Nobody approved; the message says why, and what to do about it."""


class Approve(Protocol):
    """Asks for approval, and writes down that it was given. Raises NotApproved."""

    async def __call__(self, act: Act) -> Permit: ...


async def nobody(act: Act) -> Permit:
    """Approves of nothing: there is no client to ask."""
    raise NotApproved("there is no client that could ask its user")


def digest(about: Mapping[str, object]) -> str:
    """What an act is about, as `sha256:` and 64 digits: equal for equal mappings of JSON values."""
    text = json.dumps(about, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return f"sha256:{hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()}"
