"""Flags from services: flagd, OFREP and AWS AppConfig, each asked over its own protocol by running servers."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.types import ToolListChangedNotification

from bedrock_support.routing.bedrock.appconfig import LEAST_POLL, AppConfigError, AppConfigFeed
from bedrock_support.server.environment import SettingsError
from bedrock_support.server.flag_provider import foreign
from bedrock_support.server.flag_sources import read_flags
from bedrock_support.server.settings import FLAG_NAMES
from benchmarks.flag_rig import read
from tests.fakes import FakeClock
from tests.flag_services import Held, appconfig, flagd, ofrep
from tests.promises import promise
from tests.rig import COMMAND, connect, environment

ALL = tuple(FLAG_NAMES.values())
SUPPORT, ROUTING = FLAG_NAMES["support_mode"], FLAG_NAMES["intelligent_routing"]
Service = Callable[[Held], AbstractContextManager[dict[str, str]]]


async def flags_of(client: Client) -> dict[str, bool]:
    told = (await read(client, "support://health"))["flags"]
    return {name: told[attribute] for attribute, name in FLAG_NAMES.items()}


async def seen(client: Client, wanted: dict[str, bool]) -> float:
    """Seconds until a server has these flags."""
    began = time.monotonic()
    with anyio.fail_after(30):
        while (await flags_of(client)) != wanted:  # noqa: ASYNC110 - the server tells nobody of it
            await anyio.sleep(0.02)
    return time.monotonic() - began


@promise("flags:services")
@pytest.mark.timeout(400)
@pytest.mark.parametrize("service", [flagd, ofrep, partial(ofrep, bulk=False)], ids=["flagd", "ofrep", "ofrep-by-flag"])
async def test_two_servers_follow_a_service(service: Service, tmp_path: Path) -> None:
    held, heard = Held(dict.fromkeys(ALL, True)), anyio.Event()
    trail = {"BEDROCK_SUPPORT_AUDIT": str(tmp_path / "trail")}
    lags: list[float] = []

    async def listen(message: Any) -> None:
        if isinstance(message, ToolListChangedNotification):
            heard.set()

    with service(held) as env:
        async with AsyncExitStack() as stack:
            clients = [
                await stack.enter_async_context(
                    connect("stdio", "legacy", root=tmp_path, env=environment(**env, **trail), message_handler=listen)
                )
                for _ in range(2)
            ]
            for each in clients:
                await seen(each, dict.fromkeys(ALL, True))
            for number in range(6):
                on = number % 2 == 1
                held.set(**dict.fromkeys(ALL, on))
                lags.extend([await seen(each, dict.fromkeys(ALL, on)) for each in clients])
            held.set(**{SUPPORT: False})
            for each in clients:
                await seen(each, dict.fromkeys(ALL, True) | {SUPPORT: False})
            with anyio.fail_after(20):
                await heard.wait()
    shown = await anyio.to_thread.run_sync(
        partial(
            subprocess.run,
            [*COMMAND, "audit", "show", "--json"],
            env=environment(**trail),
            capture_output=True,
            text=True,
            timeout=50,
            check=True,
        )
    )
    entries = [each for each in map(json.loads, shown.stdout.splitlines()) if each["type"] == "switched"]
    assert {each["how"] for each in entries} == {"seen"}
    assert {SUPPORT: "off"} in [each["changes"] for each in entries]
    assert statistics.median(lags) < 1.0, lags


@promise("flags:appconfig")
@pytest.mark.timeout(120)
async def test_a_server_follows_appconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def trying() -> Generator[None]:
        with appconfig(tmp_path) as (deployed, env):
            for name, value in env.items():
                monkeypatch.setenv(name, value)
            deployed.deploy({ROUTING: False, "SOMEBODY_ELSES": 7})
            clock = FakeClock()
            feed = AppConfigFeed(application="support", environment="live", profile="flags", clock=clock)
            assert read_flags(feed.latest()) == {ROUTING: False}
            deployed.deploy({"enable_intelligent_routing": {"enabled": True}, "enable_x": {"enabled": True}})
            assert read_flags(feed.latest()) == {ROUTING: False}, "asked too soon: what was known is given again"
            clock.time += LEAST_POLL
            assert read_flags(feed.latest()) == {ROUTING: True}
            clock.time += LEAST_POLL
            assert read_flags(feed.latest()) == {ROUTING: True}, "nothing new keeps what was"
            gone = AppConfigFeed(application="support", environment="nowhere", profile="flags", clock=clock)
            with pytest.raises(AppConfigError, match="support/nowhere/flags"):
                gone.latest()
            deployed.deploy({SUPPORT: False})
            yield

    trial = trying()
    await anyio.to_thread.run_sync(lambda: next(trial))
    try:
        kept = {name: value for name, value in environment().items() if name != "AWS_CONFIG_FILE"}
        aws = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
        env = {**kept, **aws, "BEDROCK_SUPPORT_FLAG_PROVIDER": "appconfig:support/live/flags"}
        async with connect("stdio", "legacy", root=tmp_path, env=env) as client:
            wanted = dict.fromkeys(ALL, True) | {SUPPORT: False, FLAG_NAMES["optimization"]: False}
            await seen(client, wanted)
            assert (await read(client, "support://health"))["flags_source"]["trouble"] == {}
    finally:
        await anyio.to_thread.run_sync(lambda: next(trial, None))


@promise("flags:appconfig")
def test_what_is_no_profile_is_refused() -> None:
    for data in (b"[]", b"{", b'{"ENABLE_INTELLIGENT_ROUTING": "no"}', b'{"enable_intelligent_routing": {}}'):
        with pytest.raises(AppConfigError):
            read_flags(data)
    twice = {ROUTING: True, ROUTING.lower(): {"enabled": False}}
    with pytest.raises(AppConfigError, match="twice"):
        read_flags(json.dumps(twice).encode())
    assert read_flags(b"") == {}


@promise("flags:services")
def test_wrong_names_of_services_are_refused() -> None:
    for named in ("appconfig:a/b", "appconfig:a//c", "ofrep:localhost", "flagd2"):
        with pytest.raises(SettingsError):
            foreign(named)
