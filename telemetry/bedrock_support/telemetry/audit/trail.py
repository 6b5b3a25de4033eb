"""AuditTrail: what the server writes to. Everything that takes long to import is imported with the first entry."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import TYPE_CHECKING

import anyio
from anyio import to_thread

from bedrock_support.routing.audit import AuditUnavailable
from bedrock_support.routing.clock import Clock, Entropy
from bedrock_support.routing.model import Clearance, Outcome, Refusal
from bedrock_support.telemetry.audit import records
from bedrock_support.telemetry.audit.files import AuditFiles
from bedrock_support.telemetry.audit.group import GroupCommit
from bedrock_support.telemetry.audit.records import Draft
from bedrock_support.telemetry.components import Activity

if TYPE_CHECKING:
    from bedrock_support.telemetry.audit.anchor import Anchoring, AnchorPlace
    from bedrock_support.telemetry.audit.signer import Signer
    from bedrock_support.telemetry.audit.store import AuditStore
    from bedrock_support.telemetry.audit.subjects import SubjectKeys
    from bedrock_support.telemetry.audit.upkeep import Pruned

log = logging.getLogger(__name__)

ANCHOR_SECONDS = 60.0
ANCHOR_RECORDS = 100
"""An anchor is made when either has passed since the last; what lies between two isn't safe from being cut off."""
OPERATOR = "operator"
"""Whose doing a switched flag is."""
PRUNE_SECONDS = 86_400.0
LOOK_SECONDS = 1.0
"""Between two looks at whether an anchor is due."""


class AuditTrail:
    """Implements AuditSink on the log in `files`, and anchors it while `run` runs. For one event loop."""

    def __init__(
        self,
        files: AuditFiles,
        clock: Clock,
        entropy: Entropy,
        *,
        server: str = "",
        subject: str | None = None,
        place: Callable[[], AnchorPlace] | None = None,
        signer: Callable[[], Signer] | None = None,
        keep: Mapping[str, int] | None = None,
    ) -> None:
        """`keep` has days by class of record, for a trail that empties by itself what is past its time."""
        self.files = files
        self.trouble = ""
        """Why the newest anchor could not be made; empty when all is well."""
        self.activity = Activity(clock)
        """How writing went."""
        self._clock = clock
        self._entropy = entropy
        self._server = server
        self._subject = subject
        self._place = place
        self._signer = signer
        self._keep = keep
        self._pruned_at = -inf
        self._store: AuditStore | None = None
        self._subjects: SubjectKeys | None = None
        self._anchoring: Anchoring | None = None
        self._group: GroupCommit[tuple[Draft, ...]] = GroupCommit(self._commit)
        self._anchor_threads = anyio.CapacityLimiter(1)
        self._fresh = 0
        self._anchored_at = -inf

    async def opened(self, clearance: Clearance, caller: str) -> None:
        await self._write(records.opened(clearance, caller, self._clock.wall(), self._server))

    async def closed(self, clearance: Clearance, outcome: Outcome | None, caller: str) -> None:
        await self._write(records.closed(clearance, outcome, caller, self._clock.wall()))

    async def stayed(self, clearance: Clearance, outcome: Outcome | None, caller: str) -> None:
        at = self._clock.wall()
        await self._write(
            records.opened(clearance, caller, at, self._server), records.closed(clearance, outcome, caller, at)
        )

    async def relayed(self, peer: str, tool: str, arguments: str, caller: str) -> None:
        await self._write(records.relayed(peer, tool, arguments, caller, self._clock.wall()))

    async def switched(self, changes: Mapping[str, str], revision: str, how: str) -> None:
        """The entry of changed flags and stops. Durable on return. Raises AuditUnavailable."""
        await self._write(records.switched(changes, revision, how, OPERATOR, self._clock.wall(), self._server))

    async def acted(self, action: str, target: str, *, step: str, by: str, outcome: str) -> None:
        """The entry of an act that needs approval. Durable on return. Raises AuditUnavailable."""
        about = {"step": step, "by": by, "outcome": outcome, "caller": OPERATOR}
        await self._write(records.acted(action, target, **about, at=self._clock.wall(), server=self._server))

    async def refused(self, refusal: Refusal, caller: str) -> None:
        await self._write(records.refused(refusal, caller, self._clock.wall(), self._server))

    async def run(self) -> None:
        """Anchor, and prune where that is set, whenever it is due. Runs until cancelled."""
        while self._place is not None or self._keep is not None:
            await anyio.sleep(LOOK_SECONDS)
            if self._keep is not None and self._clock.now() - self._pruned_at >= PRUNE_SECONDS:
                await self.prune(self._keep)
            late = self._clock.now() - self._anchored_at >= ANCHOR_SECONDS
            if self._fresh >= ANCHOR_RECORDS or (self._fresh and late):
                await self.anchor()

    async def anchor(self) -> None:
        """Anchor what is written so far; trouble is logged and kept in `trouble`, and tried again when next due."""
        if self._place is None:
            return
        fresh, self._anchored_at = self._fresh, self._clock.now()
        try:
            await to_thread.run_sync(self._anchor, limiter=self._anchor_threads)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the second place, the server serves
            if self.trouble != str(error):
                log.error("no anchor was made: %s", error)  # noqa: TRY400 - the message says it all
            self.trouble = str(error)
        else:
            self._fresh -= fresh
            self.trouble = ""

    async def prune(self, keep: Mapping[str, int]) -> int:
        """Empty what is past its days by class; how many records. Trouble is logged, and tried again a day later."""
        self._pruned_at = self._clock.now()
        try:
            gone = await to_thread.run_sync(self._prune, keep, limiter=self._anchor_threads)
        except Exception as error:  # noqa: BLE001 - the server serves; the report says that records are late
            log.error("the audit trail was not pruned: %s", error)  # noqa: TRY400 - the message says it all
            return 0
        self._fresh += gone.tombstones
        return gone.records

    async def aclose(self) -> None:
        """Anchor what is left, and let go of the files."""
        if self._fresh:
            await self.anchor()
        await to_thread.run_sync(self._close)

    async def _write(self, *drafts: Draft) -> None:
        with self.activity.use():
            await self._group.write(drafts)
        self._fresh += len(drafts)

    def _commit(self, groups: Sequence[tuple[Draft, ...]]) -> Sequence[Exception | None]:
        """In a thread: the drafts as records, in one transaction. What belongs together is written or not together."""
        from bedrock_support.telemetry.audit.canonical import NotCanonical, canonical

        store, subjects = self._opened_files()
        problems: list[Exception | None] = []
        bodies: list[str] = []
        callers = {self._subject or draft.caller for drafts in groups for draft in drafts}
        known = {name: subjects.of(name) for name in callers}

        def body(draft: Draft) -> str:
            subject = known[self._subject or draft.caller]
            digests = {label: subject.digest(label, text) for label, text in draft.texts.items()}
            return canonical({**draft.fields, "subject": subject.tag, "digests": digests})

        for drafts in groups:
            try:
                bodies += [body(each) for each in drafts]
                problems.append(None)
            except NotCanonical as error:
                problems.append(AuditUnavailable(f"the operation has no audit record: {error}"))
        store.append(bodies)
        return problems

    def _opened_files(self) -> tuple[AuditStore, SubjectKeys]:
        from bedrock_support.telemetry.audit.store import AuditStore
        from bedrock_support.telemetry.audit.subjects import SubjectKeys

        if self._store is None or self._subjects is None:
            self._store = AuditStore(self.files, self._entropy, self._signer)
            self._subjects = SubjectKeys(self.files.subjects, self._entropy)
        return self._store, self._subjects

    def _anchor(self) -> None:
        from bedrock_support.telemetry.audit.anchor import Anchoring

        store, _ = self._opened_files()
        if self._anchoring is None and self._place is not None:
            self._anchoring = Anchoring(self.files, store.signer, self._place())
        if self._anchoring is not None:
            self._anchoring.anchor()

    def _prune(self, keep: Mapping[str, int]) -> Pruned:
        from bedrock_support.telemetry.audit import upkeep

        if not self.files.log.exists():
            return upkeep.Pruned(records=0, tombstones=0)
        return upkeep.prune(self._opened_files()[0], keep, self._clock)

    def _close(self) -> None:
        for each in (self._store, self._subjects):
            if each is not None:
                each.close()
