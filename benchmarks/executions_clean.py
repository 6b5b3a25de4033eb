"""What looks like going round in circles and is work."""

from __future__ import annotations

from benchmarks.executions_agent import Agent
from benchmarks.executions_plots import WRONG, Plot


async def polling(agent: Agent) -> int:
    for number in range(agent.chance.randint(3, 9)):
        await agent.call("job_status", path="app.log", job="import")
        agent.grow("app.log", f"row {number}\n")
    return -1


async def waiting(agent: Agent) -> int:
    """Nothing new for a while, then what was waited for."""
    for _ in range(agent.chance.randint(2, 6)):
        await agent.call("job_status", path="app.log", job="import")
    agent.grow("app.log", "done\n")
    await agent.call("job_status", path="app.log", job="import")
    return -1


async def paging(agent: Agent) -> int:
    for offset in range(0, 40 * agent.chance.randint(4, 10), 40):
        await agent.call("read_file", path="notes.txt", offset=offset, limit=40)
    return -1


async def mending(agent: Agent) -> int:
    """Edit, run the tests, edit again, until they pass."""
    past = "sum(prices)"
    for number in range(agent.chance.randint(2, 4)):
        new = f"sum(prices) + {number + 1}"
        await agent.edit(past, new)
        await agent.test()
        past = new
    await agent.edit(past, "sum(list(prices))")
    await agent.test()
    agent.say("All tests pass now.")
    return -1


async def looking_again(agent: Agent) -> int:
    """Read the file again after each edit."""
    past = "sum(prices)"
    for number in range(agent.chance.randint(2, 4)):
        await agent.call("read_file", path="shop.py")
        new = f"sum(prices[{number}:])"
        await agent.edit(past, new)
        past = new
    return -1


async def scanning_again(agent: Agent) -> int:
    """The server's own tool after each change."""
    for number in range(3):
        await agent.call("detect_implementation_gaps", path=".")
        await agent.call("write_file", path=f"more{number}.py", content=f"def more{number}(a):\n    return a\n")
    return -1


async def second_try(agent: Agent) -> int:
    tool, given = agent.chance.choice(WRONG[:3])
    for _ in range(2):
        await agent.call(tool, **given)
    await agent.call("list_dir", path=".")
    return -1


async def second_look(agent: Agent) -> int:
    await agent.call("read_file", path="shop.py")
    await agent.call("read_file", path="test_shop.py")
    await agent.call("read_file", path="shop.py")
    await agent.call("grep", path="shop.py", pattern="mean")
    return -1


async def checklist(agent: Agent) -> int:
    for done in range(4):
        states = ["completed"] * done + ["pending"] * (3 - done)
        await agent.call("todo_write", todos=[{"content": str(i), "status": s} for i, s in enumerate(states)])
        await agent.work(1, 1)
    return -1


async def plain_work(agent: Agent) -> int:
    await agent.work(3, 6)
    return -1


async def honest_end(agent: Agent) -> int:
    """Ends on a failure, and says so."""
    await agent.edit("sum(prices)", "max(prices)")
    await agent.test()
    agent.say("One test still fails: I couldn't make mean agree with it. Please tell me which is right.")
    return -1


CLEAN: dict[str, tuple[Plot, bool]] = {
    "polling": (polling, False),
    "waiting": (waiting, False),
    "paging": (paging, False),
    "tests after edits": (mending, False),
    "reading after edits": (looking_again, False),
    "scanning after changes": (scanning_again, False),
    "a second try": (second_try, False),
    "a second look": (second_look, False),
    "a list worked off": (checklist, False),
    "plain work": (plain_work, False),
    "an honest end": (honest_end, True),
}
"""Name -> plot, and whether the run ends with it, which needs words."""
