"""Reading trees: hostile files, the cache, processes, focus, and tests and routes that don't hold."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from bedrock_support.tools.base import InputError
from bedrock_support.tools.gaps import scan as scanning
from bedrock_support.tools.gaps.store import FactStore, pack, unpack
from bedrock_support.tools.gaps.worker import framed, pack_all, unframed
from tests.gaps_rig import WORKING, plant, scan, symbols
from tests.promises import promise

STUB = (
    WORKING
    + '\ndef fetch(url, retries):\n    """Fetch a page and return its text."""\n    # TODO: implement\n    pass\n'
)


@promise("gaps:hostile")
async def test_hostile_files_are_survived_and_said(tmp_path: Path) -> None:
    plant(tmp_path, {"good.py": STUB})
    (tmp_path / "deep.py").write_text("x = " + "(" * 5_000 + ")" * 5_000, encoding="utf-8")
    (tmp_path / "sum.py").write_text("x = " + "+".join(["1"] * 20_000), encoding="utf-8")
    (tmp_path / "nulls.py").write_bytes(b"x = 1\x00\x00def f(): pass")
    (tmp_path / "torn.py").write_text("def f(:\n", encoding="utf-8")
    (tmp_path / "latin.py").write_bytes(b"# \xe9\xff\ndef f(): pass\n")
    (tmp_path / "huge.py").write_bytes(b"x = 1\n" * 400_000)
    (tmp_path / "out.py").symlink_to("/etc/hostname")
    (tmp_path / "loop").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.py")
    found = await scan(tmp_path)
    assert symbols(found) == {"fetch": "pass"}
    notes = " ".join(found.notes)
    assert "not understood" in notes
    assert "symbolic links not followed" in notes
    assert "above 1 MB" in notes


@promise("gaps:hostile")
async def test_what_a_named_file_is_not_read_for_is_said(tmp_path: Path) -> None:
    plant(tmp_path, {"notes.md": "def f(:", "script": STUB})
    (tmp_path / "huge.py").write_bytes(b"x = 1\n" * 400_000)
    assert "huge.py not read: 2,400,000 bytes" in " ".join((await scan(tmp_path / "huge.py")).notes)
    assert "notes.md isn't read as code" in " ".join((await scan(tmp_path / "notes.md")).notes)
    assert symbols(await scan(tmp_path / "script")) == {"fetch": "pass"}


@promise("gaps:incremental")
async def test_a_second_run_reads_only_what_changed(tmp_path: Path) -> None:
    tree, store = plant(tmp_path / "tree", {f"m{each}.py": STUB for each in range(6)}), tmp_path / "cache/facts.sqlite"
    first = await scan(tree, store=FactStore(store))
    assert first.read_anew == 6
    (tree / "m3.py").write_text(STUB + "\nx = 1\n", encoding="utf-8")
    again = FactStore(store)
    second = await scan(tree, store=again)
    assert second.read_anew == 1
    assert [each.symbol for each in second.gaps] == [each.symbol for each in first.gaps]
    again.close()


@promise("gaps:incremental")
async def test_a_broken_cache_is_no_error(tmp_path: Path) -> None:
    tree = plant(tmp_path / "tree", {"m.py": STUB})
    broken = tmp_path / "facts.sqlite"
    broken.write_bytes(b"this is no database" * 100)
    store = FactStore(broken)
    assert symbols(await scan(tree, store=store)) == {"fetch": "pass"}
    store.close()
    good = tmp_path / "good.sqlite"
    store = FactStore(good)
    await scan(tree, store=store)
    store.close()
    with sqlite3.connect(good) as base:
        base.execute("UPDATE facts SET body = ?", (b"rubbish",))
    base.close()
    store = FactStore(good)
    assert (await scan(tree, store=store)).read_anew == 1
    store.close()
    assert unpack(b"") is None
    assert unpack(pack_all([("py", b"x = 1")])[0][:-12]) is None


async def test_much_source_goes_to_processes_and_gives_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = plant(tmp_path, {f"m{each}.py": STUB for each in range(5)})
    in_thread = await scan(tree)
    monkeypatch.setattr(scanning, "IN_THREAD_BYTES", 0)
    monkeypatch.setattr(scanning, "BATCH_BYTES", 500)
    assert (await scan(tree)).gaps == in_thread.gaps


async def test_a_process_that_dies_costs_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = plant(tmp_path, {"a.py": STUB, "b.py": "x = 1\n"})
    monkeypatch.setattr(scanning, "IN_THREAD_BYTES", 0)
    monkeypatch.setattr(scanning, "WORKER", "bedrock_support.tools.gaps.nowhere")
    found = await scan(tree)
    assert found.gaps == ()
    assert "ended the process that read it" in " ".join(found.notes)


def test_frames_carry_any_bytes_and_a_torn_one_is_left_out() -> None:
    blocks = [b"", b"\x00" * 20, b"abc"]
    assert unframed(framed(blocks)) == blocks
    assert unframed(framed(blocks)[:-1]) == blocks[:2]
    facts = unpack(pack_all([("py", b"def f(): ...")])[0])
    assert facts is not None
    assert unpack(pack(facts)) == facts


async def test_time_that_runs_out_is_said(tmp_path: Path) -> None:
    found = await scan(plant(tmp_path, {"m.py": STUB}), expired=lambda: True)
    assert found.partial
    assert "call again" in found.notes[0]


async def test_focus_names_checks_files_or_folders(tmp_path: Path) -> None:
    plant(tmp_path, {"a/m.py": STUB, "b/m.py": STUB, "tests/test_m.py": "def test_it():\n    pass\n"})
    assert {each.file for each in (await scan(tmp_path, focus=["b"])).gaps} == {"b/m.py"}
    assert {each.file for each in (await scan(tmp_path, focus=["a/m.py", "stubs"])).gaps} == {"a/m.py"}
    assert {each.kind for each in (await scan(tmp_path, focus=["tests"])).gaps} == {"empty_test"}
    with pytest.raises(InputError, match=r"focus = 'nowhere'"):
        await scan(tmp_path, focus=["nowhere"])


TESTS = """
def helper(value):
    assert value == 3

def test_good():
    assert add(1, 2) == 3

def test_by_helper():
    helper(add(1, 2))

def test_raises():
    with pytest.raises(ValueError):
        add(None)

def test_nothing():
    pass

def test_true():
    assert True

def test_itself():
    found = add(1, 2)
    assert found == found

def test_unchecked():
    add(1, 2)
"""


@promise("gaps:tests")
async def test_tests_that_cannot_fail_are_found(tmp_path: Path) -> None:
    found = await scan(plant(tmp_path, {"tests/test_add.py": TESTS}), focus=["tests"])
    assert symbols(found) == {
        "test_nothing": "empty_test",
        "test_true": "vacuous_test",
        "test_itself": "vacuous_test",
        "test_unchecked": "unchecked_test",
    }


OPENAPI = """
openapi: 3.0.0
servers:
  - url: https://api.example.com/v1
paths:
  /orders:
    get:
      summary: list
    post:
      summary: add
  /orders/{id}:
    delete:
      summary: drop
  /health:
    get: {}
"""
FASTAPI = """
from fastapi import APIRouter, FastAPI
app = FastAPI()
router = APIRouter(prefix="/orders")
@router.get("")
def orders(): return rows()
@router.delete("/{order_id}")
def drop(order_id): return remove(order_id)
app.include_router(router, prefix="/v1")
@app.get("/health")
def health(): return state()
"""
FLASK = """
from flask import Blueprint, Flask
bp = Blueprint("orders", __name__, url_prefix="/orders")
@bp.route("/", methods=["GET"])
def orders(): return rows()
@bp.route("/<int:id>", methods=["DELETE"])
def drop(id): return remove(id)
app = Flask(__name__)
app.register_blueprint(bp)
app.add_url_rule("/health", view_func=health)
"""
EXPRESS_APP = "const orders = require('./routes/orders');\napp.use('/orders', orders);\napp.get('/health', ok);\n"
EXPRESS_ROUTER = "// router.post('/', add)\nrouter.get('/', list);\nrouter.delete('/:id', drop);\n"
SERVERS = {
    "fastapi": {"app.py": FASTAPI},
    "flask": {"app.py": FLASK},
    "express": {"app.js": EXPRESS_APP, "routes/orders.js": EXPRESS_ROUTER},
}


@promise("gaps:routes")
@pytest.mark.parametrize("kind", SERVERS)
async def test_operations_without_a_route_are_found(tmp_path: Path, kind: str) -> None:
    found = await scan(plant(tmp_path, {"openapi.yaml": OPENAPI, **SERVERS[kind]}), focus=["routes"])
    assert symbols(found) == {"POST /orders": "missing_route"}
    assert "GET only" in found.gaps[0].detail
    assert OPENAPI.splitlines()[found.gaps[0].line - 1].strip() == "post:"


@promise("gaps:routes")
async def test_json_documents_are_read_and_none_is_judged_without_routes(tmp_path: Path) -> None:
    document = '{"openapi": "3.1.0", "paths": {"/a": {"get": {}}, "/b": {"get": {}}}}'
    plant(tmp_path, {"api/openapi.json": document})
    assert (await scan(tmp_path)).gaps == ()
    plant(tmp_path, {"app.py": "@app.get('/a')\ndef a():\n    return rows()\n"})
    assert symbols(await scan(tmp_path)) == {"GET /b": "missing_route"}


CODE = """
import argparse, os
PREFIX = "SHOP_"
URL, KEY, NAME = os.environ["SHOP_URL"], os.environ["SHOP_KEY"], os.environ["SHOP_NAME"]
TIMEOUT = os.environ[f"{PREFIX}TIMEOUT"]
def main():
    commands = argparse.ArgumentParser().add_subparsers()
    commands.add_parser("serve")
    commands.add_parser("check")
"""
README = """
Call `shop.cli.main()` or `shop.lost()`, set `SHOP_URL`, `SHOP_TIMEOUT` or `SHOP_REGION`, then run `shop serve` or
`shop deploy`. `requests.get` isn't ours, nor is `AWS_REGION`.
`shop.gone` was removed.
"""


@promise("gaps:docs")
async def test_documented_things_that_do_not_exist_are_found(tmp_path: Path) -> None:
    project = '[project.scripts]\nshop = "shop.cli:main"\n'
    plant(tmp_path, {"shop/__init__.py": "", "shop/cli.py": CODE, "README.md": README, "pyproject.toml": project})
    assert symbols(await scan(tmp_path, focus=["docs"])) == {
        "shop.lost()": "undefined_function",
        "SHOP_REGION": "unread_setting",
        "shop deploy": "unknown_command",
    }
