"""Who approves: a signed file that fits the act, else the client's user. Nothing is done without an entry of it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import anyio
from anyio import to_thread

from bedrock_support.routing.clock import Clock
from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.model import FailureKind
from bedrock_support.server.approving.files import ApprovalFiles
from bedrock_support.server.approving.note import BadApproval
from bedrock_support.server.environment import SettingsError
from bedrock_support.telemetry.audit.trail import AuditTrail
from bedrock_support.tools.approval import Act, NotApproved, Permit

log = logging.getLogger(__name__)
ELICITED = "the client's user"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalDesk:
    """One per server."""

    files: ApprovalFiles | None
    audit: AuditTrail | None
    clock: Clock

    async def permit(self, act: Act, ask: Callable[[str], Awaitable[bool]]) -> Permit:
        """Approval of an act. Raises NotApproved.

        Args:
            ask: asks the client's user; may raise RouteError.
        """
        by, wrong = await self._signed(act)
        if not by:
            try:
                by = ELICITED if await ask(_plain(f"{act.question} Taking it back: {act.undo}.")) else ""
                why = "" if by else "the user did not approve it"
            except RouteError as error:
                late = error.kind is FailureKind.NOT_APPROVED
                why = "nobody approved it in time" if late else str(error)
            if why:
                await self._entered(act, "refused", "", why, needed=False)
                raise NotApproved("; ".join([why, *wrong, self._mend(act)]))
        await self._entered(act, "approved", by, "", needed=True)

        async def ended(outcome: str) -> None:
            await self._entered(act, "ended", by, outcome, needed=False)

        return Permit(by=by, ended=ended)

    async def _signed(self, act: Act) -> tuple[str, list[str]]:
        """Who signed, and what is wrong with files that would fit. An approval that is used serves nobody else."""
        files = self.files
        if files is None:
            return "", []

        def spent() -> tuple[str, list[str]]:
            found, wrong = files.find(act.action, act.target, self.clock.wall())
            if found is None:
                return "", wrong
            files.spend(found)
            return f"{found.approver}, by signed approval {found.nonce[:16]}", wrong

        try:
            return await to_thread.run_sync(spent, limiter=anyio.CapacityLimiter(1))
        except (BadApproval, SettingsError, OSError) as error:
            return "", [str(error)]

    async def _entered(self, act: Act, step: str, by: str, outcome: str, *, needed: bool) -> None:
        """The trail's entry. What is approved but can't be written down is not done."""
        if self.audit is None:
            return
        try:
            await self.audit.acted(act.action, act.target, step=step, by=by, outcome=outcome)
        except Exception as error:
            if needed:
                problem = f"the audit trail can't be written ({error}), and no act goes without an entry"
                raise NotApproved(problem) from error
            log.warning("%s %s has no audit entry: %s", act.action, step, error)

    def _mend(self, act: Act) -> str:
        if self.files is None:
            return "use a client with elicitation, or signed approvals (docs/approvals.md)"
        where = f"--action {act.action} --target {act.target} --to {self.files.folder}"
        return f"use a client with elicitation, or have it signed: bedrock-support approve sign {where}"


def _plain(question: str) -> str:
    """A file's name may hold line breaks, and so pass for words of ours."""
    return "".join(each if each.isprintable() else "?" for each in question)
