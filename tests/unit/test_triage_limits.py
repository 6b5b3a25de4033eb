"""triage_incident and its limits: bad input, windows, budgets, progress, cancellation."""

from __future__ import annotations

import gzip
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import psutil
import pytest

from bedrock_support.routing.clock import SystemClock
from bedrock_support.tools.base import InputError
from tests.promises import promise
from tests.triage_rig import RunningClock, Steps, answering, incident, run


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "app.log"
    path.write_text("\n".join(incident()) + "\n", encoding="utf-8")
    return path


def _fifo(root: Path) -> str:
    os.mkfifo(root / "pipe.log")
    return "pipe.log"


def _link_out(root: Path) -> str:
    (root / "out.log").symlink_to("/etc/passwd")
    return "out.log"


def _socket(root: Path) -> str:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(root / "s.log"))
    return "s.log"


def _written(name: str, data: bytes) -> Callable[[Path], str]:
    def make(root: Path) -> str:
        (root / name).write_bytes(data)
        return name

    return make


def _named(name: str) -> Callable[[Path], str]:
    return lambda root: name


def _folder(root: Path) -> str:
    (root / "empty").mkdir()
    return "empty"


def _loop(root: Path) -> str:
    (root / "loop.log").symlink_to(root / "loop.log")
    return "loop.log"


@promise("triage:bad-input", "triage:confined")
@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_named("missing.log"), "doesn't exist"),
        (_named("/etc/passwd"), "outside"),
        (_named("../../../../../../etc/passwd"), "outside"),
        (_named("/dev/zero"), "outside"),
        (_named("a\0b"), "usable"),
        (_named("a" * 4000), "usable"),
        (_named(" "), "empty"),
        (_fifo, "FIFO"),
        (_socket, "socket"),
        (_link_out, "outside"),
        (_loop, "usable"),
        (_folder, "no log files"),
        (_written("b.log", b"ab\0cd" * 50), "binary"),
        (_written("z.log", b"PK\x03\x04xxxx"), "zip"),
        (_written("e.log", b""), "empty"),
        (_written("w.log", b" \n\n \n"), "no line"),
        (_written("g.gz", gzip.compress(b"\0\1\2" * 99)), "binary"),
    ],
)  # fmt: skip
async def test_bad_paths_are_refused(tmp_path: Path, make: Callable[[Path], str], said: str) -> None:
    given = make(tmp_path)
    with pytest.raises(InputError, match=said) as caught:
        await run(tmp_path, path=given)
    assert caught.value.field == "path"
    assert caught.value.mend


@promise("triage:bad-input")
async def test_bad_arguments_are_refused(log: Path) -> None:
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({}, "neither"),
        ({"path": "app.log", "text": "x"}, "both"),
        ({"text": " \n"}, "empty"),
        ({"text": "x y", "window": {"start": "2026-03-01T11:00:00", "end": "2026-03-01T12:00:00"}}, "no times"),
        ({"path": "app.log", "window": {"start": "2030-01-01T00:00:00", "end": "2030-01-01T00:01:00"}}, "no line lies"),
        ({"path": "app.log", "window": {"start": "2030-01-01T00:00:00", "end": "2030-01-01T00:00:00"}}, "isn't after"),
    )
    for given, said in cases:
        with pytest.raises(InputError, match=said):
            await run(log.parent, **given)
    with pytest.raises(InputError, match="--root"):
        await run(None, path="app.log")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
async def test_an_unreadable_file_is_refused(log: Path) -> None:
    os.chmod(log, 0)
    with pytest.raises(InputError, match="may not be read"):
        await run(log.parent, path="app.log")


async def test_the_callers_window_is_used(log: Path) -> None:
    window = {"start": "2026-03-01T10:45:00Z", "end": "2026-03-01T10:47:00+00:00"}
    found = await run(log.parent, path="app.log", window=window)
    assert found.windows.bad
    assert (found.windows.bad.start, found.windows.bad.end) == ("2026-03-01T10:45:00Z", "2026-03-01T10:47:00Z")
    assert found.windows.bad.lines == sum("T10:45:" in line or "T10:46:" in line for line in incident())


async def test_a_folder_is_read_as_one_log(tmp_path: Path) -> None:
    lines = incident()
    (tmp_path / "logs" / "deep").mkdir(parents=True)
    (tmp_path / "logs" / "a.log").write_text("\n".join(lines[:700]), encoding="utf-8")
    (tmp_path / "logs" / "deep" / "b.log.1.gz").write_bytes(gzip.compress("\n".join(lines[700:]).encode()))
    (tmp_path / "logs" / "c.log").write_bytes(
        "\ufeff".encode("utf-16") + "2026-03-01T10:00:00Z INFO hi\n".encode("utf-16-le")
    )
    (tmp_path / "logs" / "photo.png").write_bytes(b"\0")
    (tmp_path / "logs" / "bin.log").write_bytes(b"\0" * 100)
    (tmp_path / "logs" / "out.log").symlink_to("/etc/passwd")
    found = await run(tmp_path, path="logs")
    assert [each.path for each in found.files] == ["logs/a.log", "logs/c.log", "logs/deep/b.log.1.gz"]
    assert "pool exhausted" in found.findings[0].title
    assert any("gzip" in limit for limit in found.limits)
    assert any("UTF-16" in limit for limit in found.limits)
    assert any("binary" in limit for limit in found.limits)
    assert any("links out" in limit for limit in found.limits)


@promise("triage:budget")
async def test_a_short_budget_is_stated_not_failed(tmp_path: Path) -> None:
    lines = incident()
    path = tmp_path / "big.log"
    path.write_text("\n".join(f"{line} {'pad ' * 40}{at}" for at, line in enumerate(lines * 40)), encoding="utf-8")
    found = await run(tmp_path, answering("{}"), clock=RunningClock(0.04), path="big.log", seconds=10)
    assert found.status == "partial"
    assert 0 < found.files[0].read < 1
    assert any("read " in limit and "MB" in limit for limit in found.limits)
    for each in found.evidence:
        line = int(each.source.rsplit(":", 1)[1])
        assert each.quote[:40] == (lines * 40)[line - 1][:40]


async def test_progress_only_rises(log: Path) -> None:
    steps = Steps()
    await run(log.parent, steps=steps, path="app.log")
    done = [each[0] for each in steps.told]
    assert done == sorted(done)
    assert done[-1] == steps.told[-1][1] == len("\n".join(incident())) + 1


@promise("triage:cancel")
async def test_cancellation_leaves_nothing_open(tmp_path: Path) -> None:
    path = tmp_path / "big.log"
    path.write_text("\n".join(f"{line} {'pad ' * 40}" for line in incident() * 60), encoding="utf-8")
    before = psutil.Process().num_fds()
    begun = SystemClock().now()
    with anyio.move_on_after(0.1) as scope:
        await run(tmp_path, path="big.log")
    assert scope.cancelled_caught
    assert SystemClock().now() - begun < 1
    assert psutil.Process().num_fds() == before


async def test_a_file_name_that_is_no_text_spoils_nothing(tmp_path: Path) -> None:
    name = os.fsdecode(b"bad\xff.log")
    (tmp_path / name).write_text("\n".join(incident()), encoding="utf-8")
    found = await run(tmp_path, path=".")
    assert found.findings
    assert "bad\ufffd.log" in found.model_dump_json()
