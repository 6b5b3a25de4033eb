"""FlagKeeper: the five flags and the emergency stops as one frozen snapshot, kept up to date while the server runs.

The environment says what holds at first, the flags file comes before it, a foreign OpenFeature provider before both.
docs/flags.md says what each flag means.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import anyio

from bedrock_support.routing.model import Flags, Scope
from bedrock_support.server.flag_file import VARIABLE, FlagFile, FlagFileError, Overrides, parsed
from bedrock_support.server.settings import FLAG_NAMES, SettingsError

if TYPE_CHECKING:
    from bedrock_support.server.flag_provider import Evaluator, FileProvider

log = logging.getLogger(__name__)

LOOK_EVERY = 0.25
"""Seconds between two looks: a change is seen within one second, a slow disk and a busy loop included."""
SLOW = 5.0
"""Seconds after which a look that hasn't ended is told as trouble."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagSnapshot:
    """All that is switched, as of one moment. A call takes one and keeps it to its end."""

    flags: Flags = field(default_factory=Flags)
    """As set; a stop doesn't show in them."""
    stops: Mapping[Scope, str] = field(default_factory=dict[Scope, str])
    """Emergency stops in force, each with its reason."""
    revision: str = ""
    """Of the flags file that it comes from; see Overrides."""

    @property
    def effective(self) -> Flags:
        """The flags that hold for a call, stops included."""
        held = Scope.SUPPORT_MODE in self.stops or Scope.ALL in self.stops
        return replace(
            self.flags,
            support_mode=self.flags.support_mode and not held,
            optimization=self.flags.optimization and Scope.OPTIMIZER not in self.stops,
        )

    def named(self) -> dict[str, bool]:
        """The flags by the names ENABLE_..."""
        return {name: getattr(self.flags, attribute) for attribute, name in FLAG_NAMES.items()}

    def changes(self, before: FlagSnapshot) -> dict[str, str]:
        """What is different from `before`, in words for people and records: name -> new value."""
        old = before.named()
        told = {name: "on" if on else "off" for name, on in self.named().items() if on != old[name]}
        for scope in Scope:
            if before.stops.get(scope) != self.stops.get(scope):
                told[f"STOP {scope}"] = f"stopped: {self.stops[scope]}" if scope in self.stops else "resumed"
        return told


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What one look in a thread found."""

    told: Overrides
    flags: Mapping[str, bool]
    data: bytes | None
    trouble: Mapping[str, str]
