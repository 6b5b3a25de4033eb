"""AWS regions, endpoints and inference profiles outside the EU, where a configuration names them.

What counts as outside is routing/residency.py's to say; here only the names are found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath

from bedrock_support.routing.model import Residency
from bedrock_support.routing.pii.span import PROVEN, SHAPE, Span, resolved
from bedrock_support.routing.residency import EU_REGIONS, forbids

RESIDENCY = "RESIDENCY"
"""Label of these finds."""

_ENDINGS = frozenset(
    {".toml", ".yaml", ".yml", ".json", ".ini", ".cfg", ".conf", ".env", ".properties", ".tf", ".tfvars", ".xml", ".sh"}
)
_NAMES = frozenset({"config", "credentials", "dockerfile", "makefile", ".npmrc"})
_NONE: frozenset[str] = frozenset()
_HOME = "eu-central-1"
"""An EU region: with it `forbids` speaks of nothing but the endpoint or model it is asked about."""
_REGION = re.compile(
    r"(?<![a-z0-9])((?:us|eu|ap|ca|sa|me|af|il|mx|cn|eusc)(?:-(?:gov|iso[a-z]?|de))?"
    r"-(?:north|south|east|west|central|northeast|northwest|southeast|southwest)-\d)(?![0-9])"
)
"""Source: the names of regions in AWS's endpoint documentation."""
_AWS_URL = re.compile(r"https?://[A-Za-z0-9.-]{1,200}(?:\.amazonaws\.com|\.api\.aws)(?![\w.-])")
_OVERRIDE = re.compile(
    r"(?i)(?<![a-z0-9])(?:aws_endpoint_url\w{0,40}|endpoint_url|otel_exporter_otlp\w{0,20}endpoint)"
    r"[\"']?[ \t]{0,4}[:=][ \t]{0,4}[\"']?(https?://[^\s\"'<>,;]{1,300})"
)
_PROFILE = re.compile(
    r"(?<![\w.-])((?:global|us-gov|us|apac|jp|au|ca|uk|ch)\.(?:ai21|amazon|anthropic|cohere|deepseek|luma|meta|mistral|"
    r"openai|qwen|stability|twelvelabs|writer)\.[A-Za-z0-9][\w.:-]{0,100})"
)


def configures(name: str) -> bool:
    """Whether a file of this name sets something up: elsewhere a region is only talked of."""
    low = PurePath(name).name.lower()
    return PurePath(low).suffix in _ENDINGS or low in _NAMES or low.startswith((".env", "dockerfile."))


def abroad(text: str) -> list[Span]:
    """Names of places outside the EU, each once, in order."""
    return resolved([*_regions(text), *_endpoints(text), *_profiles(text)])


def reason(named: str) -> str:
    """Why this name is a find."""
    asked = frozenset((named,))
    for why in (
        forbids(Residency.EU, region=_HOME, endpoint_url=named if "://" in named else None, models=_NONE),
        forbids(Residency.EU, region=_HOME, endpoint_url=None, models=asked),
    ):
        if why is not None:
            return why
    return forbids(Residency.EU, region=named, endpoint_url=None, models=_NONE) or ""


def _regions(text: str) -> Iterator[Span]:
    for found in _REGION.finditer(text):
        if found[1] not in EU_REGIONS:
            yield Span(*found.span(1), RESIDENCY, SHAPE)


def _endpoints(text: str) -> Iterator[Span]:
    for found in _AWS_URL.finditer(text):
        if forbids(Residency.EU, region=_HOME, endpoint_url=found[0], models=_NONE):
            yield Span(*found.span(), RESIDENCY, PROVEN)
    for found in _OVERRIDE.finditer(text):
        try:
            why = forbids(Residency.EU, region=_HOME, endpoint_url=found[1], models=_NONE)
        except ValueError:  # no URL after all
            continue
        if why:
            yield Span(*found.span(1), RESIDENCY, PROVEN)


def _profiles(text: str) -> Iterator[Span]:
    for found in _PROFILE.finditer(text):
        if forbids(Residency.EU, region=_HOME, endpoint_url=None, models=frozenset((found[1],))):
            yield Span(*found.span(), RESIDENCY, PROVEN)
