"""find_root_cause as an agent and as a shell meet it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import anyio
import pytest

from bedrock_support.tools.base import InputError
from bedrock_support.tools.root_cause import MOST_BYTES, ROOT_CAUSE, RootCauseInput
from tests.gaps_rig import context
from tests.promises import promise
from tests.rca_rig import HURT, edges, wave, wide
from tests.rig import COMMAND, connect, environment, told, words


def recorded(root: Path) -> Path:
    columns = {
        "web.latency": wave(0.2, 0.3),
        "cart.latency": wave(0.1, 0.3, seed=2),
        "cart.cpu": wave(30, 60, seed=4),
        "search.latency": wave(0.1, seed=3),
    }
    wide(root / "metrics.csv", columns)
    edges(root / "calls.json", {"web": ["cart", "search"]})
    return root


@promise("rca:evidence")
async def test_an_agent_gets_causes_with_evidence(tmp_path: Path) -> None:
    recorded(tmp_path)
    with anyio.fail_after(30):
        async with connect("stdio", "2026-07-28", root=tmp_path, env=environment()) as client:
            arguments: dict[str, Any] = {"paths": ["."], "target": "web"}
            result = await client.call_tool("find_root_cause", arguments)
            answer = told(result)
            assert answer["causes"][0]["entity"] == "cart"
            assert answer["causes"][0]["path"] == ["web", "cart"]
            assert answer["route"] == "local"
            assert not answer["model"]["used"]
            first = answer["findings"][0]
            held = {each["id"]: each for each in answer["evidence"]}
            assert first["path"] == "metrics.csv"
            assert first["disproof"]
            assert any("cart latency" in held[ident]["source"] for ident in first["evidence_ids"])
            assert "1. cart" in words(result)
            wrong = await client.call_tool("find_root_cause", {"paths": ["."], "target": "nobody"})
            assert wrong.is_error
            assert "There are: cart, search, web" in words(wrong)


@promise("rca:confined")
async def test_no_path_leads_out_of_the_roots(tmp_path: Path) -> None:
    inside = recorded(tmp_path)
    for given in ({"paths": ["/etc"]}, {"paths": ["../x.csv"]}, {"paths": ["."], "baseline": "/etc/passwd"}):
        with pytest.raises(InputError, match=r"outside|doesn't exist"):
            await ROOT_CAUSE.run(context(inside), RootCauseInput.model_validate(given))


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"start": "soon"}, "isn't a time"),
        ({"end": "2026-01-01"}, "doesn't lie after a start"),
        ({"start": "2026-01-02", "end": "2026-01-01"}, "doesn't lie after a start"),
    ],
)
async def test_times_that_make_no_sense_are_refused(tmp_path: Path, given: dict[str, str], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        await ROOT_CAUSE.run(context(recorded(tmp_path)), RootCauseInput.model_validate({"paths": ["."], **given}))


@promise("rca:small-answer")
async def test_an_answer_stays_small(tmp_path: Path) -> None:
    long = "service-" * 30
    wide(tmp_path / "m.csv", {f"{long}{place}.latency": wave(0.1, 0.3, seed=place) for place in range(60)})
    given = RootCauseInput.model_validate({"paths": ["."], "limit": 20})
    result = await ROOT_CAUSE.run(context(tmp_path), given)
    assert 0 < len(result.model_dump_json()) <= MOST_BYTES
    assert result.causes
    assert any("who calls whom" in each for each in result.limits)


async def test_when_time_is_short_the_rest_is_left_unread_and_said(tmp_path: Path) -> None:
    for place in range(3):
        wide(tmp_path / f"m{place}.csv", {"a.latency": wave(1)})
    with pytest.raises(InputError, match="time ran out"):
        await ROOT_CAUSE.run(context(tmp_path, seconds=0), RootCauseInput(paths=["."]))


def shell(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, "rca", *arguments]
    return subprocess.run(command, cwd=root, env=environment(), capture_output=True, text=True, timeout=50, check=False)


@promise("rca:command")
def test_the_command_gives_text_json_and_exit_codes(tmp_path: Path) -> None:
    recorded(tmp_path)
    shown = shell(tmp_path, ".", "--target", "web latency")
    assert shown.returncode == 1, shown.stderr
    assert "1. cart: cpu" in shown.stdout
    assert "wrong if: " in shown.stdout
    found = shell(tmp_path, ".", "--start", str(HURT), "--json")
    (first, *_) = json.loads(found.stdout)["causes"]
    assert first["entity"] == "cart"
    assert {each["kind"] for each in first["evidence"]} == {"latency", "cpu"}
    wide(tmp_path / "metrics.csv", {"web.latency": wave(0.2)})
    assert shell(tmp_path, ".").returncode == 0
    for wrong in (("missing",), (".", "--start", "soon"), (".", "--target", "nobody")):
        refused = shell(tmp_path, *wrong)
        assert refused.returncode == 2
        assert "bedrock-support rca: " in refused.stderr
