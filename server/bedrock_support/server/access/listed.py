"""Tokens as they are set: in a variable and in a file. Reading them takes nothing of the MCP SDK."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from bedrock_support.server.environment import PREFIX, SettingsError

LEAST = 32
"""Characters of a token: shorter ones might be guessed."""
MOST_FILE = 64 * 1024
"""Bytes of a file of tokens."""
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""What RFC 6750 lets stand after "Bearer"; a colon isn't in it, so that a name can stand before one."""


def listed_tokens(listed: str, file: Path | None) -> dict[str, str]:
    """By name, the tokens of the setting and of the file, `token` or `name:token`; empty where none is set.

    Raises:
        SettingsError: one is too short, has other characters, or stands there twice; the file can't be read or is
            empty. No message shows a token.
    """
    found = [(f"{PREFIX}TOKENS", number, text) for number, text in enumerate(listed.split(","), 1) if text.strip()]
    if file is not None:
        lines = list(enumerate(_lines(file), 1))
        kept = [(f"{PREFIX}TOKEN_FILE", number, text) for number, text in lines if text and not text.startswith("#")]
        if not kept:
            raise SettingsError(f"{PREFIX}TOKEN_FILE = {str(file)!r}: holds no token. Write one a line")
        found += kept
    known: dict[str, str] = {}
    for where, number, text in found:
        name, token = _parsed(where, number, text.strip())
        if name in known or token in known.values():
            raise SettingsError(f"{where}, token {number}: its name or the token stands there already. Use each once")
        known[name] = token
    return known


def set_tokens(environ: Mapping[str, str]) -> dict[str, str]:
    """listed_tokens() of an environment. Raises SettingsError."""
    file = environ.get(f"{PREFIX}TOKEN_FILE")
    return listed_tokens(environ.get(f"{PREFIX}TOKENS", ""), Path(file) if file else None)


def shown_token(environ: Mapping[str, str], file: Path | None = None) -> str:
    """The token to show: the file's first, or else the first of those set; empty where there is none.

    Raises:
        SettingsError: what is set can't be used.
    """
    known = listed_tokens("", file) if file else set_tokens(environ)
    return next(iter(known.values()), "")


def _parsed(where: str, number: int, text: str) -> tuple[str, str]:
    name, colon, token = text.rpartition(":")
    name = name if colon else f"client-{number}"
    if not _NAME.fullmatch(name):
        raise SettingsError(f"{where}, token {number}: the name before the colon is not 1 to 64 of A-Z a-z 0-9 _ . -")
    if len(token) < LEAST or not _TOKEN.fullmatch(token):
        raise SettingsError(
            f"{where}, token {number}: not {LEAST} or more of A-Z a-z 0-9 . _ ~ + / -. "
            "Make one by: openssl rand -hex 32"
        )
    return name, token


def _lines(file: Path) -> list[str]:
    try:
        with file.expanduser().open("rb") as opened:
            content = opened.read(MOST_FILE + 1)
    except OSError as error:
        raise SettingsError(f"{PREFIX}TOKEN_FILE = {str(file)!r}: {error.strerror}") from error
    if len(content) > MOST_FILE:
        raise SettingsError(f"{PREFIX}TOKEN_FILE = {str(file)!r}: larger than {MOST_FILE} bytes")
    return [line.strip() for line in content.decode("utf-8", "replace").splitlines()]
