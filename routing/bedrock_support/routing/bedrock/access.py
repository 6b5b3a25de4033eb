"""Who we are to Bedrock and where it is, as boto3 finds it. Imported only in a thread: boto3 costs 0.3 s to import."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.config import Config
from botocore.endpoint import EndpointCreator
from botocore.httpsession import ProxyConfiguration, get_cert_path
from botocore.tokens import ScopedEnvTokenProvider

from bedrock_support.routing.bedrock.faults import CREDENTIALS_MEND, TLS_MEND
from bedrock_support.routing.bedrock.places import check_place, check_profiles
from bedrock_support.routing.bedrock.settings import BedrockSettings
from bedrock_support.routing.bedrock.signing import KeyPair, Signer
from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.model import FailureKind

_METADATA_SECONDS = 1
_ENDING_SECONDS = 60
_SERVICE = "bedrock"
"""The name that requests to bedrock-runtime are signed for."""


class Keys:
    """AWS keys that sign a request. Those of a role end and are renewed, which may block."""

    def __init__(self, credentials: Any, region: str) -> None:
        self._credentials = credentials
        self._signer = Signer(region, _SERVICE)
        self._keys = _frozen(credentials)

    @property
    def stale(self) -> bool:
        """Whether new keys are to be had by `renew`. botocore wants them a quarter of an hour before the old end."""
        wanted = getattr(self._credentials, "refresh_needed", None)
        return wanted is not None and bool(wanted())

    @property
    def ending(self) -> bool:
        """Whether they end within a minute: too soon to sign with."""
        return self.stale and bool(self._credentials.refresh_needed(_ENDING_SECONDS))

    def renew(self) -> None:
        """Fetch new keys; blocks. Raises what botocore raises when they can't be had."""
        self._keys = _frozen(self._credentials)

    def headers(self, url: str, body: bytes, given: Mapping[str, str], now: float) -> dict[str, str]:
        """The given headers with those that sign the request. `now` is Unix seconds."""
        return self._signer.headers(self._keys, url, body, given, now)


def _frozen(credentials: Any) -> KeyPair:
    found = credentials.get_frozen_credentials()
    return KeyPair(found.access_key, found.secret_key, found.token or "")


class Token:
    """A Bedrock API key. It is sent as it is, so it travels over https only."""

    stale = ending = False
    """It stays as the environment has it."""

    def __init__(self, token: str) -> None:
        self._token = token

    def renew(self) -> None:
        """Nothing to renew."""

    def headers(self, url: str, body: bytes, given: Mapping[str, str], now: float) -> dict[str, str]:
        """The given headers with the token."""
        del now  # a token isn't tied to a moment
        if not url.startswith("https:"):
            raise RouteError(FailureKind.UNCONFIGURED, "the bearer token would travel in the clear", mend=TLS_MEND)
        return {**given, "Authorization": f"Bearer {self._token}"}


@dataclass(frozen=True, slots=True)
class Access:
    """All that is needed to ask."""

    signer: Keys | Token
    url: str
    """Scheme, host and port, without a slash at the end."""
    host: str
    port: int
    found: str
    """Where the credentials came from, as boto3 names it."""
    tls: ssl.SSLContext
    proxy: str | None
    agent: str
    """How we name ourselves to the other side."""


def build(settings: BedrockSettings) -> Access:
    """Resolve credentials and the endpoint; asks no model. Raises RouteError when there are no credentials."""
    core = botocore.session.Session(profile=settings.profile)
    # For the STS and SSO clients of the credential chain: nothing here may be tried twice behind the router's back.
    core.set_default_client_config(
        Config(
            connect_timeout=settings.connect_timeout,
            read_timeout=settings.read_timeout,
            retries={"total_max_attempts": 1},
        )
    )
    # Off EC2 nobody answers there: without these a first call would hang.
    core.set_config_variable("metadata_service_timeout", _METADATA_SECONDS)
    core.set_config_variable("metadata_service_num_attempts", 1)
    signer, found = _signer(core, settings.region)
    if isinstance(signer, Token):
        # It needs no role: spare it the wait for a metadata service that may not be there.
        core.get_component("credential_provider").remove("iam-role")
    url, verify, proxies = _endpoint(core, settings)
    if settings.stay:
        check_profiles(core, settings.models.values(), settings.region)
    if settings.guardrail is not None:
        check_place(core, settings.guardrail, settings.region)
    address = urlsplit(url)
    return Access(
        signer=signer,
        url=url,
        host=address.hostname or "",
        port=address.port or (443 if address.scheme == "https" else 80),
        found=found,
        tls=ssl.create_default_context(cafile=get_cert_path(verify)),
        proxy=ProxyConfiguration(proxies).proxy_url_for(url),
        agent=f"bedrock-support/{version('bedrock-support')} boto3/{boto3.__version__}",
    )


def _endpoint(core: Any, settings: BedrockSettings) -> tuple[str, Any, dict[str, str]]:
    """The endpoint, the file of trusted certificates or True for botocore's own, and proxies by scheme."""
    session: Any = boto3.Session(botocore_session=core)  # its stubs know every service but by unknown types
    client = session.client("bedrock-runtime", region_name=settings.region, endpoint_url=settings.endpoint_url)
    told: dict[str, Any] = {}

    def take(**wanted: Any) -> None:
        told.update(wanted)

    try:
        # The place where botocore reads AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE, the profile and the proxies' variables for
        # the HTTP session that it makes; ours is made from the same.
        EndpointCreator(core.get_component("event_emitter")).create_endpoint(
            client.meta.service_model,
            region_name=client.meta.region_name,
            endpoint_url=client.meta.endpoint_url,
            verify=core.get_config_variable("ca_bundle"),
            http_session_cls=take,  # pyright: ignore[reportArgumentType] - called as the class would be
        )
        return str(client.meta.endpoint_url).rstrip("/"), told["verify"], told["proxies"]
    finally:
        client.close()


def _signer(core: Any, region: str) -> tuple[Keys | Token, str]:
    # Not get_auth_token: that may find the token of an SSO session, which opens other doors than Bedrock's.
    token: Any = ScopedEnvTokenProvider(core).load_token(signing_name=_SERVICE)
    if token is not None:
        return Token(token.token), "bearer token"
    credentials = core.get_credentials()
    if credentials is None:
        raise RouteError(FailureKind.UNCONFIGURED, "no AWS credentials were found", mend=CREDENTIALS_MEND)
    return Keys(credentials, region), str(credentials.method)
