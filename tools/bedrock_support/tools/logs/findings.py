"""From candidates to findings: words, evidence, confidence, and what would prove them wrong."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from bedrock_support.tools.envelope import Evidence, Finding
from bedrock_support.tools.logs.analysis import Analysis
from bedrock_support.tools.logs.candidates import Candidate, gather
from bedrock_support.tools.logs.grid import NO_TIME
from bedrock_support.tools.logs.quotes import Quotes
from bedrock_support.tools.logs.report import LogFile, Moment, TemplateRow, Windowed, WindowRow
from bedrock_support.tools.logs.service_order import order_finding
from bedrock_support.tools.logs.services import ordered
from bedrock_support.tools.logs.severity import MEDIUM, NAMES
from bedrock_support.tools.logs.templates import Template
from bedrock_support.tools.logs.times import Stamps
from bedrock_support.tools.logs.trace_finder import TraceGroup
from bedrock_support.tools.logs.traces import Frame
from bedrock_support.tools.logs.windows import choose
from bedrock_support.tools.logs.words import cut, disproof_of, role_of, subject_of, template_id, title_of
from bedrock_support.tools.logs.workspace import Near, told

TEMPLATES = 20
_TEXT = 160
_TIMELINE = 12
_CITED_TWICE = 4
"""So many top findings cite their last line too."""
CONFIDENCE = {"new": 0.8, "burst": 0.7, "gone": 0.6, "steady": 0.35}
UNCOMPARED_CONFIDENCE = 0.5
TRIGGER_CONFIDENCE = 0.5
INJECTION_CONFIDENCE = 0.6
LABEL_BONUS, PART_PENALTY = 0.1, 0.2
"""Added when the words themselves name the trouble; taken away when only a part of the log was read."""


class Report:
    """Everything that a finished analysis has to say."""

    def __init__(self, analysis: Analysis, max_findings: int) -> None:
        self._analysis = analysis
        self._windows = choose(analysis)
        self._quotes = Quotes(analysis)
        self._stamps = Stamps(_reference(analysis))
        chosen, of = gather(analysis, self._windows)
        self._whole = analysis.plan is not None and len(analysis.read) == len(analysis.plan.blocks)
        self._chosen = _distinct(chosen)[:max_findings]
        self.left_out = len(_distinct(chosen)) - len(self._chosen)
        self.findings: list[Finding] = [self._finding(each, at) for at, each in enumerate(self._chosen)]
        self.frames: dict[str, Frame] = {
            finding.id: each.subject.trace.frame
            for finding, each in zip(self.findings, self._chosen, strict=True)
            if isinstance(each.subject, TraceGroup) and each.subject.trace.frame
        }
        """By the id of a finding, the line of code that it points to."""
        self.findings += self._order(of)
        if analysis.injections:
            self.findings.append(self._injection())
        first = next((each for each in chosen if each.first_error), None)
        if first is not None:
            self._quotes.cite(first.at, "log line")
        self.first_error: Moment | None = self._moment(first, "first error") if first else None
        timed = first is not None and analysis.grid.timed and first.bucket != NO_TIME
        self.first_error_at: int | None = self._when(first) if first and timed else None
        """Seconds since the epoch."""
        self.templates = self._templates(list(of.values()))
        self.timeline = self._timeline()
        self.evidence: list[Evidence] = self._quotes.all

    def tell(self, spots: Mapping[str, Near]) -> None:
        """Add what the workspace knows of the findings' lines of code."""
        self.findings, self.evidence = told(self.findings, self.evidence, spots, self.first_error_at)

    @property
    def windows(self) -> Windowed:
        """The two windows in words."""
        return Windowed(
            bad=self._window(self._windows.bad),
            quiet=self._window(self._windows.quiet),
            how=self._windows.how,
            by="time" if self._analysis.grid.timed else "line",
        )

    @property
    def files(self) -> list[LogFile]:
        """What was read of each source."""
        plan = self._analysis.plan
        rows: list[LogFile] = []
        for number, source in enumerate(self._analysis.sources):
            blocks = [(at, block) for at, block in enumerate(plan.blocks if plan else []) if block.source == number]
            read = sum(block.stop - block.start for at, block in blocks if at in self._analysis.read)
            lines = sum(block.lines for _, block in blocks)
            rows.append(LogFile(path=source.label, bytes=source.size, lines=lines, read=round(read / source.size, 4)))
        return rows

    def digest(self) -> str:
        """SHA-256 over what the findings stand on; the same as long as those lines and templates are."""
        subjects = sorted(
            {template_id(each.subject.text) for each in self._chosen if isinstance(each.subject, Template)}
        )
        value = {"evidence": sorted(each.sha256 for each in self.evidence), "templates": subjects}
        return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    def _finding(self, each: Candidate, at: int) -> Finding:
        cited = [self._quotes.cite(each.at, "log line")]
        if (
            isinstance(each.subject, Template)
            and at < _CITED_TWICE
            and each.subject.last != each.at
            and not each.trigger
        ):
            cited.append(self._quotes.cite(each.subject.last, "log line"))
        path, line = self._quotes.where(each.at)
        return Finding(
            id=f"F{at + 1}",
            severity=NAMES[each.severity],
            title=title_of(each),
            detail=self._detail(each),
            path=path,
            line=line,
            confidence=self._confidence(each),
            evidence_ids=cited,
            disproof=disproof_of(each),
        )

    def _order(self, of: dict[int, Candidate]) -> list[Finding]:
        """Which service failed first, if several did."""
        analysis, comparable = self._analysis, self._windows.comparable
        if not analysis.grid.timed:
            return []
        counted = {each.number: each.last_word().number for each in analysis.miner.templates}
        told = {number for number, last in counted.items() if last in of}
        if comparable:
            told = {number for number in told if of[counted[number]].change in ("new", "burst")}
        places = analysis.graves.places(told, frozenset(self._windows.bad) if comparable else None)
        if len(places) < 2:
            return []
        lines = [(service, place, self._quotes.line(place)) for service, place in places.items()]
        return order_finding(ordered(lines, _reference(analysis)), self._quotes, len(self.findings) + 1, self._whole)

    def _injection(self) -> Finding:
        places = sorted(self._analysis.injections)
        path, line = self._quotes.where(places[0])
        count = self._analysis.injected
        return Finding(
            id=f"F{len(self.findings) + 1}",
            severity="medium",
            title="Suspected prompt injection: the log speaks to a language model",
            detail=f"{count} line{'s' if count > 1 else ''} in all. They are given to models as data only; who wrote "
            "them could write to this log. (suspected_injection)",
            path=path,
            line=line,
            confidence=INJECTION_CONFIDENCE,
            evidence_ids=[self._quotes.cite(each, "log line") for each in places],
            disproof="The program handles chats or prompts, and these are its own",
        )

    def _detail(self, each: Candidate) -> str:
        parts: list[str] = []
        if each.first_error:
            where = "the bad window" if self._windows.bad else "the log"
            parts.append(f"First error of {where}." if self._whole else f"First error of what was read of {where}.")
        if self._windows.comparable:
            span = self._analysis.grid.span(self._windows.bad[0], self._windows.bad[-1])
            steady = each.change == "steady"
            if steady and not each.bad:
                parts.append(f"Only outside the bad window {span}.")
            else:
                parts.append(f"{each.change.capitalize()}: {each.quiet} -> {each.bad} lines in {span}.")
        parts.append(f"{each.count} in all" + (f", first at {self._label(each)}." if each.bucket != NO_TIME else "."))
        if isinstance(each.subject, TraceGroup):
            trace = each.subject.trace
            if trace.frame:
                parts.append(f"Look at {trace.frame.file}:{trace.frame.line} {trace.frame.function}".rstrip() + ".")
            if trace.chain:
                parts.append(f"Wrapped by {', '.join(trace.chain[:4])}.")
        return " ".join(parts)

    def _label(self, each: Candidate) -> str:
        return self._analysis.grid.label(self._when(each))

    def _when(self, each: Candidate) -> int:
        """The second of its first line, where that has a stamp of its own; else its bucket's start."""
        grid = self._analysis.grid
        if not grid.timed or each.bucket == NO_TIME:
            return each.bucket
        stamp = self._stamps.read(self._quotes.line(each.at).encode())
        if stamp is None or grid.bucket(stamp.seconds) != each.bucket:
            return each.bucket
        return stamp.seconds

    def _confidence(self, each: Candidate) -> float:
        value = CONFIDENCE[each.change] if self._windows.comparable else UNCOMPARED_CONFIDENCE
        if each.trigger:
            value = TRIGGER_CONFIDENCE
        elif isinstance(each.subject, TraceGroup) or each.subject.label:
            value += LABEL_BONUS
        return round(min(0.95, max(0.05, value if self._whole else value - PART_PENALTY)), 2)

    def _templates(self, everything: list[Candidate]) -> list[TemplateRow]:
        shown = {each.subject.number for each in self._chosen if isinstance(each.subject, Template)}
        rows = [each for each in everything if isinstance(each.subject, Template)]
        rows.sort(
            key=lambda each: (
                getattr(each.subject, "number", -1) not in shown,
                each.change == "steady",
                -each.severity,
                -each.count,
                each.at,
            )
        )
        return [self._row(each, each.subject) for each in rows[:TEMPLATES] if isinstance(each.subject, Template)]

    def _row(self, each: Candidate, template: Template) -> TemplateRow:
        return TemplateRow(
            id=template_id(template.text),
            template=cut(template.text, _TEXT),
            count=template.count,
            first_line=":".join(map(str, self._quotes.where(template.first))),
            last_line=":".join(map(str, self._quotes.where(template.last))),
            status=each.change if self._windows.comparable else "unknown",
            severity=NAMES[template.severity],
        )

    def _timeline(self) -> list[Moment]:
        moments = [
            (self._when(each), each.at, self._moment(each, role_of(each)))
            for each in self._chosen
            if each.severity >= MEDIUM
        ]
        return [moment for _, _, moment in sorted(moments[:_TIMELINE], key=lambda each: each[:2])]

    def _moment(self, each: Candidate, role: str) -> Moment:
        path, line = self._quotes.where(each.at)
        at = self._label(each) if each.bucket != NO_TIME else ""
        return Moment(at=at, what=f"{role}: {cut(subject_of(each), 100)}", path=path, line=line)

    def _window(self, buckets: tuple[int, ...]) -> WindowRow | None:
        if not buckets:
            return None
        grid = self._analysis.grid
        start, end = grid.label(buckets[0]), grid.label(grid.end_of(buckets[-1]))
        return WindowRow(start=start, end=end, lines=sum(self._analysis.totals[bucket] for bucket in buckets))


def _reference(analysis: Analysis) -> float:
    """When the log was written to last: what stamps without a year are read by."""
    return max((source.modified for source in analysis.sources), default=0.0)


def _distinct(chosen: list[Candidate]) -> list[Candidate]:
    """Each subject once, in its best role."""
    seen: dict[int, Candidate] = {}
    for each in chosen:
        seen.setdefault(id(each.subject), each)
    return list(seen.values())
