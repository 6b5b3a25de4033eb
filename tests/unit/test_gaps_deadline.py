"""The time that a caller gives is kept on any tree, and what was found in it is the answer."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from bedrock_support.tools.gaps import scan as scanning
from bedrock_support.tools.gaps.findings import stubs
from bedrock_support.tools.gaps.run import Found, find_gaps
from bedrock_support.tools.gaps.scan import read_tree
from bedrock_support.tools.gaps.store import FactStore
from bedrock_support.tools.specs.verify import Verified, verify
from tests.gaps_rig import WORKING, plant, scan
from tests.judging_rig import STUB
from tests.promises import promise
from tests.triage_rig import Steps


@promise("gaps:deadline")
async def test_what_a_process_told_before_the_time_was_over_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = tmp_path / "marker"
    plant(tmp_path / "tree", {"a.py": WORKING + STUB, "b.py": WORKING, "c.py": f"# {marker}\n"})
    monkeypatch.setattr(scanning, "IN_THREAD_BYTES", 0)
    monkeypatch.setattr(scanning, "WORKER", "tests.slow_worker")
    over = [False]

    async def watch() -> None:
        while not over[0]:
            over[0] = await anyio.Path(marker).exists()
            await anyio.sleep(0.01)

    store = FactStore(None)
    found: Found | None = None
    with anyio.fail_after(50):
        async with anyio.create_task_group() as group:
            group.start_soon(watch)
            found = await find_gaps(
                tmp_path / "tree",
                store=store,
                workers=anyio.CapacityLimiter(2),
                told=Steps(),
                floor=0.5,
                expired=lambda: over[0],
                over=bool,
            )
    assert found is not None
    assert found.partial
    assert found.read_anew == 1
    assert [each.symbol for each in found.gaps] == ["refund"]
    assert any("1 of 3 files: call again, it goes on from there" in each for each in found.notes)
    assert any("too short for these checks: docs" in each for each in found.notes), "an unread tree proves no absence"
    # What was told is remembered: the next call reads the rest alone.
    monkeypatch.setattr(scanning, "WORKER", "bedrock_support.tools.gaps.worker")
    assert (await scan(tmp_path / "tree", store=store)).read_anew == 2


@promise("gaps:deadline")
async def test_checks_that_the_time_was_too_short_for_are_named(tmp_path: Path) -> None:
    plant(tmp_path, {"a.py": WORKING + STUB, "b.py": WORKING + STUB, "README.md": "Call `nowhere()` first.\n"})
    tree = await read_tree(tmp_path, FactStore(None), anyio.CapacityLimiter(2), Steps())
    first = await anyio.to_thread.run_sync(stubs, tree.files, 0.5, lambda: True)
    assert len(first) == 1, "a first finding is made, however late it is"
    looks = iter([False])
    found = await find_gaps(
        tmp_path,
        store=FactStore(None),
        workers=anyio.CapacityLimiter(2),
        told=Steps(),
        floor=0.5,
        over=lambda: next(looks, True),
    )
    assert found.partial
    assert len(found.gaps) == 1
    assert "too short for these checks: tests, routes, docs" in found.notes[-1]


@promise("specs:deadline")
async def test_nothing_is_missing_only_because_it_was_not_read(tmp_path: Path) -> None:
    tasks = "# Tasks\n\n- [x] 1 Add `total()` to `shop.py`\n"
    plant(tmp_path, {"shop.py": WORKING, ".kiro/specs/shop/tasks.md": tasks})

    async def look(*, late: bool) -> Verified:
        return await verify(tmp_path, None, FactStore(None), anyio.CapacityLimiter(2), Steps(), lambda: late)

    assert [each.verdict for each in (await look(late=False)).judged] == ["done"]
    found = await look(late=True)
    assert found.partial
    assert [each.verdict for each in found.judged] == ["unverifiable"]
    assert found.proposal == ""
    assert not found.failing
