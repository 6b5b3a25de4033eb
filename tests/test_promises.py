"""The ledger holds both ways: no promise without a test, no test that promises something unknown."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

from tests.promises import Promise

TESTS = Path(__file__).parent


def promised() -> dict[str, Promise]:
    found: dict[str, Promise] = {}
    for path in sorted((TESTS / "ledger").glob("[a-z]*.py")):
        table: dict[str, Promise] = importlib.import_module(f"tests.ledger.{path.stem}").PROMISES
        assert not found.keys() & table.keys(), f"{path.name} repeats {found.keys() & table.keys()}"
        found |= table
    return found


def proven() -> set[str]:
    ids: set[str] = set()
    for path in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "promise":
                ids |= {arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)}
    return ids


def test_every_promise_has_a_test() -> None:
    assert promised().keys() - proven() == set()


def test_every_test_names_a_known_promise() -> None:
    assert proven() - promised().keys() == set()


def test_every_promise_is_a_sentence_with_a_source() -> None:
    for key, each in promised().items():
        assert each.source, key
        assert len(each.sentence.split()) > 3, key
