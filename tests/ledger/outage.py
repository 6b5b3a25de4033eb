"""What holds when those who work with it err, or what it stands on breaks."""

from __future__ import annotations

from tests.promises import Promise

PROMISES = {
    "outage:stdout": Promise(
        "commands.md", "a command whose reader is gone, or whose stdout is full or closed, ends in words or silently"
    ),
    "outage:interrupted": Promise("commands.md", "Ctrl-C ends a command with 130 and no traceback, its start included"),
    "outage:nobody-reads": Promise("server", "over stdio the server ends when nobody can read its answers any more"),
    "outage:half-characters": Promise("server", "a call that holds half a character is answered like any other"),
    "outage:misspelt": Promise("README", "a variable called as ours that sets nothing is told of, with what was meant"),
    "outage:headers": Promise("README", "headers for the collector are read as the standard says and never quoted"),
    "outage:state-folder": Promise("rollout.md", "a state folder that isn't there is named, and not made"),
    "outage:why": Promise("rollback.md", "a rollback that fails says why"),
    "outage:front-health": Promise("runbook.md", "status and explain take the one address that front or server told"),
    "outage:unread": Promise("commands.md", "what can't be read is said, and never taken for empty or well"),
    "outage:given": Promise(
        "remediation.md", "a finding with a line that is none is dropped, and nobody is asked of none"
    ),
    "outage:windows": Promise("triage.md", "a window of any two times of the calendar is looked at"),
}
