"""Budgets: money is set aside before a call and settled after it, so that no race of processes spends too much."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypedDict

from bedrock_support.routing.clock import Clock
from bedrock_support.routing.model import OperationClass
from bedrock_support.routing.optimizing.port import AnyStore, Table

MICRO = 1_000_000
"""Amounts are kept in millionths of a dollar: sums of whole numbers have no rest."""
HOLD_SECONDS = 300.0
"""After so long a sum that was set aside and never settled counts as spent: its process has died."""
CHEAPER, MCP_FIRST, URGENT_ONLY = 0.75, 0.90, 0.95
"""Shares of a budget from which on: the cheaper model, the MCP route first, only what is urgent on the direct route."""
URGENT = frozenset({OperationClass.EMERGENCY, OperationClass.INFRASTRUCTURE})


class Period(StrEnum):
    """What a budget is for, in UTC."""

    DAY = "day"
    MONTH = "month"


class Step(StrEnum):
    """How far the tightest budget is used up."""

    NONE = "within budget"
    CHEAPER = "75 % spent"
    MCP_FIRST = "90 % spent"
    URGENT_ONLY = "95 % spent"
    SPENT = "spent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """So many USD for a period, of a tenant and a class or of all."""

    usd: float
    period: Period = Period.MONTH
    tenant: str = ""
    """Empty for each tenant on its own account."""
    op_class: str = ""
    """Empty for all classes together."""
    reserve: float = 0.1
    """Share on top that emergencies alone may use."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.usd) and self.usd > 0):
            raise ValueError(f"usd is {self.usd}; give dollars above 0")
        object.__setattr__(self, "period", Period(self.period))
        if not 0 <= self.reserve <= 1:
            raise ValueError(f"reserve is {self.reserve}; give a share from 0 to 1")
        if self.op_class and self.op_class not in {each.value for each in OperationClass}:
            known = ", ".join(OperationClass)
            raise ValueError(f"op_class is {self.op_class!r}; give one of {known}, or leave it out")

    def meets(self, tenant: str, op_class: OperationClass) -> bool:
        return self.tenant in ("", tenant) and self.op_class in ("", op_class.value)


@dataclass(frozen=True, slots=True)
class Hold:
    """Money set aside for one call."""

    id: str
    keys: tuple[str, ...]
    micro: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What is known of one budget now, in USD."""

    budget: Budget
    spent: float
    held: float
    period: str


class _Entry(TypedDict):
    spent: int
    held: dict[str, tuple[int, float]]


def _total(entry: _Entry) -> int:
    return entry["spent"] + sum(int(micro) for micro, _ in entry["held"].values())


def _read(raw: bytes) -> _Entry:
    found: _Entry = json.loads(raw)
    return found


class Budgets:
    """Reserves and settles against every budget that an operation meets. Blocks: use it off the event loop.

    Amounts live in the store under one key per budget and period: {"spent": n, "held": {id: [n, since]}}.
    """

    def __init__(self, store: AnyStore, budgets: Sequence[Budget], clock: Clock) -> None:
        self._store = store
        self._budgets = tuple(budgets)
        self._clock = clock

    def step(self, tenant: str, op_class: OperationClass) -> Step:
        """How far the tightest budget of this operation is used up."""
        accounts = [each for each in self.accounts(tenant) if each.budget.meets(tenant, op_class)]
        used = max(((each.spent + each.held) / each.budget.usd for each in accounts), default=0.0)
        steps = (
            (1.0, Step.SPENT),
            (URGENT_ONLY, Step.URGENT_ONLY),
            (MCP_FIRST, Step.MCP_FIRST),
            (CHEAPER, Step.CHEAPER),
        )
        return next((step for share, step in steps if used >= share), Step.NONE)

    def reserve(self, call_id: str, tenant: str, op_class: OperationClass, usd: float) -> Hold | None:
        """Set aside the most that the call may cost, in every budget that it meets, or in none: then None."""
        micro = math.ceil(usd * MICRO)
        met = {self._key(each, tenant): each for each in self._budgets if each.meets(tenant, op_class)}
        with self._store.locked() as table:
            held = {key: self._entry(table, key) for key in met}
            for key, budget in met.items():
                may = budget.usd * (1.0 + (budget.reserve if op_class is OperationClass.EMERGENCY else 0.0))
                if _total(held[key]) + micro > math.floor(may * MICRO):
                    return None
            # The same call sent again is another sum: one must not take the other's place.
            again = sum(call_id in entry["held"] for entry in held.values())
            while again and any(f"{call_id}#{again}" in entry["held"] for entry in held.values()):
                again += 1
            call_id = f"{call_id}#{again}" if again else call_id
            for key, entry in held.items():
                entry["held"][call_id] = (micro, self._clock.wall())
                self._put(table, key, entry)
        return Hold(call_id, tuple(met), micro)

    def settle(self, hold: Hold, usd: float | None) -> None:
        """Count what the call cost. None, which is unknown, counts all that was set aside."""
        micro = hold.micro if usd is None else math.ceil(usd * MICRO)
        with self._store.locked() as table:
            for key in hold.keys:
                entry = self._entry(table, key)
                entry["held"].pop(hold.id, None)
                entry["spent"] += micro
                self._put(table, key, entry)

    def accounts(self, tenant: str) -> list[Account]:
        """Every budget of the tenant with what was spent."""
        found: list[Account] = []
        with self._store.locked() as table:
            for budget in self._budgets:
                if budget.tenant in ("", tenant):
                    entry = self._entry(table, self._key(budget, tenant))
                    held = _total(entry) - entry["spent"]
                    found.append(
                        Account(
                            budget=budget, spent=entry["spent"] / MICRO, held=held / MICRO, period=self._now(budget)
                        )
                    )
        return found

    def _now(self, budget: Budget) -> str:
        day = datetime.fromtimestamp(self._clock.wall(), UTC)
        return day.strftime("%Y-%m-%d" if budget.period is Period.DAY else "%Y-%m")

    def _key(self, budget: Budget, tenant: str) -> str:
        return json.dumps(["budget", budget.period, self._now(budget), tenant, budget.tenant, budget.op_class])

    def _entry(self, table: Table, key: str) -> _Entry:
        raw = table.get(key)
        entry = _Entry(spent=0, held={}) if raw is None else _read(raw)
        since = self._clock.wall() - HOLD_SECONDS
        # A process that died in a call may have spent what it had set aside: that is counted, not forgotten.
        for call_id, (micro, at) in list(entry["held"].items()):
            if at < since:
                del entry["held"][call_id]
                entry["spent"] += int(micro)
        return entry

    def _put(self, table: Table, key: str, entry: _Entry) -> None:
        table.set(key, json.dumps(entry).encode())
