"""Whose folders are read: the configured ones, else the client's over stdio, else where the server was started."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.client import ClientRequestContext
from mcp.types import ListRootsResult, Root
from pydantic import FileUrl

from tests.promises import promise
from tests.rig import COMMAND, LOG, Era, environment, running, told, words

BOTH_ERAS = pytest.mark.parametrize("era", ["legacy", "2026-07-28"])


def naming(*uris: str) -> object:
    async def roots(context: ClientRequestContext) -> ListRootsResult:
        return ListRootsResult(roots=[Root(uri=FileUrl(uri)) for uri in uris])

    return roots


def started_in(folder: Path, *arguments: str) -> StdioServerParameters:
    return StdioServerParameters(
        command=COMMAND[0], args=[*COMMAND[1:], "serve", *arguments], env=environment(), cwd=folder
    )


@promise("server:roots")
@BOTH_ERAS
async def test_over_stdio_the_clients_roots_count(era: Era, log_root: Path, tmp_path: Path) -> None:
    with anyio.fail_after(30):
        server = started_in(tmp_path)
        async with Client(server, mode=era, list_roots_callback=naming(log_root.as_uri())) as client:  # pyright: ignore[reportArgumentType]
            assert told(await client.call_tool("triage_incident", {"path": "shop.log"}))["findings"]


@promise("server:roots")
@BOTH_ERAS
async def test_a_root_that_is_a_link_is_followed(era: Era, log_root: Path, tmp_path: Path) -> None:
    link = tmp_path / "workspace"
    link.symlink_to(log_root, target_is_directory=True)
    with anyio.fail_after(30):
        async with Client(started_in(tmp_path), mode=era, list_roots_callback=naming(link.as_uri())) as client:  # pyright: ignore[reportArgumentType]
            assert told(await client.call_tool("triage_incident", {"path": "shop.log"}))["findings"]
            assert told(await client.call_tool("triage_incident", {"path": str(link / "shop.log")}))["findings"]


@promise("server:roots")
@BOTH_ERAS
async def test_a_call_that_names_no_file_asks_for_no_roots(era: Era, tmp_path: Path) -> None:
    asked: list[ClientRequestContext] = []

    async def roots(context: ClientRequestContext) -> ListRootsResult:
        asked.append(context)
        return ListRootsResult(roots=[])

    with anyio.fail_after(30):
        async with Client(started_in(tmp_path), mode=era, list_roots_callback=roots) as client:
            assert told(await client.call_tool("triage_incident", {"text": LOG}))["findings"]
    assert asked == []


@promise("server:roots")
@BOTH_ERAS
async def test_configured_roots_are_not_widened_by_the_client(era: Era, log_root: Path, tmp_path: Path) -> None:
    with anyio.fail_after(30):
        server = started_in(tmp_path, "--root", str(tmp_path))
        async with Client(server, mode=era, list_roots_callback=naming("file:///")) as client:  # pyright: ignore[reportArgumentType]
            refused = await client.call_tool("triage_incident", {"path": str(log_root / "shop.log")})
    assert refused.is_error
    assert str(tmp_path) in words(refused)


@promise("server:roots")
@BOTH_ERAS
async def test_over_http_the_clients_roots_count_for_nothing(era: Era, log_root: Path) -> None:
    with (
        anyio.fail_after(30),
        running("serve", "--transport", "http", "--port", "0", env=environment()) as (_, url),
    ):
        async with Client(url, mode=era, list_roots_callback=naming("file:///")) as client:  # pyright: ignore[reportArgumentType]
            refused = await client.call_tool("triage_incident", {"path": str(log_root / "shop.log")})
    assert refused.is_error
    assert "path = " in words(refused)


@promise("server:roots")
async def test_without_any_roots_the_working_directory_counts(log_root: Path) -> None:
    with anyio.fail_after(30):
        async with Client(started_in(log_root), mode="legacy") as client:
            assert told(await client.call_tool("triage_incident", {"path": "shop.log"}))["findings"]


@promise("server:roots")
async def test_a_client_that_does_not_say_its_roots_holds_nothing_up(log_root: Path) -> None:
    async def silent(context: ClientRequestContext) -> ListRootsResult:
        await anyio.sleep_forever()
        raise AssertionError("unreachable")

    with anyio.fail_after(30):
        async with Client(started_in(log_root), mode="legacy", list_roots_callback=silent) as client:
            began = anyio.current_time()
            arguments = {"path": "shop.log", "operation_class": "emergency"}
            assert told(await client.call_tool("triage_incident", arguments))["findings"]
            assert anyio.current_time() - began < 5
