"""`rollout drill`: each level of rollback done for real on a running front, timed, verified, and taken back."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial

from bedrock_support.routing.clock import Clock, Entropy
from bedrock_support.server.environment import process_environment
from bedrock_support.server.rollout.checks import Check, Notes, tried
from bedrock_support.server.rollout.control import Control
from bedrock_support.server.rollout.files import Fleet, RolloutFiles, read_json, write_json
from bedrock_support.server.rollout.flag_writer import NAMES
from bedrock_support.server.rollout.front import open_front
from bedrock_support.server.rollout.levels import LEVELS, SUPPORT_MODE, Level, Rollback
from bedrock_support.server.rollout.synthetic import Caller, log_text
from bedrock_support.server.sandbox.emulator import open_sandbox

SPOILED = {"BEDROCK_SUPPORT_MAX_CALL_SECONDS": "20"}
"""The changed configuration from which the full level is to come back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drilled:
    """How one level went."""

    level: Level
    seconds: float
    """From its first act until its last check, both included."""
    verified: bool
    problems: tuple[str, ...]

    def as_table(self) -> dict[str, object]:
        return {"level": self.level, "seconds": round(self.seconds, 3), "verified": self.verified}


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """Goes through the levels and leaves the system as it was."""

    control: Control
    notes: Notes
    clock: Clock

    async def run(self) -> list[Drilled]:
        """All levels. Raises NoFront, Unsettled, Unreachable, OSError when there is nothing to drill on."""
        control, back = self.control, Rollback(control=self.control)
        await control.settle(await control.fleet())
        fleet = await control.fleet()
        flags = await control.file_flags()
        good = await control.desk(lambda: read_json(control.files.good))
        await self.notes.fact("before", {"fleet": fleet.as_table(), "flags": flags})
        done: list[Drilled] = []
        try:
            for level in LEVELS:
                await self.notes.move(level, "begun")
                ready = await self._ready(level, back)
                began = self.clock.now()
                checks = await back.to(level)
                seconds = self.clock.now() - began
                verified = await self.notes.all([ready, *checks])
                problems = tuple(each.name for each in [ready, *checks] if not each.ok)
                await self.notes.fact("time", {"seconds": seconds})
                await self.notes.move(level, "done" if verified else "failed", f"{seconds:.2f} s")
                done.append(Drilled(level=level, seconds=seconds, verified=verified, problems=problems))
                await self._as_before(fleet, flags)
        finally:
            if len(done) < len(LEVELS):
                await self._as_before(fleet, flags)
            if good is not None:
                await control.desk(lambda: write_json(control.files.good, good))
        return done

    async def _ready(self, level: Level, back: Rollback) -> Check:
        """Something to roll back from: direct answering; before the full level, a spoiled configuration."""
        control = self.control
        if level == "full":
            await control.set_flags(dict.fromkeys(NAMES, True))
            await back.remember()
            await control.renew(SPOILED)
            await control.set_flags({SUPPORT_MODE: False})
            status = await control.status()
            return Check(name="spoiled before", ok=bool(status["workers"]), value={"env": SPOILED})
        await control.set_flags(dict.fromkeys(NAMES, True))
        async with control.calling() as caller:
            return await tried(partial(self._answered, caller))

    async def _answered(self, caller: Caller) -> Check:
        called = await caller.triage("infrastructure", log_text(self.control.entropy))
        ok = not called.error and called.route == "direct" and called.model.get("used") is True
        return Check(name="direct answers before", ok=ok, value=called.as_table(), trace=called.decision_id)

    async def _as_before(self, fleet: Fleet, flags: Mapping[str, bool]) -> None:
        control = self.control
        now = await control.fleet()

        def restored(_: Fleet) -> Fleet:
            fresh = tuple(replace(each, generation=control.generation()) for each in fleet.workers)
            return replace(fleet, workers=fresh)

        same = {(w.name, w.weight, w.isolated) for w in now.workers} == {
            (w.name, w.weight, w.isolated) for w in fleet.workers
        } and all((kept := now.named(w.name)) and kept.env == w.env for w in fleet.workers)
        if not same:
            await control.settle(await control.wish(restored))
        await control.set_flags(flags, whole=True)


@asynccontextmanager
async def sandboxed(files: RolloutFiles, clock: Clock, entropy: Entropy) -> AsyncGenerator[str]:
    """A front on the sandbox, all on loopback, for as long as the block lasts. Its MCP address."""
    async with open_sandbox() as sandbox:
        kept = {
            name: value
            for name, value in process_environment().items()
            if not name.startswith(("AWS_", "ENABLE_", "OTEL_", "BEDROCK_SUPPORT_"))
        }
        env = {
            **kept,
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": sandbox.url,
            "AWS_ACCESS_KEY_ID": "sandbox",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_EC2_METADATA_DISABLED": "true",
            "BEDROCK_SUPPORT_AUDIT": str(files.folder / "audit"),
        }
        async with open_front(files, 0, env=env) as url:
            yield url
