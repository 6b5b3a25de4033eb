"""What every support tool is given and what it must be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Generic, Protocol, TypeVar

from anyio import CapacityLimiter
from pydantic import BaseModel, ConfigDict, Field

from bedrock_support.routing.clock import Clock
from bedrock_support.routing.matrix import ClassRule
from bedrock_support.routing.model import Operation, OperationClass, Outcome
from bedrock_support.tools.approval import Approve, nobody


class InputError(Exception):
    """The caller's mistake, worded so that an agent can mend it without help."""

    def __init__(self, field: str, value: object, problem: str, mend: str) -> None:
        shown = repr(value)
        self.field = field
        self.value = shown if len(shown) <= 200 else shown[:197] + "..."
        self.problem = problem
        self.mend = mend
        super().__init__(f"{field} = {self.value}: {problem}. {mend}")


class ToolInput(BaseModel):
    """Base of every tool's arguments: unknown ones are refused, not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    deadline_s: Annotated[float | None, Field(gt=0, le=600, description="seconds you can wait")] = None


class JudgingInput(ToolInput):
    """Arguments of a tool that answers by rules, and asks a model only when told to."""

    judge: bool = False


class Progress(Protocol):
    """Told how far a tool is; safe to call often, from the event loop only."""

    async def __call__(self, done: float, total: float, message: str) -> None: ...


class Judge(Protocol):
    """Asks a model, by whatever route the router allows. Never raises for a failed route."""

    async def __call__(self, operation: Operation) -> Outcome: ...


Whole = Callable[[Callable[[], BaseModel]], None]
"""Takes how to make the whole result, where the answer shows a part of it. Made off the loop, if anybody reads it."""


def unkept(make: Callable[[], BaseModel]) -> None:
    """Keeps nothing: there is no client that could read it later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolContext:
    """What one call of a tool may use."""

    call_id: str
    roots: tuple[Path, ...]
    """Resolved folders that paths must lie in."""
    clock: Clock
    op_class: OperationClass
    rule: ClassRule
    """What the decision matrix promises the class."""
    started: float
    """Monotonic seconds when the server received the call."""
    deadline: float
    """Absolute monotonic seconds by which the whole call must have ended."""
    workers: CapacityLimiter
    """Threads for the tool's own work."""
    progress: Progress
    judge: Judge
    approve: Approve = nobody
    whole: Whole = unkept
    caller: str = ""
    """Tells the calling client from others, without naming it."""
    lasts_until: float = 0.0
    """For a call that may go on in the background: absolute monotonic seconds by which its work must have ended."""
    secret: str = ""
    """Known to this server alone, as long as it runs; empty where nobody is asked the same again."""
    agent: str = ""
    """Name of the agent that asks, where the connection is one that its user started; else empty."""

    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.deadline - self.clock.now())

    def work_until(self, reserve: float = 0.0) -> float:
        """Absolute seconds by which local work must end, with that share of the time kept for what comes after it."""
        end = max(self.deadline, self.lasts_until)
        return end - max(0.0, end - self.clock.now()) * reserve


Environ = Mapping[str, str]
"""Of child processes."""

InputT = TypeVar("InputT", bound=ToolInput)
OutputT = TypeVar("OutputT", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportTool(Generic[InputT, OutputT]):
    """One tool: what an agent reads about it, and what runs."""

    name: str
    title: str
    description: str
    """Search keywords first; clients cut and index it."""
    input_model: type[InputT]
    output_model: type[OutputT]
    run: Callable[[ToolContext, InputT], Awaitable[OutputT]]
    op_class: Callable[[InputT], OperationClass]
    """Which class of operation these arguments ask for."""
    summary: Callable[[OutputT], str]
    """The result in plain text, for clients that show no structured content."""
    answer_model: type[BaseModel] | None = None
    """Shape that a model's answer to this tool's question must have."""
    reads_files: Callable[[InputT], bool] = lambda _: True
    """Whether these arguments name files: only then is the client asked for its folders."""
    read_only: bool = True
    idempotent: bool = True
    open_world: bool = True
    """Something outside this process is asked (a model)."""
    lasting: bool = False
    """May go on in the background when a call's time is up; get_operation then has the result."""


AnyTool = SupportTool[Any, Any]
