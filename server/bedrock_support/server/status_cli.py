"""`bedrock-support status`: what a running server says of itself; without one, unknown."""

from __future__ import annotations

import argparse
import http.client
import json
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from bedrock_support.server.access.listed import shown_token
from bedrock_support.server.environment import PREFIX, process_environment
from bedrock_support.server.loopback import is_loopback
from bedrock_support.telemetry.components import Component

if TYPE_CHECKING:
    from bedrock_support.server.commands import Commands

PATIENCE = 5.0
"""Seconds for the server to answer."""
EVERY = 2.0
"""Seconds between two looks with --watch."""
HOME, TO_END, BELOW = "\x1b[H", "\x1b[K", "\x1b[J"
"""What a terminal does for ECMA-48: cursor to the top, clear to the end of the line, clear all below."""
MAX_ANSWER = 1024 * 1024
EXIT = {"pass": 0, "warn": 0, "fail": 1, "unknown": 3}


def add_status_parser(commands: Commands) -> None:
    """The command `status`. Ends with 0, with 1 where something fails, with 3 where nothing can be known."""
    status = commands.add_parser("status", help="state of a running server's components")
    status.add_argument("--url", type=_known_url, help="a server started with --transport http or sse")
    status.add_argument("--token-file", type=Path, help=f"file whose first token is shown; else {PREFIX}TOKENS")
    status.add_argument("--json", action="store_true", help="application/health+json as it came")
    status.add_argument(
        "--watch", action="store_true", help=f"look every {EVERY:.0f} s until interrupted; on a terminal in place"
    )
    status.set_defaults(run=_status)


def _known_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme != "https" and (parts.scheme != "http" or not is_loopback(parts.hostname or "")):
        raise argparse.ArgumentTypeError(f"{text!r} is neither https:// nor http:// and a loopback address")
    return text


def _status(arguments: argparse.Namespace) -> int:
    token = shown_token(process_environment(), arguments.token_file) if arguments.url else ""
    live = arguments.watch and not arguments.json and sys.stdout.isatty()
    try:
        while True:
            found = (
                ask(arguments.url, token) if arguments.url else unseen("no --url: another process can't be looked into")
            )
            told = json.dumps(found, indent=None if arguments.watch else 2) if arguments.json else worded(found)
            sys.stdout.write(redrawn(told, arguments.url) if live else f"{told}\n")
            sys.stdout.flush()
            if not arguments.watch:
                return EXIT.get(str(found["status"]), 3)
            threading.Event().wait(EVERY)  # no loop runs in this process
    except KeyboardInterrupt:
        if not arguments.watch:
            raise  # nothing was learnt: that is no 0
        return 0


def redrawn(told: str, url: str | None) -> str:
    """The live view on a terminal: over what stood there, each line cleared to its end, then all below."""
    at = datetime.now(UTC).astimezone().strftime("%H:%M:%S")
    lines = [f"{url or 'no server'} at {at}, every {EVERY:.0f} s; Ctrl-C ends", "", *told.splitlines()]
    return HOME + "".join(f"{line}{TO_END}\n" for line in lines) + BELOW


def unseen(why: str) -> dict[str, Any]:
    """The answer where nothing can be observed: all seven unknown."""
    check = {"observedValue": "unknown", "samples": 0, "output": why}
    return {"status": "unknown", "output": why, "checks": {f"{each.value}:state": [check] for each in Component}}


def ask(url: str, token: str = "") -> dict[str, Any]:
    """What the server at `url` says of itself; unknown, with the reason, when it says nothing that can be read."""
    parts = urlsplit(url)
    to = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = to(parts.hostname or "", parts.port, timeout=PATIENCE)
    try:
        connection.request("GET", "/healthz", headers={"authorization": f"Bearer {token}"} if token else {})
        answer = connection.getresponse()
        body = answer.read(MAX_ANSWER)
    except (OSError, http.client.HTTPException) as error:
        return unseen(f"{url} doesn't answer: {type(error).__name__}")
    finally:
        connection.close()
    if answer.status == http.HTTPStatus.UNAUTHORIZED:
        return unseen(f"{url} asks for a token that it knows: set {PREFIX}TOKENS, or give --token-file")
    try:
        found: object = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict) or "checks" not in found or "status" not in found:
        why = cast("dict[str, object]", found).get("error", "") if isinstance(found, dict) else ""
        return unseen(f"{url} answered {answer.status} without a health report{f': {why}' if why else ''}")
    return cast("dict[str, Any]", found)


def worded(found: dict[str, Any]) -> str:
    """One line for the whole and one for each component, without control characters."""
    states = {str(checks[0].get("observedValue")) for checks in found["checks"].values()}
    # health+json knows pass, warn and fail alone; where nothing was seen a person is told just that.
    lines = [f"system: {'unknown' if states == {'unknown'} else found['status']}"]
    for name, checks in found["checks"].items():
        check = checks[0]
        shown = str(name).removesuffix(":state")
        lines.append(f"  {shown:20} {check.get('observedValue')!s:10} {check.get('output', '')}")
    return "\n".join("".join(c if c.isprintable() else "?" for c in line) for line in lines)
