"""Lines that prove a gap, quoted so that anyone can look them up."""

from __future__ import annotations

import hashlib

from bedrock_support.tools.envelope import Evidence
from bedrock_support.tools.gaps.files import SourceFile, read
from bedrock_support.tools.gaps.findings import Gap
from bedrock_support.tools.paths import Place

_LONGEST = 200


def quoted(place: Place, gap: Gap, before: int) -> list[Evidence]:
    """The defining line and the telling line; `before` is how many pieces of evidence there are already."""
    path = place.path / gap.file if place.is_folder else place.path
    data = read(SourceFile(path=path, label=gap.file, size=0))
    if data is None:
        return []
    lines = data.split(b"\n")
    found: list[Evidence] = []
    for number in dict.fromkeys((gap.line, gap.at)):
        if 0 < number <= len(lines):
            line = lines[number - 1].removesuffix(b"\r")
            found.append(
                Evidence(
                    id=f"E{before + len(found) + 1}",
                    kind="code",
                    source=f"{gap.file}:{number}",
                    quote=line.decode("utf-8", "replace")[:_LONGEST],
                    sha256=hashlib.sha256(line).hexdigest(),
                )
            )
    return found
