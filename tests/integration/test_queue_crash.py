"""The queue's file after kill -9 at random instants; benchmarks/queue_crash.py does it two hundred times."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.queue_crash import run
from tests.promises import promise


@pytest.mark.slow
@promise("queue:survives-kill")
def test_nothing_is_lost_or_done_twice_after_25_kills(tmp_path: Path) -> None:
    known = run(25, 7, tmp_path)
    assert len(known.accepted) > 25
    assert known.completed
