"""Steps of a phase: side by side as far as they don't need each other, each on the disk before and after its act."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import anyio

from bedrock_support.routing.clock import Clock
from bedrock_support.server.rollout.checks import Check, Notes

HEED_EVERY = 0.25
"""Seconds between two looks whether somebody asked for the end."""


class Aborted(Exception):
    """Somebody asked for the rollout to end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One act with its checks."""

    name: str
    act: Callable[[], Awaitable[list[Check]]]
    after: tuple[str, ...] = ()
    """Names of the steps that must have gone well before."""


@dataclass(slots=True, kw_only=True)
class Steps:
    """Runs steps, phase by phase. The first that fails ends those beside it; none is begun after it."""

    notes: Notes
    clock: Clock
    heed: Callable[[], Awaitable[None]]
    """Raises Aborted when the work is to end."""
    tell: Callable[[str], None]
    known: tuple[type[BaseException], ...]
    """What an act may raise: the step has then failed. Anything else comes through as it is, in a group."""
    total: int
    """Steps of the whole rollout, for whoever watches."""
    done: int = 0
    _wrong: list[BaseException] = field(default_factory=list[BaseException])

    async def run(self, phase: str, steps: Sequence[Step]) -> list[Check]:
        """All checks of all steps that ended, in the order of `steps`.

        Raises:
            Aborted, or what a step's act raised of `known`; by then nothing is under way any more.
        """
        self._wrong.clear()
        gone: dict[str, anyio.Event] = {each.name: anyio.Event() for each in steps}
        found: dict[str, list[Check]] = {}
        async with anyio.create_task_group() as watch:
            watch.start_soon(self._heeded, watch.cancel_scope)
            async with anyio.create_task_group() as group:
                for step in steps:
                    group.start_soon(self._one, phase, step, gone, found, group.cancel_scope)
            watch.cancel_scope.cancel()
        if self._wrong:
            raise self._wrong[0]
        return [check for step in steps for check in found.get(step.name, [])]

    async def _heeded(self, scope: anyio.CancelScope) -> None:
        while True:
            await anyio.sleep(HEED_EVERY)
            try:
                await self.heed()
            except self.known as error:
                self._wrong.append(error)
                scope.cancel()

    async def _one(
        self,
        phase: str,
        step: Step,
        gone: dict[str, anyio.Event],
        found: dict[str, list[Check]],
        others: anyio.CancelScope,
    ) -> None:
        for name in step.after:
            await gone[name].wait()
        place = f"{phase}/{step.name}"
        try:
            await self.notes.move(place, "begun")
            began = self.clock.now()
            checks = [replace(each, value=_with_step(step.name, each)) for each in await step.act()]
            found[step.name] = checks
            ok = await self.notes.all(checks)
            failed = ", ".join(each.name for each in checks if not each.ok)
            await self.notes.move(place, "done" if ok else "failed", failed[:500])
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True):
                await self._quietly(place, "cancelled", "")
            raise
        except self.known as error:
            self._wrong.append(error)
            await self._quietly(place, "failed", worded(error))
            others.cancel()
            return
        took = f"{self.clock.now() - began:.1f} s"
        self.done += ok
        how = f"done in {took}" if ok else f"FAILED after {took}: {_problems(checks)}"
        self.tell(f"[{self.done}/{self.total}] {place}: {how}")
        for each in checks:
            if each.ok and each.value.get("problem"):
                self.tell(f"{place}: mind: {each.value['problem']}")
        if ok:
            gone[step.name].set()
        else:
            others.cancel()

    async def _quietly(self, place: str, state: str, note: str) -> None:
        """A record that can't be written must not hide why the step ended."""
        try:
            await self.notes.move(place, state, note[:500])
        except self.known as error:
            self.tell(f"the record can't be written: {error}")


def _with_step(name: str, check: Check) -> dict[str, Any]:
    return {"step": name, **check.value}


def _problems(checks: Sequence[Check]) -> str:
    said = (f"{each.name} {each.value.get('problem') or ''}".strip() for each in checks if not each.ok)
    return "; ".join(said) or "nothing was checked"


def worded(error: BaseException) -> str:
    """What went wrong, the innermost of it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return f"{type(error).__name__}: {error}"[:300]  # pyright: ignore[reportUnknownArgumentType]
