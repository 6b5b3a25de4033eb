"""Where AWS may process EU data: rules as data, and the three questions asked of them."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import urlsplit

from bedrock_support.routing.model import Residency

EU_REGIONS = frozenset({"eu-central-1", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-3"})
"""An explicit list: the prefix `eu-` also covers London (eu-west-2) and Zurich (eu-central-2)."""

EU_PROFILE = "eu"
"""Its requests stay in EU_REGIONS, says AWS; those of every other geography may not."""
_PROFILE = re.compile(r"(?:^|/)([a-z]{2}|[a-z]{2}-[a-z]{3}|global|apac|emea|amer|latam)\.", re.ASCII)
"""A geography before the provider's name: two letters, or one of the longer ones. No provider has so short a name."""
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_ARN_REGION = 3
_ARN_PARTS = 6


@lru_cache(maxsize=64)
def forbids(residency: Residency, *, region: str, endpoint_url: str | None, models: frozenset[str]) -> str | None:
    """Why a Bedrock set-up may not be used under this residency, or None.

    Source: AWS documentation of Bedrock Regions and cross-Region inference profiles.
    """
    if residency is Residency.ANY:
        return None
    if region not in EU_REGIONS:
        return f"region {region} is not one of the EU regions {', '.join(sorted(EU_REGIONS))}"
    for model in sorted(models):
        if problem := _foreign_model(model):
            return problem
    if endpoint_url is not None:
        return _foreign_endpoint(endpoint_url)
    return None


def _foreign_model(model: str) -> str | None:
    if (found := _PROFILE.search(model)) and found[1] != EU_PROFILE:
        return f"model {model} uses the inference profile {found[1]}., which may leave the EU; use an eu. profile"
    parts = model.split(":")
    if parts[0] == "arn" and (len(parts) < _ARN_PARTS or parts[_ARN_REGION] not in EU_REGIONS):
        return f"model {model} lies outside the EU regions"
    return None


def _foreign_endpoint(endpoint_url: str) -> str | None:
    host = (urlsplit(endpoint_url).hostname or "").lower()
    if host in _LOOPBACK:
        return None
    if host.endswith((".amazonaws.com", ".api.aws")) and _names_eu(host):
        return None
    return f"endpoint host {host or endpoint_url!r} is not an AWS endpoint in an EU region"


def foreign_target(residency: Residency, url: str) -> str | None:
    """Why telemetry or notices may not go to this URL under this residency, or None.

    Only AWS's own hosts tell where they stand; of another's nothing is known, and whoever set it answers for it.
    """
    host = (urlsplit(url).hostname or "").lower()
    ours = host.endswith((".amazonaws.com", ".api.aws", ".amazonaws.com.cn", ".on.aws"))
    if residency is Residency.ANY or not ours or _names_eu(host):
        return None
    return f"residency eu: {host} is an AWS host outside the EU regions {', '.join(sorted(EU_REGIONS))}"


def _names_eu(host: str) -> bool:
    """Whether a label of an AWS host is an EU Region."""
    return any(label in EU_REGIONS for label in host.split("."))
