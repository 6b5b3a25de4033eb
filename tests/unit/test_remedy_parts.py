"""What plans are made of: who uses whom, how tests are run, where packages lie."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from bedrock_support.tools.remedy.commands import commands, fitting
from bedrock_support.tools.remedy.diffs import diff_of, objection
from bedrock_support.tools.remedy.given import wanted
from bedrock_support.tools.remedy.survey import used
from tests.gaps_rig import plant
from tests.promises import promise
from tests.remedy_rig import PATCH, SHOP, WRONG, User, everything, plan, project

PY = "src/shop/money.py"
USES = [
    ("app.py", "from shop.money import add", PY),
    ("app.py", "from shop import money as m, other", PY),
    ("app.py", "import shop.money as m", PY),
    ("app.py", "from shop import (\n    other,\n    money,\n)", PY),
    ("src/shop/cart.py", "from .money import add", PY),
    ("src/shop/cart.py", "from . import money", PY),
    ("src/shop/deep/x.py", "from ..money import add", PY),
    ("app.py", "from shop import add", "src/shop/__init__.py"),
    ("web/a.ts", "import { add } from './money'", "web/money.ts"),
    ("web/a.ts", "import { add } from './money.js'", "web/money.ts"),
    ("web/a.test.js", "const m = require('../lib')", "lib/index.js"),
    ("pay/sum_test.go", "package pay", "pay/sum.go"),
    ("src/test/SumTest.java", "new Sum().of(1)", "src/main/Sum.java"),
]


@promise("remedy:order")
@pytest.mark.parametrize(("label", "text", "target"), USES)
def test_uses_are_read_from_import_lines(label: str, text: str, target: str) -> None:
    assert used(label, text, [target, "src/shop/unrelated.py", "web/unrelated.ts"]) == [target]


def test_what_only_looks_alike_is_no_use() -> None:
    assert used("app.py", "from bank.money2 import add", [PY]) == []
    assert used("app.py", "# from shop.money import add\nx = 'import shop.money'", [PY]) == []
    assert used("pay/sum.go", "package pay", ["pay/other.go"]) == []
    assert used(PY, "import shop.money", [PY]) == []


def test_tests_are_run_as_the_project_says(tmp_path: Path) -> None:
    assert commands(tmp_path) == ()
    scripts = json.dumps({"scripts": {"test": "vitest"}})
    files = {
        "pyproject.toml": "[tool.pytest.ini_options]",
        "package.json": scripts,
        "pnpm-lock.yaml": "",
        "go.mod": "module x",
        "Makefile": "check: test\n\ntest:\n\ttrue\n",
        ".venv/bin/python": "",
    }
    known = commands(plant(tmp_path, files))
    python = str(tmp_path / ".venv/bin/python")
    assert [each.line(["-x/test_a.py"])[:2] for each in known] == [
        [python, "-m"],
        ["pnpm", "test"],
        ["go", "test"],
        ["make", "test"],
    ]
    assert known[0].line(["-x/test_a.py"])[-1] == "./-x/test_a.py", "no folder passes for an option"
    assert [each.words[0] for each in fitting(known, ["a.ts", "b.go"])] == ["pnpm", "go"]
    assert [each.words[0] for each in fitting(known, ["main.tf"])] == ["make"]
    (tmp_path / "package.json").write_text(json.dumps({"scripts": {"test": "echo no test specified"}}))
    assert "pnpm" not in [each.words[0] for each in commands(tmp_path)]


@promise("remedy:worktree")
async def test_an_editable_install_does_not_bring_in_the_users_tree(tmp_path: Path) -> None:
    root = project(tmp_path / "p", {f"lib/{name}" if name.startswith("shop") else name: SHOP[name] for name in SHOP})
    site = root / ".venv/lib/python3.11/site-packages"
    plant(site, {"shop.pth": f"{root}/lib\n"})
    (root / ".venv/bin").mkdir()
    script = f'#!/bin/sh\nPYTHONPATH="$PYTHONPATH:{root}/lib" exec {sys.executable} "$@"\n'
    (root / ".venv/bin/python").write_text(script)
    (root / ".venv/bin/python").chmod(0o755)
    (root / ".git/info/exclude").write_text(".venv\n__pycache__\n")
    before = everything(root)
    patch = PATCH.replace("shop/money.py", "lib/shop/money.py")
    result = await plan(root, WRONG | {"path": "lib/shop/money.py"}, user=User(True), patch=patch, apply=True)
    assert result.trial is not None
    assert result.trial.verdict == "passed", result.trial
    assert everything(root) == before


@promise("remedy:worktree")
async def test_npm_tests_run_on_a_copy_of_the_modules(tmp_path: Path) -> None:
    # npm stands in the environment under the test's own name, as a program that says what it sees.
    script = json.dumps({"scripts": {"test": "t"}})
    project(tmp_path, {"package.json": script, "a.js": "export const a = 1\n", ".gitignore": "node_modules\nbin\n"})
    plant(tmp_path, {"node_modules/left/index.js": "x", "bin/npm": "#!/bin/sh\necho y > node_modules/left/index.js\n"})
    (tmp_path / "bin/npm").chmod(0o755)
    before = everything(tmp_path)
    patch = diff_of("a.js", "export const a = 1\n", "export const a = 2\n")
    environ = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin"}
    given = {"path": "a.js", "line": 1, "title": "a is wrong"}
    result = await plan(tmp_path, given, user=User(True), patch=patch, apply=True, environ=environ)
    assert result.trial is not None
    assert result.trial.verdict == "passed", result.trial
    assert everything(tmp_path) == before


@promise("remedy:own-patch")
def test_content_of_a_hunk_passes_for_no_header() -> None:
    text = "-- a/etc\n++ b/etc\nold mode 1\n"
    patch = diff_of("x.py", text, text.replace("old", "new"))
    assert objection(patch, {"x.py"}) is None
    assert objection(patch + "rename from x.py\nrename to y.py\n", {"x.py"}) is not None
    assert objection(patch + "--- a/y.py\n+++ b/y.py\n@@ -1 +1 @@\n-a\n+b\n", {"x.py"}) is not None
    hidden = patch.replace("@@ -1,3 +1,3 @@", "@@ -1,9 +1,9 @@") + "--- a/y.py\n+++ b/y.py\n@@ -1 +1 @@\n-a\n+b\n"
    assert objection(hidden, {"x.py"}) is None, "git reads it as content too, finds it short, and refuses it"
    assert diff_of("x.py", "a\f\nb", "a\f\nc").endswith(
        "-b\n\\ No newline at end of file\n+c\n\\ No newline at end of file\n"
    )


def test_findings_of_any_shape_are_read() -> None:
    odd = {"line": True, "severity": "TERRIBLE", "confidence": "high", "path": 3, "id": "A"}
    twice = {"id": "A", "line": -4, "reason": "r", "verdict": "missing"}
    found = wanted([odd, twice, {"verdict": "done", "title": "fine"}])
    assert [(each.id, each.line, each.severity, each.confidence, each.title) for each in found] == [
        ("A", 0, "medium", 0.5, "finding"),
        ("P2", 0, "medium", 0.5, "r"),
    ]
