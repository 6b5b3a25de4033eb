"""The completion report: made of stored evidence and nothing else, each figure beside the id of what it comes from."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bedrock_support.server.rollout.store import Evidence, Run, Transition

FIGURE = re.compile(r"\d")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What is said, and the ids of what says so: E of evidence, T of a transition, R of the run itself."""

    text: str
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading, what to know first, and a table."""

    title: str
    notes: tuple[Cell, ...] = ()
    head: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One run as a document. `stored` holds the raw record by id, for whoever wants to check."""

    title: str
    sections: tuple[Section, ...]
    stored: Mapping[str, object] = field(default_factory=dict[str, object])


def report_of(run: Run, past: Sequence[Transition], seen: Sequence[Evidence]) -> Report:
    """The report of a run of any kind."""
    stored: dict[str, object] = {"R": _raw_run(run)}
    stored |= {f"T{each.id}": _raw(each.at, each.phase, {"state": each.state, "note": each.note}) for each in past}
    stored |= {
        f"E{each.id}": _raw(each.at, each.phase, {"name": each.name, "ok": each.ok, "value": each.value} | _trace(each))
        for each in seen
    }
    sections = [
        _summary(run, seen),
        _timeline(past),
        _gates(seen),
        _checks("Health checks", seen, "health_checks"),
        _flags(seen),
        _checks("Validation through the front door", seen, "validation"),
        _checks("The way back", seen, "rollback"),
        *(_checks(f"Rollback: {level}", seen, level) for level in ("immediate", "partial", "full")),
        _failed(seen),
    ]
    kept = tuple(each for each in sections if each.rows or each.notes)
    return Report(title=f"Report of {run.kind} {run.id}", sections=kept, stored=stored)


def _summary(run: Run, seen: Sequence[Evidence]) -> Section:
    rows = [
        _pair("state", run.state, "R"),
        _pair("begun", moment(run.started), "R"),
        _pair("ended", "not ended" if run.ended is None else moment(run.ended), "R"),
    ]
    rows += [_pair(f"{name} set to", str(value), "R") for name, value in _mapping(run.detail.get("env")).items()]
    rows += [_pair(f"limit of {name}", str(value), "R") for name, value in _mapping(run.detail.get("limits")).items()]
    simulated = [f"E{each.id}" for each in seen if _simulated(each.value)]
    notes: tuple[Cell, ...] = ()
    if simulated:
        words = "SIMULATED: answers of Bedrock came from the sandbox. Times say nothing about AWS."
        notes = (Cell(text=words, sources=tuple(simulated[:1])),)
    return Section(title="Summary", notes=notes, head=("what", "value"), rows=tuple(rows))


def _timeline(past: Sequence[Transition]) -> Section:
    """Each phase and step from its beginning to its end, a row each; what was taken up again shows once per try."""
    spans: list[list[Transition]] = []
    open_: dict[str, list[Transition]] = {}
    for each in past:
        if each.state == "begun" or each.phase not in open_:
            spans.append([each])
            open_[each.phase] = spans[-1]
        else:
            open_.pop(each.phase).append(each)
    rows: list[tuple[Cell, ...]] = []
    for span in spans:
        first, last = span[0], span[-1]
        sources = (f"T{first.id}", f"T{last.id}") if len(span) > 1 else (f"T{first.id}",)
        phase, _, step = first.phase.partition("/")
        state = "not ended" if last.state == "begun" else last.state
        notes = [(each.note, f"T{each.id}") for each in span if each.note]
        rows.append(
            (
                Cell(text=moment(first.at), sources=sources[:1]),
                Cell(text=phase),
                Cell(text=step, sources=sources[:1] if step else ()),
                Cell(text=state, sources=sources[-1:]),
                Cell(text=f"{last.at - first.at:.2f} s", sources=sources) if len(span) > 1 else Cell(text=""),
                Cell(text="; ".join(text for text, _ in notes), sources=tuple(source for _, source in notes)),
            )
        )
    return Section(title="Timeline", head=("begun", "phase", "step", "ended", "took", "note"), rows=tuple(rows))


def _gates(seen: Sequence[Evidence]) -> Section:
    rows: list[tuple[Cell, ...]] = []
    for each in seen:
        if not each.name.startswith("gate: "):
            continue
        source, value = (f"E{each.id}",), each.value

        def cell(*names: str, value: Mapping[str, Any] = value, source: tuple[str, ...] = source) -> Cell:
            found = next((value[name] for name in names if value.get(name) is not None), None)
            return Cell(text="unknown" if found is None else str(found), sources=() if found is None else source)

        step = value.get("step_percent")
        rows.append(
            (
                Cell(text=each.phase),
                Cell(text="" if step is None else f"{step} %", sources=() if step is None else source),
                Cell(text=each.name.removeprefix("gate: "), sources=source),
                cell("rate", "p95_seconds", "lost"),
                cell("limit", "limit_seconds") if "lost" not in value else Cell(text="none"),
                cell("samples") if "lost" not in value else Cell(text=""),
                cell("below_with_95_percent_confidence") if "rate" in value else Cell(text=""),
                _verdict(each),
            )
        )
    head = ("phase", "step", "gate", "value", "limit", "samples", "true rate below, 95 % sure", "opened")
    return Section(title="Gates", head=head, rows=tuple(rows))


def _checks(title: str, seen: Sequence[Evidence], phase: str) -> Section:
    rows = tuple(
        (
            Cell(text=each.name, sources=(f"E{each.id}",)),
            _verdict(each),
            Cell(text=each.trace, sources=(f"E{each.id}",) if each.trace else ()),
        )
        for each in seen
        if each.phase == phase and each.ok is not None
    )
    return Section(title=title, head=("check", "holds", "decision"), rows=rows)


def _flags(seen: Sequence[Evidence]) -> Section:
    rows: list[tuple[Cell, ...]] = []
    for each in seen:
        if each.phase != "flags" or "seen" not in each.value:
            continue
        source = (f"E{each.id}",)
        workers = ", ".join(sorted(_mapping(each.value.get("workers"))))
        rows.append((Cell(text=each.name, sources=source), Cell(text=workers, sources=source), _verdict(each)))
    return Section(title="Flags", head=("flag", "read back from", "holds"), rows=tuple(rows))


def _failed(seen: Sequence[Evidence]) -> Section:
    rows = tuple(
        (
            Cell(text=each.phase),
            Cell(text=each.name, sources=(f"E{each.id}",)),
            Cell(text=str(each.value.get("problem", "")), sources=(f"E{each.id}",)),
        )
        for each in seen
        if each.ok is False
    )
    return Section(title="What did not hold", head=("phase", "check", "problem"), rows=rows)


def _verdict(each: Evidence) -> Cell:
    tries = each.value.get("tries")
    held = "yes" if tries is None else f"yes, at try {tries}"
    return Cell(text=held if each.ok else "NO", sources=(f"E{each.id}",))


def _pair(name: str, value: str, source: str) -> tuple[Cell, ...]:
    return (Cell(text=name), Cell(text=value, sources=(source,)))


def _raw_run(run: Run) -> dict[str, object]:
    return {
        "id": run.id,
        "kind": run.kind,
        "started": run.started,
        "ended": run.ended,
        "state": run.state,
        **run.detail,
    }


def _raw(at: float, phase: str, rest: Mapping[str, object]) -> dict[str, object]:
    return {"at": at, "phase": phase, **rest}


def _trace(each: Evidence) -> dict[str, object]:
    return {"trace": each.trace} if each.trace else {}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}  # pyright: ignore[reportUnknownVariableType]


def _simulated(value: Mapping[str, Any]) -> bool:
    return '"simulated": true' in json.dumps(value)


def moment(seconds: float) -> str:
    """A moment in UTC, to the millisecond."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
