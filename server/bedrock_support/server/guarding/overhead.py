"""What the server itself costs while it does nothing for anybody: CPU and memory against what is promised."""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bedrock_support.routing.clock import Clock

MOST_CPU = 0.01
"""Share of one core."""
MOST_BYTES = 50 * 1024 * 1024
"""Growth since the server had started."""
SETTLE = 30.0
"""Seconds after the start before which nothing counts: libraries are still being loaded."""
IN_A_ROW = 3
"""Samples above a limit before something is done."""
log = logging.getLogger(__name__)


def cpu_seconds() -> float:
    """CPU time of this process so far."""
    spent = os.times()
    return spent.user + spent.system


def resident_bytes() -> int | None:
    """Memory of this process that is in RAM; None where the system doesn't tell (proc(5))."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def release() -> None:
    """Give back what can be given back: garbage, and with glibc the free memory that it keeps."""
    gc.collect()
    if sys.platform == "linux":
        import ctypes

        try:
            ctypes.CDLL(None).malloc_trim(0)
        except (OSError, AttributeError):
            log.debug("this C library has no malloc_trim")


@dataclass(slots=True, kw_only=True)
class Overhead:
    """Samples only stretches in which no tool ran and no call was under way. For one thread."""

    clock: Clock
    uses: Callable[[], int]
    """Grows with every call that begins or ends: two equal numbers mean that nothing ran between."""
    busy: Callable[[], bool]
    cpu: Callable[[], float] = cpu_seconds
    memory: Callable[[], int | None] = resident_bytes
    free: Callable[[], None] = release
    share: float | None = None
    """CPU of the last idle stretch, as a share of one core; None without one."""
    growth: int | None = None
    """Bytes in RAM above those after the start; None where unknown."""
    relieved: bool = False
    """Whether what isn't needed, such as probes, should rest."""
    _began: float = field(init=False)
    _base: int | None = None
    _last: tuple[float, float, int] | None = None
    _above: int = 0
    _heavy: int = 0

    def __post_init__(self) -> None:
        self._began = self.clock.now()

    def sample(self) -> None:
        """One look; call it every few seconds."""
        now, spent, uses = self.clock.now(), self.cpu(), self.uses()
        last, self._last = self._last, (now, spent, uses)
        if now - self._began < SETTLE or last is None or self.busy() or last[2] != uses or now <= last[0]:
            return
        self.share = (spent - last[1]) / (now - last[0])
        self._cpu()
        if (resident := self.memory()) is not None:
            if self._base is None:
                self._base = resident
            self.growth = resident - self._base
            self._memory()

    def report(self) -> dict[str, object]:
        """For health; None is unknown."""
        return {
            "idle_cpu_share": None if self.share is None else round(self.share, 4),
            "idle_cpu_limit": MOST_CPU,
            "memory_growth_bytes": self.growth,
            "memory_growth_limit": MOST_BYTES,
            "relieved": self.relieved,
        }

    def _cpu(self) -> None:
        above = self.share is not None and self.share > MOST_CPU
        self._above = self._above + 1 if above else 0
        if self._above >= IN_A_ROW and not self.relieved:
            log.warning("idle CPU is %.1f %%, promised %.0f %%: probes rest", 100 * (self.share or 0), 100 * MOST_CPU)
            self.relieved = True
        elif not above:
            self.relieved = False

    def _memory(self) -> None:
        heavy = self.growth is not None and self.growth > MOST_BYTES
        self._heavy = self._heavy + 1 if heavy else 0
        if self._heavy == IN_A_ROW:
            log.warning("memory grew by %.0f MB, promised %.0f: freeing", (self.growth or 0) / 1e6, MOST_BYTES / 1e6)
            self.free()
