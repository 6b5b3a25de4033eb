"""Which of several services failed first: in several files, in one file with names, and what clocks may hide."""

from __future__ import annotations

from pathlib import Path

from tests.promises import promise
from tests.triage_rig import failing, run


def _log(stamp: str, begin: int, message: str) -> list[str]:
    """Ten minutes of calm, then errors from second `begin` of the eleventh on."""
    calm = [f"{stamp}T10:{at // 6:02d}:{at % 6 * 10:02d}Z INFO served in {at} ms" for at in range(60)]
    return calm + [f"{stamp}T10:10:{at:02d}Z ERROR {message}" for at in range(begin, 60)]


@promise("triage:first-service")
async def test_the_file_of_the_first_error_is_named(tmp_path: Path) -> None:
    for name, begin, message in (("web.log", 20, "bad gateway"), ("api.log", 12, "query failed"),
                                 ("db.log", 5, "disk full"), ("calm.log", 99, "")):  # fmt: skip
        (tmp_path / name).write_text("\n".join(_log("2026-03-01", begin, message)), encoding="utf-8")
    found = await run(tmp_path, failing(), path=".")
    (order,) = [each for each in found.findings if "First to fail" in each.title]
    assert order.title == "First to fail of 3 services: db"
    expected = "db 2026-03-01T10:10:05Z, then api 2026-03-01T10:10:12Z, then web 2026-03-01T10:10:20Z"
    assert expected in order.detail
    assert "leads by 7 s" in order.detail
    assert (order.path, order.line) == ("db.log", 61)
    cited = {each.id: each.source for each in found.evidence}
    assert [cited[key] for key in order.evidence_ids] == ["db.log:61", "api.log:61", "web.log:61"]


@promise("triage:first-service")
async def test_services_in_one_stream_are_told_by_name_and_close_ones_are_doubted(tmp_path: Path) -> None:
    lines: list[str] = []
    for one, other in zip(_log("2026-03-01", 7, "pool empty"), _log("2026-03-01", 6, "disk full"), strict=False):
        lines += [f"api-1  | {one}", f"db-1   | {other}"]
    (tmp_path / "all.log").write_text("\n".join(lines), encoding="utf-8")
    found = await run(tmp_path, failing(), path="all.log")
    (order,) = [each for each in found.findings if "First to fail" in each.title]
    assert order.title.endswith("of 2 services: db-1")
    assert "clocks of two machines may hide" in order.detail
    assert order.confidence == 0.4


async def test_rotated_files_are_one_service(tmp_path: Path) -> None:
    for name in ("app.log", "app.log.1", "app-2026-03-01.log"):
        (tmp_path / name).write_text("\n".join(_log("2026-03-01", 5, "disk full")), encoding="utf-8")
    found = await run(tmp_path, failing(), path=".")
    assert not [each for each in found.findings if "First to fail" in each.title]
