"""The declared things as a whole: what refers to what, and how problems are said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from bedrock_support.tools.envelope import Severity
from bedrock_support.tools.infra.kinds import KINDS
from bedrock_support.tools.infra.model import Declared, Problem, Ref, Resource, locate, refs_in


class Estate:
    """Look-ups over everything that is declared."""

    def __init__(self, declared: Declared) -> None:
        self.declared = declared
        self.resources = declared.resources
        self._named: dict[tuple[str, str], Resource] = {}
        self._roles: dict[str, list[Resource]] = {}
        for each in declared.resources:
            self._named[each.scope, each.name] = each
            self._roles.setdefault(each.role, []).append(each)
        self._pointing: dict[int, list[Resource]] = {}
        for each in declared.resources:
            for target in self.targets(each.references, each):
                self._pointing.setdefault(id(target), []).append(each)

    def of(self, *roles: str) -> Iterator[Resource]:
        """All things of these roles, in the order of files."""
        for role in roles:
            yield from self._roles.get(role, ())

    def target(self, ref: Ref, source: Resource) -> Resource | None:
        """What a reference means, seen from the resource that holds it."""
        return self._named.get((source.scope, ref.target))

    def targets(self, value: Any, source: Resource, *roles: str) -> list[Resource]:
        """The things that a value (or references) speaks of, of these roles where any are given."""
        refs = cast("tuple[Ref, ...]", value) if isinstance(value, tuple) else refs_in(value)
        found = [each for ref in refs if (each := self.target(ref, source)) is not None]
        return [each for each in found if not roles or each.role in roles]

    def pointing_at(self, resource: Resource, *roles: str) -> list[Resource]:
        """The things that refer to this one."""
        return [each for each in self._pointing.get(id(resource), ()) if not roles or each.role in roles]


def line_of(resource: Resource, *names: str) -> int:
    """Where a property stands, or the resource when it has none."""
    found = locate(resource.properties, *names)
    return found[1] if found and found[1] else resource.line


def problem(
    resource: Resource,
    kind: str,
    severity: Severity,
    confidence: float,
    title: str,
    detail: str,
    *,
    line: int = 0,
    also: tuple[tuple[str, int], ...] = (),
) -> Problem:
    """One problem of a known kind; `title` goes on after the resource's name."""
    disproof, remedy = KINDS[kind]
    return Problem(
        file=resource.file,
        line=line or resource.line,
        resource=resource.name,
        kind=kind,
        severity=severity,
        confidence=confidence,
        title=f"{resource.name} {title}",
        detail=detail,
        disproof=disproof,
        remedy=remedy,
        also=also,
    )
