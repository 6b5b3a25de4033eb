"""What metrics say of the routes while nothing is asked of them: a look every few seconds, made on the loop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import anyio
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError

from bedrock_support.routing import semconv
from bedrock_support.routing.clock import Clock
from bedrock_support.routing.guard import Guard, Guards
from bedrock_support.routing.model import RouteName
from bedrock_support.telemetry.health import HybridHealthMonitor
from bedrock_support.telemetry.metrics import BREAKER_VALUE, OBSERVE_EVERY, RouteMetrics, Standing, meter
from bedrock_support.telemetry.otel import TelemetrySettings


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsWatch:
    """The process's metrics and what they look at."""

    metrics: RouteMetrics
    health: HybridHealthMonitor
    guards: Guards

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self.look()
            await anyio.sleep(OBSERVE_EVERY)

    def look(self) -> None:
        """Report how each route that was ever used stands now."""
        self.metrics.observe(standings(self.health, self.guards.known()))


def metrics_watch(settings: TelemetrySettings, health: HybridHealthMonitor, guards: Guards) -> MetricsWatch | None:
    """None when metrics go nowhere: then nothing is counted."""
    if settings.metrics_url is None:
        return None
    return MetricsWatch(metrics=RouteMetrics(meter()), health=health, guards=guards)


def standings(health: HybridHealthMonitor, guards: Mapping[str, Guard]) -> list[Standing]:
    """Each route that has a guard. All channels but the direct one belong to the MCP route."""
    direct = RouteName.DIRECT.value
    found: list[Standing] = []
    for route in RouteName:
        own = [each for channel, each in guards.items() if (channel == direct) is (route is RouteName.DIRECT)]
        if own:
            found.append(
                Standing(
                    route=route,
                    health=health.condition(route).health,
                    breaker=max((each.breaker.state for each in own), key=BREAKER_VALUE.__getitem__),
                    limit=sum(each.limit.value for each in own),
                    inflight=sum(each.line.busy for each in own),
                    retry_tokens=min(each.retries.tokens for each in own),
                )
            )
    return found


METHODS = frozenset(
    {"initialize", "server/discover", "ping", "tools/list", "tools/call", "resources/list", "resources/read"}
    | {"resources/templates/list", "prompts/list", "prompts/get", "completion/complete", "subscriptions/listen"}
)
"""Methods that are counted by name. Who calls may invent any number of others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """A middleware that times inbound requests."""

    metrics: RouteMetrics
    clock: Clock
    tools: frozenset[str]
    """Tools that are counted by name; upstream servers' come and go."""

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Call on, and count how long it took and how it ended."""
        if ctx.request_id is None:
            return await call_next(ctx)
        began, error = self.clock.now(), "cancelled"
        try:
            result = await call_next(ctx)
            failed = getattr(result, "is_error", False) or (isinstance(result, dict) and result.get("isError"))
            error = "tool_error" if failed else ""
        except MCPError as raised:
            error = str(raised.code)
            raise
        except Exception as raised:
            error = type(raised).__name__
            raise
        finally:
            method = ctx.method if ctx.method in METHODS else "other"
            name = (ctx.params or {}).get("name") if method == semconv.MCP_CALL_TOOL else None
            tool = name if isinstance(name, str) and name in self.tools else ""
            self.metrics.served(method, tool, self.clock.now() - began, error)
        return result
