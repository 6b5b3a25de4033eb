"""The file that lists upstream servers, in the `mcpServers` form that MCP clients share."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, cast
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bedrock_support.routing.model import Residency
from bedrock_support.server.environment import SettingsError
from bedrock_support.server.loopback import is_loopback
from bedrock_support.server.settings import READS

NAME = re.compile(r"(?!.*__)[A-Za-z0-9_-]{1,32}")
"""Without `__`, which parts a peer's name from its tool's."""
MOST_PEERS = 32
MOST_FILE = 1 << 20
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SECRET = frozenset({"env", "headers", "args"})
"""Fields whose values no message may show."""
_KNOWN_ELSEWHERE = frozenset({"type", "autoApprove", "alwaysAllow", "oauth", "oauthScopes"})
"""Keys of other clients that need no note: what they say is not for us to act on."""
Asks: TypeAlias = Literal["sampling", "elicitation", "roots"]


class Answers(BaseModel):
    """A tool of the peer that answers a question put in words."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tool: Annotated[str, Field(min_length=1, max_length=128)]
    argument: Annotated[str, Field(min_length=1, max_length=128)] = "prompt"


class Ours(BaseModel):
    """What only this server reads of an entry: its `support` block."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    offer: bool = False
    """List the peer's tools as our own, as `peer__tool`."""
    ask: Answers | None = None
    """Have it answer questions for judgement, as a carrier of the MCP route."""
    residency: Residency = Residency.ANY
    """Where its operator says that it processes data; only `eu` gets questions that must stay in the EU."""
    era: Literal["auto", "legacy", "2026-07-28"] = "auto"
    bridge: frozenset[Asks] = frozenset({"sampling", "elicitation", "roots"})
    """What the peer may ask the calling client for, where that client can do it."""
    connections: Annotated[int, Field(ge=1, le=4)] = 4
    """Connections (over stdio: processes) at the most; more than one only while calls need them."""


class Entry(BaseModel):
    """One server. Keys of other clients are left alone."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    command: Annotated[str, Field(min_length=1)] | None = None
    args: tuple[str, ...] = Field(default=(), repr=False)
    env: Mapping[str, str] = Field(default_factory=dict[str, str], repr=False)
    cwd: Path | None = None
    url: str | None = None
    headers: Mapping[str, str] = Field(default_factory=dict[str, str], repr=False)
    timeout: Annotated[float, Field(gt=0, le=600_000)] = 60_000
    """Milliseconds for one call."""
    disabled: bool = False
    disabledTools: tuple[str, ...] = ()
    support: Ours = Ours()


class PeerConfig(BaseModel):
    """An entry with its name, and what is worth knowing of how it was read."""

    model_config = ConfigDict(frozen=True)

    name: str
    entry: Entry
    notes: tuple[str, ...] = ()


def load_peers(path: Path, environ: Mapping[str, str]) -> tuple[PeerConfig, ...]:
    """The enabled servers of a file. `${NAME}` in it stands for the environment's value. Reads the file: it blocks.

    Raises:
        SettingsError: the file or an entry can't be used.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MOST_FILE + 1)
    except OSError as error:
        raise SettingsError(
            f"{READS['peers_file']} = {str(path)!r}: {error.strerror}. Name a file that can be read"
        ) from error
    if len(content) > MOST_FILE:
        raise SettingsError(f"{path}: larger than {MOST_FILE} bytes. Name a file of MCP servers")
    try:
        document: Any = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{path}: not JSON ({error}). Mend the file") from None
    servers: Any = cast("dict[str, Any]", document).get("mcpServers") if isinstance(document, dict) else None
    if not isinstance(servers, dict):
        raise SettingsError(f'{path}: no object "mcpServers". Give {{"mcpServers": {{"name": {{"command": "..."}}}}}}')
    entries = cast("dict[str, Any]", servers)
    if len(entries) > MOST_PEERS:
        raise SettingsError(f"{path}: {len(entries)} servers. List {MOST_PEERS} at most")
    peers = (_peer(path, name, given, environ) for name, given in entries.items())
    return tuple(peer for peer in peers if peer is not None)


def _peer(path: Path, name: str, given: Any, environ: Mapping[str, str]) -> PeerConfig | None:
    where = f"{path}: mcpServers.{name}"
    if not NAME.fullmatch(name):
        raise SettingsError(f"{where}: no usable name. Use letters, digits, - and single _, 32 at most")
    if isinstance(given, dict) and cast("dict[str, Any]", given).get("disabled") is True:
        return None  # what a disabled entry needs of the environment may well be missing
    try:
        entry = Entry.model_validate(_expanded(where, given, environ))
    except ValidationError as error:
        first = error.errors()[0]
        field = "".join(f".{part}" for part in first["loc"])
        shown = "" if _SECRET & set(first["loc"]) else f" = {_at(given, first['loc'])!r}"
        raise SettingsError(f"{where}{field}{shown}: {first['msg']}. Mend this entry") from None
    if (entry.command is None) == (entry.url is None):
        raise SettingsError(f"{where}: give exactly one of command (stdio) and url (streamable HTTP)")
    if entry.url is not None:
        _check_url(where, str(_at(given, ("url",))), entry.url)
    unknown = sorted(cast("dict[str, Any]", given).keys() - Entry.model_fields.keys() - _KNOWN_ELSEWHERE)
    notes = tuple(f"{name}.{key}: not a key of ours, left alone" for key in unknown[:8])
    return PeerConfig(name=name, entry=entry, notes=notes)


def _check_url(where: str, given: str, url: str) -> None:
    """No plain text beyond this machine, and no address that only a machine's inside should reach.

    Names are checked again when they are resolved, before every connection (web.py). `given` is the value as it
    stands in the file: an expanded variable may be secret.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not host or parts.username is not None:
        raise SettingsError(f"{where}.url = {given!r}: no web address. Give https://host/mcp, without user or password")
    if is_loopback(host):
        return
    if parts.scheme != "https":
        raise SettingsError(f"{where}.url = {given!r}: not encrypted. Use https, or http on localhost only")
    try:
        address = ip_address(host)
    except ValueError:
        return
    if not address.is_global:
        raise SettingsError(
            f"{where}.url = {given!r}: a private or link-local address. Name a public host, or localhost"
        )


def _at(given: Any, where: tuple[int | str, ...]) -> Any:
    """The value as it stands in the file, without what its variables stand for."""
    for part in where:
        if isinstance(given, dict):
            given = cast("dict[Any, Any]", given).get(part)
        elif isinstance(given, list) and isinstance(part, int):
            given = cast("list[Any]", given)[part]
    return cast("Any", given)


def _expanded(where: str, value: Any, environ: Mapping[str, str]) -> Any:
    if isinstance(value, str):

        def look_up(found: re.Match[str]) -> str:
            if found[1] not in environ:
                raise SettingsError(f"{where}: ${{{found[1]}}} is not set. Set it, or take it out of the file")
            return environ[found[1]]

        return _VARIABLE.sub(look_up, value)
    if isinstance(value, list):
        return [_expanded(where, each, environ) for each in cast("list[Any]", value)]
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value).items()
        return {key: _expanded(where, each, environ) for key, each in items}
    return value
