"""Promises of the message queue."""

from __future__ import annotations

from tests.promises import Promise

PROMISES = {
    "queue:priorities": Promise("design 4", "emergencies first, else thirty seconds of waiting outweigh one priority"),
    "queue:no-starvation": Promise("design 4", "a low message is served while more urgent ones keep arriving"),
    "queue:bounded": Promise("design 4", "a full queue refuses with the limit, the count and the mend"),
    "queue:reserve": Promise("design 4", "a tenth is kept for emergency and critical, half of it for emergency alone"),
    "queue:yielding": Promise("design 4", "the oldest dead letters give way to what is new, and are counted"),
    "queue:clock-set-back": Promise("design 4", "a clock set back an hour stops neither messages nor leases"),
    "queue:deadlines": Promise("design 4", "nothing is handed out, or stays handed out, past its deadline"),
    "queue:leases": Promise("design 4", "one live lease per message; a stale token changes nothing"),
    "queue:idempotent": Promise("design 4", "a key given twice makes one message and returns its result"),
    "queue:retry": Promise("design 4", "a failed message waits with full jitter and dies after five deliveries"),
    "queue:dead-letters": Promise("design 4", "dead letters are listed, inspected, sent again or thrown away"),
    "queue:survives-kill": Promise("design 4", "after kill -9 at any instant nothing accepted is lost or done twice"),
    "queue:shared": Promise("design 4", "two processes drain one queue and complete each message once"),
    "queue:broken-file": Promise("design 4", "a full disk or a broken file is told in words and half-writes nothing"),
    "queue:private": Promise("design 4", "the file is its owner's alone, and a newer layout is refused"),
    "queue:tool": Promise("issue 3.4", "an agent is sent messages, claims and mends its own, and nobody else's"),
    "queue:redacted": Promise(
        "issue 3.4", "what agents write is in the file only with secrets and personal data removed"
    ),
    "queue:command": Promise("issue 3.4", "`bedrock-support queue` shows the queue and mends dead letters"),
    "queue:cancelled-lease": Promise("design 4", "a lease whose caller was cancelled is given back at once"),
    "queue:background": Promise(
        "issue 3", "a background question that no route could take waits, is answered later, and its answer is kept"
    ),
    "queue:survives-server": Promise("issue 3", "what a server accepted is answered though it was killed meanwhile"),
}
