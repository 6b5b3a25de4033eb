"""The flags file: what it may say, how it is read, and how it is changed so that no change is lost."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import tomllib
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from bedrock_support.routing.clock import Clock
from bedrock_support.routing.model import Scope
from bedrock_support.server.durable import PRIVATE, replace_file
from bedrock_support.server.environment import PREFIX
from bedrock_support.server.settings import FLAG_NAMES
from bedrock_support.tools.base import InputError

VARIABLE = f"{PREFIX}FLAGS"
STOP = "STOP"
MOST_BYTES = 64 * 1024
MOST_REASON = 500
"""Characters."""
LOCK_SECONDS = 5.0
"""How long a writer waits for another; each holds the lock for milliseconds."""
NAMES = frozenset(FLAG_NAMES.values())


class FlagFileError(ValueError):
    """The file can't be read, or says what it may not. The message says what, without the file's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """What one version of the file says. Flags that it leaves out keep the environment's value."""

    flags: Mapping[str, bool] = field(default_factory=dict[str, bool])
    """By the names ENABLE_..."""
    stops: Mapping[Scope, str] = field(default_factory=dict[Scope, str])
    """Emergency stops, each with its reason."""
    revision: str = ""
    """The file's SHA-256, its first 12 digits: equal in two processes that read the same. Empty without a file."""


def parsed(data: bytes, *, toml: bool = False) -> Overrides:
    """What the file's bytes say. Raises FlagFileError."""
    if len(data) > MOST_BYTES:
        raise FlagFileError(f"larger than {MOST_BYTES} bytes")
    try:
        told: Any = tomllib.loads(data.decode()) if toml else json.loads(data, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise FlagFileError(f"not {'TOML' if toml else 'JSON'}: {error}") from None
    if not isinstance(told, dict):
        raise FlagFileError('not an object such as {"ENABLE_INTELLIGENT_ROUTING": false}')
    table = cast("dict[str, Any]", told)
    stops = _stops(table.pop(STOP, []))
    for name, value in table.items():
        if name not in NAMES:
            raise FlagFileError(f"{name!r} is no flag; there are {', '.join(sorted(NAMES))} and {STOP}")
        if not isinstance(value, bool):
            raise FlagFileError(f"{name} must be true or false, not {value!r:.60}")
    return Overrides(
        flags=MappingProxyType(table),
        stops=MappingProxyType(stops),
        revision=hashlib.sha256(data).hexdigest()[:12],
    )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names stand once each: of two values for one flag, nobody knows which was meant."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise FlagFileError("a name stands in it twice")
    return found


def _stops(told: Any) -> dict[Scope, str]:
    if not isinstance(told, list):
        raise FlagFileError(f'{STOP} must be a list such as [{{"scope": "direct", "reason": "..."}}]')
    stops: dict[Scope, str] = {}
    for each in cast("list[Any]", told):
        entry = cast("dict[str, Any]", each if isinstance(each, dict) else {"scope": each})
        if not {"scope"} <= entry.keys() <= {"scope", "reason"}:
            raise FlagFileError(f'{STOP} holds {each!r:.60}; write {{"scope": "direct", "reason": "..."}}')
        try:
            stops[Scope(entry["scope"])] = _plain(str(entry.get("reason", "")))
        except ValueError:
            known = ", ".join(Scope)
            raise FlagFileError(f"{STOP} names the scope {entry['scope']!r:.60}; there are {known}") from None
    return stops


def worded(overrides: Overrides, *, toml: bool = False) -> bytes:
    """The file's bytes for what it is to say."""
    stops = [{"scope": scope.value, "reason": why} for scope, why in overrides.stops.items()]
    if not toml:
        table: dict[str, object] = {**overrides.flags, **({STOP: stops} if stops else {})}
        return (json.dumps(table, indent=2, ensure_ascii=False) + "\n").encode()
    lines = [f"{name} = {str(value).lower()}" for name, value in overrides.flags.items()]
    for each in stops:
        lines += [f"[[{STOP}]]", *(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in each.items())]
    return ("\n".join(lines) + "\n").encode()


def _plain(reason: str) -> str:
    """On one line and short: it is shown to whoever is turned away."""
    return "".join(char if char.isprintable() else " " for char in reason[:MOST_REASON]).strip()


class FlagFile:
    """The file itself. Every method blocks: call them from a thread, or from a command."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path.expanduser()
        self.toml = self.path.suffix == ".toml"
        self._clock = clock

    def bytes(self) -> bytes:
        """All that stands in it, up to a little more than is allowed. Raises OSError."""
        # Not to wait for ever where somebody put a pipe.
        handle = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with open(handle, "rb") as file:
            return file.read(MOST_BYTES + 1)

    def read(self) -> Overrides:
        """What it says; nothing where there is none. Raises FlagFileError."""
        try:
            return parsed(self.bytes(), toml=self.toml)
        except FileNotFoundError:
            return Overrides()
        except OSError as error:
            raise FlagFileError(error.strerror or str(error)) from None

    def write(self, changes: Mapping[str, bool]) -> Overrides:
        """Set flags by their names ENABLE_...; what else stands in the file stays. What was read back.

        Raises:
            InputError: a name is unknown, or the file can't be read or written; it is then as it was.
        """
        for name in changes.keys() - NAMES:
            raise InputError("flag", name, "no such flag", f"There are {', '.join(sorted(NAMES))}")
        return self._change(lambda old: Overrides(flags={**old.flags, **changes}, stops=old.stops))

    def replace(self, flags: Mapping[str, bool]) -> Overrides:
        """Let the file name these flags and no others, whatever stood in it; stops stay, if they can be read.

        Raises:
            InputError: the file can't be written; it is then as it was.
        """

        def replaced() -> Overrides:
            try:
                return Overrides(flags=flags, stops=self.read().stops)
            except FlagFileError:
                return Overrides(flags=flags)

        return self._set(replaced)

    def stop(self, scope: Scope, reason: str) -> Overrides:
        """Put an emergency stop in force. Raises InputError as write does."""
        return self._change(lambda old: Overrides(flags=old.flags, stops={**old.stops, scope: _plain(reason)}))

    def resume(self, scope: Scope) -> Overrides:
        """Lift an emergency stop; that of ALL lifts only itself. Raises InputError as write does, or if it isn't."""

        def lifted(old: Overrides) -> Overrides:
            if scope not in old.stops:
                now = ", ".join(old.stops) or "nothing"
                raise InputError("scope", scope.value, "is not stopped", f"Stopped is {now}")
            return Overrides(flags=old.flags, stops={each: why for each, why in old.stops.items() if each != scope})

        return self._change(lifted)

    def _change(self, change: Callable[[Overrides], Overrides]) -> Overrides:
        return self._set(lambda: change(self.read()))

    def _set(self, made: Callable[[], Overrides]) -> Overrides:
        """Write what is made under the lock, and read it back."""
        try:
            # A link stays one: what it points to now is replaced.
            target = self.path.resolve()
            with self._locked(target):
                wanted = worded(made(), toml=self.toml)
                expected = parsed(wanted, toml=self.toml)  # before anything is replaced
                replace_file(target, wanted)
                found = self.read()
        except FlagFileError as error:
            raise InputError(VARIABLE, str(self.path), str(error), "Mend the file by hand first") from None
        except OSError as error:
            problem = f"can't be written ({error.strerror or error}); it is as it was"
            raise InputError(VARIABLE, str(self.path), problem, "Make its folder writable, or name another") from None
        if found != expected:
            problem = "does not say what was written: something else writes it without the lock"
            raise InputError(VARIABLE, str(self.path), problem, "End the other writer and set it again")
        return found

    @contextmanager
    def _locked(self, target: Path) -> Generator[None]:
        """One writer at a time; the lock ends with the process that holds it. Raises OSError, InputError."""
        import fcntl

        handle = os.open(target.with_name(f".{target.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
        pause = threading.Event()
        deadline = self._clock.now() + LOCK_SECONDS
        try:
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if self._clock.now() > deadline:
                        problem = f"another writer has held it for {LOCK_SECONDS:.0f} s"
                        raise InputError(VARIABLE, str(self.path), problem, "End that process and try again") from None
                    pause.wait(0.01)
            yield
        finally:
            os.close(handle)
