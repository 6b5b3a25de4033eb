"""Reading a whole tree: cached by content, in processes when there is much to read, cancellable between batches."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL

from anyio import (
    BrokenResourceError,
    CancelScope,
    CapacityLimiter,
    ClosedResourceError,
    create_task_group,
    from_thread,
    open_process,
    sleep,
    to_thread,
)
from anyio.abc import Process

from bedrock_support.tools.gaps.facts import FileFacts
from bedrock_support.tools.gaps.files import Listing, SourceFile, list_sources, read
from bedrock_support.tools.gaps.poly.kinds import BY_ENDING, language_of
from bedrock_support.tools.gaps.store import FactStore, key_of, pack, unpack
from bedrock_support.tools.gaps.worker import framed, pack_all, unframed

SOURCES = frozenset(BY_ENDING)
BATCH_BYTES = 3_000_000
"""Source handed to a process at once: a second or so of its time."""
WORKER = "bedrock_support.tools.gaps.worker"
IN_THREAD_BYTES = 400_000
"""Less than this is read in a thread: starting processes would take longer."""
PROCESSES = 2
_LOOK_SECONDS = 0.05
"""Between two looks whether the time is over, while processes read."""
MOST_TOTAL = 1_000_000_000
"""Bytes of source in one tree; what lies beyond is left out and said."""

Told = Callable[[float, float, str], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The facts of every source file of a tree."""

    root: Path
    files: dict[str, FileFacts]
    read_anew: int
    """Files that weren't remembered."""
    partial: bool
    """The time ran out before every file was looked at."""
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    label: str
    key: bytes
    data: bytes


async def read_tree(
    root: Path, store: FactStore, workers: CapacityLimiter, told: Told, expired: Callable[[], bool] = bool
) -> Tree:
    """Facts of every source file under `root` (a folder, or one file). Never raises for what is in the files.

    Once `expired` says so no more is read anew; what was read is remembered, so that the next call gets further.
    """
    listing = await to_thread.run_sync(_list, root, limiter=workers)
    await told(0, len(listing.files), f"Reading {len(listing.files)} files")
    await to_thread.run_sync(store.open, limiter=workers)
    files: dict[str, FileFacts] = {}
    notes = list(listing.notes)
    anew = done = total = 0
    processes = CapacityLimiter(PROCESSES)
    cut = False
    for group in _groups(listing.files):
        if cut := expired():
            break
        total += sum(each.size for each in group)
        if total > MOST_TOTAL:
            notes.append(f"stopped after {MOST_TOTAL // 1_000_000} MB of source: name a smaller folder")
            break
        known, missing = await to_thread.run_sync(_look_up, group, store, limiter=workers)
        files.update(known)
        fresh = await _parse(missing, workers, processes, expired)
        files.update(await to_thread.run_sync(_remember, store, missing, fresh, limiter=workers))
        anew += len(fresh)
        done += len(group) - len(missing) + len(fresh)
        if cut := len(fresh) < len({each.label for each in missing}):
            break
        await told(done, len(listing.files), f"Read {done} of {len(listing.files)} files")
    if cut:
        notes.append(f"the time ran out after {done} of {len(listing.files)} files: call again, it goes on from there")
    return Tree(
        root=root, files=dict(sorted(files.items())), read_anew=anew, partial=cut, notes=(*notes, *_problems(files))
    )


def _remember(store: FactStore, missing: list[_Source], fresh: dict[str, bytes]) -> dict[str, FileFacts]:
    store.keep([(each.key, fresh[each.label]) for each in missing if each.label in fresh])
    return {label: unpack(packed) or _failed("couldn't be read back") for label, packed in fresh.items()}


def _list(root: Path) -> Listing:
    if root.is_file() and root.suffix and root.suffix not in SOURCES:  # without an ending it is a script
        known = ", ".join(sorted(SOURCES))
        return Listing(files=(), notes=(f"{root.name} isn't read as code: name a folder, or a file in {known}",))
    return list_sources(root, SOURCES, from_thread.check_cancelled)


def _groups(files: Sequence[SourceFile]) -> list[list[SourceFile]]:
    """Runs of files that are read, looked up and parsed together."""
    groups: list[list[SourceFile]] = []
    room = 0
    for each in files:
        if room < each.size or not groups or len(groups[-1]) >= 2_000:
            groups.append([])
            room = BATCH_BYTES * PROCESSES * 4
        groups[-1].append(each)
        room -= each.size
    return groups


def _look_up(group: list[SourceFile], store: FactStore) -> tuple[dict[str, FileFacts], list[_Source]]:
    sources: list[_Source] = []
    for each in group:
        data = read(each)
        if data is not None:
            sources.append(_Source(label=each.label, key=key_of(data, language_of(each.label)), data=data))
    from_thread.check_cancelled()
    remembered = store.find([each.key for each in sources])
    known = {each.label: remembered[each.key] for each in sources if each.key in remembered}
    return known, [each for each in sources if each.key not in remembered]


async def _parse(
    missing: list[_Source], workers: CapacityLimiter, processes: CapacityLimiter, expired: Callable[[], bool]
) -> dict[str, bytes]:
    """Packed facts of each source, by label; of those that were read when the time ran out."""
    found: dict[str, bytes] = {}
    if sum(len(each.data) for each in missing) < IN_THREAD_BYTES:
        await _in_thread(missing, found, workers, expired)
        return found
    async with create_task_group() as group:
        group.start_soon(_ended_by, expired, group.cancel_scope)
        await _in_processes(missing, found, processes)
        group.cancel_scope.cancel()
    return found


async def _ended_by(expired: Callable[[], bool], scope: CancelScope) -> None:
    while True:
        if expired():
            scope.cancel()
        await sleep(_LOOK_SECONDS)


async def _in_thread(
    missing: list[_Source], found: dict[str, bytes], workers: CapacityLimiter, expired: Callable[[], bool]
) -> None:
    for each in missing:
        if expired():
            return
        asked = [(language_of(each.label), each.data)]
        (found[each.label],) = await to_thread.run_sync(pack_all, asked, limiter=workers)


async def _in_processes(missing: list[_Source], found: dict[str, bytes], processes: CapacityLimiter) -> None:
    async def one(batch: list[_Source]) -> None:
        left = batch
        while left:
            told = bytearray()
            async with processes:
                try:
                    await _in_process([(language_of(each.label), each.data) for each in left], told)
                finally:  # what it told before it was ended counts
                    packed = unframed(bytes(told))
                    found.update({each.label: body for each, body in zip(left, packed, strict=False)})
            left = left[len(packed) :]
            if left:  # the process died, and the first of those it didn't tell of is what it died of
                found[left[0].label] = pack(_failed("ended the process that read it"))
                left = left[1:]

    async with create_task_group() as group:
        for batch in _batches(missing):
            group.start_soon(one, batch)


async def _in_process(sources: list[tuple[str, bytes]], told: bytearray) -> None:
    """Adds packed facts of the first sources, as many as the process lives to tell; it ends with a cancelled call."""
    blocks = [block for language, source in sources for block in (language.encode(), source)]
    try:
        async with await open_process([sys.executable, "-m", WORKER], stderr=DEVNULL) as process:
            try:
                async with create_task_group() as group:
                    group.start_soon(_give, process, framed(blocks))
                    assert process.stdout is not None  # noqa: S101 - a pipe is the default
                    async for part in process.stdout:
                        told += part
            finally:
                with suppress(ProcessLookupError):
                    process.kill()
    except* OSError:
        pass  # it couldn't be started


async def _give(process: Process, data: bytes) -> None:
    assert process.stdin is not None  # noqa: S101 - a pipe is the default
    # It may end before it has taken everything in.
    with suppress(BrokenResourceError, ClosedResourceError, OSError):
        await process.stdin.send(data)
        await process.stdin.aclose()


def _batches(missing: list[_Source]) -> list[list[_Source]]:
    batches: list[list[_Source]] = []
    room = 0
    for each in missing:
        if room < len(each.data) or not batches:
            batches.append([])
            room = BATCH_BYTES
        batches[-1].append(each)
        room -= len(each.data)
    return batches


def _failed(problem: str) -> FileFacts:
    return FileFacts(functions=[], classes=[], uses={}, imported=[], names=[], tests=[], problem=problem)


def _problems(files: dict[str, FileFacts]) -> list[str]:
    broken = sorted(label for label, facts in files.items() if facts["problem"])
    if not broken:
        return []
    first = ", ".join(f"{label} ({files[label]['problem']})" for label in broken[:3])
    return [f"{len(broken)} files not understood: {first}"]
