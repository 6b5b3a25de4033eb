"""BedrockSupportManager: the life of one request for judgement, from operation to outcome."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from math import inf
from types import MappingProxyType

from bedrock_support.routing import semconv
from bedrock_support.routing.attempts import Dispatch
from bedrock_support.routing.clock import Clock, Entropy
from bedrock_support.routing.compliance import ComplianceValidator, Entry
from bedrock_support.routing.direct_bedrock import DirectBedrockClient
from bedrock_support.routing.dispatch import dispatch
from bedrock_support.routing.estimate import Estimate, Weights
from bedrock_support.routing.feed import size_of
from bedrock_support.routing.guard import Guard
from bedrock_support.routing.handoff import HandoffDesk
from bedrock_support.routing.learning.learner import RouteLearner
from bedrock_support.routing.mcp_router import ApprovedRoute, Caller, MCPRouter
from bedrock_support.routing.model import (
    Clearance,
    Conditions,
    Decision,
    Health,
    Operation,
    OperationClass,
    Outcome,
    Priority,
    Refusal,
    RouteCondition,
    RouteName,
    Scope,
)
from bedrock_support.routing.optimizer import PerformanceOptimizer
from bedrock_support.routing.probing import Probing
from bedrock_support.routing.route import Route
from bedrock_support.routing.router import IntelligentRouter
from bedrock_support.routing.spans import Attribute, annotate, span, trace_id
from bedrock_support.server.backlog import Backlog
from bedrock_support.server.flags import FlagKeeper, FlagSnapshot
from bedrock_support.server.guarding.guardian import Guardian
from bedrock_support.server.ledger import DecisionLedger, ended
from bedrock_support.server.lifecycle import Lifecycle, turned_away
from bedrock_support.server.probes import Seen
from bedrock_support.server.recording import describe, recorded
from bedrock_support.server.renewals import Nobody, Renewals
from bedrock_support.telemetry.efficiency.live import LiveEfficiency
from bedrock_support.telemetry.health import HybridHealthMonitor
from bedrock_support.telemetry.metrics import RouteMetrics
from bedrock_support.telemetry.sampling import SamplingReport
from bedrock_support.telemetry.slo.board import Board
from bedrock_support.telemetry.track import RouteReport

NO_STOPS: Mapping[Scope, str] = MappingProxyType({})
QUEUE = "queue"
"""Stands for the caller of a question that waited."""
RENEWAL = "renewal"
"""Stands for the caller of a question whose answer is past its time."""
UNATTENDED = frozenset({QUEUE, RENEWAL})


@dataclass(frozen=True, slots=True, kw_only=True)
class BedrockSupportManager:
    """Takes an operation through the belt: clear, decide, dispatch, seal; then tells the ledger."""

    router: IntelligentRouter
    compliance: ComplianceValidator
    direct: DirectBedrockClient
    mcp: MCPRouter
    desk: HandoffDesk
    health: HybridHealthMonitor
    learner: RouteLearner
    running: Dispatch
    probing: Probing
    optimizer: PerformanceOptimizer
    backlog: Backlog | None
    ledger: DecisionLedger
    efficiency: LiveEfficiency
    flags: FlagKeeper
    lifecycle: Lifecycle
    clock: Clock
    entropy: Entropy
    approve_direct: bool
    max_call_seconds: float
    peer_health: Callable[[], Mapping[str, object]]
    """Health of each upstream server by its name."""
    guardian: Guardian
    seen: Seen
    board: Board
    sampling: Callable[[], SamplingReport | None]
    """What was dropped of the traces; None where none is."""
    metrics: RouteMetrics | None
    renewals: Renewals = field(default_factory=Renewals)

    def deadline(self, op_class: OperationClass, started: float, wanted: float | None = None) -> float:
        """Absolute monotonic seconds: the class's promise, the server's cap or the caller's wish, if sooner."""
        limits = [self.router.matrix.rules[op_class].deadline, self.max_call_seconds]
        if wanted is not None:
            limits.append(wanted)
        return started + min(limits)

    async def judge(self, operation: Operation, caller: Caller) -> Outcome:
        """Have the operation judged on whatever route is right. Raises nothing but cancellation."""
        return await self._judge(operation, caller.key, self._routes(operation, caller))

    async def judge_waiting(self, operation: Operation) -> Outcome:
        """Have a question from the queue judged. Nobody is there to be asked, so the direct route alone is open."""
        return await self._judge(operation, QUEUE, {RouteName.DIRECT: self.direct})

    async def renew(self, operation: Operation) -> Outcome:
        """Ask Bedrock anew what was answered from memory past its time; whoever asked it has had that answer."""
        until = self.deadline(operation.op_class, self.clock.now())
        again = replace(operation, id=f"r-{self.entropy.token()}", deadline=until)
        # The MCP route is named, though it can't be asked: which routes are allowed is part of the question.
        return await self._judge(again, RENEWAL, {RouteName.DIRECT: self.direct, RouteName.MCP: Nobody()})

    async def _judge(self, operation: Operation, who: str, routes: Mapping[RouteName, Route]) -> Outcome:
        taken = self.flags()  # once: whatever is switched meanwhile is for later calls
        if refusal := turned_away(operation, taken):
            annotate({semconv.OUTCOME: "refused"})
            return Outcome(operation=operation, refusal=await self.compliance.turn_away(refusal, who))
        with self.lifecycle.call(taken):
            return await self._judged(operation, who, routes, taken)

    async def _judged(
        self, operation: Operation, who: str, routes: Mapping[RouteName, Route], taken: FlagSnapshot
    ) -> Outcome:
        with self.seen.compliance.use():
            clearance = await self.compliance.look(operation)
        if isinstance(clearance, Refusal):
            annotate({semconv.OUTCOME: "refused"})
            return Outcome(operation=operation, refusal=await self.compliance.turn_away(clearance, who))
        entry = Entry(self.compliance, clearance, who)
        if not clearance.routes <= routes.keys():
            clearance = replace(clearance, routes=clearance.routes & routes.keys())

        async def ask(decided: Decision) -> Outcome:
            if refused := await entry.open():
                return Outcome(operation=operation, refusal=refused)
            return await dispatch(decided, routes, self.running)

        at = self.clock.wall()
        try:
            with self.seen.router.use():
                decision, trace = self._decide(clearance, routes, taken, at)
            if who == RENEWAL:
                decision = replace(decision, priority=Priority.LOW)
            with recorded(decision, at, trace, self.clock, self.efficiency) as kept:
                # What a person must approve isn't sent behind their back.
                alone = who in UNATTENDED or self.approve_direct
                behind = None if alone else partial(self.renewals.offer, operation)
                outcome = kept.outcome = await self.optimizer.run(decision, ask, behind)
        except BaseException:
            await entry.close(None)
            raise
        if refused := outcome.refusal or await entry.close(outcome):
            annotate({semconv.OUTCOME: "refused"})
            return Outcome(operation=operation, refusal=refused)
        return await self._ended(outcome, decision, clearance, who)

    async def _ended(self, outcome: Outcome, decision: Decision, clearance: Clearance, who: str) -> Outcome:
        """Told to all who keep count, and sealed."""
        if who not in UNATTENDED and self.backlog is not None:
            outcome = await self.backlog.accept(outcome)
        self.board.judged(outcome)
        self.probing.wake()
        if outcome.handoff is not None:
            await self.desk.decided(outcome.handoff.id, decision.id, clearance.restore)
        if self.metrics is not None:
            self.metrics.ended(outcome)
        self.ledger.add(outcome, self.router.explain(decision), self.clock.wall())
        annotate(
            {
                semconv.OUTCOME: ended(outcome),
                semconv.DECISION_ID: decision.id,
                semconv.DEADLINE_MET: self.clock.now() <= clearance.operation.deadline,
            }
        )
        return self.compliance.seal(outcome, clearance)

    def conditions_for(self, operation: Operation, caller: Caller | None) -> Conditions:
        """What `judge` would decide on now. Without a caller nothing is known of the MCP route. Asks nobody."""
        if caller is not None:
            return self._conditions(operation, self._routes(operation, caller), self.flags())
        asked_without = RouteCondition(health=Health.UNKNOWN, note="asked without a client")
        known = {RouteName.DIRECT: self.direct}
        return self._conditions(operation, known, self.flags(), {RouteName.MCP: asked_without})

    async def health_report(self, *, look: bool = True) -> dict[str, object]:
        """What is known of both routes now, with sample counts; unknown where there is no data.

        `look`: first look for credentials, which may take long where none were found yet.
        """
        checked = await self.direct.check() if look else self.direct.condition()
        report = self.health.report()
        routes = {name.value: _shown(each) for name, each in report.routes.items()}
        channels = {name: _shown(each) for name, each in report.channels.items()}
        if checked.health is Health.UNCONFIGURED:
            routes[RouteName.DIRECT.value] |= {"state": checked.health.value, "note": checked.note}
        return {
            "routes": routes,
            "channels": channels,
            "peers": self.peer_health(),
            "guards": {name: _guarded(each) for name, each in self.running.guards.known().items()},
            "traces": asdict(sampled) if (sampled := self.sampling()) is not None else None,
            "window_seconds": report.window_seconds,
            "policy": self.router.matrix.version,
            "flags": asdict(self.flags().flags),
            "flags_source": self.flags.report(),
            "lifecycle": self.lifecycle.report(),
            "guardian": self.guardian.report(),
        }

    def _routes(self, operation: Operation, caller: Caller) -> Mapping[RouteName, Route]:
        direct: Route = self.direct
        if self.approve_direct and operation.op_class is not OperationClass.EMERGENCY:
            question = f"Send the redacted brief of {operation.tool} ({operation.op_class}) to AWS Bedrock?"
            direct = ApprovedRoute(self.direct, self.mcp, caller, question, self.clock)
        return MappingProxyType({RouteName.DIRECT: direct, RouteName.MCP: self.mcp.route_for(caller)})

    def _decide(
        self, clearance: Clearance, routes: Mapping[RouteName, Route], taken: FlagSnapshot, at: float
    ) -> tuple[Decision, str | None]:
        """The decision, and the id of the trace that it stands in."""
        operation = clearance.operation
        conditions = self._conditions(operation, routes, taken)
        with span(semconv.SPAN_DECIDE, partial(_asked, operation, self.clock)) as current:
            began = self.clock.now()
            decision = self.router.decide(clearance, conditions, decision_id=f"d-{self.entropy.token()}")
            if self.metrics is not None:
                self.metrics.decided(decision, self.clock.now() - began)
            describe(current, decision, at)
            return decision, trace_id()

    def _conditions(
        self,
        operation: Operation,
        routes: Mapping[RouteName, Route],
        taken: FlagSnapshot,
        given: Mapping[RouteName, RouteCondition] = MappingProxyType({}),
    ) -> Conditions:
        known = {name: self._known(route, operation) for name, route in routes.items()}
        stops = MappingProxyType({**taken.stops}) if taken.stops else NO_STOPS
        return Conditions(routes=MappingProxyType({**known, **given}), flags=taken.effective, stops=stops)

    def _known(self, route: Route, operation: Operation) -> RouteCondition:
        """What attempts showed of the route, unless it says itself that it isn't set up, and what to expect of it."""
        own, channel = route.condition(), route.channel
        if own.health is Health.UNCONFIGURED:
            return own
        observed = self.health.condition(route.name, channel)
        guard = self.running.guards.seen(channel)
        shown = observed if observed.samples else own
        return RouteCondition(
            health=shown.health,
            samples=shown.samples,
            note=shown.note,
            estimate=self._estimate(route, operation) if route.hedgeable else None,
            open_in=guard.open_in(),
            breaker=guard.breaker.state.value,
        )

    def _estimate(self, route: Route, operation: Operation) -> Estimate:
        worth = self.router.matrix.rules[operation.op_class].worth_usd
        return self.learner.estimate(
            route.channel,
            operation.op_class.value,
            size_of(operation),
            max(0.0, operation.deadline - self.running.sealing - self.clock.now()),
            usd=route.usd(operation),
            weights=Weights(usd=1.0 / worth),
        )


def _asked(operation: Operation, clock: Clock) -> dict[str, Attribute]:
    return {
        semconv.OP_CLASS: operation.op_class.value,
        semconv.EVIDENCE_DIGEST: operation.evidence_digest,
        semconv.BRIEF_BYTES: len(operation.brief.encode()),
        semconv.DEADLINE_REMAINING_MS: round((operation.deadline - clock.now()) * 1000),
    }


def _shown(report: RouteReport) -> dict[str, object]:
    last = report.last_failure
    return {
        "state": report.state.value,
        "since": report.since,
        "note": report.note,
        "samples": report.samples,
        "simulated_samples": report.simulated,
        "failures": {kind.value: count for kind, count in report.failures.items()},
        "p50_seconds": report.p50,
        "p95_seconds": report.p95,
        "last_failure": {"kind": last.kind.value, "message": last.message, "at": last.at} if last else None,
    }


def _guarded(guard: Guard) -> dict[str, object]:
    return {
        "breaker": guard.breaker.state.value,
        "breaker_would_be": guard.breaker.would_be.value,
        "open_in_seconds": round(guard.open_in(), 1) if guard.open_in() < inf else None,
        "limit": guard.limit.value,
        "busy": guard.line.busy,
        "waiting": guard.line.waiting,
        "retry_tokens": round(guard.retries.tokens, 1),
    }
