"""The flags file and the keeper: what they take, what they refuse, and that nothing is lost or mixed."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from openfeature.provider.in_memory_provider import (  # pyright: ignore[reportMissingTypeStubs]
    InMemoryFlag,
    InMemoryProvider,
)

from bedrock_support.routing.clock import SystemClock
from bedrock_support.routing.model import Flags, Scope
from bedrock_support.server.environment import SettingsError
from bedrock_support.server.flag_file import MOST_BYTES, FlagFile, FlagFileError, parsed
from bedrock_support.server.flags import FlagKeeper
from bedrock_support.server.lifecycle import State
from bedrock_support.server.settings import FLAG_NAMES
from bedrock_support.tools.base import InputError
from tests.promises import promise

ROUTING, SUPPORT = FLAG_NAMES["intelligent_routing"], FLAG_NAMES["support_mode"]


def keeper(path: Path | None, provider: str | None = None, **environment: bool) -> FlagKeeper:
    file = FlagFile(path, SystemClock()) if path else None
    return FlagKeeper(environment, SystemClock(), file=file, provider=provider, domain=f"test-{id(path)}")


@promise("flags:file")
@pytest.mark.parametrize("name", ["flags.json", "flags.toml"])
def test_the_file_comes_before_the_environment(tmp_path: Path, name: str) -> None:
    file = FlagFile(tmp_path / name, SystemClock())
    held = keeper(tmp_path / name, optimization=False, support_mode=False)
    assert held() == keeper(None, optimization=False, support_mode=False)()
    file.write({SUPPORT: True})
    file.stop(Scope.MCP, 'too "slow"\n\x7f in 😀')
    now = held.refresh()
    assert now.flags == Flags(optimization=False)
    assert now.stops == {Scope.MCP: 'too "slow"   in 😀'}
    assert keeper(tmp_path / name, optimization=False)() == now
    file.resume(Scope.MCP)
    assert (held.refresh().stops, held().flags.support_mode) == ({}, True)


@promise("flags:file")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not JSON"),
        ("[]", "not an object"),
        ('{"ENABLE_X": true}', "'ENABLE_X' is no flag"),
        (f'{{"{ROUTING}": "yes"}}', "must be true or false"),
        (f'{{"{ROUTING}": true, "{ROUTING}": false}}', "twice"),
        ('{"STOP": "all"}', "must be a list"),
        ('{"STOP": ["everything"]}', "the scope 'everything'"),
        ('{"STOP": [{"reason": "x"}]}', "STOP holds"),
        ('{"STOP": [7]}', "the scope 7"),
        (" " * (MOST_BYTES + 1), "larger than"),
        ("[" * 50_000, "not JSON"),
    ],
)
def test_what_the_file_may_not_say_is_refused_in_words(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(FlagFileError, match=said):
        parsed(text.encode())
    path = tmp_path / "flags.json"
    path.write_text(text)
    with pytest.raises(SettingsError, match=said):
        keeper(path)
    with pytest.raises(InputError, match="Mend the file"):
        FlagFile(path, SystemClock()).write({ROUTING: True})
    assert path.read_text() == text


@promise("flags:last-good")
def test_a_broken_or_vanished_file_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "flags.json"
    FlagFile(path, SystemClock()).stop(Scope.ALL, "bill")
    held = keeper(path)
    good = held()
    for break_it in (lambda: path.write_text('{"STOP": []'), path.unlink, path.mkdir):
        break_it()
        assert held.refresh() == good
        assert "still holds" in held.trouble["file"]
        assert held.report()["trouble"] == held.trouble
    path.rmdir()
    path.write_text("{}")
    assert held.refresh().stops == {}
    assert held.trouble == {}


@promise("flags:writers")
def test_writers_lose_no_change(tmp_path: Path) -> None:
    path = tmp_path / "flags.json"

    def write(change: tuple[str, Scope]) -> None:
        file = FlagFile(path, SystemClock())
        file.write({change[0]: False})
        file.stop(change[1], "why")

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(write, zip(FLAG_NAMES.values(), Scope, strict=True)))
    found = FlagFile(path, SystemClock()).read()
    assert found.flags == dict.fromkeys(FLAG_NAMES.values(), False)
    assert found.stops == dict.fromkeys(Scope, "why")
    assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(each.name for each in tmp_path.iterdir()) == [".flags.json.lock", "flags.json"]


@promise("flags:writers")
def test_a_write_that_fails_leaves_the_file_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "flags.json"
    path.write_text("{}")
    path.chmod(0o640)
    link = tmp_path / "link.json"
    link.symlink_to(path)
    FlagFile(link, SystemClock()).write({ROUTING: False})
    assert (link.is_symlink(), path.stat().st_mode & 0o777) == (True, 0o640)
    file, before = FlagFile(path, SystemClock()), path.read_bytes()
    with pytest.raises(InputError, match="no such flag"):
        file.write({"ENABLE_X": True})

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(InputError, match="No space left"):
            file.write({ROUTING: True})
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", Path.joinpath)
        with pytest.raises(InputError, match="does not say what was written"):
            file.write({ROUTING: True})
    with pytest.raises(InputError, match="can't be written"):
        FlagFile(tmp_path / "none" / "flags.json", SystemClock()).write({ROUTING: True})
    assert path.read_bytes() == before
    assert json.loads(before) == {ROUTING: False}
    assert len(list(tmp_path.iterdir())) == 3


FOREIGN = InMemoryProvider({ROUTING: InMemoryFlag("off", {"on": True, "off": False})})
FAILING = InMemoryProvider({ROUTING: InMemoryFlag("gone", {"on": True})})
NOTHING = object


@promise("flags:openfeature")
def test_any_provider_may_say_the_flags(tmp_path: Path) -> None:
    path = tmp_path / "flags.json"
    FlagFile(path, SystemClock()).write({ROUTING: True, SUPPORT: False})
    held = keeper(path, f"{__name__}:FOREIGN")
    now = held.settle()
    assert (now.flags.intelligent_routing, now.flags.support_mode) == (False, False)
    assert held.trouble == {}
    FlagFile(path, SystemClock()).stop(Scope.DIRECT, "why")
    assert held.refresh().stops == {Scope.DIRECT: "why"}
    held.close()
    broken = keeper(None, f"{__name__}:FAILING", support_mode=False)
    assert broken.settle(0.2).flags == Flags(support_mode=False)
    assert f"{ROUTING}: GENERAL" in broken.trouble["provider"]
    broken.close()
    for named in ("nonsense", "no_such_module_at_all:x", f"{__name__}:NO_SUCH", f"{__name__}:NOTHING"):
        with pytest.raises(SettingsError, match="FLAG_PROVIDER"):
            keeper(None, named)


@promise("flags:file")
def test_the_document_names_every_flag_scope_and_state() -> None:
    text = (Path(__file__).parents[2] / "docs" / "flags.md").read_text(encoding="utf-8")
    for name in (*FLAG_NAMES.values(), *State):
        assert f"| `{name}` |" in text
    for scope in Scope:
        assert f"`{scope}`" in text
