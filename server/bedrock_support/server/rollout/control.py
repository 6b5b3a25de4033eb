"""How a rollout speaks to a running front: wishes by the fleet file, facts by the front's own status."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import anyio
import httpx2

from bedrock_support.routing.clock import Clock, Entropy
from bedrock_support.server.environment import PREFIX, SettingsError
from bedrock_support.server.rollout.files import Fleet, RolloutFiles, read_json
from bedrock_support.server.rollout.flag_writer import read_flags, replace_flags, write_flags
from bedrock_support.server.rollout.front import STATUS
from bedrock_support.server.rollout.store import Desk
from bedrock_support.server.rollout.synthetic import Caller, calling, shown

POLL = 0.05
SEEN = 20.0
"""Seconds to wait until every worker says that it has a change; each follows its file within one (docs/flags.md), and
asking them all takes seconds on a busy machine."""
ANSWERS = 15.0
"""Seconds within which the front must say how things are."""
WRITTEN = 15.0
"""Seconds that the front may take to write what it sampled."""
UNAUTHORIZED = 401
SETTLED = 120.0
"""Seconds a fleet may take until it is as wished, drained workers included."""


class NoFront(Exception):
    """No front answers for this state folder."""


class Unsettled(Exception):
    """The fleet did not become as wished in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """Reads and changes one front's fleet and flags."""

    files: RolloutFiles
    desk: Desk
    clock: Clock
    entropy: Entropy
    token: str = field(default="", repr=False)
    """Shown to the front, where it asks for one."""

    async def url(self) -> str:
        """The front's MCP address. Raises NoFront."""
        told = await self.desk(lambda: read_json(self.files.front))
        if told is None:
            raise NoFront("no front has served from this state folder. Start one: bedrock-support front --state DIR")
        return str(told["url"])

    async def status(self) -> dict[str, Any]:
        """What the front says is so. Raises NoFront."""
        address = (await self.url()).removesuffix("/mcp") + STATUS
        try:
            async with httpx2.AsyncClient(timeout=ANSWERS, trust_env=False, headers=shown(self.token)) as client:
                response = await client.get(address)
                if response.status_code == UNAUTHORIZED:
                    raise NoFront(f"the front asks for a token that it knows: set {PREFIX}TOKENS or {PREFIX}TOKEN_FILE")
                told: dict[str, Any] = response.raise_for_status().json()
                return told
        except (httpx2.HTTPError, ValueError) as error:
            raise NoFront(f"the front does not answer ({type(error).__name__}). Start it again") from None

    async def recorded(self) -> dict[str, Any]:
        """The front's status, once it has written what it had sampled when this began, as far as it can be written.
        Raises NoFront.
        """
        until = self.clock.now() + WRITTEN
        told = await self.status()
        sampled = int(told["samples"])
        while int(told["written_samples"]) + int(told["lost_samples"]) < sampled and self.clock.now() < until:
            await anyio.sleep(POLL)
            told = await self.status()
        return told

    @asynccontextmanager
    async def calling(self, worker: str = "") -> AsyncGenerator[Caller]:
        """A client with a session of its own, with a worker by name if one is given. Raises NoFront, Unreachable."""
        async with calling(await self.url(), worker, self.token) as caller:
            yield caller

    async def fleet(self) -> Fleet:
        return await self.desk(self.files.read_fleet)

    async def wish(self, change: Callable[[Fleet], Fleet]) -> Fleet:
        """Write a changed fleet; what was written. Raises OSError."""
        return await self.desk(lambda: self.files.write_fleet(change(self.files.read_fleet())))

    async def insist(self, fleet: Fleet) -> Fleet:
        """Write a fleet whatever stands in the file and whether or not a front is there. Raises OSError."""
        above = 0
        with suppress(NoFront):
            above = int((await self.status())["revision"])
        with suppress(SettingsError):  # what can't be read is replaced
            above = max(above, (await self.fleet()).revision)
        return await self.desk(lambda: self.files.write_fleet(fleet, above=above))

    async def settle(self, fleet: Fleet, patience: float = SETTLED, *, new: str = "") -> dict[str, Any]:
        """Wait until the front's status is as the fleet says, nothing else running. Raises Unsettled, NoFront.

        A worker named by `new` gets one try: why it failed to start is then told at once.
        """
        until = self.clock.now() + patience
        while True:
            told = await self.status()
            problem = differs(fleet, told)
            if not problem:
                return told
            failed = (w["error"] for w in told["workers"] if new and w["name"] == new and w["state"] == "failed")
            if (why := next(failed, None)) is not None:
                raise Unsettled(f"{new} does not start: {why}")
            if self.clock.now() > until:
                raise Unsettled(f"after {patience:.0f} s: {problem}")
            await anyio.sleep(POLL)

    def generation(self) -> str:
        return f"g-{self.entropy.token()[:8]}"

    async def file_flags(self) -> dict[str, bool]:
        return await self.desk(lambda: read_flags(self.files.flags))

    async def seen_flags(self) -> dict[str, dict[str, bool]]:
        """By worker: the flags that it says it has. Raises NoFront, Unreachable."""
        seen: dict[str, dict[str, bool]] = {}
        for each in (await self.status())["workers"]:
            if each["state"] == "ready":
                async with self.calling(each["name"]) as caller:
                    seen[each["name"]] = await caller.flags()
        return seen

    async def set_flags(self, changes: Mapping[str, bool], *, whole: bool = False) -> dict[str, object]:
        """Write flags and see that every worker has them; `whole`: and no others. What was done and read back.

        Raises:
            OSError, SettingsError, NoFront, Unreachable
        """
        write = replace_flags if whole else write_flags
        written = await self.desk(lambda: write(self.files.flags, changes))
        until = self.clock.now() + SEEN
        while True:
            seen = await self.seen_flags()
            if agree(written, seen) or self.clock.now() > until:
                return {"file": written, "workers": seen, "seen": agree(written, seen)}
            await anyio.sleep(POLL)

    async def renew(self, env: Mapping[str, str]) -> dict[str, Any]:
        """New processes in the place of all workers, with this over their environment. Raises Unsettled, NoFront."""

        def renewed(fleet: Fleet) -> Fleet:
            for each in fleet.workers:
                fresh = replace(each, generation=self.generation(), env={**each.env, **env})
                fleet = fleet.with_worker(fresh)
            return fleet

        return await self.settle(await self.wish(renewed))


def agree(written: Mapping[str, bool], seen: Mapping[str, Mapping[str, bool]]) -> bool:
    """Whether every worker has every flag as written; False where there is no worker to ask."""
    return bool(seen) and all(has.get(name) == value for has in seen.values() for name, value in written.items())


def differs(fleet: Fleet, told: Mapping[str, Any]) -> str:
    """In what a front's status is not yet as a fleet wishes; empty when it is."""
    if told["revision"] != fleet.revision:
        return f"the front is at revision {told['revision']}, not {fleet.revision} {told['trouble']}".strip()
    wanted = {(each.name, each.generation, each.weight, each.isolated) for each in fleet.workers}
    running = {(w["name"], w["generation"], w["weight"], w["isolated"]) for w in told["workers"]}
    for each in told["workers"]:
        if each["state"] != "ready":
            return f"{each['name']} ({each['generation']}) is {each['state']} {each['error']}".strip()
    return "" if wanted == running else f"runs {sorted(running)}, not {sorted(wanted)}"
