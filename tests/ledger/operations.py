"""Promises of the operations documents."""

from __future__ import annotations

from tests.promises import Promise

PROMISES = {
    "operations:commands": Promise("issue 8.6", "every command in docs/operations can be given as it stands there"),
    "operations:thresholds": Promise("issue 8.6", "every number in docs/operations is made from the code"),
}
