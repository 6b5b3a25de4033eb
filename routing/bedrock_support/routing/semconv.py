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

# MCP
MCP_METHOD_NAME = "mcp.method.name"
MCP_PROTOCOL_VERSION = "mcp.protocol.version"
MCP_SESSION_ID = "mcp.session.id"

# Ours
OP_CLASS = "support.op_class"
DEADLINE_MS = "support.deadline_ms"
DEADLINE_REMAINING_MS = "support.deadline_remaining_ms"
DEADLINE_MET = "support.deadline_met"
OUTCOME = "support.outcome"
SIMULATED = "support.simulated"
EVIDENCE_DIGEST = "support.evidence_digest"
BRIEF_BYTES = "support.brief_bytes"
DECISION_ID = "support.decision.id"
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
CARRIER = "support.carrier"

SPAN_DECIDE = "route.decide"
SPAN_ATTEMPT = "route.attempt"
EVENT_CANDIDATE = "route.candidate"
