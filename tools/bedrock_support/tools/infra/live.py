"""A live account held against the same checks as templates."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Protocol, cast

from bedrock_support.tools.infra.model import Block, Declared, Ref, Resource, refs_in
from bedrock_support.tools.infra.roles import role_of
from bedrock_support.tools.infra.run import Audited, check_estate, chosen, refuse_strange
from bedrock_support.tools.infra.sources import Sources
from bedrock_support.tools.infra.yamls import MOST_DEPTH


class Thing(Protocol):
    """One thing that is there, as CloudFormation would declare it."""

    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def properties(self) -> dict[str, Any]: ...


class Collector(Protocol):
    """Reads what is there. Blocks."""

    @property
    def place(self) -> str:
        """What stands for the file in findings."""
        ...

    def collect(self, held: list[Any], notes: list[str], spent: Callable[[], bool] = bool) -> None:
        """Adds Things to `held` and what couldn't be read, and why, to `notes`, until `spent` says to stop."""
        ...


def audit_live(collector: Collector, sources: Sources, min_severity: str = "low", focus: str | None = None) -> Audited:
    """What is wrong with what is there. Blocks: call off the loop.

    Raises:
        InputError: focus names no kind and nothing that is there.
    """
    held, notes = list[Thing](), list[str]()
    collector.collect(held, notes)
    return audit_held(collector.place, held, notes, sources, min_severity, focus)


def audit_held(
    place: str,
    held: Sequence[Thing],
    notes: Sequence[str],
    sources: Sources,
    min_severity: str = "low",
    focus: str | None = None,
) -> Audited:
    """What is wrong with what was read of an account.

    Findings have `place` for a file and line 0: nothing is written down anywhere.

    Raises:
        InputError: focus names no kind and nothing that is there.
    """
    names = {each.name for each in held}
    declared = Declared()
    for each in held:
        properties = _block(each.properties, names, 0)
        declared.resources.append(
            Resource(
                kind=each.kind,
                role=role_of(each.kind),
                name=each.name[:200],
                format="live",
                file=place,
                line=0,
                properties=properties if isinstance(properties, Block) else Block(0),
                references=refs_in(properties),
                scope="live",
            )
        )
    refuse_strange(focus, declared)
    found = check_estate(declared, sources)
    problems = chosen(found, declared, focus, min_severity)
    return Audited(
        problems=tuple(problems),
        resources=len(held),
        files=0,
        partial=bool(notes),
        notes=tuple(notes),
        said=len(found),
        shown={each.name[:200]: _told(each) for each in held},
    )


def _told(thing: Thing) -> str:
    """A thing as evidence shows it: values of its environment stay where they are."""
    properties = dict(thing.properties)
    if "Environment" in properties:
        variables: Any = properties["Environment"].get("Variables", {})
        properties["Environment"] = {"Variables": sorted(variables)}
    return f"{thing.kind} {json.dumps(properties, default=str, sort_keys=True)}"


def _block(value: Any, names: set[str], depth: int) -> Any:
    """An answer's value as a template's: policies in texts are read, names of other things are references."""
    if depth > MOST_DEPTH:
        return None
    if isinstance(value, dict):
        made = Block(0)
        for key, each in cast("dict[str, Any]", value).items():
            if key in ("PolicyDocument", "AssumeRolePolicyDocument") and isinstance(each, str):
                try:
                    each = json.loads(each)
                except (ValueError, RecursionError):
                    continue
            made.put(key, Ref(each) if key == "Bucket" and each in names else _block(each, names, depth + 1), 0)
        return made
    if isinstance(value, list | tuple):
        return [_block(each, names, depth + 1) for each in cast("list[Any]", value)]
    return value
