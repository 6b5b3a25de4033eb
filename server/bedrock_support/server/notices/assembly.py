"""The desk as set."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio

from bedrock_support.routing.clock import Clock, Entropy
from bedrock_support.server.environment import process_environment
from bedrock_support.server.notices.desk import NoticeDesk
from bedrock_support.server.settings import Settings, load

TOLD_WITHIN = 60.0
"""Seconds that notices get when a command ends."""


def notice_desk(settings: Settings, clock: Clock, entropy: Entropy) -> NoticeDesk:
    """A desk for the targets of the settings' file; it has none where there is no file. Raises SettingsError."""
    if settings.notify_file is None:
        return NoticeDesk((), clock, entropy)
    from bedrock_support.server.notices.config import load_targets  # for whom it's set

    file, environ = settings.notify_file, process_environment()
    return NoticeDesk(load_targets(file, environ, clock, settings.residency, settings.profile), clock, entropy)


@asynccontextmanager
async def noticing(clock: Clock, entropy: Entropy) -> AsyncGenerator[NoticeDesk]:
    """A desk for a command, from the environment; at the end what waits is delivered first. Raises SettingsError."""
    notices = notice_desk(load(), clock, entropy)
    async with anyio.create_task_group() as group:
        group.start_soon(notices.run)
        yield notices
        if not await notices.drain(TOLD_WITHIN):
            sys.stderr.write("bedrock-support: not every notice was delivered in time\n")
        group.cancel_scope.cancel()
