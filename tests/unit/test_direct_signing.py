"""Our signatures are botocore's."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import quote

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from bedrock_support.routing.bedrock.signing import KeyPair, Signer
from tests.promises import promise

SIGNER = Signer("eu-central-1", "bedrock")
TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)


@promise("direct:signed")
@given(
    body=st.binary(max_size=300),
    model=st.text(st.characters(codec="utf-8"), min_size=1, max_size=60),
    secret=TEXT,
    token=st.one_of(st.just(""), TEXT),
    host=st.sampled_from(["https://a.example", "https://a.example:443", "http://[::1]:8080", "http://127.0.0.1:80"]),
    at=st.integers(0, 4_000_000_000),
)
def test_a_signature_is_the_one_that_botocore_makes(
    body: bytes, model: str, secret: str, token: str, host: str, at: int
) -> None:
    url = f"{host}/model/{quote(model, safe='')}/converse"
    given_headers = {"Content-Type": "application/json"}
    ours = SIGNER.headers(KeyPair("AKIAEXAMPLE", secret, token), url, body, given_headers, at)
    stamp = datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%SZ")
    request = AWSRequest("POST", url, headers={**given_headers, "X-Amz-Date": stamp}, data=body)
    if token:
        request.headers["X-Amz-Security-Token"] = token
    request.context["timestamp"] = stamp
    theirs = SigV4Auth(Credentials("AKIAEXAMPLE", secret, token or None), "bedrock", "eu-central-1")
    wanted = theirs.signature(theirs.string_to_sign(request, theirs.canonical_request(request)), request)
    assert ours["Authorization"].endswith(f"Signature={wanted}")
    assert ours["X-Amz-Date"] == stamp
