"""What a plan looks like in an answer. Apart from the work, which a server's start must not wait for."""

from __future__ import annotations

from typing import Literal

from bedrock_support.tools.envelope import Result

Risk = Literal["low", "medium", "high"]


class Change(Result):
    """One place to change."""

    file: str
    line: int | None = None
    what: str


class Patch(Result):
    """A change worked out to the line. It applies to the files as they are now, after those before it."""

    by: Literal["derived", "proposed", "yours"]
    files: list[str]
    why: str
    diff: str


class Step(Result):
    """One step of the plan; one file, or one thing to look into."""

    id: str
    title: str
    finding_ids: list[str]
    changes: list[Change]
    after: list[str]
    patches: list[Patch]
    tests: list[str]
    risk: Risk
    risk_reasons: list[str]
    rollback: str


class Run(Result):
    """One command in the worktree."""

    command: str
    exit_code: int | None = None
    seconds: float
    output: str
    late: bool
    before: int | None = None
    """Exit code without the patches; asked only when the command failed with them."""


class Trial(Result):
    """What came of it."""

    verdict: Literal["passed", "failed", "failed_before_too", "untested", "not_applied", "refused"]
    runs: list[Run]
    note: str
