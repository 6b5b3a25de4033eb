"""What was spent and saved, day by day, for reports: sums alone, in the shared store."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

from bedrock_support.routing.clock import Clock
from bedrock_support.routing.model import Carrier, Outcome, RouteName
from bedrock_support.routing.optimizing.port import AnyStore
from bedrock_support.routing.prices import price_of

HANDED_OVER = "handoff"
"""Stands for the model of a question that was handed over: the agent's own, whose name isn't known."""
NOWHERE = "cache"
"""Stands for the route of an answer that was given from the cache."""


@dataclass(slots=True)
class Sums:
    """Sums of one day, class, route and model. Money in USD."""

    calls: int = 0
    usd: float = 0.0
    unknown: int = 0
    """Calls whose cost isn't known; they are in no sum of money."""
    failed_usd: float = 0.0
    """Part of `usd` that went into attempts without an answer: hedges that lost, failures, retries."""
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    prompt_saved_usd: float = 0.0
    """What tokens from the prompt cache saved, less what writing them cost on top; may be below 0."""
    saved_usd: float = 0.0
    """What answers from the cache had cost when they were given first."""
    saved_unknown: int = 0
    """Answers from the cache whose first cost isn't known."""
    stale: int = 0
    avoided_usd: float = 0.0
    """What Bedrock would have been expected to cost for answers that the agent's own model, or a peer, gave."""
    avoided_unknown: int = 0
    """Such answers whose cost on Bedrock isn't known, or that Bedrock could not have been asked for."""

    def add(self, other: Sums) -> None:
        # Spelt out: with every call, and a loop over the fields takes five times as long. A test holds it to them.
        self.calls += other.calls
        self.usd += other.usd
        self.unknown += other.unknown
        self.failed_usd += other.failed_usd
        self.input_tokens += other.input_tokens
        self.output_tokens += other.output_tokens
        self.cache_read_tokens += other.cache_read_tokens
        self.cache_write_tokens += other.cache_write_tokens
        self.prompt_saved_usd += other.prompt_saved_usd
        self.saved_usd += other.saved_usd
        self.saved_unknown += other.saved_unknown
        self.stale += other.stale
        self.avoided_usd += other.avoided_usd
        self.avoided_unknown += other.avoided_unknown


_NAMES = frozenset(each.name for each in fields(Sums))


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What Sums are about."""

    day: str
    op_class: str
    route: str
    model: str
    sums: Sums


class Spending:
    """Adds up outcomes: at once in memory, and now and then in the store.

    A process that is killed loses the sums of its last seconds. Budgets don't: they are settled with each call.
    """

    def __init__(self, store: AnyStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._pending: dict[str, dict[str, Sums]] = {}
        self._adding = threading.Lock()

    def record(self, tenant: str, outcome: Outcome, would_cost: float | None = None) -> None:
        """Count an outcome: each attempt where it was made, an answer from the cache where it saved. Never waits.

        `would_cost`: USD that one answer from Bedrock may be expected to cost; None when that isn't known.
        """
        found: dict[str, Sums] = {}
        op_class = outcome.operation.op_class.value
        for attempt in outcome.attempts:
            sums = Sums(calls=1, usd=attempt.usd or 0.0, unknown=int(attempt.usd is None))
            if attempt.failure is not None:
                sums.failed_usd = sums.usd
            if attempt.usage is not None and not attempt.usage.estimated:
                sums.input_tokens = attempt.usage.input_tokens
                sums.output_tokens = attempt.usage.output_tokens
                sums.cache_read_tokens = attempt.usage.cache_read_tokens
                sums.cache_write_tokens = attempt.usage.cache_write_tokens
                if sums.cache_read_tokens or sums.cache_write_tokens:
                    price = price_of(attempt.model)
                    sums.prompt_saved_usd = (price.saved(attempt.usage) if price else None) or 0.0
            handed = attempt.carrier is Carrier.HANDOFF
            if attempt.route is RouteName.MCP and attempt.failure is None:
                sums.avoided_usd, sums.avoided_unknown = would_cost or 0.0, int(would_cost is None)
            _into(found, _name(op_class, attempt.route.value, HANDED_OVER if handed else attempt.model), sums)
        if outcome.cached is not None and outcome.reply is not None:
            saved = outcome.cached.saved_usd
            sums = Sums(
                calls=1, saved_usd=saved or 0.0, saved_unknown=int(saved is None), stale=int(outcome.cached.stale)
            )
            _into(found, _name(op_class, NOWHERE, outcome.reply.model), sums)
        if not found:
            return
        key = _key(tenant, datetime.fromtimestamp(self._clock.wall(), UTC).date())
        with self._adding:
            pending = self._pending.setdefault(key, {})
            for name, sums in found.items():
                _into(pending, name, sums)

    def flush(self) -> None:
        """Add what is pending to the store; blocks. What can't be written stays pending."""
        with self._adding:
            pending, self._pending = self._pending, {}
        if not pending:
            return
        try:
            with self._store.locked() as table:
                for key, found in pending.items():
                    kept = _read(table.get(key))
                    for name, sums in found.items():
                        _into(kept, name, sums)
                    table.set(key, json.dumps({name: _plain(each) for name, each in kept.items()}).encode())
        except BaseException:
            with self._adding:
                for key, found in pending.items():
                    for name, sums in found.items():
                        _into(self._pending.setdefault(key, {}), name, sums)
            raise

    def lines(self, tenant: str, first: date, last: date) -> list[Line]:
        """Everything of these days, both included; blocks.

        Raises:
            OSError, sqlite3.Error, ValueError: the store can't be used just now. Read as answers are, where what can't
                be read is a miss, it would say that nothing was spent.
        """
        self.flush()
        found: list[Line] = []
        with self._store.locked() as table:
            for number in range((last - first).days + 1):
                day = first + timedelta(days=number)
                for name, sums in _read(table.get(_key(tenant, day))).items():
                    op_class, route, model = json.loads(name)
                    found.append(Line(day=day.isoformat(), op_class=op_class, route=route, model=model, sums=sums))
        return found


def total(lines: Iterable[Line]) -> Sums:
    """All of them together."""
    found = Sums()
    for each in lines:
        found.add(each.sums)
    return found


def direct(lines: Iterable[Line]) -> list[Line]:
    """Those that AWS bills."""
    return [each for each in lines if each.route == RouteName.DIRECT.value]


@lru_cache(maxsize=64)
def _key(tenant: str, day: date) -> str:
    return json.dumps(["spent", tenant, day.isoformat()])


@lru_cache(maxsize=256)
def _name(op_class: str, route: str, model: str) -> str:
    return json.dumps([op_class, route, model])


def _into(found: dict[str, Sums], name: str, sums: Sums) -> None:
    if (known := found.get(name)) is None:
        known = found[name] = Sums()
    known.add(sums)


def _plain(sums: Sums) -> dict[str, Any]:
    return {each.name: getattr(sums, each.name) for each in fields(sums) if getattr(sums, each.name)}


def _read(raw: bytes | None) -> dict[str, Sums]:
    if raw is None:
        return {}
    found: dict[str, dict[str, Any]] = json.loads(raw)
    # A newer version beside this one may have sums of its own there.
    return {name: Sums(**{key: each[key] for key in _NAMES & each.keys()}) for name, each in found.items()}
