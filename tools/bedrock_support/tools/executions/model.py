"""The vocabulary: one step of an agent's run, and what is found in a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["read", "write", "test", "run", "say", "other"]
Pattern = Literal["loop", "ping_pong", "retry_storm", "repeat", "contradiction", "abandoned"]
PATTERNS: tuple[Pattern, ...] = ("loop", "ping_pong", "retry_storm", "repeat", "contradiction", "abandoned")
Severity = Literal["high", "medium", "low"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What is known of a call from its name and arguments. Contents stand in digests of 16 hexadecimal digits."""

    tool: str
    args: str = ""
    """Digest of the arguments; empty: they weren't recorded."""
    kind: Kind = "other"
    target: str = ""
    """Digest of the file that it is about."""
    before: str = ""
    """Digest of the text that an edit replaces."""
    after: str = ""
    """Digest of the text that it writes."""
    todos: int | None = None
    """Entries of a task list that are open after this call; None: no task list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that an agent did: a call with its result, or something that it said."""

    run: str
    file: str
    line: int
    """Where the call stands, from 1."""
    traits: Traits
    ok: bool | None = None
    """None: no result was recorded."""
    answered: bool = True
    out: str = ""
    """Digest of the result; empty: it wasn't recorded."""
    error: str = ""
    """First line of the failure with figures and names taken out; what was said is never in it."""
    claim: Literal["", "success", "trouble"] = ""
    """What the agent says of its work, in a step of kind say."""
    at: float | None = None
    """Seconds since the epoch, or since anything else that the record counts from."""
    seconds: float = 0.0
    tokens: int = 0
    partial: bool = False
    """The record shows some of the agent's calls only, so its end says nothing."""
    head: str = ""
    """Begin of the line as it stands in the file."""

    @property
    def key(self) -> tuple[str, str]:
        """Which call it is."""
        return self.traits.tool, self.traits.args

    @property
    def outcome(self) -> tuple[str, str, bool | None, str, str]:
        """Which call it is and what came of it: equal ones brought nothing new.

        Two failures are equal when they read the same but for figures and names.
        """
        return (*self.key, self.ok, "" if self.ok is False else self.out, self.error)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One pattern in one run."""

    pattern: Pattern
    run: str
    steps: tuple[Step, ...]
    """Steps that show it, at most 8, in order."""
    first_bad: Step
    first_bad_index: int
    """Its place in the run, from 0, things said counted too."""
    count: int
    """How many steps are part of it."""
    severity: Severity
    confidence: float
    title: str
    detail: str
    disproof: str
    feedback: str
    """What the agent could do otherwise."""
    tokens: int = 0
    """Spent on steps that brought nothing new."""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """One run in figures."""

    id: str
    file: str
    steps: int
    calls: int
    failed: int
    repeated: int
    """Calls whose arguments and result are those of an earlier call, with nothing written in between."""
    tokens: int
    seconds: float
    wasted_tokens: int
    wasted_seconds: float
    first_bad: Step | None
    patterns: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Failures of one tool that read the same, over all runs."""

    tool: str
    error: str
    count: int
    runs: int
    first: Step
