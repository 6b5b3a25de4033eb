"""What a route is, whatever framework serves it."""

from __future__ import annotations

import re
from dataclasses import dataclass

VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    verb: str
    """GET and so on, or * for any."""
    path: str
    file: str
    line: int
    owner: str = ""
    """Name of the router or blueprint that it hangs on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mounts:
    """Prefixes that routers are given: by their own definition, and where they are hung up."""

    own: dict[str, str]
    """`file:name` -> prefix."""
    hung: dict[str, list[str]]
    """Last name of a router, or of the module that it comes from -> prefixes."""


def joined(*parts: str) -> str:
    """One path from its parts, with single slashes."""
    return "/" + "/".join(part.strip("/") for part in parts if part.strip("/"))


def shape(path: str) -> str:
    """A path with its parameters made alike and without its last slash."""
    return re.sub(r"\{[^}]*\}|<[^>]*>|:[A-Za-z_]\w*|\*\w*", "{}", path.rstrip("/") or "/").lower()
