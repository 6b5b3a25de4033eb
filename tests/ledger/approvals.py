"""Promises of approvals: what changes something needs somebody's yes."""

from __future__ import annotations

from tests.promises import Promise

PROMISES = {
    "approval:signed": Promise(
        "issue 8.8", "a signed approval serves one act on one state once, until it expires, and in no other form"
    ),
    "approval:approvers": Promise("issue 8.8", "the approvers' keys may not lie where others may write"),
    "approval:one-piece": Promise(
        "issue 8.8", "every act that changes something asks the same way: a signed file, else the client's user"
    ),
    "approval:audited": Promise("issue 8.8", "what is approved, refused and done is in the trail, or isn't done"),
    "approval:command": Promise("issue 8.8", "`bedrock-support approve` makes keys and approvals, and checks them"),
}
