"""Checkpoints: what a tree was at one size, signed. The form is C2SP's signed note and tlog-checkpoint, version 1.

    bedrock-support/audit/4f2c...        origin: which log
    1204                                 leaves
    q1Zt...                              root, base64
                                         (empty line)
    - bedrock-support/audit/4f2c... kkk  signature line (it begins with an em dash)

The signature line ends with base64 of a 4-byte key id and the signature over the three first lines: 64 bytes of
Ed25519, or ECDSA on P-256 where a key service has nothing else.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass

from bedrock_support.telemetry.audit.signer import Signer, Verifier

_DASH = "\u2014"
_PARTS = 3
_MOST_DIGITS = 16


class BadNote(ValueError):
    """Not a checkpoint, or not signed by the key that was expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A tree at one size."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """What is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def key_id(origin: str, key: Verifier) -> bytes:
    """First four bytes of SHA-256 over name, newline, type and key."""
    return hashlib.sha256(origin.encode() + b"\n" + key.kind + key.public).digest()[:4]


def sign(checkpoint: Checkpoint, signer: Signer) -> str:
    """The signed note."""
    text = checkpoint.text()
    signature = key_id(checkpoint.origin, signer) + signer.sign(text.encode())
    return f"{text}\n{_DASH} {checkpoint.origin} {base64.b64encode(signature).decode()}\n"


def parse(note: str) -> Checkpoint:
    """The checkpoint that the note claims, its signature not looked at. Raises BadNote."""
    return _parsed(note)[0]


def opened(note: str, verifier: Verifier) -> Checkpoint:
    """The checkpoint, if the key signed it. Raises BadNote."""
    checkpoint, signature = _parsed(note)
    if signature[:4] != key_id(checkpoint.origin, verifier):
        raise BadNote("signed by another key")
    if not verifier.verifies(signature[4:], checkpoint.text().encode()):
        raise BadNote("the signature doesn't fit")
    return checkpoint


def _parsed(note: str) -> tuple[Checkpoint, bytes]:
    text, separator, signatures = note.partition("\n\n")
    lines = text.split("\n")
    if not separator or len(lines) != _PARTS:
        raise BadNote("not a checkpoint of three lines and a signature")
    origin, size, root = lines
    if not size.isascii() or not size.isdecimal() or len(size) > _MOST_DIGITS or str(int(size)) != size:
        raise BadNote(f"the size {size[:40]!r} is no plain number")
    for line in signatures.splitlines():
        dash, _, rest = line.partition(" ")
        name, _, signature = rest.rpartition(" ")
        if dash == _DASH and name == origin:
            return Checkpoint(origin=origin, size=int(size), root=_bytes(root)), _bytes(signature)
    raise BadNote("no signature line of this log")


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadNote("not base64") from None
