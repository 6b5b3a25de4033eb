"""What may be worth telling: every template, stack trace and change of the log, scored by documented weights.

score = severity x change x role. Severity runs from info 0.5 to critical 10. What is new counts three times, what
bursts 2.2 times, what stopped 1.5 times, and what merely goes on as before 0.5 times: loud but constant noise must not
hide the news. The first error of the bad window, and a change just before it, count for more again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bedrock_support.tools.logs.analysis import Analysis
from bedrock_support.tools.logs.grid import NO_TIME
from bedrock_support.tools.logs.severity import HIGH, LOW, MEDIUM
from bedrock_support.tools.logs.templates import Template
from bedrock_support.tools.logs.trace_finder import TraceGroup
from bedrock_support.tools.logs.windows import Change, Windows, by_template, change

SEVERITY_SCORE = (0.5, 1.0, 3.0, 6.0, 10.0)
CHANGE_SCORE: Mapping[Change, float] = {"new": 3.0, "burst": 2.2, "gone": 1.5, "steady": 0.5}
UNCOMPARED_SCORE = 1.5
FIRST_ERROR_BONUS = 1.5
TRACE_BONUS = 1.2
"""A trace names the line of code: worth more than a message."""
TRIGGER_SCORE = 16.0
RARE = 20
"""A change that the log tells of more often than this is routine, not a trigger."""
_LOOKBACK_SECONDS = 600
_LOOKBACK_BUCKETS = 3


@dataclass(slots=True)
class Candidate:
    """Something that may become a finding."""

    subject: Template | TraceGroup
    severity: int
    change: Change
    quiet: int
    bad: int
    at: int
    """Place to look at first: its first line in the bad window, else its first line."""
    bucket: int
    first_error: bool = False
    trigger: bool = False
    score: float = 0.0

    @property
    def count(self) -> int:
        return self.subject.count


def gather(analysis: Analysis, windows: Windows) -> tuple[list[Candidate], dict[int, Candidate]]:
    """(candidates in order of rank, template number -> candidate for every template)."""
    series = by_template(analysis)
    of: dict[int, Candidate] = {}
    for template in analysis.miner.templates:
        if template.count:
            counts = series.get(template.number, {})
            firsts = {bucket: analysis.firsts[template.number, bucket] for bucket in counts}
            of[template.number] = _candidate(template, template.severity, counts, firsts, windows)
    traces = [_candidate(each, HIGH, each.counts, each.firsts, windows) for each in analysis.traces.groups.values()]
    told = {
        number
        for group in analysis.traces.groups.values()
        for number in group.heads
        if _covers(group, number, analysis)
    }
    chosen = traces + [each for number, each in of.items() if number not in told and _notable(each, windows)]
    first = _first_error([*traces, *of.values()], windows)
    if first is not None:
        _mark(first, chosen, told)
        chosen += _triggers(of, first, analysis, windows)
    for each in chosen:
        each.score = _score(each, windows)
    chosen.sort(key=lambda each: (-each.score, -each.count, each.at))
    return chosen, of


def _candidate(
    subject: Template | TraceGroup,
    severity: int,
    counts: Mapping[int, int],
    firsts: Mapping[int, int],
    windows: Windows,
) -> Candidate:
    what, quiet, bad = change(counts, windows)
    inside = [bucket for bucket in windows.bad if bucket in firsts]
    if what in ("new", "burst") and inside:
        return Candidate(subject, severity, what, quiet, bad, firsts[inside[0]], inside[0])
    if what == "gone":
        # An error that stops is good news; work that stops may be the damage itself.
        severity = LOW if severity >= MEDIUM else MEDIUM
    timed = [bucket for bucket in firsts if bucket != NO_TIME]
    return Candidate(subject, severity, what, quiet, bad, subject.first, min(timed, default=NO_TIME))


def _covers(group: TraceGroup, number: int, analysis: Analysis) -> bool:
    """Whether a trace tells all that the line announcing it would."""
    return group.count * 2 >= analysis.miner.templates[number].count


def _notable(each: Candidate, windows: Windows) -> bool:
    if each.severity >= MEDIUM:
        return True
    if each.change == "gone":
        return True
    if each.change == "steady":
        return False
    return (
        each.severity >= LOW or (each.change == "burst" and each.bad >= 30) or (each.change == "new" and each.bad >= 3)
    )


def _first_error(everything: list[Candidate], windows: Windows) -> Candidate | None:
    """The earliest trouble that is new or bursting in the bad window; without windows, the earliest error."""
    if windows.bad and windows.comparable:
        errors = [each for each in everything if each.severity >= MEDIUM and each.change in ("new", "burst")]
    else:
        errors = [each for each in everything if each.severity >= HIGH]
    return min(errors, key=lambda each: (each.bucket, each.at), default=None)


def _mark(first: Candidate, chosen: list[Candidate], told: set[int]) -> None:
    # A trace and the line that announces it are one event: mark the one that is told.
    marked = first
    if first not in chosen:
        number = first.subject.number if isinstance(first.subject, Template) else -1
        groups = [each for each in chosen if isinstance(each.subject, TraceGroup) and number in each.subject.heads]
        marked = min(groups, key=lambda each: each.at, default=first)
    marked.first_error = True


def _triggers(of: dict[int, Candidate], first: Candidate, analysis: Analysis, windows: Windows) -> list[Candidate]:
    """Deliberate changes shortly before the first error: a restart, a deployment, a reloaded configuration."""
    if not windows.bad or not windows.comparable:
        return []
    width = analysis.grid.width
    back = max(_LOOKBACK_SECONDS, _LOOKBACK_BUCKETS * width) if analysis.grid.timed else _LOOKBACK_BUCKETS * width
    found: list[Candidate] = []
    for number, each in of.items():
        if not isinstance(each.subject, Template) or each.subject.label != "change" or each.count > RARE:
            continue
        near = [
            (bucket, line)
            for (template, bucket), line in analysis.firsts.items()
            if template == number and first.bucket - back <= bucket <= first.bucket and _before(line, first.at)
        ]
        if near:
            bucket, line = max(near)
            severity = max(MEDIUM, each.severity)
            made = Candidate(each.subject, severity, each.change, each.quiet, each.bad, line, bucket, trigger=True)
            found.append(made)
    return found


def _before(line: int, other: int) -> bool:
    # Lines of different files can't be ordered by number; their buckets already are.
    return line < other or line >> 40 != other >> 40


def _score(each: Candidate, windows: Windows) -> float:
    if each.trigger:
        return TRIGGER_SCORE
    factor = CHANGE_SCORE[each.change] if windows.comparable else UNCOMPARED_SCORE
    score = SEVERITY_SCORE[each.severity] * factor
    if isinstance(each.subject, TraceGroup):
        score *= TRACE_BONUS
    return score * FIRST_ERROR_BONUS if each.first_error else score
