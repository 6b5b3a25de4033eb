"""The store on disk: bytes alone, for several processes, whatever lies in its folder."""

from __future__ import annotations

import os
import pickle
import sqlite3
import stat
from pathlib import Path

import diskcache  # pyright: ignore[reportMissingTypeStubs]
import pytest

from bedrock_support.routing.optimizing.memory import MemoryStore
from bedrock_support.routing.optimizing.port import AnyStore
from bedrock_support.routing.optimizing.store import Store
from tests.fakes import FakeClock
from tests.promises import promise

BOTH = pytest.mark.parametrize("kind", ["disk", "memory"])


def make(kind: str, folder: Path) -> AnyStore:
    return Store(folder / "store") if kind == "disk" else MemoryStore(FakeClock())


class Bomb:
    """Unpickling it writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[object, tuple[str, int]]:
        return os.open, (self.path, os.O_CREAT)


@BOTH
def test_values_come_back_and_end(kind: str, tmp_path: Path) -> None:
    store = make(kind, tmp_path)
    assert store.get("a") is None
    assert store.set("a", b"1", 60)
    assert store.get("a") == b"1"
    assert store.set("a", b"2", -1)
    assert store.get("a") is None
    store.close()


@BOTH
def test_add_succeeds_once_and_delete_takes_only_its_own(kind: str, tmp_path: Path) -> None:
    store = make(kind, tmp_path)
    assert store.add("lease", b"me", 60)
    assert not store.add("lease", b"you", 60)
    store.delete("lease", b"you")
    assert store.get("lease") == b"me"
    store.delete("lease", b"me")
    assert store.get("lease") is None
    store.close()


@BOTH
def test_a_lock_holds_several_changes_together(kind: str, tmp_path: Path) -> None:
    store = make(kind, tmp_path)
    with store.locked() as table:
        table.set("a", b"1")
        assert table.get("a") == b"1"
    assert store.get("a") == b"1"
    store.close()


@promise("cache:no-pickle")
@pytest.mark.parametrize("where", ["value", "value in a file", "key"])
def test_a_pickle_in_the_folder_is_never_loaded(where: str, tmp_path: Path) -> None:
    harm = tmp_path / "harm"
    folder = tmp_path / "store"
    with diskcache.Cache(str(folder), disk_min_file_size=0 if where == "value in a file" else 1 << 20) as hostile:
        if where == "key":
            hostile["plain"] = b"x"
            rows = sqlite3.connect(folder / "cache.db")
            with rows:
                rows.execute("UPDATE Cache SET key = ?, raw = 0", (pickle.dumps(Bomb(harm)),))
            rows.close()
        else:
            hostile["plain"] = Bomb(harm)
    store = Store(folder)
    assert store.get("plain") is None
    assert store.set("plain", b"good", 60)
    assert store.get("plain") == b"good"
    store.close()
    assert not harm.exists()


def test_a_name_of_a_file_in_the_table_reads_nothing(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    store = Store(tmp_path / "store")
    store.set("a", b"1", 60)
    rows = sqlite3.connect(tmp_path / "store" / "cache.db")
    with rows:
        rows.execute("UPDATE Cache SET mode = 2, filename = '../secret', value = NULL")
    rows.close()
    assert store.get("a") is None
    store.close()


@promise("cache:set-aside")
@pytest.mark.parametrize("damage", ["before it is opened", "while it is open"])
def test_a_damaged_file_is_set_aside(damage: str, tmp_path: Path) -> None:
    folder = tmp_path / "store"
    store = Store(folder)
    assert store.set("a", b"1", 60)
    if damage == "before it is opened":
        store.close()
    for each in folder.glob("cache.db*"):
        each.write_bytes(b"\xff" * 20_000)
    assert store.get("a") is None
    assert store.set("b", b"2", 60)
    assert store.get("b") == b"2"
    assert store.set_aside >= 1
    assert list(folder.glob("damaged-*"))
    store.close()


def test_a_folder_that_cannot_be_had_is_a_miss(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = Store(tmp_path / "file" / "store")
    assert store.get("a") is None
    assert not store.set("a", b"1", 60)
    with pytest.raises(NotADirectoryError), store.locked():
        pass
    store.close()


def test_nobody_else_may_read_the_folder(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    store.set("a", b"1", 60)
    assert stat.S_IMODE((tmp_path / "store").stat().st_mode) == 0o700
    store.close()


def test_the_oldest_give_way_and_money_never_does(tmp_path: Path) -> None:
    small, kept = Store(tmp_path / "small", most_bytes=200_000), Store(tmp_path / "kept", most_bytes=None)
    for store in (small, kept):
        for number in range(200):
            store.set(f"k{number}", b"x" * 5_000, 600)
    assert small.get("k0") is None
    assert small.get("k199") is not None
    assert kept.get("k0") is not None
    assert small.size() < 2_000_000
    small.close()
    kept.close()
