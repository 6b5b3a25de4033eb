"""Every check over one tree, by one call that tool and command share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from anyio import CapacityLimiter, from_thread, to_thread

from bedrock_support.tools.base import InputError
from bedrock_support.tools.gaps.documented import DOC_ENDINGS, broken_promises
from bedrock_support.tools.gaps.files import SourceFile, list_sources, read
from bedrock_support.tools.gaps.findings import Gap, hollow_tests, ranked, stubs
from bedrock_support.tools.gaps.options import CHECKS
from bedrock_support.tools.gaps.poly.kinds import BY_ENDING
from bedrock_support.tools.gaps.promised import OPENAPI_ENDINGS, is_openapi, missing_routes
from bedrock_support.tools.gaps.routes import routes_of
from bedrock_support.tools.gaps.scan import Told, Tree, read_tree
from bedrock_support.tools.gaps.store import FactStore

T = TypeVar("T")
DOCS_BYTES = 30_000_000
"""Code beyond which documents aren't held against it: every word of it would have to be read anew each time."""
_WEB = frozenset({*BY_ENDING, *OPENAPI_ENDINGS})
_READ = _WEB | {
    ".toml",
    ".cfg",
    ".ini",
    ".sh",
    ".env",
    ".txt",
    ".tf",
    ".go",
    ".java",
    ".kt",
    ".rs",
    ".rb",
    ".sql",
    ".xml",
    ".html",
    ".c",
    ".h",
    ".cpp",
    ".cs",
    ".php",
    ".swift",
    ".pyi",
    ".pyx",
    *DOC_ENDINGS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What all checks found in a tree."""

    gaps: tuple[Gap, ...]
    files: int
    """Files that were looked at."""
    read_anew: int
    partial: bool
    notes: tuple[str, ...]


async def find_gaps(
    root: Path,
    *,
    store: FactStore,
    workers: CapacityLimiter,
    told: Told,
    floor: float,
    focus: Sequence[str] = (),
    expired: Callable[[], bool] = bool,
    over: Callable[[], bool] | None = None,
) -> Found:
    """Gaps of at least `floor` confidence under `root`, the most important first.

    Once `expired` no more is read; once `over` no more is concluded. What was found by then is the answer, and its
    notes say what is missing.

    `focus` holds names of CHECKS, and files or folders (relative to root) to report on; the whole tree is read all the
    same, since one file alone doesn't show who calls and who overrides.

    Raises:
        InputError: focus names neither a check nor anything in the tree.
    """
    checks = [each for each in focus if each in CHECKS] or list(CHECKS)
    places = [each.strip("/").removeprefix("./") for each in focus if each not in CHECKS]
    tree = await read_tree(root, store, workers, told, expired)
    await to_thread.run_sync(_refuse_strange, places, tree, limiter=workers)
    gaps, late = await to_thread.run_sync(partial(_found, tree, checks, floor, over or expired), limiter=workers)
    if places:
        gaps = [each for each in gaps if any(_inside(each.file, place) for place in places)]
    return Found(
        gaps=tuple(gaps),
        files=len(tree.files),
        read_anew=tree.read_anew,
        partial=tree.partial or bool(late),
        notes=(*tree.notes, *late),
    )


class _Over(Exception):
    """The time for conclusions is over."""


Over = Callable[[], bool]


def _found(tree: Tree, checks: Sequence[str], floor: float, over: Over) -> tuple[list[Gap], list[str]]:
    """What each check finds, the surest check first, and which of them the time was too short for."""
    found: list[Gap] = []

    def tests() -> list[Gap]:
        known = {(each.file, each.symbol) for each in found}
        return [each for each in hollow_tests(tree.files, floor) if (each.file, each.symbol) not in known]

    work: dict[str, Callable[[], list[Gap]]] = {
        "stubs": lambda: stubs(tree.files, floor, over),
        "tests": tests,
        "routes": lambda: _routes(tree.root, floor, over),
        "docs": lambda: _documented(tree, floor, over),
    }
    late: list[str] = []
    for name in (each for each in CHECKS if each in checks):
        if over():
            late.append(name)
            continue
        try:
            found += work[name]()
        except _Over:
            late.append(name)
    notes = (
        [f"the time was too short for these checks: {', '.join(late)}; call again with focus on them"] if late else []
    )
    return ranked(found), notes


def _alive(items: Iterable[T], over: Over) -> Iterator[T]:
    for each in items:
        if over():
            raise _Over
        yield each


def _routes(root: Path, floor: float, over: Over) -> list[Gap]:
    """OpenAPI documents of the tree against its routes."""
    listing = list_sources(root, _WEB, from_thread.check_cancelled)
    data = [(each.label, each) for each in listing.files]
    documents = [
        (label, body)
        for label, each in _alive(data, over)
        if label.endswith(OPENAPI_ENDINGS) and is_openapi(label, body := read(each) or b"")
    ]
    if not documents:
        return []
    code = ((label, read(each) or b"") for label, each in _alive(data, over) if not label.endswith(OPENAPI_ENDINGS))
    return missing_routes(documents, routes_of(code), floor)


def _documented(tree: Tree, floor: float, over: Over) -> list[Gap]:
    """Documents against the names that the code knows."""
    # Of a tree that wasn't read to its end nobody knows what it has.
    if tree.partial:
        raise _Over
    listing = list_sources(tree.root, _READ, from_thread.check_cancelled)
    documents = [each for each in listing.files if each.label.endswith(DOC_ENDINGS)]
    code = [each for each in listing.files if not each.label.endswith(DOC_ENDINGS)]
    if not documents or sum(each.size for each in code) > DOCS_BYTES:
        return []
    project = [_text(each) for each in code if each.label == "pyproject.toml"]
    return broken_promises(
        ((each.label, _text(each)) for each in _alive(documents, over)),
        tree.files,
        (_text(each) for each in _alive(code, over)),
        project[0] if project else "",
        floor,
        [_text(each) for each in code if each.label.rsplit("/", 1)[-1] == "package.json"],
    )


def _text(file: SourceFile) -> str:
    return (read(file) or b"").decode("utf-8", "replace")


def _inside(file: str, place: str) -> bool:
    return place in ("", ".") or file == place or file.startswith(f"{place}/")


def _refuse_strange(places: Sequence[str], tree: Tree) -> None:
    for place in places:
        inside = ".." not in place.split("/")
        if inside and (
            tree.partial or any(_inside(each, place) for each in tree.files) or (tree.root / place).exists()
        ):
            continue
        mend = f"Name a check ({', '.join(CHECKS)}), or a file or folder relative to path"
        raise InputError("focus", place, "is neither a check nor in the tree", mend)
