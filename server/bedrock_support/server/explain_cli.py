"""`bedrock-support explain`: explain_routing from the command line, of a server, a store or these settings."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import anyio

from bedrock_support.routing.model import OperationClass
from bedrock_support.server.commands import Commands
from bedrock_support.server.groups import innermost
from bedrock_support.server.settings import READS, Settings, load

if TYPE_CHECKING:
    from mcp import Client
    from mcp.types import CallToolResult

FAILED, USAGE_ERROR = 1, 2
PATIENCE = 30.0
"""Seconds that a server may take to answer."""
EXAMPLE = "http://127.0.0.1:8000/mcp"
NO_EXPERIENCE = "made by this process with its own settings: it has no experience of either route"


def add_explain_parser(commands: Commands) -> None:
    """The command `explain`. Ends with 0 when explained, 1 when not, 2 when asked wrongly."""
    explain = commands.add_parser("explain", help="why a call went where it went, or where one would go now")
    explain.add_argument("decision_id", nargs="?", metavar="DECISION_ID", help="past decision, or latest")
    explain.add_argument(
        "--class", dest="op_class", choices=[each.value for each in OperationClass], help="what would be decided now"
    )
    explain.add_argument("--size", type=_size, help="characters that the model would read (with --class)")
    explain.add_argument("--url", help=f"running server to ask, such as {EXAMPLE}; without it, the store and settings")
    explain.add_argument("--json", action="store_true", help="the whole explanation as JSON")
    explain.set_defaults(run=_explain)


def _size(text: str) -> int:
    from bedrock_support.routing.compliance import MAX_BRIEF

    if not text.isdecimal() or not 1 <= int(text) <= MAX_BRIEF:
        raise argparse.ArgumentTypeError(f"{text!r}: give a number from 1 to {MAX_BRIEF}")
    return int(text)


def _explain(arguments: argparse.Namespace) -> int:
    if problem := _misused(arguments):
        _complain(problem)
        return USAGE_ERROR
    if arguments.url is not None:
        return anyio.run(_asking, arguments)
    return anyio.run(_alone if arguments.decision_id is None else _kept, load(), arguments)


def _misused(arguments: argparse.Namespace) -> str | None:
    if (arguments.decision_id is None) == (arguments.op_class is None):
        return "give exactly one: DECISION_ID (or latest) for a past decision, or --class for one made now"
    if arguments.decision_id is not None and arguments.size is not None:
        return f"--size {arguments.size}: a past decision has its own size. Leave out --size, or use --class"
    if arguments.url is not None and not arguments.url.startswith(("http://", "https://")):
        return f"--url {arguments.url!r}: no HTTP address. Give one such as {EXAMPLE}"
    return None


async def _kept(settings: Settings, arguments: argparse.Namespace) -> int:
    """A past decision from the store that servers share, whether one runs or not."""
    from bedrock_support.routing.clock import SystemClock
    from bedrock_support.routing.lasting.file import LastingUnavailable
    from bedrock_support.server.lasting import lasting
    from bedrock_support.server.wiring import bedrock_settings
    from bedrock_support.tools.explain import LATEST, explanation

    wanted: str = arguments.decision_id
    keeps = lasting(settings, bedrock_settings(settings), SystemClock())
    if keeps is None or not keeps.file.path.is_file():
        where = f"{keeps.file.path} isn't there" if keeps else f"{READS['store']} is not set"
        _complain(
            f"DECISION_ID {wanted!r}: {where}, so only the server that made a decision knows it. "
            f"Give its address, such as --url {EXAMPLE}, or the servers' store in {READS['store']}"
        )
        return USAGE_ERROR
    try:
        kept = await (keeps.past.newest() if wanted == LATEST else keeps.past.find(wanted))
    except LastingUnavailable as error:
        _complain(str(error))
        return FAILED
    finally:
        keeps.file.close()
    if kept is None:
        _complain(f"DECISION_ID {wanted!r}: not among the decisions in {keeps.file.path} (kept for 7 days)")
        return FAILED
    explained = explanation(kept, hypothetical=False)
    _show(explained.text, explained.model_dump(mode="json", exclude_none=True), arguments)
    return 0


async def _asking(arguments: argparse.Namespace) -> int:
    from mcp import Client

    wanted = {"decision_id": arguments.decision_id, "operation_class": arguments.op_class, "size_chars": arguments.size}
    given = {name: value for name, value in wanted.items() if value is not None}
    try:
        with anyio.fail_after(PATIENCE):
            async with Client(_target(arguments.url)) as client:
                result = await _called(client, given)
    except Exception as error:  # noqa: BLE001 - whatever ends a connection, in groups of groups, is told and not raised
        _complain(f"--url {arguments.url}: {_cause(error)}. Is a server listening there? Start one with: serve")
        return FAILED
    words = "\n".join(getattr(block, "text", "") for block in result.content)
    if result.is_error or result.structured_content is None:
        _complain(words)
        return FAILED
    _show(words, result.structured_content, arguments)
    return 0


def _target(url: str) -> Any:
    """What the client connects to: /mcp unless the address names a path; SSE where a server announced it."""
    parts = urlsplit(url)
    if parts.path.rstrip("/").endswith("/sse"):
        from mcp.client.sse import sse_client

        return sse_client(url)
    return parts._replace(path="/mcp").geturl() if parts.path in {"", "/"} else url


async def _called(client: Client, given: dict[str, Any]) -> CallToolResult:
    return await client.call_tool("explain_routing", given)


async def _alone(settings: Settings, arguments: argparse.Namespace) -> int:
    from bedrock_support.server.explain import RoutingLook
    from bedrock_support.server.wiring import build
    from bedrock_support.tools.explain import DEFAULT_SIZE, explanation

    house = build(settings)
    try:
        await house.manager.direct.check()  # else the direct route could only say that nobody looked
        look = RoutingLook(manager=house.manager)
        kept = dict(await look.hypothetical(OperationClass(arguments.op_class), arguments.size or DEFAULT_SIZE, None))
    finally:
        with anyio.CancelScope(shield=True):
            await house.aclose()
    kept["limits"] = [NO_EXPERIENCE, *cast("list[str]", kept["limits"])]
    explained = explanation(kept, hypothetical=True)
    _show(explained.text, explained.model_dump(mode="json", exclude_none=True), arguments)
    return 0


def _show(words: str, whole: dict[str, Any], arguments: argparse.Namespace) -> None:
    sys.stdout.write(f"{json.dumps(whole, indent=2) if arguments.json else words}\n")


def _complain(message: str) -> None:
    sys.stderr.write(f"bedrock-support explain: {message}\n")


def _cause(error: BaseException) -> str:
    """What ended a connection, in words."""
    error = innermost(error)
    return f"no answer within {PATIENCE:g} s" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
