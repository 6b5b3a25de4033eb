"""Reading a tree and judging the ticked tasks of its specifications."""

from __future__ import annotations

import difflib
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from anyio import CapacityLimiter, from_thread, to_thread

from bedrock_support.tools.gaps.files import Listing, SourceFile, list_sources, read
from bedrock_support.tools.gaps.findings import hollow_tests, stubs
from bedrock_support.tools.gaps.poly.kinds import BY_ENDING
from bedrock_support.tools.gaps.routes import routes_of
from bedrock_support.tools.gaps.scan import Told, Tree, read_tree
from bedrock_support.tools.gaps.store import FactStore
from bedrock_support.tools.specs.index import OTHERS, Index
from bedrock_support.tools.specs.tasks import Task, TaskList, task_lists, tasks_of, untick
from bedrock_support.tools.specs.verdicts import CLAIMED, HOLLOW, Judged, Verifier

_TEXTS = (
    frozenset(
        {
            ".md",
            ".json",
            ".yaml",
            ".yml",
            ".toml",
            ".sql",
            ".sh",
            ".css",
            ".html",
            ".proto",
            ".tf",
            ".cfg",
            ".ini",
            ".txt",
            ".py",
            ".pyi",
            ".rst",
        }
    )
    | OTHERS
)
_SCRIPTS = frozenset(BY_ENDING)
_KEPT_TEXTS = 500
_NO_TEST = ("empty_test", "vacuous_test")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What the code says of the ticked tasks."""

    lists: tuple[TaskList, ...]
    judged: tuple[Judged, ...]
    open_tasks: int
    proposal: str
    """Unified diff that takes back the ticks of tasks that aren't done; empty if there are none."""
    notes: tuple[str, ...]
    partial: bool = False
    """The time ran out before all code was read."""

    @property
    def failing(self) -> list[Judged]:
        return [each for each in self.judged if each.verdict in ("missing", "partial")]


async def verify(
    root: Path,
    spec: str | None,
    store: FactStore,
    workers: CapacityLimiter,
    told: Told,
    expired: Callable[[], bool] = bool,
) -> Verified:
    """Judge every ticked task under `root`, of one spec if it is named. Never raises for what is in the files.

    Once `expired` no more code is read; what isn't found then can't be called missing.
    """
    listing = await to_thread.run_sync(_list, root, limiter=workers)
    lists = [each for each in task_lists(list(listing.files)) if spec in (None, each.spec)]
    if not lists:
        return Verified(lists=(), judged=(), open_tasks=0, proposal="", notes=listing.notes)
    tree = await read_tree(root, store, workers, told, expired)
    judge = partial(_judge, tree, listing, lists)
    return await to_thread.run_sync(judge, limiter=workers)


def _list(root: Path) -> Listing:
    return list_sources(root, _TEXTS, from_thread.check_cancelled)


def _judge(tree: Tree, listing: Listing, lists: list[TaskList]) -> Verified:
    texts = Texts(listing.files)
    index = Index(tree.files)
    index.add_others(listing.files, from_thread.check_cancelled)
    hollow = [
        *stubs(tree.files, CLAIMED),
        *(each for each in hollow_tests(tree.files, HOLLOW) if each.kind in _NO_TEST),
    ]
    verifier = Verifier(tree.files, index, hollow, texts.of, texts.routes)
    judged: list[Judged] = []
    waiting = 0
    for listed in lists:
        from_thread.check_cancelled()
        tasks = tasks_of(listed)
        waiting += sum(not each.ticked for each in tasks)
        judged += [verifier.judge(task, listed.base) for task in tasks if task.ticked]
    judged = [_unsure(each) for each in judged] if tree.partial else judged
    judged = _with_parents(judged)
    notes = tuple(dict.fromkeys((*listing.notes, *tree.notes)))
    return Verified(
        lists=tuple(lists),
        judged=tuple(judged),
        open_tasks=waiting,
        proposal=_proposal(lists, judged),
        notes=notes,
        partial=tree.partial,
    )


def _unsure(judged: Judged) -> Judged:
    """Nothing is missing only because it wasn't read."""
    if judged.verdict not in ("missing", "partial"):
        return judged
    reason = f"not all of the code was read in time; so far: {judged.reason}"
    return replace(judged, verdict="unverifiable", reason=reason)


def _with_parents(judged: list[Judged]) -> list[Judged]:
    """A ticked task that names nothing is as far as its ticked subtasks are."""
    found: list[Judged] = []
    for at, each in enumerate(judged):
        below = [
            later
            for later in judged[at + 1 : at + 1 + each.task.children]
            if later.task.file == each.task.file and later.task.line > each.task.line
        ]
        if each.proofs or not below:
            found.append(each)
            continue
        verdicts = {later.verdict for later in below}
        wrong = [later for later in below if later.verdict in ("missing", "partial")]
        verdict = "partial" if wrong and verdicts != {"missing"} else "missing" if wrong else each.verdict
        if verdicts == {"done"}:
            verdict = "done"
        said = f"subtasks {', '.join(later.task.id for later in wrong)} aren't done" if wrong else each.reason
        said = "all its ticked subtasks are done" if verdict == "done" else said
        found.append(Judged(task=each.task, verdict=verdict, proofs=(), reason=said))
    return found


class Texts:
    """Texts of the tree's files, read when asked for."""

    def __init__(self, files: tuple[SourceFile, ...]) -> None:
        self._files = {each.label: each for each in files}
        self._kept: dict[str, str] = {}
        self._routes: Mapping[tuple[str, str], str] | None = None

    def of(self, label: str) -> str:
        if label not in self._kept:
            file = self._files.get(label)
            data = read(file) if file is not None else None
            if len(self._kept) >= _KEPT_TEXTS:
                self._kept.clear()
            self._kept[label] = (data or b"").decode("utf-8", "replace")
        return self._kept[label]

    def routes(self) -> Mapping[tuple[str, str], str]:
        """Verb and path of every route -> path:line."""
        if self._routes is None:
            scripts = (each for label, each in self._files.items() if label[label.rfind(".") :] in _SCRIPTS)
            found = routes_of((each.label, read(each) or b"") for each in scripts)
            self._routes = {(each.verb, each.path): f"{each.file}:{each.line}" for each in found}
        return self._routes


def corrected(listed: TaskList, judged: list[Judged]) -> tuple[str, str]:
    """The list's text, and the same with the ticks taken back of tasks that aren't done."""
    before = (read(listed.file) or b"").decode("utf-8", "surrogateescape")
    wrong = {each.task.line for each in judged if each.task.file == listed.file.label and _wrong(each.task, each)}
    return before, untick(before, wrong)


def rewrite(found: Verified) -> list[str]:
    """Take back the ticks of tasks that aren't done, in their files; labels of the files that changed.

    Blocks. Only the marks change.
    """
    changed: list[str] = []
    for each in found.lists:
        before, after = corrected(each, list(found.judged))
        if before != after:
            part = each.file.path.with_name(f"{each.file.path.name}.part")
            part.write_bytes(after.encode("utf-8", "surrogateescape"))
            part.chmod(stat.S_IMODE(each.file.path.stat().st_mode))
            part.replace(each.file.path)
            changed.append(each.file.label)
    return changed


def spec_in(path: Path) -> str | None:
    """The spec that a path below a spec folder belongs to; None: all specs are meant."""
    parts = path.parts
    for holder in ("specs", "changes"):
        if holder in parts[:-1]:
            return parts[parts.index(holder) + 1]
    return None


def _wrong(task: Task, judged: Judged) -> bool:
    return task.ticked and judged.verdict in ("missing", "partial")


def _proposal(lists: list[TaskList], judged: list[Judged]) -> str:
    parts: list[str] = []
    for each in lists:
        before, after = corrected(each, judged)
        if before != after:
            label = each.file.label
            lines = difflib.unified_diff(
                before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{label}", f"b/{label}", n=0
            )
            parts += [line if line.endswith("\n") else line + "\n" for line in lines]
    return "".join(parts).encode("utf-8", "replace").decode()
