"""What every act on a state folder needs: the lock, the record, and the hand on the front."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import anyio

from bedrock_support.routing.clock import Clock, Entropy, SystemClock, SystemEntropy
from bedrock_support.server.access.listed import shown_token
from bedrock_support.server.environment import process_environment
from bedrock_support.server.rollout.checks import Notes
from bedrock_support.server.rollout.control import Control, NoFront
from bedrock_support.server.rollout.files import RolloutFiles
from bedrock_support.server.rollout.locks import holding
from bedrock_support.server.rollout.plan import KIND, OPEN
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


class Interrupted(Exception):
    """A rollout ended in the middle; it comes first."""


@asynccontextmanager
async def office(folder: Path, *, kind: str, run: str | None = None, overrule: bool = False) -> AsyncGenerator[Office]:
    """Take the lock and begin a run, or take up one by its id.

    Raises:
        Taken: another act is under way.
        Interrupted: a rollout isn't over; `overrule` says that it may be overruled.
        OSError, SettingsError, sqlite3.Error
    """
    files = RolloutFiles(folder=folder)
    clock, entropy, desk = SystemClock(), SystemEntropy(), Desk()
    with ExitStack() as stack:
        await desk(files.prepare)
        await desk(partial(stack.enter_context, holding(files.lock)))
        store = await desk(partial(EvidenceStore, files.evidence, clock))
        try:
            pending = await desk(partial(store.newest, KIND))
            if run is None and not overrule and pending is not None and pending.state in OPEN:
                raise Interrupted(f"rollout {pending.id} stopped in {pending.phase}. First: rollout resume, or abort")
            name = run or f"r-{entropy.token()[:12]}"
            if run is None:
                await desk(partial(store.begin, name, kind, {}))
            else:
                await desk(partial(store.adopt, name))
            token = await desk(partial(shown_token, process_environment()))
            control = Control(files=files, desk=desk, clock=clock, entropy=entropy, token=token)
            notes = Notes(store=store, desk=desk, run=name)
            yield Office(files=files, control=control, notes=notes, clock=clock, entropy=entropy)
        finally:
            with anyio.CancelScope(shield=True):
                await desk(store.close)
