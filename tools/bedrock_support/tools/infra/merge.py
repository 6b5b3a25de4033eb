"""One finding for one thing wrong, whoever found it, and the most exposed first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bedrock_support.tools.infra.model import Problem

RANKS = {"critical": 0, "high": 1, "medium": 2, "low": 3, "info": 4}


def merged(problems: Iterable[Problem]) -> list[Problem]:
    """Problems with one entry for each resource and kind; ours come before engines', which are named as sources."""
    groups: dict[tuple[str, str, str, str], list[Problem]] = {}
    for each in problems:
        apart = each.title if each.kind in ("other", "invalid_template") or _many(each) else ""
        groups.setdefault((each.file, each.resource, each.kind, apart), []).append(each)
    # What an engine says of a resource and kind is covered by all of ours of that kind.
    ours = {key[:3] for key, group in groups.items() if any("builtin" in each.sources for each in group)}
    spare: dict[tuple[str, str, str], list[str]] = {}
    for key, group in list(groups.items()):
        if key[:3] in ours and not any("builtin" in each.sources for each in group):
            spare.setdefault(key[:3], []).extend(source for each in group for source in each.sources)
            del groups[key]
    found = [_one(group, spare.get(key[:3], [])) for key, group in groups.items()]
    return sorted(found, key=lambda e: (RANKS[e.severity], -e.confidence, e.file, e.line, e.resource, e.kind, e.title))


def _many(each: Problem) -> bool:
    """Kinds of which one resource may have several that are mended apart."""
    several = ("unread_variable", "plain_secret", "timeout_chain", "retry_product", "host_mount", "dead_alarm")
    return each.kind in several and "builtin" in each.sources


def _one(group: list[Problem], spare: list[str]) -> Problem:
    best = min(
        group, key=lambda each: ("builtin" not in each.sources, RANKS[each.severity], -each.confidence, each.line)
    )
    sources = dict.fromkeys([*(source for each in group for source in each.sources), *spare])
    ours = [each for each in group if "builtin" in each.sources]
    lines = dict.fromkeys((each.file, each.line) for each in ours if each.line != best.line)
    also = tuple(dict.fromkeys([*best.also, *lines]))[:8]
    # Two that look at it by different ways and agree are wrong less often than one.
    agreed = (
        min(0.98, best.confidence + 0.03) if len({source.split(":")[0] for source in sources}) > 1 else best.confidence
    )
    return replace(best, sources=tuple(sources), also=also, confidence=round(agreed, 3))
