"""The state folder of a rollout: what shall be (the fleet file), what is (the front's file), flags, configuration."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from bedrock_support.server.durable import replace_file
from bedrock_support.server.environment import SettingsError
from bedrock_support.server.settings import without_effect

PRIVATE_FOLDER = 0o700
WHOLE = 100
"""Sum of all weights."""
BLUE, GREEN = "blue", "green"
_SECRET = re.compile(r"KEY|SECRET|TOKEN|PASSWORD|HEADERS", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One worker as it shall be. A new generation means a new process in the place of the old one."""

    name: str
    weight: int
    """Share of new sessions, in percent."""
    generation: str
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    """What is set over the front's own environment. Never a secret: this is written to a file."""
    isolated: bool = False
    """Without any access to Bedrock: the direct route is then not configured, whatever flags say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """All workers as they shall be, in one revision."""

    revision: int = 0
    live: str = BLUE
    workers: tuple[Wanted, ...] = ()

    def named(self, name: str) -> Wanted | None:
        return next((each for each in self.workers if each.name == name), None)

    def with_worker(self, worker: Wanted) -> Fleet:
        """With this one, in place of any of its name."""
        others = tuple(each for each in self.workers if each.name != worker.name)
        return replace(self, workers=(*others, worker))

    def without(self, name: str) -> Fleet:
        return replace(self, workers=tuple(each for each in self.workers if each.name != name))

    def weighted(self, weights: Mapping[str, int]) -> Fleet:
        """With these weights; workers that aren't named get none."""
        return replace(self, workers=tuple(replace(each, weight=weights.get(each.name, 0)) for each in self.workers))

    def as_table(self) -> dict[str, Any]:
        return {**asdict(self), "workers": [asdict(each) for each in self.workers]}

    @staticmethod
    def of(table: Mapping[str, Any]) -> Fleet:
        """Raises KeyError, TypeError or ValueError for what is no fleet."""
        workers = tuple(Wanted(**each) for each in table["workers"])
        return Fleet(revision=int(table["revision"]), live=str(table["live"]), workers=workers)


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutFiles:
    """The names inside the folder. Every method blocks: call them from a thread."""

    folder: Path

    @property
    def fleet(self) -> Path:
        return self.folder / "fleet.json"

    @property
    def good(self) -> Path:
        """The configuration and flags that were good last: what a full rollback restores."""
        return self.folder / "good.json"

    @property
    def front(self) -> Path:
        return self.folder / "front.json"

    @property
    def front_lock(self) -> Path:
        return self.folder / "front.lock"

    @property
    def flags(self) -> Path:
        return self.folder / "flags.json"

    @property
    def evidence(self) -> Path:
        return self.folder / "evidence.sqlite"

    @property
    def lock(self) -> Path:
        return self.folder / "rollout.lock"

    @property
    def pids(self) -> Path:
        """Processes that a front started, so that the next one can end what a killed one left."""
        return self.folder / "workers.json"

    def prepare(self) -> None:
        """Make the folder, its owner's alone. Raises SettingsError."""
        try:
            self.folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(f"--state = {str(self.folder)!r}: {error.strerror}. Name a folder of yours") from error

    def expected(self) -> None:
        """Raises SettingsError where there is no such folder: a name that is spelt wrongly must not become one."""
        if not self.folder.is_dir():
            problem = "no such folder. Name the one that the front was started with (front --state DIR)"
            raise SettingsError(f"--state = {str(self.folder)!r}: {problem}")

    def read_fleet(self) -> Fleet:
        """What shall be; an empty fleet where nothing is written. Raises SettingsError."""
        table = read_json(self.fleet)
        try:
            return Fleet() if table is None else Fleet.of(table)
        except (KeyError, TypeError, ValueError) as error:
            raise SettingsError(f"{self.fleet.name}: not a fleet ({error}). Restore it or remove it") from None

    def write_fleet(self, fleet: Fleet, *, above: int | None = None) -> Fleet:
        """Put a fleet in force under the next revision; what was written. Raises OSError, SettingsError.

        `above`: a revision to be higher than; the file then need not be readable.
        """
        last = self.read_fleet().revision if above is None else above
        written = replace(fleet, revision=last + 1)
        write_json(self.fleet, written.as_table())
        return written


def checked_env(pairs: Mapping[str, str]) -> dict[str, str]:
    """The variables of a new configuration. Raises SettingsError for one that may hold a secret or sets nothing."""
    if wrong := without_effect(pairs):
        raise SettingsError(f"--set {wrong[0]}")
    for name in pairs:
        if _SECRET.search(name):
            raise SettingsError(
                f"--set {name}: its value would stand in a file. Put secrets into the front's environment"
            )
    return dict(pairs)


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a file; None where there is no file. Raises SettingsError for what is no object."""
    try:
        told: Any = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path.name}: can't be read ({error})") from error
    if not isinstance(told, dict):
        raise SettingsError(f"{path.name}: not an object")
    return told  # pyright: ignore[reportUnknownVariableType] - JSON objects have string keys


def write_json(path: Path, table: Mapping[str, object]) -> None:
    """Replace a file by an object. Raises OSError; the old file then stands."""
    replace_file(path, (json.dumps(table, indent=2, sort_keys=True) + "\n").encode())
