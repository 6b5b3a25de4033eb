"""The queue's file after kill -9 at random instants; benchmarks/queue_crash.py does it two hundred times."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bedrock_support.routing.queue import store
from benchmarks.queue_crash import Child, Known, run
from tests.promises import promise


@pytest.mark.slow
@promise("queue:survives-kill")
def test_nothing_is_lost_or_done_twice_after_25_kills(tmp_path: Path) -> None:
    known = run(25, 7, tmp_path)
    assert len(known.accepted) > 25
    assert known.completed


def driven(folder: Path) -> Known:
    """What the journal of one life of 200 steps says, in this process."""
    child, known = Child(folder, 3, 0.0), Known()
    for step in range(200):
        child.step(step)
    child.store.close()
    known.take(folder / "journal")
    return known


@promise("queue:deadlines")
def test_the_check_finds_a_delivery_after_its_deadline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sound").mkdir()
    assert driven(tmp_path / "sound").deliveries
    forgetful: Callable[..., None] = lambda *_: None  # noqa: E731
    monkeypatch.setattr(store, "sweep", forgetful)
    with pytest.raises(AssertionError, match="was delivered after its deadline"):
        driven(tmp_path)
