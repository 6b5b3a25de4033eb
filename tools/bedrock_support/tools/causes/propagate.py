"""Who is to blame: scores walk from those who feel the trouble along their calls, to where it starts."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bedrock_support.tools.causes.impact import factors, main_shift
from bedrock_support.tools.causes.model import RESOURCES, SYMPTOMS, Change, Kind, Shift, Window, kind_of

ANOMALOUS = 1.0
RESOURCE_WEIGHT = 0.5
"""Of processor and memory beside self time: they explain, but load moves them too."""
INHERITED = 0.1
"""Share of a symptom that counts as an entity's own where a callee has the same symptom."""
CHANGE_BONUS = 0.5
CHANGE_SECONDS = 1800.0
"""How long before the onset a change still counts fully; beyond, its weight halves each such time."""
ROUNDS = 60
OTHER = 0.3
"""Of symptoms that aren't those that are asked about."""
ADDRESS = 0.3
"""Of entities known by an address alone: what stands behind it, under a name of its own, is more likely meant."""
_ADDRESS = re.compile(r"_(remote|client)$|\.elb\.|^\d+\.\d+\.\d+\.\d+|^https?://")


@dataclass(slots=True)
class Node:
    """One entity as the walk sees it."""

    name: str
    shifts: list[Shift] = field(default_factory=list[Shift])
    felt: float = 0.0
    """Strongest shift of what its callers feel."""
    own: float = 0.0
    """Strongest shift of what can't come from its callees, in the measure of `felt`."""
    other: float = 0.0
    """Strongest shift of another kind of symptom than the one that is asked about."""
    account: float = 1.0
    """How much of the target's trouble it could explain."""
    resources: float = 0.0
    knows_own: bool = False
    """Self time or own errors were measured: what isn't shifted there comes from elsewhere."""
    changes: list[Change] = field(default_factory=list[Change])
    held: float = 0.0
    """Share of the blame that the walk left here."""
    anomalous_callees: tuple[str, ...] = ()


def nodes_of(
    shifts: Iterable[Shift],
    changes: Iterable[Change],
    window: Window,
    target: str | None = None,
    metric: str | None = None,
) -> dict[str, Node]:
    """Shifts and changes by entity; what is felt at the target, and by its metric, counts most."""
    nodes: dict[str, Node] = {}
    for shift in shifts:
        nodes.setdefault(shift.series.entity, Node(shift.series.entity)).shifts.append(shift)
    account = factors({name: node.shifts for name, node in nodes.items()}, target, asked(metric)) if target else {}
    for name, node in nodes.items():
        node.account = account.get(name, 1.0)
        node.felt, node.other = _felt(node.shifts, metric)
        own = [each for each in node.shifts if each.series.own and each.series.kind in SYMPTOMS]
        node.knows_own = bool(own)
        node.own = max((each.score for each in own), default=0.0)
        resources = [each for each in node.shifts if each.series.kind in RESOURCES]
        node.resources = max((each.score for each in resources if not each.silent), default=0.0)
        if silent := [each.score for each in resources if each.silent]:
            node.own, node.knows_own, node.account = max(node.own, *silent), True, 1.0
        node.felt = max(node.felt, node.own)
    for change in changes:
        if window.start - 8 * CHANGE_SECONDS <= change.at <= window.end and change.entity in nodes:
            nodes[change.entity].changes.append(change)
    return nodes


def _felt(shifts: Sequence[Shift], metric: str | None) -> tuple[float, float]:
    """The strongest symptom of the kind that is asked for (of any, if none is), and the strongest of another kind."""
    scores = {kind: main.score for kind in SYMPTOMS if (main := main_shift(shifts, kind, metric)) is not None}
    alike = asked(metric)
    felt = max((score for kind, score in scores.items() if kind in alike), default=0.0)
    return felt, max((score for kind, score in scores.items() if kind not in alike), default=0.0)


def asked(metric: str | None) -> frozenset[Kind]:
    """Symptoms that a metric's name asks about: its own kind, errors with availability, or all."""
    wanted = kind_of(metric) if metric else "other"
    if wanted not in SYMPTOMS:
        return SYMPTOMS
    return frozenset({wanted}) if wanted == "latency" else SYMPTOMS - {"latency"}


def spread(
    nodes: Mapping[str, Node], calls: Mapping[str, frozenset[str]], target: str | None, onset: float
) -> list[Node]:
    """Nodes with their share of the blame, most first; those without any are left out."""
    callees = {name: _callees(name, nodes, calls) for name in nodes}
    stay: dict[str, float] = {}
    for name, node in nodes.items():
        node.anomalous_callees = tuple(sorted(callees[name], key=lambda each: -nodes[each].felt))
        stay[name] = _own_weight(node, callees[name], nodes) * _prior(node, onset)
    mass = _first(nodes, calls, target)
    held = dict.fromkeys(nodes, 0.0)
    for _ in range(ROUNDS):
        moved = dict.fromkeys(nodes, 0.0)
        for name, share in mass.items():
            if share < 1e-6:
                continue
            onward = {each: _pull(nodes[each]) * _prior(nodes[each], onset) for each in callees[name]}
            total = stay[name] + sum(onward.values())
            if total <= 0:
                continue
            held[name] += share * stay[name] / total
            for each, weight in onward.items():
                moved[each] += share * weight / total
        mass = moved
    total = sum(held.values())
    for name, node in nodes.items():
        node.held = held[name] / total if total > 0 else 0.0
    return sorted((node for node in nodes.values() if node.held > 1e-4), key=lambda each: (-each.held, each.name))


def _callees(name: str, nodes: Mapping[str, Node], calls: Mapping[str, frozenset[str]]) -> set[str]:
    """Anomalous entities that this one calls, through entities that nothing is known of."""
    found, seen, waiting = set[str](), {name}, list(calls.get(name, ()))
    while waiting:
        each = waiting.pop()
        if each in seen:
            continue
        seen.add(each)
        node = nodes.get(each)
        if node is None or not node.shifts:
            waiting += calls.get(each, ())
        elif max(node.felt, node.other, node.resources) >= ANOMALOUS:
            found.add(each)
    return found


def _own_weight(node: Node, callees: set[str], nodes: Mapping[str, Node]) -> float:
    explained = any(nodes[each].felt >= ANOMALOUS and nodes[each].account > 0.3 for each in callees)
    resources = RESOURCE_WEIGHT * _weight(node.resources)
    if node.knows_own:
        # Self time says it outright; the rest is a caller that waited, or a callee that nobody measured.
        return (_weight(node.own) + resources + (INHERITED * _pull(node) if not explained else 0.0)) * _known(node)
    return (_pull(node) * (INHERITED if explained else 1.0) + resources) * _known(node)


def _pull(node: Node) -> float:
    return (_weight(node.felt) + OTHER * _weight(node.other)) * node.account + RESOURCE_WEIGHT * _weight(node.resources)


def _known(node: Node) -> float:
    return ADDRESS if _ADDRESS.search(node.name) else 1.0


def _weight(score: float) -> float:
    """Nothing below the threshold, then growing ever more slowly: twice as odd isn't twice as guilty."""
    return math.log1p(score) if score >= ANOMALOUS else 0.0


def _prior(node: Node, onset: float) -> float:
    ages = [max(0.0, onset - change.at) for change in node.changes]
    return 1 + CHANGE_BONUS * 0.5 ** max(0.0, min(ages) / CHANGE_SECONDS - 1) if ages else 1.0


def _first(nodes: Mapping[str, Node], calls: Mapping[str, frozenset[str]], target: str | None) -> dict[str, float]:
    """Where the walk begins: at the target, else wherever the trouble is felt; callers of nobody count most."""
    if target is not None and target in nodes:
        return {target: 1.0}
    called = {callee for callees in calls.values() for callee in callees}
    mass = {
        name: _weight(max(node.felt, RESOURCE_WEIGHT * node.resources)) * (1.0 if name in called else 2.0)
        for name, node in nodes.items()
    }
    total = sum(mass.values())
    return {name: share / total for name, share in mass.items()} if total > 0 else {}


def strongest(shifts: Sequence[Shift], kinds: frozenset[Kind] | None = None) -> Shift | None:
    """The shift with the highest score, of these kinds."""
    fitting = [each for each in shifts if kinds is None or each.series.kind in kinds]
    return max(fitting, key=lambda each: each.score, default=None)
