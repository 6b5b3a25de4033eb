"""NoticeDesk: takes notices at once and delivers them in the background; nothing here holds anybody up."""

from __future__ import annotations

import logging
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import anyio

from bedrock_support.routing.clock import Clock, Entropy
from bedrock_support.routing.redaction import blanked
from bedrock_support.server.notices.notice import Kind, Notice, Target, Undelivered

QUIET = 600.0
"""Seconds in which the same kind about the same thing is told once."""
ROOM = 100
"""Notices that wait for one target; beyond it the oldest gives way."""
PAUSES = (1.0, 5.0, 30.0)
"""Seconds before each further try."""
EACH = 15.0
"""Seconds one try may take."""
KNOWN = 500
"""Kinds and things remembered for telling repeats."""
log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class _Lane:
    """One target and what waits for it: a slow one holds no other up."""

    target: Target
    waiting: deque[Notice] = field(default_factory=deque[Notice])
    fresh: anyio.Event = field(default_factory=anyio.Event)
    ended: anyio.Event = field(default_factory=anyio.Event)
    """One delivery has; each has its own event."""
    busy: bool = False
    delivered: int = 0
    failed: int = 0
    dropped: int = 0

    def put(self, notice: Notice) -> None:
        if len(self.waiting) >= ROOM:
            self.waiting.popleft()
            self.dropped += 1
        self.waiting.append(notice)
        self.fresh.set()

    async def run(self) -> None:
        while True:
            await self.fresh.wait()
            self.fresh = anyio.Event()
            while self.waiting:
                self.busy = True
                try:
                    await self._deliver(self.waiting.popleft())
                finally:
                    self.busy = False
                    self.ended.set()
                    self.ended = anyio.Event()

    async def _deliver(self, notice: Notice) -> None:
        why: Undelivered | None = None
        for pause in (0.0, *PAUSES):
            await anyio.sleep(pause)
            why = await _tried(self.target, notice)
            if why is None:
                self.delivered += 1
                return
            if why.lasting:
                break
        self.failed += 1
        log.warning("%s did not take notice %s (%s): %s", self.target.name, notice.id, notice.subject, why)


class NoticeDesk:
    """For one event loop."""

    def __init__(self, targets: Sequence[Target], clock: Clock, entropy: Entropy) -> None:
        self._lanes = [_Lane(each) for each in targets]
        self._clock = clock
        self._entropy = entropy
        self._told: OrderedDict[tuple[Kind, str], tuple[float, int]] = OrderedDict()

    @property
    def has_targets(self) -> bool:
        return bool(self._lanes)

    def tell(self, kind: Kind, about: str, text: str) -> None:
        """Take a notice. Returns at once; repeats within QUIET are counted and told with the next."""
        if not self.has_targets:
            return
        now, key = self._clock.now(), (kind, about)
        at, repeats = self._told.get(key, (now - QUIET, 0))
        if now - at < QUIET:
            self._told[key] = at, repeats + 1
            return
        self._told[key] = now, 0
        self._told.move_to_end(key)
        while len(self._told) > KNOWN:
            self._told.popitem(last=False)
        name = f"n-{self._entropy.token()[:16]}"
        # Reasons of stops and texts of alerts are people's words.
        notice = Notice(
            id=name, kind=kind, about=blanked(about), text=blanked(text), at=self._clock.wall(), repeats=repeats
        )
        for lane in self._lanes:
            lane.put(notice)

    async def run(self) -> None:
        """Deliver. Runs until cancelled; what waits then is lost, so `drain` first where that matters."""
        async with anyio.create_task_group() as group:
            for lane in self._lanes:
                group.start_soon(lane.run)

    async def drain(self, seconds: float) -> bool:
        """Wait until all is delivered or given up; False when that takes longer."""
        with anyio.move_on_after(seconds):
            for lane in self._lanes:
                while lane.waiting or lane.busy:
                    await lane.ended.wait()
            return True
        return False

    def report(self) -> dict[str, object]:
        """Counts since the start by target."""
        return {
            lane.target.name: {
                "delivered": lane.delivered,
                "failed": lane.failed,
                "dropped": lane.dropped,
                "waiting": len(lane.waiting) + lane.busy,
            }
            for lane in self._lanes
        }


async def _tried(target: Target, notice: Notice) -> Undelivered | None:
    try:
        with anyio.fail_after(EACH):
            await target.send(notice)
    except Undelivered as error:
        return error
    except TimeoutError:
        return Undelivered(f"no answer within {EACH:.0f} s")
    return None
