"""Where traffic is shared out: this front, and places elsewhere that take the same weights."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import anyio
from anyio import to_thread

from bedrock_support.routing.bedrock.balancer import Balancer, BalancerError
from bedrock_support.server.environment import SettingsError
from bedrock_support.server.rollout.control import Control
from bedrock_support.server.rollout.files import BLUE, GREEN

FIELDS = frozenset({"rule", "listener", "region", "profile", "targets"})


class Place(Protocol):
    """Shares new sessions out between the workers `blue` and `green`, by weights of which the sum is 100."""

    @property
    def name(self) -> str: ...

    async def shift(self, shares: Mapping[str, int]) -> Mapping[str, int]:
        """Put weights in force; those that the place itself says it has then. Raises what Control or Balancer raise."""
        ...


@dataclass(frozen=True, slots=True)
class Here:
    """The front on this machine. Implements Place."""

    control: Control

    @property
    def name(self) -> str:
        return "the front"

    async def shift(self, shares: Mapping[str, int]) -> Mapping[str, int]:
        """Raises OSError, SettingsError, NoFront, Unsettled."""
        status = await self.control.settle(await self.control.wish(lambda fleet: fleet.weighted(shares)))
        return {each["name"]: each["weight"] for each in status["workers"]}


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """An Application Load Balancer over several machines. Implements Place."""

    balancer: Balancer

    @property
    def name(self) -> str:
        return f"the load balancer {self.balancer.short}"

    async def shift(self, shares: Mapping[str, int]) -> Mapping[str, int]:
        """Raises BalancerError."""
        return await _off_the_loop(self.balancer, shares)

    async def read(self) -> Mapping[str, int]:
        """The weights as they are. Raises BalancerError."""
        return await _off_the_loop(self.balancer, None)


async def _off_the_loop(balancer: Balancer, shares: Mapping[str, int] | None) -> Mapping[str, int]:
    limiter = anyio.CapacityLimiter(1)

    def work() -> Mapping[str, int]:
        return balancer.read() if shares is None else balancer.shift(shares)

    return await to_thread.run_sync(work, limiter=limiter)


def elsewhere(table: Mapping[str, Any]) -> Elsewhere:
    """From what a plan holds: what `read_elsewhere` gave."""
    return Elsewhere(Balancer.of(table))


def read_elsewhere(path: Path) -> dict[str, Any]:
    """The file that `rollout start --elsewhere` names. Blocks. Raises SettingsError."""
    try:
        told: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"--elsewhere {str(path)!r}: can't be read ({error})") from None
    mend = 'Give rule or listener = "ARN", and [targets] with blue = "ARN" and green = "ARN" of target groups'
    targets = told.get("targets")
    groups = cast("dict[str, Any]", targets) if isinstance(targets, dict) else {}
    if told.keys() - FIELDS or ("rule" in told) == ("listener" in told) or groups.keys() != {BLUE, GREEN}:
        raise SettingsError(f"--elsewhere {str(path)!r}: {', '.join(sorted(told)) or 'nothing'}. {mend}")
    try:
        Balancer.of(told)
    except BalancerError as error:
        raise SettingsError(f"--elsewhere {str(path)!r}: {error}. {mend}") from None
    return told
