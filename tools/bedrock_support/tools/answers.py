"""Answers of models: the shape they must have, and what is left of them once they are held to the evidence."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bedrock_support.tools.envelope import Cause, Judgement
from bedrock_support.tools.logs.injection import suspected

_KEPT_TEXT = 4_000
_OBJECTS_TRIED = 20
_CITED = re.compile(r"\bE\d{1,6}\b")
_FILE = re.compile(
    r"(?<![\w./-])(?:[\w.-]{1,100}/){0,20}[\w-]{1,100}\."
    r"(?:py|pyi|[jt]sx?|mjs|go|java|kt|rs|cs|rb|php|cpp|cc|c|h|sql|sh|ya?ml|toml|json|ini|conf|cfg|tf|log)(?![\w-])"
)
_URL = re.compile(r"\b(?:https?|ftp|file|data)://?[^\s\"'<>)\]]{1,300}", re.IGNORECASE)
MOST_BYTES = 6_000
"""Of a judgement as JSON, so that no model's words push findings out of what a client takes."""
_DOCUMENTARY = ("title", "description")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")


class _Answer(BaseModel):
    # A model that says more than it was asked to is read for what it was asked.
    model_config = ConfigDict(extra="ignore")


class AnswerCause(_Answer):
    """One hypothesis, with what it stands on and what would disprove it."""

    title: str = Field(max_length=500)
    evidence_ids: list[str] = Field(max_length=50)
    confidence: float = Field(ge=0, le=1)
    disproof: str = Field(default="", max_length=1_000)


class TriageAnswer(_Answer):
    """The shape of a model's answer."""

    summary: str = Field(max_length=_KEPT_TEXT)
    causes: list[AnswerCause] = Field(default=[], max_length=20)
    next_steps: list[Annotated[str, Field(max_length=1_000)]] = Field(default=[], max_length=20)


AnswerT = TypeVar("AnswerT", bound=BaseModel)


@cache
def answer_schema(shape: type[BaseModel] = TriageAnswer) -> dict[str, Any]:
    """JSON Schema of the answer, without the titles that only cost tokens. Made once, and the same for all: read it."""
    return _untitled(shape.model_json_schema())


@cache
def schema_text(shape: type[BaseModel] = TriageAnswer) -> str:
    """The same as JSON: every question has it, and making it takes longer than routing the question."""
    return json.dumps(answer_schema(shape), separators=(",", ":"))


def _untitled(value: Any) -> Any:
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value).items()
        return {key: _untitled(item) for key, item in items if not (key in _DOCUMENTARY and isinstance(item, str))}
    return [_untitled(item) for item in cast("list[Any]", value)] if isinstance(value, list) else value


def judge_answer(answer: str | Mapping[str, Any], evidence_ids: Iterable[str], told: str | None = None) -> Judgement:
    """Read an answer and drop what cites evidence that doesn't exist, or speaks to the model that may read it next.

    Free text is kept as the summary. `told` is all that the model was told: a file or URL named there nowhere is
    invented, what claims it is dropped and what advises to look at it is marked unverified.
    """
    known = _Known(frozenset(evidence_ids), told)
    parsed = fitting(answer, TriageAnswer)
    if parsed is None:
        text = answer if isinstance(answer, str) else json.dumps(dict(answer), ensure_ascii=False, default=str)
        summary, dropped = _grounded(text.strip()[:_KEPT_TEXT], known)
        return _bounded(Judgement(summary=summary, structured=False, dropped=dropped))
    causes = [
        Cause(
            title=each.title,
            evidence_ids=each.evidence_ids,
            confidence=each.confidence,
            disproof=known.marked(each.disproof) if known.harmless(each.disproof) else "",
        )
        for each in parsed.causes
        if each.evidence_ids and known.ids.issuperset(each.evidence_ids) and known.holds(each.title)
    ]
    summary, dropped = _grounded(parsed.summary, known)
    steps = [known.marked(step) for step in parsed.next_steps if known.harmless(step)]
    dropped += len(parsed.causes) - len(causes) + len(parsed.next_steps) - len(steps)
    return _bounded(Judgement(summary=summary, causes=causes, next_steps=steps, structured=True, dropped=dropped))


def _bounded(judgement: Judgement) -> Judgement:
    """As much of it as an answer has room for: what comes last goes first, and is counted as dropped."""
    while len(judgement.model_dump_json().encode()) > MOST_BYTES:
        causes, steps, summary = judgement.causes, judgement.next_steps, judgement.summary
        if steps and len(steps) >= len(causes):
            steps = steps[:-1]
        elif causes:
            causes = causes[:-1]
        else:
            judgement = judgement.model_copy(update={"summary": summary[: len(summary) * 3 // 4]})
            continue
        told = {"causes": causes, "next_steps": steps, "dropped": judgement.dropped + 1}
        judgement = judgement.model_copy(update=told)
    return judgement


@dataclass(frozen=True, slots=True)
class _Known:
    """What a model can know: the ids of the evidence, and all that it was told."""

    ids: frozenset[str]
    told: str | None

    def cites(self, text: str) -> bool:
        return self.ids.issuperset(_CITED.findall(text))

    def invented(self, text: str) -> list[str]:
        if self.told is None:
            return []
        files = [name for name in _FILE.findall(text) if name.rsplit("/", 1)[-1] not in self.told]
        return [*files, *(url for url in _URL.findall(text) if url.rstrip(".,;:") not in self.told)]

    def harmless(self, text: str) -> bool:
        """Whether it cites what is there, and gives no orders to whoever reads it: agents read answers too."""
        return self.cites(text) and next(suspected(text.encode("utf-8", "replace")), None) is None

    def holds(self, text: str) -> bool:
        return self.harmless(text) and not self.invented(text)

    def marked(self, step: str) -> str:
        invented = self.invented(step)
        return f"{step} (unverified: {invented[0]} is named in no evidence)" if invented else step


def _grounded(text: str, known: _Known) -> tuple[str, int]:
    if known.holds(text):
        return text, 0
    sentences = _SENTENCE.split(text)
    kept = [sentence for sentence in sentences if known.holds(sentence)]
    return " ".join(kept), len(sentences) - len(kept)


def fitting(answer: str | Mapping[str, Any], shape: type[AnswerT]) -> AnswerT | None:
    """The first object in the answer that has the shape; None when there is none."""
    if not isinstance(answer, str):
        return _validated(dict(answer), shape)
    decoder, at = json.JSONDecoder(), answer.find("{")
    # Models wrap JSON in fences and courtesies: the first object that fits is the answer.
    for _ in range(_OBJECTS_TRIED):
        if at < 0:
            return None
        try:
            value, _end = decoder.raw_decode(answer, at)
        except (ValueError, RecursionError):
            value = None
        found = _validated(value, shape)
        if found is not None:
            return found
        at = answer.find("{", at + 1)
    return None


def _validated(value: object, shape: type[AnswerT]) -> AnswerT | None:
    try:
        return shape.model_validate(value)
    except ValidationError:
        return None
