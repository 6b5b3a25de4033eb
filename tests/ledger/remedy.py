"""Promises of remedies: plans from findings, work that outlasts its call, prompts, and triage as a command."""

from __future__ import annotations

from tests.promises import Promise

PROMISES = {
    "remedy:triage-command": Promise(
        "issue 6.9", "`bedrock-support triage` finds what its tool finds, without a model"
    ),
}
