"""How a project runs its tests, as its own files say it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

MOST_CONFIG = 1_000_000
_SCRIPTS = (".js", ".ts", ".mjs", ".cjs", ".jsx", ".tsx")
_TARGET = re.compile(r"^(check|test)s?\s*:(?!=)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One way to run tests."""

    words: tuple[str, ...]
    """Without the tests."""
    endings: tuple[str, ...]
    """Kinds of files that it tests; empty for all."""
    takes_tests: bool
    """Test files may be named behind it."""

    def line(self, tests: Sequence[str] = ()) -> list[str]:
        """What is run, for all tests when none are named."""
        # A folder may be named like an option.
        named = [f"./{each}" if each.startswith("-") else each for each in tests]
        return [*self.words, *(named if self.takes_tests else ())]


def commands(root: Path) -> tuple[Command, ...]:
    """Ways to run the project's tests, the most exact first. Blocks: call off the loop."""
    found: list[Command] = []
    if _uses_pytest(root):
        found.append(Command(words=(_python(root), "-m", "pytest", "-q"), endings=(".py",), takes_tests=True))
    if manager := _manager(root):
        found.append(Command(words=(manager, "test"), endings=_SCRIPTS, takes_tests=False))
    if (root / "go.mod").is_file():
        found.append(Command(words=("go", "test", "./..."), endings=(".go",), takes_tests=False))
    if match := _TARGET.search(_text(root / "Makefile")):
        # test before check: check often means linters too.
        goal = "test" if re.search(r"^test\s*:(?!=)", _text(root / "Makefile"), re.MULTILINE) else match[1]
        found.append(Command(words=("make", goal), endings=(), takes_tests=False))
    return tuple(found)


def fitting(known: Sequence[Command], files: Sequence[str]) -> list[Command]:
    """Commands for the kinds of these files, else those for anything."""
    exact = [each for each in known if each.endings and any(file.endswith(each.endings) for file in files)]
    return exact or [each for each in known if not each.endings]


def _uses_pytest(root: Path) -> bool:
    if (root / "pytest.ini").is_file() or "pytest" in _text(root / "pyproject.toml"):
        return True
    if any("pytest" in _text(root / name) for name in ("tox.ini", "setup.cfg", "requirements-dev.txt")):
        return True
    return any(next((root / folder).glob("test_*.py"), None) is not None for folder in ("tests", "test", "."))


def _python(root: Path) -> str:
    """The project's own interpreter, by its place in the tree as it is now, else the machine's."""
    homes = (root / folder / "bin" / "python" for folder in (".venv", "venv"))
    return next((str(each) for each in homes if each.exists()), "python3")


def _manager(root: Path) -> str | None:
    try:
        loaded: Any = json.loads(_text(root / "package.json") or "null")
    except (ValueError, RecursionError):
        return None
    scripts: Any = cast("dict[str, Any]", loaded).get("scripts") if isinstance(loaded, dict) else None
    script: Any = cast("dict[str, Any]", scripts).get("test") if isinstance(scripts, dict) else None
    if not isinstance(script, str) or "no test specified" in script:
        return None
    locks = {"pnpm-lock.yaml": "pnpm", "yarn.lock": "yarn"}
    return next((name for lock, name in locks.items() if (root / lock).is_file()), "npm")


def _text(path: Path) -> str:
    try:
        if not path.is_file() or path.stat().st_size > MOST_CONFIG:
            return ""
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
