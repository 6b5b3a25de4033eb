"""Every span and attribute name in one place, because the GenAI and MCP conventions still move.

Source: OpenTelemetry semantic conventions for GenAI and MCP (status Development); names that
begin with `support.` are ours.
"""

from __future__ import annotations

SCHEMA_URL = "https://opentelemetry.io/schemas/gen-ai-dev/0.1.0-dev"
TRACER = "bedrock_support"

# OpenTelemetry
ERROR_TYPE = "error.type"
SERVER_ADDRESS = "server.address"
SERVER_PORT = "server.port"
CLIENT_ADDRESS = "client.address"
CLIENT_PORT = "client.port"
NETWORK_TRANSPORT = "network.transport"
NETWORK_PROTOCOL_NAME = "network.protocol.name"
PEER_SERVICE = "peer.service"  # deprecated, but the only one that the Jaeger UI reads
SERVICE_PEER_NAME = "service.peer.name"

# GenAI
OPERATION_NAME = "gen_ai.operation.name"
PROVIDER_NAME = "gen_ai.provider.name"
REQUEST_MODEL = "gen_ai.request.model"
REQUEST_MAX_TOKENS = "gen_ai.request.max_tokens"
REQUEST_STREAM = "gen_ai.request.stream"
RESPONSE_MODEL = "gen_ai.response.model"
RESPONSE_FINISH_REASONS = "gen_ai.response.finish_reasons"
RESPONSE_TIME_TO_FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
USAGE_INPUT_TOKENS = "gen_ai.usage.input_tokens"
USAGE_OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
USAGE_CACHE_READ_TOKENS = "gen_ai.usage.cache_read.input_tokens"
USAGE_CACHE_WRITE_TOKENS = "gen_ai.usage.cache_creation.input_tokens"
TOOL_NAME = "gen_ai.tool.name"
AWS_REQUEST_ID = "aws.request_id"

# Ours
OP_CLASS = "support.op_class"
CACHE_HIT = "support.cache.hit"
CACHE_AGE_MS = "support.cache.age_ms"
CACHE_STALE = "support.cache.stale"
CACHE_SAVED_USD = "support.cache.saved_usd"
CACHE_BYTES = "support.cache.bytes"
DEADLINE_MS = "support.deadline_ms"
ARRIVAL_LAG_MS = "support.arrival_lag_ms"
"""From the arrival of a message to the start of its call."""
DEADLINE_REMAINING_MS = "support.deadline_remaining_ms"
DEADLINE_MET = "support.deadline_met"
OUTCOME = "support.outcome"
SIMULATED = "support.simulated"
EVIDENCE_DIGEST = "support.evidence_digest"
BRIEF_BYTES = "support.brief_bytes"
DECISION_ID = "support.decision.id"
DECISION_AT = "support.decision.at"
"""Unix seconds, by the same clock as the decision's record."""
ROUTE_CHOSEN = "support.route.chosen"
ROUTE_PLAN = "support.route.plan"
ROUTE_ROW = "support.route.row"
ROUTE_REASON = "support.route.reason"
ROUTE_POLICY = "support.route.policy"
ROUTE_PROPENSITY = "support.route.propensity"
ROUTE_FEASIBLE = "support.route.feasible"
ROUTE_INFEASIBLE_REASON = "support.route.infeasible_reason"
ROUTE = "support.route.name"
ROUTE_HEALTH = "support.route.health"
ROUTE_SAMPLES = "support.route.samples"
ATTEMPT_NUMBER = "support.attempt.number"
ATTEMPT_TIMEOUT_MS = "support.attempt.timeout_ms"
HEDGE = "support.attempt.hedge"
WAITED_MS = "support.attempt.waited_ms"
CANCELLED_AS_LOSER = "support.cancelled_as_loser"
MODEL_ROLE = "support.model.role"
MODEL_CHOICE = "support.model.choice"
"""Why a model of this role was asked, in order."""
COST_USD = "support.cost_usd"
P_SUCCESS = "support.route.p_success_by_deadline"
EXPECTED_MS = "support.route.exp_latency_ms"
EXPECTED_USD = "support.route.exp_cost_usd"
EXPECTED_UTILITY = "support.route.exp_utility"
BREAKER_STATE = "support.breaker.state"
ROUTE_N_EFF = "support.route.n_eff"
"""Effective observations behind a candidate's estimate; 0 is only the prior."""
ROUTE_FLAGGED = "support.route.flagged"
ATTEMPTS = "support.attempts"
HEDGED = "support.hedged"
FELL_BACK = "support.fell_back"
CARRIER = "support.carrier"

MESSAGING_SYSTEM = "messaging.system"
MESSAGING_DESTINATION = "messaging.destination.name"
MESSAGING_OPERATION = "messaging.operation.type"
MESSAGING_ID = "messaging.message.id"
QUEUE_SYSTEM = "bedrock_support_queue"

SPAN_TOOL = "support.tool"
SPAN_DECIDE = "route.decide"
SPAN_ATTEMPT = "route.attempt"
SAMPLE_RATE = "support.sample_rate"
"""Probability with which the trace was kept by this process; absent where nothing is dropped."""
SPAN_OUTCOME = "route.outcome"
EVENT_CANDIDATE = "route.candidate"

# Baggage that is taken in; all else stays outside
BAGGAGE_OP_CLASS = OP_CLASS
BAGGAGE_DATA_CLASS = "support.data_class"
BAGGAGE_DEADLINE_MS = DEADLINE_MS

# What the MCP SDK's own spans look like
MCP_SDK_SCOPE = "mcp-python-sdk"
MCP_SDK_SEND = "MCP send "
MCP_CALL_TOOL = "tools/call"
MCP_GET_PROMPT = "prompts/get"
PROMPT_NAME = "gen_ai.prompt.name"
EXECUTE_TOOL = "execute_tool"

# Resource
SERVICE_NAME = "service.name"
SERVICE_NAMESPACE = "service.namespace"
SERVICE_VERSION = "service.version"
DEPLOYMENT_ENVIRONMENT = "deployment.environment.name"
CLOUD_REGION = "cloud.region"

# Metrics. Bucket boundaries: those that the conventions recommend; for `support.` metrics our own.
INPUT_OR_OUTPUT = "gen_ai.token.type"
MCP_METHOD = "mcp.method.name"
MCP_PROTOCOL = "mcp.protocol.version"
DECISION = "support.decision"
METRIC_CHAT_DURATION = "gen_ai.client.operation.duration"
METRIC_TOKENS = "gen_ai.client.token.usage"
METRIC_MCP_SERVER = "mcp.server.operation.duration"
METRIC_DECISIONS = "support.route.decisions"
METRIC_DECIDE = "support.route.decide.duration"
METRIC_ATTEMPT = "support.route.duration"
METRIC_MISSED = "support.route.deadline_missed"
METRIC_REGRET = "support.route.expected_regret"
METRIC_COST = "support.cost"
METRIC_HEALTH = "support.route.health"
METRIC_BREAKER = "support.breaker.state"
METRIC_LIMIT = "support.concurrency.limit"
METRIC_INFLIGHT = "support.concurrency.inflight"
METRIC_TOKENS_LEFT = "support.retry.tokens"
METRIC_HEDGES = "support.hedges"
METRIC_RETRIES = "support.retries"
METRIC_SHED = "support.shed"
GENAI_SECONDS = tuple(0.01 * 2**power for power in range(14))
MCP_SECONDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
TOKEN_COUNTS = tuple(4.0**power for power in range(14))
DECIDE_SECONDS = (1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2)
REGRETS = (0.0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)

# Content: never leaves the process on a span
GUARDRAIL_ID = "aws.bedrock.guardrail.id"
CONTENT = frozenset(
    {
        "exception.message",
        "exception.stacktrace",
        "gen_ai.completion",
        "gen_ai.input.messages",
        "gen_ai.output.messages",
        "gen_ai.prompt",
        "gen_ai.system_instructions",
        "gen_ai.tool.call.arguments",
        "gen_ai.tool.call.result",
        "gen_ai.tool.definitions",
        "mcp.resource.uri",
    }
)
CONTENT_PREFIXES = ("gen_ai.prompt.variable.", "gen_ai.completion.", "gen_ai.evaluation.explanation")
