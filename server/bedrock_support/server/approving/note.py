"""A signed approval: a few lines that a person can read, and an Ed25519 signature over exactly those lines.

bedrock-support approval 1
action: roll_back.full
target: sha256:9f86...
approver: erika
expires: 2026-11-28T21:00:00Z
nonce: 6b1f...
                            (empty line)
base64 of the signature
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from bedrock_support.telemetry.audit.signer import Signer, Verifier

HEAD = "bedrock-support approval 1"
FIELDS = ("action", "target", "approver", "expires", "nonce")
LONGEST = 24 * 3600.0
"""Seconds for which an approval may hold."""
MOST_BYTES = 2_000
ACTION = re.compile(r"[a-z_]{1,40}(?:\.[a-z_]{1,40})?")
TARGET = re.compile(r"sha256:[0-9a-f]{64}")
NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}")
NONCE = re.compile(r"[0-9a-f]{32,64}")
_MOMENT = "%Y-%m-%dT%H:%M:%SZ"


class BadApproval(ValueError):
    """Not an approval, not signed by who it names, or of another time. Safe to show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """What somebody approved of, and until when."""

    action: str
    target: str
    approver: str
    expires: float
    """Unix seconds, whole."""
    nonce: str

    def text(self) -> str:
        """What is signed. Raises BadApproval for what could not be read back."""
        forms = ((self.action, ACTION), (self.target, TARGET), (self.approver, NAME), (self.nonce, NONCE))
        for value, form in forms:
            if not form.fullmatch(value):
                raise BadApproval(f"{value[:80]!r} is not of the form {form.pattern}")
        until = datetime.fromtimestamp(self.expires, UTC).strftime(_MOMENT)
        values = (self.action, self.target, self.approver, until, self.nonce)
        return "\n".join([HEAD, *(f"{name}: {value}" for name, value in zip(FIELDS, values, strict=True)), ""])


def signed(approval: Approval, signer: Signer) -> str:
    """The whole file. Raises BadApproval, AuditUnavailable."""
    text = approval.text()
    return f"{text}\n{base64.b64encode(signer.sign(text.encode())).decode()}\n"


def parsed(file: str) -> tuple[Approval, bytes]:
    """The approval that a file claims, and its signature, which nobody has looked at. Raises BadApproval."""
    text, gap, signature = file.partition("\n\n")
    lines = text.split("\n")
    if len(file) > MOST_BYTES or not gap or lines[0] != HEAD or len(lines) != 1 + len(FIELDS):
        raise BadApproval("not an approval as `bedrock-support approve` writes it")
    values: list[str] = []
    for line, name in zip(lines[1:], FIELDS, strict=True):
        if not line.startswith(f"{name}: "):
            raise BadApproval(f"line {line[:60]!r} should be {name}: ...")
        values.append(line.removeprefix(f"{name}: "))
    action, target, approver, until, nonce = values
    try:
        expires = datetime.strptime(until, _MOMENT).replace(tzinfo=UTC).timestamp()
        told = base64.b64decode(signature.removesuffix("\n"), validate=True)
    except (ValueError, binascii.Error):
        raise BadApproval("its time or its signature can't be read") from None
    approval = Approval(action=action, target=target, approver=approver, expires=expires, nonce=nonce)
    if approval.text() != f"{text}\n":
        raise BadApproval("its lines are not written as they are signed")
    return approval, told


def verified(file: str, keys: dict[str, Verifier], now: float) -> Approval:
    """The approval, if the approver that it names signed it and it holds now (Unix seconds). Raises BadApproval."""
    approval, signature = parsed(file)
    key = keys.get(approval.approver)
    if key is None:
        raise BadApproval(f"{approval.approver} is not among the approvers")
    if not key.verifies(signature, approval.text().encode()):
        raise BadApproval(f"the signature is not {approval.approver}'s over these lines")
    if approval.expires <= now:
        raise BadApproval("it has expired")
    if approval.expires > now + LONGEST:
        raise BadApproval(f"it holds for more than {LONGEST / 3600:.0f} hours")
    return approval
