"""What each component's state is read from. Nothing here does I/O or sends anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bedrock_support.routing.breaker import BreakerState
from bedrock_support.routing.direct_bedrock import DirectBedrockClient
from bedrock_support.routing.guard import Guards
from bedrock_support.routing.model import Health, RouteName
from bedrock_support.telemetry.audit.trail import AuditTrail
from bedrock_support.telemetry.components import Activity, Component, Finding, Probe
from bedrock_support.telemetry.gray import GrayDetector
from bedrock_support.telemetry.health import HybridHealthMonitor

_STOPPED = (BreakerState.OPEN, BreakerState.FORCED_OPEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """How uses of the components that keep no figures of their own ended."""

    router: Activity
    compliance: Activity


def component_probes(
    direct: DirectBedrockClient,
    health: HybridHealthMonitor,
    gray: GrayDetector,
    guards: Guards,
    seen: Seen,
    audit: AuditTrail | None,
) -> Mapping[Component, Probe]:
    """A probe for each of the seven."""

    def connection() -> Finding:
        own = direct.condition()
        if own.health is Health.UNCONFIGURED:
            return Finding(state=Health.UNKNOWN, evidence=f"not set up: {own.note}")
        return _route(health, gray, RouteName.DIRECT)

    return {
        Component.DIRECT: connection,
        Component.MCP: lambda: _route(health, gray, RouteName.MCP),
        Component.ROUTER: seen.router.finding,
        Component.BREAKER: lambda: _breakers(guards),
        Component.COMPLIANCE: seen.compliance.finding,
        Component.AUDIT: lambda: _audit(audit),
        Component.MONITORING: lambda: _monitoring(health),
    }


def _route(health: HybridHealthMonitor, gray: GrayDetector, route: RouteName) -> Finding:
    """What attempts showed; degraded at best while one of its models or classes is slow or flaky against its past."""
    found = health.condition(route)
    alarms = [each for each in gray.alarms() if each.key.partition(":")[0] == route.value]
    if alarms and found.health is Health.HEALTHY:
        said = "; ".join(f"{each.key} {'is slow' if each.slow else 'fails'} against its past" for each in alarms)
        return Finding(state=Health.DEGRADED, evidence=f"{found.note}; {said}", samples=found.samples)
    return Finding(state=found.health, evidence=found.note, samples=found.samples)


def _breakers(guards: Guards) -> Finding:
    """Degraded with one breaker open, unhealthy with all of them; unknown before there is any."""
    known = guards.known()
    if not known:
        return Finding(state=Health.UNKNOWN, evidence="no channel was used yet")
    stopped = sorted(name for name, guard in known.items() if guard.breaker.state in _STOPPED)
    said = f"{len(stopped)} of {len(known)} breakers open"
    if stopped:
        said += f" ({', '.join(stopped)})"
    state = Health.DEGRADED if stopped else Health.HEALTHY
    state = Health.UNHEALTHY if len(stopped) == len(known) else state
    return Finding(state=state, evidence=said, samples=len(known))


def _audit(audit: AuditTrail | None) -> Finding:
    """How writing went; degraded while no anchor can be made."""
    if audit is None:
        return Finding(state=Health.UNKNOWN, evidence="not set up: no audit trail is kept")
    found = audit.activity.finding()
    if audit.trouble and found.state is not Health.UNHEALTHY:
        return Finding(state=Health.DEGRADED, evidence=f"no anchor was made: {audit.trouble}", samples=found.samples)
    return found


def _monitoring(health: HybridHealthMonitor) -> Finding:
    """Watching works where attempts arrive; without any nobody can tell."""
    samples = sum(report.samples for report in health.report().routes.values())
    if not samples:
        return Finding(state=Health.UNKNOWN, evidence="no attempt was reported lately")
    return Finding(state=Health.HEALTHY, evidence=f"{samples} attempts reported lately", samples=samples)
