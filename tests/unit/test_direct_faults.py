"""The fault table: every error that botocore and aiohttp can raise, and what may be said about it."""

from __future__ import annotations

import json

import aiohttp
import pytest
from botocore import exceptions as boto

from bedrock_support.routing.bedrock.faults import CREDENTIALS_MEND, Refused, retry_after, translate
from bedrock_support.routing.bedrock.frames import FrameError
from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.model import FailureKind
from tests.promises import promise

SECRET = "wJalrXUtnFEMI-secret-in-a-message"


def refused(code: str, status: int, message: str = SECRET, **headers: str) -> Refused:
    """A refusal as it is read from an answer."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return Refused.read(status, {"x-amzn-errortype": code, **given}, json.dumps({"message": message}).encode())


@promise("direct:typed", "direct:safe-words")
@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("ThrottlingException", 429, FailureKind.THROTTLED),
        ("ModelNotReadyException", 429, FailureKind.NOT_READY),
        ("ServiceUnavailableException", 503, FailureKind.UNAVAILABLE),
        ("InternalServerException", 500, FailureKind.UNAVAILABLE),
        ("ModelTimeoutException", 408, FailureKind.TIMEOUT),
        ("ModelErrorException", 424, FailureKind.MODEL_ERROR),
        ("ModelStreamErrorException", 424, FailureKind.MODEL_ERROR),
        ("ValidationException", 400, FailureKind.INVALID_REQUEST),
        ("AccessDeniedException", 403, FailureKind.ACCESS_DENIED),
        ("ExpiredTokenException", 403, FailureKind.ACCESS_DENIED),
        ("UnrecognizedClientException", 403, FailureKind.ACCESS_DENIED),
        ("ResourceNotFoundException", 404, FailureKind.NOT_FOUND),
        ("ServiceQuotaExceededException", 400, FailureKind.QUOTA),
        ("<html>" + SECRET, 502, FailureKind.UNAVAILABLE),
        ("SomethingNew", 429, FailureKind.THROTTLED),
        ("SomethingNew", 401, FailureKind.ACCESS_DENIED),
        ("SomethingNew", 418, FailureKind.INVALID_REQUEST),
        ("504", 504, FailureKind.TIMEOUT),
    ],
)
def test_every_refusal_has_its_kind(code: str, status: int, kind: FailureKind) -> None:
    failure = translate(refused(code, status), answering=False)
    assert failure.kind is kind
    assert SECRET not in str(failure)
    assert f"HTTP {status}" in str(failure)


@promise("direct:frame-kind")
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("throttlingException", FailureKind.THROTTLED),
        ("modelStreamErrorException", FailureKind.MODEL_ERROR),
        ("internalServerException", FailureKind.UNAVAILABLE),
        ("serviceUnavailableException", FailureKind.UNAVAILABLE),
        ("validationException", FailureKind.INVALID_REQUEST),
        ("", FailureKind.UNAVAILABLE),
    ],
)
def test_a_frame_is_known_by_its_name_and_not_by_status_400(code: str, kind: FailureKind) -> None:
    error = Refused.frame({":message-type": "exception", ":exception-type": code}, b'{"message": "x"}')
    assert translate(error, answering=True).kind is kind


@pytest.mark.parametrize(
    ("headers", "body", "code"),
    [
        ({"x-amzn-errortype": "ThrottlingException:http://internal.amazon.com/"}, b"", "ThrottlingException"),
        ({}, b'{"__type": "com.amazon.coral#ThrottlingException"}', "ThrottlingException"),
        ({}, b'{"code": "ThrottlingException"}', "ThrottlingException"),
        ({}, b"[]", ""),
        ({}, b'{"__type": 5', ""),
        ({}, b"\xff", ""),
    ],
)
def test_the_name_of_an_error_is_found_wherever_it_stands(headers: dict[str, str], body: bytes, code: str) -> None:
    assert Refused.read(400, headers, body).code == code


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Input is too long for requested model.", FailureKind.INVALID_REQUEST),
        ("The provided model identifier is invalid.", FailureKind.NOT_FOUND),
        ("Invocation of model ID x with on-demand throughput isn't supported.", FailureKind.NOT_FOUND),
    ],
)
def test_a_validation_error_is_told_apart_by_its_text(message: str, kind: FailureKind) -> None:
    failure = translate(refused("ValidationException", 400, message), answering=False)
    assert failure.kind is kind
    assert failure.failure.mend


@promise("direct:typed", "direct:safe-words")
@pytest.mark.parametrize(
    ("error", "answering", "kind"),
    [
        (boto.NoCredentialsError(), False, FailureKind.UNCONFIGURED),
        (boto.PartialCredentialsError(provider="env", cred_var=SECRET), False, FailureKind.UNCONFIGURED),
        (boto.ProfileNotFound(profile=SECRET), False, FailureKind.UNCONFIGURED),
        (boto.ReadTimeoutError(endpoint_url=SECRET), False, FailureKind.TIMEOUT),
        (boto.ConnectTimeoutError(endpoint_url=SECRET), False, FailureKind.CONNECTION),
        (boto.EndpointConnectionError(endpoint_url=SECRET), False, FailureKind.CONNECTION),
        (boto.SSLError(endpoint_url=SECRET, error=ValueError(SECRET)), False, FailureKind.CONNECTION),
        (boto.ConnectionClosedError(endpoint_url=SECRET), False, FailureKind.CONNECTION),
        (boto.HTTPClientError(error=ValueError(SECRET)), False, FailureKind.CONNECTION),
        (aiohttp.ClientPayloadError(SECRET), True, FailureKind.STREAM_CUT),
        (aiohttp.ClientPayloadError(SECRET), False, FailureKind.BAD_REPLY),
        (aiohttp.ServerDisconnectedError(SECRET), False, FailureKind.CONNECTION),
        (aiohttp.SocketTimeoutError(SECRET), False, FailureKind.TIMEOUT),
        (aiohttp.ConnectionTimeoutError(SECRET), False, FailureKind.CONNECTION),
        (ConnectionResetError(SECRET), True, FailureKind.STREAM_CUT),
        (FrameError(SECRET), True, FailureKind.BAD_REPLY),
        (KeyError(SECRET), False, FailureKind.BAD_REPLY),
        (ZeroDivisionError(SECRET), False, FailureKind.UNAVAILABLE),
        (boto.UnknownServiceError(service_name=SECRET, known_service_names=""), False, FailureKind.UNAVAILABLE),
    ],
)
def test_every_exception_has_its_kind_and_shows_only_its_type(
    error: Exception, answering: bool, kind: FailureKind
) -> None:
    failure = translate(error, answering=answering)
    assert failure.kind is kind
    assert SECRET not in str(failure)
    assert type(error).__name__ in str(failure)


def test_a_route_error_stays_what_it_is() -> None:
    error = RouteError(FailureKind.QUOTA, "used up")
    assert translate(error, answering=True) is error


def test_missing_credentials_say_what_to_set() -> None:
    assert translate(boto.NoCredentialsError(), answering=False).failure.mend == CREDENTIALS_MEND


@promise("direct:retry-after")
def test_retry_after_is_passed_on() -> None:
    assert translate(refused("ThrottlingException", 429, retry_after="3"), answering=False).failure.retry_after == 3.0
    assert retry_after({"x-amz-retry-after": "1500"}) == 1.5
    assert retry_after({"x-amz-retry-after": "soon", "retry-after": "2.5"}) == 2.5


@pytest.mark.parametrize("value", ["-1", "nan", "inf", "1e9", "Wed, 21 Oct 2026 07:28:00 GMT", ""])
def test_a_senseless_retry_after_counts_as_none(value: str) -> None:
    assert retry_after({"retry-after": value}) is None
