"""One check with what was seen, and where checks are written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from bedrock_support.server.rollout.store import Desk, EvidenceStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What was checked, whether it holds, and what was seen. What can't be known doesn't hold."""

    name: str
    ok: bool
    value: Mapping[str, object] = field(default_factory=dict[str, object])
    trace: str = ""
    """Id of the decision or trace that it rests on."""


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
