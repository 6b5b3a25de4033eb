"""Builds everything from the settings; alone knows every class."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import anyio

from bedrock_support.routing.attempts import Dispatch
from bedrock_support.routing.clock import Clock, Entropy, SystemClock, SystemEntropy
from bedrock_support.routing.compliance import ComplianceValidator
from bedrock_support.routing.direct_bedrock import DirectBedrockClient
from bedrock_support.routing.feed import AttemptFeed
from bedrock_support.routing.guard import Guards
from bedrock_support.routing.handoff import HandoffDesk
from bedrock_support.routing.lag import LoopLag
from bedrock_support.routing.lasting.past import PastClock
from bedrock_support.routing.learning.learner import RouteLearner
from bedrock_support.routing.matrix import shipped
from bedrock_support.routing.mcp_router import MCPRouter
from bedrock_support.routing.pii import late
from bedrock_support.routing.probing import Prober
from bedrock_support.routing.queue.message_queue import MessageQueue
from bedrock_support.routing.router import IntelligentRouter
from bedrock_support.server.app import VERSION, SupportServer
from bedrock_support.server.approving.desk import ApprovalDesk
from bedrock_support.server.approving.files import approval_files
from bedrock_support.server.backlog import Backlog
from bedrock_support.server.calls import SupportCalls, WorkPlaces
from bedrock_support.server.cleaning import for_good
from bedrock_support.server.compliance_evidence import ComplianceEvidence
from bedrock_support.server.efficiency_evidence import EfficiencyEvidence
from bedrock_support.server.emf import EmfWriter
from bedrock_support.server.environment import SettingsError, child_environment, process_environment
from bedrock_support.server.explain import RoutingLook
from bedrock_support.server.from_settings import (
    audit_trail,
    bedrock_settings,
    flag_keeper,
    guard_settings,
    telemetry_settings,
)
from bedrock_support.server.guarding.guardian import Guardian, breach
from bedrock_support.server.guarding.load import Load
from bedrock_support.server.guarding.overhead import Overhead
from bedrock_support.server.guarding.recent import Recent
from bedrock_support.server.guarding.triggers import Triggers
from bedrock_support.server.guardrails import destinations, screen_of
from bedrock_support.server.house import House
from bedrock_support.server.lasting import lasting
from bedrock_support.server.ledger import DecisionLedger
from bedrock_support.server.lifecycle import Lifecycle
from bedrock_support.server.live import live_sources
from bedrock_support.server.manager import BedrockSupportManager
from bedrock_support.server.metrics_watch import metrics_watch
from bedrock_support.server.notices.assembly import notice_desk
from bedrock_support.server.operations import Operations
from bedrock_support.server.page.app import looking
from bedrock_support.server.peers.config import load_peers
from bedrock_support.server.peers.offer import PeerTools
from bedrock_support.server.peers.pool import PeerPool
from bedrock_support.server.preflight import preflight
from bedrock_support.server.probes import Seen, component_probes
from bedrock_support.server.rollout.from_worker import FromWorker
from bedrock_support.server.settings import Settings
from bedrock_support.server.switching import Switching
from bedrock_support.server.system import SystemHealth
from bedrock_support.server.thrift import thrift
from bedrock_support.telemetry.components import Activity, Components
from bedrock_support.telemetry.confirming import Confirmer
from bedrock_support.telemetry.efficiency.live import LiveEfficiency
from bedrock_support.telemetry.gray import GrayDetector
from bedrock_support.telemetry.health import HybridHealthMonitor
from bedrock_support.telemetry.otel import Telemetry
from bedrock_support.telemetry.slo.board import Board
from bedrock_support.tools.catalog import catalog
from bedrock_support.tools.cost import get_cost_report, report
from bedrock_support.tools.efficiency import get_routing_efficiency
from bedrock_support.tools.gaps.store import FactStore
from bedrock_support.tools.manage_queue import manage_queue
from bedrock_support.tools.operation import get_operation
from bedrock_support.tools.remediate import plan_remediation
from bedrock_support.tools.roll_back import roll_back
from bedrock_support.tools.rollout_status import get_rollout_status
from bedrock_support.tools.system_health import get_system_health

PAGE_DAYS = 30
"""Days of spending that the page sums up."""

HELD = 1.0
"""Seconds between two looks whether questions from the queue may be asked again."""


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
    try:
        late.names(settings.names, settings.names_model)
    except ValueError as error:  # NoModel, whose module costs more than a start has
        raise SettingsError(str(error)) from error
    bedrock = bedrock_settings(settings)
    flags = flag_keeper(settings, clock, entropy)
    keeps, then = lasting(settings, bedrock, clock), PastClock(clock)
    desk = HandoffDesk(clock, entropy, keeps.questions if keeps else None)
    lifecycle = Lifecycle(flags, lambda: desk.out)
    ledger = DecisionLedger(keeps)
    learner, health, gray = RouteLearner(then), HybridHealthMonitor(then), GrayDetector(clock)
    guards = Guards(clock, entropy, guard_settings(settings, bedrock.concurrency))
    watch = metrics_watch(telemetry_settings(settings), health, guards)
    recent, load = Recent(clock), Load()
    overhead = Overhead(clock=clock, uses=lambda: load.uses, busy=lambda: load.running > 0)
    sinks = (health, gray, recent) if watch is None else (health, gray, recent, watch.metrics)
    feed = AttemptFeed(learner, *sinks, keeping=keeps.journal if keeps else None)
    running = Dispatch(guards=guards, feed=feed, clock=clock, halted=lifecycle.halted, lag=LoopLag(clock))
    direct = DirectBedrockClient(bedrock, clock)
    prober = Prober(
        route=direct,
        running=running,
        learner=learner,
        entropy=entropy,
        allowed=lambda: lifecycle.may_ask and not overhead.relieved,
    )
    confirmer = Confirmer.by(prober, gray, clock)
    configs = load_peers(settings.peers_file, process_environment()) if settings.peers_file else ()
    screen = screen_of(settings, bedrock, direct.screen, entropy)
    peers = PeerPool(configs, clock=clock, entropy=entropy)
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
        compliance=ComplianceValidator(destinations(settings, bedrock), entropy, audit),
        direct=direct,
        mcp=MCPRouter(desk, peers.answerers, screen),
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
        approvals=ApprovalDesk(files=approval_files(settings.approvals, settings.approvers), audit=audit, clock=clock),
        secret=entropy.token(),
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
    tools = catalog(desk, ledger.note, RoutingLook(manager=manager), evidence, facts, live_sources(settings), screen)
    spent = (saving.spending, saving.budgets, clock, saving.optimizer.tenant)
    tools.append(get_cost_report(*spent, shared=settings.store is not None))
    efficiency = EfficiencyEvidence(
        live=manager.efficiency, span_file=settings.span_file, jaeger_url=settings.jaeger_url, clock=clock
    )
    tools.append(get_routing_efficiency(efficiency))
    if queue is not None:
        tools.append(manage_queue(queue, for_good))
    components = Components(clock, component_probes(direct, health, gray, guards, seen, audit))
    system = SystemHealth(components=components, clock=clock, board=board, gray=gray)
    tools.append(get_system_health(system.report))
    if settings.rollout is not None:
        system_of = FromWorker(settings.rollout)
        tools += [roll_back(system_of), get_rollout_status(system_of)]
    notices = notice_desk(settings, clock, entropy)
    tools += [plan_remediation(facts, child_environment()), get_operation(operations.look)]
    names = [each.name for each in tools]
    peer_tools = PeerTools(peers, clock, entropy, settings.max_call_seconds, names, audit)
    cost = partial(anyio.to_thread.run_sync, partial(report, *spent, PAGE_DAYS, shared=settings.store is not None))
    look = looking(manager, system, cost, queue, settings.jaeger_url)
    server = SupportServer(manager, calls, tools, settings.state_keys, peer_tools, system, look, page=settings.page)
    return House(
        server=server,
        manager=manager,
        prober=prober,
        confirmer=confirmer,
        peers=peers,
        catalog=tools,
        queue=queue,
        saving=saving,
        audit=audit,
        operations=operations,
        evidence=evidence,
        switching=Switching(
            keeper=flags,
            lifecycle=lifecycle,
            server=server,
            audit=audit,
            look=partial(preflight, direct, guardian.breach, flags),
            notices=notices,
        ),
        notices=notices,
        metrics=watch,
        emf=EmfWriter(settings.emf.expanduser(), board, clock) if settings.emf else None,
        lasting=keeps,
        recall=keeps.attempt_recall(then, learner, health, prober, feed) if keeps else None,
    )


def _opens_in(lifecycle: Lifecycle, guards: Guards, channel: str) -> float:
    """Seconds for which questions from the queue had better wait; a stop and support mode off hold them back too."""
    wait = guards.seen(channel).open_in()
    return wait if lifecycle.may_ask else max(HELD, wait)


def _started_in() -> tuple[Path, ...]:
    """The working directory, unless it is so broad that nobody chose it: an editor's default."""
    here = Path.cwd()
    return () if here in (Path("/"), Path.home()) else (here,)
