"""DirectBedrockClient: the route that asks Bedrock itself, and the only door to boto3."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, TypeVar, cast

import anyio

from bedrock_support.routing import semconv
from bedrock_support.routing.bedrock import wire
from bedrock_support.routing.bedrock.call import Call
from bedrock_support.routing.bedrock.settings import BedrockSettings
from bedrock_support.routing.bedrock.stream import read_stream
from bedrock_support.routing.bedrock.wire import Reading
from bedrock_support.routing.bedrock.workers import CLOSED, Pace, Workers
from bedrock_support.routing.clock import Clock
from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.model import (
    Failure,
    FailureKind,
    Health,
    Operation,
    Reply,
    RouteCondition,
    RouteName,
    Usage,
)
from bedrock_support.routing.prices import expected_usage, price_of
from bedrock_support.routing.spans import CLIENT, Attribute, failed, span

if TYPE_CHECKING:
    from types_boto3_bedrock_runtime.type_defs import ConverseStreamRequestTypeDef

    from bedrock_support.routing.bedrock.transport import Transport

T = TypeVar("T")

RECHECK_SECONDS = 30.0
"""How long credentials that were missing or refused are not looked for again."""
CHECK_SECONDS = 5.0
"""How long `check` may look for credentials."""
PEER = "aws-bedrock"


class DirectBedrockClient:
    """Asks Bedrock by Converse or ConverseStream.

    Cold until first asked: boto3 is imported and the client made in a worker thread, once. A call ends by its
    operation's deadline whatever the other side does; given up, it frees its connection, thread and permit.
    """

    def __init__(self, settings: BedrockSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._prices = {role: price_of(model) for role, model in settings.models.items()}
        self._workers = Workers(settings.concurrency, clock)
        self._pace = Pace(settings.first_token_timeout, settings.inter_token_timeout)
        self._building = threading.Lock()
        self._transport: Transport | None = None
        self._built_at = -math.inf
        self._missing: Failure | None = None
        self._missing_at = -math.inf
        self._closed = False

    @property
    def name(self) -> RouteName:
        return RouteName.DIRECT

    @property
    def channel(self) -> str:
        return RouteName.DIRECT.value

    @property
    def hedgeable(self) -> bool:
        return True

    @property
    def busy(self) -> int:
        """Calls whose thread has not ended."""
        return self._workers.busy

    async def prepare(self, operation: Operation) -> None:
        """Nothing to settle."""

    async def send(self, operation: Operation) -> Reply:
        """Ask the model of the operation's role. Raises RouteError."""
        model = self._settings.models[operation.model_role]
        with span(f"chat {model}", _asked(operation, model), kind=CLIENT) as current:
            try:
                reading = await self._run(
                    partial(self._converse, operation, model),
                    operation.deadline,
                    self._pace if operation.stream else None,
                )
                current.set_attributes(_told(reading))
                return wire.judge(reading, model)
            except RouteError as error:
                failed(current, error.kind.value, str(error))
                raise
            finally:
                if self._transport is not None:
                    current.set_attribute(semconv.SERVER_ADDRESS, self._transport.host)
                    current.set_attribute(semconv.SERVER_PORT, self._transport.port)

    async def count_tokens(self, operation: Operation) -> Usage:
        """Input tokens of the operation, by CountTokens or, where that fails, a local estimate marked as such."""
        model = self._settings.models[operation.model_role]
        try:
            return await self._run(partial(self._count, operation, model), operation.deadline)
        except RouteError:
            # Not offered for every model, and never worth a failed call: the estimate comes out high.
            return wire.estimate(operation)

    async def check(self) -> RouteCondition:
        """Look for credentials without asking a model, and say how the route stands."""
        if self._transport is None:
            with suppress(RouteError):
                await self._run(self._ready, self._clock.now() + CHECK_SECONDS)
        return self.condition()

    def condition(self) -> RouteCondition:
        """Set up, not set up, or not known yet; whether Bedrock answers is for attempts to tell."""
        if self._closed:
            return RouteCondition(health=Health.UNCONFIGURED, note=CLOSED)
        if self._transport is not None:
            return RouteCondition(health=Health.UNKNOWN, note=f"credentials found: {self._transport.found}")
        # Only while fresh: a router that never tried again would never see credentials that appear later.
        missing = self._fresh_miss()
        if missing is not None:
            return RouteCondition(health=Health.UNCONFIGURED, note=missing.mend)
        return RouteCondition(health=Health.UNKNOWN, note="credentials not looked for")

    def usd(self, operation: Operation, usage: Usage | None = None) -> float | None:
        """Price of the tokens used, or of those that the operation is likely to use; None for a model without one."""
        price = self._prices[operation.model_role]
        return None if price is None else price.usd(usage or expected_usage(operation))

    async def aclose(self) -> None:
        """End every call and close every connection. A closed client refuses further calls."""
        self._closed = True
        self._workers.stop()
        transport, self._transport = self._transport, None
        if transport is not None:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(transport.client.close)

    async def _run(self, job: Callable[[Call], T], deadline: float, pace: Pace | None = None) -> T:
        if self._closed:
            raise RouteError(FailureKind.UNAVAILABLE, CLOSED)
        self._refuse_if_missing()
        return await self._workers.run(job, deadline, pace)

    def _fresh_miss(self) -> Failure | None:
        return self._missing if self._clock.now() - self._missing_at < RECHECK_SECONDS else None

    def _refuse_if_missing(self) -> None:
        missing = self._fresh_miss()
        if missing is not None:
            raise RouteError(missing.kind, missing.message, mend=missing.mend)

    # From here on everything runs in a worker thread, where blocking is allowed and boto3 may be imported.

    def _converse(self, operation: Operation, model: str, call: Call) -> Reading:
        client = self._ready(call).client
        request = wire.request(operation, model)
        call.asked = self._clock.now()
        answering = False
        try:
            if not operation.stream:
                return wire.read(client.converse(**request))
            response = client.converse_stream(**cast("ConverseStreamRequestTypeDef", request))
            answering = True
            return read_stream(response, call, self._clock)
        except Exception as error:  # noqa: BLE001 - the door: nothing but RouteError may pass it
            raise self._translated(error, call, answering=answering) from None

    def _count(self, operation: Operation, model: str, call: Call) -> Usage:
        client = self._ready(call).client
        try:
            counted = client.count_tokens(modelId=model, input={"converse": wire.content(operation)})
        except Exception as error:  # noqa: BLE001 - the door: nothing but RouteError may pass it
            raise self._translated(error, call, answering=False) from None
        return Usage(input_tokens=counted["inputTokens"])

    def _ready(self, call: Call) -> Transport:
        """The client, made once however many ask for it at the same time."""
        if self._transport is not None:
            return self._transport
        with self._building:
            if self._transport is not None:
                return self._transport
            self._refuse_if_missing()
            try:
                from bedrock_support.routing.bedrock.transport import build

                built = build(self._settings)
            except Exception as error:  # noqa: BLE001 - the door: nothing but RouteError may pass it
                raise self._translated(error, call, answering=False) from None
            self._built_at = self._clock.now()
            self._missing = None
            self._transport = built
            return built

    def _translated(self, error: Exception, call: Call, *, answering: bool) -> RouteError:
        from bedrock_support.routing.bedrock.faults import SIGN_IN_MEND, translate

        if call.cut:
            return RouteError(FailureKind.UNAVAILABLE, CLOSED)
        fault = translate(error, answering=answering)
        if fault.kind is FailureKind.UNCONFIGURED:
            self._missing, self._missing_at = fault.failure, self._clock.now()
        stale = fault.kind is FailureKind.UNCONFIGURED or fault.failure.mend == SIGN_IN_MEND
        if stale and self._clock.now() - self._built_at >= RECHECK_SECONDS:
            # The next call reads the credential chain afresh: keys may have been renewed in a file.
            transport, self._transport = self._transport, None
            if transport is not None:
                transport.client.close()
        return fault


def _asked(operation: Operation, model: str) -> dict[str, Attribute]:
    about: dict[str, Attribute] = {
        semconv.PROVIDER_NAME: "aws.bedrock",
        semconv.OPERATION_NAME: "chat",
        semconv.REQUEST_MODEL: model,
        semconv.REQUEST_MAX_TOKENS: operation.max_tokens,
        semconv.PEER_SERVICE: PEER,
        semconv.SERVICE_PEER_NAME: PEER,
    }
    if operation.stream:
        about[semconv.REQUEST_STREAM] = True
    return about


def _told(reading: Reading) -> dict[str, Attribute]:
    usage = reading.usage
    about: dict[str, Attribute] = {
        semconv.RESPONSE_FINISH_REASONS: (reading.stop_reason,),
        # The convention counts cached tokens as input, Bedrock does not.
        semconv.USAGE_INPUT_TOKENS: usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens,
        semconv.USAGE_OUTPUT_TOKENS: usage.output_tokens,
        semconv.USAGE_CACHE_READ_TOKENS: usage.cache_read_tokens,
        semconv.USAGE_CACHE_WRITE_TOKENS: usage.cache_write_tokens,
        semconv.AWS_REQUEST_ID: reading.request_id,
        semconv.SIMULATED: reading.simulated,
    }
    if reading.first_piece_after is not None:
        about[semconv.RESPONSE_TIME_TO_FIRST_CHUNK] = reading.first_piece_after
    return about
