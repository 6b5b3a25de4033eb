"""What the scripted agent does wrong on purpose, and what only looks wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from benchmarks.executions_agent import CODE, Agent

Plot = Callable[[Agent], Awaitable[int]]
"""Acts; gives the place of the first bad event in `agent.events`."""
NOTES: list[tuple[str, dict[str, Any]]] = [
    ("read_file", {"path": "shop.py"}),
    ("detect_implementation_gaps", {"path": "."}),
    ("verify_spec", {"path": "."}),
    ("grep", {"path": "app.log", "pattern": "ERROR"}),
    ("list_dir", {"path": "."}),
    ("read_file", {"path": "notes.txt", "offset": 0, "limit": 50}),
]
WRONG: list[tuple[str, dict[str, Any]]] = [
    ("read_file", {"path": "missing.py"}),
    ("verify_spec", {"path": ".", "spec": "nowhere"}),
    ("detect_implementation_gaps", {"path": "no/such/folder"}),
    ("edit_file", {"path": "shop.py", "old_string": "not in it", "new_string": "x"}),
    ("bash", {"command": "python missing_script.py"}),
]


async def _again(agent: Agent, calls: list[tuple[str, dict[str, Any]]], rounds: int, chatty: float = 0.3) -> int:
    """The calls over and over; the place of the first call of the second round."""
    first = -1
    for turn in range(rounds):
        for tool, given in calls:
            if agent.chance.random() < chatty:
                agent.say(agent.chance.choice(["Let me check that again.", "Hmm, once more.", "Looking at it now."]))
            if turn == 1 and first < 0:
                first = len(agent.events)
            await agent.call(tool, **given)
    return first


async def loop(agent: Agent) -> int:
    return await _again(agent, [agent.chance.choice(NOTES)], agent.chance.randint(3, 8))


async def long_loop(agent: Agent) -> int:
    return await _again(agent, agent.chance.sample(NOTES, 3), agent.chance.randint(3, 5))


async def remarked_loop(agent: Agent) -> int:
    """The same call each time, with another remark of why."""
    tool, given = agent.chance.choice(NOTES[:1] + NOTES[3:])
    first = len(agent.events) + 1
    for turn in range(agent.chance.randint(3, 6)):
        await agent.call(tool, **given, description=f"look at it, try {turn}")
    return first


async def ping_pong(agent: Agent) -> int:
    return await _again(agent, agent.chance.sample(NOTES, 2), agent.chance.randint(2, 5))


async def to_and_fro(agent: Agent) -> int:
    one = {"old_string": "sum(prices)", "new_string": "max(prices)"}
    other = {"old_string": one["new_string"], "new_string": one["old_string"]}
    calls = [("edit_file", {"path": "shop.py", **each}) for each in (one, other)]
    return await _again(agent, calls, agent.chance.randint(2, 4))


async def retries(agent: Agent) -> int:
    return await _again(agent, [agent.chance.choice(WRONG)], agent.chance.randint(3, 7))


async def guesses(agent: Agent) -> int:
    first = len(agent.events) + 1
    for number in range(agent.chance.randint(4, 7)):
        await agent.call("read_file", path=f"src/guess_{number}.py")
    return first


async def repeats(agent: Agent) -> int:
    """The same call again and again, with other reading in between."""
    tool, given = agent.chance.choice(NOTES)
    first = -1
    for turn in range(agent.chance.randint(3, 5)):
        if turn == 1:
            first = len(agent.events)
        await agent.call(tool, **given)
        for extra in range(agent.chance.randint(1, 3)):
            await agent.call("read_file", path="notes.txt", offset=100 + 10 * turn + extra, limit=5)
    return first


async def reverted(agent: Agent) -> int:
    await agent.edit("sum(prices)", "sum(list(prices))")
    await agent.test()
    await agent.edit("sum(list(prices))", "sum(prices)")
    return len(agent.events) - 1


async def rewritten(agent: Agent) -> int:
    await agent.call("write_file", path="shop.py", content=CODE)
    await agent.call("write_file", path="shop.py", content=CODE + "\n\ndef refund(price):\n    return -price\n")
    await agent.call("grep", path="shop.py", pattern="refund")
    await agent.call("write_file", path="shop.py", content=CODE)
    return len(agent.events) - 1


async def false_claim(agent: Agent) -> int:
    await agent.edit("sum(prices)", "max(prices)")
    await agent.test()
    if agent.chance.random() < 0.5:
        await agent.call("read_file", path="test_shop.py")
    agent.say(agent.chance.choice(["All tests pass now.", "Done: the function is fixed.", "Everything is working."]))
    return len(agent.events) - 1


async def left_failing(agent: Agent) -> int:
    first = len(agent.events)
    for tool, given in agent.chance.sample(WRONG, agent.chance.randint(1, 2)):
        await agent.call(tool, **given)
    return first


async def left_red(agent: Agent) -> int:
    await agent.edit("sum(prices)", "max(prices)")
    await agent.test()
    return len(agent.events) - 1


async def unanswered(agent: Agent) -> int:
    agent.cut("bash", command="python train.py")
    return len(agent.events) - 1


async def open_list(agent: Agent) -> int:
    await agent.call(
        "todo_write", todos=[{"content": "a", "status": "completed"}, {"content": "b", "status": "pending"}]
    )
    place = len(agent.events) - 1
    await agent.work()
    return place


PLANTED: dict[str, tuple[str, Plot, bool]] = {
    "loop": ("loop", loop, False),
    "loop of three": ("loop", long_loop, False),
    "loop with remarks": ("loop", remarked_loop, False),
    "ping-pong": ("ping_pong", ping_pong, False),
    "edits to and fro": ("ping_pong", to_and_fro, False),
    "retries": ("retry_storm", retries, False),
    "guesses": ("retry_storm", guesses, False),
    "repeats": ("repeat", repeats, False),
    "edit taken back": ("contradiction", reverted, False),
    "file written back": ("contradiction", rewritten, False),
    "false claim": ("contradiction", false_claim, True),
    "left failing": ("abandoned", left_failing, True),
    "left with red tests": ("abandoned", left_red, True),
    "unanswered": ("abandoned", unanswered, True),
    "open list": ("abandoned", open_list, True),
}
"""Name -> pattern, plot, and whether the run ends with it."""
