"""ComplianceValidator: the gate that every operation passes, on every route, in both directions."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from types import MappingProxyType

import anyio
from anyio import to_thread

from bedrock_support.routing.audit import AuditSink, AuditUnavailable
from bedrock_support.routing.clock import Entropy
from bedrock_support.routing.found import Found
from bedrock_support.routing.model import Clearance, Operation, Outcome, Refusal, Residency, RouteName
from bedrock_support.routing.pii import late
from bedrock_support.routing.redaction import Redactor, digest_of, restore_answer, seen
from bedrock_support.routing.residency import forbids

log = logging.getLogger(__name__)

ROUTES = frozenset(RouteName)
LONG, READERS = 16_000, 2
"""Characters of a brief above which it is looked through in a thread, and how many at once."""
MAX_BRIEF = 400_000
"""Characters; more than any model of ours takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Destinations:
    """Where each route would send data, as configured."""

    region: str
    endpoint_url: str | None
    models: frozenset[str]
    guardrail: str = ""
    """Id or ARN of the Bedrock guardrail that every question passes; empty for none."""
    caller_model: bool = True
    """Whether the calling agent's own model may see redacted briefs. Its location can't be checked."""


class ComplianceValidator:
    """Redacts what leaves, allows only routes that residency allows, and fails closed."""

    def __init__(self, destinations: Destinations, entropy: Entropy, audit: AuditSink | None = None) -> None:
        self._destinations = destinations
        self._entropy = entropy
        self._audit = audit
        self._found = Found()
        self._threads = anyio.CapacityLimiter(READERS)

    async def look(self, operation: Operation) -> Clearance | Refusal:
        """clear(), which for a long brief takes long. Nothing may leave before open()."""
        await late.loaded()
        if late.heavy() or len(operation.brief) > LONG:
            # Others have deadlines too, and this one would hold the loop for as long as it takes to look through.
            return await to_thread.run_sync(self.clear, operation, limiter=self._threads)
        return self.clear(operation)

    async def turn_away(self, refusal: Refusal, caller: str) -> Refusal:
        """A refusal, with its audit entry where one can be written."""
        if self._audit is not None:
            try:
                await self._audit.refused(refusal, caller)
            except Exception:
                log.exception("the refusal of operation %s has no audit entry", refusal.operation.id)
        return refusal

    async def open(self, clearance: Clearance, caller: str) -> Refusal | None:
        """Have the audit entry on the disk: an operation of which there is no record doesn't leave."""
        if self._audit is None:
            return None
        try:
            await self._audit.opened(clearance, caller)
        except Exception as fault:  # noqa: BLE001 - fail closed
            return _unrecorded(clearance, fault)
        return None

    async def remember(self, outcome: Outcome | None, clearance: Clearance, caller: str) -> Refusal | None:
        """The whole audit entry of an operation of which nothing has left, on the disk before its answer is given."""
        if self._audit is None:
            return None
        try:
            with anyio.CancelScope(shield=True):
                await self._audit.stayed(clearance, outcome, caller)
        except Exception as fault:  # noqa: BLE001 - fail closed
            return _unrecorded(clearance, fault)
        return None

    async def settle(self, outcome: Outcome | None, clearance: Clearance, caller: str) -> None:
        """Close the audit entry; None when the operation was cancelled. An entry that can't be closed stays open."""
        if self._audit is None:
            return
        try:
            with anyio.CancelScope(shield=True):
                await self._audit.closed(clearance, outcome, caller)
        except Exception:
            # What was asked has been asked: the answer is no less true for it, and the open entry shows the gap.
            log.exception("the audit entry of operation %s was not closed", clearance.operation.id)

    def clear(self, operation: Operation) -> Clearance | Refusal:
        """The redacted operation with its allowed routes, or a refusal that says what to change.

        Any fault of the gate itself refuses the call: an emergency is redacted too, never let through.
        """
        if len(operation.brief) > MAX_BRIEF:
            return Refusal(
                operation=operation,
                reason=f"the brief has {len(operation.brief)} characters; the limit is {MAX_BRIEF}",
                mend="ask about less evidence at once",
            )
        try:
            redactor = Redactor(nonce=self._entropy.token()[:8], known=self._found)
            brief, system = (seen(redactor.redact(each)) for each in (operation.brief, operation.system))
            digest = digest_of(f"{operation.tool}\n{system}\n{brief}")
            cleared = replace(operation, brief=brief, system=system, evidence_digest=digest)
            forbidden = self._forbidden(operation.residency)
        except Exception as fault:  # noqa: BLE001 - fail closed: whatever breaks the gate must close it
            return Refusal(
                operation=operation,
                reason=f"the compliance gate could not run ({type(fault).__name__})",
                mend="the local findings are unaffected; report this as a defect",
            )
        return Clearance(
            operation=cleared,
            routes=ROUTES - forbidden.keys(),
            forbidden=MappingProxyType(forbidden),
            restore=MappingProxyType(redactor.originals),
        )

    def seal(self, outcome: Outcome, clearance: Clearance) -> Outcome:
        """Put the caller's own values back into the answer that goes back to the caller."""
        if outcome.reply is None or not clearance.restore:
            return outcome
        return replace(
            outcome, reply=replace(outcome.reply, text=restore_answer(outcome.reply.text, clearance.restore))
        )

    def _forbidden(self, residency: Residency) -> dict[RouteName, str]:
        where = self._destinations
        reasons: dict[RouteName, str] = {}
        if problem := forbids(
            residency,
            region=where.region,
            endpoint_url=where.endpoint_url,
            models=where.models,
            guardrail=where.guardrail,
        ):
            reasons[RouteName.DIRECT] = f"residency {residency}: {problem}"
        if not where.caller_model:
            reasons[RouteName.MCP] = "settings do not allow the calling agent's model"
        return reasons


def _unrecorded(clearance: Clearance, fault: Exception) -> Refusal:
    log.error("operation %s has no audit entry", clearance.operation.id, exc_info=fault)
    told = str(fault) if isinstance(fault, AuditUnavailable) else type(fault).__name__
    return Refusal(
        operation=clearance.operation,
        reason=f"nothing may leave without an audit entry, and it could not be written: {told}",
        mend="the local findings are unaffected",
    )


class Entry:
    """The audit entry of one operation: opened before anything leaves, closed when all is over.

    Of an operation of which nothing has left, as when its answer is remembered, both parts are written at once.
    """

    def __init__(self, gate: ComplianceValidator, clearance: Clearance, caller: str) -> None:
        self._gate = gate
        self._clearance = clearance
        self._caller = caller
        self._open = self._begun = False

    async def open(self) -> Refusal | None:
        """Durable on return, or a refusal: then nothing may leave."""
        if self._open:
            return None
        self._begun = True
        refused = await self._gate.open(self._clearance, self._caller)
        self._open = refused is None
        self._begun = False
        return refused

    async def close(self, outcome: Outcome | None) -> Refusal | None:
        """Durable on return; None when the operation was cancelled. A refusal: nothing has left, nor may the answer."""
        if self._open:
            await self._gate.settle(outcome, self._clearance, self._caller)
            return None
        if self._begun:
            return None  # cancelled while it was opened: it may stand there or not, and nothing has left
        return await self._gate.remember(outcome, self._clearance, self._caller)
