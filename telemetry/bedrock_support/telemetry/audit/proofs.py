"""Proofs that somebody without the log can check: this record is in the tree that the key signed."""

from __future__ import annotations

import base64
import binascii
import json
from pathlib import Path
from typing import Any, cast

from bedrock_support.telemetry.audit import merkle, note, reader
from bedrock_support.telemetry.audit.note import BadNote
from bedrock_support.telemetry.audit.signer import Verifier


def prove(log: Path, wanted: str) -> list[dict[str, Any]]:
    """A proof for each record of an operation, or for the record with an index. Empty when there is none.

    Raises:
        AuditUnavailable: the log can't be read.
    """
    found: list[tuple[int, bytes | None]]
    with reader.reading(log) as connection:
        signed = reader.notes(connection)
        if not signed:
            return []
        if wanted.isdecimal():
            query, value = "SELECT idx, body FROM records WHERE idx = ?", int(wanted)
        else:
            query, value = "SELECT idx, body FROM records WHERE body ->> '$.operation' = ? ORDER BY idx", wanted
        found = connection.execute(query, (value,)).fetchall()
        size, text = signed[-1]
        leaves = reader.leaves(connection, 0, size)
    return [
        {
            "index": index,
            "record": None if body is None else body.decode(),
            "leaf": leaves[index].hex(),
            "path": [base64.b64encode(each).decode() for each in merkle.inclusion(leaves, index)],
            "checkpoint": text,
        }
        for index, body in found
        if index < len(leaves)
    ]


def proven(proof: object, verifier: Verifier) -> str | None:
    """What is wrong with a proof, or None when the record is in the tree that the key signed."""
    try:
        held = cast("dict[str, Any]", proof)
        index, leaf = int(held["index"]), bytes.fromhex(held["leaf"])
        path = [base64.b64decode(each, validate=True) for each in held["path"]]
        checkpoint = note.opened(str(held["checkpoint"]), verifier)
        record = held["record"]
    except (BadNote, KeyError, TypeError, ValueError, binascii.Error) as error:
        return f"not a proof: {error}"
    if record is not None and merkle.leaf_hash(str(record).encode()) != leaf:
        return "the record isn't the one of the leaf"
    if not merkle.included(leaf, index, checkpoint.size, path, checkpoint.root):
        return "the leaf isn't in the signed tree at that index"
    return None


def loaded(text: str) -> list[object]:
    """One proof or several, as `prove` printed them. Raises ValueError."""
    held: object = json.loads(text)
    return cast("list[object]", held) if isinstance(held, list) else [held]
