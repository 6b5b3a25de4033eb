"""What each of the seven phases does. Each can be done again from its beginning, and tells what it saw as checks."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial

import anyio

from bedrock_support.routing.matrix import shipped
from bedrock_support.server.rollout.checks import Check
from bedrock_support.server.rollout.desk import Office
from bedrock_support.server.rollout.files import WHOLE, Fleet, Wanted, write_json
from bedrock_support.server.rollout.gates import judge, missing
from bedrock_support.server.rollout.levels import Rollback
from bedrock_support.server.rollout.plan import FLAG_ORDER, Phase, Plan
from bedrock_support.server.rollout.quality import Limits, quality
from bedrock_support.server.rollout.starting import born
from bedrock_support.server.rollout.store import Sample
from bedrock_support.server.rollout.synthetic import calling, log_text
from bedrock_support.server.rollout.validation import Validation
from bedrock_support.server.rollout.vitals import vitals

ROOM = 64 * 1024 * 1024
"""Bytes that must be free where the state folder lies."""
AT_ONCE = 4
"""Synthetic calls side by side."""
FLUSHED = 0.6
"""Seconds after which the front has written what it sampled."""


class Aborted(Exception):
    """Somebody asked for the rollout to end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phases:
    """The acts of one rollout."""

    office: Office
    plan: Plan
    stopped: Callable[[], bool]

    def of(self, phase: Phase) -> Callable[[], Awaitable[list[Check]]]:
        acts: dict[Phase, Callable[[], Awaitable[list[Check]]]] = {
            "preflight": self.preflight,
            "components": self.components,
            "slo_gates": self.slo_gates,
            "health_checks": self.health_checks,
            "flags": self.flags,
            "validation": self.validation,
            "monitoring": self.monitoring,
        }
        return acts[phase]

    async def heed(self) -> None:
        """Raises Aborted when a signal or `rollout abort` asked for it."""
        store, run = self.office.notes.store, self.office.notes.run
        found = await self.office.notes.desk(partial(store.run, run))
        if self.stopped() or (found is not None and found.abort):
            raise Aborted("asked to")

    async def preflight(self) -> list[Check]:
        control, files = self.office.control, self.office.files
        status = await control.settle(await control.fleet())
        free = (await control.desk(partial(shutil.disk_usage, files.folder))).free
        await control.desk(partial(write_json, files.folder / "probe.json", {"written": True}))
        await control.desk((files.folder / "probe.json").unlink)
        good = await Rollback(control=control).remember()
        checks = [
            Check(name="the front serves one worker", ok=len(status["workers"]) == 1, value={"status": status}),
            Check(name="room on the disk", ok=free >= ROOM, value={"free": free, "least": ROOM}),
            Check(name="configuration and flags are kept as good", ok=True, value=good.as_table()),
        ]
        async with calling(await control.url()) as caller:
            called = await caller.triage("standard", log_text(control.entropy))
        name = "a call goes well before"
        return [*checks, Check(name=name, ok=not called.error, value=called.as_table(), trace=called.decision_id)]

    async def components(self) -> list[Check]:
        control, plan = self.office.control, self.plan
        green = Wanted(name=plan.candidate, weight=0, generation=plan.generation, env=plan.env)
        fleet = await control.wish(lambda fleet: fleet.with_worker(green))
        status = await control.settle(fleet, new=plan.candidate)
        found = next(each for each in status["workers"] if each["name"] == plan.candidate)
        value = {**found, "born": await control.desk(partial(born, found["pid"]))}
        checks = [Check(name="the new worker listens", ok=found["state"] == "ready", value=value)]
        url = await control.url()
        async with calling(url, plan.before.live) as caller:
            old = await caller.tools()
        async with calling(url, plan.candidate) as caller:
            new, version, flags = await caller.tools(), await caller.version(), await caller.flags()
        lost = sorted(set(old) - set(new))
        checks.append(
            Check(name="it offers every tool of the old one", ok=bool(new) and not lost, value={"lost": lost})
        )
        checks.append(Check(name="it tells its version and flags", ok=bool(version and flags), value={"is": version}))
        return checks

    async def slo_gates(self) -> list[Check]:
        control, plan = self.office.control, self.plan
        checks: list[Check] = []
        for weight in plan.steps:
            await self.heed()
            shares = {plan.candidate: weight, plan.before.live: WHOLE - weight}
            await self.office.notes.move("slo_gates", "step", f"{weight} %")
            before = await control.status()
            since = self.office.clock.wall()
            await control.settle(await control.wish(lambda fleet, to=shares: fleet.weighted(to)))
            await anyio.sleep(plan.watch)
            step = await self._gated(since, int(before["lost_samples"]))
            checks += [replace(each, value={"step_percent": weight, **each.value}) for each in step]
            if not all(each.ok for each in step):
                break
        return checks

    async def _gated(self, since: float, lost_before: int) -> list[Check]:
        """Gates on what the candidate did since a moment, filled up by synthetic calls."""
        plan = self.plan
        short = missing(await self._samples(since), plan.least)
        if short:
            await self._supply(short)
        lost = int((await self.office.control.status())["lost_samples"]) - lost_before
        deadlines = {name.value: rule.deadline for name, rule in shipped().rules.items()}
        return judge(await self._samples(since), deadlines, plan.least, lost)

    async def _samples(self, since: float) -> list[Sample]:
        await anyio.sleep(FLUSHED)
        store = self.office.notes.store
        return await self.office.notes.desk(partial(store.calls, self.plan.candidate, since))

    async def _supply(self, short: dict[str, int]) -> None:
        url = await self.office.control.url()
        wanted = [name for name, count in short.items() for _ in range(count)]

        async def some(mine: list[str]) -> None:
            async with calling(url, self.plan.candidate) as caller:
                for op_class in mine:
                    await caller.triage(op_class, log_text(self.office.entropy))

        async with anyio.create_task_group() as group:
            for start in range(AT_ONCE):
                if mine := wanted[start::AT_ONCE]:
                    group.start_soon(some, mine)
        await self.office.notes.fact("synthetic calls supplied", dict(short))

    async def health_checks(self) -> list[Check]:
        return await vitals(self.office.control, self.plan.candidate, self._recorded)

    async def _recorded(self) -> int:
        run = await self.office.notes.desk(partial(self.office.notes.store.run, self.office.notes.run))
        return len(await self._samples(run.started if run else self.office.clock.wall()))

    async def flags(self) -> list[Check]:
        control = self.office.control
        checks: list[Check] = []
        for name in (each for each in FLAG_ORDER if each in self.plan.flags):
            await self.heed()
            done = await control.set_flags({name: self.plan.flags[name]})
            checks.append(Check(name=f"{name} read back", ok=bool(done["seen"]), value=done))
            async with calling(await control.url()) as caller:
                called = await caller.triage("standard", log_text(control.entropy))
            checks.append(
                Check(
                    name=f"a call after {name}", ok=not called.error, value=called.as_table(), trace=called.decision_id
                )
            )
            if not all(each.ok for each in checks):
                break
        return checks

    async def validation(self) -> list[Check]:
        return await Validation(control=self.office.control).all()

    async def monitoring(self) -> list[Check]:
        control = self.office.control
        before, since = await control.status(), self.office.clock.wall()
        await anyio.sleep(self.plan.watch)
        await self.heed()
        gates = await self._gated(since, int(before["lost_samples"]))
        gates += await quality(control, self.plan.candidate, self.plan.least, Limits.of(self.plan.limits))
        pids = [each["pid"] for each in before["workers"]]
        after = await control.status()
        same = pids == [each["pid"] for each in after["workers"]]
        return [*gates, Check(name="no worker ended meanwhile", ok=same and bool(pids), value={"pids": pids})]

    def finished(self, fleet: Fleet) -> Fleet:
        """The candidate alone, live."""
        alone = fleet.weighted({self.plan.candidate: WHOLE})
        for each in fleet.workers:
            if each.name != self.plan.candidate:
                alone = alone.without(each.name)
        return replace(alone, live=self.plan.candidate)
