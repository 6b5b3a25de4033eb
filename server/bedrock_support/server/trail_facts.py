"""What the audit trail shows: whether it is whole, what was recorded, what is past its time."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from bedrock_support.routing.audit import AuditUnavailable
from bedrock_support.routing.clock import Clock
from bedrock_support.server.environment import PREFIX
from bedrock_support.server.settings import Settings
from bedrock_support.telemetry.audit.files import AuditFiles
from bedrock_support.tools.compliance import State, Statement

STALE = 900.0
"""Seconds after which an entry that was opened ought to be closed; no call may last longer than 600 s."""
DAY = 86_400


@dataclass(slots=True, kw_only=True)
class TrailFacts:
    """Counts over the whole trail. `problem` says why there is nothing to count."""

    settings: Settings
    keep: Mapping[str, int]
    problem: str = ""
    verdict: str = ""
    good: bool = False
    records: int = 0
    anchored: int = 0
    unclosed: int = 0
    late: int = 0
    erased: int = 0
    resurrected: int = 0
    subjects: int | None = None
    found: Counter[str] = field(default_factory=Counter[str])
    operations: Counter[str] = field(default_factory=Counter[str])
    retention: dict[str, str] = field(default_factory=dict[str, str])

    def statements(self) -> list[Statement]:
        """What the counts prove."""
        elsewhere = self.settings.audit_anchor
        return [
            self._said(
                "audit",
                "Art. 5(2), 30",
                "Every operation is recorded, and the record is whole",
                self.good,
                [self.verdict],
                "keep the trail as evidence, and run `bedrock-support audit verify`",
            ),
            self._said(
                "audit-closed",
                "Art. 5(2)",
                "Every recorded operation has an end",
                not self.unclosed,
                [f"{self.unclosed} operations were opened more than {STALE / 60:g} minutes ago and never closed"],
                "a server was killed, or could not write: `bedrock-support audit show` has them",
            ),
            self._said(
                "audit-anchored",
                "Art. 32",
                "Checkpoints lie where who can change the trail can't change them",
                bool(elsewhere) and self.anchored > 0,
                [f"{self.anchored} of {self.records} records are anchored in {elsewhere or 'a folder beside it'}"],
                f"set {PREFIX}AUDIT_ANCHOR to another machine's folder or a bucket with Object Lock",
            ),
            self._said(
                "retention",
                "Art. 5(1)(e)",
                "Nothing is kept longer than its class allows",
                not self.late,
                [f"{self.late} records are past their time; {self._pruning}"],
                "run `bedrock-support audit prune`, daily",
            ),
            self._erasure(),
            self._key(),
        ]

    @property
    def _pruning(self) -> str:
        return "servers prune daily" if self.settings.audit_keep else "pruning is left to `bedrock-support audit prune`"

    def _key(self) -> Statement:
        """Who can sign. A file's mode is looked at; what a key service lets whom do isn't to be seen from here."""
        told, state = self.settings.audit_key, "unknown"
        evidence = f"checkpoints are signed by {told}, which keeps the private key; whom it lets sign isn't known here"
        if told is None and self.settings.audit is not None:
            key = AuditFiles(folder=self.settings.audit).key
            evidence = f"{key} is not there"
            if key.exists():
                mode = key.stat().st_mode & 0o777
                state = "met" if not mode & 0o077 else "not_met"
                evidence = f"{key} has mode {mode:o}"
        elif told is None:
            evidence = self.problem
        return Statement(
            id="audit-key",
            article="Art. 32",
            statement="Only the trail's owner can use the key that signs it",
            state=cast("State", state),
            evidence=[evidence],
            mend="chmod 600, or a key of a key service",
        )

    def _erasure(self) -> Statement:
        statement = self._said(
            "erasure",
            "Art. 17",
            "An erased subject can't be linked to their records any more",
            not self.resurrected,
            [f"{self.erased} subjects were erased; the keys of {self.resurrected} of them are there again"],
            "an old copy of subjects.db was restored: erase them again",
        )
        if self.erased or self.problem:
            return statement
        return statement.model_copy(update={"state": "unknown", "evidence": ["no subject was erased yet"]})

    def _said(self, name: str, article: str, statement: str, holds: bool, evidence: list[str], mend: str) -> Statement:
        if self.problem:
            off = self.settings.audit is None
            return Statement(
                id=name,
                article=article,
                statement=statement,
                state="not_met" if off and name == "audit" else "unknown",
                evidence=[self.problem],
                mend=f"set {PREFIX}AUDIT to a folder" if off else None,
            )
        state = "met" if holds else "not_met"
        return Statement(id=name, article=article, statement=statement, state=state, evidence=evidence, mend=mend)


def facts_of(settings: Settings, clock: Clock) -> TrailFacts:
    """Verify and count. Blocks, for four seconds a million records."""
    from bedrock_support.server.retention import keep_days, kept

    facts = TrailFacts(settings=settings, keep=keep_days(settings), retention=kept(settings))
    if settings.audit is None:
        facts.problem = f"no audit trail is kept: {PREFIX}AUDIT is off"
        return facts
    try:
        _count(facts, settings, clock)
    except AuditUnavailable as error:
        facts.problem = str(error)
    return facts


def _count(facts: TrailFacts, settings: Settings, clock: Clock) -> None:
    from bedrock_support.routing.clock import SystemEntropy
    from bedrock_support.server.audit_actions import files_of, verdict_of, worded
    from bedrock_support.telemetry.audit import reader
    from bedrock_support.telemetry.audit.subjects import SubjectKeys

    verdict = verdict_of(settings)
    facts.verdict, facts.good = worded(verdict), verdict.good
    facts.records, facts.anchored = verdict.records, verdict.anchored
    files = files_of(settings)
    open_since: dict[str, int] = {}
    erased: set[str] = set()
    with reader.reading(files.log) as connection:
        for row in reader.rows(connection):
            record = _record(row.body)
            _take(facts, record, open_since, erased, clock.wall())
    keys = SubjectKeys(files.subjects, SystemEntropy())
    try:
        tags = keys.tags()
    finally:
        keys.close()
    facts.subjects, facts.erased, facts.resurrected = len(tags), len(erased), len(erased & tags)
    facts.unclosed = sum(at < (clock.wall() - STALE) * 1e6 for at in open_since.values())


def _record(body: bytes | None) -> dict[str, Any]:
    try:
        held: object = json.loads(body) if body is not None else {}
    except ValueError:  # the verdict has it
        held = {}
    return cast("dict[str, Any]", held) if isinstance(held, dict) else {}


def _take(facts: TrailFacts, record: dict[str, Any], open_since: dict[str, int], erased: set[str], now: float) -> None:
    from bedrock_support.telemetry.audit.upkeep import KEPT

    kind, at = record.get("type"), record.get("at")
    if not isinstance(at, int):
        return
    if kind == "opened":
        open_since[str(record.get("operation"))] = at
        facts.found.update(cast("dict[str, int]", record.get("found", {})))
        facts.operations[f"{record.get('tool')}/{record.get('class')}"] += 1
    elif kind == "closed":
        open_since.pop(str(record.get("operation")), None)
    elif kind == "erased":
        erased.add(str(record.get("subject")))
    days = facts.keep.get(str(record.get("retention")), max(facts.keep.values()))
    facts.late += kind not in KEPT and at / 1e6 < now - days * DAY
