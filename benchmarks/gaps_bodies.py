"""The forms of stubs that benchmarks/gaps_forms.py plants, each as a body made for one function."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from textwrap import indent
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A function whose body may be replaced."""

    name: str
    params: tuple[str, ...]
    body: str
    head: str
    """Its first third."""
    parts: int
    documented: bool
    answers: bool
    start: int
    end: int
    """Lines of the body, from 0, the last one left out."""
    column: int
    returns: str = ""
    """Its annotation, as written."""
    method: bool = False
    doc: str = ""


Form: TypeAlias = Callable[[Spot, random.Random], str | None]
SAID = (
    *("stub", "left as an exercise for later", "not there yet", "will be filled in by the next PR", "demo value"),
    *("logic omitted for brevity", "needs to be written", "to make the tests pass", "noch nicht implementiert"),
    *("kommt später", "à implémenter", "pendiente de implementar", "未実装", "待实现", "da implementare", "доделать"),
    *("minimal for now", "proper handling to follow", "real lookup goes through the API", "no backend yet"),
)
REFUSED = (
    *("not done", "still to do", "WIP", "come back later", "nicht implementiert", "pas encore implémenté"),
    *("this has not been built yet", "Not Implemented", "will be added in 2.0", "sin implementar"),
)
EMPTY = ("[]", "{}", "False", "True", '""', "0", "-1", "()", "dict()", "list()")
CANNED = (
    *('{"ok": True, "items": []}', '"dummy"', 'dict(status="done")', "[1, 2, 3]", '"2024-01-01T00:00:00Z"', "3.14"),
    *('{"users": [{"id": 1, "name": "Ada"}], "total": 1}', '["alpha", "beta", "gamma"]', '{"confidence": 0.87}'),
)
KEPT = (
    'out = {"state": "ready", "progress": 100}\nreturn out',
    "out = []\nreturn out",
    'out = {}\nout["status"] = "ok"\nout["items"] = []\nreturn out',
    'out = "lorem ipsum"\nreturn out',
    'out = []\nout.append("first")\nout.append("second")\nreturn out',
)
OBJECTS = (
    'from types import SimpleNamespace\nreturn SimpleNamespace(id=1, name="demo")',
    "from unittest.mock import MagicMock\nreturn MagicMock()",
    'return type("Result", (), {"ok": True})()',
    'import json\nreturn json.loads("{}")',
    'import io\nreturn io.StringIO("")',
)
ACTED = (
    "import time\nfor _ in range(3):\n    time.sleep(0.05)\nreturn True",
    'import threading\nthreading.Event().wait(0.2)\nreturn {"done": True}',
    "import secrets\nreturn secrets.randbelow(100) / 100",
    "import random\nif random.random() < 0.9:\n    return True\nreturn False",
    'import time\nbegan = time.time()\ntime.sleep(0.1)\nreturn {"took": time.time() - began, "ok": True}',
    'import random\nimport time\n\ntime.sleep(random.random())\nreturn random.choice(["ok", "failed"])',
    'import datetime\nreturn {"status": "ok", "at": datetime.datetime.now().isoformat()}',
)
HANDLERS = (
    "except:\n    return None",
    "except Exception as error:\n    del error\n    return []",
    "except BaseException:\n    ...",
    "except (Exception,):\n    return False",
    "except Exception:\n    result = None\n    return result",
    "except Exception as error:\n    _ = error",
)
EXITS = (
    *("return None\n", "raise NotImplementedError\n", "if True:\n    return\n", "return {}\n"),
    *("skip = True\nif skip:\n    return None\n", "while True:\n    return None\n"),
)


def _fixed(*bodies: str) -> Form:
    return lambda spot, chance: chance.choice(bodies)


def _noted(*endings: str) -> Form:
    return lambda spot, chance: f"# {chance.choice(SAID)}\n{chance.choice(endings)}"


def _logged(spot: Spot, chance: random.Random) -> str:
    told = (
        f'import logging\nlogging.getLogger(__name__).debug("{spot.name} called")',
        f'print(f"{spot.name}: done")\nreturn True',
        f'import sys\nsys.stderr.write("{spot.name}\\n")',
        f'import warnings\nwarnings.warn("{chance.choice(REFUSED)}", stacklevel=2)\nreturn {{}}',
        f'import logging\nlog = logging.getLogger("app")\nlog.info("start")\nlog.info("end {spot.name}")\nreturn True',
    )
    return chance.choice(told)


def _echoed(spot: Spot, chance: random.Random) -> str | None:
    if not spot.params:
        return None
    name = chance.choice(spot.params)
    wrapped = f'return {{"input": {name}, "status": "processed"}}'
    return chance.choice((f"return {name}", f"return {name} or {{}}", f"result = {name}\nreturn result", wrapped))


def _dead(spot: Spot, chance: random.Random) -> str:
    inner = indent(spot.body, "    ")
    heads = (
        *(f"if 0:\n{inner}", f"if not True:\n{inner}\nreturn None", f"while False:\n{inner}"),
        *(f"for _ in ():\n{inner}\nreturn False", f"enabled = False\nif enabled:\n{inner}\nreturn []"),
        f'import os\nif os.getenv("USE_NEW_{spot.name.upper()}") == "1":\n{inner}',
    )
    return chance.choice(heads)


def _halved(spot: Spot, chance: random.Random) -> str | None:
    if spot.parts < 3:
        return None
    said = chance.choice(SAID)
    refused = f'raise NotImplementedError("{chance.choice(REFUSED)}")'
    return f"{spot.head}\n" + chance.choice((f"# {said}\nreturn None", f"return None  # {said}", refused))


def _cut(spot: Spot, chance: random.Random) -> str | None:
    ends = ("return None", "return []", "return {}", "return True")
    return f"{spot.head}\n{chance.choice(ends)}" if spot.parts >= 3 and spot.answers else None


FORMS: dict[str, Form] = {
    "pass": _fixed("pass"),
    "return": _fixed("return"),
    "docstring": lambda spot, chance: "" if spot.documented else None,
    "ellipsis": _fixed("..."),
    "note, nothing": _noted("pass", "...", "return None", "return"),
    "note, default": _noted(*(f"return {each}" for each in EMPTY)),
    "default": _fixed(*(f"return {each}" for each in EMPTY)),
    "canned": _fixed(*(f"return {each}" for each in CANNED)),
    "kept": _fixed(*KEPT),
    "object": _fixed(*OBJECTS),
    "not implemented": lambda spot, chance: f'raise NotImplementedError("{chance.choice(REFUSED)}")',
    "other error": lambda spot, chance: f'raise Exception("{chance.choice(REFUSED)}")',
    "assertion": lambda spot, chance: f'assert False, "{chance.choice(REFUSED)}"',
    "log": _logged,
    "acted": _fixed(*ACTED),
    "echo": _echoed,
    "swallowed": lambda spot, chance: f"try:\n{indent(spot.body, '    ')}\n{chance.choice(HANDLERS)}",
    "dead": _dead,
    "parked": lambda spot, chance: chance.choice(EXITS) + spot.body,
    "half": _halved,
    "cut": _cut,
}
