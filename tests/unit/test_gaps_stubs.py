"""Stubs of every sort are found; what only looks like one isn't."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent

import pytest

from tests.gaps_rig import WORKING, plant, scan, symbols
from tests.promises import promise

HEAD = '''
def convert(amount, currency, rates):
    """Convert an amount into another currency.

    :param amount: how much
    :param currency: code of the currency
    :param rates: rates by code
    :return: the converted amount
    """
'''
USE = """
def price(amount, rates):
    found = convert(amount, "EUR", rates)
    return found * 2
"""
STUBS = {
    "pass": "pass",
    "ellipsis": "...",
    "not_implemented": 'raise NotImplementedError("later")',
    "constant": 'return {"status": "ok", "result": 42}',
    "simulated": "import random, time\ntime.sleep(0.2)\nreturn random.random()",
    "echo": "return currency",
    "log_only": 'print("converting")\nreturn True',
    "swallowed": "try:\n    rate = rates[currency]\n    found = amount * rate\n    if found < 0:\n"
    "        raise ValueError(found)\n"
    "    rates[currency] = rate\n    return found\nexcept Exception:\n    pass",
    "dead_flag": "if False:\n    rate = rates[currency]\n    return amount * rate\nreturn None",
    "unreachable": "return None\nrate = rates[currency]\nreturn amount * rate",
    "half_done": "rate = rates[currency]\n# TODO: the rest of the logic\nreturn None",
}


@promise("gaps:stubs")
@pytest.mark.parametrize("kind", STUBS)
async def test_each_sort_of_stub_is_found(tmp_path: Path, kind: str) -> None:
    text = WORKING + HEAD + indent(STUBS[kind], "    ") + "\n" + USE
    found = await scan(plant(tmp_path, {"shop/money.py": text}))
    assert symbols(found) == {"convert": kind}
    (gap,) = found.gaps
    assert gap.file == "shop/money.py"
    assert text.splitlines()[gap.line - 1].startswith("def convert")
    assert gap.detail
    assert gap.disproof
    assert 0.65 <= gap.confidence <= 1


@promise("gaps:stubs")
async def test_comments_that_defer_work_are_told(tmp_path: Path) -> None:
    body = "    # In a real implementation this would ask the bank\n    return 1.08\n"
    found = await scan(plant(tmp_path, {"money.py": WORKING + HEAD + body + USE}))
    assert "In a real implementation" in found.gaps[0].detail


LOOK_ALIKES = {
    "declared limit": "class Pipe:\n    def seek(self, offset, whence):\n"
    '        raise NotImplementedError("pipes do not support seeking")\n',
    "abstract": "import abc\nclass Store(abc.ABC):\n    @abc.abstractmethod\n    def put(self, key, value): ...\n",
    "protocol": "from typing import Protocol\nclass Reader(Protocol):\n    def read(self, size: int) -> bytes: ...\n",
    "overload": "from typing import overload\n@overload\ndef f(x: int) -> int: ...\n@overload\n"
    "def f(x: str) -> str: ...\n"
    "def f(x):\n    return x * 2\n",
    "hook": "class Worker:\n    def run(self, jobs):\n        for job in jobs:\n"
    "            self.on_done(job)\n            job.go()\n"
    '    def on_done(self, job):\n        """Called after each job. Override to do something."""\n'
    "class Loud(Worker):\n    def on_done(self, job):\n        job.log.append(job)\n",
    "null object": 'class NullCache:\n    """Does nothing."""\n    def get(self, key):\n        return None\n'
    "    def put(self, key, value):\n        pass\n    def clear(self):\n        pass\n"
    "    def drop(self, key):\n        pass\n",
    "overridden": "class Shape:\n    def area(self):\n        raise NotImplementedError\n"
    "class Square(Shape):\n    def area(self):\n        return self.side ** 2\n"
    "class Disc(Shape):\n    def area(self):\n        return 3.14 * self.r ** 2\n",
    "dunder": 'class Missing:\n    def __repr__(self):\n        return "missing"\n'
    "    def __bool__(self):\n        return False\n",
    "delegation": "def load(path, reader):\n    return reader.load(path)\n",
    "swallow": "def size(path):\n    try:\n        return path.stat().st_size\n    except OSError:\n        return 0\n",
    "type checking": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n"
    "    def convert(amount: int, rate: int) -> int: ...\n",
    "finished with a note": "def scale(values, by):\n    # TODO: use numpy\n    found = []\n"
    "    for each in values:\n"
    "        found.append(each * by)\n    return found\n",
    "predicate": "import io\nclass Tape(io.RawIOBase):\n    def readable(self):\n"
    "        return True\n    def readinto(self, out):\n"
    "        out[:] = self.block()\n        return len(out)\n    def block(self):\n"
    "        return self.raw.read(10)\n",
}


@promise("gaps:look-alikes")
@pytest.mark.parametrize("name", LOOK_ALIKES)
async def test_look_alikes_are_no_findings(tmp_path: Path, name: str) -> None:
    found = await scan(plant(tmp_path, {"shop/parts.py": WORKING + LOOK_ALIKES[name]}))
    assert symbols(found) == {}


@promise("gaps:look-alikes")
async def test_a_base_in_another_file_excuses_what_its_heirs_fill_in(tmp_path: Path) -> None:
    base = "class Channel:\n    def bind(self, queue, key):\n        raise NotImplementedError\n" + WORKING
    heir = "from .base import Channel as Base\nfrom . import base\nclass Channel(base.Channel):\n" + (
        "    def bind(self, queue, key):\n        self.table[queue] = key\n"
    )
    found = await scan(plant(tmp_path, {"net/base.py": base, "net/redis.py": heir, "net/__init__.py": ""}))
    assert symbols(found) == {}


async def test_what_is_reported_is_in_a_stable_order(tmp_path: Path) -> None:
    text = WORKING + HEAD + "    pass\n" + USE
    plant(tmp_path, {f"m{number}.py": text for number in range(5)})
    first, second = await scan(tmp_path), await scan(tmp_path)
    assert first.gaps == second.gaps
    assert [each.file for each in first.gaps] == sorted(each.file for each in first.gaps)
