"""The file of upstream servers: the usual form, with errors that name file, server, field, value and mend."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bedrock_support.routing.model import Residency
from bedrock_support.server.environment import SettingsError
from bedrock_support.server.peers.config import PeerConfig, load_peers
from tests.promises import promise


def written(folder: Path, content: Any) -> Path:
    path = folder / "mcp.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def loaded(folder: Path, environ: dict[str, str] | None = None, **servers: Any) -> tuple[PeerConfig, ...]:
    return load_peers(written(folder, {"mcpServers": servers}), environ or {})


@promise("peers:file")
def test_the_usual_form_is_read_and_other_clients_keys_are_left_alone(tmp_path: Path) -> None:
    local = {
        "command": "server",
        "args": ["--token", "${TOKEN}"],
        "env": {"X": "${TOKEN}!"},
        "timeout": 120000,
        "disabled": False,
        "autoApprove": ["t1"],
        "disabledTools": ["t2"],
        "colour": "red",
        "support": {"offer": True, "ask": {"tool": "answer"}, "residency": "eu", "era": "legacy"},
    }
    remote = {"url": "https://example.com/mcp", "headers": {"Authorization": "Bearer ${TOKEN}"}, "type": "http"}
    off = {"command": "${NOT_SET}", "disabled": True}
    first, second = loaded(tmp_path, {"TOKEN": "abc"}, local=local, remote=remote, off=off)
    assert (first.name, first.entry.args, first.entry.env) == ("local", ("--token", "abc"), {"X": "abc!"})
    assert first.entry.support.offer
    assert first.entry.support.residency is Residency.EU
    assert first.entry.support.ask is not None
    assert first.entry.support.ask.argument == "prompt"
    assert first.notes == ("local.colour: not a key of ours, left alone",)
    assert (second.entry.headers, second.notes) == ({"Authorization": "Bearer abc"}, ())
    assert not second.entry.support.offer
    assert "abc" not in repr((first, second))


@promise("peers:file-errors")
@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"command": "x", "timeout": "soon"}, "mcpServers.it.timeout = 'soon'"),
        ({"command": "x", "support": {"offered": True}}, "mcpServers.it.support.offered = True"),
        ({"command": "x", "support": {"era": "2020"}}, "mcpServers.it.support.era = '2020'"),
        ({"command": "x", "url": "https://x"}, "exactly one of command (stdio) and url"),
        ({}, "exactly one of command (stdio) and url"),
        ({"command": "x", "args": ["${GONE}"]}, "${GONE} is not set"),
        ([], "mcpServers.it = []"),
        ({"url": "ftp://example.com"}, "no web address"),
        ({"url": "https://me:secret@example.com/"}, "without user or password"),
        ({"url": "http://example.com/mcp"}, "not encrypted"),
        ({"url": "https://169.254.169.254/latest"}, "private or link-local"),
        ({"url": "https://10.0.0.1/mcp"}, "private or link-local"),
        ({"url": "https://[fd00::1]/mcp"}, "private or link-local"),
        ({"url": "https://[::ffff:10.0.0.1]/mcp"}, "private or link-local"),
    ],
)
def test_what_cant_be_used_is_named_with_its_place(tmp_path: Path, entry: Any, said: str) -> None:
    with pytest.raises(SettingsError) as raised:
        loaded(tmp_path, it=entry)
    assert str(raised.value).startswith(str(tmp_path / "mcp.json"))
    assert "mcpServers.it" in str(raised.value)
    assert said in str(raised.value)


@promise("peers:file-errors")
@pytest.mark.parametrize("name", ["a__b", "", "with space", "x" * 33, "ä", "../up"])
def test_a_name_that_cant_stand_before_a_tools_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="no usable name"):
        loaded(tmp_path, **{name: {"command": "x"}})


@promise("peers:file-errors")
@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", 'no object "mcpServers"'),
        ({"mcpServers": []}, 'no object "mcpServers"'),
        ({"mcpServers": {f"p{at}": {"command": "x"} for at in range(33)}}, "List 32 at most"),
        (" " * ((1 << 20) + 1), "larger than"),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, content: Any, said: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load_peers(written(tmp_path, content), {})
    assert said in str(raised.value)


@promise("peers:file-errors")
def test_a_file_that_isnt_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="Name a file that can be read"):
        load_peers(tmp_path / "none.json", {})


@promise("peers:no-secrets-told")
def test_no_message_shows_what_may_be_secret(tmp_path: Path) -> None:
    environ = {"TOKEN": "hunter2"}
    entries: list[dict[str, Any]] = [
        {"command": "x", "env": {"A": {"deep": "${TOKEN}"}}},
        {"command": "x", "args": [["${TOKEN}"]]},
        {"url": "https://x", "headers": {"A": ["hunter2"]}},
        {"url": "http://example.com/?key=${TOKEN}"},
        {"command": "x", "timeout": "${TOKEN}"},
    ]
    for entry in entries:
        with pytest.raises(SettingsError) as raised:
            loaded(tmp_path, environ, it=entry)
        assert "hunter2" not in str(raised.value)


@promise("peers:file")
@pytest.mark.parametrize("url", ["http://localhost:8080/mcp", "http://127.0.0.1/mcp", "http://[::1]:1/mcp"])
def test_plain_http_is_for_this_machine(tmp_path: Path, url: str) -> None:
    (peer,) = loaded(tmp_path, it={"url": url})
    assert peer.entry.url == url
