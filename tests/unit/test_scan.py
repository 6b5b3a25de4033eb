"""scan_compliance and the command scan."""

from __future__ import annotations

import json
from pathlib import Path

import anyio
import pytest

from bedrock_support.routing.residency import EU_REGIONS
from bedrock_support.server import cli
from bedrock_support.tools.base import InputError
from bedrock_support.tools.exposure import files
from bedrock_support.tools.exposure.abroad import abroad, configures, reason
from bedrock_support.tools.exposure.finds import finds
from bedrock_support.tools.scan import SCAN, ScanInput, ScanResult
from tests.gaps_rig import context, plant
from tests.promises import promise

PASSWORD = "tR9" + "vQ2xLm7#pZ"
MAIL = "erika.mustermann@" + "firma-beispiel.de"
TREE = {
    "app.env": f"DB_PASSWORD={PASSWORD}\nAWS_REGION=us-east-1\n",
    "logs/app.log": f"2026-11-24 request by {MAIL} from region us-east-1\n",
    "clean.py": "def total(prices):\n    return sum(prices)\n",
}


async def scan(root: Path, seconds: float = 30, **given: object) -> ScanResult:
    return await SCAN.run(context(root, seconds), ScanInput.model_validate(given))


@promise("scan:finds", "scan:masked")
async def test_finds_name_file_and_line_and_no_value(tmp_path: Path) -> None:
    result = await scan(plant(tmp_path, TREE))
    assert [(each.file, each.line, each.type) for each in result.finds] == [
        ("app.env", 1, "SECRET"),
        ("app.env", 2, "RESIDENCY"),
        ("logs/app.log", 1, "EMAIL"),
    ]
    assert (result.status, result.files, result.total) == ("ok", 3, 3)
    shown = result.model_dump_json() + SCAN.summary(result)
    assert PASSWORD not in shown
    assert "mustermann" not in shown
    assert "DB_PASSWORD=[SECRET]" in shown
    only = await scan(tmp_path, kind="pii")
    assert [each.type for each in only.finds] == ["EMAIL"]


@promise("scan:masked")
def test_every_value_near_a_find_is_masked_however_the_excerpt_is_cut() -> None:
    line = " ".join([MAIL, f"password={PASSWORD}"] * 6)
    found = finds("notes.txt", line + "\n")
    assert len(found) == 12
    for each in found:
        assert PASSWORD[:5] not in each.excerpt
        assert "mustermann" not in each.excerpt
        assert f"[{each.label}]" in each.excerpt
        assert len(each.excerpt) < 300


@promise("scan:paged")
async def test_pages_hold_everything_once_the_gravest_first(tmp_path: Path) -> None:
    rows = [f"mail{n}@firma-beispiel.de" for n in range(130)]
    plant(tmp_path, {"b.txt": "\n".join(rows) + "\n", "z.env": f"API_PASSWORD={PASSWORD}\n"})
    seen: list[tuple[str, int]] = []
    page = await scan(tmp_path)
    while True:
        assert len(page.model_dump_json()) <= 24_000
        seen += [(each.file, each.line) for each in page.finds]
        if page.next_offset is None:
            break
        page = await scan(tmp_path, offset=page.next_offset)
    assert seen[0] == ("z.env", 1)
    assert len(seen) == len(set(seen)) == 131
    assert page.by_type == {"EMAIL": 130, "SECRET": 1}


@promise("scan:residency")
@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("region: us-east-1", "us-east-1"),
        ("region: eu-west-2", "eu-west-2"),
        ("zone = eu-central-2a", "eu-central-2"),
        ("arn:aws:bedrock:ap-southeast-2:123456789012:provisioned-model/x", "ap-southeast-2"),
        ("model = global.anthropic.claude-sonnet-4-v1:0", "global.anthropic.claude-sonnet-4-v1:0"),
        ("endpoint_url = https://bedrock-runtime.us-gov-west-1.amazonaws.com", "https://bedrock-runtime.us-gov-west-1"),
        ("STS=https://sts.amazonaws.com/", "https://sts.amazonaws.com"),
        ('"OTEL_EXPORTER_OTLP_ENDPOINT": "https://otlp.example.com:4317"', "https://otlp.example.com"),
    ],
)
def test_names_outside_the_eu_are_found_with_their_reason(line: str, named: str) -> None:
    (span,) = abroad(line)
    value = line[span.start : span.end]
    assert value.startswith(named)
    assert reason(value)
    assert finds("a.toml", line)[0].detail
    assert not [each for each in finds("a.md", line) if each.kind == "residency"], "a document only talks of it"


@promise("scan:residency")
def test_names_inside_the_eu_and_other_words_stay() -> None:
    inside = "\n".join(
        [
            *sorted(EU_REGIONS),
            "https://bedrock-runtime.eu-central-1.amazonaws.com",
            "eu.anthropic.claude-sonnet-4-v1:0",
            "endpoint_url = http://localhost:4566",
            "status-west-1 focus-east-12 us.example.com https://example.com",
        ]
    )
    assert abroad(inside) == []
    assert all(configures(name) for name in ("a/app.yaml", ".env.local", "Dockerfile", ".aws/config"))
    assert not configures("app.log")


@promise("scan:confined")
async def test_nothing_outside_is_read(tmp_path: Path) -> None:
    outside = tmp_path / "outside.env"
    outside.write_text(f"PASSWORD={PASSWORD}\n", encoding="utf-8")
    root = tmp_path / "root"
    root.mkdir()
    (root / "link.env").symlink_to(outside)
    (root / "binary.env").write_bytes(b"\0PASSWORD=" + PASSWORD.encode())
    result = await scan(root)
    assert (result.total, result.files) == (0, 0)
    assert "1 links were not followed" in result.limits
    with pytest.raises(InputError, match="outside"):
        await scan(root, path="../outside.env")


@promise("scan:limits")
async def test_what_was_not_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(tmp_path, TREE)
    late = await scan(tmp_path, seconds=0)
    assert late.status == "partial"
    assert any("time was up" in each for each in late.limits)
    monkeypatch.setattr(files, "MOST_BYTES", 10)
    assert any("only the first 10 bytes" in each for each in (await scan(tmp_path)).limits)
    monkeypatch.setattr(files, "MOST_FILES", 1)
    assert any("more than 1 files" in each for each in (await scan(tmp_path)).limits)


@promise("scan:twin")
def test_the_command_finds_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = anyio.run(scan, plant(tmp_path, TREE))
    assert cli.main(["scan", str(tmp_path), "--json"]) == 1
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {(Path(each["file"]).relative_to(tmp_path).as_posix(), each["line"], each["label"]) for each in rows} == {
        (each.file, each.line, each.type) for each in result.finds
    }
    assert cli.main(["scan", str(tmp_path / "app.env")]) == 1
    shown = capsys.readouterr().out
    assert "app.env:1: SECRET DB_PASSWORD=[SECRET]" in shown
    assert "2 finds" in shown
    assert cli.main(["scan", str(tmp_path / "clean.py")]) == 0
    assert cli.main(["scan", str(tmp_path / "none")]) == 2
    assert cli.main(["scan"]) == 2
