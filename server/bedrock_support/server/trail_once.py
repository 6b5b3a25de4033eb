"""One entry in the audit trail from a command, which serves nobody else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bedrock_support.routing.clock import SystemClock, SystemEntropy
from bedrock_support.server.settings import Settings
from bedrock_support.telemetry.audit.files import AuditFiles
from bedrock_support.telemetry.audit.trail import AuditTrail


async def entered(settings: Settings, write: Callable[[AuditTrail], Awaitable[None]]) -> str:
    """Write it, where there is a trail at all; what went wrong, else empty."""
    if settings.audit is None:
        return ""
    trail = AuditTrail(AuditFiles(folder=settings.audit), SystemClock(), SystemEntropy(), subject=settings.subject)
    try:
        await write(trail)
        await trail.aclose()
    except Exception as error:  # noqa: BLE001 - whatever is wrong with the trail, who gave the command must hear of it
        return str(error)
    return ""
