"""Tokens, the gate and the sign-in, without a socket."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from bedrock_support.server.access.listed import listed_tokens
from bedrock_support.server.access.opened import application
from bedrock_support.server.access.signed_in import COOKIE, HOURS, PEOPLE, SignedIn
from bedrock_support.server.access.tokens import Tokens
from bedrock_support.server.environment import SettingsError
from bedrock_support.server.http import bind
from bedrock_support.server.settings import Settings, load
from bedrock_support.server.wiring import build
from tests.fakes import CountingEntropy, FakeClock
from tests.promises import promise

TOKEN, OTHER = "a" * 40, "0123456789abcdef0123456789ABCDEF-._~+/=="
OPEN = ("/livez", "/readyz", "/status/login", "/status/status.css")
BEARER = {"authorization": f"Bearer {TOKEN}"}
HELLO: dict[str, Any] = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}
MCP = {"accept": "application/json, text/event-stream", "content-type": "application/json"}


def browser(*names: str, transport: str = "http", **settings: Any) -> TestClient:
    house = build(Settings(page=True, **settings))
    app = application(house, transport, {"anna": TOKEN, "bert": OTHER}, "127.0.0.1", names)
    return TestClient(app, base_url="http://127.0.0.1:8000", follow_redirects=False)


@promise("access:closed")
@pytest.mark.parametrize("transport", ["http", "sse"])
def test_every_path_is_closed_but_the_named_ones(transport: str) -> None:
    client = browser(transport=transport)
    paths = (
        "/mcp",
        "/sse",
        "/messages/",
        "/metrics",
        "/healthz",
        "/status",
        "/status/data",
        "/status/events",
        "/status/status.js",
        "/nowhere",
    )
    for path in paths:
        for method in ("GET", "POST", "DELETE"):
            answer = client.request(method, path)
            assert answer.status_code == 401, (method, path)
            assert answer.headers["www-authenticate"] == 'Bearer realm="bedrock-support"'
        for shown in (f"Bearer {TOKEN}x", "Bearer ", f"Basic {TOKEN}", "Bearer \xff"):
            answer = client.get(path, headers={b"authorization": shown.encode("latin-1")})
            assert answer.status_code == 401, (path, shown)
            assert 'error="invalid_token"' in answer.headers["www-authenticate"]
            assert TOKEN not in answer.text
    for path in OPEN:
        assert client.get(path).status_code == 200, path
    for path in ("/metrics", "/healthz", "/status/data"):
        assert client.get(path, headers=BEARER).status_code == 200, path
    assert client.get("/nowhere", headers=BEARER).status_code == 404


@promise("access:closed")
def test_without_tokens_nothing_asks_for_one_and_there_is_no_sign_in() -> None:
    app = application(build(Settings(page=True)), "http", {}, "127.0.0.1", ())
    client = TestClient(app, base_url="http://127.0.0.1:8000")
    assert client.get("/status/data").status_code == 200
    assert client.get("/status/login").status_code == 404
    assert 'class="asks"' not in client.get("/status").text


@promise("access:sessions")
def test_a_session_is_useless_to_who_holds_another_token() -> None:
    with browser() as client:
        hello = client.post("/mcp", json=HELLO, headers=MCP | BEARER)
        session = {"mcp-session-id": hello.headers["mcp-session-id"], "mcp-protocol-version": "2025-11-25"}
        ping = {"jsonrpc": "2.0", "id": 2, "method": "ping"}
        assert client.post("/mcp", json=ping, headers=MCP | BEARER | session).status_code == 200
        stolen = client.post("/mcp", json=ping, headers=MCP | session | {"authorization": f"Bearer {OTHER}"})
        assert stolen.status_code == 404


@promise("access:people")
def test_a_person_signs_in_with_a_token_and_the_cookie_opens_the_page_alone() -> None:
    client = browser()
    sent = client.get("/status", headers={"accept": "text/html,*/*"})
    assert (sent.status_code, sent.headers["location"]) == (303, "/status/login")
    wrong = client.post("/status/login", data={"token": "b" * 40})
    assert wrong.status_code == 401
    assert "known" in wrong.text
    assert "set-cookie" not in wrong.headers
    right = client.post("/status/login", data={"token": f" {TOKEN} "})
    assert (right.status_code, right.headers["location"]) == (303, "/status")
    said = right.headers["set-cookie"]
    assert all(each in said for each in (COOKIE, "HttpOnly", "SameSite=strict", "Path=/status", "Max-Age=43200"))
    assert TOKEN not in said

    assert 'class="asks"' in client.get("/status").text
    assert client.get("/status/data").status_code == 200
    value = client.cookies[COOKIE]
    for path in ("/metrics", "/healthz", "/mcp", "/statusx"):
        assert client.get(path, headers={"cookie": f"{COOKIE}={value}"}).status_code == 401, path

    assert client.post("/status/logout").status_code == 303
    assert client.get("/status/data", headers={"cookie": f"{COOKIE}={value}"}).status_code == 401


@promise("access:people")
def test_the_form_is_bounded_checked_for_its_origin_and_safe_to_show() -> None:
    client = browser()
    form = client.get("/status/login")
    assert "frame-ancestors 'none'" in form.headers["content-security-policy"]
    assert "script-src" not in form.headers["content-security-policy"]
    evil = {"origin": "http://evil.example"}
    assert client.post("/status/login", data={"token": TOKEN}, headers=evil).status_code == 403
    assert client.post("/status/logout", headers=evil | BEARER).status_code == 403
    assert client.post("/status/login", content=b"token=" + b"a" * 5000).status_code == 413
    assert client.post("/status/login", content=b"\xff\x00;%%%=").status_code == 401


@promise("access:people")
def test_cookies_end_and_are_bounded_in_number() -> None:
    clock = FakeClock()
    signed_in = SignedIn(clock, CountingEntropy())
    first = signed_in.add("anna")
    assert signed_in.who(first) == "anna"
    clock.time += HOURS * 3600
    assert signed_in.who(first) is None
    values = [signed_in.add("bert") for _ in range(PEOPLE + 1)]
    assert signed_in.who(values[0]) is None
    assert signed_in.who(values[-1]) == "bert"
    assert signed_in.who("") is None


@promise("access:settings")
def test_tokens_come_from_the_variable_and_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text(f"# who\n\nci:{OTHER}\n")
    assert listed_tokens(f"{TOKEN}, bert:{'c' * 32}", file) == {"client-1": TOKEN, "bert": "c" * 32, "ci": OTHER}
    assert listed_tokens("", None) == {}
    known = Tokens({"anna": TOKEN, "bert": OTHER})
    assert (known.holder(TOKEN), known.holder(OTHER), known.holder(TOKEN[:-1]), known.holder("")) == (
        "anna",
        "bert",
        None,
        None,
    )


@promise("access:settings")
@pytest.mark.parametrize(
    ("listed", "why"),
    [
        ("short", "token 1: not 32"),
        (f"{'d' * 31}\xe9", "token 1: not 32"),
        (f"{TOKEN},{TOKEN}", "token 2: its name or the token"),
        (f"x:{TOKEN},x:{OTHER}", "token 2: its name or the token"),
        (f"a b:{TOKEN}", "token 1: the name"),
    ],
)
def test_tokens_that_cannot_be_used_are_refused_without_being_shown(listed: str, why: str) -> None:
    with pytest.raises(SettingsError, match=why) as refused:
        listed_tokens(listed, None)
    assert not any(each in str(refused.value) for each in listed.split(","))


@promise("access:settings")
def test_a_file_that_is_missing_empty_or_huge_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("# nobody\n")
    (tmp_path / "huge").write_bytes(b"a" * 70_000)
    for name, why in (("missing", "No such file"), ("empty", "holds no token"), ("huge", "larger than")):
        with pytest.raises(SettingsError, match=why):
            listed_tokens("", tmp_path / name)


@promise("access:settings")
def test_only_with_tokens_may_the_server_leave_loopback() -> None:
    with pytest.raises(SettingsError, match="no token is set"):
        bind("0.0.0.0", 0)  # noqa: S104 - refused
    with pytest.raises(SettingsError, match="BEDROCK_SUPPORT_HOSTS"):
        bind("0.0.0.0", 0, asks=True)  # noqa: S104 - refused
    listener = bind("0.0.0.0", 0, asks=True, names=("support.example",))  # noqa: S104 - closed at once, never listened to
    listener.close()
    assert "tokens" not in repr(load({"BEDROCK_SUPPORT_TOKENS": TOKEN}))
    client = browser("support.example")
    for host, status in (("support.example", 200), ("support.example:8000", 200), ("evil.example", 421)):
        assert client.get("/status/data", headers=BEARER | {"host": host}).status_code == status, host
