"""Stubs in other forms and other people's words, and what looks like them and works."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent

import pytest

from tests.gaps_rig import WORKING, plant, scan, symbols
from tests.promises import promise
from tests.unit.test_gaps_stubs import HEAD, USE

BODIES = {
    "filled dictionary": 'found = {}\nfound["status"] = "ok"\nfound["items"] = []\nreturn found',
    "filled list": 'found = []\nfound.append("first")\nfound.append("second")\nreturn found',
    "keywords": 'return dict(status="done")',
    "made-up object": 'from types import SimpleNamespace\nreturn SimpleNamespace(id=1, name="demo")',
    "mock": "from unittest.mock import MagicMock\nreturn MagicMock()",
    "class on the spot": 'return type("Result", (), {"ok": True})()',
    "dated": 'import datetime\nreturn {"status": "ok", "at": datetime.datetime.now().isoformat()}',
    "instances": 'return [Price("demo", 1), Price("demo", 2)]',
    "wrapped argument": 'return {"input": amount, "status": "processed"}',
    "argument by another name": "found = amount\nreturn found",
    "argument in rows": 'return [{"amount": amount, "at": "2024-01-01"}]',
    "told and claimed": 'import logging\nlogging.getLogger(__name__).info("%s %s", amount, currency)\nreturn True',
    "standard error": 'import sys\nsys.stderr.write("convert\\n")\nreturn True',
    "steps": 'import time\nfor step in ("connect", "ask"):\n    print(f"step {step}")\n    time.sleep(0.05)\n'
    "return True",
    "event": "import threading\nthreading.Event().wait(0.2)\nreturn True",
    "coin": "import random\nif random.random() < 0.9:\n    return True\nreturn False",
    "bare error": 'raise Exception("will be added in 2.0")',
    "assertion": 'assert False, "still to do"',
    "other language": 'raise RuntimeError("noch nicht implementiert")',
    "NotImplemented": "return NotImplemented",
    "begun and refused": 'rate = rates[currency]\nraise NotImplementedError("come back later")',
    "nothing to go through": "for _ in ():\n    rate = rates[currency]\n    return amount * rate\nreturn False",
    "never": "while False:\n    rate = rates[currency]\n    return amount * rate\nreturn None",
    "left at once": "while True:\n    return None\nrate = rates[currency]\nreturn amount * rate",
    "error set aside": "try:\n    rate = rates[currency]\n    found = amount * rate\n    rates[currency] = rate\n"
    "    return found\nexcept Exception as error:\n    _ = error",
    "error named": "try:\n    rate = rates[currency]\n    found = amount * rate\n    rates[currency] = rate\n"
    "    return found\nexcept Exception:\n    found = None\n    return found",
}


@promise("gaps:wordings")
@pytest.mark.parametrize("form", BODIES)
async def test_a_stub_is_found_in_whatever_form(tmp_path: Path, form: str) -> None:
    text = WORKING + HEAD + indent(BODIES[form], "    ") + "\n" + USE
    assert list(symbols(await scan(plant(tmp_path, {"shop/money.py": text})))) == ["convert"]


@promise("gaps:wordings")
@pytest.mark.parametrize(
    "comment",
    ["kommt später", "à implémenter", "pendiente de implementar", "da implementare", "доделать", "未実装", "待实现"],
)
async def test_comments_of_other_languages_defer_work_too(tmp_path: Path, comment: str) -> None:
    body = f"    # {comment}\n    return 0\n"
    found = await scan(plant(tmp_path, {"money.py": WORKING + HEAD + body + USE}))
    assert comment in found.gaps[0].detail


LOOK_ALIKES = {
    "aliased contract": "from typing import Protocol as Shape\nclass Reader(Shape):\n"
    "    def read(self, size: int) -> bytes: ...\n    def peek(self, size: int) -> bytes: ...\n",
    "binary operator": "class Money:\n    def __add__(self, other):\n        return NotImplemented\n",
    "refusal": 'class Frozen(dict):\n    def update(self, *args):\n        raise Exception("this is immutable")\n',
    "error page": "def page(request, views):\n    try:\n        view = views[request.path]\n"
    "        return view(request)\n"
    "    except Exception:\n        return Response('broken', status=500)\n",
    "printer": "class Out:\n    def line(self, text):\n        print(text)\n"
    "    def pair(self, a, b):\n        print(a, b)\n",
    "chance asked for": 'import random\ndef jitter(seconds):\n    """A random delay of up to so many seconds."""\n'
    "    return random.uniform(0, seconds)\n",
}


@promise("gaps:wordings")
@pytest.mark.parametrize("sort", LOOK_ALIKES)
async def test_what_only_looks_alike_stays_quiet(tmp_path: Path, sort: str) -> None:
    found = await scan(plant(tmp_path, {"a.py": WORKING + LOOK_ALIKES[sort]}))
    assert symbols(found) == {}


@promise("gaps:wordings")
async def test_somebody_elses_protocol_is_no_contract(tmp_path: Path) -> None:
    text = (
        "import asyncio\nclass Line(asyncio.Protocol):\n"
        "    def data_received(self, data):\n        self.rest = (self.rest + data).split(b' ')\n        self.go()\n"
        "    def fetch_reply(self, number, timeout):\n"
        '        """Fetch the reply to a number.\n\n        :return: the reply\n        """\n'
        '        return {"status": "ok", "result": 42}\n'
        "    def go(self):\n        found = self.fetch_reply(1, 2)\n        return found\n"
    )
    assert symbols(await scan(plant(tmp_path, {"line.py": text}))) == {"Line.fetch_reply": "constant"}


HOLLOW = """
export async function loadOrder(id: string): Promise<Order> {
  return { id: "ord_1", total: 42 };
}
export async function chargeCard(order: Order, token: string): Promise<Result> {
  await new Promise((done) => setTimeout(done, 500));
  return { ok: true };
}
export function exportOrders(orders: Order[], format: string): string {
  throw new Error("Method not implemented.");
}
export async function sendReceipt(order: Order, email: string): Promise<void> {
  console.log("receipt sent");
}
export function applyDiscount(order: Order, code: string): Order {
  return order;
}
"""


@promise("gaps:wordings")
async def test_stubs_among_stubs_dont_excuse_each_other(tmp_path: Path) -> None:
    found = await scan(plant(tmp_path, {"orders.ts": HOLLOW}))
    assert set(symbols(found)) == {"loadOrder", "chargeCard", "exportOrders", "sendReceipt", "applyDiscount"}


NULLS = """
package cache

type Store interface {
	Get(key string) (string, error)
	Put(key, value string) error
}

// Disk keeps values in files.
type Disk struct{ path string }

func (d *Disk) Get(key string) (string, error) { return read(d.path, key) }
func (d *Disk) Put(key, value string) error    { return write(d.path, key, value) }

type Nop struct{}

func (Nop) Get(key string) (string, error) { return "", nil }
func (Nop) Put(key, value string) error    { return nil }
"""


@promise("gaps:wordings")
async def test_objects_that_are_there_to_do_nothing_stay_quiet(tmp_path: Path) -> None:
    assert symbols(await scan(plant(tmp_path, {"cache.go": NULLS}))) == {}
