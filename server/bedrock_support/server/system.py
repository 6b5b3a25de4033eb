"""Health over HTTP: /livez, /readyz, /healthz and /metrics beside MCP, and the report they share with the tool."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bedrock_support.routing.clock import Clock
from bedrock_support.routing.model import Health
from bedrock_support.server.metrics import CONTENT_TYPE, exposition
from bedrock_support.telemetry.components import Component, Components, overall
from bedrock_support.telemetry.gray import GrayDetector
from bedrock_support.telemetry.slo.board import Board
from bedrock_support.tools.system_health import ComponentState, SystemHealthReport

VERSION = version("bedrock-support")
_STATUS = {Health.HEALTHY: "pass", Health.UNHEALTHY: "fail"}
"""Anything else is `warn`: unknown is neither good nor bad."""
_NEEDED = {Component.COMPLIANCE, Component.AUDIT, Component.ROUTER}
"""Without these no call gets an answer, whatever the routes."""
_ROUTES = {Component.DIRECT, Component.MCP}


class HealthJson(JSONResponse):
    """The form of draft-inadarei-api-health-check, which expired and never became an RFC."""

    media_type = "application/health+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemHealth:
    """What is known of the system now."""

    components: Components
    clock: Clock
    board: Board
    gray: GrayDetector

    def report(self) -> SystemHealthReport:
        found = self.components.check()
        return SystemHealthReport(
            state=overall([each.state for each in found]).value,
            at=self.clock.wall(),
            components=[
                ComponentState(
                    name=each.component.value,
                    state=each.state.value,
                    evidence=each.evidence,
                    samples=each.samples,
                    since=each.since,
                )
                for each in found
            ],
        )

    def unready(self) -> str:
        """Why no call should be sent here now; empty when calls may come. Unknown is ready: nobody has tried yet."""
        bad = {each.component for each in self.components.check() if each.state is Health.UNHEALTHY}
        if broken := sorted(bad & _NEEDED):
            return f"unhealthy: {', '.join(broken)}"
        return "no route: direct and MCP are both unhealthy" if bad >= _ROUTES else ""


def health_body(report: SystemHealthReport) -> dict[str, object]:
    """The report as application/health+json."""
    checks = {
        f"{each.name}:state": [
            {
                "componentType": "component",
                "componentId": each.name,
                "observedValue": each.state,
                "samples": each.samples,
                "since": _moment(each.since),
                "status": _STATUS.get(Health(each.state), "warn"),
                "output": each.evidence,
                "time": _moment(report.at),
            }
        ]
        for each in report.components
    }
    status = _STATUS.get(Health(report.state), "warn")
    return {"status": status, "version": VERSION, "serviceId": "bedrock-support", "checks": checks}


def with_health(app: Starlette, system: SystemHealth, security: TransportSecuritySettings) -> Starlette:
    """The application with its endpoints, whose Host and Origin are checked like those of MCP."""
    guard = TransportSecurityMiddleware(security)

    def guarded(answer: Callable[[], Response]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            return await guard.validate_request(request, is_post=False) or answer()

        return endpoint

    def live() -> Response:
        """The loop runs. Nothing is asked: a failing dependency is no reason to restart this process."""
        return HealthJson({"status": "pass"})

    def ready() -> Response:
        why = system.unready()
        return HealthJson({"status": "fail", "output": why} if why else {"status": "pass"}, 503 if why else 200)

    def health() -> Response:
        body = health_body(system.report())
        return HealthJson(body, 503 if body["status"] == "fail" else 200)

    def metrics() -> Response:
        text = exposition(system.components.check(), system.board.standing(), system.gray.alarms())
        return Response(text, headers={"content-type": CONTENT_TYPE})

    paths = {"/metrics": metrics, "/livez": live, "/readyz": ready, "/healthz": health}
    app.router.routes.extend(Route(path, guarded(answer)) for path, answer in paths.items())
    return app


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
