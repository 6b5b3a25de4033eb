"""Findings put in order: what has to come first, what is risky and why, and how each step is taken back."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bedrock_support.tools.remedy.commands import Command, fitting
from bedrock_support.tools.remedy.given import Wanted
from bedrock_support.tools.remedy.shapes import Change, Risk, Step
from bedrock_support.tools.remedy.state import GitState
from bedrock_support.tools.remedy.survey import Survey, is_test

_SEVERITIES = {"critical": 0, "high": 1, "medium": 2, "low": 3, "info": 4}
_RISKS: tuple[Risk, ...] = ("low", "medium", "high")
_MANY_USERS = 5
_UNSURE = 0.7
_DOCUMENT = re.compile(r"\.(?:md|rst|txt|adoc)$", re.IGNORECASE)
_SPEC = re.compile(r"(?:^|/)(?:\.kiro|openspec|\.specify|specs)/.*\.md$")
_SETUP = re.compile(r"\.(?:ya?ml|tf|json|toml|ini|cfg|sql|sh)$|(?:^|/)(?:Dockerfile|Makefile)[^/]*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What is known of the project around the findings."""

    survey: Survey
    commands: tuple[Command, ...]
    git: GitState | None
    prefix: str
    """Of the project inside its repository, with a slash behind it; empty where they are the same."""


def stage(path: str) -> int:
    """What kind of file comes when: what others are held against first, what describes it last."""
    if not path:
        return 0
    if _SPEC.search(path):
        return 4
    if _DOCUMENT.search(path):
        return 3
    if is_test(path):
        return 2
    return 1 if _SETUP.search(path) else 0


def steps(findings: Sequence[Wanted], ground: Ground) -> list[Step]:
    """One step for each file, in the order in which to take them."""
    groups: dict[str, list[Wanted]] = {}
    for each in findings:
        groups.setdefault(each.path or f"\0{each.id}", []).append(each)
    order = _ordered(groups, ground.survey)
    names = {key: f"S{at}" for at, key in enumerate(order, 1)}
    return [_step(names, key, groups[key], ground) for key in order]


def _ordered(groups: Mapping[str, list[Wanted]], survey: Survey) -> list[str]:
    def rank(key: str) -> tuple[int, int, int, str]:
        worst = min(_SEVERITIES[each.severity] for each in groups[key])
        path = "" if key.startswith("\0") else key
        return stage(path), worst, len(survey.users.get(path, ())), key

    left = sorted(groups, key=rank)
    found: list[str] = []
    while left:
        # A file comes after those that it uses; of files in a ring, the most pressing goes first.
        free = next((key for key in left if not (_needs(key, left, survey))), left[0])
        left.remove(free)
        found.append(free)
    return found


def _needs(key: str, others: Sequence[str], survey: Survey) -> list[str]:
    """Files among `others` that `key` uses, or that must stand before it can be told right."""
    before = [each for each in others if each != key and stage(each.lstrip("\0")) < stage(key.lstrip("\0"))]
    return before or [each for each in others if each != key and key in survey.users.get(each, ())]


def _step(names: Mapping[str, str], key: str, group: Sequence[Wanted], ground: Ground) -> Step:
    path = "" if key.startswith("\0") else key
    tests = (path,) if is_test(path) else ground.survey.tests.get(path, ())
    risk, reasons = _risk(path, group, tests, ground)
    used = [name for other, name in names.items() if path in ground.survey.users.get(other, ()) and other != key]
    fit = fitting(ground.commands, [path]) if stage(path) < 3 else []
    return Step(
        id=names[key],
        title=group[0].title if len(group) == 1 else f"{path}: {len(group)} findings",
        finding_ids=[each.id for each in group],
        changes=[
            Change(file=path, line=each.line or None, what=each.detail or each.title) for each in group[:20] if path
        ],
        after=[name for name in used if int(name[1:]) < int(names[key][1:])],
        patches=[],
        tests=[" ".join(each.line(tests)) for each in fit[:2]],
        risk=risk,
        risk_reasons=reasons,
        rollback=_rollback(path, ground),
    )


def _risk(path: str, group: Sequence[Wanted], tests: Sequence[str], ground: Ground) -> tuple[Risk, list[str]]:
    points, reasons = 0, list[str]()
    kind = stage(path)
    if not path:
        return "medium", ["the finding names no file: what has to change isn't known yet"]
    if kind >= 3:
        return "low", ["text alone: nothing runs it"]
    if users := ground.survey.users.get(path, frozenset()):
        points += 2 if len(users) > _MANY_USERS else 1
        reasons.append(f"{len(users)} other files use it, such as {min(users)}")
    if kind == 0 and not tests:
        points += 1
        reasons.append("no test imports or names it")
    if kind == 1:
        points += 1
        reasons.append("setup: its effect shows where it is deployed, not in tests")
    if any(each.confidence < _UNSURE for each in group):
        points += 1
        reasons.append(f"a finding is less than {_UNSURE:.0%} sure: look before you change")
    if ground.git is not None and f"{ground.prefix}{path}" in ground.git.dirty:
        points += 1
        reasons.append("the file has changes that aren't committed")
    if not reasons:
        reasons.append("nothing else uses it" if kind == 2 else "few uses, and tests look at it")
    return _RISKS[min(points, 2)], reasons


def _rollback(path: str, ground: Ground) -> str:
    if not path:
        return "nothing to take back yet"
    if ground.git is None:
        return "keep a copy of the file first: there is no git repository to restore it from"
    name = f"{ground.prefix}{path}"
    if name in ground.git.untracked:
        return "keep a copy of the file first: git doesn't track it"
    if name in ground.git.dirty:
        return "git apply -R the patch, or keep a copy: git restore would lose your uncommitted changes too"
    return f"git restore -- {path}"
