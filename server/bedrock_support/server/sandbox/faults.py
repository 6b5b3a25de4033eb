"""What the sandbox can be told to do wrong, and how fast it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class FaultKind(StrEnum):
    """Every fault that a caller of Bedrock can meet."""

    THROTTLING = "throttling"
    MODEL_NOT_READY = "model_not_ready"
    SERVICE_UNAVAILABLE = "service_unavailable"
    INTERNAL_SERVER = "internal_server"
    MODEL_TIMEOUT = "model_timeout"
    MODEL_ERROR = "model_error"
    VALIDATION = "validation"
    ACCESS_DENIED = "access_denied"
    RESOURCE_NOT_FOUND = "resource_not_found"
    SERVICE_QUOTA = "service_quota"
    HANG = "hang"
    """Accepts the request and never answers."""
    RESET = "reset"
    """A TCP reset before the first byte."""
    STALL = "stall"
    """Headers, and of a stream some frames, then silence."""
    DRIP = "drip"
    """A byte at a time, faster than any read timeout and slower than any deadline."""
    CUT = "cut"
    """The connection is closed half-way."""
    CUT_MID_FRAME = "cut_mid_frame"
    """A stream's body ends inside a frame, lawfully for HTTP, so that only a check of the frames can tell."""
    NO_MESSAGE_STOP = "no_message_stop"
    NO_METADATA = "no_metadata"
    BAD_CRC = "bad_crc"
    STREAM_INTERNAL_SERVER = "stream_internal_server"
    STREAM_MODEL_ERROR = "stream_model_error"
    STREAM_VALIDATION = "stream_validation"
    STREAM_THROTTLING = "stream_throttling"
    STREAM_SERVICE_UNAVAILABLE = "stream_service_unavailable"
    MALFORMED_JSON = "malformed_json"
    HUGE_BODY = "huge_body"
    GUARDRAIL = "guardrail"
    CONTENT_FILTERED = "content_filtered"
    MAX_TOKENS = "max_tokens"


@dataclass(frozen=True, slots=True)
class ErrorShape:
    """A modelled error as it stands on the wire."""

    status: int
    type: str
    message: str


ERRORS: dict[FaultKind, ErrorShape] = {
    FaultKind.THROTTLING: ErrorShape(429, "ThrottlingException", "Too many requests, please wait."),
    FaultKind.MODEL_NOT_READY: ErrorShape(429, "ModelNotReadyException", "The model is not ready."),
    FaultKind.SERVICE_UNAVAILABLE: ErrorShape(503, "ServiceUnavailableException", "The service is unavailable."),
    FaultKind.INTERNAL_SERVER: ErrorShape(500, "InternalServerException", "An internal error occurred."),
    FaultKind.MODEL_TIMEOUT: ErrorShape(408, "ModelTimeoutException", "The model took too long."),
    FaultKind.MODEL_ERROR: ErrorShape(424, "ModelErrorException", "The model failed."),
    FaultKind.VALIDATION: ErrorShape(400, "ValidationException", "The request is invalid."),
    FaultKind.ACCESS_DENIED: ErrorShape(403, "AccessDeniedException", "You don't have access to the model."),
    FaultKind.RESOURCE_NOT_FOUND: ErrorShape(404, "ResourceNotFoundException", "The model was not found."),
    FaultKind.SERVICE_QUOTA: ErrorShape(400, "ServiceQuotaExceededException", "A quota is exceeded."),
}
STREAM_EXCEPTIONS: dict[FaultKind, str] = {
    FaultKind.STREAM_INTERNAL_SERVER: "internalServerException",
    FaultKind.STREAM_MODEL_ERROR: "modelStreamErrorException",
    FaultKind.STREAM_VALIDATION: "validationException",
    FaultKind.STREAM_THROTTLING: "throttlingException",
    FaultKind.STREAM_SERVICE_UNAVAILABLE: "serviceUnavailableException",
}
STOP_REASONS: dict[FaultKind, str] = {
    FaultKind.GUARDRAIL: "guardrail_intervened",
    FaultKind.CONTENT_FILTERED: "content_filtered",
    FaultKind.MAX_TOKENS: "max_tokens",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault, for the requests that it matches."""

    kind: FaultKind
    model: str | None = None
    """Only for model ids that contain this."""
    times: int | None = None
    """Only for the next so many matching requests; None until cleared."""
    after_chunks: int = 2
    """Frames of a stream sent before the fault strikes; a shorter stream is struck at its last frame.

    A whole answer is struck at its middle.
    """
    retry_after: float | None = None
    """Seconds, sent with an error as Retry-After and, in milliseconds, as x-amz-retry-after, which botocore heeds."""


@dataclass(slots=True)
class Faults:
    """The sandbox's present behaviour; may be changed while it runs."""

    latency_ms: float = 0.0
    """Milliseconds before the first byte."""
    chunk_ms: float = 0.0
    """Milliseconds between the frames of a stream."""
    answer: str | None = None
    """Text to answer with; None composes one from the request."""
    active: Fault | None = None
    _left: int | None = field(default=None, repr=False)

    def set(self, fault: Fault | None) -> None:
        self.active = fault
        self._left = fault.times if fault else None

    def strike(self, model: str) -> Fault | None:
        """The fault that this request meets, counted down."""
        fault = self.active
        if fault is None or (fault.model is not None and fault.model not in model):
            return None
        if self._left is not None:
            if self._left <= 0:
                return None
            self._left -= 1
        return fault


class FaultSettings(BaseModel):
    """Body of PUT /_sandbox/faults; what is left out takes its default."""

    model_config = ConfigDict(extra="forbid")

    kind: FaultKind | None = None
    model: str | None = None
    times: Annotated[int | None, Field(ge=1, le=1_000_000)] = None
    after_chunks: Annotated[int, Field(ge=0, le=1000)] = 2
    retry_after: Annotated[float | None, Field(ge=0, le=3600)] = None
    latency_ms: Annotated[float, Field(ge=0, le=600_000)] = 0.0
    chunk_ms: Annotated[float, Field(ge=0, le=600_000)] = 0.0
    answer: Annotated[str | None, Field(max_length=1_000_000)] = None

    def apply(self, faults: Faults) -> None:
        """Make these the sandbox's behaviour."""
        faults.latency_ms, faults.chunk_ms, faults.answer = self.latency_ms, self.chunk_ms, self.answer
        faults.set(
            None
            if self.kind is None
            else Fault(
                kind=self.kind,
                model=self.model,
                times=self.times,
                after_chunks=self.after_chunks,
                retry_after=self.retry_after,
            )
        )
