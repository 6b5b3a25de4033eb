"""Bodies that build an answer and do nothing of what is promised are found; short honest ones aren't."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gaps_rig import WORKING, plant, scan, symbols
from tests.promises import promise

HOLLOW = {
    "a deed without a trace": '''
class Mailbox:
    def __init__(self, server):
        self.server = server

    def count(self):
        return self.server.count()

    def deliver(self, letter, recipient):
        """Deliver a letter to the recipient over the server."""
        return {"delivered": True, "recipient": recipient}
''',
    "guards and then success": '''
class Locks:
    def __init__(self, table):
        self.table = table

    def holders(self):
        return sorted(self.table)

    def release(self, name):
        """Release the lock in the table."""
        if not name:
            raise ValueError("name is missing")
        return True
''',
    "turns that only count": '''
class Queue:
    def __init__(self, jobs):
        self.jobs = jobs

    def sizes(self):
        return [len(job.parts) for job in self.jobs]

    def cancel(self, owner):
        """Cancel every job of the owner; returns how many."""
        cancelled = 0
        for job in self.jobs:
            cancelled += 1
        return cancelled
''',
    "a question that nothing is asked for": '''
def detect_language(pages, fallback):
    """Detect the language of the pages by their trigrams."""
    texts = [page for page in pages]
    return fallback


def title(pages):
    return detect_language(pages, "en") + pages[0].title
''',
}
HONEST = {
    "a name built of parts": """
def archive_name(bucket, day):
    return f"s3://{bucket}/{day}.tar.gz"
""",
    "a deed done by somebody else": '''
class Mailbox:
    def __init__(self, server):
        self.server = server

    def deliver(self, letter, recipient):
        """Deliver a letter to the recipient over the server."""
        reply = self.server.post(recipient, letter)
        return {"delivered": reply.ok, "recipient": recipient}
''',
    "what is kept": '''
class Book:
    def __init__(self):
        self.pages = {}

    def record(self, number, page):
        """Record a page under its number."""
        self.pages[number] = page
        return True
''',
    "own state": '''
class Door:
    def __init__(self):
        self.shut = True

    def is_shut(self):
        """Whether the door is shut."""
        return self.shut
''',
    "a name that belongs to a base": '''
class Policy:
    def validate(self, item, limit):
        return len(item) < limit

class Lenient(Policy):
    """Lets everything through."""

    def validate(self, item, limit):
        return True
''',
    "telling is the deed": '''
def write_greeting(name):
    """Write a greeting to the terminal."""
    print(f"Hello {name}")
''',
}


@promise("gaps:unmet")
@pytest.mark.parametrize("sort", HOLLOW)
async def test_a_promise_that_the_body_does_not_keep_is_found(tmp_path: Path, sort: str) -> None:
    found = await scan(plant(tmp_path, {"app/part.py": WORKING + HOLLOW[sort]}))
    assert len(found.gaps) == 1
    assert found.gaps[0].symbol in ("Mailbox.deliver", "Locks.release", "Queue.cancel", "detect_language")
    assert found.gaps[0].detail


@promise("gaps:unmet")
@pytest.mark.parametrize("sort", HONEST)
async def test_a_short_body_that_does_what_it_says_is_no_finding(tmp_path: Path, sort: str) -> None:
    assert symbols(await scan(plant(tmp_path, {"app/part.py": WORKING + HONEST[sort]}))) == {}
