"""Every check over one tree, by one call that tool and command share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from anyio import CapacityLimiter, from_thread, to_thread

from bedrock_support.tools.base import InputError
from bedrock_support.tools.infra.cdk import named
from bedrock_support.tools.infra.containers import check_compose, check_kubernetes, check_tasks
from bedrock_support.tools.infra.dead_letters import check_dead_letters
from bedrock_support.tools.infra.declared import read_declared
from bedrock_support.tools.infra.engines import run_engines
from bedrock_support.tools.infra.estate import Estate
from bedrock_support.tools.infra.exposed import check_calls, check_secrets
from bedrock_support.tools.infra.identity import check_grants, check_principals, check_users
from bedrock_support.tools.infra.keeping import check_keeping
from bedrock_support.tools.infra.kinds import KINDS
from bedrock_support.tools.infra.merge import RANKS, merged
from bedrock_support.tools.infra.model import Declared, Problem
from bedrock_support.tools.infra.network import check_databases, check_groups
from bedrock_support.tools.infra.resilience import check_budget, check_retries, check_timeouts
from bedrock_support.tools.infra.sources import Sources, read_sources
from bedrock_support.tools.infra.storage import check_buckets, check_encryption, check_transport
from bedrock_support.tools.infra.unread import check_alarms, check_parameters, check_variables

_CHECKS = (
    *(check_groups, check_databases, check_grants, check_principals, check_users, check_encryption, check_buckets),
    *(check_transport, check_keeping, check_kubernetes, check_compose, check_tasks, check_secrets, check_calls),
    *(check_timeouts, check_retries, check_dead_letters, check_parameters, check_budget),
)
DOUBT = 0.5
"""So much of the doubt that the checks' authors had is left: they were right twice as often as they said
(docs/infrastructure.md tells on what)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """What was found in a tree."""

    problems: tuple[Problem, ...]
    resources: int
    files: int
    partial: bool
    notes: tuple[str, ...]
    said: int
    """Findings before those on one thing were put together."""
    shown: Mapping[str, str] = field(default_factory=dict[str, str])
    """Of a live account: what each resource is, by its name."""


class _Expired(Exception):
    pass


async def audit(
    root: Path,
    *,
    workers: CapacityLimiter,
    focus: str | None = None,
    min_severity: str = "low",
    engine_seconds: float = 20.0,
    expired: Callable[[], bool] = bool,
) -> Audited:
    """What is wrong with the infrastructure declared under `root`, the most exposed first.

    `focus` is a kind, or part of a file's or resource's name. `engine_seconds` of 0 leaves engines out.

    Raises:
        InputError: focus names no kind and nothing that is declared.
    """
    declared, notes, cut = await to_thread.run_sync(partial(_read, root, expired), limiter=workers)
    refuse_strange(focus, declared)
    found, more = await to_thread.run_sync(partial(_checked, root, declared, expired), limiter=workers)
    said: list[str] = []
    if engine_seconds > 0 and declared.resources and not expired():
        theirs, said = await run_engines(root, declared, engine_seconds, workers)
        found += theirs
    problems = await to_thread.run_sync(partial(chosen, found, declared, focus, min_severity), limiter=workers)
    return Audited(
        problems=tuple(problems),
        resources=len(declared.resources),
        files=declared.files,
        partial=cut or any("no answer" in each for each in said),
        notes=(*notes, *more, *said),
        said=len(found),
    )


def check_estate(declared: Declared, sources: Sources) -> list[Problem]:
    """Every own check over what is declared (or what an account has)."""
    estate = Estate(declared)
    found = [problem for check in _CHECKS for problem in check(estate)]
    found += [*check_variables(estate, sources), *check_alarms(estate, sources)]
    return [replace(each, confidence=round(1 - (1 - each.confidence) * DOUBT, 3)) for each in found]


def _read(root: Path, expired: Callable[[], bool]) -> tuple[Declared, tuple[str, ...], bool]:
    def check() -> None:
        from_thread.check_cancelled()
        if expired():
            raise _Expired

    try:
        declared, notes = read_declared(root, check)
    except _Expired:
        return Declared(), ("the time was over before all files were read: name a smaller folder",), True
    return declared, notes, False


def _checked(root: Path, declared: Declared, expired: Callable[[], bool]) -> tuple[list[Problem], tuple[str, ...]]:
    if not declared.resources:
        return [], ("no CloudFormation, CDK output, Terraform, compose or Kubernetes file was found",)

    def check() -> None:
        from_thread.check_cancelled()
        if expired():
            raise _Expired

    try:
        sources = read_sources(root, check)
    except _Expired:
        sources = Sources([], ("the time was over before the programs were read",))
    return check_estate(declared, sources), sources.notes


def chosen(found: Sequence[Problem], declared: Declared, focus: str | None, min_severity: str) -> list[Problem]:
    """What was asked for of what was found, put together and ranked."""
    problems = [each for each in named(merged(found), declared) if RANKS[each.severity] <= RANKS[min_severity]]
    if focus in KINDS:
        return [each for each in problems if each.kind == focus]
    return [each for each in problems if focus is None or focus in each.file or focus in each.resource]


def refuse_strange(focus: str | None, declared: Declared) -> None:
    """Raises InputError for a focus that is neither a kind nor part of what is declared."""
    if focus is None or focus in KINDS or not declared.resources:
        return
    known = any(focus in each.file or focus in each.name for each in declared.resources)
    if not known and not any(focus in each for each in declared.paths.values()):
        mend = f"Name a kind ({', '.join(sorted(KINDS))}), or a part of a file's or resource's name"
        raise InputError("focus", focus, "is neither a kind nor part of what is declared", mend)
