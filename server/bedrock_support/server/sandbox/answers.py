"""What the sandbox answers. It judges nothing, and every answer says so."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, cast

LABEL = "Simulated answer from the bedrock-support sandbox: no model has judged this."
CITED = 2
_EVIDENCE = re.compile(r"\bE\d{1,4}\b")
_WANTS_JSON = ("JSON", '"summary"', "schema")


def compose(body: Mapping[str, Any]) -> str:
    """JSON in the shape of a triage answer where the request speaks of JSON, else plain text."""
    asked = request_text(body)
    if not any(word in asked for word in _WANTS_JSON):
        return f"{LABEL} The request had {len(asked)} characters."
    named = list(dict.fromkeys(_EVIDENCE.findall(asked)))[:CITED]
    causes = [
        {
            "title": f"simulated hypothesis about {each}",
            "evidence_ids": [each],
            "confidence": 0.1,
            "disproof": "ask a real model",
        }
        for each in named
    ]
    summary = f"{LABEL} The brief had {len(asked)} characters."
    return json.dumps({"summary": summary, "causes": causes, "next_steps": ["configure AWS credentials"]})


def request_text(body: Mapping[str, Any]) -> str:
    """All text of a Converse request: system prompts, then messages."""
    blocks = objects(body.get("system"))
    for message in objects(body.get("messages")):
        blocks += objects(message.get("content"))
    return "\n".join(text for block in blocks if (text := _text(block)))


def _text(block: Mapping[str, Any]) -> str:
    """Of a plain block, or of one that is tagged for a guardrail."""
    guarded: object = block.get("guardContent")
    inner: object = cast("Mapping[str, Any]", guarded).get("text") if isinstance(guarded, Mapping) else None
    told = cast("Mapping[str, Any]", inner) if isinstance(inner, Mapping) else block
    return str(told["text"]) if "text" in told else ""


def objects(value: object) -> list[Mapping[str, Any]]:
    """The objects of a list. Whatever else a request holds in their place is passed over, not tripped over."""
    found = cast("list[object]", value) if isinstance(value, list) else []
    return [cast("Mapping[str, Any]", each) for each in found if isinstance(each, Mapping)]


def tokens(text: str) -> int:
    """Rough count: four characters a token, rounded up."""
    return math.ceil(len(text) / 4)


def pieces(text: str, size: int = 24) -> list[str]:
    """The text cut as a stream would deliver it."""
    return [text[start : start + size] for start in range(0, len(text), size)] or [""]
