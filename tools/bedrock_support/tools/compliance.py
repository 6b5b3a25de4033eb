"""compliance_report: what can be said of data protection here, statement by statement, with its evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Protocol

from anyio import to_thread
from pydantic import Field

from bedrock_support.routing.model import OperationClass
from bedrock_support.tools.base import SupportTool, ToolContext, ToolInput
from bedrock_support.tools.envelope import Result

State = Literal["met", "not_met", "unknown"]
MARKS: Mapping[State, str] = {"met": "met    ", "not_met": "NOT MET", "unknown": "unknown"}


class Statement(Result):
    """One thing that ought to hold."""

    id: str
    article: str = Field(description="Of the GDPR, unless it says otherwise")
    statement: str
    state: State = Field(description="unknown: there is no evidence either way")
    evidence: list[str]
    mend: str | None = None


class Processing(Result):
    """Record of processing activities (Art. 30), from settings, code and audit trail."""

    purposes: list[str]
    data_classes: list[str] = Field(description="Types of data that the gate replaced, as counted in the trail")
    operations: dict[str, int] = Field(description="Operations in the trail by tool and class")
    recipients: list[str]
    retention: dict[str, str]
    measures: list[str]
    subjects: int | None = Field(default=None, description="Whose calls are recorded; left out: not known")


class ComplianceReport(Result):
    """All statements, and the record of processing."""

    statements: list[Statement]
    met: int
    not_met: int
    unknown: int
    processing: Processing
    text: str = Field(description="All of it in words")
    trace_id: str | None = None


class Gathered(Protocol):
    """What the server has found out."""

    @property
    def statements(self) -> Sequence[Statement]: ...

    @property
    def processing(self) -> Processing: ...


Gather = Callable[[], Gathered]
"""Collects the evidence. Blocks: it reads the whole trail."""


class ComplianceInput(ToolInput):
    """compliance_report takes no arguments of its own."""


def compliance_report(gather: Gather) -> SupportTool[ComplianceInput, ComplianceReport]:
    """The tool, over whoever collects the evidence."""

    async def run(context: ToolContext, _: ComplianceInput) -> ComplianceReport:
        return report(await to_thread.run_sync(gather, limiter=context.workers, abandon_on_cancel=True))

    return SupportTool(
        name="compliance_report",
        title="Report on data protection",
        description=(
            "Compliance, GDPR, audit trail, residency, retention, record of processing: says statement by statement "
            "what holds on this server now, with the evidence, and unknown where there is none. Verifies the whole "
            "audit trail. Asks no model."
        ),
        input_model=ComplianceInput,
        output_model=ComplianceReport,
        run=run,
        op_class=lambda _: OperationClass.STANDARD,
        summary=lambda result: result.text,
        open_world=False,
    )


def report(gathered: Gathered) -> ComplianceReport:
    """The evidence, counted and worded."""
    statements = list(gathered.statements)
    counted = Counter(each.state for each in statements)
    return ComplianceReport(
        statements=statements,
        met=counted["met"],
        not_met=counted["not_met"],
        unknown=counted["unknown"],
        processing=gathered.processing,
        text=_worded(statements, gathered.processing),
    )


def _worded(statements: Sequence[Statement], processing: Processing) -> str:
    lines: list[str] = []
    for each in statements:
        lines.append(f"{MARKS[each.state]}  {each.statement} ({each.article})")
        lines += [f"         {evidence}" for evidence in each.evidence]
        if each.mend and each.state != "met":
            lines.append(f"         mend: {each.mend}")
    lines.append("Record of processing activities (Art. 30)")
    lines += [f"  purpose: {each}" for each in processing.purposes]
    lines += [f"  recipient: {each}" for each in processing.recipients]
    lines.append(f"  data classes found: {', '.join(processing.data_classes) or 'none yet'}")
    lines += [f"  retention: {name}: {value}" for name, value in processing.retention.items()]
    lines += [f"  measure: {each}" for each in processing.measures]
    return "\n".join(lines)
