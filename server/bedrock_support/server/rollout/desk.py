"""What every act on a state folder needs: the lock, the record, and the hand on the front."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import anyio

from bedrock_support.routing.clock import Clock, Entropy, SystemClock, SystemEntropy
from bedrock_support.server.rollout.checks import Notes
from bedrock_support.server.rollout.control import Control, NoFront
from bedrock_support.server.rollout.files import RolloutFiles
from bedrock_support.server.rollout.locks import holding
from bedrock_support.server.rollout.store import Desk, EvidenceStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """One act under way: it alone may change fleet and flags."""

    files: RolloutFiles
    control: Control
    notes: Notes
    clock: Clock
    entropy: Entropy

    async def front_answers(self) -> bool:
        try:
            await self.control.status()
        except NoFront:
            return False
        return True

    async def finish(self, state: str) -> None:
        """The act is over, and this is how."""
        await self.notes.desk(partial(self.notes.store.set_state, self.notes.run, state, ended=True))


@asynccontextmanager
async def office(
    folder: Path, *, kind: str, detail: Mapping[str, object] | None = None, run: str | None = None
) -> AsyncGenerator[Office]:
    """Take the lock and begin a run, or take up one by its id.

    Raises:
        Taken, OSError, SettingsError, sqlite3.Error
    """
    files = RolloutFiles(folder=folder)
    clock, entropy, desk = SystemClock(), SystemEntropy(), Desk()
    with ExitStack() as stack:
        await desk(files.prepare)
        await desk(partial(stack.enter_context, holding(files.lock)))
        store = await desk(partial(EvidenceStore, files.evidence, clock))
        try:
            name = run or f"r-{entropy.token()[:12]}"
            if run is None:
                await desk(partial(store.begin, name, kind, detail or {}))
            else:
                await desk(partial(store.adopt, name))
            control = Control(files=files, desk=desk, clock=clock, entropy=entropy)
            notes = Notes(store=store, desk=desk, run=name)
            yield Office(files=files, control=control, notes=notes, clock=clock, entropy=entropy)
        finally:
            with anyio.CancelScope(shield=True):
                await desk(store.close)
