"""What each action of `bedrock-support audit` does. Imported only when one is asked for."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from bedrock_support.routing.audit import AuditUnavailable
from bedrock_support.routing.clock import SystemClock, SystemEntropy
from bedrock_support.server.anchoring import anchor_place, signer_of
from bedrock_support.server.retention import keep_days
from bedrock_support.server.settings import Settings
from bedrock_support.telemetry.audit import ocsf, proofs, reader, upkeep
from bedrock_support.telemetry.audit.anchor import Anchoring
from bedrock_support.telemetry.audit.files import AuditFiles
from bedrock_support.telemetry.audit.records import MICRO
from bedrock_support.telemetry.audit.signer import PublicKey
from bedrock_support.telemetry.audit.store import AuditStore
from bedrock_support.telemetry.audit.subjects import SubjectKeys
from bedrock_support.telemetry.audit.verify import Verdict, verify

FAILED = 1
SHOWN = ("tool", "class", "outcome", "failure", "reason", "found", "routes")
Record = dict[str, Any]


def files_of(settings: Settings) -> AuditFiles:
    """The trail's files; settings.audit is set."""
    return AuditFiles(folder=settings.audit or Path())


def verdict_of(settings: Settings, key: Path | None = None) -> Verdict:
    """The trail against its checkpoints and anchors. Raises AuditUnavailable."""
    files = files_of(settings)
    if not files.log.is_file():
        raise AuditUnavailable(f"there is no audit trail at {files.log}. Name its folder with --audit")
    return verify(files, PublicKey.read(key or files.public_key), [anchor_place(settings)])


def _verify(settings: Settings, arguments: argparse.Namespace) -> int:
    verdict = verdict_of(settings, arguments.key)
    if arguments.json:
        _tell({**dataclasses.asdict(verdict), "good": verdict.good, "first_bad": verdict.first_bad})
    else:
        _say(worded(verdict))
    return 0 if verdict.good else FAILED


def worded(verdict: Verdict) -> str:
    """A verdict in words."""
    counted = (
        f"{verdict.records} records ({verdict.pruned} pruned), {verdict.checkpoints} checkpoints, "
        f"{verdict.anchors} anchors up to record {verdict.anchored}"
    )
    if verdict.good:
        late = verdict.records - verdict.anchored
        note = f"; the last {late} are not anchored yet: cutting them off would leave no trace" if late else ""
        return f"good: {counted}{note}"
    lines = [f"  record {each.index}{'' if each.exact else ' or later'}: {each.what}" for each in verdict.problems]
    return "\n".join([f"TAMPERED WITH from record {verdict.first_bad} on: {counted}", *lines])


def _show(settings: Settings, arguments: argparse.Namespace) -> int:
    with reader.reading(files_of(settings).log) as connection:
        if arguments.operation is None:
            query = "SELECT idx, body FROM (SELECT * FROM records ORDER BY idx DESC LIMIT ?) ORDER BY idx"
            found = connection.execute(query, (arguments.last,)).fetchall()
        else:
            query = "SELECT idx, body FROM records WHERE body ->> '$.operation' = ? ORDER BY idx"
            found = connection.execute(query, (arguments.operation,)).fetchall()
    for index, body in found:
        record = _record(index, body)
        if arguments.json:
            _tell(record)
        else:
            _say(_line(record))
    if not found and arguments.operation is not None:
        return _nothing(f"--operation {arguments.operation!r}: no record has this id. Take one from `audit show`")
    return 0 if found else FAILED


def _export(settings: Settings, arguments: argparse.Namespace) -> int:
    files = files_of(settings)
    with reader.reading(files.log) as connection:
        held: Iterable[Record] = (_record(row.index, row.body) for row in reader.rows(connection) if row.body)
        if arguments.subject is not None:
            kept = upkeep.of_subject(files, _writing(settings)[1], arguments.subject)
            if kept is None:
                return _nothing(f"--subject {arguments.subject!r}: nothing is known of this subject, or it was erased")
            held = kept
        origin = reader.origin(connection)
        for each in held:
            record = {key: value for key, value in each.items() if key != "index"}
            _tell(each if arguments.format == "records" else ocsf.event(each["index"], record, origin))
    return 0


def _prove(settings: Settings, arguments: argparse.Namespace) -> int:
    files = files_of(settings)
    key = PublicKey.read(arguments.key or files.public_key)
    if not arguments.check:
        made = proofs.prove(files.log, arguments.id)
        if not made:
            return _nothing(f"ID {arguments.id!r}: no such operation or record. Take an id from `audit show`")
        _tell(made)
        return 0
    try:
        held = proofs.loaded(Path(arguments.id).read_text())
    except (OSError, ValueError) as error:
        problem = f"ID {arguments.id!r}: no file of proofs: {error}"
        raise AuditUnavailable(f"{problem}. Give what `audit prove` printed") from error
    bad = [problem for each in held if (problem := proofs.proven(each, key)) is not None]
    _say("\n".join(bad) if bad else f"good: {len(held)} records are in the signed tree")
    return FAILED if bad or not held else 0


def _anchor(settings: Settings, arguments: argparse.Namespace) -> int:
    files = files_of(settings)
    made = Anchoring(files, PublicKey.read(arguments.key or files.public_key), anchor_place(settings)).anchor()
    if made is None:
        return _nothing("the trail has no records yet")
    if arguments.json:
        _tell({"origin": made.origin, "size": made.size, "root": made.root.hex()})
    else:
        _say(f"anchored: {made.size} records, root {made.root.hex()}")
    return 0


def _erase(settings: Settings, arguments: argparse.Namespace) -> int:
    store, subjects = _writing(settings)
    tag = upkeep.erase(store, subjects, arguments.subject, SystemClock())
    if tag is None:
        return _nothing(f"--subject {arguments.subject!r}: nothing is known of this subject, or it was erased already")
    if arguments.json:
        _tell({"erased": tag})
    else:
        _say(f"erased: the key of {tag} is destroyed. Destroy backups of {files_of(settings).subjects} too")
    return 0


def _prune(settings: Settings, arguments: argparse.Namespace) -> int:
    store, _ = _writing(settings)
    days = {name: getattr(arguments, f"{name}_days") or usual for name, usual in keep_days(settings).items()}
    gone = upkeep.prune(store, days, SystemClock())
    if arguments.json:
        _tell({**dataclasses.asdict(gone), "days": days})
    else:
        _say(f"pruned: {gone.records} records under {gone.tombstones} tombstones; what is left still verifies")
    return 0


ACTIONS: Mapping[str, Callable[[Settings, argparse.Namespace], int]] = {
    "verify": _verify,
    "show": _show,
    "export": _export,
    "prove": _prove,
    "anchor": _anchor,
    "erase": _erase,
    "prune": _prune,
}


def _record(index: int, body: bytes | None) -> Record:
    """A record with its index, whatever became of it."""
    try:
        held: object = {"type": "(pruned)"} if body is None else json.loads(body)
    except ValueError:  # tampered with
        held = None
    return {"index": index, **cast("Record", held)} if isinstance(held, dict) else {"index": index, "type": "?"}


def _writing(settings: Settings) -> tuple[AuditStore, SubjectKeys]:
    files = files_of(settings)
    if not files.log.is_file():
        raise AuditUnavailable(f"there is no audit trail at {files.log}. Name its folder with --audit")
    entropy = SystemEntropy()
    return AuditStore(files, entropy, signer_of(settings)), SubjectKeys(files.subjects, entropy)


def _line(record: Record) -> str:
    try:
        at = datetime.fromtimestamp(record["at"] / MICRO, UTC).isoformat(timespec="milliseconds")
    except (KeyError, TypeError, ValueError, OverflowError):  # tampered with: still shown
        at = "no time"
    told = {key: record[key] for key in SHOWN if record.get(key)}
    facts = " ".join(f"{key}={each if isinstance(each, str) else json.dumps(each)}" for key, each in told.items())
    return f"{record['index']:>8} {at} {record.get('type', '?'):8} {record.get('operation', '-')} {facts}"


def _nothing(message: str) -> int:
    sys.stderr.write(f"bedrock-support audit: {message}\n")
    return FAILED


def _tell(what: object) -> None:
    sys.stdout.write(json.dumps(what, ensure_ascii=False) + "\n")


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
