"""One tools/call, from raw arguments to the protocol's result."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self, TypeVar

import anyio
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase, FuncMetadata
from mcp.types import (
    CallToolResult,
    ContentBlock,
    InputRequiredResult,
    ResourceLink,
    TextContent,
    ToolAnnotations,
)
from pydantic import BaseModel, Field, ValidationError

from bedrock_support.routing import semconv
from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.mcp_router import APPROVAL_SHARE, Approval
from bedrock_support.routing.model import FailureKind, Operation, OperationClass, Outcome
from bedrock_support.routing.pii import late
from bedrock_support.routing.spans import Attribute, span, trace_id
from bedrock_support.server.approving.desk import ApprovalDesk
from bedrock_support.server.arrival import arrival
from bedrock_support.server.callers import Channel, ClientCaller, LiveChannel, key_of
from bedrock_support.server.guarding.load import Load
from bedrock_support.server.manager import BedrockSupportManager
from bedrock_support.server.operations import SECONDS, Ongoing, Operations, Tied
from bedrock_support.server.results import Results
from bedrock_support.server.rounds import AnyContext, Rounds
from bedrock_support.server.schemas import input_schema, output_schema
from bedrock_support.tools.approval import Act, Permit
from bedrock_support.tools.base import AnyTool, InputError, ToolContext, ToolInput

log = logging.getLogger(__name__)

MODERN = "2026-07-28"
LINKED = "2025-06-18"
"""From this revision on results may hold links to resources."""
OVERRUN = 0.25
"""Seconds past its deadline after which a tool that should have ended by itself is cut off."""
AGENT_NAME = 100
"""Characters of an agent's name."""
ModelT = TypeVar("ModelT", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkPlaces:
    """Threads for what tools work out themselves. Urgent calls have their own: others may hold theirs for long."""

    urgent: anyio.CapacityLimiter
    others: anyio.CapacityLimiter

    @classmethod
    def of_this_machine(cls) -> Self:
        """Two threads for the others: in one interpreter more of them only take the lock from each other."""
        return cls(urgent=anyio.CapacityLimiter(8), others=anyio.CapacityLimiter(2))

    def of(self, op_class: OperationClass) -> anyio.CapacityLimiter:
        return self.urgent if op_class in URGENT else self.others


URGENT = frozenset({OperationClass.EMERGENCY, OperationClass.INFRASTRUCTURE})


@dataclass(frozen=True, slots=True)
class Times:
    """One call and its bounds, in absolute monotonic seconds."""

    call_id: str
    started: float
    deadline: float
    lasts_until: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportCalls:
    """Runs the tools of the catalogue for whoever calls."""

    manager: BedrockSupportManager
    roots: tuple[Path, ...]
    """Configured folders; empty means the client's own (over stdio), else the fallback."""
    fallback_roots: tuple[Path, ...]
    """Where the server was started, unless that is too broad to have been chosen."""
    workers: WorkPlaces
    operations: Operations
    """Calls that may go on when their time is up."""
    approvals: ApprovalDesk
    secret: str
    """Of this process, for the marks around evidence."""
    load: Load = field(default_factory=Load)
    results: Results = field(default_factory=Results)
    """Whole results of answers that show a part."""

    async def run(self, spec: AnyTool, arguments: Mapping[str, Any], context: AnyContext) -> Any:
        """Validate, run and word one call. Only protocol errors are raised."""
        await late.loaded()
        with self.load.call():
            return await self._run(spec, arguments, context)

    async def _run(self, spec: AnyTool, arguments: Mapping[str, Any], context: AnyContext) -> Any:
        arrived = arrival(context.request_context.request)
        started = self.manager.clock.now() if arrived is None else arrived
        try:
            params = validated(spec.input_model, arguments)
        except InputError as error:
            return refusal(error)
        if (context.protocol_version or "") < MODERN:
            channel = LiveChannel(context.request_context)
            return await self._body(spec, params, context, channel, self.manager.entropy.token(), started)
        rounds: Rounds = context.request_context.lifespan_context

        async def body(call_id: str, parked: Channel) -> CallToolResult:
            return await self._body(spec, params, context, parked, call_id, started)

        answer: CallToolResult | InputRequiredResult = await rounds.call(context, body)
        return answer

    async def _body(
        self, spec: AnyTool, params: ToolInput, context: AnyContext, channel: Channel, call_id: str, started: float
    ) -> CallToolResult:
        deadline = self.manager.deadline(spec.op_class(params), started, params.deadline_s)
        # Who says how long they can wait wants an answer by then, whole or not.
        if not (spec.lasting and params.deadline_s is None and self.operations.free):
            return await self._work(spec, params, context, channel, Times(call_id, started, deadline))

        async def work(operation: Ongoing) -> CallToolResult:
            times = Times(call_id, started, deadline, lasts_until=started + SECONDS)
            return await self._work(spec, params, context, Tied(channel, operation), times)

        owner = key_of(context.headers, context.session.client_params)
        return await self.operations.call(owner, spec.name, work, started, deadline)

    async def _work(
        self, spec: AnyTool, params: ToolInput, context: AnyContext, channel: Channel, times: Times
    ) -> CallToolResult:
        caller = ClientCaller(
            context.client_capabilities, channel, key_of(context.headers, context.session.client_params)
        )
        # Only a client that started this server, over stdio, may say what it reads: over HTTP that would let anyone
        # who can connect name any folder of this machine.
        trusted = context.headers is None
        op_class = spec.op_class(params)
        clock, started, deadline = self.manager.clock, times.started, times.deadline
        end = max(deadline, times.lasts_until)
        about: dict[str, Attribute] = {
            semconv.TOOL_NAME: spec.name,
            semconv.OP_CLASS: op_class.value,
            semconv.DEADLINE_MS: round((deadline - started) * 1000),
            semconv.ARRIVAL_LAG_MS: round((clock.now() - started) * 1000),
        }

        async def judge(operation: Operation) -> Outcome:
            return await self.manager.judge(operation, caller)

        async def ask(message: str) -> bool:
            # The work that is approved needs its share of the time too.
            with anyio.move_on_after((deadline - clock.now()) * APPROVAL_SHARE):
                return await self.manager.mcp.ask(caller, Approval(message=message))
            raise RouteError(FailureKind.NOT_APPROVED, "nobody answered in time")

        makers: list[Callable[[], BaseModel]] = []

        async def approve(act: Act) -> Permit:
            return await self.approvals.permit(act, ask)

        try:
            with (
                span(f"{semconv.SPAN_TOOL} {spec.name}", about),
                anyio.fail_after(max(0.0, end - clock.now()) + OVERRUN),
            ):
                result = await spec.run(
                    ToolContext(
                        call_id=times.call_id,
                        roots=self.roots
                        or (trusted and spec.reads_files(params) and await caller.roots())
                        or self.fallback_roots,
                        clock=clock,
                        op_class=op_class,
                        rule=self.manager.router.matrix.rules[op_class],
                        started=started,
                        deadline=deadline,
                        lasts_until=times.lasts_until,
                        workers=self.workers.of(op_class),
                        progress=channel.progress,
                        judge=judge,
                        approve=approve,
                        whole=makers.append,
                        caller=caller.key,
                        secret=self.secret,
                        agent=agent_of(context) if trusted else "",
                    ),
                    params,
                )
        except InputError as error:
            return refusal(error)
        except TimeoutError:
            return failure(f"{spec.name} did not end within its deadline of {end - started:.1f} s")
        except Exception:
            log.exception("%s failed (call %s)", spec.name, times.call_id)
            return failure(f"{spec.name} failed inside the server; its log has the cause under call {times.call_id}")
        address = self.results.keep(self.manager.entropy.token(), makers[-1]) if makers else None
        return success(spec, result, address, linked=(context.protocol_version or "") >= LINKED)


def agent_of(context: AnyContext) -> str:
    """What the client calls itself, if that can name a mailbox; else empty."""
    client = context.session.client_params
    name = client.client_info.name.strip() if client else ""
    return name if name.isprintable() and len(name) <= AGENT_NAME else ""


def validated(model: type[ModelT], arguments: Mapping[str, Any]) -> ModelT:
    """Arguments as the tool's model, or an InputError that names field, value and mend."""
    try:
        return model.model_validate(arguments)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "arguments"
        kind = first["type"]
        if kind == "missing":
            raise InputError(field, None, "missing", f"Give {field}") from None
        if kind == "extra_forbidden":
            known = ", ".join(model.model_fields)
            raise InputError(field, first["input"], "no such argument", f"Use only {known}") from None
        raise InputError(field, first["input"], first["msg"].rstrip("."), _mend(model, first["loc"])) from None


def _mend(model: type[BaseModel], where: tuple[int | str, ...]) -> str:
    described = model.model_fields.get(str(where[0])) if where else None
    if described is not None and described.description:
        return f"{where[0]} is: {described.description}"
    return "See the tool's input schema"


def success(spec: AnyTool, result: BaseModel, address: str | None = None, *, linked: bool = False) -> CallToolResult:
    """Structured content for programs, the same in words for clients that show none.

    `address` is that of the whole result, where this is a part; `linked` clients know links in results.
    """
    if "trace_id" in type(result).model_fields:
        result = result.model_copy(update={"trace_id": trace_id()})
    if address is not None and "limits" in type(result).model_fields:
        limits: list[str] = getattr(result, "limits")  # noqa: B009 - looked up above
        result = result.model_copy(update={"limits": [f"this is a part; the whole is the resource {address}", *limits]})
    content: list[ContentBlock] = [TextContent(type="text", text=spec.summary(result))]
    if address is not None and linked:
        content.append(ResourceLink(name=f"{spec.name}: whole result", uri=address, mime_type="application/json"))
    return CallToolResult(
        content=content,
        structured_content=result.model_dump(mode="json", exclude_none=True),
    )


def failure(message: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=message)], is_error=True)


def refusal(error: InputError) -> CallToolResult:
    return failure(f"{error.field} = {error.value}: {error.problem}. {error.mend}")


class CatalogTool(Tool):
    """A support tool as the SDK's server wants it."""

    spec: Any = Field(exclude=True)
    calls: Any = Field(exclude=True)

    @cached_property
    def output_schema(self) -> dict[str, Any] | None:
        """Made when first listed: it takes longer than all the rest of the server's assembly."""
        if self.spec.lasting:  # what it answers while it goes on has other members
            return {"type": "object", "required": ["status"]}
        return output_schema(self.spec.output_model)

    @classmethod
    def of(cls, spec: AnyTool, calls: SupportCalls) -> CatalogTool:
        return cls(
            fn=spec.run,
            name=spec.name,
            title=spec.title,
            description=spec.description,
            parameters=input_schema(spec.input_model),
            fn_metadata=FuncMetadata(arg_model=ArgModelBase),
            context_kwarg=None,
            is_async=True,
            annotations=ToolAnnotations(
                read_only_hint=spec.read_only,
                destructive_hint=False,
                idempotent_hint=spec.idempotent,
                open_world_hint=spec.open_world,
            ),
            spec=spec,
            calls=calls,
        )

    async def run(
        self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False
    ) -> CallToolResult | InputRequiredResult:
        """The SDK's entry; the result is already in the protocol's form."""
        answer: CallToolResult | InputRequiredResult = await self.calls.run(self.spec, arguments, context)
        return answer
