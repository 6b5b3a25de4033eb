"""Promises of the audit trail."""

from __future__ import annotations

from tests.promises import Promise

PROMISES = {
    "audit:rfc6962": Promise("issue 5, 6", "the tree is RFC 6962's, by its published vectors and its definition"),
    "audit:canonical": Promise("issue 5, 6", "equal records are equal bytes, and what has no one form is refused"),
    "audit:tamper": Promise(
        "issue 5, 6", "edit, delete, reorder, insert, truncate, roll back and rewrite are found, at the right record"
    ),
    "audit:anchored": Promise("issue 5, 6", "checkpoints are copied to a second place once, and never over another"),
    "audit:survives-kill": Promise("issue 5, 6", "after kill -9 of writers the log verifies and has what it promised"),
    "audit:shared": Promise("issue 5, 6", "several processes write one log"),
    "audit:full-disk": Promise("issue 5, 6", "a full disk or a broken file is told in words and half-writes nothing"),
    "audit:key": Promise("issue 5, 6", "the key is made at first start, for its owner's eyes alone"),
    "audit:before": Promise("issue 5, 6", "the opening entry is durable before any route is tried"),
    "audit:closed": Promise("issue 5, 6", "every operation's end is recorded: answer, failure, refusal, cancellation"),
    "audit:fails-closed": Promise("issue 5, 3", "what can't be recorded is refused, emergencies too; findings stay"),
    "audit:no-content": Promise("issue 5, 6", "the trail holds no content, only names, counts and keyed digests"),
    "audit:prove": Promise("issue 5, 6", "a record's proof is checked without the log, and holds for nothing else"),
    "audit:erase": Promise("issue 5, 7", "erasing a subject destroys the key that links them, and the log verifies"),
    "audit:retention": Promise("issue 5, 7", "records past their class's time are emptied, and the log verifies"),
    "audit:export": Promise("issue 5, 7", "a subject's records can be handed over, and all as OCSF events"),
    "audit:command": Promise("issue 5, 6", "bedrock-support audit does it all, with exit codes that mean something"),
    "audit:report": Promise("issue 5, 7", "compliance_report gives evidence for each statement, unknown where none is"),
    "audit:kms": Promise("issue 5, 6", "a key of KMS can sign; the trail is verified without it, by the public key"),
    "audit:keep": Promise("issue 5, 7", "days by class are a setting; a server prunes by it, and the tree verifies"),
    "audit:relayed": Promise(
        "issue 5", "a call of an upstream server is written down before it is passed on, or isn't"
    ),
}
