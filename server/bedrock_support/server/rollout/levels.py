"""The three levels of rollback, each verified by reading back and by synthetic calls before it counts as done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

from bedrock_support.server.environment import SettingsError
from bedrock_support.server.rollout.checks import Check, tried
from bedrock_support.server.rollout.control import Control, NoFront, Unsettled, agree
from bedrock_support.server.rollout.files import WHOLE, Fleet, read_json, write_json
from bedrock_support.server.rollout.flag_writer import replace_flags
from bedrock_support.server.rollout.synthetic import Caller, Unreachable, log_text
from bedrock_support.server.rollout.validation import Validation

Level = Literal["immediate", "partial", "full"]
LEVELS: tuple[Level, ...] = ("immediate", "partial", "full")
SUPPORT_MODE = "ENABLE_BEDROCK_SUPPORT_MODE"
OFF = {SUPPORT_MODE: False, "ENABLE_INTELLIGENT_ROUTING": False, "ENABLE_DIRECT_BEDROCK_FALLBACK": False}
"""What an immediate rollback switches off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Good:
    """The configuration and the flags that were good last."""

    env: Mapping[str, str]
    isolated: bool
    flags: Mapping[str, bool]

    @staticmethod
    def of(table: Mapping[str, Any]) -> Good:
        return Good(env=dict(table["env"]), isolated=bool(table["isolated"]), flags=dict(table["flags"]))

    def as_table(self) -> dict[str, object]:
        return {"env": dict(self.env), "isolated": self.isolated, "flags": dict(self.flags)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback:
    """Rolls the system behind a front back."""

    control: Control

    async def to(self, level: Level) -> list[Check]:
        """Do it and verify it. Every check must hold for it to be done; raises nothing of its own."""
        do: dict[Level, Callable[[], Awaitable[list[Check]]]] = {
            "immediate": self._immediate,
            "partial": self._partial,
            "full": self._full,
        }
        try:
            return await do[level]()
        except (OSError, SettingsError, NoFront, Unsettled, Unreachable) as error:
            return [Check(name=f"{level} rollback", ok=False, value={"problem": str(error)[:500]})]

    async def remember(self) -> Good:
        """Keep what is live now as the last good. Raises OSError, SettingsError."""
        fleet, flags = await self.control.fleet(), await self.control.file_flags()
        live = fleet.named(fleet.live)
        good = Good(env=live.env if live else {}, isolated=bool(live and live.isolated), flags=flags)
        await self.control.desk(lambda: write_json(self.control.files.good, good.as_table()))
        return good

    async def good(self) -> Good:
        """The last good. Raises SettingsError."""
        told = await self.control.desk(lambda: read_json(self.control.files.good))
        if told is None:
            raise SettingsError("no configuration was kept as good yet: it is when a rollout starts")
        return Good.of(told)

    async def _immediate(self) -> list[Check]:
        """Support mode, routing and the direct fallback off in every process; then no call may reach a model."""
        done = await self.control.set_flags(OFF)
        checks = [_flags_read_back(done)]
        async with self.control.calling() as caller:
            for op_class in ("infrastructure", "emergency"):
                called = await caller.triage(op_class, log_text(self.control.entropy))
                ok = not called.error and called.model.get("used") is False
                name = f"{op_class} call is answered by rule alone"
                checks.append(Check(name=name, ok=ok, value=called.as_table(), trace=called.decision_id))
        return checks

    async def _partial(self) -> list[Check]:
        """Direct is out of reach of every worker; what MCP can carry goes on over MCP."""

        def isolated(fleet: Fleet) -> Fleet:
            for each in fleet.workers:
                fleet = fleet.with_worker(replace(each, generation=self.control.generation(), isolated=True))
            return fleet

        status = await self.control.settle(await self.control.wish(isolated))
        checks = [Check(name="every worker was replaced", ok=bool(status["workers"]), value=_short(status))]
        async with self.control.calling() as caller:
            direct: Mapping[str, Any] = (await caller.health()).get("routes", {}).get("direct", {})
            checks.append(Check(name="direct is out of reach", ok=direct.get("state") == "unconfigured", value=direct))
            serving = (await caller.flags()).get(SUPPORT_MODE, False)
            checks.append(await tried(partial(self._goes_on, caller, serving=serving)))
            called = await caller.triage("emergency", log_text(self.control.entropy))
            ok = not called.error and called.model.get("used") is False
            name = "an emergency takes no other route"
            checks.append(Check(name=name, ok=ok, value=called.as_table(), trace=called.decision_id))
        return checks

    async def _goes_on(self, caller: Caller, *, serving: bool) -> Check:
        called = await caller.triage("infrastructure", log_text(self.control.entropy))
        answered = called.route == "mcp" and called.model.get("used") is True
        ok = not called.error and (answered if serving else called.model.get("used") is False)
        name = "urgent work goes on over MCP" if serving else "support mode is off: answered by rule alone"
        return Check(name=name, ok=ok, value=called.as_table(), trace=called.decision_id)

    async def _full(self) -> list[Check]:
        """One worker with the last good configuration and flags, nothing else; then the six checks."""
        good = await self.good()
        written = await self.control.desk(lambda: replace_flags(self.control.files.flags, good.flags))

        def restored(fleet: Fleet) -> Fleet:
            live = fleet.named(fleet.live) or fleet.workers[0]
            fresh = replace(
                live, weight=WHOLE, generation=self.control.generation(), env=good.env, isolated=good.isolated
            )
            return replace(fleet, live=live.name, workers=(fresh,))

        status = await self.control.settle(await self.control.wish(restored))
        seen = await self.control.seen_flags()
        return [
            Check(name="one worker with the good configuration", ok=True, value=_short(status)),
            Check(name="flags read back", ok=agree(good.flags, seen), value={"file": written, "workers": seen}),
            *await Validation(control=self.control).all(),
        ]


def _flags_read_back(done: Mapping[str, object]) -> Check:
    return Check(name="flags read back", ok=bool(done["seen"]), value=done)


def _short(status: Mapping[str, Any]) -> dict[str, object]:
    shown = ("name", "generation", "pid", "weight", "isolated", "state")
    return {
        "revision": status["revision"],
        "workers": [{name: each[name] for name in shown} for each in status["workers"]],
    }
