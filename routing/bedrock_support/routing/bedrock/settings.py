"""What the direct route can be told: where Bedrock is, which model plays which role, how long to wait."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from types import MappingProxyType
from urllib.parse import urlsplit

from bedrock_support.routing.bedrock.guardrail import GuardrailSettings
from bedrock_support.routing.model import ModelRole

_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._/-]{0,2047}")


def _models() -> Mapping[ModelRole, str]:
    # EU inference profiles only. One family for all roles, so that a brief reads the same in each.
    # FAST: Haiku 5.5 is the Claude of the table that need not think first, so a short answer fits the 5 s class,
    # and it has one undisputed price, while the table gives none for Nova Lite.
    # STANDARD and DEEP: always think, which 15 s and more can bear; Opus costs twice what Sonnet does.
    return MappingProxyType(
        {
            ModelRole.FAST: "eu.anthropic.claude-haiku-5-5",
            ModelRole.STANDARD: "eu.anthropic.claude-sonnet-5-5",
            ModelRole.DEEP: "eu.anthropic.claude-opus-5-5",
        }
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BedrockSettings:
    """Settings of the direct route. Raises ValueError with field, value and mend for one that cannot work."""

    region: str = "eu-central-1"
    endpoint_url: str | None = None
    """Another address than the Region's own: a VPC endpoint, or a sandbox on this machine."""
    profile: str | None = None
    """Named profile of the shared AWS configuration; None for boto3's own chain."""
    models: Mapping[ModelRole, str] = field(default_factory=_models)
    """Model or inference profile id for each role; a role left out keeps its default."""
    concurrency: int = 64
    """Calls at once.

    The limiter and the connection pool share it, so that no call pays a TLS handshake twice.
    """
    connect_timeout: float = 2.0
    """Seconds for one TCP connection with its TLS handshake."""
    read_timeout: float = 65.0
    """Seconds for one socket read; only the net below the deadline, for a thread that could not be cut."""
    first_token_timeout: float = 20.0
    """Seconds from asking to the first piece of a streamed answer."""
    inter_token_timeout: float = 10.0
    """Seconds between two frames of a streamed answer."""
    stay: bool = False
    """Whether an application inference profile must be asked for its Regions, and they must lie in the EU."""
    guardrail: GuardrailSettings | None = None
    """Bedrock guardrail that every question passes; None for none."""

    def __post_init__(self) -> None:
        if not _REGION.fullmatch(self.region):
            raise ValueError(f"region is {self.region!r}; give an AWS Region such as eu-central-1")
        if self.endpoint_url is not None:
            _check_endpoint(self.endpoint_url)
        if self.profile is not None and not self.profile.strip():
            raise ValueError("profile is blank; leave it out or name a profile of ~/.aws/config")
        object.__setattr__(self, "models", MappingProxyType({**_models(), **self.models}))
        for role, model in self.models.items():
            if not _MODEL.fullmatch(model):
                raise ValueError(f"models[{role}] is {model!r}; give a model or inference profile id")
        if not 1 <= self.concurrency <= 1024:
            raise ValueError(f"concurrency is {self.concurrency}; give 1 to 1024")
        for name in ("connect_timeout", "read_timeout", "first_token_timeout", "inter_token_timeout"):
            seconds: float = getattr(self, name)
            if not 0 < seconds <= 600:
                raise ValueError(f"{name} is {seconds}; give seconds above 0 and up to 600")


def _check_endpoint(url: str) -> None:
    # The value itself stays out of the message when it may hold a password.
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        host = None
        parts = urlsplit("")
    if parts.username is not None or parts.password is not None or parts.query:
        raise ValueError("endpoint_url holds a user, a password or a query; give scheme, host and port alone")
    if parts.scheme not in {"http", "https"} or not host:
        raise ValueError(f"endpoint_url is {url!r}; give https://host[:port]")
    if parts.scheme == "http" and not _is_loopback(host):
        raise ValueError(f"endpoint_url is {url!r}, which would send briefs in the clear; give https://, or a loopback")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
