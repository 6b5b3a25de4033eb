"""A scripted agent at work on a small repository: each call is made, and its real result is written down."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mcp.client import Client

from tests.rig import words
from tests.runs_rig import Event

CODE = "def total(prices):\n    return sum(prices)\n\n\ndef mean(prices):\n    return total(prices) / len(prices)\n"
TEST = (
    "import unittest\nfrom shop import mean, total\n\n\nclass Sums(unittest.TestCase):\n"
    "    def test_total(self):\n        self.assertEqual(total([1, 2]), 3)\n\n"
    "    def test_mean(self):\n        self.assertEqual(mean([2, 4]), 3)\n"
)
FILES = {
    "shop.py": CODE,
    "test_shop.py": TEST,
    "README.md": "# Shop\n\nAdds up prices with `total`.\n",
    "notes.txt": "".join(f"line {number} of the notes\n" for number in range(400)),
    ".kiro/specs/shop/tasks.md": "- [x] 1. Implement `total`\n- [x] 2. Implement `refund`\n",
    "app.log": "".join(
        f"2026-01-01T00:00:{number:02} {'ERROR pool exhausted' if number % 7 == 0 else 'INFO served'} in {number} ms\n"
        for number in range(60)
    ),
}
SERVED = ("detect_implementation_gaps", "verify_spec", "triage_incident")
UNITTEST = f"{sys.executable} -m unittest -q"


class Agent:
    """Has a repository of its own below the server's root, and a list of what it did."""

    def __init__(self, client: Client, root: Path, name: str, chance: random.Random) -> None:
        self.chance = chance
        self.events: list[Event] = []
        self._client = client
        self._name = name
        self._folder = root / name
        for path, text in FILES.items():
            place = self._folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")

    def say(self, text: str) -> None:
        """Write down what the agent says."""
        self.events.append(text)

    async def call(self, tool: str, /, **given: Any) -> bool:
        """Make a call and write it down; whether it succeeded."""
        result, ok = await self._made(tool, given)
        self.events.append((tool, given, result, ok))
        return ok

    def cut(self, tool: str, /, **given: Any) -> None:
        """A call whose result never came."""
        self.events.append((tool, given, None, True))

    async def _made(self, tool: str, given: Mapping[str, Any]) -> tuple[str, bool]:
        if tool in SERVED:
            asked = dict(given)
            asked["path"] = f"{self._name}/{asked.get('path', '.')}"
            if tool == "triage_incident":
                asked["paths"] = [asked.pop("path")]
            answer = await self._client.call_tool(tool, asked)
            return words(answer), not answer.is_error
        try:
            return self._local(tool, given), True
        except (OSError, ValueError) as error:
            return f"{type(error).__name__}: {error}".replace(str(self._folder), "."), False

    def _local(self, tool: str, given: Mapping[str, Any]) -> str:
        if tool == "todo_write":
            return f"{len(given['todos'])} entries kept"
        return self._ran(given["command"]) if tool == "bash" else self._filed(tool, given)

    def _ran(self, command: str) -> str:
        done = subprocess.run(
            command.split(), cwd=self._folder, capture_output=True, text=True, timeout=60, check=False
        )
        if done.returncode:
            raise ValueError(f"exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def _filed(self, tool: str, given: Mapping[str, Any]) -> str:
        place = self._folder / given.get("path", ".")
        if tool == "read_file":
            rows = place.read_text(encoding="utf-8").splitlines(keepends=True)
            first = given.get("offset", 0)
            return "".join(rows[first : first + given.get("limit", len(rows))])
        if tool == "list_dir":
            return "\n".join(sorted(each.name for each in place.iterdir()))
        if tool == "grep":
            rows = [row for row in place.read_text(encoding="utf-8").splitlines() if given["pattern"] in row]
            return "\n".join(rows)
        if tool == "edit_file":
            text = place.read_text(encoding="utf-8")
            if given["old_string"] not in text:
                raise ValueError("old_string is not in the file")
            place.write_text(text.replace(given["old_string"], given["new_string"], 1), encoding="utf-8")
            return "edited"
        if tool == "write_file":
            place.write_text(given["content"], encoding="utf-8")
            return f"{len(given['content'])} characters written"
        if tool == "job_status":
            return json.dumps({"job": given["job"], "lines": len(place.read_text(encoding="utf-8").splitlines())})
        raise ValueError(f"no tool {tool}")

    def grow(self, path: str, text: str) -> None:
        """Something outside the agent goes on: a job writes its log."""
        with (self._folder / path).open("a", encoding="utf-8") as file:
            file.write(text)

    async def edit(self, old: str, new: str, path: str = "shop.py") -> bool:
        return await self.call("edit_file", path=path, old_string=old, new_string=new)

    async def test(self) -> bool:
        """Run the tests of the repository."""
        return await self.call("bash", command=UNITTEST)

    async def work(self, least: int = 2, most: int = 5) -> None:
        """Some ordinary steps, none of them twice."""
        number = len(self.events)
        steps = [
            ("read_file", {"path": "notes.txt", "offset": number, "limit": 20}),
            ("grep", {"path": "notes.txt", "pattern": f"line {number}"}),
            ("read_file", {"path": "README.md", "offset": 0, "limit": 3 + number}),
            ("write_file", {"path": f"out{number}.txt", "content": f"result {number}\n"}),
            ("list_dir", {"path": ".", "depth": number}),
            ("grep", {"path": "app.log", "pattern": f":{number % 60:02} "}),
        ]
        self.chance.shuffle(steps)
        for tool, given in steps[: self.chance.randint(least, most)]:
            if self.chance.random() < 0.3:
                self.say(
                    self.chance.choice(["Let me look at the next place.", "I see the structure.", "Now the file."])
                )
            await self.call(tool, **given)
