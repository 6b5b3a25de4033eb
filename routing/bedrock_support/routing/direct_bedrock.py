"""DirectBedrockClient: the route that asks Bedrock itself, and the only door to boto3."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import anyio

from bedrock_support.routing import semconv
from bedrock_support.routing.bedrock import guardrail as guarding
from bedrock_support.routing.bedrock import wire
from bedrock_support.routing.bedrock.errand import Errand
from bedrock_support.routing.bedrock.guardrail import Source
from bedrock_support.routing.bedrock.settings import BedrockSettings
from bedrock_support.routing.bedrock.stream import Pace, read_stream
from bedrock_support.routing.bedrock.wire import Reading
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
    from aiohttp import ClientResponse

    from bedrock_support.routing.bedrock.access import Access
    from bedrock_support.routing.bedrock.exchange import Exchange

T = TypeVar("T")

RECHECK_SECONDS = 30.0
"""How long credentials that were missing or refused are not looked for again."""
CHECK_SECONDS = 5.0
"""How long `check` may look for credentials."""
PEER = "aws-bedrock"
CLOSED = "the direct client is closed"


class DirectBedrockClient:
    """Asks Bedrock by Converse or ConverseStream.

    Cold until first asked: boto3, which finds the credentials and the endpoint, is imported in a thread, once. Requests
    are signed and sent on the event loop. A call ends by its operation's deadline whatever the other side
    does; given up, it frees its connection and its place.
    """

    def __init__(self, settings: BedrockSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._prices = {role: price_of(model) for role, model in settings.models.items()}
        self._permits = anyio.CapacityLimiter(settings.concurrency)
        self._calls: set[anyio.CancelScope] = set()
        self._look: Errand[Access] | None = None
        self._renewal: Errand[None] | None = None
        self._renewed_at = -math.inf
        self._access: Access | None = None
        self._exchange: Exchange | None = None
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
        """Calls that hold a place."""
        return self._permits.borrowed_tokens

    async def prepare(self, operation: Operation) -> None:
        """Nothing to settle."""

    async def send(self, operation: Operation) -> Reply:
        """Ask the model of the operation's role. Raises RouteError."""
        model = self._settings.models[operation.model_role]
        guardrail = self._settings.guardrail
        with span(f"chat {model}", partial(_asked, operation, model), kind=CLIENT) as current:
            if guardrail is not None:
                current.set_attribute(semconv.GUARDRAIL_ID, guardrail.identifier)
            try:
                ask = self._stream if operation.stream else self._converse
                reading = await self._within(operation.deadline, partial(ask, operation, model))
                if current.is_recording():
                    current.set_attributes(_told(reading))
                return wire.judge(reading, model)
            except RouteError as error:
                failed(current, error.kind.value, str(error))
                raise
            finally:
                if self._access is not None:
                    current.set_attribute(semconv.SERVER_ADDRESS, self._access.host)
                    current.set_attribute(semconv.SERVER_PORT, self._access.port)

    async def count_tokens(self, operation: Operation) -> Usage:
        """Input tokens of the operation, by CountTokens or, where that fails, a local estimate marked as such."""
        model = self._settings.models[operation.model_role]
        try:
            return await self._within(operation.deadline, partial(self._count, operation, model))
        except RouteError:
            # Not offered for every model, and never worth a failed call: the estimate comes out high.
            return wire.estimate(operation)

    async def screen(self, text: str, source: Source, deadline: float) -> str:
        """Text as it may pass by the guardrail, for what takes another route: masked in an answer, never in a question.

        Raises:
            RouteError: GUARDRAIL when it intervened; NOT_APPROVED when it could not be asked, and nothing may pass.
        """
        guardrail = self._settings.guardrail
        if guardrail is None:
            return text
        path = f"guardrail/{quote(guardrail.identifier, safe='')}/version/{guardrail.version}/apply"
        with span("apply_guardrail", {semconv.GUARDRAIL_ID: guardrail.identifier}, kind=CLIENT) as current:
            try:
                found, masked = await self._within(deadline, partial(self._applied, path, text, source))
            except RouteError as error:
                failed(current, error.kind.value, str(error))
                why = f"the guardrail could not be asked, so nothing passes it: {error}"
                raise RouteError(FailureKind.NOT_APPROVED, why, mend=error.failure.mend) from error
            if found is None:
                return text
            if found.blocked or source == "INPUT" or not masked.strip():
                refused = found.refusal()
                failed(current, refused.kind.value, str(refused))
                raise refused
            return masked

    async def check(self) -> RouteCondition:
        """Look for credentials without asking a model, and say how the route stands."""
        if self._access is None:
            with suppress(RouteError):
                await self._within(self._clock.now() + CHECK_SECONDS, self._ready)
        return self.condition()

    def condition(self) -> RouteCondition:
        """Set up, not set up, or not known yet; whether Bedrock answers is for attempts to tell."""
        if self._closed:
            return RouteCondition(health=Health.UNCONFIGURED, note=CLOSED)
        if self._access is not None:
            return RouteCondition(health=Health.UNKNOWN, note=f"credentials found: {self._access.found}")
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
        for scope in tuple(self._calls):
            scope.cancel()
        self._access = None
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            with anyio.CancelScope(shield=True):
                await exchange.aclose()

    async def _within(self, deadline: float, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask with a place, by the deadline. Raises RouteError alone."""
        self._refuse_if_closed()
        self._refuse_if_missing()
        left = deadline - self._clock.now()
        if left <= 0:
            raise RouteError(FailureKind.TIMEOUT, "the deadline had passed before Bedrock was asked")
        with anyio.move_on_after(left) as scope:
            self._calls.add(scope)
            try:
                async with self._permits:
                    return await ask()
            finally:
                self._calls.discard(scope)
        self._refuse_if_closed()
        raise RouteError(FailureKind.TIMEOUT, f"no answer from Bedrock within {left:.1f} s")

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise RouteError(FailureKind.UNAVAILABLE, CLOSED)

    def _fresh_miss(self) -> Failure | None:
        return self._missing if self._clock.now() - self._missing_at < RECHECK_SECONDS else None

    def _refuse_if_missing(self) -> None:
        missing = self._fresh_miss()
        if missing is not None:
            raise RouteError(missing.kind, missing.message, mend=missing.mend)

    async def _converse(self, operation: Operation, model: str) -> Reading:
        access = await self._ready()
        try:
            async with self._post(access, _path(model, "converse"), self._body(operation, model)) as answer:
                return wire.read(await wire.whole(answer.content.iter_any()), answer.headers)
        except Exception as error:  # noqa: BLE001 - the door: nothing but RouteError may pass it
            raise self._translated(error, answering=False) from None

    async def _stream(self, operation: Operation, model: str) -> Reading:
        access = await self._ready()
        pace = Pace(self._settings.first_token_timeout, self._settings.inter_token_timeout, self._clock)
        answering = False
        with pace.scope:
            try:
                async with self._post(access, _path(model, "converse-stream"), self._body(operation, model)) as answer:
                    answering = True
                    return await read_stream(answer, pace)
            except Exception as error:  # noqa: BLE001 - the door: nothing but RouteError may pass it
                raise self._translated(error, answering=answering) from None
        raise RouteError(FailureKind.TIMEOUT, f"the stream sent nothing for {pace.limit:g} s")

    async def _count(self, operation: Operation, model: str) -> Usage:
        access = await self._ready()
        try:
            content = {"input": {"converse": wire.content(operation)}}
            async with self._post(access, _path(model, "count-tokens"), content) as answer:
                return Usage(input_tokens=wire.tokens((await wire.whole(answer.content.iter_any()))["inputTokens"]))
        except Exception as error:  # noqa: BLE001 - the door: nothing but RouteError may pass it
            raise self._translated(error, answering=False) from None

    async def _applied(self, path: str, text: str, source: Source) -> tuple[guarding.Assessed | None, str]:
        access = await self._ready()
        try:
            async with self._post(access, path, guarding.application(text, source)) as answer:
                return guarding.applied(await wire.whole(answer.content.iter_any()), source)
        except Exception as error:  # noqa: BLE001 - the door: nothing but RouteError may pass it
            raise self._translated(error, answering=False) from None

    def _body(self, operation: Operation, model: str) -> dict[str, Any]:
        return wire.body(operation, model, self._settings.guardrail)

    def _post(
        self, access: Access, path: str, content: Mapping[str, Any]
    ) -> AbstractAsyncContextManager[ClientResponse]:
        self._refuse_if_closed()
        if self._exchange is None:
            from bedrock_support.routing.bedrock.exchange import Exchange

            self._exchange = Exchange(access, self._settings, self._clock)
        return self._exchange.post(access, path, content)

    async def _ready(self) -> Access:
        """Credentials that are good now, and where to go with them."""
        access = self._access
        if access is None:
            return await self._found()
        if access.signer.stale:
            await self._renewed(access)
        return access

    async def _found(self) -> Access:
        """Look for credentials, once however many ask at the same time."""
        looking = self._look
        if looking is None or not looking.running:
            self._refuse_if_missing()
            looking = self._look = Errand(partial(_build, self._settings))
        try:
            access = await looking.result()
        except Exception as error:  # noqa: BLE001 - the door: nothing but RouteError may pass it
            raise self._translated(error, answering=False) from None
        if self._access is None and not self._closed:
            self._built_at = self._clock.now()
            self._missing = None
            self._access = access
        return access

    async def _renewed(self, access: Access) -> None:
        """Have new keys fetched; while the old ones still open, nobody waits for them."""
        renewing, ending = self._renewal, access.signer.ending
        if renewing is None or not renewing.running:
            if not ending and self._clock.now() - self._renewed_at < RECHECK_SECONDS:
                return  # failed a moment ago
            self._renewed_at = self._clock.now()
            renewing = self._renewal = Errand(access.signer.renew)
        if not ending:
            return
        try:
            await renewing.result()
        except Exception as error:  # noqa: BLE001 - the door: nothing but RouteError may pass it
            raise self._translated(error, answering=False) from None

    def _translated(self, error: Exception, *, answering: bool) -> RouteError:
        from bedrock_support.routing.bedrock.faults import SIGN_IN_MEND, translate

        fault = translate(error, answering=answering)
        if fault.kind is FailureKind.UNCONFIGURED:
            self._missing, self._missing_at = fault.failure, self._clock.now()
        stale = fault.kind is FailureKind.UNCONFIGURED or fault.failure.mend == SIGN_IN_MEND
        if stale and self._clock.now() - self._built_at >= RECHECK_SECONDS:
            # The next call reads the credential chain afresh: keys may have been renewed in a file.
            self._access = None
        return fault


def _build(settings: BedrockSettings) -> Access:
    """In a thread, where blocking is allowed and what is slow to import may be imported."""
    import_module("bedrock_support.routing.bedrock.exchange")
    from bedrock_support.routing.bedrock import access

    return access.build(settings)


def _path(model: str, action: str) -> str:
    return f"model/{quote(model, safe='')}/{action}"


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
