"""The few connections of one peer: which there are, which are wanted, and when the next may be opened."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from urllib.parse import urlsplit

import anyio
from anyio.abc import TaskGroup
from mcp.types import ClientCapabilities, Tool

from bedrock_support.routing.breaker import Breaker, Permit
from bedrock_support.routing.clock import Clock, Entropy
from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.model import FailureKind
from bedrock_support.server.peers.config import PeerConfig
from bedrock_support.server.peers.limits import PeerLimits
from bedrock_support.server.peers.line import MODERN, Line, LineState, Wiring
from bedrock_support.server.peers.web import Resolve

_DOUBLINGS = 16
log = logging.getLogger(__name__)


class Lines:
    """Each connection declares one set of capabilities, that of the callers it serves."""

    def __init__(
        self,
        config: PeerConfig,
        limits: PeerLimits,
        clock: Clock,
        entropy: Entropy,
        look_up: Resolve,
        breaker: Breaker,
        listed: Callable[[list[Tool]], None],
    ) -> None:
        self.changed = anyio.Event()
        """Set, and replaced, whenever something here changes."""
        self.wake = anyio.Event()
        """Set for the owner, which replaces it: callers that wait are many, and must not wake each other."""
        self.closed = False
        self.connects = 0
        self.restarts = 0
        self.quick_deaths = 0
        self.last_error = ""
        self.version = ""
        self._config = config
        self._limits = limits
        self._clock = clock
        self._entropy = entropy
        self._breaker = breaker
        self._wiring = Wiring(
            config=config,
            limits=limits,
            clock=clock,
            look_up=look_up,
            listed=listed,
            lost=self._account,
            changed=self.tell,
        )
        self._lines: list[Line] = []
        self._wanted: Counter[str] = Counter()
        self._wishes: dict[str, ClientCapabilities] = {}
        self._failed = 0
        self._not_before = 0.0

    @property
    def count(self) -> int:
        return len(self._lines)

    @property
    def state(self) -> str:
        """A PeerState's value."""
        if any(line.state is LineState.READY for line in self._lines):
            return "ready"
        if self._lines:
            return "connecting"
        return "pausing" if self._clock.now() < self._not_before else "idle"

    def tell(self) -> None:
        """Something changed: whoever waits looks again."""
        self.version = next((line.version for line in self._lines if line.version), self.version)
        self.changed.set()
        self.changed = anyio.Event()
        self.wake.set()

    def close(self) -> None:
        """Open no more, and close all."""
        self.closed = True
        for line in self._lines:
            line.stop()
        self.tell()

    async def take(self, capabilities: ClientCapabilities) -> Line:
        """A ready connection with a place for one call; the caller must begin() that call before it awaits anything.

        Raises:
            RouteError: UNAVAILABLE while the peer is left alone; CONNECTION when the attempt it waited for failed.
        """
        failed, key = self._failed, capabilities.model_dump_json()
        self._wanted[key] += 1
        self._wishes[key] = capabilities
        try:
            while True:
                line = next((each for each in self._lines if each.capabilities == capabilities and each.free), None)
                if line is not None:
                    return line
                self._refuse(failed)
                changed = self.changed
                self.wake.set()
                await changed.wait()
        finally:
            self._wanted[key] -= 1
            if not self._wanted[key]:
                del self._wanted[key], self._wishes[key]

    def _refuse(self, failed: int) -> None:
        name = self._config.name
        if self.closed:
            raise RouteError(FailureKind.UNAVAILABLE, f"peer {name} isn't running")
        if self._failed != failed:
            raise RouteError(FailureKind.CONNECTION, f"peer {name}: {self.last_error}")
        pause = self._not_before - self._clock.now()
        if pause > self._limits.patience:
            why = f"peer {name} is left alone for {pause:.0f} s: {self.last_error}"
            raise RouteError(FailureKind.UNAVAILABLE, why, retry_after=pause)

    def tend(self, group: TaskGroup, *, keep: bool) -> float | None:
        """Open what is wanted. Seconds until there may be more to do; None when only a change can bring that.

        Args:
            keep: hold one connection even while nobody calls, to hear of changes.
        """
        self._thin_out()
        now = self._clock.now()
        idle_keep = keep and not self._lines
        if not self._wanted and not idle_keep:
            return None
        if now < self._not_before:
            return self._not_before - now
        for key, callers in self._wanted.items():
            self._open_for(group, self._wishes[key], callers)
        if self._lines or not idle_keep:
            return None
        permit = self._breaker.admit()
        if permit is None:
            return max(0.1, self._breaker.retry_in())
        self._open(group, ClientCapabilities(), permit)
        return None

    def _thin_out(self) -> None:
        """A connection that was only kept gives way once calls have brought another."""
        ready = [line for line in self._lines if line.state is LineState.READY]
        for line in ready:
            if len(ready) > 1 and line.permit is not None and line.idle:
                line.retire()

    def _open_for(self, group: TaskGroup, capabilities: ClientCapabilities, callers: int) -> None:
        alike = [each for each in self._lines if each.capabilities == capabilities]
        shared = capabilities == ClientCapabilities() or self._era() == MODERN
        opening = sum(each.state is LineState.CONNECTING for each in alike)
        if any(each.free or (shared and each.state is LineState.READY) for each in alike):
            return  # where calls share a connection, a full one is waited for: another may be a whole process
        while opening < (1 if shared else callers):
            if len(self._lines) >= self._config.entry.support.connections:
                self._make_room(capabilities)
                return
            self._open(group, capabilities, None)
            opening += 1

    def _make_room(self, capabilities: ClientCapabilities) -> None:
        """Close one connection that nobody uses and that these callers can't."""
        for line in self._lines:
            if line.state is LineState.READY and line.idle and line.capabilities != capabilities:
                line.retire()
                return

    def _open(self, group: TaskGroup, capabilities: ClientCapabilities, permit: Permit | None) -> None:
        line = Line(self._wiring, capabilities, self._era())
        line.permit = permit
        self._lines.append(line)
        entry = self._config.entry
        log.info("peer %s: connecting to %s", self._config.name, entry.command or urlsplit(entry.url or "").hostname)
        self.connects += 1
        group.start_soon(self._own, line)

    def _era(self) -> str:
        """What is known of the peer's era saves the next connection a round, and an old server's silence 10 s."""
        era = self._config.entry.support.era
        if era == "auto" and self.version:
            return MODERN if self.version >= MODERN else "legacy"
        return era

    async def _own(self, line: Line) -> None:
        try:
            await line.run()
        finally:
            self._lines.remove(line)
            if line.permit is not None:
                line.permit.ignored()
            self.tell()

    def _account(self, line: Line) -> None:
        """A line was lost: what that says of the next."""
        self.version = line.version
        self.last_error = line.fault
        now = self._clock.now()
        if line.ready_at is None:
            self._failed += 1
        else:
            self.restarts += 1
        if line.ready_at is not None and now - line.ready_at >= self._limits.steady:
            self.quick_deaths = 0
            if line.permit is not None:
                line.permit.succeeded()
        else:
            self.quick_deaths += 1
            bound = self._limits.first_pause * 2.0 ** min(self.quick_deaths - 1, _DOUBLINGS)
            self._not_before = now + self._entropy.unit() * min(self._limits.most_pause, bound)
            if line.permit is not None:
                line.permit.failed()
        self.tell()
