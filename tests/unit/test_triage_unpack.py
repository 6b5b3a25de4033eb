"""Packed logs and exports: what is in them is read, and none of them fills memory or disk."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zstandard

from bedrock_support.tools.base import InputError
from bedrock_support.tools.logs import unpack
from tests.promises import promise
from tests.triage_rig import incident, run


def _events() -> list[tuple[int, str]]:
    """Milliseconds and message of each line of the incident."""
    parts = [line.partition(" ") for line in incident() if line[:2] == "20"]
    return [(int(datetime.fromisoformat(stamp).timestamp() * 1000), rest) for stamp, _, rest in parts]


def _filtered() -> str:
    events = [{"logStreamName": "a", "timestamp": stamp, "message": text + "\n"} for stamp, text in _events()]
    return json.dumps({"events": events}, indent=4)


def _delivered() -> str:
    parts = [
        {"messageType": "DATA_MESSAGE", "logEvents": [{"id": "1", "timestamp": stamp, "message": text}]}
        for stamp, text in _events()
    ]
    return "".join(map(json.dumps, parts))


def _queried() -> str:
    rows = [
        [{"field": "@timestamp", "value": str(datetime.fromtimestamp(stamp / 1000, UTC))[:19]},
         {"field": "@message", "value": text}]
        for stamp, text in _events()
    ]  # fmt: skip
    return json.dumps({"results": rows, "status": "Complete"})


@promise("triage:packed")
@pytest.mark.parametrize("make", [_filtered, _delivered, _queried], ids=["filtered", "delivered", "queried"])
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
async def test_exports_of_cloudwatch_are_read_as_logs(tmp_path: Path, make: Callable[[], str], packed: bool) -> None:
    data = make().encode()
    (tmp_path / "export.json").write_bytes(gzip.compress(data) if packed else data)
    found = await run(tmp_path, path="export.json")
    assert "pool exhausted" in found.findings[0].title.lower()
    assert found.files[0].lines == len(_events())
    assert found.windows.by == "time"
    assert any("CloudWatch" in limit for limit in found.limits)


@promise("triage:packed")
async def test_zstd_is_read_across_its_frames(tmp_path: Path) -> None:
    lines = incident()
    halves = ["\n".join(lines[:500]) + "\n", "\n".join(lines[500:])]
    (tmp_path / "app.log.zst").write_bytes(b"".join(zstandard.compress(half.encode()) for half in halves))
    found = await run(tmp_path, path=".")
    assert found.files[0].lines == len(lines)
    assert any("zstd" in limit for limit in found.limits)


@promise("triage:packed")
@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress], ids=["gz", "zst"])
async def test_a_bomb_is_unpacked_to_its_bound_and_no_further(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack: Callable[[bytes], bytes]
) -> None:
    monkeypatch.setattr(unpack, "MAX_UNPACKED", 3 << 20)
    (tmp_path / "bomb.log").write_bytes(pack(b"2026-03-01T10:00:00Z ERROR boom refused\n" * 900_000))
    found = await run(tmp_path, path="bomb.log")
    assert found.files[0].bytes <= 20 << 20
    assert "only the first part of bomb.log was unpacked" in found.limits


@promise("triage:packed")
async def test_a_broken_file_gives_what_could_be_unpacked(tmp_path: Path) -> None:
    frame = zstandard.compress(("\n".join(incident()) + "\n").encode())
    (tmp_path / "cut.log.zst").write_bytes(frame + frame[: len(frame) // 2])
    found = await run(tmp_path, path="cut.log.zst")
    assert found.files[0].lines >= len(incident())
    assert "only the first part of cut.log.zst was unpacked" in found.limits


@promise("triage:packed")
async def test_a_file_packed_again_and_again_is_refused(tmp_path: Path) -> None:
    (tmp_path / "inside.gz").write_bytes(gzip.compress(gzip.compress(gzip.compress(b"x y z\n" * 99))))
    with pytest.raises(InputError, match="binary"):
        await run(tmp_path, path="inside.gz")


async def test_other_json_with_such_fields_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"results": [1, 2], "note": "ERROR disk full"}\n', encoding="utf-8")
    found = await run(tmp_path, path="a.json")
    assert not any("CloudWatch" in limit for limit in found.limits)
