"""Requests that an upstream makes during a call: passed on to the calling client, else answered by policy."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

import anyio
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INVALID_REQUEST,
    ClientCapabilities,
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitationCapability,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitRequestURLParams,
    ElicitResult,
    ErrorData,
    InputRequest,
    InputResponse,
    ListRootsResult,
    RootsCapability,
    SamplingCapability,
    SamplingMessage,
    TextContent,
)

from bedrock_support.server.callers import Channel
from bedrock_support.server.peers.catalogue import tidy
from bedrock_support.server.peers.config import Asks
from bedrock_support.server.peers.limits import printable

Clean = Callable[[str], str]


class Scrub(Protocol):
    """What takes out of the texts of one call what must not leave."""

    @property
    def originals(self) -> Mapping[str, str]:
        """What was taken out, by the placeholder that stands there."""
        ...

    def redact(self, text: str) -> str: ...

    def redact_value(self, value: Any, name: str = "") -> Any:
        """The same in every part of a JSON value. Raises RecursionError."""
        ...


MESSAGE = 2_000
"""Characters of a question to the user."""
PROGRESS = 200
SAID = 300
"""Characters kept of a peer's error message."""
FORM = 16_384
"""Characters of a form's schema, as JSON."""
PROMPT = 200_000
"""Characters of a sampling request."""
MOST_TOKENS = 8_192
ANSWER = 200_000
"""Characters of an answer that goes back to the peer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerSide:
    """The client that made a call: what it can do, and the way to it."""

    capabilities: ClientCapabilities | None
    channel: Channel


def mirrored(capabilities: ClientCapabilities | None, allowed: frozenset[Asks]) -> ClientCapabilities:
    """What an upstream is told that its client can do: what the caller declared and policy allows, nothing more.

    Sampling with tools isn't passed on: tool calls can hold anything and can't be redacted.
    """
    if capabilities is None:
        return ClientCapabilities()
    elicitation = capabilities.elicitation if "elicitation" in allowed else None
    return ClientCapabilities(
        sampling=SamplingCapability() if capabilities.sampling is not None and "sampling" in allowed else None,
        elicitation=None if elicitation is None else ElicitationCapability(form=elicitation.form, url=elicitation.url),
        roots=RootsCapability() if capabilities.roots is not None and "roots" in allowed else None,
    )


def by_policy(request: InputRequest, why: str) -> InputResponse | ErrorData:
    """The answer where nobody is asked: no to a question, an empty list of folders, an error to sampling."""
    if isinstance(request, CreateMessageRequest):
        return ErrorData(code=INVALID_REQUEST, message=f"Sampling declined: {why}")
    if isinstance(request, ElicitRequest):
        return ElicitResult(action="decline")
    return ListRootsResult(roots=[])


def scrubbed(value: Any, clean: Clean) -> Any:
    """A JSON value with every text in it cleaned; keys stay."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [scrubbed(each, clean) for each in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {key: scrubbed(each, clean) for key, each in cast("dict[str, Any]", value).items()}
    return value


class Refused(Exception):
    """A request isn't passed on; the message says why."""


class Bridge:
    """The way from an upstream to the caller of one call. Closed with that call."""

    def __init__(
        self, peer: str, channel: Channel | None, capabilities: ClientCapabilities, clean: Clean, most: int
    ) -> None:
        self.capabilities = capabilities
        """As mirrored to the upstream."""
        self.open = 0
        """Questions that the caller hasn't answered yet."""
        self._peer = peer
        self._channel = channel
        self._clean = clean
        self._left = most
        self._told = 0.0
        self._telling = False
        self._asking: set[anyio.CancelScope] = set()

    def close(self) -> None:
        """The call is over: whoever still asks gets a no."""
        self._channel = None
        for scope in self._asking:
            scope.cancel()

    async def answer(self, request: InputRequest) -> InputResponse | ErrorData:
        """The caller's answer, or policy's."""
        channel = self._channel
        if channel is None:
            return by_policy(request, "no call is waiting for it")
        if self._left <= 0:
            return by_policy(request, "this call has asked too often")
        self._left -= 1
        try:
            asked = self._prepared(request)
        except Refused as error:
            return by_policy(request, str(error))
        except Exception:  # noqa: BLE001 - what can't be checked doesn't pass
            return by_policy(request, "it could not be checked for what must not leave")
        answer: InputResponse | ErrorData = by_policy(request, "the call ended first")
        with anyio.CancelScope() as scope:
            self._asking.add(scope)
            self.open += 1
            try:
                answer = self._returned(await channel.request(asked), request)
            except MCPError as error:
                # What the client says of itself is the client's business; the code tells enough.
                answer = ErrorData(code=error.code, message="The client refused")
            except Exception:  # noqa: BLE001 - the client's troubles are none of the upstream's
                answer = by_policy(request, "the client gave no usable answer")
            finally:
                self.open -= 1
                self._asking.discard(scope)
        return answer

    def heard(self, text: str) -> str:
        """A peer's own words, as they may stand in an error: cleaned, on one line, and few."""
        try:
            return printable(self._clean(text[:MESSAGE]), SAID)
        except Exception:  # noqa: BLE001 - what can't be checked isn't repeated
            return "(its words could not be checked)"

    async def progress(self, progress: float, total: float | None, message: str | None) -> None:
        """Pass on how far the call is: only ever rising, and dropped while the caller is slow to take it."""
        channel = self._channel
        if channel is None or self._telling or progress <= self._told:
            return
        self._told, self._telling = progress, True
        try:
            said = printable(self._clean(message[:MESSAGE]), PROGRESS) if message else ""
            await channel.progress(progress, total or 0.0, f"[{self._peer}] {said}".strip())
        except Exception:  # noqa: BLE001, S110 - nobody needs to know how far a call is
            pass
        finally:
            self._telling = False

    def _prepared(self, request: InputRequest) -> InputRequest:
        """The request as it goes to the caller. Raises Refused where it may not."""
        if isinstance(request, CreateMessageRequest):
            if self.capabilities.sampling is None:
                raise Refused("the client has no sampling, or this peer may not use it")
            return CreateMessageRequest(params=self._sampling(request.params))
        if isinstance(request, ElicitRequest):
            return ElicitRequest(params=self._question(request.params))
        if self.capabilities.roots is None:
            raise Refused("the client has no folders, or this peer may not see them")
        return request

    def _sampling(self, given: CreateMessageRequestParams) -> CreateMessageRequestParams:
        messages: list[SamplingMessage] = []
        size = len(given.system_prompt or "")
        for each in given.messages:
            if not isinstance(each.content, TextContent):
                raise Refused("only text can be checked for what must not leave")
            size += len(each.content.text)
            text = TextContent(type="text", text=self._clean(each.content.text) if size <= PROMPT else "")
            messages.append(SamplingMessage(role=each.role, content=text))
        if size > PROMPT:
            raise Refused(f"more than {PROMPT} characters")
        return CreateMessageRequestParams(
            messages=messages,
            system_prompt=self._clean(given.system_prompt) if given.system_prompt else None,
            max_tokens=max(1, min(given.max_tokens, MOST_TOKENS)),
            temperature=given.temperature,
            stop_sequences=given.stop_sequences,
            model_preferences=given.model_preferences,
        )

    def _question(
        self, given: ElicitRequestFormParams | ElicitRequestURLParams
    ) -> ElicitRequestFormParams | ElicitRequestURLParams:
        modes = self.capabilities.elicitation
        if modes is None:
            raise Refused("the client can't show questions")
        # The user must see who asks: a stranger's words would else pass for ours.
        message = f"[{self._peer}] {self._clean(tidy(given.message, MESSAGE))}"
        if isinstance(given, ElicitRequestURLParams):
            if modes.url is None or not given.url.startswith("https://"):
                raise Refused("the client can't open this address")
            return ElicitRequestURLParams(message=message, url=given.url, elicitation_id=given.elicitation_id)
        if modes.form is None and modes.url is not None:
            raise Refused("the client shows no forms")
        if len(json.dumps(given.requested_schema)) > FORM:
            raise Refused(f"a form of more than {FORM} characters")
        return ElicitRequestFormParams(message=message, requested_schema=scrubbed(given.requested_schema, self._clean))

    def _returned(self, answer: InputResponse, request: InputRequest) -> InputResponse | ErrorData:
        """What goes back to the peer. A model's words are cleaned; what a user typed is theirs to give."""
        if isinstance(request, CreateMessageRequest):
            if not isinstance(answer, CreateMessageResult) or not isinstance(answer.content, TextContent):
                return by_policy(request, "the client's model answered without text")
            text = TextContent(type="text", text=self._clean(answer.content.text[:ANSWER]))
            return CreateMessageResult(
                role=answer.role,
                content=text,
                model=self._clean(answer.model[:200]),
                stop_reason=answer.stop_reason,
            )
        expected = ElicitResult if isinstance(request, ElicitRequest) else ListRootsResult
        return answer if isinstance(answer, expected) else by_policy(request, "the client answered something else")
