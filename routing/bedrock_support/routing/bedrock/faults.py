"""What each fault of Bedrock, botocore and the network means to the router. Imported only inside a worker thread.

Words are ours throughout: AWS's own messages may repeat parts of a request, so they are read but never shown.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore import exceptions as boto
from botocore.eventstream import ParserError as FrameError
from botocore.parsers import ResponseParserError
from urllib3 import exceptions as http

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
_LATE = (boto.ReadTimeoutError, http.ReadTimeoutError)
_NO_CONNECTION = (boto.EndpointConnectionError, boto.ConnectTimeoutError, boto.SSLError, boto.ProxyConnectionError)
_BROKEN = (boto.ConnectionClosedError, boto.HTTPClientError, http.HTTPError, OSError)
_GARBLED = (FrameError, ResponseParserError, AttributeError, LookupError, TypeError, ValueError)


def translate(error: Exception, *, answering: bool) -> RouteError:
    """The RouteError for whatever botocore or urllib3 raised; `answering` once a stream has begun to arrive."""
    if isinstance(error, RouteError):
        return error
    if isinstance(error, boto.ClientError):
        return _refused(error)
    name = type(error).__name__
    if isinstance(error, CREDENTIALS):
        mend = _MENDS.get(type(error), CREDENTIALS_MEND)
        return RouteError(FailureKind.UNCONFIGURED, f"the AWS credentials cannot be used ({name})", mend=mend)
    if isinstance(error, boto.ParamValidationError):
        return RouteError(FailureKind.INVALID_REQUEST, f"the request does not fit Bedrock's rules ({name})")
    if isinstance(error, _LATE):
        return RouteError(FailureKind.TIMEOUT, f"Bedrock fell silent ({name})")
    if isinstance(error, _NO_CONNECTION):
        return RouteError(FailureKind.CONNECTION, f"no connection to Bedrock ({name})")
    if isinstance(error, _BROKEN):
        if answering:
            return RouteError(FailureKind.STREAM_CUT, f"the connection broke during the answer ({name})")
        return RouteError(FailureKind.CONNECTION, f"the connection broke before the answer ({name})")
    if isinstance(error, _GARBLED):
        return RouteError(FailureKind.BAD_REPLY, f"Bedrock's reply cannot be read ({name})")
    return RouteError(FailureKind.UNAVAILABLE, f"asking Bedrock failed ({name})")


def _refused(error: boto.ClientError) -> RouteError:
    reply: Mapping[str, Any] = error.response
    about: Mapping[str, Any] = reply.get("ResponseMetadata", {})
    code = str(reply.get("Error", {}).get("Code", ""))
    # An exception frame shows the status 400 whatever it is, so there its name alone counts.
    status = None if isinstance(error, boto.EventStreamError) else about.get("HTTPStatusCode")
    fault = _fault(code, status)
    if fault is _INVALID:
        text = str(reply.get("Error", {}).get("Message", ""))
        fault = next((better for pattern, better in _REASONS if pattern.search(text)), fault)
    facts = [code if re.fullmatch(r"[A-Za-z]{1,64}", code) else "unnamed error"]
    if status:
        facts.append(f"HTTP {status}")
    return RouteError(
        fault.kind,
        f"{fault.sentence} ({', '.join(facts)})",
        mend=fault.mend,
        retry_after=retry_after(about.get("HTTPHeaders", {})),
    )


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
