"""The store that gathers writes: in force at once, in order, bounded, and never in its caller's way."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bedrock_support.routing.optimizing import writer
from bedrock_support.routing.optimizing.memory import MemoryStore
from bedrock_support.routing.optimizing.port import Gathered
from bedrock_support.routing.optimizing.store import Store
from bedrock_support.routing.optimizing.writer import BoundedWriter
from tests.fakes import FakeClock
from tests.promises import promise


class Held(MemoryStore):
    """A store whose disk can be held up."""

    def __init__(self) -> None:
        super().__init__(FakeClock())
        self.free = threading.Event()
        self.writes: list[list[Gathered]] = []

    def write(self, many: list[Gathered]) -> None:
        assert self.free.wait(20)
        self.writes.append(many)
        super().write(many)


@contextmanager
def gathering(store: Held) -> Generator[BoundedWriter]:
    ours = BoundedWriter(store)
    try:
        yield ours
    finally:
        store.free.set()
        ours.close()


@promise("cache:gathered")
def test_a_write_is_in_force_at_once_while_the_disk_is_held_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "MOST_WAITING", 3)
    with gathering(store := Held()) as ours:
        assert [ours.set(f"k{n}", b"v", 60.0) for n in range(4)] == [True, True, True, False]
        assert (ours.get("k2"), ours.get("k3"), ours.refused) == (b"v", None, 1)
        assert store.get("k0") is None, "the disk is held up"
        store.free.set()
        ours.flush()
        assert store.get("k2") == b"v"
        assert ours.set("k3", b"v", 60.0), "there is room again"


@promise("cache:gathered")
def test_whoever_sees_a_lease_gone_sees_what_was_kept_before(tmp_path: Path) -> None:
    here, there = BoundedWriter(Store(tmp_path)), Store(tmp_path)
    assert here.add("lease", b"me", 60.0)
    assert not there.add("lease", b"you", 60.0)
    here.set("answer", b"x" * 3000, 60.0)
    here.delete("lease", b"me")
    while there.get("lease") is not None:
        pass
    assert there.get("answer") == b"x" * 3000
    here.set("lease", b"you", 60.0)
    here.delete("lease", b"me")
    here.flush()
    assert there.get("lease") == b"you", "dropped only where it holds the value"
    with here.locked() as table:
        assert table.get("answer") is not None
    here.close()
    there.close()


@promise("cache:gathered")
def test_writes_are_done_together_and_the_rest_when_it_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "AT_ONCE", 8)
    with gathering(store := Held()) as ours:
        for number in range(20):
            ours.set(f"k{number}", b"v", 60.0)
        store.free.set()
    sizes = [len(each) for each in store.writes]
    assert max(sizes) == 8
    assert len(sizes) <= 4
    assert sum(sizes) == 20
    assert store.get("k19") == b"v"


@promise("cache:set-aside")
def test_two_stores_on_one_damaged_file_go_on_with_one_new_file(tmp_path: Path) -> None:
    one, two = Store(tmp_path), Store(tmp_path)
    assert one.set("k", b"v" * 5000, 60.0)
    assert two.get("k")
    for each in (one, two):
        each.close()
    (tmp_path / "cache.db").write_bytes(b"no database at all" * 3000)
    for suffix in ("-wal", "-shm"):
        (tmp_path / f"cache.db{suffix}").unlink(missing_ok=True)
    assert one.get("k") is None
    assert one.set("new", b"v", 60.0)
    assert two.get("new") == b"v"
    assert one.get("new") == b"v"
    assert one.set_aside + two.set_aside == 1
    assert len(list(tmp_path.glob("damaged-*.db"))) == 1
    one.close()
    two.close()
