"""What is looked at while support mode begins. Nothing of it holds calls up: what stands in their way they say."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bedrock_support.routing.direct_bedrock import DirectBedrockClient
from bedrock_support.server.flags import FlagKeeper

WELL = "nothing is wrong"


async def preflight(direct: DirectBedrockClient, breach: Callable[[], str], flags: FlagKeeper) -> Mapping[str, str]:
    """Credentials and client of the direct route, compliance, and the source of the flags: each in words."""
    route = await direct.check()
    return {
        "direct": f"{route.health.value}: {route.note}",
        "compliance": breach() or WELL,
        "flags": "; ".join(f"{what}: {why}" for what, why in flags.trouble.items()) or WELL,
    }
