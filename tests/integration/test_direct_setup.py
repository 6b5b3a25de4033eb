"""How the direct client comes to life: cold import, one client, and every state of the credentials."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from bedrock_support.routing import direct_bedrock
from bedrock_support.routing.bedrock import transport
from bedrock_support.routing.bedrock.settings import BedrockSettings
from bedrock_support.routing.direct_bedrock import DirectBedrockClient
from bedrock_support.routing.model import FailureKind, Health, RouteName, Usage
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
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'boto3', 'botocore', 'urllib3'}))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@promise("direct:built-once", "direct:off-loop")
async def test_first_calls_at_once_make_one_client(monkeypatch: pytest.MonkeyPatch) -> None:
    with_keys(monkeypatch)
    made: list[transport.Transport] = []

    def build(settings: BedrockSettings) -> transport.Transport:
        made.append(real(settings))
        return made[-1]

    real = transport.build
    monkeypatch.setattr(transport, "build", build)
    with peer(http()) as server:
        async with direct(server.url) as client:
            assert client.condition().health is Health.UNKNOWN
            async with anyio.create_task_group() as group:
                for _ in range(8):
                    group.start_soon(client.send, operation())
            assert len(made) == 1
            # The classes that make a hanging call cuttable are still where botocore looks for them.
            assert made[0].cuttable
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
    real = transport.build

    def build(settings: BedrockSettings) -> transport.Transport:
        looks.append(settings)
        return real(settings)

    monkeypatch.setattr(transport, "build", build)
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


async def test_a_botocore_that_hides_its_pools_still_answers(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with_keys(monkeypatch)

    def moved(_client: object) -> dict[str, object]:
        raise AttributeError("_endpoint")

    monkeypatch.setattr(transport, "_POOLS", moved)
    with peer(http()) as server:
        async with direct(server.url) as client:
            assert (await client.send(operation())).text == "Because."
    assert "read timeout" in caplog.text
