"""Promises of remedies: plans from findings, work that outlasts its call, prompts, and triage as a command."""

from __future__ import annotations

from tests.promises import Promise

PROMISES = {
    "remedy:order": Promise(
        "issue 6.7", "what others use comes first, documents and ticks last, each step with its reasons"
    ),
    "remedy:derived": Promise("issue 6.7", "a patch is derived only where the checks still find what it mends"),
    "remedy:proposed": Promise("issue 6.7", "a model's patch is marked as proposed and kept only if it applies"),
    "remedy:hostile": Promise(
        "issue 6", "a model's edits of other files, with old text that isn't there or of a wrong shape are dropped"
    ),
    "remedy:invented": Promise("issue 6", "a finding whose file or line isn't there is dropped, and said"),
    "remedy:own-patch": Promise(
        "issue 6.7", "the caller's diff may change lines of the files in question, nothing else"
    ),
    "remedy:approval": Promise("issue 6.7", "nothing is tried without a yes; a client that can't ask is refused"),
    "remedy:worktree": Promise("issue 6.7", "a trial starts from the tree as it is now, and leaves it byte for byte"),
    "remedy:children": Promise("issue 6.7", "children end in time, with little said, and with all that they started"),
    "remedy:before": Promise("issue 6.7", "tests that failed before are told from tests that the patches broke"),
    "remedy:over-mcp": Promise("issue 6.7", "a client plans, approves and sees its tests pass, in both eras"),
    "operation:handle": Promise("issue 6.8", "a call that outlasts its time is answered with a handle, and goes on"),
    "operation:result": Promise("issue 6.8", "get_operation waits, and gives what the tool would have given"),
    "operation:owner": Promise("issue 6.8", "nobody sees another client's operation, nor learns that there is one"),
    "operation:bounded": Promise("issue 6.8", "so many run, so many results are kept, and for so long"),
    "operation:shutdown": Promise("issue 6.8", "operations end with the server, and with a call that is cancelled"),
    "prompt:chains": Promise("issue 6.8", "the prompts name tools and arguments that there are"),
    "remedy:plan-command": Promise("issue 6.9", "`bedrock-support plan` plans from a file, and tries it when told to"),
    "remedy:triage-command": Promise(
        "issue 6.9", "`bedrock-support triage` finds what its tool finds, without a model"
    ),
}
