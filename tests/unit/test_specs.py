"""Ticked tasks against the code: verdicts, flavours, the proposal."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from bedrock_support.tools.gaps.store import FactStore
from bedrock_support.tools.specs.tasks import untick
from bedrock_support.tools.specs.verify import Verified, rewrite, verify
from tests.gaps_rig import plant
from tests.promises import promise
from tests.triage_rig import Steps

CODE = {
    "src/shop/__init__.py": "from .money import convert\nfrom .money import lost\n",
    "src/shop/money.py": '''
        class Wallet:
            """Holds money."""
            def __init__(self, owner):
                self.owner = owner
            def pay(self, amount, to):
                to.take(amount)
                self.left = self.left - amount

        def convert(amount, rate):
            return amount * rate

        def audit(entries, since):
            """Check every entry since a date and return those that don't add up."""
            pass

        LIMIT = 3
    ''',
    "src/shop/api.py": """
        from fastapi import FastAPI
        app = FastAPI()

        @app.get("/orders/{order_id}")
        def order(order_id):
            return find(order_id, os.environ["SHOP_DB_URL"])
    """,
    "web/cart.ts": "export class Cart {\n  add(item: Item): void {\n    this.items.push(item);\n  }\n}\n",
}
CASES = {
    "Implement `shop.convert`": "done",
    "Implement `shop.lost`": "missing",
    "Implement the `Wallet` class\n  - Add `Wallet.pay` and `Wallet.refund`": "partial",
    "Implement `Wallet`\n  - Add to `src/shop/money.py`": "done",
    "Implement `Wallet`\n  - Add to `src/shop/api.py`": "partial",
    "Implement `audit` in `src/shop/money.py`": "missing",
    "Create src/shop/money.py": "done",
    "Create `src/shop/gone.py`": "missing",
    "Add `GET /orders/{id}`": "done",
    "Add endpoint POST /orders": "missing",
    "Read `SHOP_DB_URL`": "done",
    "Add setting `SHOP_CACHE_URL`": "missing",
    "Implement `Cart.add` in `web/cart.ts`": "done",
    "Implement `Cart.drop`": "missing",
    "Define `LIMIT` in `src/shop/money.py`": "done",
    "Remove `old_convert`": "done",
    "Remove `convert`": "missing",
    "Rename `old_convert` to `convert`": "done",
    "Implement `convert` using `numpy.array`": "done",
    "Talk to the customer": "unverifiable",
}


async def judge(root: Path, spec: str | None = None) -> Verified:
    return await verify(root, spec, FactStore(None), anyio.CapacityLimiter(2), Steps())


@promise("spec:verdicts")
@pytest.mark.parametrize("task", CASES)
async def test_each_task_gets_its_verdict(tmp_path: Path, task: str) -> None:
    plant(
        tmp_path, {**CODE, ".kiro/specs/shop/tasks.md": f"# Plan\n\n- [x] 1.2 {task}\n  - _Requirements: 1.1, 2.3_\n"}
    )
    found = await judge(tmp_path)
    (only,) = found.judged
    assert only.verdict == CASES[task], only
    assert only.task.id == "1.2"
    assert only.task.requirements == ("1.1", "2.3")
    assert only.reason
    assert bool(found.failing) == (only.verdict in ("missing", "partial"))


CLAIMS: dict[str, tuple[str, list[str]]] = {
    "Implement `convert` using `yaml` and `toml`": ("done", ["convert"]),
    "Extend `Wallet` by an `owner` attribute": ("done", ["Wallet.owner", "Wallet"]),
    "Extend `Wallet` by a `currency` attribute": ("partial", ["Wallet.currency", "Wallet"]),
    "Take the address from `SHOP_DB_URL`": ("done", []),
    "Take the address from `SHOP_LOST_URL`": ("missing", []),
    "Implement `convert` with `Wallet`, `Purse` and `Pocket` in mind": ("done", ["convert"]),
}


@promise("spec:claims")
@pytest.mark.parametrize("task", CLAIMS)
async def test_what_is_leant_on_is_no_claim_and_what_is_to_be_there_is(tmp_path: Path, task: str) -> None:
    plant(tmp_path, {**CODE, ".kiro/specs/shop/tasks.md": f"- [x] 1 {task}\n"})
    (only,) = (await judge(tmp_path)).judged
    assert (only.verdict, only.symbols) == CLAIMS[task], only


@promise("spec:claims")
async def test_what_a_task_names_itself_must_hold_more_than_nothing(tmp_path: Path) -> None:
    store = (
        "class Store:\n    def __init__(self, base):\n        self.base = base\n"
        "    def save(self, row):\n        self.base.put(row)\n        return True\n"
        "    def load(self, key):\n        pass\n"
    )
    tasks = "- [x] 1 Provide `Store.save()` and `Store.load()`\n"
    plant(tmp_path, {"store.py": store, ".kiro/specs/shop/tasks.md": tasks})
    (only,) = (await judge(tmp_path)).judged
    assert only.verdict == "partial"
    assert {proof.claim.name: proof.state for proof in only.proofs} == {"Store.save": "found", "Store.load": "hollow"}


@promise("spec:verdicts")
async def test_a_file_that_cannot_be_read_is_unverifiable(tmp_path: Path) -> None:
    tasks = "- [x] 1. Implement `convert` in `src/shop/money.py`\n"
    plant(tmp_path, {"src/shop/money.py": "def convert(:\n", ".kiro/specs/shop/tasks.md": tasks})
    (only,) = (await judge(tmp_path)).judged
    assert only.verdict == "unverifiable"
    assert "isn't Python" in only.reason


async def test_a_parent_is_as_far_as_its_subtasks(tmp_path: Path) -> None:
    tasks = "- [x] 1. Money\n  - [x] 1.1 Implement `convert`\n  - [x] 1.2 Implement `gone_for_good`\n"
    tasks += "- [x] 2. More\n  - [ ] 2.1 Rest\n"
    plant(tmp_path, {**CODE, ".kiro/specs/shop/tasks.md": tasks})
    found = await judge(tmp_path)
    assert [(each.task.id, each.verdict) for each in found.judged] == [
        ("1", "partial"),
        ("1.1", "done"),
        ("1.2", "missing"),
        ("2", "unverifiable"),
    ]
    assert found.open_tasks == 1


FLAVOURS = {
    "kiro": (".kiro/specs/cart/tasks.md", "- [x] 2.1 Implement `convert`\n", "2.1"),
    "kiro optional": (".kiro/specs/cart/tasks.md", "- [x]* 2.1 Implement `convert`\n", "2.1"),
    "spec-kit": ("specs/001-cart/tasks.md", "- [X] T012 [P] [US1] Create `convert` in src/shop/money.py\n", "T012"),
    "openspec": ("openspec/changes/add-cart/tasks.md", "## 1. Code\n- [x] 1.1 Implement `convert`\n", "1.1"),
    "no number": ("specs/cart/tasks.md", "\n* [x] Implement `convert`\n", "L2"),
}


@promise("spec:flavours")
@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_task_lists_of_each_flavour_are_read(tmp_path: Path, flavour: str) -> None:
    place, text, name = FLAVOURS[flavour]
    plant(tmp_path, {**CODE, place: text})
    (only,) = (await judge(tmp_path)).judged
    assert (only.task.id, only.verdict) == (name, "done")
    assert only.task.spec == place.split("/")[-2]


@promise("spec:deterministic")
async def test_the_same_tree_gets_the_same_verdicts(tmp_path: Path) -> None:
    tasks = "".join(f"- [x] {at}. {task}\n" for at, task in enumerate(CASES, 1))
    plant(tmp_path, {**CODE, ".kiro/specs/a/tasks.md": tasks, ".kiro/specs/b/tasks.md": tasks})
    first, second = await judge(tmp_path), await judge(tmp_path)
    assert first.judged == second.judged
    assert first.proposal == second.proposal
    assert {each.task.spec for each in (await judge(tmp_path, "b")).judged} == {"b"}


@promise("spec:writer")
async def test_wrong_ticks_are_proposed_and_written_only_when_asked(tmp_path: Path) -> None:
    text = "# Plan\r\n\r\n- [x] 1. Implement `convert`\r\n- [X] 2. Implement `gone_for_good`\r\n- [ ] 3. Rest  \r\n"
    plant(tmp_path, CODE)
    listed = tmp_path / ".kiro/specs/shop/tasks.md"
    listed.parent.mkdir(parents=True)
    listed.write_bytes(text.encode())
    listed.chmod(0o640)
    found = await judge(tmp_path)
    assert "-- [X] 2. Implement `gone_for_good`" in found.proposal
    assert "convert" not in found.proposal
    assert listed.read_bytes() == text.encode()
    assert await anyio.to_thread.run_sync(rewrite, found) == [".kiro/specs/shop/tasks.md"]
    assert listed.read_bytes() == text.replace("[X] 2", "[ ] 2").encode()
    assert listed.stat().st_mode & 0o777 == 0o640
    assert not (await judge(tmp_path)).failing


def test_unticking_changes_only_the_mark() -> None:
    assert untick("a\n  - [x] b [x]\n", {2}) == "a\n  - [ ] b [x]\n"
    assert untick("- [x] a", {1, 7, 0}) == "- [ ] a"


async def test_a_tree_without_task_lists_has_none(tmp_path: Path) -> None:
    assert (await judge(plant(tmp_path, CODE))).lists == ()
