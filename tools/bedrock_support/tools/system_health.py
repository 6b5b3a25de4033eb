"""get_system_health: the state of each component, with what it was read from. Asks no model and nothing else."""

from __future__ import annotations

from collections.abc import Callable

from bedrock_support.routing.model import OperationClass
from bedrock_support.tools.base import SupportTool, ToolContext, ToolInput
from bedrock_support.tools.envelope import Result


class SystemHealthInput(ToolInput):
    """get_system_health takes nothing of its own."""


class ComponentState(Result):
    """One component."""

    name: str
    state: str
    evidence: str
    samples: int
    since: float


class SystemHealthReport(Result):
    """All components; `state` is the worst of them. Unknown means no data, which is never healthy."""

    state: str
    at: float
    components: list[ComponentState]


def get_system_health(report: Callable[[], SystemHealthReport]) -> SupportTool[SystemHealthInput, SystemHealthReport]:
    """The tool; `report` says what is known now."""

    async def run(_: ToolContext, _params: SystemHealthInput) -> SystemHealthReport:
        return report()

    return SupportTool(
        name="get_system_health",
        title="System health",
        description="Health, status, outage: state of the seven components with evidence and samples; unknown "
        "without data. Asks no model.",
        input_model=SystemHealthInput,
        output_model=SystemHealthReport,
        run=run,
        op_class=lambda _: OperationClass.STANDARD,
        reads_files=lambda _: False,
        summary=worded,
        open_world=False,
    )


def worded(report: SystemHealthReport) -> str:
    """One line for the whole and one for each component."""
    lines = [f"system: {report.state}"]
    lines += [f"  {each.name:20} {each.state:10} {each.evidence}" for each in report.components]
    return "\n".join(lines)
