"""What a server does when flags or stops change: log, audit, look at the routes again, announce tools."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from math import inf

import anyio

from bedrock_support.server.app import SupportServer
from bedrock_support.server.flags import FlagKeeper, FlagSnapshot
from bedrock_support.server.lifecycle import Lifecycle
from bedrock_support.server.notices.desk import NoticeDesk
from bedrock_support.server.notices.notice import Kind
from bedrock_support.telemetry.audit.trail import AuditTrail

SHOWN_EVERY = 0.5
"""Seconds between two looks at which tools are shown."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Switching:
    """Follows the keeper for as long as `run` runs. Nothing here can hold a change up: it holds already."""

    keeper: FlagKeeper
    lifecycle: Lifecycle
    server: SupportServer
    audit: AuditTrail | None
    look: Callable[[], Awaitable[Mapping[str, str]]]
    """The preflight, with which support mode begins."""
    notices: NoticeDesk

    async def run(self) -> None:
        """Runs until cancelled."""
        send, receive = anyio.create_memory_object_stream[tuple[FlagSnapshot, FlagSnapshot]](inf)

        def tell(before: FlagSnapshot, now: FlagSnapshot) -> None:
            send.send_nowait((before, now))

        async with anyio.create_task_group() as group, send, receive:
            group.start_soon(self._announce)
            group.start_soon(self.keeper.run, tell)
            async for before, now in receive:
                if now.effective.support_mode and not before.effective.support_mode:
                    group.start_soon(self.lifecycle.activate, self.look)
                await self.changed(before, now)

    async def changed(self, before: FlagSnapshot, now: FlagSnapshot) -> None:
        """Tell what is different from before: log, people and audit."""
        changes = now.changes(before)
        if not changes:  # the file alone is another
            return
        log.warning("flags: %s", "; ".join(f"{name}: {value}" for name, value in changes.items()))
        for name, value in changes.items():
            self.notices.tell(_kind(name, value), name, value)
        if self.audit is not None:
            try:
                await self.audit.switched(changes, now.revision, "seen")
            except Exception:
                # An emergency stop must hold without a trail too; the log has what the trail lacks.
                log.exception("changed flags have no audit entry")

    async def _announce(self) -> None:
        """Tools go when the last call has ended, and not when a flag is switched: look at what is shown."""
        shown = self.server.hidden()
        while True:
            await anyio.sleep(SHOWN_EVERY)
            if (hidden := self.server.hidden()) != shown:
                shown = hidden
                await self.server.announce_tools()


def _kind(name: str, value: str) -> Kind:
    if not name.startswith("STOP."):
        return Kind.SWITCHED
    return Kind.RESUMED if value == "resumed" else Kind.STOPPED
