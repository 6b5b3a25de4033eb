"""The parts of a log report besides findings and evidence."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bedrock_support.tools.envelope import Result, Severity


class TemplateRow(Result):
    """Lines that say the same, with <*> where they differ."""

    id: str
    template: str
    count: int
    first_line: str = Field(description="path:line")
    last_line: str
    status: Literal["new", "gone", "burst", "steady", "unknown"]
    severity: Severity


class WindowRow(Result):
    """A stretch of the log."""

    start: str
    end: str
    lines: int


class Windowed(Result):
    """The stretch that went wrong and the one it was compared with."""

    bad: WindowRow | None
    quiet: WindowRow | None
    how: str
    by: Literal["time", "line"]


class LogFile(Result):
    """One file that was read."""

    path: str
    bytes: int
    lines: int
    read: float = Field(ge=0, le=1, description="Share of its bytes that was read")


class Moment(Result):
    """Something that happened, and where the log says so."""

    at: str
    what: str
    path: str
    line: int
