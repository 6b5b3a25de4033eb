"""One upstream server, owned by one task: connected when needed, brought back when lost, left alone when it fails."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import anyio
from anyio.abc import TaskGroup
from mcp.types import CallToolResult, ClientCapabilities, TextContent, Tool

from bedrock_support.routing.breaker import Breaker, Permit
from bedrock_support.routing.clock import Clock, Entropy
from bedrock_support.routing.errors import FAILURES, RouteError
from bedrock_support.routing.model import Carrier, FailureKind, Operation, Reply, Residency
from bedrock_support.routing.redaction import Redactor, restore, restored
from bedrock_support.server.peers.bridge import Bridge, CallerSide, Scrub, mirrored
from bedrock_support.server.peers.catalogue import Catalogue
from bedrock_support.server.peers.config import PeerConfig
from bedrock_support.server.peers.health import PeerHealth, PeerState
from bedrock_support.server.peers.job import Job
from bedrock_support.server.peers.limits import PeerLimits
from bedrock_support.server.peers.lines import Lines
from bedrock_support.server.peers.web import Resolve, resolve


class Peer:
    """An upstream MCP server. Nothing but RouteError and the caller's own cancellation leaves its methods."""

    def __init__(
        self,
        config: PeerConfig,
        *,
        clock: Clock,
        entropy: Entropy,
        scrub: Callable[[], Scrub] | None = None,
        limits: PeerLimits | None = None,
        look_up: Resolve = resolve,
    ) -> None:
        """`scrub` makes, for each call, what is applied to every text that leaves for the peer, or from it for the
        caller's model or user; by default the gate's own."""
        self.name = config.name
        self.config = config
        self._clock = clock
        self._scrub = scrub or (lambda: Redactor(nonce=entropy.token()[:8]))
        self._limits = limits or PeerLimits()
        self._breaker = Breaker(clock, entropy)
        self._catalogue = Catalogue(config.name, config.entry.disabledTools)
        self._lines = Lines(config, self._limits, clock, entropy, look_up, self._breaker, self._listed)
        self._running = False
        self._calls = 0
        self._state = PeerState.IDLE
        self._since = clock.wall()
        self.tools_changed = anyio.Event()
        """Set, and replaced, when the tools that may be called change."""

    @property
    def tools(self) -> Mapping[str, Tool]:
        """The last known tools, cleaned. A peer that is down keeps them."""
        return self._catalogue.tools

    @property
    def offered(self) -> bool:
        return self.config.entry.support.offer

    @property
    def healthy(self) -> bool:
        """Nothing speaks against asking it now."""
        return self._breaker.state == "closed" and self._lines.quick_deaths == 0

    def expect(self) -> None:
        """run() has been scheduled: calls may wait for it."""
        self._running = True

    async def run(self) -> None:
        """Own the peer's connections until aclose() or cancellation. The one task that opens them."""
        self._running = True
        try:
            async with anyio.create_task_group() as group:
                await self._tend(group)
        finally:
            self._running = False
            self._lines.close()

    async def _tend(self, group: TaskGroup) -> None:
        while not self._lines.closed:
            self._lines.wake = anyio.Event()
            due = self._lines.tend(group, keep=self.offered)
            if self._lines.state != self._state:
                self._state, self._since = PeerState(self._lines.state), self._clock.wall()
            with anyio.move_on_after(due):
                await self._lines.wake.wait()
        # Connections that were told to close do so within their grace; one that hangs is cut.
        with anyio.move_on_after(2 * self._limits.grace):
            while self._lines.count:
                await self._lines.changed.wait()
        group.cancel_scope.cancel()

    async def aclose(self) -> None:
        """Tell the owner to close every connection and end."""
        self._lines.close()
        self._state = PeerState.CLOSED

    async def call(
        self, tool: str, arguments: dict[str, Any], *, deadline: float, caller: CallerSide | None = None
    ) -> CallToolResult:
        """Call a tool of the peer, by the peer's own name for it.

        Args:
            deadline: absolute monotonic seconds; the file's `timeout` may end the call sooner.
            caller: who is asked when the peer asks something in turn; None answers by policy.

        Raises:
            RouteError: SHED or HELD_BACK when it wasn't sent; NOT_FOUND for a tool that is unknown or withheld;
                UNAVAILABLE or CONNECTION when there is no connection or it was lost; TIMEOUT; BAD_REPLY;
                INVALID_REQUEST.
        """
        scrub = self._scrub()
        cleaned = self._outgoing(arguments, scrub)
        permit = self._admitted()
        with permit:
            self._calls += 1
            try:
                result = await self._called(tool, cleaned, deadline, caller, permit, scrub)
            except RouteError as error:
                if FAILURES[error.kind].hurts_health:
                    permit.failed()
                raise
            finally:
                self._calls -= 1
            permit.succeeded()
        return _returned(result, scrub.originals)

    def _outgoing(self, arguments: dict[str, Any], scrub: Scrub) -> dict[str, Any]:
        try:
            size = len(json.dumps(arguments))
        except (TypeError, ValueError, RecursionError):
            size = self._limits.text + 1
        if size > self._limits.text:
            most = self._limits.text
            raise RouteError(FailureKind.INVALID_REQUEST, f"arguments for {self.name} of more than {most} characters")
        try:
            cleaned: dict[str, Any] = scrub.redact_value(arguments)
        except Exception as error:
            raise RouteError(FailureKind.BLOCKED, f"arguments for {self.name} could not be checked") from error
        return cleaned

    def _admitted(self) -> Permit:
        if not self._running or self._lines.closed:
            raise RouteError(FailureKind.UNAVAILABLE, f"peer {self.name} isn't running")
        if self._calls >= self._limits.waiting:
            raise RouteError(FailureKind.SHED, f"peer {self.name} has {self._calls} calls already", retry_after=1.0)
        permit = self._breaker.admit()
        if permit is None:
            raise RouteError(
                FailureKind.HELD_BACK,
                f"peer {self.name} failed too often just now: {self._lines.last_error or 'its calls fail'}",
                mend="look at its entry under peers in support://health",
                retry_after=self._breaker.retry_in(),
            )
        return permit

    async def _called(
        self,
        tool: str,
        arguments: dict[str, Any],
        deadline: float,
        caller: CallerSide | None,
        permit: Permit,
        scrub: Scrub,
    ) -> CallToolResult:
        ends = min(deadline, self._clock.now() + self.config.entry.timeout / 1000)
        left = max(0.0, ends - self._clock.now())
        declared = ClientCapabilities()
        if caller is not None:
            declared = mirrored(caller.capabilities, self.config.entry.support.bridge)
        bridge = Bridge(self.name, caller.channel if caller else None, declared, scrub.redact, self._limits.asks)
        try:
            with anyio.fail_after(left):
                line = await self._lines.take(declared)
                self._catalogue.check(tool)
                job = Job(self.name, tool, arguments, bridge, self._limits.text)
                line.begin(job)
                try:
                    await job.done.wait()
                except BaseException:
                    line.abandon(job, timed_out=self._clock.now() >= ends)
                    raise
                return job.outcome()
        except TimeoutError:
            if bridge.open:
                permit.ignored()  # the time went to a person, or to the caller's own model
            raise RouteError(
                FailureKind.TIMEOUT, f"peer {self.name} did not answer {tool} within {left:.1f} s"
            ) from None
        finally:
            bridge.close()

    async def answer(self, operation: Operation) -> Reply:
        """Have the peer's `support.ask` tool answer a question. The operation must have been cleared.

        Raises:
            RouteError: NO_CARRIER for a peer that isn't for asking, or not for data of this residency;
                MODEL_ERROR when its tool failed; as call() otherwise.
        """
        support = self.config.entry.support
        if support.ask is None:
            raise RouteError(FailureKind.NO_CARRIER, f"peer {self.name} answers no questions")
        if operation.residency is Residency.EU and support.residency is not Residency.EU:
            raise RouteError(
                FailureKind.NO_CARRIER,
                f"peer {self.name} is not known to process data in the EU",
                mend=f"set mcpServers.{self.name}.support.residency to eu if it does",
            )
        question = {support.ask.argument: f"{operation.system}\n\n{operation.brief}".strip()}
        result = await self.call(support.ask.tool, question, deadline=operation.deadline)
        text = "\n".join(block.text for block in result.content if isinstance(block, TextContent)).strip()
        if result.is_error:
            raise RouteError(FailureKind.MODEL_ERROR, f"peer {self.name}: its tool {support.ask.tool} failed")
        if not text:
            raise RouteError(FailureKind.BAD_REPLY, f"peer {self.name} answered without text")
        return Reply(text=text, model=f"{self.name}/{support.ask.tool}", carrier=Carrier.PEER)

    def health(self) -> PeerHealth:
        lines = self._lines
        return PeerHealth(
            state=PeerState.CLOSED if lines.closed else PeerState(lines.state),
            since=self._since,
            breaker=self._breaker.state.value,
            connections=lines.count,
            calls=self._calls,
            connects=lines.connects,
            restarts=lines.restarts,
            consecutive_failures=lines.quick_deaths,
            last_error=lines.last_error,
            protocol=lines.version,
            tools=len(self.tools),
            notes=self.config.notes + self._catalogue.notes,
        )

    def _listed(self, tools: list[Tool]) -> None:
        if self._catalogue.learn(tools):
            self.tools_changed.set()
            self.tools_changed = anyio.Event()


def _returned(result: CallToolResult, originals: Mapping[str, str]) -> CallToolResult:
    """The result with the caller's own values back in it: this is where they came from."""
    if not originals:
        return result
    content = [
        block.model_copy(update={"text": restore(block.text, originals)}) if isinstance(block, TextContent) else block
        for block in result.content
    ]
    return result.model_copy(
        update={"content": content, "structured_content": restored(result.structured_content, originals)}
    )
