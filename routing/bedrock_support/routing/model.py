"""The vocabulary: the frozen values that one support call turns into, in order of appearance.

Evidence and an Operation -> Clearance (or Refusal) -> Decision -> Attempts -> Outcome.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from bedrock_support.routing.estimate import Estimate

LOCAL = "local"
"""Whose questions they are unless it is said: everyone who can reach this server is the same person."""


def _nothing() -> Mapping[Any, Any]:
    return MappingProxyType({})


class OperationClass(StrEnum):
    """How urgent the caller says the work is; the decision matrix has one rule for each."""

    EMERGENCY = "emergency"
    INFRASTRUCTURE = "infrastructure"
    META_MONITOR = "meta_monitor"
    IMPLEMENTATION = "implementation"
    KIRO_COMMUNICATION = "kiro_communication"
    STANDARD = "standard"
    BACKGROUND = "background"


class Priority(StrEnum):
    """Order of service under load, most urgent first."""

    EMERGENCY = "emergency"
    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class RouteName(StrEnum):
    """The two ways to a model's judgement."""

    DIRECT = "direct"
    MCP = "mcp"


class Carrier(StrEnum):
    """What carried a question to the model that answered it."""

    BEDROCK = "bedrock"
    SAMPLING = "sampling"
    PEER = "peer"
    """An upstream MCP server of ours."""
    HANDOFF = "handoff"


class Kind(StrEnum):
    """READ may be asked again elsewhere; an ACT is tried once and never re-sent."""

    READ = "read"
    ACT = "act"


class ModelRole(StrEnum):
    """What a model is needed for; settings map each role to a model id."""

    FAST = "fast"
    STANDARD = "standard"
    DEEP = "deep"


class Health(StrEnum):
    """State of a route. UNKNOWN means no data, which is neither good nor bad."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"
    UNKNOWN = "unknown"
    UNCONFIGURED = "unconfigured"


class FailureKind(StrEnum):
    """Why an attempt failed. What each one means for retry and health is FAILURES in errors.py."""

    THROTTLED = "throttled"
    NOT_READY = "not_ready"
    UNAVAILABLE = "unavailable"
    TIMEOUT = "timeout"
    MODEL_ERROR = "model_error"
    CONNECTION = "connection"
    STREAM_CUT = "stream_cut"
    BAD_REPLY = "bad_reply"
    INVALID_REQUEST = "invalid_request"
    ACCESS_DENIED = "access_denied"
    NOT_FOUND = "not_found"
    QUOTA = "quota"
    BLOCKED = "blocked"
    GUARDRAIL = "guardrail"
    """A guardrail of ours ended it: on the question or on the answer."""
    UNCONFIGURED = "unconfigured"
    NO_CARRIER = "no_carrier"
    NOT_APPROVED = "not_approved"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    SHED = "shed"
    """Never sent: too much work of at least this urgency was waiting."""
    PREEMPTED = "preempted"
    """Sent, and stopped before it was answered: an emergency needed its place."""
    HELD_BACK = "held_back"
    """Never sent: the route failed too often just now, or asked to be left alone."""
    HALTED = "halted"
    """Never sent: an emergency stop."""


class Residency(StrEnum):
    """Where data may be processed. EU means the six regions of residency.py, nothing else."""

    EU = "eu"
    ANY = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What a tool asks of a model. It knows no route."""

    id: str
    op_class: OperationClass
    tool: str
    system: str
    """Standing instructions for the model."""
    brief: str
    """The question with its ranked evidence, as text."""
    evidence_digest: str
    """SHA-256 of the evidence, hexadecimal; once cleared, of the redacted question."""
    deadline: float
    """Absolute monotonic seconds; covers evidence, scan, attempts and sealing."""
    kind: Kind = Kind.READ
    residency: Residency = Residency.EU
    data_classes: frozenset[str] = frozenset()
    model_role: ModelRole = ModelRole.STANDARD
    max_tokens: int = 2048
    stream: bool = False
    """Ask Bedrock by ConverseStream, so that a stall is noticed before the deadline."""
    answer_schema: Mapping[str, Any] = field(default_factory=_nothing)
    """JSON Schema that a handed-over answer must satisfy; empty for free text."""
    evidence_ids: tuple[str, ...] = ()
    """Ids that a judgement may cite."""
    idempotency_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clearance:
    """An operation that may leave the process, redacted, with the routes that the rules allow."""

    operation: Operation
    routes: frozenset[RouteName]
    forbidden: Mapping[RouteName, str] = field(default_factory=_nothing)
    """Reason for each route left out."""
    restore: Mapping[str, str] = field(default_factory=_nothing, repr=False)
    """Placeholder -> original value; never leaves the process, only compliance.seal reads it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The gate said no. Safe to show."""

    operation: Operation
    reason: str
    mend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteCondition:
    """What is known of one route at decision time, and from how much."""

    health: Health
    samples: int = 0
    note: str = ""
    """Evidence or, when unconfigured, the mend."""
    estimate: Estimate | None = None
    """What this operation may expect of the route; None where nothing is learnt."""
    open_in: float = 0.0
    """Seconds until the route's guard lets a call pass again."""
    breaker: str = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """One snapshot of the feature flags, taken when the call arrives."""

    support_mode: bool = True
    """Off: no model is asked at all; tools return their local findings."""
    intelligent_routing: bool = True
    """Off: the matrix's base rows are followed and health no longer reorders a plan."""
    direct_fallback: bool = True
    """Off: direct is never second; classes that start direct still do."""
    health_monitoring: bool = True
    """Off: health is taken as unknown."""
    optimization: bool = True
    """Off: no answer cache and no cheaper model."""


class Scope(StrEnum):
    """What an emergency stop holds."""

    ALL = "all"
    """No operation leaves, on any route."""
    DIRECT = "direct"
    MCP = "mcp"
    OPTIMIZER = "optimizer"
    """No answer from the cache and no cheaper model; budgets still count."""
    SUPPORT_MODE = "support_mode"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """One snapshot of everything besides the operation that a decision depends on."""

    routes: Mapping[RouteName, RouteCondition]
    flags: Flags = field(default_factory=Flags)
    stops: Mapping[Scope, str] = field(default_factory=_nothing)
    """Emergency stops in force, each with its reason."""


def stopped(route: RouteName, stops: Mapping[Scope, str]) -> str:
    """Why a stop keeps every question off a route, in words; empty when none does."""
    if not stops:
        return ""
    for scope in (Scope.ALL, Scope.SUPPORT_MODE, Scope(route.value)):
        if scope in stops:
            what = "everything" if scope is Scope.ALL else scope.value.replace("_", " ")
            return f"{what} is stopped: {stops[scope] or 'no reason was given'}"
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """An ordered plan with the matrix row and the reasons that made it."""

    id: str
    clearance: Clearance
    plan: tuple[RouteName, ...]
    row: str
    reasons: tuple[str, ...]
    priority: Priority
    policy: str
    """Name and hash of the matrix that decided."""
    conditions: Conditions
    propensity: float = 1.0
    """Probability with which this plan was chosen; 1 for a deterministic policy."""
    hedge: bool = False
    """The second route may be started while the first still runs."""
    model_choice: tuple[str, ...] = ()
    """Why the model of this role is asked, in order: class and size, the budget, a step up."""

    @property
    def operation(self) -> Operation:
        return self.clearance.operation


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens as billed. input_tokens leaves out cache reads and writes, as Bedrock reports it."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    """All that was written to the prompt cache."""
    cache_write_1h_tokens: int = 0
    """Part of `cache_write_tokens` that lives an hour and costs more; the rest lives five minutes."""
    tier: str = ""
    """Service tier that really served, as Bedrock names it; empty when it doesn't say."""
    estimated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A model's complete answer."""

    text: str
    model: str
    carrier: Carrier
    stop_reason: str = ""
    usage: Usage | None = None
    """None when the carrier does not report tokens."""
    simulated: bool = False
    """True when a stand-in answered, not a model."""
    request_id: str = ""
    masked: tuple[str, ...] = ()
    """What a guardrail masked in the text, as side:policy:kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handoff:
    """The question, handed to the calling agent; complete_handoff brings the answer back."""

    id: str
    expires_at: float
    """Unix seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why there is no answer, in words that are safe to show."""

    kind: FailureKind
    message: str
    mend: str = ""
    retry_after: float | None = None
    """Seconds the other side asked us to wait."""
    policies: tuple[str, ...] = ()
    """What a guardrail acted on, as side:policy:kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try on one route, told to health before the next one starts."""

    route: RouteName
    number: int
    seconds: float
    op_class: OperationClass
    budget: float
    """Seconds that were left when it started."""
    carrier: Carrier | None = None
    model: str = ""
    """Which model answered; empty where none did."""
    role: ModelRole | None = None
    """Which model was asked for."""
    probe: bool = False
    """It only asked whether the route works, and is far shorter than what a tool asks."""
    usage: Usage | None = None
    simulated: bool = False
    failure: Failure | None = None
    channel: str = ""
    """Whom the route led to; one MCP route leads to many clients."""
    hedge: bool = False
    """Started while another attempt still ran."""
    waited: float = 0.0
    """Seconds in the line for a place, counted in neither `seconds` nor health."""
    usd: float | None = None
    """What it cost; None when the price or the tokens aren't known. An attempt given up counts its whole input."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheUse:
    """An answer that was given before, to a question that comes down to the same."""

    age: float
    """Seconds since it was given."""
    stale: bool = False
    """Past its time: served while it is asked anew, or because asking anew failed."""
    saved_usd: float | None = None
    """What it had cost; None when that isn't known."""
    size: int = 0
    """Bytes of the entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How the call for judgement ended: exactly one of reply, handoff, failure and refusal."""

    operation: Operation
    decision: Decision | None = None
    attempts: tuple[Attempt, ...] = ()
    seconds: float = 0.0
    reply: Reply | None = None
    handoff: Handoff | None = None
    failure: Failure | None = None
    refusal: Refusal | None = None
    cached: CacheUse | None = None
    """Set when the reply comes from the answer cache."""
    queued: str = ""
    """Id under which the question waits to be asked later; beside a failure only."""

    def __post_init__(self) -> None:
        ends = (self.reply, self.handoff, self.failure, self.refusal)
        if sum(end is not None for end in ends) != 1:
            raise ValueError("an Outcome holds exactly one of reply, handoff, failure and refusal")
