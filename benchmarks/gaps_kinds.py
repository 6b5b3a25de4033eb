"""The kinds of stubs that benchmarks/gaps_languages.py plants, each as a body made for one function."""

from __future__ import annotations

import random

from benchmarks.gaps_planting import MISSING, SAID, Maker, Spot, returning, sample, zero


def _comment(rng: random.Random) -> str:
    said = rng.choice(SAID)
    return f"// {said}\n" if said else ""


def _plain(spot: Spot) -> bool:
    """One result beside an error, so that a value can be written for it."""
    return len(spot.results) - spot.fails <= 1


def empty(spot: Spot, family: str, rng: random.Random) -> str | None:
    if spot.kind == "none" and not spot.fails:
        return _comment(rng)
    return _comment(rng) + returning(spot, zero(spot, family), family) if _plain(spot) else None


def canned(spot: Spot, family: str, rng: random.Random) -> str | None:
    value = sample(spot, family, rng) if _plain(spot) else None
    return None if value is None else _comment(rng) + returning(spot, value, family)


def missing(spot: Spot, family: str, rng: random.Random) -> str | None:
    said = rng.choice(MISSING)
    if family == "script":
        return f"throw new Error('{said}');"
    if family == "java":
        kind = rng.choice(["UnsupportedOperationException", "RuntimeException", "IllegalStateException"])
        return f'throw new {kind}("{said}");'
    if spot.fails and _plain(spot) and rng.random() < 0.6:
        made = rng.choice([f'errors.New("{said}")', f'fmt.Errorf("{said}")'])
        return f"return {made}" if spot.kind == "none" else f"return {zero(spot, family)}, {made}"
    return f'panic("{said}")'


def delayed(spot: Spot, family: str, rng: random.Random) -> str | None:
    value = sample(spot, family, rng) if _plain(spot) else None
    if value is None and spot.kind != "none":
        return None
    wait = {
        "script": rng.choice(["await new Promise((resolve) => setTimeout(resolve, 300));", "await sleep(250);"]),
        "go": "time.Sleep(200 * time.Millisecond)",
        "java": "try { Thread.sleep(200); } catch (InterruptedException e) { Thread.currentThread().interrupt(); }",
    }[family]
    return f"{wait}\n{returning(spot, value or zero(spot, family), family)}"


def drawn(spot: Spot, family: str, rng: random.Random) -> str | None:
    if spot.kind not in ("number", "flag", "open") or not _plain(spot):
        return None
    flag = spot.kind == "flag"
    value = {
        "script": "Math.random() > 0.5" if flag else rng.choice(["Math.random()", "Math.floor(Math.random() * 100)"]),
        "go": "rand.Intn(2) == 1" if flag else "rand.Intn(100)",
        "java": "new Random().nextBoolean()" if flag else "new Random().nextInt(100)",
    }[family]
    return returning(spot, value, family)


def echoed(spot: Spot, family: str, rng: random.Random) -> str | None:
    typed = family != "script" and spot.kind not in ("text",)
    if not spot.params or spot.kind == "none" or typed or not _plain(spot) or len(spot.params) < 2:
        return None
    return _comment(rng) + returning(spot, spot.params[0], family)


def logged(spot: Spot, family: str, rng: random.Random) -> str | None:
    if not _plain(spot):
        return None
    line = {
        "script": f"console.log('{spot.name} called');",
        "go": f'fmt.Println("{spot.name} called")',
        "java": f'System.out.println("{spot.name} called");',
    }[family]
    return f"{line}\n{returning(spot, zero(spot, family), family)}"


def hidden(spot: Spot, family: str, rng: random.Random) -> str | None:
    if family == "go" or spot.statements < 3 or not _plain(spot):
        return None
    answer = returning(spot, zero(spot, family), family)
    head = rng.choice(["catch (e)", "catch"]) if family == "script" else "catch (Exception ignored)"
    return f"try {{\n%BODY%\n}} {head} {{\n{answer}\n}}"


def dead(spot: Spot, family: str, rng: random.Random) -> str | None:
    if spot.statements < 2 or not _plain(spot):
        return None
    head = "if false {" if family == "go" else "if (false) {"
    return f"{head}\n%BODY%\n}}\n{returning(spot, zero(spot, family), family)}"


def parked(spot: Spot, family: str, rng: random.Random) -> str | None:
    if spot.statements < 2 or not _plain(spot):
        return None
    answer = returning(spot, zero(spot, family), family) or ("return;" if family != "go" else "return")
    return f"{answer}\n%BODY%"


def halved(spot: Spot, family: str, rng: random.Random) -> str | None:
    if spot.statements < 4 or spot.kind == "none" or not _plain(spot):
        return None
    note = rng.choice(["// TODO: the rest", "// remaining steps to be added", "// FIXME finish"])
    return f"%HALF%\n{note}\n{returning(spot, zero(spot, family), family)}"


KINDS: dict[str, Maker] = {
    "pass": empty,
    "constant": canned,
    "not_implemented": missing,
    "delayed": delayed,
    "random": drawn,
    "echo": echoed,
    "log_only": logged,
    "swallowed": hidden,
    "dead_flag": dead,
    "unreachable": parked,
    "half_done": halved,
}
