"""From data to ranked causes, with evidence and with what would disprove them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bedrock_support.tools.causes.detectors import DETECTORS, Detector, RankShift, RobustZ
from bedrock_support.tools.causes.model import RESOURCES, SYMPTOMS, Change, Data, Shift, Window
from bedrock_support.tools.causes.propagate import ANOMALOUS, Node, nodes_of, spread
from bedrock_support.tools.causes.shifts import FEWEST_CALM, shifts_of
from bedrock_support.tools.causes.times import shown
from bedrock_support.tools.causes.window import found_window, given_window

DEFAULT = "peaks"
"""The best by measurement: docs/root-cause.md has the table."""
MOST_SHIFTS = 5
FEWEST_HELD = 3
"""Values that a window which was found must have: fewer are a spike."""
MOST_SURE, LEAD = 0.97, 2.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One entity that the trouble may start at."""

    entity: str
    mechanism: str
    confidence: float
    share: float
    """Of all blame."""
    onset: float | None
    shifts: tuple[Shift, ...]
    """Most telling first."""
    changes: tuple[Change, ...]
    path: tuple[str, ...]
    """Calls from the target to the entity; empty where none are known."""
    why: str
    disproof: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What came of it."""

    window: Window | None
    target: str | None
    causes: tuple[Cause, ...]
    notes: tuple[str, ...]


def find_causes(
    data: Data,
    *,
    start: float | None = None,
    end: float | None = None,
    target: str | None = None,
    detector: Detector = DETECTORS[DEFAULT],
) -> Found:
    """Rank causes. `target`: an entity, a metric, or both with a space, a dot or a slash between; unknown ones raise.

    Raises:
        LookupError: nothing that was measured is called `target`.
    """
    entity, metric = named_target(data, target) if target else (None, None)
    notes = list(data.notes)
    window = found_window(data, entity) if start is None else given_window(data, start, end)
    if window is not None and window.found and not _holds(data, window):
        window = None
    if window is None:
        notes.append("no metric left what was usual before: name start and end, or give a longer calm time before it")
        return Found(window=None, target=entity, causes=(), notes=tuple(notes))
    if window.found:
        notes.append(f"start and end were found by rule, taking the first part of the time as calm: {_span(window)}")
    shifts = shifts_of(data, window, detector)
    if not shifts:
        notes.append(f"no series has {FEWEST_CALM} values before {shown(window.start)} and one after it")
        return Found(window=window, target=entity, causes=(), notes=tuple(notes))
    if not data.calls:
        notes.append("nobody said who calls whom: causes are ranked by how much each changed, not by where it starts")
    if entity is None:
        entity = _front(nodes_of(shifts, (), window, None, metric), data.calls)
    nodes = nodes_of(shifts, data.changes, window, entity, metric)
    ranked = spread(nodes, data.calls, entity, window.start)
    if not ranked and entity is not None:
        ranked = spread(nodes, data.calls, None, window.start)
        notes.append(f"nothing that {entity} calls changed: what changed elsewhere is listed")
    causes = tuple(_cause(node, place, ranked, data, entity) for place, node in enumerate(ranked[:20]))
    return Found(window=window, target=entity, causes=causes, notes=tuple(notes))


def _holds(data: Data, window: Window) -> bool:
    """Whether some symptom is elsewhere during the whole window that was found, and not in a spike or two of it.

    Both detectors must agree: the distance is fooled by one wild value, the ranks by many that hardly moved.
    """
    symptoms = any(each.kind in SYMPTOMS for each in data.series)
    for far in shifts_of(data, window, RobustZ(), lambda each: not symptoms or each.kind in SYMPTOMS):
        if far.score < 1 or far.silent:
            continue
        if data.baseline:
            return True
        sure = shifts_of(data, window, RankShift(), lambda each, series=far.series: each is series)
        if far.samples[1] >= FEWEST_HELD and any(each.score >= 1 for each in sure):
            return True
    return False


def named_target(data: Data, target: str) -> tuple[str | None, str | None]:
    """Entity and metric of what the caller calls the target.

    Raises:
        LookupError: nothing is called that.
    """
    entities = {each.entity for each in data.series}
    if target in entities:
        return target, None
    if any(each.metric == target for each in data.series):
        return None, target
    for each in data.series:
        if target in (f"{each.entity}{sign}{each.metric}" for sign in " ./:_"):
            return each.entity, each.metric
    raise LookupError(", ".join(sorted(entities)[:20]))


def _front(nodes: Mapping[str, Node], calls: Mapping[str, frozenset[str]]) -> str | None:
    """The one entity that feels the trouble and that nobody who feels it calls; None if there are several."""
    loud = {name for name, node in nodes.items() if node.felt >= ANOMALOUS}
    called = {callee for caller in loud for callee in calls.get(caller, ())}
    front = [name for name in loud - called if calls.get(name)]
    return front[0] if len(front) == 1 else None


def _cause(node: Node, place: int, ranked: list[Node], data: Data, target: str | None) -> Cause:
    telling = _telling(node)
    first = telling[0]
    onsets = [each.onset for each in telling if each.onset is not None]
    mechanism = _mechanism(node)
    return Cause(
        entity=node.name,
        mechanism=mechanism,
        confidence=_confidence(node, place, ranked),
        share=round(node.held, 4),
        onset=min(onsets, default=None),
        shifts=tuple(telling),
        changes=tuple(sorted(node.changes, key=lambda each: -each.at)[:3]),
        path=_path(data.calls, target, node.name),
        why=_why(node, first, mechanism),
        disproof=_disproof(node, first),
    )


def _telling(node: Node) -> list[Shift]:
    def order(each: Shift) -> tuple[bool, bool, bool, float]:
        foreign = each.series.kind not in SYMPTOMS | RESOURCES
        return (not each.silent, each.score < ANOMALOUS, foreign, -each.score - 5 * each.series.own)

    return sorted(node.shifts, key=order)[:MOST_SHIFTS]


def _mechanism(node: Node) -> str:
    """The kind that explains best: a resource if one moved, else the symptom that moved most."""
    if any(each.silent for each in node.shifts):
        return "silence"
    resources = [each for each in node.shifts if each.series.kind in RESOURCES and each.score >= 2 * ANOMALOUS]
    failing = [
        each for each in node.shifts if each.series.kind in ("errors", "availability") and each.score >= ANOMALOUS
    ]
    if resources and not any(each.series.own for each in failing):
        return max(resources, key=lambda each: each.score).series.kind
    symptoms = [each for each in node.shifts if each.series.kind in SYMPTOMS]
    best = max(failing or symptoms or node.shifts, key=lambda each: each.score)
    return best.series.kind


def _confidence(node: Node, place: int, ranked: list[Node]) -> float:
    """Of the first: more than its share of blame, for a lead seldom lies; the others divide the rest by their shares.

    The power is fitted to PetShop's training split and to injected faults (docs/root-cause.md).
    """
    first = MOST_SURE * (1 - (1 - ranked[0].held) ** LEAD)
    strong = max(node.felt, node.other, node.resources)
    weak = min(1.0, 0.6 + 0.4 * strong)
    if place == 0:
        return round(first * weak, 3)
    rest = 1 - ranked[0].held
    return round((1 - first) * node.held / rest * weak, 3) if rest > 0 else 0.0


def _path(calls: Mapping[str, frozenset[str]], target: str | None, name: str) -> tuple[str, ...]:
    if target is None or target == name:
        return ()
    ways: dict[str, tuple[str, ...]] = {target: (target,)}
    waiting = [target]
    while waiting:
        at = waiting.pop(0)
        for each in sorted(calls.get(at, ())):
            if each not in ways:
                ways[each] = (*ways[at], each)
                if each == name:
                    return ways[each]
                waiting.append(each)
    return ()


def _why(node: Node, first: Shift, mechanism: str) -> str:
    if first.silent:
        return f"its {first.series.metric} has no values from {shown(first.onset or 0)}: it is gone, or not measured"
    parts = [f"{first.series.metric} went from {first.before:.4g} to {first.during:.4g} ({first.effect:+.1f} spreads)"]
    if first.onset is not None:
        parts.append(f"from {shown(first.onset)}")
    if mechanism in RESOURCES and first.series.kind != mechanism:
        parts.append(f"its {mechanism} moved too")
    if node.knows_own and node.own >= ANOMALOUS:
        parts.append("in its own part, not in what it waits for")
    elif not node.anomalous_callees:
        parts.append("and nothing that it calls changed")
    else:
        parts.append(f"but {', '.join(node.anomalous_callees[:2])}, which it calls, changed too")
    if node.changes:
        latest = max(node.changes, key=lambda each: each.at)
        parts.append(f"{latest.what!r} at {shown(latest.at)}")
    return "; ".join(parts)


def _disproof(node: Node, first: Shift) -> str:
    if first.silent:
        return f"{node.name} still runs and answers: only its measuring stopped"
    if node.changes:
        return f"{node.name} stays as it is after its last change is taken back"
    if node.anomalous_callees:
        return f"{node.name} recovers as soon as {node.anomalous_callees[0]} does"
    return f"{first.series.metric} of {node.name} was as high before, or its callers suffer while it is as usual"


def _span(window: Window) -> str:
    return f"{shown(window.start)} to {shown(window.end)}"
