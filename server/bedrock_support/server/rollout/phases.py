"""What each of the seven phases does, as steps. Each can be done again from its beginning; what it saw are checks."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial

import anyio

from bedrock_support.routing.matrix import shipped
from bedrock_support.server.rollout.checks import Check
from bedrock_support.server.rollout.control import POLL
from bedrock_support.server.rollout.desk import Office
from bedrock_support.server.rollout.files import WHOLE, Fleet, Wanted, write_json
from bedrock_support.server.rollout.gates import judge, missing
from bedrock_support.server.rollout.levels import Rollback
from bedrock_support.server.rollout.pace import in_time, same_model
from bedrock_support.server.rollout.places import Place
from bedrock_support.server.rollout.plan import FALLBACK, FLAG_ORDER, Phase, Plan
from bedrock_support.server.rollout.quality import Limits, quality
from bedrock_support.server.rollout.starting import born
from bedrock_support.server.rollout.steps import Aborted, Step
from bedrock_support.server.rollout.store import Sample
from bedrock_support.server.rollout.synthetic import log_text
from bedrock_support.server.rollout.validation import Validation
from bedrock_support.server.rollout.vitals import Vitals

ROOM = 64 * 1024 * 1024
"""Bytes that must be free where the state folder lies."""
AT_ONCE = 4
"""Synthetic calls side by side."""
ARRIVE = 15.0
"""Seconds that samples of calls which have ended may take to be in the record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phases:
    """The acts of one rollout."""

    office: Office
    plan: Plan
    stopped: Callable[[], bool]
    places: tuple[Place, ...]
    """Where traffic is shifted, the front first."""

    def of(self, phase: Phase) -> list[Step]:
        """The steps of a phase; `plan.outline` has their names."""
        made: dict[Phase, Callable[[], list[Step]]] = {
            "preflight": self.preflight,
            "components": self.components,
            "slo_gates": self.slo_gates,
            "health_checks": self.health_checks,
            "flags": self.flags,
            "validation": self.validation,
            "monitoring": self.monitoring,
        }
        return made[phase]()

    async def heed(self) -> None:
        """Raises Aborted when a signal or `rollout abort` asked for it."""
        store, run = self.office.notes.store, self.office.notes.run
        found = await self.office.notes.desk(partial(store.run, run))
        if self.stopped() or (found is not None and found.abort):
            raise Aborted("asked to")

    def preflight(self) -> list[Step]:
        return [
            Step(name="front", act=self._front),
            Step(name="disk", act=self._disk),
            Step(name="last good", act=self._good, after=("front",)),
            Step(name="a call", act=self._call_before, after=("front",)),
            Step(name="time of answers", act=self._pace_before, after=("front",)),
        ]

    async def _front(self) -> list[Check]:
        status = await self.office.control.settle(await self.office.control.fleet())
        return [Check(name="the front serves one worker", ok=len(status["workers"]) == 1, value={"status": status})]

    async def _disk(self) -> list[Check]:
        files, desk = self.office.files, self.office.control.desk
        free = (await desk(partial(shutil.disk_usage, files.folder))).free
        await desk(partial(write_json, files.folder / "probe.json", {"written": True}))
        await desk((files.folder / "probe.json").unlink)
        return [Check(name="room on the disk", ok=free >= ROOM, value={"free": free, "least": ROOM})]

    async def _good(self) -> list[Check]:
        good = await Rollback(control=self.office.control).remember()
        return [Check(name="configuration and flags are kept as good", ok=True, value=good.as_table())]

    async def _call_before(self) -> list[Check]:
        return [await self._call("a call goes well before")]

    async def _call(self, name: str) -> Check:
        control = self.office.control
        async with control.calling() as caller:
            called = await caller.triage("standard", log_text(control.entropy))
        return Check(name=name, ok=not called.error, value=called.as_table(), trace=called.decision_id)

    async def _pace_before(self) -> list[Check]:
        """A model that the gate must refuse is told of here, while nothing has moved."""
        binding = same_model(self.plan.env)
        limits = Limits.of(self.plan.limits)
        return await in_time(self.office.control, self.plan.before.live, limits, binding=binding)

    def components(self) -> list[Step]:
        return [
            Step(name="start", act=self._started),
            Step(name="tools", act=self._tools, after=("start",)),
            Step(name="version", act=self._version, after=("start",)),
            Step(name="time of answers", act=self._pace_of_candidate, after=("start",)),
        ]

    async def _started(self) -> list[Check]:
        control, plan = self.office.control, self.plan
        green = Wanted(name=plan.candidate, weight=0, generation=plan.generation, env=plan.env)
        fleet = await control.wish(lambda fleet: fleet.with_worker(green))
        status = await control.settle(fleet, new=plan.candidate)
        found = next(each for each in status["workers"] if each["name"] == plan.candidate)
        value = {**found, "born": await control.desk(partial(born, found["pid"]))}
        return [Check(name="the new worker listens", ok=found["state"] == "ready", value=value)]

    async def _tools(self) -> list[Check]:
        control = self.office.control
        async with control.calling(self.plan.before.live) as caller:
            old = await caller.tools()
        async with control.calling(self.plan.candidate) as caller:
            new = await caller.tools()
        lost = sorted(set(old) - set(new))
        return [Check(name="it offers every tool of the old one", ok=bool(new) and not lost, value={"lost": lost})]

    async def _version(self) -> list[Check]:
        async with self.office.control.calling(self.plan.candidate) as caller:
            version, flags = await caller.version(), await caller.flags()
        return [Check(name="it tells its version and flags", ok=bool(version and flags), value={"is": version})]

    async def _pace_of_candidate(self) -> list[Check]:
        limits = Limits.of(self.plan.limits)
        return await in_time(self.office.control, self.plan.candidate, limits, binding=True)

    def slo_gates(self) -> list[Step]:
        steps: list[Step] = []
        for weight in self.plan.steps:
            after = (steps[-1].name,) if steps else ()
            steps.append(Step(name=f"{weight} %", act=partial(self._shifted, weight), after=after))
        return steps

    async def _shifted(self, weight: int) -> list[Check]:
        """One step of traffic, and its gates."""
        control, plan = self.office.control, self.plan
        shares = {plan.candidate: weight, plan.before.live: WHOLE - weight}
        before = await control.status()
        since = self.office.clock.wall()
        seen = [
            Check(name=f"weights read back from {place.name}", ok=had == shares, value={"weights": dict(had)})
            for place in self.places
            for had in (await place.shift(shares),)
        ]
        await anyio.sleep(plan.watch)
        step = [*seen, *await self._gated(since, int(before["lost_samples"]))]
        return [replace(each, value={"step_percent": weight, **each.value}) for each in step]

    async def _gated(self, since: float, lost_before: int) -> list[Check]:
        """Gates on what the candidate did since a moment, filled up by synthetic calls."""
        plan = self.plan
        deadlines = {name.value: rule.deadline for name, rule in shipped().rules.items()}
        seen, lost = await self._samples(since, lost_before)
        if short := missing(seen, plan.least):
            await self._supply(short)
            until = self.office.clock.now() + ARRIVE
            seen, lost = await self._samples(since, lost_before)
            # A client has its answer before the front has seen the answer's end.
            while missing(seen, plan.least) and not lost and self.office.clock.now() < until:
                await anyio.sleep(POLL)
                seen, lost = await self._samples(since, lost_before)
        return judge(seen, deadlines, plan.least, lost)

    async def _samples(self, since: float, lost_before: int = 0) -> tuple[list[Sample], int]:
        """What the record has of the candidate since a moment, and how many samples were lost meanwhile."""
        lost = int((await self.office.control.recorded())["lost_samples"]) - lost_before
        store = self.office.notes.store
        return await self.office.notes.desk(partial(store.calls, self.plan.candidate, since)), lost

    async def _supply(self, short: dict[str, int]) -> None:
        control = self.office.control
        wanted = [name for name, count in short.items() for _ in range(count)]

        async def some(mine: list[str]) -> None:
            async with control.calling(self.plan.candidate) as caller:
                for op_class in mine:
                    await caller.triage(op_class, log_text(self.office.entropy))

        async with anyio.create_task_group() as group:
            for start in range(AT_ONCE):
                if mine := wanted[start::AT_ONCE]:
                    group.start_soon(some, mine)
        await self.office.notes.fact("synthetic calls supplied", dict(short))

    def health_checks(self) -> list[Step]:
        return Vitals(control=self.office.control, worker=self.plan.candidate, recorded=self._recorded).steps()

    async def _recorded(self) -> int:
        run = await self.office.notes.desk(partial(self.office.notes.store.run, self.office.notes.run))
        seen, _ = await self._samples(run.started if run else self.office.clock.wall())
        return len(seen)

    def flags(self) -> list[Step]:
        steps: list[Step] = []
        for name in (each for each in FLAG_ORDER if each in self.plan.flags):
            after = (steps[-1].name,) if steps else ()
            steps.append(Step(name=name, act=partial(self._flag, name), after=after))
        return steps

    async def _flag(self, name: str) -> list[Check]:
        done = await self.office.control.set_flags({name: self.plan.flags[name]})
        called = await self._call(f"a call after {name}")
        return [Check(name=f"{name} read back", ok=bool(done["seen"]), value=done), called]

    def validation(self) -> list[Step]:
        checks = Validation(control=self.office.control).checks()

        def act(name: str, check: Callable[[], Awaitable[Check]]) -> Step:
            async def one() -> list[Check]:
                return [await check()]

            after = tuple(each for each in checks if each != FALLBACK) if name == FALLBACK else ()
            return Step(name=name, act=one, after=after)

        return [act(name, check) for name, check in checks.items()]

    def monitoring(self) -> list[Step]:
        return [
            Step(name="traffic", act=self._watched),
            Step(name="answers", act=self._answers),
            Step(name="workers", act=self._same_workers, after=("traffic", "answers")),
        ]

    async def _watched(self) -> list[Check]:
        before, since = await self.office.control.status(), self.office.clock.wall()
        await anyio.sleep(self.plan.watch)
        return await self._gated(since, int(before["lost_samples"]))

    async def _answers(self) -> list[Check]:
        limits = Limits.of(self.plan.limits)
        return await quality(self.office.control, self.plan.candidate, self.plan.least, limits)

    async def _same_workers(self) -> list[Check]:
        """The candidate is the process that was started: one that ended and was started anew has another id."""
        status = await self.office.control.status()
        pids = {each["name"]: each["pid"] for each in status["workers"]}
        first = await self._started_as()
        same = first is not None and pids.get(self.plan.candidate) == first
        return [Check(name="no worker ended meanwhile", ok=same, value={"pids": pids, "started_as": first})]

    async def _started_as(self) -> int | None:
        """The process id with which the candidate was seen to listen; None where the record has none."""
        store, run = self.office.notes.store, self.office.notes.run
        seen = await self.office.notes.desk(partial(store.evidence, run))
        found = [each.value.get("pid") for each in seen if each.name == "the new worker listens"]
        return int(found[-1]) if found and found[-1] is not None else None

    def finished(self, fleet: Fleet) -> Fleet:
        """The candidate alone, live."""
        alone = fleet.weighted({self.plan.candidate: WHOLE})
        for each in fleet.workers:
            if each.name != self.plan.candidate:
                alone = alone.without(each.name)
        return replace(alone, live=self.plan.candidate)
