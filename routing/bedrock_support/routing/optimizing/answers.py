"""The answer cache: what was answered to a question that comes down to the same, by whom, when, and for how much."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass

from bedrock_support.routing.clock import Clock
from bedrock_support.routing.model import Carrier, Clearance, Reply, Usage
from bedrock_support.routing.optimizing.canonical import Slots
from bedrock_support.routing.optimizing.port import AnyStore
from bedrock_support.routing.optimizing.told import Told
from bedrock_support.routing.redaction import tidied

KEY_VERSION = 2
"""Part of every key: raise it when keys or entries change their meaning."""
MOST_IN_MEMORY = 512
"""Answers kept in memory besides."""
MOST_ANSWER = 256 * 1024
"""Characters of an answer that is still kept."""
WHOLE = frozenset({"", "end_turn", "endTurn", "stop_sequence", "stopSequence"})
"""Stop reasons of an answer that isn't cut."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the cache."""

    key: str
    about: Slots


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer that fits the question, in the question's own words."""

    reply: Reply
    age: float
    """Seconds since it was given."""
    fresh: bool
    """False: past its time, and good only while it is asked anew."""
    usd: float | None
    """What it had cost."""
    size: int
    """Bytes of the entry."""


class Answers:
    """Finds and keeps answers. Blocks: use it off the event loop."""

    def __init__(self, store: AnyStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._memory: OrderedDict[str, bytes] = OrderedDict()
        self._remembering = threading.Lock()
        self._told = Told()

    def question(self, clearance: Clearance, tenant: str, version: str) -> Question:
        """The key of a cleared operation: all that the answer may depend on, and whose question it is. Waits for
        nobody."""
        asked = clearance.operation
        system, _ = self._told.of(asked.system, clearance.restore)
        brief, about = self._told.of(asked.brief, clearance.restore)
        parts = [
            KEY_VERSION,
            tenant,
            asked.op_class.value,
            asked.tool,
            version,
            asked.model_role.value,
            asked.max_tokens,
            asked.residency.value,
            asked.answer_schema,
            sorted(route.value for route in clearance.routes),
            system,
            brief,
        ]
        plain = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=dict)
        return Question("answer:" + hashlib.sha256(plain.encode(errors="surrogatepass")).hexdigest(), about)

    def recall(self, question: Question, fresh_for: float) -> Kept | None:
        """The same as find(), of what this process has in memory and only while it is fresh. Waits for nobody."""
        found = self._read(self._memory.get(question.key), question, fresh_for, 0.0)
        with suppress(KeyError):  # another thread may have dropped it
            self._memory.move_to_end(question.key)
        return found

    def find(self, question: Question, fresh_for: float, stale_for: float) -> Kept | None:
        """The answer, if one is kept that is no older than both spans together, in seconds."""
        found = self._read(self._memory.get(question.key), question, fresh_for, stale_for)
        if found is not None and found.fresh:
            return found
        # What is past its time here may have been asked anew elsewhere.
        raw = self._store.get(question.key)
        kept = self._read(raw, question, fresh_for, stale_for)
        if raw is None or kept is None:
            return found
        self._remember(question.key, raw)
        return kept

    def _read(self, raw: bytes | None, question: Question, fresh_for: float, stale_for: float) -> Kept | None:
        if raw is None:
            return None
        try:
            entry = json.loads(raw)
            age = max(0.0, self._clock.wall() - entry["at"])
            text = question.about.special(entry["text"])
            if text is None or age > fresh_for + stale_for:
                return None
            usage = Usage(**entry["usage"]) if entry["usage"] is not None else None
            reply = Reply(
                text=text,
                model=entry["model"],
                carrier=Carrier(entry["carrier"]),
                stop_reason=entry["stop_reason"],
                usage=usage,
                simulated=entry["simulated"],
            )
            return Kept(reply=reply, age=age, fresh=age <= fresh_for, usd=entry["usd"], size=len(raw))
        except (ValueError, TypeError, KeyError):
            return None  # another version's entry, or none of ours: as good as nothing

    def keep(self, question: Question, reply: Reply, usd: float | None, seconds: float) -> bool:
        """Keep an answer for so long. False for one that is cut, too long, or can't be put in general terms."""
        if reply.stop_reason not in WHOLE or len(reply.text) > MOST_ANSWER:
            return False
        marks = {each for each in question.about.literals if each.startswith("[[")}
        text = question.about.general(tidied(reply.text, marks))
        if text is None:
            return False
        usage = reply.usage
        entry = {
            "at": self._clock.wall(),
            "text": text,
            "model": reply.model,
            "carrier": reply.carrier.value,
            "stop_reason": reply.stop_reason,
            "simulated": reply.simulated,
            "usd": usd,
            "usage": None
            if usage is None
            else {name: getattr(usage, name) for name in ("input_tokens", "output_tokens", "estimated")},
        }
        raw = json.dumps(entry, separators=(",", ":")).encode()
        self._remember(question.key, raw)
        return self._store.set(question.key, raw, seconds)

    def _remember(self, key: str, raw: bytes) -> None:
        with self._remembering:
            self._memory[key] = raw
            self._memory.move_to_end(key)
            while len(self._memory) > MOST_IN_MEMORY:
                self._memory.popitem(last=False)
