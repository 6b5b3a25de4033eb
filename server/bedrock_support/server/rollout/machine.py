"""The rollout as a state machine: seven phases, each on the disk before and after its act, and the way back."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from bedrock_support.routing.bedrock.balancer import BalancerError
from bedrock_support.server.environment import SettingsError
from bedrock_support.server.rollout.checks import Check
from bedrock_support.server.rollout.control import NoFront, Unsettled, agree
from bedrock_support.server.rollout.desk import Office
from bedrock_support.server.rollout.flag_writer import replace_flags
from bedrock_support.server.rollout.phases import Phases
from bedrock_support.server.rollout.places import Here, elsewhere
from bedrock_support.server.rollout.plan import (
    DONE,
    PHASES,
    ROLLED_BACK,
    ROLLING_BACK,
    RUNNING,
    UNVERIFIED,
    Plan,
    other,
    outline,
)
from bedrock_support.server.rollout.starting import born
from bedrock_support.server.rollout.steps import Aborted, Steps, worded
from bedrock_support.server.rollout.synthetic import Unreachable, log_text

KNOWN = (
    OSError,
    BalancerError,
    SettingsError,
    NoFront,
    Unsettled,
    Unreachable,
    Aborted,
    sqlite3.Error,
    BaseExceptionGroup,
)
"""What may go wrong in an act; each leads to the way back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Carries one rollout out, from wherever it stands."""

    office: Office
    stopped: Callable[[], bool]
    tell: Callable[[str], None]
    """Told of progress, a line at a time."""

    async def begin(self, plan: Plan) -> str:
        """A new rollout. Its final state: done, rolled_back or rollback_unverified."""
        control = self.office.control
        fleet, flags = await control.fleet(), await control.file_flags()
        plan = replace(
            plan,
            candidate=other(fleet.live),
            generation=control.generation(),
            fleet=fleet.as_table(),
            flags_before=flags,
        )
        if plan.elsewhere:
            try:
                plan = replace(plan, elsewhere_before=dict(await elsewhere(plan.elsewhere).read()))
            except BalancerError as error:
                self.tell(f"not begun: {error}")
                await self.office.finish(ROLLED_BACK)  # nothing was changed
                return ROLLED_BACK
        store, run = self.office.notes.store, self.office.notes.run
        await control.desk(partial(store.set_detail, run, plan.as_table()))
        return await self._forward(plan, frozenset())

    async def resume(self, *, back: bool = False) -> str:
        """Take a rollout up whose process ended: go on, or `back`; a rollback that was begun is ended either way."""
        store, run = self.office.notes.store, self.office.notes.run
        found = await self.office.control.desk(partial(store.run, run))
        if found is None or "generation" not in found.detail:
            await self.office.finish(ROLLED_BACK)  # it ended before anything was changed
            return ROLLED_BACK
        plan = Plan.of(found.detail)
        if back or found.abort or found.state != RUNNING:
            return await self._back(plan, "taken up to be rolled back")
        past = await self.office.control.desk(partial(store.transitions, run))
        done = frozenset(each.phase for each in past if each.state == "done")
        return await self._forward(plan, done)

    async def _forward(self, plan: Plan, done: frozenset[str]) -> str:
        places = (Here(self.office.control), *([elsewhere(plan.elsewhere)] if plan.elsewhere else []))
        phases = Phases(office=self.office, plan=plan, stopped=self.stopped, places=places)
        notes, outlined = self.office.notes, outline(plan)
        steps = Steps(
            notes=notes,
            clock=self.office.clock,
            heed=phases.heed,
            tell=self.tell,
            known=KNOWN,
            total=sum(len(each) for each in outlined.values()),
            done=sum(len(each) for phase, each in outlined.items() if phase in done),
        )
        for phase in PHASES:
            if phase in done:
                continue
            try:
                await phases.heed()
                await notes.move(phase, "begun")
                self.tell(f"{phase}: begun")
                checks = await steps.run(phase, phases.of(phase))
                ok = bool(checks) and all(each.ok for each in checks)
                failed = ", ".join(each.name for each in checks if not each.ok)
                await notes.move(phase, "done" if ok else "failed", failed[:500])
            except KNOWN as error:
                return await self._back(plan, f"{phase}: {worded(error)}")
            self.tell(f"{phase}: {'done' if ok else f'FAILED: {failed}'} ({len(checks)} checks)")
            if not ok:
                return await self._back(plan, f"{phase}: {failed}")
        try:
            await notes.move("finish", "begun")
            await self.office.control.settle(await self.office.control.wish(phases.finished))
            await notes.move("finish", "done")
        except KNOWN as error:
            return await self._back(plan, f"finish: {worded(error)}")
        await self.office.finish(DONE)
        return DONE

    async def _back(self, plan: Plan, why: str) -> str:
        """All as it was before, verified. What can't be written down is done all the same."""
        self.tell(f"rolling back: {why}")
        await self._note_quietly(ROLLING_BACK, "begun", why)
        checks = await self._reversed(plan)
        verified = all(each.ok for each in checks)
        state = ROLLED_BACK if verified else UNVERIFIED
        try:
            await self.office.notes.all(checks)
            await self.office.notes.move("rollback", "done" if verified else "failed", why[:500])
            if verified:
                await self.office.finish(state)
            else:
                await self.office.control.desk(
                    partial(self.office.notes.store.set_state, self.office.notes.run, UNVERIFIED)
                )
        except (sqlite3.Error, OSError) as error:
            self.tell(f"the record can't be written: {error}")
            state = UNVERIFIED
        failed = ", ".join(f"{each.name} {each.value.get('problem', '')}".strip() for each in checks if not each.ok)
        self.tell("rolled back, verified" if verified else f"rollback NOT verified: {failed}")
        return state

    async def _note_quietly(self, state: str, step: str, why: str) -> None:
        try:
            store, run = self.office.notes.store, self.office.notes.run
            await self.office.control.desk(partial(store.set_state, run, state))
            await self.office.notes.move("rollback", step, why[:500])
        except (sqlite3.Error, OSError) as error:
            self.tell(f"the record can't be written: {error}")

    async def _reversed(self, plan: Plan) -> list[Check]:
        control, before = self.office.control, plan.before
        checks = await self._elsewhere_back(plan)
        try:
            began: dict[int, str] = {}
            with suppress(NoFront):
                there = [w for w in (await control.status())["workers"] if before.named(w["name"]) is None]
                began = {each["pid"]: await control.desk(partial(born, each["pid"])) for each in there}
            # Both files first: a front that is started later then starts with what was before.
            fleet = await control.insist(before)
            await control.desk(lambda: replace_flags(control.files.flags, plan.flags_before))
            await control.settle(fleet)
            flags = await control.set_flags(plan.flags_before, whole=True)
            fleet = await control.fleet()
            status = await control.settle(fleet)
            weights = {each["name"]: each["weight"] for each in status["workers"]}
            wanted = {each.name: each.weight for each in before.workers}
            checks.append(Check(name="weights read back", ok=weights == wanted, value={"weights": weights}))
            left = [pid for pid, when in began.items() if await control.desk(partial(born, pid)) == when != ""]
            checks.append(Check(name="the new worker has ended", ok=not left, value={"was": list(began), "left": left}))
            seen = await control.seen_flags()
            same = await control.file_flags() == dict(plan.flags_before) and agree(plan.flags_before, seen)
            checks.append(Check(name="flags read back", ok=same, value={**flags, "workers": seen}))
            async with control.calling() as caller:
                for op_class in ("standard", "infrastructure"):
                    called = await caller.triage(op_class, log_text(control.entropy))
                    name, value = f"a {op_class} call goes well", called.as_table()
                    checks.append(Check(name=name, ok=not called.error, value=value, trace=called.decision_id))
        except KNOWN as error:
            checks.append(Check(name="all as before", ok=False, value={"problem": worded(error)}))
        return checks

    async def _elsewhere_back(self, plan: Plan) -> list[Check]:
        """First of all: what other machines' callers meet is as before at once, whatever becomes of this front."""
        if not plan.elsewhere:
            return []
        place = elsewhere(plan.elsewhere)
        name = f"weights read back from {place.name}"
        try:
            had = await place.shift(plan.elsewhere_before)
        except BalancerError as error:
            return [Check(name=name, ok=False, value={"problem": str(error)})]
        return [Check(name=name, ok=had == plan.elsewhere_before, value={"weights": dict(had)})]
