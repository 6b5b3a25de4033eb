"""A server, wired and ready to serve, and what works in its background."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module

import anyio
from anyio import to_thread

from bedrock_support.routing.lasting.recall import Recall
from bedrock_support.routing.pii import late
from bedrock_support.routing.probing import Prober
from bedrock_support.routing.queue.message_queue import MessageQueue
from bedrock_support.server.app import SupportServer
from bedrock_support.server.compliance_evidence import ComplianceEvidence
from bedrock_support.server.emf import EmfWriter
from bedrock_support.server.lasting import Lasting
from bedrock_support.server.manager import BedrockSupportManager
from bedrock_support.server.metrics_watch import MetricsWatch
from bedrock_support.server.notices.alerts import AlertWatch
from bedrock_support.server.notices.desk import NoticeDesk
from bedrock_support.server.operations import Operations
from bedrock_support.server.peers.pool import PeerPool
from bedrock_support.server.switching import Switching
from bedrock_support.server.thrift import Thrift
from bedrock_support.telemetry.audit.trail import AuditTrail
from bedrock_support.telemetry.confirming import Confirmer
from bedrock_support.tools.base import AnyTool

WARM_AFTER = 1.0
"""Seconds after which boto3 is loaded: late enough for the client's first questions, early enough for an emergency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """A server, wired and ready to serve."""

    server: SupportServer
    manager: BedrockSupportManager
    prober: Prober
    confirmer: Confirmer
    peers: PeerPool
    catalog: list[AnyTool]
    queue: MessageQueue | None
    saving: Thrift
    audit: AuditTrail | None
    operations: Operations
    evidence: ComplianceEvidence
    switching: Switching
    notices: NoticeDesk
    metrics: MetricsWatch | None
    emf: EmfWriter | None
    lasting: Lasting | None
    recall: Recall | None

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Everything that works in the background, for as long as the block lasts."""
        async with anyio.create_task_group() as group:
            group.start_soon(self.prober.run)
            group.start_soon(self.confirmer.run)
            if self.lasting is not None and self.recall is not None:
                group.start_soon(self.lasting.run, self.recall, self.manager.desk)
            group.start_soon(self._warm)
            group.start_soon(self.switching.run)
            group.start_soon(self.manager.guardian.run, self.switching.changed)
            group.start_soon(self.notices.run)
            if self.notices.has_targets:
                group.start_soon(AlertWatch(board=self.manager.board, desk=self.notices).run)
            if self.audit is not None:
                group.start_soon(self.audit.run)
            self.peers.start(group)
            self.operations.start(group)
            group.start_soon(self.server.follow_peers)
            group.start_soon(self.server.follow_health)
            group.start_soon(self.saving.run)
            group.start_soon(self.manager.renewals.run, self.manager.renew)
            if self.metrics is not None:
                group.start_soon(self.metrics.run)
            if self.emf is not None:
                group.start_soon(self.emf.run)
            if self.manager.backlog is not None:
                group.start_soon(self.manager.backlog.run, self.manager.judge_waiting)
            try:
                yield
            finally:
                with anyio.CancelScope(shield=True):
                    await self.peers.aclose()
            group.cancel_scope.cancel()

    async def warm(self) -> None:
        """Load what the start left out, and build the client of the direct route: no call then finds anything cold."""
        await to_thread.run_sync(_load_what_calls_need)
        # What stands in the way is told by the first call.
        await self.manager.lifecycle.activate(self.switching.look)

    async def _warm(self) -> None:
        await anyio.sleep(WARM_AFTER)
        await self.warm()

    async def aclose(self) -> None:
        """Free what outlives a connection."""
        if self.queue is not None:
            await self.queue.aclose()
        await self.saving.aclose()
        if self.lasting is not None:
            await self.lasting.journal.aclose()
        await self.manager.direct.aclose()
        if self.audit is not None:
            await self.audit.aclose()
        self.manager.flags.close()


def _load_what_calls_need() -> None:
    """What the start left out: the first call would otherwise load it while others wait for the loop."""
    import_module("bedrock_support.tools.logs.session")
    import_module("bedrock_support.routing.bedrock.access")  # with boto3; the look for credentials waits 5 s at most
    late.load()
