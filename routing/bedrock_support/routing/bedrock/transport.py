"""The boto3 client and its connections. Imported only inside a worker thread: boto3 costs 0.3 s to import."""

from __future__ import annotations

import logging
import socket
from contextlib import suppress
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.awsrequest import AWSHTTPConnection, AWSHTTPSConnection
from botocore.config import Config
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from bedrock_support.routing.bedrock.call import CURRENT, Call, CallCut
from bedrock_support.routing.bedrock.faults import CREDENTIALS_MEND
from bedrock_support.routing.bedrock.settings import BedrockSettings
from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.model import FailureKind

if TYPE_CHECKING:
    from types_boto3_bedrock_runtime.client import BedrockRuntimeClient

_log = logging.getLogger(__name__)

_METADATA_SECONDS = 1
_POOLS = attrgetter("_endpoint.http_session._pool_classes_by_scheme")
"""The table of pool classes that botocore's HTTP session shares with its proxy managers."""


@dataclass(frozen=True, slots=True)
class Transport:
    """A client that is ready to be asked."""

    client: BedrockRuntimeClient
    host: str
    port: int
    found: str
    """Where the credentials came from, as boto3 names it."""
    cuttable: bool
    """False when botocore has changed so much that a hanging socket can only wait for its read timeout."""


def build(settings: BedrockSettings) -> Transport:
    """Resolve credentials and make the client; asks no model. Raises RouteError when there are no credentials."""
    timeouts = Config(
        connect_timeout=settings.connect_timeout,
        read_timeout=settings.read_timeout,
        # The router alone retries; a second layer would multiply attempts and outlive deadlines.
        retries={"total_max_attempts": 1},
        max_pool_connections=settings.concurrency,
        tcp_keepalive=True,
    )
    core = botocore.session.Session(profile=settings.profile)
    # As a default it holds for the STS and SSO clients of the credential chain too.
    core.set_default_client_config(timeouts)
    # Off EC2 nobody answers there: without these a first call would hang.
    core.set_config_variable("metadata_service_timeout", _METADATA_SECONDS)
    core.set_config_variable("metadata_service_num_attempts", 1)
    found = _credentials(core)
    session: Any = boto3.Session(botocore_session=core)  # its stubs know every service but by unknown types
    client: BedrockRuntimeClient = session.client(
        "bedrock-runtime", region_name=settings.region, endpoint_url=settings.endpoint_url
    )
    address = urlsplit(client.meta.endpoint_url)
    return Transport(
        client=client,
        host=address.hostname or "",
        port=address.port or (443 if address.scheme == "https" else 80),
        found=found,
        cuttable=_watch_connections(client),
    )


def _credentials(core: Any) -> str:
    token = core.get_auth_token(signing_name="bedrock")
    if token is not None:
        # A bearer token needs no role: spare it the wait for a metadata service that may not be there.
        core.get_component("credential_provider").remove("iam-role")
        return "bearer token"
    credentials = core.get_credentials()
    if credentials is None:
        raise RouteError(FailureKind.UNCONFIGURED, "no AWS credentials were found", mend=CREDENTIALS_MEND)
    return str(credentials.method)


def _watch_connections(client: BedrockRuntimeClient) -> bool:
    try:
        pools: dict[str, Any] = _POOLS(client)
        pools.update(http=_Pool, https=_TLSPool)
    except AttributeError:
        _log.warning("this botocore keeps its connection pools elsewhere: cancelled calls end at their read timeout")
        return False
    return True


def _shut(line: socket.socket | None) -> None:
    if line is not None:
        # Not SSLSocket.shutdown: it forgets the TLS layer first, and a writer could then send in the clear.
        with suppress(OSError):
            socket.socket.shutdown(line, socket.SHUT_RDWR)


class _Cuttable:
    """What both sorts of connection can do for the call that holds them."""

    call: Call | None = None
    # Kept apart from .sock, which http.client forgets when the reply says "Connection: close".
    line: socket.socket | None = None

    def cut(self) -> None:
        _shut(self.line)

    def hurry(self, seconds: float) -> None:
        if self.line is not None:
            self.line.settimeout(seconds)


class _Connection(_Cuttable, AWSHTTPConnection):
    def connect(self) -> None:
        super().connect()
        self.line = self.sock
        if self.call is not None and self.call.cut:
            raise CallCut


class _TLSConnection(_Cuttable, AWSHTTPSConnection):
    def _new_conn(self) -> socket.socket:
        plain = super()._new_conn()
        # Wrapping in TLS detaches the plain socket, so a hanging handshake can be cut only by a second handle.
        self.line = plain.dup()
        return plain

    def connect(self) -> None:
        try:
            super().connect()
        finally:
            handle, self.line = self.line, self.sock
            if handle is not None:
                handle.close()
        if self.call is not None and self.call.cut:
            raise CallCut


class _Pool(HTTPConnectionPool):
    """Tells each call which connection it holds, and takes back only clean ones."""

    ConnectionCls = _Connection  # pyright: ignore[reportAssignmentType] - as botocore's own pools do

    def _get_conn(self, timeout: float | None = None) -> Any:
        return _taken(super()._get_conn(timeout))

    def _put_conn(self, conn: Any) -> None:
        super()._put_conn(_given_back(conn))


class _TLSPool(HTTPSConnectionPool):
    """The same over TLS."""

    ConnectionCls = _TLSConnection  # pyright: ignore[reportAssignmentType] - as botocore's own pools do

    def _get_conn(self, timeout: float | None = None) -> Any:
        return _taken(super()._get_conn(timeout))

    def _put_conn(self, conn: Any) -> None:
        super()._put_conn(_given_back(conn))


def _taken(conn: Any) -> Any:
    call = CURRENT.get()
    conn.call = call
    if call is not None:
        try:
            call.hold(conn)
        except CallCut:
            conn.close()
            raise
    return conn


def _given_back(conn: Any) -> Any:
    if conn is None:
        return None
    call: Call | None = conn.call
    conn.call = None
    if call is not None and not call.let_go():
        conn.close()
    return conn
