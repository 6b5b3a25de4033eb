"""manage_queue as an agent meets it, and the command `queue`."""

from __future__ import annotations

import argparse
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from pydantic import ValidationError

from bedrock_support.routing.clock import SystemClock, SystemEntropy
from bedrock_support.routing.matrix import shipped
from bedrock_support.routing.model import OperationClass
from bedrock_support.routing.queue.message_queue import MessageQueue
from bedrock_support.routing.queue.store import QueueStore
from bedrock_support.server.queue_cli import add_queue_parser
from bedrock_support.server.settings import Settings
from bedrock_support.server.wiring import build
from bedrock_support.tools.base import InputError, ToolContext
from bedrock_support.tools.manage_queue import QueueInput, QueueResult, manage_queue
from tests.fakes import CountingEntropy, FakeClock
from tests.promises import promise
from tests.triage_rig import FakeJudge, Steps

TOPIC = "agent:kiro"


async def without_secrets(text: str) -> str:
    return text.replace("secret", "***")


class Rig:
    """The tool at a queue of its own."""

    def __init__(self, path: Path) -> None:
        self.clock = FakeClock()
        self.queue = MessageQueue(path, self.clock, CountingEntropy())
        self.agent = "Kiro"
        self.tool = manage_queue(self.queue, without_secrets)

    async def __call__(self, action: str, **given: Any) -> QueueResult:
        context = ToolContext(
            call_id="c",
            roots=(),
            clock=self.clock,
            op_class=OperationClass.STANDARD,
            rule=shipped().rules[OperationClass.STANDARD],
            started=self.clock.now(),
            deadline=self.clock.now() + 30,
            progress=Steps(),
            judge=FakeJudge({}),
            agent=self.agent,
            workers=anyio.CapacityLimiter(1),
        )
        return await self.tool.run(context, QueueInput.model_validate({"action": action, **given}))


@asynccontextmanager
async def rigged(folder: Path) -> AsyncGenerator[Rig]:
    rig = Rig(folder / "queue.db")
    try:
        yield rig
    finally:
        await rig.queue.aclose()


@promise("queue:tool")
async def test_an_agent_claims_and_completes(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        sent = await rig.queue.enqueue(TOPIC, "look at the log", key="k1")
        claimed = await rig("claim", lease_s=60)
        [message] = claimed.messages
        assert (message.id, message.payload, message.idempotency_key) == (sent.id, "look at the log", "k1")
        assert message.lease_token
        assert message.lease_token in rig.tool.summary(claimed)
        assert (await rig("claim")).said == "nothing waits for you"
        await rig("complete", message_id=message.id, token=message.lease_token, result="pool too small")
        seen = await rig("inspect", message_id=message.id)
        assert (seen.messages[0].state, seen.messages[0].result) == ("done", "pool too small")
        assert seen.messages[0].lease_token is None
        assert seen.trace_id is None


@promise("queue:tool", "queue:dead-letters")
async def test_an_agent_mends_dead_letters(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        ids = [(await rig.queue.enqueue(TOPIC, f"m{n}")).id for n in range(3)]
        for message in (await rig("claim", limit=3)).messages:
            given = {"message_id": message.id, "token": message.lease_token}
            failed = await rig("fail", **given, reason="no disk", retry_after_s=86400)
            assert failed.said.endswith("is a dead letter now")
        first = await rig("list_dead", limit=2)
        assert [each.id for each in first.messages] == ids[:2]
        assert "expired: no disk" in rig.tool.summary(first)
        rest = await rig("list_dead", limit=2, after=first.messages[-1].number)
        assert [each.id for each in rest.messages] == ids[2:]
        assert (await rig("requeue", ids=[ids[0]], live_s=50)).changed == 1
        assert (await rig.queue.inspect(ids[0])).deadline == rig.clock.wall() + 50
        assert (await rig("discard", ids=[ids[1]])).changed == 1
        assert (await rig("requeue", ids="all")).changed == 1
        told = await rig("stats")
        assert told.numbers
        assert told.numbers.by_state["waiting"] == 2
        assert told.said == "2 of 1000 messages waiting or leased, 0 dead letters"
        [again] = (await rig("claim")).messages
        waits = await rig("fail", message_id=again.id, token=again.lease_token, reason="later")
        assert waits.said.endswith("waits again")


@promise("queue:tool")
async def test_wrong_arguments_are_told_so_that_they_can_be_mended(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        mistakes: list[tuple[str, dict[str, Any], str]] = [
            ("send", {"message": "m"}, "to"),
            ("send", {"to": "kiro"}, "message"),
            ("inspect", {}, "message_id"),
            ("requeue", {}, "ids"),
            ("discard", {"ids": []}, "ids"),
            ("complete", {"message_id": "m"}, "token"),
            ("fail", {"message_id": "m", "token": "t"}, "reason"),
            ("complete", {"message_id": "m", "token": "stale"}, "token"),
            ("inspect", {"message_id": "m"}, "action"),
        ]
        for action, given, field in mistakes:
            with pytest.raises(InputError) as wrong:
                await rig(action, **given)
            assert wrong.value.field == field, action
            assert "stale" not in str(wrong.value)
        with pytest.raises(ValidationError):
            await rig("explode")


@promise("queue:tool")
async def test_nobody_touches_anothers_messages(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        kiros = (await rig.queue.enqueue(TOPIC, "for kiro", deadline=rig.clock.wall() + 1)).id
        rig.clock.time += 1
        await rig.queue.enqueue(TOPIC, "more")
        rig.agent = "other"
        assert (await rig("claim")).messages == ()
        assert (await rig("list_dead")).messages == ()
        assert (await rig("discard", ids="all")).changed == 0
        for action, given in (("inspect", {"message_id": kiros}), ("discard", {"ids": [kiros]})):
            with pytest.raises(InputError, match="none of your messages"):
                await rig(action, **given)
        rig.agent = ""
        for action in ("claim", "list_dead"):
            with pytest.raises(InputError, match="no message belongs to you"):
                await rig(action)
        rig.agent = "kiro"
        with pytest.raises(InputError, match="past their deadline") as late:
            await rig("requeue", ids=[kiros])
        assert late.value.field == "live_s"
        assert (await rig("discard", ids="all")).changed == 1


@promise("queue:tool", "queue:redacted")
async def test_a_message_waits_for_an_absent_agent_without_its_secrets(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        rig.agent = ""
        note: dict[str, Any] = {"to": "KIRO ", "message": "the secret is out", "key": "k", "priority": "high"}
        assert (await rig("send", **note, live_s=60)).changed == 1
        assert (await rig("send", **note)).said.endswith("was sent before and is waiting")
        rig.agent = "kiro"
        [got] = (await rig("claim")).messages
        assert (got.payload, got.priority) == ("the *** is out", "high")
        await rig("complete", message_id=got.id, token=got.lease_token, result="my secret")
        assert (await rig.queue.inspect(got.id)).result == "my ***"


@promise("queue:redacted")
async def test_the_house_offers_the_queue_only_where_it_has_a_file(tmp_path: Path) -> None:
    assert "manage_queue" not in {each.name for each in build(Settings()).catalog}
    house = build(Settings(queue_file=tmp_path / "queue.db"))
    assert house.queue
    tool = next(each for each in house.catalog if each.name == "manage_queue")
    assert not (tmp_path / "queue.db").exists()
    rig = Rig(tmp_path / "other.db")
    rig.queue, rig.tool = house.queue, tool
    for changed in (1, 0):
        sent = await rig("send", to="kiro", message="mail anna.schmidt@firma-mueller.de", key="k")
        assert sent.changed == changed
    await house.aclose()
    assert b"anna.schmidt" not in (tmp_path / "queue.db").read_bytes()


def command(*words: str, default: Path) -> int:
    parser = argparse.ArgumentParser()
    add_queue_parser(parser.add_subparsers(required=True), lambda: default)
    arguments = parser.parse_args(["queue", *words])
    return int(arguments.run(arguments))


@pytest.fixture
def dead(tmp_path: Path) -> tuple[Path, list[str]]:
    """A file with three dead letters."""
    path = tmp_path / "queue.db"
    store = QueueStore(path, SystemClock(), SystemEntropy())
    for each in range(3):
        store.enqueue(TOPIC, f"m{each}\x1b[31m")
    ids: list[str] = []
    for held in store.leases.lease([TOPIC], "w", 60, 3):
        store.leases.fail(held.id, held.token, "no disk", 10 * 86400)
        ids.append(held.id)
    store.close()
    return path, ids


@promise("queue:command", "queue:dead-letters")
def test_the_command_shows_and_mends(dead: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    path, ids = dead
    assert command("stats", default=path) == 0
    assert "dead 3" in capsys.readouterr().out
    assert command("dead", "--limit", "2", "--json", default=path) == 0
    page = json.loads(capsys.readouterr().out)
    assert [each["id"] for each in page] == ids[:2]
    assert command("dead", "--after", str(page[-1]["number"]), default=path) == 0
    assert ids[2] in capsys.readouterr().out
    assert command("inspect", ids[0], "--file", str(path), default=path.with_name("other.db")) == 0
    shown = capsys.readouterr().out
    assert "no disk" in shown
    assert "\x1b" not in shown
    assert command("requeue", ids[0], default=path) == 0
    assert command("discard", ids[1], "--json", default=path) == 0
    assert capsys.readouterr().out.endswith('"changed": 1\n}\n')
    assert command("requeue", "--all", default=path) == 0
    assert command("stats", "--json", default=path) == 0
    assert json.loads(capsys.readouterr().out.partition("\n")[2])["states"]["waiting"] == 2


@promise("queue:command")
def test_the_command_says_what_is_wrong(dead: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    path, ids = dead
    assert command("inspect", "no such", default=path) == 1
    assert "no message has the id" in capsys.readouterr().err
    assert command("stats", "--file", str(path.with_name("none.db")), default=path) == 1
    assert "no queue there" in capsys.readouterr().err
    assert not path.with_name("none.db").exists()
    assert command("discard", default=path) == 2
    assert command("discard", ids[0], "--all", default=path) == 2
    assert "give either ids or --all" in capsys.readouterr().err
    with pytest.raises(SystemExit) as left:
        command("dead", "--limit", "many", default=path)
    assert left.value.code == 2


@promise("gate:words")
@pytest.mark.parametrize("given", [{"to": "secret agent"}, {"to": "kiro", "key": "secret key"}])
async def test_what_must_be_found_again_may_not_be_personal(tmp_path: Path, given: dict[str, str]) -> None:
    async with rigged(tmp_path) as rig:
        with pytest.raises(InputError) as refused:
            await rig("send", message="hello", **given)
        assert "secret agent" not in str(refused.value)
        assert (await rig("send", to="kiro", key="k", message="hello")).changed == 1
