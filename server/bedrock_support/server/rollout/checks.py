"""One check with what was seen, and where checks are written down."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from bedrock_support.server.rollout.store import Desk, EvidenceStore

TRIES = 3
"""Times that a check is made which rests on an answer within its class's deadline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What was checked, whether it holds, and what was seen. What can't be known doesn't hold."""

    name: str
    ok: bool
    value: Mapping[str, object] = field(default_factory=dict[str, object])
    trace: str = ""
    """Id of the decision or trace that it rests on."""


async def tried(check: Callable[[], Awaitable[Check]]) -> Check:
    """A check of an answer in time, made up to TRIES times: a process that has just started answers its first question
    late, and a busy machine any. What did not hold stays in its value. Never for what may not happen even once, and
    not again where the call itself could not be made (`problem`): that was given all its time."""
    missed: list[Mapping[str, object]] = []
    while True:
        found = await check()
        if found.ok or "problem" in found.value or len(missed) + 1 >= TRIES:
            return (
                replace(found, value={**found.value, "tries": len(missed) + 1, "missed": missed}) if missed else found
            )
        missed.append(found.value)


@dataclass(slots=True, kw_only=True)
class Notes:
    """Writes evidence of one run down, off the loop."""

    store: EvidenceStore
    desk: Desk
    run: str
    phase: str = "new"

    async def add(self, check: Check) -> int:
        """Store a check; its evidence id. Raises sqlite3.Error."""
        return await self.desk(
            partial(self.store.add, self.run, self.phase, check.name, check.ok, check.value, check.trace)
        )

    async def all(self, checks: list[Check]) -> bool:
        """Store checks; whether every one holds, and there is at least one."""
        for each in checks:
            await self.add(each)
        return bool(checks) and all(each.ok for each in checks)

    async def fact(self, name: str, value: Mapping[str, object]) -> int:
        """Store what was seen, which is no check."""
        return await self.desk(partial(self.store.add, self.run, self.phase, name, None, value))

    async def move(self, phase: str, state: str, note: str = "") -> None:
        """One transition of a phase, or of a step in it (`phase/step`); on the disk when this returns."""
        self.phase = phase.partition("/")[0]
        await self.desk(partial(self.store.move, self.run, phase, state, note))
