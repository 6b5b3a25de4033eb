"""The lines of a task list and of the code that a verdict stands on."""

from __future__ import annotations

import hashlib

from bedrock_support.tools.envelope import Evidence
from bedrock_support.tools.gaps.files import read
from bedrock_support.tools.specs.verdicts import Judged
from bedrock_support.tools.specs.verify import Verified

_LONGEST = 200


def quoted(found: Verified, judged: Judged, before: int) -> list[Evidence]:
    """The ticked line; `before` is how many pieces of evidence there are already."""
    listed = next(each for each in found.lists if each.file.label == judged.task.file)
    lines = (read(listed.file) or b"").split(b"\n")
    if judged.task.line > len(lines):
        return []
    line = lines[judged.task.line - 1].removesuffix(b"\r")
    return [
        Evidence(
            id=f"E{before + 1}",
            kind="task",
            source=f"{judged.task.file}:{judged.task.line}",
            quote=line.decode("utf-8", "replace")[:_LONGEST],
            sha256=hashlib.sha256(line).hexdigest(),
        )
    ]
