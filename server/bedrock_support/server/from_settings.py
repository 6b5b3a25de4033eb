"""Parts of the server that follow from the settings alone. Nothing is opened and nobody is connected to."""

from __future__ import annotations

import re
from urllib.parse import unquote

from bedrock_support.routing.bedrock.settings import BedrockSettings
from bedrock_support.routing.breaker import BreakerState
from bedrock_support.routing.clock import Clock, Entropy
from bedrock_support.routing.guard import GuardSettings
from bedrock_support.routing.model import Residency
from bedrock_support.routing.residency import foreign_target
from bedrock_support.server.anchoring import S3, anchor_place, bucket_of, signer_of
from bedrock_support.server.app import VERSION
from bedrock_support.server.environment import SettingsError
from bedrock_support.server.flag_file import FlagFile
from bedrock_support.server.flags import FlagKeeper
from bedrock_support.server.guardrails import guardrail_of
from bedrock_support.server.retention import keep_days
from bedrock_support.server.settings import READS, Settings
from bedrock_support.telemetry.audit.files import AuditFiles
from bedrock_support.telemetry.audit.trail import AuditTrail
from bedrock_support.telemetry.otel import TelemetrySettings


def flag_keeper(settings: Settings, clock: Clock, entropy: Entropy) -> FlagKeeper:
    """The flags as set; reads their file. Raises SettingsError."""
    file = FlagFile(settings.flags_file, clock) if settings.flags_file else None
    return FlagKeeper(settings.flags, clock, file=file, provider=settings.flag_provider, domain=entropy.token())


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
        signer=signer_of(settings),
        keep=keep_days(settings) if settings.audit_keep else None,
    )


def bedrock_settings(settings: Settings) -> BedrockSettings:
    """The direct route's part of the settings; roles left out keep their default model."""
    base = BedrockSettings()
    try:
        return BedrockSettings(
            guardrail=guardrail_of(settings),
            stay=settings.residency is Residency.EU,
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


def guard_settings(settings: Settings, capacity: int) -> GuardSettings:
    """What stands before every channel, with this many calls at once."""
    mode = None if settings.breakers == "working" else BreakerState(settings.breakers)
    return GuardSettings(capacity=capacity, mode=mode)


def _headers(text: str) -> dict[str, str]:
    """OTEL_EXPORTER_OTLP_HEADERS: key=value pairs, separated by commas, values encoded as in a URL.

    Raises:
        SettingsError: a part is no pair. It's refused here and not quoted: the exporter reads the variable too, and
            would log what it can't use.
    """
    found: dict[str, str] = {}
    parts = [part for each in text.split(",") if (part := each.strip())]
    for place, each in enumerate(parts, 1):
        if not _PAIR.fullmatch(each):
            raise SettingsError(
                f"{READS['otlp_headers']}, part {place}: no name=value. Give pairs such as "
                "authorization=Bearer%20TOKEN, separated by commas, with values encoded as in a URL"
            )
        name, _, value = each.partition("=")
        found[name.strip()] = unquote(value).strip()
    return found


_PAIR = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+[ \t]*=[ !#-+\--:<-\[\]-~]*")
"""What the exporter takes: a token, and visible ASCII without quotes, commas, semicolons and backslashes."""
