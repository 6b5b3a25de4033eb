"""The worker servers behind a front: started, replaced, drained and ended as the fleet file says. Ended by their id."""

from __future__ import annotations

import subprocess
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

import anyio
from anyio.abc import Process, TaskGroup
from anyio.streams.text import TextReceiveStream

from bedrock_support.server.rollout.files import Fleet, Wanted
from bedrock_support.server.rollout.starting import Start

READY = 60.0
"""Seconds until a started worker must listen. One that can't start ends by itself, and is known at once."""
DRAIN = 45.0
"""Seconds that running calls get on a worker that is to go: nearly all that a call may take (see max_call_seconds)."""
TERMINATE = 6.0
"""Seconds between SIGTERM and SIGKILL."""
AGAIN = (0.5, 1.0, 2.0, 5.0)
"""Seconds before a worker that ended by itself is started again; the last stands for all that follow."""
KEPT_LINES = 20
State = Literal["starting", "ready", "draining", "failed", "ended"]


@dataclass(eq=False, slots=True, kw_only=True)
class Worker:
    """One process, from its start to its end."""

    wanted: Wanted
    state: State = "starting"
    url: str = ""
    pid: int = 0
    inflight: int = 0
    waiting: int = 0
    """Calls that it holds until their clients come back with answers."""
    sessions: int = 0
    error: str = ""
    said: deque[str] = field(default_factory=lambda: deque[str](maxlen=KEPT_LINES))
    process: Process | None = None
    retired: bool = False

    changed: anyio.Event = field(default_factory=anyio.Event)

    def take(self, count: int) -> None:
        """So many calls more are running on it."""
        self.inflight += count

    def give(self, count: int) -> None:
        """So many calls have ended."""
        self.inflight -= count
        self.changed.set()
        self.changed = anyio.Event()

    def wait(self, count: int) -> None:
        """So many calls more are left with it by their clients."""
        self.waiting += count
        self.give(0)

    def as_table(self) -> dict[str, object]:
        return {
            "name": self.wanted.name,
            "generation": self.wanted.generation,
            "weight": self.wanted.weight,
            "isolated": self.wanted.isolated,
            "state": self.state,
            "pid": self.pid,
            "url": self.url,
            "inflight": self.inflight,
            "waiting": self.waiting,
            "sessions": self.sessions,
            "error": self.error,
        }


class Crew:
    """Keeps processes as a fleet wants them. All methods on the loop; `run` must be running."""

    def __init__(self, start: Start, note: Callable[[list[int]], None]) -> None:
        """`note` is told the ids of all processes, on the loop, before and after each change."""
        self._start = start
        self._note = note
        self._group: TaskGroup | None = None
        self._failures: dict[str, int] = {}
        self.fleet = Fleet()
        self.current: dict[str, Worker] = {}
        """The worker that serves under each name."""
        self.all: list[Worker] = []
        """Those starting and draining too."""

    async def run(self) -> None:
        """Hold the group in which processes live; when cancelled, end them all."""
        try:
            async with anyio.create_task_group() as group:
                self._group = group
                await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                async with anyio.create_task_group() as ending:
                    for each in list(self.all):
                        ending.start_soon(self._end, each)

    def want(self, fleet: Fleet) -> None:
        """Put a fleet in force: weights at once, processes as soon as they are ready."""
        self.fleet = fleet
        for name in [name for name in self.current if fleet.named(name) is None]:
            self._retire(self.current.pop(name))
        for each in self.all:
            if not each.retired and fleet.named(each.wanted.name) is None:
                self._retire(each)
        for wanted in fleet.workers:
            newest = next((w for w in reversed(self.all) if w.wanted.name == wanted.name and not w.retired), None)
            if newest is not None and newest.wanted.generation == wanted.generation:
                newest.wanted = wanted
            else:
                self._launch(wanted)

    def _launch(self, wanted: Wanted) -> None:
        for each in self.all:
            if each.wanted.name == wanted.name and each.state in {"starting", "failed"} and not each.retired:
                self._retire(each)
        worker = Worker(wanted=wanted)
        self.all.append(worker)
        if self._group is not None:
            self._group.start_soon(self._live, worker)

    async def _live(self, worker: Worker) -> None:
        """From start to end of one process; starts another when it ends unasked."""
        if worker.retired:
            return
        try:
            worker.process = process = await anyio.open_process(
                self._start.command(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=self._start.environment(worker.wanted),
                start_new_session=True,
            )
        except OSError as error:
            worker.state, worker.error = "failed", str(error)
            return
        worker.pid = process.pid
        self._tell()
        if worker.retired:  # while it was being started
            await self._end(worker)
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._listen, worker, process)
                group.start_soon(self._too_late, worker)
                await process.wait()
                group.cancel_scope.cancel()
        finally:
            if process.returncode is None:
                with anyio.CancelScope(shield=True):
                    await self._end(worker)
        await self._gone(worker, process.returncode)

    async def _gone(self, worker: Worker, code: int | None) -> None:
        if worker.retired:
            worker.state = "ended"
            with suppress(ValueError):
                self.all.remove(worker)
            self._tell()
            return
        worker.state = "failed"
        worker.error = f"ended with {code}: {' '.join(list(worker.said)[-3:])}"[:500]
        self._tell()
        name = worker.wanted.name
        count = self._failures[name] = self._failures.get(name, 0) + 1
        await anyio.sleep(AGAIN[min(count, len(AGAIN)) - 1])
        if not worker.retired:
            if self.current.get(name) is worker:
                del self.current[name]
            self._launch(worker.wanted)

    async def _listen(self, worker: Worker, process: Process) -> None:
        if process.stderr is None:
            return
        pending = ""
        async for text in TextReceiveStream(process.stderr, errors="replace"):
            *lines, pending = (pending + text).split("\n")
            for line in lines:
                worker.said.append(line[:500])
                if worker.state == "starting" and "http://" in line:
                    worker.url = line[line.index("http://") :].split()[0]
                    self._serve(worker)

    def _serve(self, worker: Worker) -> None:
        worker.state = "ready"
        self._failures.pop(worker.wanted.name, None)
        old = self.current.get(worker.wanted.name)
        self.current[worker.wanted.name] = worker
        if old is not None and old is not worker:
            self._retire(old)

    async def _too_late(self, worker: Worker) -> None:
        await anyio.sleep(READY)
        if worker.state == "starting" and worker.process is not None:
            worker.said.append(f"did not listen within {READY:.0f} s")
            worker.process.kill()

    def _retire(self, worker: Worker) -> None:
        if worker.retired:
            return
        worker.retired = True
        if worker.process is None or worker.process.returncode is not None:
            worker.state = "ended"
            with suppress(ValueError):
                self.all.remove(worker)
            return
        worker.state = "draining"
        if self._group is not None:
            self._group.start_soon(self._drain, worker)

    async def _drain(self, worker: Worker) -> None:
        with anyio.move_on_after(DRAIN):
            while worker.inflight or worker.waiting:
                await worker.changed.wait()
        await self._end(worker)

    async def _end(self, worker: Worker) -> None:
        process = worker.process
        if process is None or process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.terminate()
        with anyio.move_on_after(TERMINATE):
            await process.wait()
            return
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()

    def _tell(self) -> None:
        self._note([each.pid for each in self.all if each.pid and each.state != "ended"])
