"""Where AWS may process EU data: rules as data, and the three questions asked of them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from bedrock_support.routing.model import Residency

EU_REGIONS = frozenset({"eu-central-1", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-3"})
"""An explicit list: the prefix `eu-` also covers London (eu-west-2) and Zurich (eu-central-2)."""

EU_PROFILE = "eu"
"""Its requests stay in EU_REGIONS, says AWS; those of every other geography may not."""
_PROFILE = re.compile(
    r"(?:^|/)([a-z]{2}(?:-[a-z]{1,20}){0,3}|[a-z]{3,4}(?=\.[a-z][a-z0-9-]{0,63}\.[a-z])|global|apac|emea|amer|latam)\.",
    re.ASCII,
)
"""A geography before the provider's name: two letters, up to four before a provider and a model, or a longer one.

No provider has a name of two letters. Source: the patterns of model ids in botocore's model of Bedrock.
"""
_REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]{1,20}){1,3}-\d", re.ASCII)
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_AWS = (
    ".amazonaws.com",
    ".api.aws",
    ".on.aws",
    ".amazonaws.com.cn",
    ".api.amazonwebservices.com.cn",
    ".c2s.ic.gov",
    ".sc2s.sgov.gov",
    ".cloud.adc-e.uk",
    ".csp.hci.ic.gov",
)
"""Ends of AWS's hosts in every partition but the European one (endpoints.json of botocore)."""
_ARN_REGION = 3
_ARN_PARTS = 6


@lru_cache(maxsize=64)
def forbids(
    residency: Residency, *, region: str, endpoint_url: str | None, models: frozenset[str], guardrail: str = ""
) -> str | None:
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
    if guardrail and (problem := foreign_guardrail(residency, guardrail)):
        return problem
    if endpoint_url is not None:
        return foreign_endpoint(endpoint_url)
    return None


def foreign_guardrail(residency: Residency, guardrail: str, profile: str = "") -> str | None:
    """Why a guardrail, or the cross-Region profile that it uses, may take data out of the EU, or None.

    An id without an ARN is of the Region that is asked. Source: AWS documentation of guardrails and their profiles.
    """
    if residency is Residency.ANY:
        return None
    if guardrail.startswith("arn:") and _arn_region(guardrail) not in EU_REGIONS:
        return f"guardrail {guardrail} lies outside the EU regions"
    if not profile:
        return None
    named = _PROFILE.search(profile)
    if named is None or named[1] != EU_PROFILE:
        return f"guardrail {guardrail} uses the cross-Region profile {profile}, which may leave the EU"
    if profile.startswith("arn:") and _arn_region(profile) not in EU_REGIONS:
        return f"guardrail profile {profile} lies outside the EU regions"
    return None


def _arn_region(arn: str) -> str:
    parts = arn.split(":")
    return parts[_ARN_REGION] if len(parts) >= _ARN_PARTS else ""


def _foreign_model(model: str) -> str | None:
    if (found := _PROFILE.search(model)) and found[1] != EU_PROFILE:
        return f"model {model} uses the inference profile {found[1]}., which may leave the EU; use an eu. profile"
    if model.startswith("arn:") and _arn_region(model) not in EU_REGIONS:
        return f"model {model} lies outside the EU regions"
    return None


def foreign_endpoint(endpoint_url: str) -> str | None:
    """Why an endpoint of AWS's may not be asked under EU residency, or None."""
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
    ours = host.endswith(_AWS)
    if residency is Residency.ANY or not ours or _names_eu(host):
        return None
    return f"residency eu: {host} is an AWS host outside the EU regions {', '.join(sorted(EU_REGIONS))}"


def eu_target(url: str) -> bool:
    """Whether a URL names an AWS host in an EU Region: of any other nothing is known."""
    host = (urlsplit(url).hostname or "").lower()
    return host.endswith(_AWS) and _names_eu(host)


def abroad(residency: Residency, client: Any) -> str | None:
    """Why a client of boto3's may not be used under this residency, or None: the environment may point it anywhere."""
    if residency is Residency.ANY:
        return None
    problem = foreign_endpoint(str(client.meta.endpoint_url))
    return None if problem is None else f"residency eu: {problem}"


def _names_eu(host: str) -> bool:
    """Whether an AWS host names Regions and all of them are in the EU: a bucket's or a stage's name proves nothing."""
    named = [label for label in host.split(".") if _REGION.fullmatch(label)]
    return bool(named) and EU_REGIONS.issuperset(named)
