"""Evidence: lines of the log, quoted and hashed so that anyone can look them up."""

from __future__ import annotations

import hashlib
from bisect import bisect_right

from bedrock_support.tools.envelope import Evidence
from bedrock_support.tools.logs.analysis import SOURCE_SHIFT, Analysis, place
from bedrock_support.tools.logs.reader import Block, whole_line

QUOTE = 300
"""Characters of a quote."""


class Quotes:
    """Reads the lines that findings stand on, once each, and numbers them E1, E2, ... in order of asking."""

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis
        self._of: dict[int, Evidence] = {}
        self._starts = [place(block.source, block.first_line) for block in _blocks(analysis)]

    @property
    def all(self) -> list[Evidence]:
        return list(self._of.values())

    def where(self, line: int) -> tuple[str, int]:
        """Path and line number of a place."""
        return self._analysis.sources[line >> SOURCE_SHIFT].label, line & ((1 << SOURCE_SHIFT) - 1)

    def line(self, line: int) -> str:
        """The start of the line at a place, without making it evidence."""
        return self._of[line].quote if line in self._of else self._read(line, self.where(line)[1])[1]

    def cite(self, line: int, kind: str) -> str:
        """The id of the evidence at a place."""
        if line not in self._of:
            path, number = self.where(line)
            digest, text = self._read(line, number)
            source = f"{path}:{number}"
            made = Evidence(id=f"E{len(self._of) + 1}", kind=kind, source=source, quote=text, sha256=digest)
            self._of[line] = made
        return self._of[line].id

    def _read(self, line: int, number: int) -> tuple[str, str]:
        block = _blocks(self._analysis)[bisect_right(self._starts, line) - 1]
        digest, head = hashlib.sha256(), b""
        for piece in whole_line(self._analysis.sources[block.source], block, number):
            if not head:
                head = piece[: QUOTE * 4]
                if number == 1:
                    head = head.removeprefix(b"\xef\xbb\xbf")
            digest.update(piece)
        return digest.hexdigest(), readable(head)


def readable(raw: bytes, limit: int = QUOTE) -> str:
    """Bytes of a log as text without control characters, cut to a length."""
    text = "".join(char if char.isprintable() else " " for char in raw.decode("utf-8", "replace")).strip()
    return text if len(text) <= limit else text[: limit - 3] + "..."


def _blocks(analysis: Analysis) -> list[Block]:
    return analysis.plan.blocks if analysis.plan else []
