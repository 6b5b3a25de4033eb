"""Every command that is a tool's twin ends alike, tells the same as JSON, and says what was asked wrongly."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from bedrock_support.server.cli import main
from tests.gaps_rig import WORKING, plant
from tests.integration.test_executions_tools import LOOP
from tests.integration.test_root_cause_tool import recorded
from tests.promises import promise
from tests.rca_rig import wave, wide
from tests.runs_rig import write

DOC = (Path(__file__).parents[2] / "docs/commands.md").read_text(encoding="utf-8")
KEYS = {
    "gaps": "findings",
    "verify-spec": "tasks",
    "triage": "findings",
    "rca": "causes",
    "audit": "findings",
    "executions": "findings",
    "plan": "steps",
}
STUB = '\ndef convert(amount, rate):\n    """Convert an amount."""\n    raise NotImplementedError("later")\n'
OPEN = "Resources:\n  Open:\n    Type: AWS::S3::Bucket\n    Properties: {AccessControl: PublicReadWrite}\n"
SHUT = "services: {}\n"
TASK = "- [x] 1. Implement `total` in `money.py`\n"


@dataclass(frozen=True)
class Twin:
    """Words that find nothing, words that find something, and words that are wrong with what is said of them."""

    clean: list[str]
    found: list[str]
    wrong: list[tuple[list[str], str]]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("twins")
    plant(
        root,
        {
            "clean/money.py": WORKING,
            "stubs/money.py": WORKING + STUB,
            "done/money.py": WORKING,
            "done/.kiro/specs/shop/tasks.md": TASK,
            "lost/money.py": WORKING,
            "lost/.kiro/specs/shop/tasks.md": TASK.replace("total", "lost_total"),
            "calm.log": "2026-01-01T00:00:00Z INFO started\n",
            "bad.log": "2026-01-01T00:00:00Z INFO started\n2026-01-01T00:00:01Z FATAL giving up\n",
            "shut/compose.yaml": SHUT,
            "open/t.yaml": OPEN,
            "none.json": "[]",
            "some.json": json.dumps(
                [{"file": "money.py", "line": 18, "symbol": "convert", "kind": "not_implemented", "confidence": 0.9}]
            ),
            "secret.txt": "mail: anna.schmidt@example.org\n",
            "plain.txt": "nothing to see\n",
        },
    )
    (root / "trouble").mkdir()
    recorded(root / "trouble")
    (root / "peace").mkdir()
    wide(root / "peace/metrics.csv", {"web.latency": wave(0.2)})
    for name, events in (("loops", LOOP), ("steady", LOOP[:1])):
        (root / name).mkdir()
        write(root / name / "run.jsonl", events, "plain")
    return root


TWINS = {
    "gaps": Twin(
        ["clean"],
        ["stubs"],
        [(["gone"], "PATH = 'gone'"), (["clean", "--focus", "nowhere"], "focus = 'nowhere'")],
    ),
    "verify-spec": Twin(["done"], ["lost"], [(["gone"], "PATH = 'gone'"), (["done", "--spec", "x"], "--spec = 'x'")]),
    "triage": Twin(
        ["calm.log"],
        ["bad.log", "--start", "2026-01-01T00:00:01Z"],
        [
            (["gone.log"], "gone.log': doesn't exist"),
            (["bad.log", "--start", "soon"], "start = 'soon'"),
            (["bad.log", "--end", "2026-01-01T00:00:01Z"], "end = "),
            (["logs:/x"], "BEDROCK_SUPPORT_CLOUDWATCH"),
        ],
    ),
    "rca": Twin(["peace"], ["trouble"], [(["gone"], "gone"), (["trouble", "--start", "soon"], "start = 'soon'")]),
    "audit": Twin(
        ["shut", "--no-engines"],
        ["open", "--no-engines"],
        [
            (["gone"], "PATH = 'gone'"),
            (["open", "--no-engines", "--focus", "nowhere"], "focus = 'nowhere'"),
            (["--live", "--region", "us-east-1"], "--region = 'us-east-1'"),
            (["--live", "--region", "soon"], "--region = 'soon'"),
        ],
    ),
    "executions": Twin(["steady"], ["loops"], [(["gone"], "PATH = 'gone'"), (["calm.log"], "PATH = 'calm.log'")]),
    "plan": Twin(
        ["stubs", "--findings", "none.json"],
        ["stubs", "--findings", "some.json"],
        [(["stubs", "--findings", "gone.json"], "gone.json': doesn't exist")],
    ),
    "scan": Twin(["plain.txt"], ["secret.txt"], [(["gone"], "path = 'gone'")]),
}


def told(name: str, words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = main([name, *words])
    said = capsys.readouterr()
    return code, said.out, said.err


@promise("cli:twins")
@pytest.mark.parametrize("name", TWINS)
def test_a_twin_ends_as_all_do(
    tree: Path, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tree)
    monkeypatch.setenv("BEDROCK_SUPPORT_CACHE", "off")
    twin = TWINS[name]
    for words, ends in ((twin.clean, 0), (twin.found, 1)):
        code, out, err = told(name, [*words, "--json"], capsys)
        assert code == ends, (words, out, err)
        if name == "scan":
            assert len([json.loads(each)["kind"] for each in out.splitlines()]) == ends
        else:
            held = json.loads(out)[KEYS[name]]
            assert held or not ends, out
        code, out, err = told(name, words, capsys)
        assert (code, err) == (ends, ""), "the text ends as the JSON does"
        assert out
    for words, said in twin.wrong:
        code, out, err = told(name, words, capsys)
        assert (code, out) == (2, ""), words
        assert said in err
        assert "Traceback" not in err


@promise("cli:twins")
@pytest.mark.parametrize("words", [["gaps", "--min-confidence", "7"], ["rca"], ["plan", "."], ["nothing"]])
def test_what_cannot_be_parsed_ends_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 2
    assert "usage: " in capsys.readouterr().err


@promise("cli:twins")
def test_the_document_lists_exactly_these() -> None:
    assert set(re.findall(r"^\| `([a-z-]+) PATH", DOC, re.MULTILINE)) == set(TWINS)
    for form in ("--json", "--fail-on never"):
        assert form in DOC


@promise("cli:twins")
@pytest.mark.parametrize("name", ["gaps", "audit", "executions"])
def test_fail_on_sets_what_counts(
    tree: Path, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tree)
    monkeypatch.setenv("BEDROCK_SUPPORT_CACHE", "off")
    assert told(name, [*TWINS[name].found, "--fail-on", "never"], capsys)[0] == 0
