"""Builds everything from the settings; alone knows every class."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path

import anyio
from anyio import to_thread

from bedrock_support.routing.attempts import Dispatch
from bedrock_support.routing.bedrock.settings import BedrockSettings
from bedrock_support.routing.clock import Clock, Entropy, SystemClock, SystemEntropy
from bedrock_support.routing.compliance import ComplianceValidator, Destinations
from bedrock_support.routing.direct_bedrock import DirectBedrockClient
from bedrock_support.routing.feed import AttemptFeed
from bedrock_support.routing.guard import Guards, GuardSettings
from bedrock_support.routing.handoff import HandoffDesk
from bedrock_support.routing.learning.learner import RouteLearner
from bedrock_support.routing.matrix import shipped
from bedrock_support.routing.mcp_router import MCPRouter
from bedrock_support.routing.pii import late
from bedrock_support.routing.probing import Prober
from bedrock_support.routing.queue.message_queue import MessageQueue
from bedrock_support.routing.redaction import Redactor
from bedrock_support.routing.residency import foreign_target
from bedrock_support.routing.router import IntelligentRouter
from bedrock_support.server.anchoring import S3, anchor_place, bucket_of
from bedrock_support.server.app import VERSION, SupportServer
from bedrock_support.server.backlog import Backlog
from bedrock_support.server.calls import SupportCalls, WorkPlaces
from bedrock_support.server.compliance_evidence import ComplianceEvidence
from bedrock_support.server.efficiency_evidence import EfficiencyEvidence
from bedrock_support.server.emf import EmfWriter
from bedrock_support.server.environment import SettingsError, child_environment, process_environment
from bedrock_support.server.explain import RoutingLook
from bedrock_support.server.flag_file import FlagFile
from bedrock_support.server.flags import FlagKeeper
from bedrock_support.server.guarding.guardian import Guardian, breach
from bedrock_support.server.guarding.load import Load
from bedrock_support.server.guarding.overhead import Overhead
from bedrock_support.server.guarding.recent import Recent
from bedrock_support.server.guarding.triggers import Triggers
from bedrock_support.server.ledger import DecisionLedger
from bedrock_support.server.lifecycle import Lifecycle
from bedrock_support.server.manager import BedrockSupportManager
from bedrock_support.server.metrics_watch import MetricsWatch, metrics_watch
from bedrock_support.server.notices.alerts import AlertWatch
from bedrock_support.server.notices.assembly import notice_desk
from bedrock_support.server.notices.desk import NoticeDesk
from bedrock_support.server.operations import Operations
from bedrock_support.server.peers.config import load_peers
from bedrock_support.server.peers.offer import PeerTools
from bedrock_support.server.peers.pool import PeerPool
from bedrock_support.server.probes import Seen, component_probes
from bedrock_support.server.rollout.from_worker import beginning
from bedrock_support.server.settings import READS, Settings
from bedrock_support.server.switching import Switching
from bedrock_support.server.system import SystemHealth
from bedrock_support.server.thrift import Thrift, thrift
from bedrock_support.telemetry.audit.files import AuditFiles
from bedrock_support.telemetry.audit.trail import AuditTrail
from bedrock_support.telemetry.components import Activity, Components
from bedrock_support.telemetry.efficiency.live import LiveEfficiency
from bedrock_support.telemetry.gray import GrayDetector
from bedrock_support.telemetry.health import HybridHealthMonitor
from bedrock_support.telemetry.otel import Telemetry, TelemetrySettings
from bedrock_support.telemetry.slo.board import Board
from bedrock_support.tools.base import AnyTool
from bedrock_support.tools.catalog import catalog
from bedrock_support.tools.cost import get_cost_report, report
from bedrock_support.tools.efficiency import get_routing_efficiency
from bedrock_support.tools.gaps.store import FactStore
from bedrock_support.tools.manage_queue import manage_queue
from bedrock_support.tools.operation import get_operation
from bedrock_support.tools.remediate import plan_remediation
from bedrock_support.tools.roll_back import roll_back
from bedrock_support.tools.system_health import get_system_health

WARM_AFTER = 1.0
"""Seconds after which boto3 is loaded: late enough for the client's first questions, early enough for an emergency."""

PAGE_DAYS = 30
"""Days of spending that the page sums up."""

HELD = 1.0
"""Seconds between two looks whether questions from the queue may be asked again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """A server, wired and ready to serve."""

    server: SupportServer
    manager: BedrockSupportManager
    prober: Prober
    peers: PeerPool
    catalog: list[AnyTool]
    queue: MessageQueue | None
    saving: Thrift
    audit: AuditTrail | None
    operations: Operations
    evidence: ComplianceEvidence
    switching: Switching
    notices: NoticeDesk
    metrics: MetricsWatch | None
    emf: EmfWriter | None

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Everything that works in the background, for as long as the block lasts."""
        async with anyio.create_task_group() as group:
            group.start_soon(self.prober.run)
            group.start_soon(self._warm)
            group.start_soon(self.switching.run)
            group.start_soon(self.manager.guardian.run, self.switching.changed)
            group.start_soon(self.notices.run)
            if self.notices.has_targets:
                group.start_soon(AlertWatch(board=self.manager.board, desk=self.notices).run)
            if self.audit is not None:
                group.start_soon(self.audit.run)
            self.peers.start(group)
            self.operations.start(group)
            group.start_soon(self.server.follow_peers)
            group.start_soon(self.server.follow_health)
            group.start_soon(self.saving.run)
            if self.metrics is not None:
                group.start_soon(self.metrics.run)
            if self.emf is not None:
                group.start_soon(self.emf.run)
            if self.manager.backlog is not None:
                group.start_soon(self.manager.backlog.run, self.manager.judge_waiting)
            try:
                yield
            finally:
                with anyio.CancelScope(shield=True):
                    await self.peers.aclose()
            group.cancel_scope.cancel()

    async def _warm(self) -> None:
        await anyio.sleep(WARM_AFTER)
        await to_thread.run_sync(_load_what_calls_need)
        # Builds the client; what stands in the way is told by the first call.
        await self.manager.lifecycle.activate(self.manager.direct.check)

    async def aclose(self) -> None:
        """Free what outlives a connection."""
        if self.queue is not None:
            await self.queue.aclose()
        await self.saving.aclose()
        await self.manager.direct.aclose()
        if self.audit is not None:
            await self.audit.aclose()
        self.manager.flags.close()


def build(
    settings: Settings,
    *,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    telemetry: Telemetry | None = None,
) -> House:
    """Wire the whole server. Starts nothing, connects to nothing. `telemetry` is what health tells of."""
    clock = clock or SystemClock()
    entropy = entropy or SystemEntropy()
    late.names(settings.names, settings.names_model)
    bedrock = bedrock_settings(settings)
    flags = flag_keeper(settings, clock, entropy)
    desk = HandoffDesk(clock, entropy)
    lifecycle = Lifecycle(flags, lambda: desk.out)
    ledger = DecisionLedger()
    learner, health, gray = RouteLearner(clock), HybridHealthMonitor(clock), GrayDetector(clock)
    guards = Guards(clock, entropy, GuardSettings(capacity=bedrock.concurrency))
    watch = metrics_watch(telemetry_settings(settings), health, guards)
    recent, load = Recent(clock), Load()
    overhead = Overhead(clock=clock, uses=lambda: load.uses, busy=lambda: load.running > 0)
    sinks = (health, gray, recent) if watch is None else (health, gray, recent, watch.metrics)
    running = Dispatch(guards=guards, feed=AttemptFeed(learner, *sinks), clock=clock, halted=lifecycle.halted)
    direct = DirectBedrockClient(bedrock, clock)
    prober = Prober(
        route=direct,
        running=running,
        learner=learner,
        entropy=entropy,
        allowed=lambda: lifecycle.may_ask and not overhead.relieved,
    )
    configs = load_peers(settings.peers_file, process_environment()) if settings.peers_file else ()
    peers = PeerPool(configs, clock=clock, entropy=entropy, clean=_redacting(entropy))
    saving = thrift(settings, bedrock, shipped(), clock, entropy, VERSION)
    audit = audit_trail(settings, clock, entropy)
    queue = MessageQueue(settings.queue_file.expanduser(), clock, entropy) if settings.queue_file else None
    opens_in = partial(_opens_in, lifecycle, guards, direct.channel)
    backlog = Backlog(queue, clock, entropy, opens_in) if queue is not None else None
    seen = Seen(router=Activity(clock), compliance=Activity(clock))
    board = Board(clock)
    guardian = Guardian(
        clock=clock,
        triggers=Triggers.of(settings.auto_stop),
        recent=recent,
        keeper=flags,
        breach=partial(breach, seen.compliance, audit),
        overhead=overhead,
    )
    manager = BedrockSupportManager(
        router=IntelligentRouter(shipped()),
        compliance=ComplianceValidator(
            Destinations(
                region=bedrock.region,
                endpoint_url=bedrock.endpoint_url,
                models=frozenset(bedrock.models.values()),
                caller_model=settings.caller_model,
            ),
            entropy,
            audit,
        ),
        direct=direct,
        mcp=MCPRouter(desk, peers.answerers),
        desk=desk,
        health=health,
        learner=learner,
        running=running,
        probing=prober,
        optimizer=saving.optimizer,
        backlog=backlog,
        ledger=ledger,
        efficiency=LiveEfficiency(),
        flags=flags,
        lifecycle=lifecycle,
        clock=clock,
        entropy=entropy,
        approve_direct=settings.approve_direct,
        max_call_seconds=settings.max_call_seconds,
        peer_health=peers.health,
        guardian=guardian,
        seen=seen,
        board=board,
        sampling=telemetry.sampling if telemetry is not None else lambda: None,
        metrics=watch.metrics if watch is not None else None,
    )
    operations = Operations(clock, entropy)
    calls = SupportCalls(
        manager=manager,
        roots=settings.roots,
        fallback_roots=_started_in(),
        workers=WorkPlaces.of_this_machine(),
        load=load,
        operations=operations,
    )
    evidence = ComplianceEvidence(
        settings=settings,
        gate=manager.compliance,
        clock=clock,
        models=sorted(set(bedrock.models.values())),
        peers=lambda: sorted(peers.peers),
        purposes=lambda: [each.name for each in tools],
    )
    facts = FactStore(settings.facts_file)
    tools = catalog(desk, ledger.note, RoutingLook(manager=manager), evidence, facts)
    spent = (saving.spending, saving.budgets, clock, saving.optimizer.tenant)
    tools.append(get_cost_report(*spent, shared=settings.store is not None))
    efficiency = EfficiencyEvidence(
        live=manager.efficiency, span_file=settings.span_file, jaeger_url=settings.jaeger_url, clock=clock
    )
    tools.append(get_routing_efficiency(efficiency))
    if queue is not None:
        tools.append(manage_queue(queue, _for_good))
    components = Components(clock, component_probes(direct, health, gray, guards, seen, audit))
    system = SystemHealth(components=components, clock=clock, board=board, gray=gray)
    tools.append(get_system_health(system.report))
    if settings.rollout is not None:
        tools.append(roll_back(beginning(settings.rollout)))
    notices = notice_desk(settings, clock, entropy)
    tools += [plan_remediation(facts, child_environment()), get_operation(operations.look)]
    names = [each.name for each in tools]
    peer_tools = PeerTools(peers, clock, entropy, settings.max_call_seconds, names, audit)
    page = None
    if settings.page:
        from bedrock_support.server.page.look import PageLook  # for whom it's set

        cost = partial(report, *spent, PAGE_DAYS, shared=settings.store is not None)
        page = PageLook(manager, system, partial(anyio.to_thread.run_sync, cost), queue, settings.jaeger_url)
    server = SupportServer(manager, calls, tools, settings.state_keys, peer_tools, system, page)
    return House(
        server=server,
        manager=manager,
        prober=prober,
        peers=peers,
        catalog=tools,
        queue=queue,
        saving=saving,
        audit=audit,
        operations=operations,
        evidence=evidence,
        switching=Switching(
            keeper=flags, lifecycle=lifecycle, server=server, audit=audit, look=direct.check, notices=notices
        ),
        notices=notices,
        metrics=watch,
        emf=EmfWriter(settings.emf.expanduser(), board, clock) if settings.emf else None,
    )


def _load_what_calls_need() -> None:
    """What the start left out: the first call would otherwise load it while others wait for the loop."""
    import_module("bedrock_support.tools.logs.session")


def flag_keeper(settings: Settings, clock: Clock, entropy: Entropy) -> FlagKeeper:
    """The flags as set; reads their file. Raises SettingsError."""
    file = FlagFile(settings.flags_file, clock) if settings.flags_file else None
    return FlagKeeper(settings.flags, clock, file=file, provider=settings.flag_provider, domain=entropy.token())


def _opens_in(lifecycle: Lifecycle, guards: Guards, channel: str) -> float:
    """Seconds for which questions from the queue had better wait; a stop and support mode off hold them back too."""
    guard = guards.known().get(channel)  # asking must not make one: a breaker nobody used would count as known
    wait = guard.open_in() if guard is not None else 0.0
    return wait if lifecycle.may_ask else max(HELD, wait)


def audit_trail(settings: Settings, clock: Clock, entropy: Entropy) -> AuditTrail | None:
    """The audit trail as set; opens nothing."""
    if settings.audit is None:
        return None
    if settings.audit_anchor is not None and settings.audit_anchor.startswith(S3):
        bucket_of(settings.audit_anchor)  # told at start, not with the first anchor
    return AuditTrail(
        AuditFiles(folder=settings.audit),
        clock,
        entropy,
        server=VERSION,
        subject=settings.subject,
        place=lambda: anchor_place(settings),
    )


def bedrock_settings(settings: Settings) -> BedrockSettings:
    """The direct route's part of the settings; roles left out keep their default model."""
    base = BedrockSettings()
    try:
        return BedrockSettings(
            region=settings.region,
            endpoint_url=settings.endpoint_url,
            profile=settings.profile,
            models={**base.models, **settings.models},
        )
    except ValueError as error:
        field = str(error).partition(" ")[0]
        raise SettingsError(f"{READS.get(field, field)}: {error}") from error


def telemetry_settings(settings: Settings) -> TelemetrySettings:
    """Telemetry's part of the settings. Raises SettingsError for a collector outside the EU while residency is eu."""
    if settings.otlp_endpoint and (problem := foreign_target(settings.residency, settings.otlp_endpoint)):
        raise SettingsError(f"{READS['otlp_endpoint']} = {settings.otlp_endpoint!r}: {problem}")
    return TelemetrySettings(
        otlp_endpoint=settings.otlp_endpoint,
        headers=_headers(settings.otlp_headers),
        environment=settings.environment,
        region=settings.region,
        service_version=VERSION,
        file=settings.span_file,
        trace_share=settings.trace_share,
        send_metrics=settings.metrics_exporter == "otlp",
    )


def _redacting(entropy: Entropy) -> Callable[[str], str]:
    """For texts that leave for a peer: what is found is gone for good, since nobody there may have it back."""
    return lambda text: Redactor(nonce=entropy.token()[:8]).redact(text)


def _for_good(text: str) -> str:
    """For the queue's file: one text always gives the same, so that an idempotency key holds when it is sent again."""
    return Redactor(nonce="queued00").redact(text)


def _headers(text: str) -> dict[str, str]:
    """OTEL_EXPORTER_OTLP_HEADERS: key=value pairs, separated by commas."""
    pairs = (each.partition("=") for each in text.split(",") if "=" in each)
    return {key.strip(): value.strip() for key, _, value in pairs}


def _started_in() -> tuple[Path, ...]:
    """The working directory, unless it is so broad that nobody chose it: an editor's default."""
    here = Path.cwd()
    return () if here in (Path("/"), Path.home()) else (here,)
