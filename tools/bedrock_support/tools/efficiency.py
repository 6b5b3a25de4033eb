"""get_routing_efficiency: how good the routing was, from decisions that were recorded. No model is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Literal, TypeAlias

from anyio import to_thread
from pydantic import Field

from bedrock_support.routing.model import OperationClass
from bedrock_support.tools.base import InputError, SupportTool, ToolContext, ToolInput
from bedrock_support.tools.efficiency_report import EfficiencyReport, worded
from bedrock_support.tools.paths import Place, confine

Source: TypeAlias = Literal["live", "files", "jaeger"]
SEALING = 0.5
"""Seconds kept back for adding up and answering."""


class EfficiencyInput(ToolInput):
    """Arguments of get_routing_efficiency."""

    source: Annotated[Source, Field(description="live: this process")] = "live"
    path: Annotated[str | None, Field(description="OTLP JSON lines, for files")] = None
    url: Annotated[str | None, Field(description="query API, for jaeger")] = None
    since: Annotated[str | None, Field(description="ISO 8601 time")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be read."""

    source: Source
    place: Place | None = None
    """A file inside the caller's folders; None is the server's own span file."""
    url: str | None = None
    """None is the Jaeger of the settings."""
    since: float | None = None
    """Unix seconds."""
    seconds: float
    """What the reading may take."""


Provide: TypeAlias = Callable[[Asked], EfficiencyReport]
"""Reads and adds up. Blocks. Raises InputError for a source that can't be read."""


def get_routing_efficiency(provide: Provide) -> SupportTool[EfficiencyInput, EfficiencyReport]:
    """The tool, over whoever has the records."""

    async def run(context: ToolContext, params: EfficiencyInput) -> EfficiencyReport:
        _fitting(params)
        since = moment(params.since) if params.since is not None else None
        work = partial(_read, context, params, since, provide)
        return await to_thread.run_sync(work, limiter=context.workers, abandon_on_cancel=True)

    return SupportTool(
        name="get_routing_efficiency",
        title="Report routing efficiency",
        description=(
            "Routing efficiency: optimal-decision rate, regret, fallbacks, hedges, deadlines met, cost per answer, "
            "costliest decisions, what would do better."
        ),
        input_model=EfficiencyInput,
        output_model=EfficiencyReport,
        run=run,
        op_class=lambda _: OperationClass.STANDARD,
        reads_files=lambda params: params.path is not None,
        summary=worded,
        open_world=False,
    )


def moment(text: str) -> float:
    """Unix seconds of an ISO 8601 time; without a zone it is UTC.

    Raises:
        InputError: it isn't one.
    """
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise InputError("since", text, "no ISO 8601 time", "Give one such as 2026-11-23T14:00:00Z") from None


def _fitting(params: EfficiencyInput) -> None:
    for field, source in (("path", "files"), ("url", "jaeger")):
        if (value := getattr(params, field)) is not None and params.source != source:
            raise InputError(field, value, f"means nothing to source {params.source}", f"Add source={source}")


def _read(context: ToolContext, params: EfficiencyInput, since: float | None, provide: Provide) -> EfficiencyReport:
    place = confine("path", params.path, context.roots) if params.path is not None else None
    if place is not None and place.is_folder:
        raise InputError("path", params.path, "is a folder", "Name one file of OTLP JSON lines")
    seconds = max(0.0, context.remaining() - SEALING)
    return provide(Asked(source=params.source, place=place, url=params.url, since=since, seconds=seconds))
