"""Notices: taken at once, told once, delivered in the background."""

from __future__ import annotations

from collections.abc import Callable

import anyio
import pytest

from bedrock_support.routing.model import Failure, FailureKind, Outcome
from bedrock_support.server.notices import desk as desk_module
from bedrock_support.server.notices.alerts import AlertWatch
from bedrock_support.server.notices.desk import QUIET, ROOM, NoticeDesk
from bedrock_support.server.notices.notice import Kind, Notice, Undelivered
from bedrock_support.server.notices.webhook import is_public
from bedrock_support.telemetry.slo.board import Board
from tests.fakes import CountingEntropy, FakeClock, operation, reply
from tests.promises import promise


class Place:
    """A target that does what the test says."""

    def __init__(self, do: Callable[[int], None] = lambda _: None, name: str = "place") -> None:
        self.name = name
        self.got: list[Notice] = []
        self.tries = 0
        self._do = do

    async def send(self, notice: Notice) -> None:
        self.tries += 1
        self._do(self.tries)
        self.got.append(notice)


class Hanging(Place):
    async def send(self, notice: Notice) -> None:
        self.tries += 1
        await anyio.sleep_forever()


async def delivered(desk: NoticeDesk, seconds: float = 5.0) -> bool:
    done = False
    async with anyio.create_task_group() as group:
        group.start_soon(desk.run)
        done = await desk.drain(seconds)
        group.cancel_scope.cancel()
    return done


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_module, "PAUSES", (0.0, 0.0, 0.0))


@promise("notices:once")
async def test_the_same_about_the_same_is_told_once_and_counted() -> None:
    place, clock = Place(), FakeClock()
    desk = NoticeDesk([place], clock, CountingEntropy())
    for _ in range(3):
        desk.tell(Kind.STOPPED, "STOP.direct", "why")
    desk.tell(Kind.STOPPED, "STOP.mcp", "why")
    clock.time += QUIET
    desk.tell(Kind.STOPPED, "STOP.direct", "again")
    assert await delivered(desk)
    assert [(each.about, each.text, each.repeats) for each in place.got] == [
        ("STOP.direct", "why", 0),
        ("STOP.mcp", "why", 0),
        ("STOP.direct", "again", 2),
    ]


@promise("notices:retried")
@pytest.mark.usefixtures("quick")
async def test_what_may_pass_is_tried_again_and_what_lasts_is_not() -> None:
    def passing(tries: int) -> None:
        if tries < 4:
            raise Undelivered("status 503")

    def lasting(_: int) -> None:
        raise Undelivered("status 400", lasting=True)

    def never(_: int) -> None:
        raise Undelivered("status 503")

    places = [Place(passing, "a"), Place(lasting, "b"), Place(never, "c")]
    desk = NoticeDesk(places, FakeClock(), CountingEntropy())
    desk.tell(Kind.ALERT, "errors", "burns")
    assert await delivered(desk)
    assert [each.tries for each in places] == [4, 1, 4]
    assert {name: (counts["delivered"], counts["failed"]) for name, counts in _counts(desk).items()} == {
        "a": (1, 0),
        "b": (0, 1),
        "c": (0, 1),
    }


def _counts(desk: NoticeDesk) -> dict[str, dict[str, int]]:
    return {name: dict(counts) for name, counts in desk.report().items()}  # type: ignore[call-overload]


@promise("notices:never-blocking")
async def test_a_hanging_target_holds_no_other_up_and_room_is_bounded() -> None:
    slow, fast = Hanging(name="slow"), Place(name="fast")
    desk = NoticeDesk([slow, fast], FakeClock(), CountingEntropy())
    for number in range(ROOM + 5):
        desk.tell(Kind.SWITCHED, f"flag {number}", "on")
    assert not await delivered(desk, 0.3)
    assert len(fast.got) == ROOM
    assert fast.got[0].about == "flag 5", "the oldest gave way"
    assert slow.tries == 1


def test_without_targets_nothing_is_kept() -> None:
    desk = NoticeDesk((), FakeClock(), CountingEntropy())
    desk.tell(Kind.STOPPED, "STOP.all", "x")
    assert desk.report() == {}


@promise("notices:ssrf")
@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),  # noqa: S104 - looked at, not bound
        ("224.0.0.1", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fd00:ec2::254", False),
        ("::ffff:169.254.169.254", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("2002:a9fe:a9fe::1", False),
    ],
)
def test_only_addresses_of_the_open_internet_are_public(address: str, *, public: bool) -> None:
    assert is_public(address) is public


@promise("notices:told")
def test_an_alert_is_told_when_it_fires_and_when_it_is_over() -> None:
    clock, place = FakeClock(), Place()
    board, desk = Board(clock), NoticeDesk([place], clock, CountingEntropy())
    watch = AlertWatch(board=board, desk=desk)
    watch.look()
    assert _waiting(desk) == 0
    good = Outcome(operation=operation(), reply=reply(), seconds=1.0)
    bad = Outcome(operation=operation(), failure=Failure(kind=FailureKind.TIMEOUT, message="late"), seconds=1.0)
    for _ in range(60):
        board.judged(bad)
    watch.look()
    told = _waiting(desk)
    assert told > 0
    watch.look()
    assert _waiting(desk) == told, "an alert that goes on is told once"
    clock.time += 3 * 24 * 3600 + 60
    for _ in range(200):
        board.judged(good)
    watch.look()
    assert _waiting(desk) > told


def _waiting(desk: NoticeDesk) -> int:
    return _counts(desk)["place"]["waiting"]
