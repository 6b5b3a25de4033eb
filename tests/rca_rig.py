"""What the tests of root causes share: measurements made by a fixed recipe."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from pathlib import Path

START, STEP, STEPS, ONSET = 1_700_000_000, 10, 60, 45
TIMES = [START + STEP * place for place in range(STEPS)]
HURT = TIMES[ONSET]


def wave(level: float, hurt: float = 0.0, *, spread: float = 0.05, seed: int = 1) -> list[float]:
    """Values around a level, with `hurt` added from the onset on."""
    chance = random.Random(seed)  # noqa: S311 - chance, not secrecy
    return [level * (1 + chance.uniform(-spread, spread)) + (hurt if place >= ONSET else 0) for place in range(STEPS)]


def wide(path: Path, columns: Mapping[str, list[float]]) -> Path:
    rows = [",".join(["time", *columns])]
    rows += [
        ",".join(map(str, (when, *(each[place] for each in columns.values())))) for place, when in enumerate(TIMES)
    ]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def edges(path: Path, calls: Mapping[str, list[str]]) -> Path:
    path.write_text(json.dumps(calls), encoding="utf-8")
    return path


def span(trace: int, ident: int, parent: int, service: str, kind: int, start: float, end: float, **more: object) -> str:
    """One line of OTLP-JSON. `failed` and `peer` may be given."""
    peer = [{"key": "peer.service", "value": {"stringValue": more["peer"]}}] if "peer" in more else []
    record = {
        "traceId": f"{trace:032x}",
        "spanId": f"{ident:016x}",
        "parentSpanId": f"{parent:016x}" if parent else "",
        "kind": kind,
        "startTimeUnixNano": str(int(start * 1e9)),
        "endTimeUnixNano": str(int(end * 1e9)),
        "attributes": peer,
        "status": {"code": 2} if more.get("failed") else {},
    }
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    return json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [record]}]}]})


def chain_traces(path: Path, *, slow: str = "", lost: bool = False) -> Path:
    """web calls cart, cart calls base, ten times a second for a minute; the last quarter is in trouble."""
    lines: list[str] = []
    chance = random.Random(3)  # noqa: S311 - chance, not secrecy
    for number in range(600):
        at, bad = START + number / 10, number >= 450
        own = {name: 0.01 + chance.uniform(0, 0.002) + (0.1 if bad and name == slow else 0) for name in ("w", "c", "b")}
        gone = bad and lost
        base = 0.002 if gone else own["b"]
        cart, web = own["c"] + base, own["w"] + own["c"] + base
        lines += [
            span(number, 1, 0, "web", 2, at, at + web, failed=gone),
            span(number, 2, 1, "web", 3, at + own["w"], at + web, peer="cart", failed=gone),
            span(number, 3, 2, "cart", 2, at + own["w"], at + own["w"] + cart, failed=gone),
            span(number, 4, 3, "cart", 3, at + own["w"] + own["c"], at + web, peer="base", failed=gone),
        ]
        if not gone:
            lines.append(span(number, 5, 4, "base", 2, at + own["w"] + own["c"], at + web))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
