"""FlagKeeper: the five flags and the emergency stops as one frozen snapshot, kept up to date while the server runs.

The environment says what holds at first, the flags file comes before it, a foreign OpenFeature provider before both.
docs/flags.md says what each flag means.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import anyio
from anyio import to_thread

from bedrock_support.routing.clock import Clock
from bedrock_support.routing.model import Flags, Scope
from bedrock_support.server.environment import SettingsError
from bedrock_support.server.flag_file import VARIABLE, FlagFile, FlagFileError, Overrides, parsed
from bedrock_support.server.settings import FLAG_NAMES

if TYPE_CHECKING:
    from bedrock_support.server.flag_provider import Evaluator, FileProvider

log = logging.getLogger(__name__)

LOOK_EVERY = 0.25
"""Seconds between two looks: a change is seen within one second, a slow disk and a busy loop included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagSnapshot:
    """All that is switched, as of one moment. A call takes one and keeps it to its end."""

    flags: Flags = field(default_factory=Flags)
    """As set; a stop doesn't show in them."""
    stops: Mapping[Scope, str] = field(default_factory=dict[Scope, str])
    """Emergency stops in force, each with its reason."""
    revision: str = ""
    """Of the flags file that it comes from; see Overrides."""

    effective: Flags = field(init=False, compare=False)
    """The flags that hold for a call, stops included."""

    def __post_init__(self) -> None:
        held = Scope.SUPPORT_MODE in self.stops or Scope.ALL in self.stops
        optimization = self.flags.optimization and Scope.OPTIMIZER not in self.stops
        flags = replace(self.flags, support_mode=self.flags.support_mode and not held, optimization=optimization)
        object.__setattr__(self, "effective", flags)

    def named(self) -> dict[str, bool]:
        """The flags by the names ENABLE_..."""
        return {name: getattr(self.flags, attribute) for attribute, name in FLAG_NAMES.items()}

    def changes(self, before: FlagSnapshot) -> dict[str, str]:
        """What is different from `before`, in words for people and records: name -> new value."""
        old = before.named()
        told = {name: "on" if on else "off" for name, on in self.named().items() if on != old[name]}
        for scope in Scope:
            if before.stops.get(scope) != self.stops.get(scope):
                told[f"STOP.{scope}"] = f"stopped: {self.stops[scope]}" if scope in self.stops else "resumed"
        return told


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What one look found, kept together so that flags and stops are always of one version of the file."""

    told: Overrides
    values: Mapping[str, bool]


class FlagKeeper:
    """Holds the newest snapshot; calling it gives that. For one event loop, or for a command without any."""

    def __init__(
        self, environment: Mapping[str, bool], clock: Clock, *, file: FlagFile | None, provider: str | None, domain: str
    ) -> None:
        """Reads the file once. `environment`: by attribute of Flags; `domain`: a name no other keeper has.

        Raises:
            SettingsError: the file can't be used, or there is no such provider.
        """
        base = Flags(**environment)
        self._defaults = {name: bool(getattr(base, attribute)) for attribute, name in FLAG_NAMES.items()}
        self._clock = clock
        self._file = file
        self._data: bytes | None = None
        self._seen = _Seen(told=Overrides(), values=self._defaults)
        self._given: Mapping[str, bool] | None = None
        self._held: Mapping[Scope, str] = {}
        self._trouble: dict[str, str] = {}
        self._looked = clock.now()
        self._following = False
        self._ours: tuple[FileProvider, Evaluator] | None = None
        self._foreign: Evaluator | None = None
        if file is not None or provider is not None:
            from bedrock_support.server.flag_provider import Evaluator, FileProvider, foreign  # for whom it's set

            ours = FileProvider()
            self._ours = ours, Evaluator(ours, domain)
            if provider is not None:
                self._foreign = Evaluator(foreign(provider), f"{domain}-foreign")
                self._trouble["provider"] = "it has not answered yet"
        self._look_at_file()
        if problem := self._trouble.get("file"):
            self.close()
            raise SettingsError(f"{VARIABLE} = {str(file.path if file else '')!r}: {problem}")
        self._snapshot = self._made()

    def __call__(self) -> FlagSnapshot:
        return self._snapshot

    @property
    def watching(self) -> bool:
        """Whether anything can change at all."""
        return self._file is not None or self._foreign is not None

    def report(self) -> dict[str, object]:
        """Where the flags come from, for health: revision, trouble, seconds since the file was last looked at."""
        watched = self._file is not None
        return {
            "file": watched,
            "revision": self._snapshot.revision,
            "looked_seconds_ago": round(self._clock.now() - self._looked, 1) if watched else None,
            "trouble": self.trouble,
        }

    @property
    def trouble(self) -> dict[str, str]:
        """What is wrong with the file or the provider, in words; empty when all is well."""
        return {what: f"{why}; what held before still holds" for what, why in self._trouble.items()}

    @property
    def by_hand(self) -> Mapping[Scope, str]:
        """The stops that the file names."""
        return self._seen.told.stops

    def hold(self, stops: Mapping[Scope, str]) -> tuple[FlagSnapshot, FlagSnapshot]:
        """Stops that no hand made, in place of those given before; the snapshots before and after. What the file says
        of a scope comes first."""
        self._held = stops
        before, self._snapshot = self._snapshot, self._made()
        return before, self._snapshot

    def settle(self, patience: float = 5.0) -> FlagSnapshot:
        """The snapshot after a foreign provider had so many seconds for its first answer. Blocks: for commands."""
        until, pause = self._clock.now() + patience, threading.Event()
        while self.refresh() and self._foreign is not None and "provider" in self._trouble:
            if self._clock.now() >= until:
                break
            pause.wait(0.05)
        return self._snapshot

    def refresh(self) -> FlagSnapshot:
        """Look at everything now. Blocks: for commands."""
        self._look_at_file()
        self._ask_provider()
        self._snapshot = self._made()
        return self._snapshot

    async def run(self, changed: Callable[[FlagSnapshot, FlagSnapshot], None]) -> None:
        """Follow file and provider; `changed` is told of the old and the new snapshot. Runs until cancelled."""
        self._following = True
        async with anyio.create_task_group() as group:
            if self._file is not None:
                group.start_soon(self._follow, self._look_at_file, changed)
            if self._foreign is not None:
                # On its own: a provider that hangs must not keep a stop in the file from being seen.
                group.start_soon(self._follow, self._ask_provider, changed)

    def close(self) -> None:
        """Let go of the providers."""
        for each in (self._ours[1] if self._ours else None, self._foreign):
            if each is not None:
                each.close()

    async def _follow(self, look: Callable[[], None], changed: Callable[[FlagSnapshot, FlagSnapshot], None]) -> None:
        thread = anyio.CapacityLimiter(1)
        while True:
            await to_thread.run_sync(look, abandon_on_cancel=True, limiter=thread)
            before, self._snapshot = self._snapshot, self._made()
            if before != self._snapshot:
                changed(before, self._snapshot)
            await anyio.sleep(LOOK_EVERY)

    def _look_at_file(self) -> None:
        """In a thread. Reads it whole each time: times and sizes don't tell two quick changes apart."""
        if self._file is None or self._ours is None:
            return
        provider, evaluator = self._ours
        try:
            data = self._file.bytes()
            if data != self._data:
                told = parsed(data, toml=self._file.toml)
                provider.tell(told.flags)
                self._seen, self._data = _Seen(told=told, values=evaluator.all(self._defaults)), data
            self._note("file", "")
        except FileNotFoundError:
            # Before it was ever there it says nothing. Once it was, an unlink must not lift an emergency stop.
            self._note("file", "" if self._data is None else "the file is gone")
        except OSError as error:
            self._note("file", error.strerror or str(error))
        except FlagFileError as error:
            self._note("file", str(error))
        self._looked = self._clock.now()

    def _ask_provider(self) -> None:
        """In a thread."""
        if self._foreign is None:
            return
        from bedrock_support.server.flag_provider import ProviderTrouble

        try:
            self._given = self._foreign.all(self._seen.values)
            self._note("provider", "")
        except ProviderTrouble as error:
            self._note("provider", str(error))

    def _note(self, what: str, problem: str) -> None:
        if problem and self._following and self._trouble.get(what) != problem:
            log.warning("flags: %s: %s; what held before still holds", what, problem)
        if problem:
            self._trouble[what] = problem
        else:
            self._trouble.pop(what, None)

    def _made(self) -> FlagSnapshot:
        seen, given = self._seen, self._given
        values = seen.values if given is None else given
        flags = Flags(**{attribute: values[name] for attribute, name in FLAG_NAMES.items()})
        return FlagSnapshot(flags=flags, stops={**self._held, **seen.told.stops}, revision=seen.told.revision)
