"""The programs of the root-cause suite: services as processes, their load, their measurements, their faults."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


SERVICE = Path(__file__).with_name("rca_service.py")
PROGRAMS: dict[str, dict[str, tuple[str, tuple[str, ...]]]] = {
    "chain": {
        "gateway": ("serial", ("orders",)),
        "orders": ("serial", ("stock",)),
        "stock": ("serial", ("ledger",)),
        "ledger": ("store", ()),
    },
    "fan_out": {
        "front": ("parallel", ("users", "catalog", "adverts")),
        "users": ("serial", ()),
        "catalog": ("serial", ("prices",)),
        "adverts": ("serial", ()),
        "prices": ("serial", ()),
    },
    "shared_store": {
        "web": ("serial", ("cart", "search")),
        "cart": ("serial", ("database",)),
        "search": ("serial", ("database",)),
        "database": ("store", ()),
    },
}
"""For each service how it works and whom it calls; the first one takes the load."""
ASKERS, PAUSE, SAMPLE = 2, 0.02, 0.1


class Program:
    """A running program. `folder` gets spans.jsonl and, by `sample`, rows for metrics.csv."""

    def __init__(self, name: str, folder: Path) -> None:
        self.services = PROGRAMS[name]
        self.spans = folder / f"{name}-spans.jsonl"
        self.ports = {each: free_port() for each in self.services}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.rows: list[tuple[float, dict[str, tuple[float, float]]]] = []
        self.stopping = threading.Event()
        self.threads: list[threading.Thread] = []

    @property
    def front(self) -> str:
        return next(iter(self.services))

    def start(self, name: str) -> None:
        """Start one service in a process group of its own and wait until it answers."""
        mode, callees = self.services[name]
        known = [f"{each}={self.ports[each]}" for each in callees]
        command = [sys.executable, str(SERVICE), name, str(self.ports[name]), str(self.spans), mode, *known]
        self.processes[name] = subprocess.Popen(command, start_new_session=True)
        until = time.monotonic() + 15
        while not self.tell(name, "none"):
            if time.monotonic() > until:
                raise RuntimeError(f"{name} doesn't come up")
            time.sleep(0.02)

    def kill(self, name: str) -> None:
        process = self.processes.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=10)

    def tell(self, name: str, fault: str) -> bool:
        connection = HTTPConnection("127.0.0.1", self.ports[name], timeout=2)
        try:
            connection.request("PUT", f"/fault/{fault}")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    def load(self) -> None:
        """Ask the front, one request after another, until told to stop."""
        while not self.stopping.wait(PAUSE):
            connection = HTTPConnection("127.0.0.1", self.ports[self.front], timeout=3)
            with contextlib.suppress(OSError, HTTPException):
                connection.request("GET", "/")
                connection.getresponse()
            connection.close()

    def sample(self) -> None:
        """Note processor time and memory of each process, as the kernel has them."""
        while not self.stopping.wait(SAMPLE):
            row: dict[str, tuple[float, float]] = {}
            for name, process in list(self.processes.items()):
                with contextlib.suppress(OSError, IndexError, ValueError):
                    row[name] = usage(process.pid)
            self.rows.append((time.time(), row))


TICK, PAGE = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")


def usage(pid: int) -> tuple[float, float]:
    """Seconds of processor time so far, and resident bytes."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return (int(fields[11]) + int(fields[12])) / TICK, resident * PAGE


@contextmanager
def running(name: str, folder: Path) -> Generator[Program]:
    """The program under load; all its processes have ended afterwards."""
    program = Program(name, folder)
    try:
        for each in reversed(program.services):
            program.start(each)
        program.threads = [threading.Thread(target=program.load) for _ in range(ASKERS)]
        program.threads.append(threading.Thread(target=program.sample))
        for each in program.threads:
            each.start()
        yield program
    finally:
        program.stopping.set()
        for each in program.threads:
            each.join(timeout=10)
        for each in list(program.processes):
            program.kill(each)


def write_metrics(program: Program, start: float, end: float, path: Path) -> None:
    """Processor share and memory of each service between two moments, a column each."""
    names = list(program.services)
    lines = ["time," + ",".join(f"{each}.cpu_percent,{each}.memory_bytes" for each in names)]
    last: Mapping[str, tuple[float, float]] = {}
    before = 0.0
    for when, row in program.rows:
        if start <= when <= end:
            cells: list[str] = []
            for each in names:
                if each in row and each in last and row[each][0] >= last[each][0]:
                    cells.append(f"{(row[each][0] - last[each][0]) / (when - before) * 100:.1f}")
                else:
                    cells.append("")
                cells.append(f"{row[each][1]:.0f}" if each in row else "")
            lines.append(f"{when:.3f}," + ",".join(cells))
        last, before = row, when
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
