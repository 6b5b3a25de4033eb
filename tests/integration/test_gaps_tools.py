"""The gap tools as an agent and as a shell meet them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import anyio
import pytest

from bedrock_support.tools.base import InputError
from bedrock_support.tools.detect import GapsInput, detect_gaps
from bedrock_support.tools.gaps.store import FactStore
from bedrock_support.tools.verify import SpecInput, verify_specs
from tests.gaps_rig import WORKING, context, plant
from tests.promises import promise
from tests.rig import COMMAND, connect, environment, told, words

STUB = '\ndef fetch_{0}(url, retries):\n    """Fetch a page and return its text."""\n    # TODO: implement\n    pass\n'
TREE = {
    "shop/net.py": WORKING + STUB.format("page"),
    ".kiro/specs/shop/tasks.md": "- [x] 1. Implement `total`\n- [x] 2. Implement `fetch_page`\n- [x] 3. Tell people\n",
}


def command(root: Path, *arguments: str, cache: str = "off") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=root,
        env=environment(BEDROCK_SUPPORT_CACHE=cache),
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


@promise("gaps:command")
def test_gaps_gives_json_sarif_and_text_with_exit_codes(tmp_path: Path) -> None:
    plant(tmp_path, TREE)
    found = command(tmp_path, "gaps", ".", "--json")
    assert found.returncode == 1, found.stderr
    (row,) = json.loads(found.stdout)["findings"]
    assert (row["file"], row["symbol"], row["kind"]) == ("shop/net.py", "fetch_page", "pass")
    assert row["line"] == TREE["shop/net.py"].splitlines().index("def fetch_page(url, retries):") + 1
    (run,) = json.loads(command(tmp_path, "gaps", "shop", "--sarif").stdout)["runs"]
    assert run["results"][0]["ruleId"] == "pass"
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "net.py"
    shown = command(tmp_path, "gaps", "--fail-on", "never")
    assert shown.returncode == 0
    assert "shop/net.py" in shown.stdout
    assert "fetch_page" in shown.stdout
    (tmp_path / "shop/net.py").write_text(WORKING, encoding="utf-8")
    assert command(tmp_path, "gaps").returncode == 0


@promise("gaps:command")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["gaps", "nowhere"], "no file or folder"),
        (["gaps", "--focus", "nowhere"], "focus"),
        (["gaps", "--min-confidence", "2"], "from 0 to 1"),
        (["gaps", "--changed"], "git"),
        (["verify-spec", "nowhere"], "no file or folder"),
        (["verify-spec", "shop"], "no task list"),
    ],
)
def test_what_is_asked_wrongly_ends_with_2(tmp_path: Path, arguments: list[str], said: str) -> None:
    done = command(plant(tmp_path, TREE), *arguments)
    assert done.returncode == 2
    assert said in done.stderr


@pytest.mark.skipif(shutil.which("git") is None, reason="git isn't installed")
def test_changed_files_alone_are_reported(tmp_path: Path) -> None:
    plant(tmp_path, TREE)
    git = ["git", "-C", str(tmp_path), "-c", "user.name=t", "-c", "user.email=t@t"]
    for each in (["init", "-q"], ["add", "."], ["commit", "-qm", "all"]):
        subprocess.run([*git, *each], check=True)
    assert command(tmp_path, "gaps", "--changed").returncode == 0
    plant(tmp_path, {"shop/new.py": WORKING + STUB.format("new")})
    found = json.loads(command(tmp_path, "gaps", "--changed", "--json").stdout)["findings"]
    assert [each["symbol"] for each in found] == ["fetch_new"]


@promise("gaps:incremental")
def test_the_command_remembers_between_runs(tmp_path: Path) -> None:
    tree, cache = plant(tmp_path / "tree", TREE), str(tmp_path / "cache")
    assert "1 read anew" in command(tree, "gaps", cache=cache).stdout
    assert "0 read anew" in command(tree, "gaps", cache=cache).stdout


@promise("spec:command")
def test_verify_spec_ends_with_what_it_found(tmp_path: Path) -> None:
    plant(tmp_path, TREE)
    found = command(tmp_path, "verify-spec", "--json")
    assert found.returncode == 1, found.stderr
    tasks = json.loads(found.stdout)["tasks"]
    assert [(each["id"], each["verdict"], each["symbols"]) for each in tasks] == [
        ("1", "done", ["total"]),
        ("2", "missing", ["fetch_page"]),
        ("3", "unverifiable", []),
    ]
    assert tasks[1]["evidence"][0]["state"] == "hollow"
    assert command(tmp_path, "verify-spec").stdout.count("missing") >= 1
    written = command(tmp_path, "verify-spec", ".kiro/specs/shop", "--write")
    assert written.returncode == 1
    assert "- [ ] 2." in (tmp_path / ".kiro/specs/shop/tasks.md").read_text(encoding="utf-8")
    assert command(tmp_path, "verify-spec").returncode == 0
    assert command(tmp_path, "verify-spec", "--strict").returncode == 1


@promise("gaps:small-answer")
async def test_answers_are_small_paged_and_most_important_first(tmp_path: Path) -> None:
    plant(
        tmp_path, {f"m{at}.py": WORKING + "".join(STUB.format(f"{'x' * 80}{n}") for n in range(30)) for at in range(9)}
    )
    tool = detect_gaps(FactStore(None))
    seen: list[str] = []
    offset, total = 0, 1
    while offset < total:
        page = await tool.run(context(tmp_path), GapsInput(limit=100, offset=offset))
        assert len(page.model_dump_json()) <= 25_000
        assert len(tool.summary(page)) <= 25_000
        total = page.total
        seen += [f"{each.file}:{each.symbol}" for each in page.gaps]
        offset += len(page.gaps)
    assert len(seen) == len(set(seen)) == total == 270
    definition = json.dumps(GapsInput.model_json_schema()) + tool.description
    assert len(definition) / 3.5 <= 600


@promise("gaps:confined")
@pytest.mark.parametrize("path", ["/etc", "../", "out"])
async def test_no_path_leads_out_of_the_roots(tmp_path: Path, path: str) -> None:
    root = tmp_path / "root"
    plant(root, TREE)
    (root / "out").symlink_to("/etc")
    with pytest.raises(InputError, match="path"):
        await detect_gaps(FactStore(None)).run(context(root), GapsInput(path=path))
    with pytest.raises(InputError, match="path"):
        await verify_specs(FactStore(None)).run(context(root), SpecInput(path=path))


@promise("gaps:confined")
async def test_a_spec_whose_project_lies_outside_is_refused(tmp_path: Path) -> None:
    plant(tmp_path, TREE)
    with pytest.raises(InputError, match="outside the allowed folders"):
        await verify_specs(FactStore(None)).run(context(tmp_path / ".kiro"), SpecInput(path="specs/shop"))


async def test_both_tools_answer_over_mcp(tmp_path: Path) -> None:
    plant(tmp_path, TREE)
    env = environment(BEDROCK_SUPPORT_CACHE="off")
    with anyio.fail_after(30):
        async with connect("stdio", "2026-07-28", root=tmp_path, env=env) as client:
            found = told(await client.call_tool("detect_implementation_gaps", {}))
            assert [each["symbol"] for each in found["gaps"]] == ["fetch_page"]
            assert found["model"]["used"] is False
            cited: dict[str, Any] = {each["id"]: each for each in found["evidence"]}
            quotes = [cited[each]["quote"] for each in found["findings"][0]["evidence_ids"]]
            assert quotes[0] == "def fetch_page(url, retries):"
            spec = told(await client.call_tool("verify_spec", {"spec": "shop"}))
            assert [each["verdict"] for each in spec["tasks"]] == ["missing", "unverifiable", "done"]
            assert "- [ ] 2." in spec["proposal"]
            refused = await client.call_tool("verify_spec", {"spec": "other"})
            assert refused.is_error
            assert "spec = 'other'" in words(refused)
