"""How the direct client comes to life: cold import, one client, and every state of the credentials."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import anyio
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials, RefreshableCredentials

from bedrock_support.routing import direct_bedrock
from bedrock_support.routing.bedrock import access
from bedrock_support.routing.bedrock.settings import BedrockSettings
from bedrock_support.routing.direct_bedrock import DirectBedrockClient
from bedrock_support.routing.model import FailureKind, Health, ModelRole, RouteName, Usage
from tests.direct_rig import CLOCK, certificate, direct, failure_of, http, no_credentials, operation, peer, with_keys
from tests.promises import promise

pytestmark = pytest.mark.anyio


class Hands:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> float:
        return CLOCK.now() + self.ahead

    def wall(self) -> float:
        return CLOCK.wall()


@promise("direct:cold")
def test_importing_and_making_the_client_loads_no_boto() -> None:
    program = (
        "import sys\n"
        "from bedrock_support.routing.direct_bedrock import *\n"
        "from bedrock_support.routing.clock import SystemClock\n"
        "client = DirectBedrockClient(BedrockSettings(), SystemClock())\n"
        "client.condition()\n"
        "slow = {'aiohttp', 'boto3', 'botocore', 'urllib3'}\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & slow))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@promise("direct:built-once", "direct:off-loop")
async def test_first_calls_at_once_make_one_client(monkeypatch: pytest.MonkeyPatch) -> None:
    with_keys(monkeypatch)
    made: list[access.Access] = []

    def build(settings: BedrockSettings) -> access.Access:
        made.append(real(settings))
        return made[-1]

    real = access.build
    monkeypatch.setattr(access, "build", build)
    with peer(http()) as server:
        async with direct(server.url) as client:
            assert client.condition().health is Health.UNKNOWN
            async with anyio.create_task_group() as group:
                for _ in range(8):
                    group.start_soon(client.send, operation())
            assert len(made) == 1
            assert client.condition().note == "credentials found: env"


@promise("direct:unconfigured")
async def test_without_credentials_nobody_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    no_credentials(monkeypatch, tmp_path)
    with peer(http()) as server:
        async with direct(server.url) as client:
            assert client.name is RouteName.DIRECT
            async with anyio.create_task_group() as group:
                for _ in range(4):
                    group.start_soon(failure_of, client, operation())
            failure = await failure_of(client, operation())
            assert failure.kind is FailureKind.UNCONFIGURED
            assert "AWS_BEARER_TOKEN_BEDROCK" in failure.failure.mend
            assert client.condition().health is Health.UNCONFIGURED
            assert client.condition().note == failure.failure.mend
            assert server.accepted == 0


@promise("direct:unconfigured")
async def test_an_unknown_profile_names_its_mend(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    no_credentials(monkeypatch, tmp_path)
    async with direct("http://127.0.0.1:9", profile="nobody") as client:
        condition = await client.check()
        assert condition.health is Health.UNCONFIGURED
        assert "profile" in condition.note


@promise("direct:seen-later")
async def test_credentials_that_appear_are_seen_after_half_a_minute(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    no_credentials(monkeypatch, tmp_path)
    clock = Hands()
    looks: list[object] = []
    real = access.build

    def build(settings: BedrockSettings) -> access.Access:
        looks.append(settings)
        return real(settings)

    monkeypatch.setattr(access, "build", build)
    client = DirectBedrockClient(BedrockSettings(endpoint_url="http://127.0.0.1:9"), clock)
    assert (await client.check()).health is Health.UNCONFIGURED
    with_keys(monkeypatch)
    assert (await client.check()).health is Health.UNCONFIGURED
    assert len(looks) == 1
    clock.ahead = direct_bedrock.RECHECK_SECONDS
    # By now nobody knows, so that a router gives the route the call by which it looks again.
    assert client.condition().health is Health.UNKNOWN
    assert (await client.check()).note == "credentials found: env"
    await client.aclose()
    assert client.condition().health is Health.UNCONFIGURED


async def test_refused_credentials_are_read_again_after_half_a_minute(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    no_credentials(monkeypatch, tmp_path)
    with_keys(monkeypatch)
    clock = Hands()
    expired = http({"message": "expired"}, "403 Forbidden", "x-amzn-ErrorType: ExpiredTokenException\r\n")
    with peer(expired) as server:
        client = DirectBedrockClient(BedrockSettings(endpoint_url=server.url), clock)
        assert (await failure_of(client, operation())).kind is FailureKind.ACCESS_DENIED
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "RENEWED")
        for ahead in (0, direct_bedrock.RECHECK_SECONDS):
            clock.ahead = ahead
            assert (await failure_of(client, operation(5 + ahead))).kind is FailureKind.ACCESS_DENIED
        server.reply = http()
        assert (await client.send(operation(5 + clock.ahead))).text == "Because."
        await client.aclose()
    assert [b"RENEWED" in request for request in server.requests] == [False, False, False, True]


@promise("direct:bearer")
async def test_a_bearer_token_is_enough(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    no_credentials(monkeypatch, tmp_path)
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")  # with a token in hand no role is looked for
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "bedrock-api-key-example")
    tls, trusted = certificate(tmp_path)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(trusted))
    with peer(http(), tls=tls) as server:
        async with direct(server.url) as client:
            assert (await client.send(operation())).text == "Because."
            assert b"Authorization: Bearer bedrock-api-key-example" in server.requests[0]
            assert client.condition().note == "credentials found: bearer token"


@promise("direct:bearer")
async def test_a_bearer_token_never_travels_in_the_clear(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    no_credentials(monkeypatch, tmp_path)
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "bedrock-api-key-example")
    with peer(http()) as server:
        async with direct(server.url) as client:
            failure = await failure_of(client, operation())
            assert failure.kind is FailureKind.UNCONFIGURED
            assert "https" in failure.failure.mend
            assert server.accepted == 0


@promise("direct:count")
async def test_tokens_are_counted_or_estimated(monkeypatch: pytest.MonkeyPatch) -> None:
    with_keys(monkeypatch)
    with peer(http({"inputTokens": 42})) as server:
        async with direct(server.url) as client:
            assert await client.count_tokens(operation()) == Usage(input_tokens=42)
            assert b"/count-tokens " in server.requests[0]
            server.reply = http({"message": "not for this model"}, "400 Bad Request")
            counted = await client.count_tokens(operation())
            assert counted.estimated
            assert counted.input_tokens > 0


@promise("direct:renewed", "direct:off-loop")
async def test_keys_that_end_are_renewed_off_the_loop_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    renewals: list[int] = []

    def renew() -> dict[str, str]:
        renewals.append(1)
        gate.wait(5)
        return keys_until(hours=6)

    def keys_until(*, hours: float) -> dict[str, str]:
        end = datetime.now(UTC) + timedelta(hours=hours)
        number = len(renewals)
        return {
            "access_key": f"AKIAEXAMPLE{number}",
            "secret_key": "not-a-secret",
            "token": f"session-{number}",
            "expiry_time": end.isoformat(),
        }

    # within a quarter of an hour of their end botocore wants new ones, and still lends the old
    role = RefreshableCredentials.create_from_metadata(keys_until(hours=0.2), renew, "assume-role")

    def credentials(_session: object) -> RefreshableCredentials:
        return role

    monkeypatch.setattr("botocore.session.Session.get_credentials", credentials)
    with peer(http()) as server:
        async with direct(server.url) as client:
            assert (await failure_of(client, operation(0.5))).kind is FailureKind.TIMEOUT, "still being renewed"
            async with anyio.create_task_group() as group:
                for _ in range(4):
                    group.start_soon(client.send, operation())
                await anyio.sleep(0.05)
                gate.set()
            assert len(renewals) == 1
            assert client.condition().note == "credentials found: assume-role"
            role._expiry_time = datetime.now(UTC) + timedelta(seconds=30)  # pyright: ignore[reportAttributeAccessIssue, reportPrivateUsage]
            async with anyio.create_task_group() as group:
                for _ in range(4):
                    group.start_soon(client.send, operation())
            assert len(renewals) == 2
    seen = [b"AKIAEXAMPLE2/" in request and b"session-2" in request for request in server.requests]
    assert seen == [False] * 4 + [True] * 4


@promise("direct:signed")
@pytest.mark.parametrize("model", ["eu.a.model-1:0", "arn:aws:bedrock:eu-central-1:1:inference-profile/eu.x"])
async def test_what_arrives_is_what_was_signed(monkeypatch: pytest.MonkeyPatch, model: str) -> None:
    with_keys(monkeypatch)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session")
    with peer(http()) as server:
        async with direct(server.url, models={ModelRole.STANDARD: model}) as client:
            await client.send(operation(model_role=ModelRole.STANDARD, brief="Grüße €"))
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert quote(model, safe="") in first
    request = AWSRequest("POST", f"http://{headers['Host']}{first.split()[1]}", data=body)
    request.headers["Content-Type"] = headers["Content-Type"]
    request.headers["X-Amz-Security-Token"] = headers["X-Amz-Security-Token"]
    request.context["timestamp"] = headers["X-Amz-Date"]
    request.headers["X-Amz-Date"] = headers["X-Amz-Date"]
    signer = SigV4Auth(Credentials("AKIAIOSFODNN7EXAMPLE", "not-a-secret", "session"), "bedrock", "eu-central-1")
    wanted = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    assert headers["Authorization"].endswith(f"Signature={wanted}")


@promise("direct:proxy")
async def test_a_proxy_of_the_environment_is_used_and_its_exceptions_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    with_keys(monkeypatch)
    with peer(http()) as proxy, peer(http()) as server:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "")
        async with direct(server.url) as client:
            await client.send(operation())
        assert proxy.requests[0].startswith(f"POST {server.url}/model/".encode())
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        async with direct(server.url) as client:
            await client.send(operation())
        assert (len(proxy.requests), len(server.requests)) == (1, 1)
