"""What `gaps` and `verify-spec` show people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.text import Text

if TYPE_CHECKING:
    from bedrock_support.tools.gaps.findings import Gap
    from bedrock_support.tools.gaps.run import Found
    from bedrock_support.tools.specs.verify import Verified

COLOURS = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan", "info": "dim"}
_VERDICTS = {"missing": "red", "partial": "yellow", "unverifiable": "cyan", "done": "green"}
_SHOWN = 100
_CONTROL = dict.fromkeys(range(32), "�") | {127: "\N{REPLACEMENT CHARACTER}"}


def plain(text: str) -> str:
    """Text from files without the characters that would steer a terminal."""
    return text.translate(_CONTROL)


def show_gaps(gaps: Sequence[Gap], found: Found) -> None:
    """One line a gap and one for the reasons, most important first."""
    console = Console(highlight=False, soft_wrap=True)
    for each in gaps[:_SHOWN]:
        line = Text()
        line.append(f"{each.severity:6}", style=COLOURS[each.severity])
        line.append(f" {plain(each.file)}:{each.line} ", style="bold")
        line.append(f"{plain(each.title)} ")
        line.append(f"{each.kind} {each.confidence:.0%}", style="dim")
        console.print(line)
        if each.detail:
            console.print(Text(f"       {plain(each.detail)}", style="dim"))
    if len(gaps) > _SHOWN:
        console.print(f"... and {len(gaps) - _SHOWN} more: --json has them all")
    console.print(f"{len(gaps)} gaps in {found.files} files ({found.read_anew} read anew)")
    for note in found.notes:
        console.print(f"[dim]limit: {escape(plain(note))}[/dim]")


def show_tasks(found: Verified, written: Sequence[str]) -> None:
    """One line a task that isn't done, then the proposal."""
    console = Console(highlight=False, soft_wrap=True)
    for each in found.judged:
        line = Text()
        line.append(f"{each.verdict:12}", style=_VERDICTS[each.verdict])
        line.append(f" {plain(each.task.spec)} {each.task.id} ", style="bold")
        line.append(plain(each.task.title[:100]))
        console.print(line)
        if each.verdict != "done":
            console.print(
                Text(f"             {plain(each.reason)} ({plain(each.task.file)}:{each.task.line})", style="dim")
            )
    counts = {verdict: sum(each.verdict == verdict for each in found.judged) for verdict in _VERDICTS}
    console.print(", ".join(f"{count} {verdict}" for verdict, count in counts.items()) + f", {found.open_tasks} open")
    if written:
        console.print(f"took back ticks in {escape(', '.join(written))}")
    elif found.proposal:
        console.print("Proposed (--write to apply):")
        console.print(Text("\n".join(plain(line) for line in found.proposal.splitlines())))
    for note in found.notes:
        console.print(f"[dim]limit: {escape(plain(note))}[/dim]")
