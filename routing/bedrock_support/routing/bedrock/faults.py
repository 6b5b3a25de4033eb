"""What each fault of Bedrock, botocore and the network means to the router. Imported with boto3, in a thread.

Words are ours throughout: AWS's own messages may repeat parts of a request, so they are read but never shown.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self, cast

import aiohttp
from botocore import exceptions as boto

from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.model import FailureKind

CREDENTIALS_MEND = (
    "set AWS_BEARER_TOKEN_BEDROCK, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or an AWS profile, "
    "or run where an IAM role is attached"
)
TLS_MEND = "a bearer token is only ever sent over https: give an https endpoint, or keys instead of the token"
PROFILE_MEND = "name a profile that ~/.aws/config holds, or none"
SIGN_IN_MEND = "renew the AWS credentials; a short-term Bedrock key lives 12 hours at most"
ACCESS_MEND = (
    "allow bedrock:InvokeModel and bedrock:InvokeModelWithResponseStream on the inference profile and on its "
    "model in every destination Region, and enable access to the model"
)
MODEL_MEND = "set a model or inference profile id that exists in the configured Region"
QUOTA_MEND = "ask AWS for a higher Bedrock quota, or lower max_tokens"


@dataclass(frozen=True, slots=True)
class Fault:
    """One row: what it is, in words that are safe to show, and how to mend it."""

    kind: FailureKind
    sentence: str
    mend: str = ""


_THROTTLED = Fault(FailureKind.THROTTLED, "Bedrock asks for fewer requests")
_NOT_READY = Fault(FailureKind.NOT_READY, "the model is not ready yet")
_UNAVAILABLE = Fault(FailureKind.UNAVAILABLE, "Bedrock is unavailable")
_INTERNAL = Fault(FailureKind.UNAVAILABLE, "Bedrock failed internally")
_TIMEOUT = Fault(FailureKind.TIMEOUT, "the model took too long for Bedrock")
_MODEL = Fault(FailureKind.MODEL_ERROR, "the model failed while it answered")
_INVALID = Fault(FailureKind.INVALID_REQUEST, "Bedrock refused the request as invalid")
_TOO_LONG = Fault(FailureKind.INVALID_REQUEST, "the brief is longer than the model's context", "shorten the evidence")
_DENIED = Fault(FailureKind.ACCESS_DENIED, "these credentials may not ask this model", ACCESS_MEND)
_SIGN_IN = Fault(FailureKind.ACCESS_DENIED, "AWS does not accept these credentials", SIGN_IN_MEND)
_NOT_FOUND = Fault(FailureKind.NOT_FOUND, "Bedrock does not know the model", MODEL_MEND)
_QUOTA = Fault(FailureKind.QUOTA, "a Bedrock quota is used up", QUOTA_MEND)

CODES: Mapping[str, Fault] = {
    "throttling": _THROTTLED,
    "toomanyrequests": _THROTTLED,
    "modelnotready": _NOT_READY,
    "serviceunavailable": _UNAVAILABLE,
    "internalserver": _INTERNAL,
    "internalfailure": _INTERNAL,
    "modeltimeout": _TIMEOUT,
    "modelerror": _MODEL,
    "modelstreamerror": _MODEL,
    "validation": _INVALID,
    "accessdenied": _DENIED,
    "resourcenotfound": _NOT_FOUND,
    "servicequotaexceeded": _QUOTA,
    "expiredtoken": _SIGN_IN,
    "unrecognizedclient": _SIGN_IN,
    "invalidsignature": _SIGN_IN,
    "invalidclienttokenid": _SIGN_IN,
    "incompletesignature": _SIGN_IN,
    "missingauthenticationtoken": _SIGN_IN,
}
"""By error code, lower case and without "Exception": in a stream the same names begin with a small letter."""

STATUSES: Mapping[int, Fault] = {
    401: _SIGN_IN,
    403: _DENIED,
    404: _NOT_FOUND,
    408: _TIMEOUT,
    424: _MODEL,
    429: _THROTTLED,
    503: _UNAVAILABLE,
    504: _TIMEOUT,
}
"""By HTTP status, for a code that is not in the table, such as a proxy's."""

_REASONS: tuple[tuple[re.Pattern[str], Fault], ...] = (
    (re.compile(r"too long|context (window|length)|too many (input )?tokens", re.I), _TOO_LONG),
    (re.compile(r"model identifier|model id|on-demand throughput|inference profile", re.I), _NOT_FOUND),
)
"""ValidationException covers several faults; its text tells them apart."""

CREDENTIALS = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
    boto.NoAuthTokenError,
    boto.TokenRetrievalError,
    boto.SSOError,
    boto.LoginError,
    boto.MetadataRetrievalError,
    boto.ProfileNotFound,
    boto.ConfigNotFound,
    boto.ConfigParseError,
    boto.InvalidConfigError,
    boto.RefreshWithMFAUnsupportedError,
    boto.InvalidEndpointConfigurationError,
)
_MENDS: Mapping[type[Exception], str] = {
    boto.ProfileNotFound: PROFILE_MEND,
    boto.InvalidEndpointConfigurationError: TLS_MEND,
}
_LATE = (aiohttp.SocketTimeoutError, boto.ReadTimeoutError)
_NO_CONNECTION = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    boto.EndpointConnectionError,
    boto.ConnectTimeoutError,
    boto.SSLError,
    boto.ProxyConnectionError,
)
_BROKEN = (aiohttp.ClientError, boto.ConnectionClosedError, boto.HTTPClientError, OSError)
_GARBLED = (AttributeError, LookupError, RecursionError, TypeError, ValueError)


class Refused(Exception):
    """Bedrock answered with an error: by status, or by a frame of a stream."""

    def __init__(self, code: str, text: str, *, status: int | None = None, wait: float | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.text = text
        """AWS's own words: read, never shown."""
        self.status = status
        """HTTP status; None for a frame, where only its name counts."""
        self.wait = wait
        """Seconds that the other side asks us to wait."""

    @classmethod
    def read(cls, status: int, headers: Mapping[str, str], body: bytes) -> Self:
        """From the answer to a request. The body may be anything: a proxy's page too."""
        try:
            told: object = json.loads(body)
        except ValueError:
            told = None
        about = cast("Mapping[str, Any]", told if isinstance(told, dict) else {})
        code = headers.get("x-amzn-errortype") or str(about.get("__type") or about.get("code") or "")
        text = str(about.get("message") or about.get("Message") or "")
        # Either may carry a namespace or an address beside the name.
        return cls(code.partition(":")[0].rpartition("#")[2], text, status=status, wait=retry_after(headers))

    @classmethod
    def frame(cls, headers: Mapping[str, Any], payload: bytes) -> Self:
        """From an exception or error frame of a stream."""
        code = headers.get(":exception-type") or headers.get(":error-code") or ""
        return cls(str(code), payload.decode(errors="replace"))


def translate(error: Exception, *, answering: bool) -> RouteError:
    """The RouteError for whatever botocore or aiohttp raised; `answering` once a stream has begun to arrive."""
    if isinstance(error, RouteError):
        return error
    if isinstance(error, Refused):
        return _refused(error)
    name = type(error).__name__
    if isinstance(error, CREDENTIALS):
        mend = _MENDS.get(type(error), CREDENTIALS_MEND)
        return RouteError(FailureKind.UNCONFIGURED, f"the AWS credentials cannot be used ({name})", mend=mend)
    if isinstance(error, _LATE):
        return RouteError(FailureKind.TIMEOUT, f"Bedrock fell silent ({name})")
    if isinstance(error, _NO_CONNECTION):
        return RouteError(FailureKind.CONNECTION, f"no connection to Bedrock ({name})")
    if isinstance(error, aiohttp.ClientPayloadError) and not answering:
        return RouteError(FailureKind.BAD_REPLY, f"Bedrock's reply ends early ({name})")
    if isinstance(error, _BROKEN):
        if answering:
            return RouteError(FailureKind.STREAM_CUT, f"the connection broke during the answer ({name})")
        return RouteError(FailureKind.CONNECTION, f"the connection broke before the answer ({name})")
    if isinstance(error, _GARBLED):
        return RouteError(FailureKind.BAD_REPLY, f"Bedrock's reply cannot be read ({name})")
    return RouteError(FailureKind.UNAVAILABLE, f"asking Bedrock failed ({name})")


def _refused(error: Refused) -> RouteError:
    fault = _fault(error.code, error.status)
    if fault is _INVALID:
        fault = next((better for pattern, better in _REASONS if pattern.search(error.text)), fault)
    facts = [error.code if re.fullmatch(r"[A-Za-z]{1,64}", error.code) else "unnamed error"]
    if error.status:
        facts.append(f"HTTP {error.status}")
    message = f"{fault.sentence} ({', '.join(facts)})"
    return RouteError(fault.kind, message, mend=fault.mend, retry_after=error.wait)


def _fault(code: str, status: int | None) -> Fault:
    known = CODES.get(code.lower().removesuffix("exception"))
    if known is not None:
        return known
    if status is None:
        return _UNAVAILABLE
    return STATUSES.get(status) or (_INVALID if 400 <= status < 500 else _UNAVAILABLE)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the other side asks us to wait; a date or nonsense counts as nothing said."""
    for header, unit in (("x-amz-retry-after", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(headers[header]) / unit
        except (KeyError, ValueError):
            continue
        if math.isfinite(seconds) and 0 <= seconds <= 86400:
            return seconds
    return None
