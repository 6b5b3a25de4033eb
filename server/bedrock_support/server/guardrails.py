"""The Bedrock guardrail that the settings name, and its use for what doesn't go through Bedrock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bedrock_support.routing.bedrock.guardrail import GuardrailSettings
from bedrock_support.routing.bedrock.settings import BedrockSettings
from bedrock_support.routing.clock import Entropy
from bedrock_support.routing.compliance import Destinations
from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.mcp_router import Screen
from bedrock_support.routing.model import FailureKind, Residency
from bedrock_support.routing.redaction import Redactor, restore
from bedrock_support.routing.residency import forbids
from bedrock_support.server.settings import Settings


def guardrail_of(settings: Settings) -> GuardrailSettings | None:
    """None where none is set. Raises ValueError that begins with the field that can't be used."""
    if settings.guardrail is None:
        if settings.guardrail_mcp:
            raise ValueError("guardrail is not set, and guardrail_mcp is; name the guardrail")
        return None
    return GuardrailSettings(
        identifier=settings.guardrail,
        version=settings.guardrail_version,
        stream=settings.guardrail_stream,
        profile=settings.guardrail_profile,
        stay=settings.residency is Residency.EU,
    )


def destinations(settings: Settings, bedrock: BedrockSettings) -> Destinations:
    """Where each route would send data."""
    return Destinations(
        region=bedrock.region,
        endpoint_url=bedrock.endpoint_url,
        models=frozenset(bedrock.models.values()),
        guardrail=bedrock.guardrail.identifier if bedrock.guardrail else "",
        caller_model=settings.caller_model,
    )


def screen_of(settings: Settings, bedrock: BedrockSettings, ask: Screen, entropy: Entropy) -> Screen | None:
    """What looks at texts of the MCP route; None where it isn't wanted."""
    if not settings.guardrail_mcp:
        return None
    where = destinations(settings, bedrock)

    def problem() -> str | None:
        return forbids(
            settings.residency,
            region=where.region,
            endpoint_url=where.endpoint_url,
            models=where.models,
            guardrail=where.guardrail,
        )

    return Screened(ask=ask, entropy=entropy, problem=problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class Screened:
    """Implements Screen. What the guardrail is shown leaves this machine: it is redacted, and stays where it may be."""

    ask: Screen
    entropy: Entropy
    problem: Callable[[], str | None]
    """Why nothing may be sent to Bedrock, or None."""

    async def __call__(self, text: str, source: Literal["INPUT", "OUTPUT"], deadline: float) -> str:
        if (why := self.problem()) is not None:
            raise RouteError(FailureKind.NOT_APPROVED, f"the guardrail may not be asked, so nothing passes it: {why}")
        redactor = Redactor(nonce=self.entropy.token()[:8])
        return restore(await self.ask(redactor.redact(text), source, deadline), redactor.originals)
