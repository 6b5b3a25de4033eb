"""Assembly of the optimizer: its stores, its budgets and the version that its answers belong to."""

from __future__ import annotations

import logging
import math
import sqlite3
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, cast

import anyio

from bedrock_support.routing.bedrock.settings import BedrockSettings
from bedrock_support.routing.clock import Clock, Entropy
from bedrock_support.routing.dispatch import MOST_ATTEMPTS
from bedrock_support.routing.length import MARGIN, text_tokens
from bedrock_support.routing.matrix import Matrix
from bedrock_support.routing.model import Decision, Usage
from bedrock_support.routing.optimizer import PerformanceOptimizer
from bedrock_support.routing.optimizing.answers import Answers
from bedrock_support.routing.optimizing.budget import Budget, Budgets
from bedrock_support.routing.optimizing.flight import Flights
from bedrock_support.routing.optimizing.memory import MemoryStore
from bedrock_support.routing.optimizing.port import AnyStore
from bedrock_support.routing.optimizing.spending import Spending
from bedrock_support.routing.optimizing.writer import BoundedWriter
from bedrock_support.routing.prices import expected_usage, price_of
from bedrock_support.server.environment import SettingsError
from bedrock_support.server.settings import READS, Settings

THREADS = 4
FLUSH_EVERY = 2.0
"""Seconds between two writes of what was spent."""
log = logging.getLogger(__name__)
_ROW = 'Write rows such as [[budget]] usd = 50.0, period = "month"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Thrift:
    """The optimizer and what it holds open."""

    optimizer: PerformanceOptimizer
    spending: Spending
    budgets: Budgets | None
    stores: tuple[AnyStore, ...]

    async def run(self) -> None:
        """Write what was spent to the store, now and then. Runs until cancelled."""
        while True:
            await anyio.sleep(FLUSH_EVERY)
            await self._flush()

    async def _flush(self) -> None:
        try:
            await anyio.to_thread.run_sync(self.spending.flush)
        except (OSError, sqlite3.Error, ValueError) as fault:
            log.warning("what was spent can't be written: %s", type(fault).__name__)

    async def aclose(self) -> None:
        """Write the last sums and close the stores."""
        await self._flush()
        for each in self.stores:
            await anyio.to_thread.run_sync(each.close)


def thrift(
    settings: Settings, bedrock: BedrockSettings, matrix: Matrix, clock: Clock, entropy: Entropy, version: str
) -> Thrift:
    """Wire the optimizer. Opens nothing yet.

    Raises:
        SettingsError: the budgets can't be read, or there is no store to keep them in.
    """
    folder = settings.store.expanduser() if settings.store else None
    answers, money = _stores(folder, clock)
    rows = _budgets(settings.budgets_file, folder) if settings.budgets_file else ()
    budgets = Budgets(money, rows, clock) if rows else None
    spending = Spending(money, clock)
    threads = anyio.CapacityLimiter(THREADS)
    # An answer of another model, Region or endpoint, or to another version's prompts, isn't an answer to this.
    guardrail = bedrock.guardrail.name if bedrock.guardrail else ""
    about = "|".join((version, bedrock.region, bedrock.endpoint_url or "", guardrail, *sorted(bedrock.models.values())))
    return Thrift(
        optimizer=PerformanceOptimizer(
            answers=Answers(answers, clock),
            flights=Flights(answers, entropy.token(), threads),
            budgets=budgets,
            spending=spending,
            matrix=matrix,
            clock=clock,
            worst_usd=_worst(bedrock),
            would_cost=_likely(bedrock),
            threads=threads,
            version=about,
            tenant=settings.tenant,
        ),
        spending=spending,
        budgets=budgets,
        stores=(answers, money),
    )


def _stores(folder: Path | None, clock: Clock) -> tuple[AnyStore, AnyStore]:
    """One for answers, where the oldest give way, and one for money, where nothing does."""
    if folder is None:
        return MemoryStore(clock), MemoryStore(clock)
    from bedrock_support.routing.optimizing.store import Store  # with diskcache, which most starts do without

    return BoundedWriter(Store(folder / "answers")), Store(folder / "money", most_bytes=None)


def _worst(bedrock: BedrockSettings) -> Callable[[Decision], float | None]:
    def worst(decision: Decision) -> float | None:
        asked = decision.operation
        price = price_of(bedrock.models[asked.model_role])
        tokens = math.ceil(MARGIN * (text_tokens(asked.system) + text_tokens(asked.brief)))
        usage = Usage(input_tokens=tokens, output_tokens=asked.max_tokens, estimated=True)
        most = price.usd(usage) if price is not None else None
        return None if most is None else MOST_ATTEMPTS * most

    return worst


def _likely(bedrock: BedrockSettings) -> Callable[[Decision], float | None]:
    def likely(decision: Decision) -> float | None:
        price = price_of(bedrock.models[decision.operation.model_role])
        return price.usd(expected_usage(decision.operation)) if price is not None else None

    return likely


def _budget(row: object) -> Budget:
    """Raises ValueError and TypeError, in words of the file and not of the code."""
    if not isinstance(row, dict):
        raise TypeError(f"a budget is {row!r}; give a table")
    table = cast("dict[str, Any]", row)
    if unknown := sorted(table.keys() - {each.name for each in fields(Budget)}):
        raise ValueError(f"a budget has no {unknown[0]!r}")
    usd = table.get("usd")
    if not isinstance(usd, int | float) or isinstance(usd, bool):
        raise TypeError(f"usd is {usd!r}; give dollars above 0")
    return Budget(**table)


def _budgets(path: Path, store: Path | None) -> tuple[Budget, ...]:
    name = READS["budgets_file"]
    if store is None:
        raise SettingsError(f"{name} = {str(path)!r}: budgets need a store. Set {READS['store']} to a folder")
    try:
        rows = tomllib.loads(path.expanduser().read_text(encoding="utf-8"))["budget"]
        listed = cast("list[object]", rows if isinstance(rows, list) else [rows])
        return tuple(_budget(row) for row in listed)
    except KeyError:
        raise SettingsError(f"{name} = {str(path)!r}: no [[budget]] in it. {_ROW}") from None
    except OSError as error:
        raise SettingsError(f"{name} = {str(path)!r}: {error.strerror}. Give a readable TOML file") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise SettingsError(f"{name} = {str(path)!r}: {error}. {_ROW}") from error
