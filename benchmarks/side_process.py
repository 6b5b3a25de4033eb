"""The other end of a side: its process, started, asked for rounds, and ended by its id."""

from __future__ import annotations

import json
import select
import subprocess
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import IO, Any, Self

from benchmarks.wire import END, LIMIT, ROOT, python

COMPLAINT = 1500
"""Characters of a broken side's stderr that are shown."""


class Broken(RuntimeError):
    """A side or the upstream did not do its part."""


class SideProcess:
    """One side of a comparison, in a process of its own for as long as the block lasts."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.name = name
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the block
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            bufsize=1,
        )
        self.hello: dict[str, str] = {}

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> Self:
        try:
            self.hello = self._read()
        except Broken:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def round(self, url: str, calls: int, concurrency: int, stream: bool) -> dict[str, float]:
        """What the round cost. Raises Broken unless every call brought the whole answer."""
        command = {"do": "round", "url": url, "calls": calls, "concurrency": concurrency, "stream": stream}
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(command) + "\n")
        except BrokenPipeError:
            raise Broken(self._complaint("has ended")) from None
        told = self._read()
        if told["ok"] != calls:
            raise Broken(self._complaint(f"answered {told['ok']} of {calls} calls as the upstream did"))
        return told

    def _read(self) -> dict[str, Any]:
        # Every command has one line for an answer, so nothing can wait unseen in the reader's buffer.
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], LIMIT)[0]:
            raise Broken(self._complaint(f"said nothing for {LIMIT:g} s"))
        line = self._process.stdout.readline()
        if not line:
            raise Broken(self._complaint("has ended"))
        return json.loads(line)

    def _complaint(self, what: str) -> str:
        self._said.seek(0)
        said = self._said.read().decode(errors="replace").strip()
        return f"the side {self.name} {what}\n{said[-COMPLAINT:]}"

    def _end(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        _ended(self._process)
        self._said.close()


@contextmanager
def upstream(name: str, environment: Mapping[str, str]) -> Generator[tuple[str, str]]:
    """An upstream's process; yields its address without latency and its address with some."""
    with subprocess.Popen(
        python("-m", "benchmarks.canned", name),
        cwd=ROOT,
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            urls = process.stdout.readline().split()
            if len(urls) != 2:
                raise Broken(f"the upstream {name} did not start")
            yield urls[0], urls[1]
        finally:
            process.terminate()
            _ended(process)


def _ended(process: subprocess.Popen[str]) -> None:
    try:
        process.wait(END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(END)
