"""What a problem rests on: the line of a file, or what a live account holds; secrets are never shown."""

from __future__ import annotations

import hashlib

from bedrock_support.routing.redaction import Redactor
from bedrock_support.tools.envelope import Evidence
from bedrock_support.tools.gaps.files import SourceFile, read
from bedrock_support.tools.infra.model import Problem
from bedrock_support.tools.infra.run import Audited
from bedrock_support.tools.paths import Place

LONGEST = 160
Key = tuple[str, int | str]


def quotes_of(
    evidence: dict[Key, Evidence], place: Place | None, found: Audited, problem: Problem, redactor: Redactor
) -> list[str]:
    """Ids of a problem's evidence; what isn't in `evidence` yet is added. Without a place it is of a live account."""
    if place is None:
        known = _held(evidence, found, problem, redactor)
        return [known.id] if known is not None else []
    hide = problem.kind == "plain_secret"
    quotes = [
        _line(evidence, place, file, line, redactor, hide=hide)
        for file, line in [(problem.file, problem.line), *problem.also[:3]]
    ]
    return list(dict.fromkeys(quote.id for quote in quotes if quote is not None))


def _held(evidence: dict[Key, Evidence], found: Audited, problem: Problem, redactor: Redactor) -> Evidence | None:
    text = found.shown.get(problem.resource)
    key = problem.file, problem.resource
    if text is not None and key not in evidence:
        evidence[key] = Evidence(
            id=f"E{len(evidence) + 1}",
            kind="resource",
            source=f"{problem.file} {problem.resource}"[:300],
            quote=redactor.redact(text)[:LONGEST],
            sha256=hashlib.sha256(text.encode()).hexdigest(),
        )
    return evidence.get(key)


def _line(
    evidence: dict[Key, Evidence], place: Place, file: str, line: int, redactor: Redactor, *, hide: bool
) -> Evidence | None:
    """A line as evidence; what may be a secret is left out of what is shown, the digest is of what stands there."""
    if (file, line) in evidence:
        return evidence[file, line]
    path = place.path / file if place.is_folder else place.path
    if not path.resolve().is_relative_to(place.root):
        return None
    data = read(SourceFile(path=path, label=file, size=0))
    lines = data.split(b"\n") if data is not None else []
    if not 0 < line <= len(lines):
        return None
    text = lines[line - 1].removesuffix(b"\r")
    # The value of a secret may have any form: only what stands before it is shown and digested.
    text = text[:80].replace(b"=", b":").split(b":")[0] if hide else text
    evidence[file, line] = Evidence(
        id=f"E{len(evidence) + 1}",
        kind="declaration",
        source=f"{file}:{line}",
        quote=redactor.redact(text.decode("utf-8", "replace")[:LONGEST]),
        sha256=hashlib.sha256(text).hexdigest(),
    )
    return evidence[file, line]
