"""What the programs of the tree mention: names they read and metrics they emit."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from bedrock_support.tools.gaps.files import list_sources, read

MOST_BYTES = 30_000_000
"""Of all program texts; a larger tree is not searched, and that is said."""
_ENDINGS = frozenset(
    {
        *(".py", ".js", ".mjs", ".cjs", ".ts", ".tsx", ".jsx", ".go", ".java", ".kt", ".scala", ".rb", ".rs", ".cs"),
        *(".php", ".sh", ".bash", ".ex", ".exs", ".swift", ".c", ".h", ".cpp", ".ps1", ".toml", ".properties", ".lua"),
    }
)
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]{1,120}")


class Sources:
    """Texts of programs, to be asked for names."""

    def __init__(self, texts: list[str], notes: tuple[str, ...] = ()) -> None:
        self._texts = texts
        self._words: set[str] = set()
        for text in texts:
            self._words.update(_WORD.findall(text))
        self._small = {word.lower() for word in self._words}
        self.notes = notes

    @property
    def known(self) -> bool:
        """Whether there is any program to ask."""
        return bool(self._texts)

    def reads(self, name: str) -> bool:
        """Whether any program mentions the variable: by name, in small letters, or as a prefix and a field.

        Settings classes (pydantic, Spring, viper) join a prefix and a field's name.
        """
        if name in self._words or name.lower() in self._small or name.lower().replace("_", "") in self._small:
            return True
        parts = name.split("_")
        return any(
            ("_".join(parts[:cut]) + "_" in self._words or "_".join(parts[:cut]) in self._words)
            and "_".join(parts[cut:]).lower() in self._small
            for cut in range(1, len(parts))
        )

    def says(self, text: str) -> bool:
        """Whether any program holds this text."""
        return any(text in each for each in self._texts)


def read_sources(root: Path, check: Callable[[], None]) -> Sources:
    """The programs under `root`. Blocks: call off the loop; `check` may raise to stop."""
    if root.is_file():
        return Sources([], ("only one file was given: what programs read and emit isn't known",))
    texts: list[str] = []
    size = 0
    for file in list_sources(root, _ENDINGS, check).files:
        check()
        size += file.size
        if size > MOST_BYTES:
            note = (
                f"programs above {MOST_BYTES // 1_000_000} MB in all: variables and metrics weren't held against them"
            )
            return Sources([], (note,))
        texts.append((read(file) or b"").decode("utf-8", "replace"))
    return Sources(texts)
