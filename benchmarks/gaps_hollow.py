"""Bodies that look like work and do none of it, in families: each made for one function, from its name and parameters.

They are what hurried writers leave behind: success that nobody brought about, figures that nobody measured, loops that
only count, checks that find nothing wrong. benchmarks/calibrating.py plants them and fits the confidences to them.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from textwrap import indent

from bedrock_support.tools.gaps.words import PREDICATE
from benchmarks.gaps_bodies import Form, Spot

_NOTES = (
    *("", "", "", "", "", "", "# simplified for now\n", "# in production this would call the service\n"),
    *("# TODO: the real thing\n", "# placeholder until the backend exists\n", "# good enough for the demo\n"),
)
_GOOD = ('"success"', '"ok"', '"completed"', '"done"', '"healthy"', '"accepted"', '"processed"', '"active"')
_FIGURES = ("0.95", "0.87", "42", "100", "23.5", "1024", "0.002", "150", "99.9", "12.4", "0.0", "61")
_NOUNS = ("total", "count", "score", "latency_ms", "throughput", "accuracy", "size", "rate", "usage", "errors")
_LOG = "import logging\nlogging.getLogger(__name__).info({text})\n"


def _answer(spot: Spot, chance: random.Random) -> str:
    """A last line that claims success, in the type that the signature asks for."""
    said = spot.returns.lower()
    given = chance.choice(spot.params) if spot.params else ""
    if not spot.returns and not spot.answers:
        return ""
    if said in ("none", "noreturn"):
        return ""
    if said.startswith("bool") or PREDICATE.search(spot.name):
        return chance.choice(("return True", "return True", "return False"))
    if said.startswith("int"):
        return f"return {chance.choice(('0', '1', '3', '42'))}"
    if said.startswith("float"):
        return f"return {chance.choice(('0.0', '0.95', '1.0', '0.87'))}"
    if said.startswith("str"):
        return f'return f"{{{given}}}_{chance.choice(("done", "new", "v2", "id"))}"' if given else 'return "done"'
    if said.startswith(("list", "sequence", "iterable", "tuple")):
        return "return []"
    echoed = f', "{given}": {given}' if given and chance.random() < 0.6 else ""
    claims = (
        f'return {{"status": {chance.choice(_GOOD)}{echoed}}}',
        f'return {{"success": True{echoed}, "{chance.choice(_NOUNS)}": {chance.choice(_FIGURES)}}}',
        "return True",
    )
    return chance.choice(claims)


def _first(spot: Spot, chance: random.Random) -> str:
    return chance.choice(spot.params)


def _needs(fewest: int, make: Form) -> Form:
    """Only for functions that take so many parameters."""
    return lambda spot, chance: make(spot, chance) if len(spot.params) >= fewest else None


def _answering(make: Form) -> Form:
    """Only for functions that give something back."""
    return lambda spot, chance: make(spot, chance) if spot.answers else None


def _noted(make: Form) -> Form:
    def noted(spot: Spot, chance: random.Random) -> str | None:
        made = make(spot, chance)
        return None if made is None else chance.choice(_NOTES) + made

    return noted


def _claimed(spot: Spot, chance: random.Random) -> str:
    pairs = ", ".join(f'"{each}": {each}' for each in spot.params[:3])
    return f'result = {{{pairs}}}\nresult["{chance.choice(("ok", "done", "applied"))}"] = True\nreturn result'


def _spoken(spot: Spot, chance: random.Random) -> str:
    parts = "-".join(f"{{{each}}}" for each in spot.params[:2])
    head = chance.choice(("", "https://example.org/", f"{spot.name}_", "v1:"))
    return chance.choice((f'return f"{head}{parts}"', f'text = f"{head}{parts}"\nreturn text'))


def _guarded(spot: Spot, chance: random.Random) -> str:
    name = _first(spot, chance)
    guard = chance.choice((f"if not {name}:\n    return None", f'if {name} is None:\n    raise ValueError("{name}")'))
    told = chance.choice(("", _LOG.format(text=f'"{spot.name} %s", {name}')))
    return f"{guard}\n{told}{_answer(spot, chance)}"


def _thrown(spot: Spot, chance: random.Random) -> str:
    pairs = ", ".join(f'"{each}": {each}' for each in spot.params[:4])
    name = chance.choice(("payload", "entry", "request", "record", "message"))
    return f"{name} = {{{pairs}}}\n{_answer(spot, chance)}"


def _stepped(spot: Spot, chance: random.Random) -> str:
    steps = chance.sample(("prepare", "connect", "transfer", "verify", "drain", "swap", "finish"), 3)
    told = chance.choice(('print(f"{step}...")', 'logging.getLogger(__name__).info("step %s", step)'))
    return f"import logging\nfor step in {steps!r}:\n    {told}\n{_answer(spot, chance)}"


def _counted(spot: Spot, chance: random.Random) -> str:
    name, held = chance.choice(("done", "processed", "changed", "sent", "removed")), _first(spot, chance)
    told = chance.choice(("", f'    print(f"{spot.name}: {{each}}")\n'))
    return f"{name} = 0\nfor each in {held}:\n{told}    {name} += 1\nreturn {name}"


def _alike(spot: Spot, chance: random.Random) -> str:
    held, figure = _first(spot, chance), chance.choice(_FIGURES)
    ends = ("return found", "return sum(found) / len(found) if found else 0.0", "return max(found)")
    return f"found = []\nfor each in {held}:\n    found.append({figure})\n{chance.choice(ends)}"


def _gathered(spot: Spot, chance: random.Random) -> str:
    held = _first(spot, chance)
    forms = (
        f"seen = set()\nfound = []\nfor each in {held}:\n    found.append(each)\nreturn found",
        f"found = list({held})\nreturn found",
        f"return [each for each in {held}]",
        f"return dict({held})",
    )
    return chance.choice(forms)


def _tabled(spot: Spot, chance: random.Random) -> str:
    rows = ", ".join(f'"{key}": {chance.choice(_FIGURES)}' for key in chance.sample(("api", "db", "eu", "us", "a"), 3))
    name = _first(spot, chance)
    default = chance.choice(("0", "1.0", "None"))
    return chance.choice(
        (f"known = {{{rows}}}\nreturn known.get({name}, {default})", f"return {{{rows}}}.get({name}, {default})")
    )


def _figures(spot: Spot, chance: random.Random) -> str:
    one, two = chance.sample(_NOUNS, 2)
    left, right = chance.sample(_FIGURES[:8], 2)
    ends = (
        f"return {two} / ({one} + 1)",
        f'return {{"{one}": {one}, "{two}": {two}}}',
        f'return {{"{one}": {one}, "rest": {one} - {two}, "{spot.name}": True}}',
        f"return round({two} * {one}, 2)",
    )
    return f"{one} = {left}\n{two} = {right}\n{chance.choice(ends)}"


def _held(spot: Spot, chance: random.Random) -> str:
    noun, figure = chance.choice(_NOUNS), chance.choice(_FIGURES)
    sign = chance.choice(("<", ">", "<=", ">="))
    return f"{noun} = {figure}\nreturn {noun} {sign} {_first(spot, chance)}"


def _only_first(spot: Spot, chance: random.Random) -> str:
    first = spot.params[0]
    forms = (
        f"return {first}[0]",
        f"return str({first})",
        f"return {first}.strip()",
        f"result = {first}\nreturn result",
    )
    called = (f"result = {first}()\nreturn result", f"return list({first})", f"return bool({first})")
    return chance.choice((*forms, *called))


def _barren(spot: Spot, chance: random.Random) -> str:
    name = _first(spot, chance)
    forms = (
        f"patterns = []\nreturn any(each in {name} for each in patterns)",
        f"rows = []\nreturn [each for each in rows if each == {name}]",
        f"problems = []\nfor each in {name}:\n    pass\nreturn problems",
        'violations = []\nreturn {"ok": not violations, "violations": violations}',
        "errors = []\nreturn len(errors) == 0",
    )
    return chance.choice(forms)


def _anyway(spot: Spot, chance: random.Random) -> str:
    ends = chance.choice(("return True", f'return {{"status": {chance.choice(_GOOD)}}}'))
    told = chance.choice(("pass", 'print(f"failed: {error}")'))
    return f"try:\n{indent(spot.head, '    ')}\nexcept Exception as error:\n    {told}\n{ends}"


def _tried(spot: Spot, chance: random.Random) -> str:
    told = f'print(f"{spot.name} {{{_first(spot, chance)}}}")'
    return f"try:\n    {told}\n    return True\nexcept Exception:\n    return False"


def _branched(spot: Spot, chance: random.Random) -> str:
    one, other = spot.params[0], spot.params[1]
    ways = chance.sample(("json", "csv", "xml", "fast", "full", "remote"), 3)
    empty = chance.choice(('""', "None", "[]", "0"))
    return (
        f'if {one} == "{ways[0]}":\n    return str({other})\nelif {one} == "{ways[1]}":\n    return {empty}\n'
        f'elif {one} == "{ways[2]}":\n    return {empty}\nelse:\n    return {empty}'
    )


def _same(spot: Spot, chance: random.Random) -> str:
    one, other = spot.params[0], spot.params[1]
    return f"if {one} == {other}:\n    return {one}\nreturn {one}"


def _drawn(spot: Spot, chance: random.Random) -> str:
    noun = chance.choice(_NOUNS)
    given = f', "{spot.params[0]}": {spot.params[0]}' if spot.params else ""
    forms = (
        f'import random\nreturn {{"{noun}": round(random.uniform(0.8, 0.99), 2){given}}}',
        f"import random\n{noun} = random.gauss(50, 10)\nreturn max(0.0, {noun})",
        f'import random\nstate = "healthy" if random.random() > 0.1 else "degraded"\nreturn {{"status": state{given}}}',
    )
    return chance.choice(forms)


def _polled(spot: Spot, chance: random.Random) -> str:
    name = _first(spot, chance)
    return (
        f"import time\ndeadline = time.monotonic() + 1\nchecks = 0\nwhile time.monotonic() < deadline:\n"
        f"    checks += 1\n    if checks >= 3:\n        return True\n    time.sleep(0.1)\nprint({name})\nreturn False"
    )


def _locked(spot: Spot, chance: random.Random) -> str:
    return f"with self._lock:\n    {_answer(spot, chance) or 'pass'}"


def _stated(spot: Spot, chance: random.Random) -> str:
    name = chance.choice(("_ready", "loaded", "state", "connected", "_done"))
    told = chance.choice(("", f'print("{spot.name}")\n'))
    value = chance.choice(("True", '"done"', '"aborted"'))
    return f"{told}self.{name} = {value}\n{_answer(spot, chance)}"


def _stamped(spot: Spot, chance: random.Random) -> str:
    forms = (
        f'import uuid\nname = f"{spot.name}_{{uuid.uuid4().hex}}"\n',
        f'import datetime\nname = f"{spot.name}_{{datetime.datetime.now():%Y%m%d}}"\n',
        'import time\nname = f"{int(time.time())}"\n',
    )
    ends = ("return name", 'return {"id": name, "size": 1024, "status": "created"}', 'print(name)\nreturn {"id": name}')
    return chance.choice(forms) + chance.choice(ends)


def _looked(spot: Spot, chance: random.Random) -> str:
    name = _first(spot, chance)
    told = _LOG.format(text=f'"{spot.name} %s", {name}')
    forms = (
        f"from pathlib import Path\nif not Path({name}).exists():\n    return False\n{told}return True",
        f"if len({name}) == 0:\n    return False\n{told}return True",
        f'parts = str({name}).split()\nif len(parts) > 99:\n    raise ValueError("{name}")\nreturn True',
    )
    return chance.choice(forms)


def _formula(spot: Spot, chance: random.Random) -> str:
    given = f', "{spot.params[0]}": {spot.params[0]}' if spot.params else ""
    return (
        'history = []\nfor turn in range(5):\n    loss = 1.0 / (turn + 1)\n    history.append({"loss": loss})\n'
        f'    print(f"{{turn}}: {{loss:.3f}}")\nreturn {{"history": history{given}}}'
    )


def _hashed(spot: Spot, chance: random.Random) -> str:
    name = _first(spot, chance)
    return chance.choice((f"return abs(hash({name})) % 100", f"return len(str({name})) * 7 % 100 / 100"))


def _headed(spot: Spot, chance: random.Random) -> str | None:
    return f"{spot.head}\n{_answer(spot, chance)}" if spot.parts >= 3 and spot.answers else None


def _waited(spot: Spot, chance: random.Random) -> str:
    told = chance.choice(("", f'print("{spot.name}")\n'))
    ends = _answer(spot, chance)
    echoed = f'return {{"done": True, "{spot.params[0]}": {spot.params[0]}}}' if spot.params else ends
    return f"import time\n{told}time.sleep(0.2)\n{chance.choice((ends, echoed)) if spot.answers else ends}"


def _table(**forms: Callable[[Spot, random.Random], str | None]) -> dict[str, Form]:
    return {name: _noted(make) for name, make in forms.items()}


HOLLOW: dict[str, Form] = _table(
    claimed=_answering(_needs(1, _claimed)),
    spoken=_answering(_needs(1, _spoken)),
    guarded=_needs(1, _guarded),
    thrown=_needs(2, _thrown),
    stepped=_stepped,
    counted=_answering(_needs(1, _counted)),
    alike=_answering(_needs(1, _alike)),
    gathered=_answering(_needs(2, _gathered)),
    tabled=_answering(_needs(1, _tabled)),
    figures=_answering(_figures),
    held=_answering(_needs(1, _held)),
    only_first=_answering(_needs(2, _only_first)),
    barren=_answering(_needs(1, _barren)),
    anyway=_answering(_anyway),
    tried=_answering(_needs(1, _tried)),
    branched=_answering(_needs(2, _branched)),
    same=_answering(_needs(2, _same)),
    drawn=_answering(_drawn),
    polled=_answering(_needs(1, _polled)),
    locked=lambda spot, chance: _locked(spot, chance) if spot.method else None,
    stated=lambda spot, chance: _stated(spot, chance) if spot.method else None,
    stamped=_answering(_stamped),
    looked=_answering(_needs(1, _looked)),
    formula=_answering(_formula),
    hashed=_answering(_needs(1, _hashed)),
    headed=_headed,
    waited=_waited,
    flat=_answering(_answer),
    told_flat=_answering(lambda spot, chance: _LOG.format(text=f'"{spot.name}"') + _answer(spot, chance)),
)
