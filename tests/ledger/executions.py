"""What analyze_executions, its command and its hook promise."""

from tests.promises import Promise

_ISSUE = "issue 6"

PROMISES: dict[str, Promise] = {
    "runs:forms": Promise(_ISSUE, "The same run reads the same as transcript, chat, plain lines and hook records."),
    "runs:patterns": Promise(_ISSUE, "Loops, ping-pong, retries, repeats, contradictions, abandoned work are found."),
    "runs:look-alikes": Promise(_ISSUE, "Polling that progresses, paging and tests after edits are no findings."),
    "runs:cited": Promise(_ISSUE, "Findings cite lines, the first bad step and what would disprove them."),
    "runs:hostile": Promise(_ISSUE, "Broken, deep, huge and binary lines, links and devices are survived and said."),
    "runs:bounded": Promise(_ISSUE, "A record of any length is read in bounded memory."),
    "runs:confined": Promise(_ISSUE, "No path leads out of the roots, and an answer has at most 25 kB."),
    "runs:command": Promise(_ISSUE, "The command executions gives text and JSON and ends with 0, 1 or 2."),
    "hook:never-fails": Promise(_ISSUE, "ingest-hook ends with 0 whatever it is given, but for --strict."),
    "hook:no-secrets": Promise(_ISSUE, "A record holds digests, sizes and names; no content and no secret."),
    "hook:together": Promise(_ISSUE, "Hooks that run at once each add one whole line; the spool's size is bounded."),
    "hook:files": Promise(_ISSUE, "The Kiro hooks that are shipped parse, and name commands that exist."),
}
