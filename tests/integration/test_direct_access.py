"""What opens the way to Bedrock and keeps it open: certificates, proxies, keys that end; and what closes it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest
from botocore.credentials import RefreshableCredentials

from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.model import FailureKind
from tests.direct_rig import certificate, direct, failure_of, http, operation, peer, until, with_keys
from tests.promises import promise

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    with_keys(monkeypatch)
    for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


class Role:
    """Keys of a role whose renewal the test holds back, or has fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, hangs: bool) -> None:
        self.tries = 0
        self.gate = threading.Event()
        if not hangs:
            self.gate.set()
        end = datetime.now(UTC) + timedelta(hours=1)
        self._lent = RefreshableCredentials("AKIAOLD", "not-a-secret", "token", end, self._renew, "assume-role")
        monkeypatch.setattr("botocore.session.Session.get_credentials", self._lend)

    def _lend(self) -> RefreshableCredentials:
        return self._lent

    def ends_in(self, **time: float) -> None:
        self._lent._expiry_time = datetime.now(UTC) + timedelta(**time)  # pyright: ignore[reportAttributeAccessIssue, reportPrivateUsage]

    def _renew(self) -> dict[str, str]:
        self.tries += 1
        self.gate.wait(10)
        raise OSError("nobody answers")


@promise("direct:certificates")
@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
async def test_a_certificate_is_good_only_by_the_bundle_that_vouches_for_it(
    variable: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tls, trusted = certificate(tmp_path)
    with peer(http(), tls=tls) as server:
        async with direct(server.url) as client:
            assert (await failure_of(client, operation())).kind is FailureKind.CONNECTION
            assert server.requests == []
        monkeypatch.setenv(variable, str(trusted))
        async with direct(server.url) as client:
            assert (await client.send(operation())).text == "Because."


@promise("direct:certificates")
async def test_a_certificate_for_another_name_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tls, trusted = certificate(tmp_path)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(trusted))
    with peer(http(), tls=tls) as server:
        async with direct(server.url.replace("127.0.0.1", "localhost")) as client:
            assert (await failure_of(client, operation())).kind is FailureKind.CONNECTION
            assert server.requests == []


@promise("direct:proxy")
async def test_a_proxy_may_be_named_without_its_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    with peer(http()) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.removeprefix("http://"))
        monkeypatch.setenv("NO_PROXY", "")
        async with direct("http://127.0.0.1:9") as client:
            await client.send(operation())
        assert proxy.requests[0].startswith(b"POST http://127.0.0.1:9/model/")


@promise("direct:renewed")
@pytest.mark.parametrize("hangs", [True, False])
async def test_while_the_old_keys_open_a_failing_renewal_harms_no_call(
    hangs: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = Role(monkeypatch, hangs=hangs)
    with peer(http()) as server:
        async with direct(server.url) as client:
            await client.send(operation())
            role.ends_in(minutes=14)
            async with anyio.create_task_group() as group:
                for _ in range(8):
                    group.start_soon(client.send, operation(2.0))
            await until(lambda: role.tries == 1)
            await client.send(operation(2.0))
            assert role.tries == 1, "not again at once"
        role.gate.set()
    assert all(b"AKIAOLD/" in request for request in server.requests)


@promise("direct:renewed")
async def test_keys_about_to_end_are_waited_for_until_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    role = Role(monkeypatch, hangs=True)
    with peer(http()) as server:
        async with direct(server.url) as client:
            await client.send(operation())
            role.ends_in(seconds=30)
            assert (await failure_of(client, operation(0.2))).kind is FailureKind.TIMEOUT
            assert len(server.requests) == 1
            role.gate.set()


@promise("direct:closed")
async def test_closing_ends_the_calls_that_wait_for_a_place_too() -> None:
    ends: list[RouteError] = []
    with peer(None) as server:
        async with direct(server.url, concurrency=1) as client:

            async def ask() -> None:
                ends.append(await failure_of(client, operation(20)))

            with anyio.fail_after(5):
                async with anyio.create_task_group() as group:
                    group.start_soon(ask)
                    await until(lambda: len(server.requests) == 1)
                    group.start_soon(ask)
                    await anyio.wait_all_tasks_blocked()
                    await client.aclose()
            assert [end.kind for end in ends] == [FailureKind.UNAVAILABLE] * 2
            assert len(server.requests) == 1
