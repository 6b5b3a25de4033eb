"""Bedrock Guardrails, for whom they are set: what is sent for one, and what it says it did.

A second layer behind our own gate, never instead of it: what a guardrail sees has left this machine already. Of its
trace only names of policies and kinds are read. A trace quotes what it found, and that goes nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.model import FailureKind

INTERVENED = "guardrail_intervened"
APPLIED = "GUARDRAIL_INTERVENED"
NO_PROFILE = "none"
MEND = "look at the guardrail's policies in the AWS console; the question itself stays as it is when asked again"
Source = Literal["INPUT", "OUTPUT"]
_ID = re.compile(r"[a-z0-9]{1,64}|arn:aws(?:-[a-z-]{1,20})?:bedrock:[a-z0-9-]{1,20}:\d{12}:guardrail/[a-z0-9]{1,64}")
_VERSION = re.compile(r"[1-9]\d{0,7}|DRAFT")
_PROFILE = re.compile(r"[a-z0-9.:/-]{1,2048}")
_WORD = re.compile(r"[\w .-]{1,64}", re.ASCII)
_MASKED, _NOTHING = "ANONYMIZED", "NONE"
_MOST = 20
"""Names kept of one assessment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardrailSettings:
    """Which guardrail is asked. Raises ValueError with field, value and mend for one that cannot be."""

    identifier: str
    """Id or ARN."""
    version: str = "DRAFT"
    stream: Literal["sync", "async"] = "sync"
    """Whether a stream's pieces wait until they are checked. Nothing is shown before the whole answer is there."""
    profile: str | None = None
    """Cross-Region profile that it is said to use, or `none`; None: AWS is asked for it."""
    stay: bool = True
    """Whether it may only work in the EU."""

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.identifier):
            raise ValueError(f"guardrail is {self.identifier!r}; give its id or its ARN")
        if not _VERSION.fullmatch(self.version):
            raise ValueError(f"guardrail_version is {self.version!r}; give a number or DRAFT")
        if self.profile is not None and not _PROFILE.fullmatch(self.profile):
            raise ValueError(f"guardrail_profile is {self.profile!r}; give the id of a guardrail profile, or none")

    @property
    def name(self) -> str:
        return f"{self.identifier}:{self.version}"


@dataclass(frozen=True, slots=True)
class Assessed:
    """What a guardrail did. `acted` has side, policy and kind of each thing that it acted on."""

    acted: tuple[str, ...] = ()
    blocked: bool = True
    """More than values were masked, or it doesn't say what was done."""

    def refusal(self) -> RouteError:
        """The failure of a call that it ended."""
        why = ", ".join(self.acted) or "it does not say why"
        return RouteError(
            FailureKind.GUARDRAIL, f"the guardrail intervened ({why})", mend=MEND, policies=self.acted or ("unnamed",)
        )


UNSAID = Assessed()
"""Nothing was said of what a guardrail did."""


def config(guardrail: GuardrailSettings, *, stream: bool) -> dict[str, str]:
    """`guardrailConfig` of Converse or ConverseStream."""
    told = {
        "guardrailIdentifier": guardrail.identifier,
        "guardrailVersion": guardrail.version,
        "trace": "enabled",
    }
    return {**told, "streamProcessingMode": guardrail.stream} if stream else told


def tagged(text: str) -> dict[str, Any]:
    """A content block that the guardrail looks at: what isn't tagged isn't screened for prompt attacks."""
    return {"guardContent": {"text": {"text": text}}}


def application(text: str, source: Source) -> dict[str, Any]:
    """Body of ApplyGuardrail."""
    return {"source": source, "content": [{"text": {"text": text}}]}


def traced(trace: object) -> Assessed:
    """What the trace of a Converse answer says. Anything but a trace says nothing."""
    told = _table(_table(trace).get("guardrail"))
    sides = (("input", "inputAssessment"), ("output", "outputAssessments"))
    return _assessed([(side, each) for side, member in sides for each in _flat(told.get(member))])


def applied(answer: Mapping[str, Any], source: Source) -> tuple[Assessed | None, str]:
    """What ApplyGuardrail did, None when nothing, and the text that it gives back.

    Raises:
        LookupError, TypeError: the answer lacks what every answer has.
    """
    action: object = answer["action"]
    if not isinstance(action, str):
        raise TypeError("action")
    if action == _NOTHING:
        return None, ""
    found = _assessed([(source.lower(), each) for each in _flat(answer.get("assessments"))])
    outputs: object = answer.get("outputs")
    texts = [str(_table(each).get("text", "")) for each in cast("list[object]", outputs or [])]
    # An action of another name than the two that are known is taken for the worse one.
    return (found if action == APPLIED else Assessed(found.acted, blocked=True)), "".join(texts)


def _assessed(told: list[tuple[str, Mapping[str, Any]]]) -> Assessed:
    acted: dict[str, None] = {}
    actions: set[str] = set()
    for side, assessment in told:
        for policy, found in assessment.items():
            for each in _found(found):
                action = str(each["action"])
                if action != _NOTHING:
                    actions.add(action)
                    acted[f"{side}:{policy.removesuffix('Policy')}:{_kind(each)}"] = None
    return Assessed(tuple(acted)[:_MOST], blocked=actions != {_MASKED})


def _found(policy: object) -> Iterator[Mapping[str, Any]]:
    """Entries of a policy's assessment that say what was done about them."""
    for entries in _table(policy).values():
        for each in cast("list[object]", entries) if isinstance(entries, list) else ():
            entry = _table(each)
            if isinstance(entry.get("action"), str):
                yield entry


def _kind(entry: Mapping[str, Any]) -> str:
    """Type or configured name; `match` is somebody's text."""
    told = str(entry.get("type") or entry.get("name") or "")
    return told if _WORD.fullmatch(told) else "unnamed"


def _flat(told: object) -> Iterator[Mapping[str, Any]]:
    """Assessments, which come by guardrail id, as lists, or as lists by guardrail id."""
    if isinstance(told, list):
        for each in cast("list[object]", told):
            yield _table(each)
    elif isinstance(told, Mapping):
        for each in cast("Mapping[str, object]", told).values():
            yield from _flat(cast("list[object]", each)) if isinstance(each, list) else (_table(each),)


def _table(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}
