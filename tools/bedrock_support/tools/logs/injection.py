"""Lines of a log that speak to a language model: told as a finding, so that a reader of the answer is on guard.

They are never obeyed anyway: evidence goes out as data between marks that its writer can't know.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# One of these stands in whatever the pattern finds; only lines that hold one are looked at closely.
_SIGNS = (
    b"ignore ", b"disregard ", b"forget ", b"override ", b"instructions:", b"prompt:", b"instruction:", b"prompt :",
    b"instructions :", b"system prompt", b"your instructions", b"your prompt", b"you are now ", b"<|im_", b"inst]",
    b"sys>>", b"</evidence-", b"system>", b"assistant>", b" to the user", b"tell the ", b"inform the ", b"alert the ",
    b"assistant:", b"assistant,", b"agent:", b"agent,", b"model:", b"model,", b"llm:", b"llm,",
)  # fmt: skip
_MAX_LINES = 500
"""Lines of one block that are looked at closely."""
_SPOKEN = re.compile(
    rb"\b(?:ignore|disregard|forget|override)\b.{0,40}?\b"
    rb"(?:instructions?|prompts?|guidelines|everything (?:above|before))\b"
    rb"|\b(?:ignore|disregard) (?:all|any|the|everything)? ?(?:above|previous|prior|preceding)\b"
    rb"|\b(?:new|updated|real|actual) (?:system )?(?:instructions?|prompt) ?:"
    rb"|\b(?:reveal|print|show|repeat|leak|output)\b.{0,20}\b(?:system prompt|your (?:instructions|prompt))\b"
    rb"|\byou are now (?:an? |in )?(?:ai\b|assistant\b|developer mode|dan\b|unrestricted|root\b|administrator\b)"
    rb"|\b(?:do not|don't|never) (?:tell|inform|alert|mention (?:this|it) to) the (?:user|operator|developer)"
    rb"|\b(?:assistant|ai agent|language model|llm)[,:] {0,2}(?:please |you must |now )?"
    rb"(?:run|execute|call|delete|approve|mark|report|reply|answer|say|use)\b"
    rb"|<\|im_(?:start|end)\|>|\[/?inst\]|<</?sys>>|</?(?:system|assistant)>|</evidence-"
)


def suspected(data: bytes) -> Iterator[int]:
    """Indices of the lines of `data` in which somebody speaks to a model, in order, each once."""
    low = data.lower()
    line, counted = 0, 0
    for begin in sorted(_candidates(low)):
        end = low.find(b"\n", begin)
        if _SPOKEN.search(low, begin, end if end >= 0 else len(low)):
            line += low.count(b"\n", counted, begin)
            counted = begin
            yield line


def _candidates(low: bytes) -> set[int]:
    """Where the lines begin that hold a sign."""
    found: set[int] = set()
    for sign in _SIGNS:
        at = low.find(sign)
        while at >= 0 and len(found) < _MAX_LINES:
            found.add(low.rfind(b"\n", 0, at) + 1)
            end = low.find(b"\n", at)
            at = low.find(sign, end) if end >= 0 else -1
    return found
