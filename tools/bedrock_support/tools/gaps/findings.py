"""Gaps of a tree, from the facts of its files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bedrock_support.tools.envelope import Severity
from bedrock_support.tools.gaps.context import Context, is_test
from bedrock_support.tools.gaps.facts import FileFacts, FunctionFacts
from bedrock_support.tools.gaps.poly.kinds import family_of
from bedrock_support.tools.gaps.reasons import TITLES, detail, disproof
from bedrock_support.tools.gaps.weigh import weigh

_RANKS: dict[str, int] = {"critical": 0, "high": 1, "medium": 2, "low": 3, "info": 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Something that is claimed and not there."""

    file: str
    """Relative to the tree, with slashes."""
    line: int
    """Where it is defined or claimed."""
    at: int
    """The telling line."""
    symbol: str
    kind: str
    confidence: float
    severity: Severity
    title: str
    detail: str
    disproof: str


def stubs(files: Mapping[str, FileFacts], floor: float, over: Callable[[], bool] = bool) -> list[Gap]:
    """Functions that don't do what they claim, with at least `floor` confidence, worst first.

    Once `over` says so the rest of the files isn't judged.
    """
    return ranked([gap for family in _families(files) for gap in _stubs(family, floor, over)])


def _families(files: Mapping[str, FileFacts]) -> list[dict[str, FileFacts]]:
    """The files by families of languages: a name in one says nothing of the same name in another."""
    found: dict[str, dict[str, FileFacts]] = {}
    for path, facts in files.items():
        found.setdefault(family_of(path), {})[path] = facts
    return list(found.values())


def _stubs(files: Mapping[str, FileFacts], floor: float, over: Callable[[], bool]) -> list[Gap]:
    context = Context(files)
    found: list[Gap] = []
    for path, facts in files.items():
        if found and over():
            break
        best: dict[str, Gap] = {}
        for function in facts["functions"]:
            if not function["kind"]:
                continue
            around = context.marks(path, function)
            if around is None:
                continue
            verdict = weigh(function["kind"], {*function["marks"], *around})
            if verdict.confidence < floor:
                continue
            symbol = function["q"]
            gap = Gap(
                file=path,
                line=function["line"],
                at=function["at"],
                symbol=symbol,
                kind=function["kind"],
                confidence=round(verdict.confidence, 3),
                severity=_severity(function, around, verdict.confidence),
                title=f"{symbol} {TITLES[function['kind']]}",
                detail=detail(function, verdict.against, verdict.excuses),
                disproof=disproof(function["kind"]),
            )
            if symbol not in best or best[symbol].confidence < gap.confidence:
                best[symbol] = gap
        found += best.values()
    return found


_TESTS = {
    "vacuous_test": "checks only what is always true",
    "empty_test": "calls nothing and checks nothing",
    "unchecked_test": "runs code and checks nothing about it",
}


def hollow_tests(files: Mapping[str, FileFacts], floor: float) -> list[Gap]:
    """Tests that no change of the code could make fail."""
    return [
        Gap(
            file=path,
            line=line,
            at=at,
            symbol=name,
            kind=kind,
            confidence=confidence,
            severity="low" if kind == "unchecked_test" else "medium",
            title=f"{name} {_TESTS[kind]}",
            detail="No assertion, expected error or checking helper is reached from its body.",
            disproof="a fixture, a called helper or the runner fails when the code is wrong",
        )
        for path, facts in files.items()
        if is_test(path)
        for name, line, at, kind, confidence in facts["tests"]
        if confidence >= floor
    ]


def ranked(gaps: list[Gap]) -> list[Gap]:
    """The most important first; the same tree always gives the same order."""
    return sorted(gaps, key=lambda each: (_RANKS[each.severity], -each.confidence, each.file, each.line, each.symbol))


def _severity(function: FunctionFacts, around: set[str], confidence: float) -> Severity:
    if around & {"in_tests", "in_examples"}:
        return "low"
    used = around & {"result_used", "result_used_often", "super_result_used"}
    lies = function["kind"] in ("simulated", "constant", "echo", "log_only", "swallowed", "half_done", "hollow")
    if confidence >= 0.9 and used and lies:
        return "high"
    return "high" if confidence >= 0.97 and used else "medium" if confidence >= 0.6 else "low"
