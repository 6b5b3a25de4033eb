"""RoutingLook: past decisions from the ledger, hypothetical ones from the router that makes the real ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bedrock_support.routing.mcp_router import Caller
from bedrock_support.routing.model import Operation, OperationClass, Refusal
from bedrock_support.server.ledger import decided
from bedrock_support.server.manager import BedrockSupportManager

HYPOTHETICAL = "hypothetical"
NO_CLIENT = "asked without a client: what the MCP route can do depends on whose call it is"
APPROVAL = "the direct route would be taken only after the client's user approved it"
FILLER = "log 42 "
"""Stands for evidence, with as many tokens to a character as logs have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingLook:
    """Implements explain_routing's port Look."""

    manager: BedrockSupportManager

    async def past(self, decision_id: str) -> Mapping[str, object] | None:
        return await self.manager.ledger.recall(decision_id)

    async def latest(self) -> Mapping[str, object] | None:
        """The newest decision of this server, whoever's call it was for; before its first, of those before it."""
        return await self.manager.ledger.recall_newest()

    async def hypothetical(
        self, op_class: OperationClass, size_chars: int, deadline_s: float | None, caller: Caller | None = None
    ) -> Mapping[str, object]:
        """The router's own decision on the conditions of this moment. Nothing is sent, traced or kept."""
        manager = self.manager
        operation = self._operation(op_class, size_chars, deadline_s)
        limits = [NO_CLIENT] if caller is None else []
        if manager.approve_direct and op_class is not OperationClass.EMERGENCY:
            limits.append(APPROVAL)
        clearance = await manager.compliance.look(operation)
        if isinstance(clearance, Refusal):
            return self._refused(operation, clearance) | {"limits": limits}
        conditions = manager.conditions_for(clearance.operation, caller)
        decision = manager.router.decide(clearance, conditions, decision_id=HYPOTHETICAL)
        return decided(decision, manager.clock.wall()) | {"limits": limits}

    def _operation(self, op_class: OperationClass, size_chars: int, deadline_s: float | None) -> Operation:
        rule = self.manager.router.matrix.rules[op_class]
        return Operation(
            id=HYPOTHETICAL,
            op_class=op_class,
            tool="explain_routing",
            system="",
            brief=(FILLER * (size_chars // len(FILLER) + 1))[:size_chars],
            evidence_digest="",
            deadline=self.manager.deadline(op_class, self.manager.clock.now(), deadline_s),
            model_role=rule.role,
            max_tokens=rule.max_tokens,
            stream=rule.stream,
        )

    def _refused(self, operation: Operation, refusal: Refusal) -> dict[str, object]:
        """The gate's no, in the ledger's form: no row was looked up and no route remains."""
        return {
            "at": self.manager.clock.wall(),
            "operation_class": operation.op_class.value,
            "row": "none",
            "plan": [],
            "reasons": [f"the compliance gate refuses it: {refusal.reason}. {refusal.mend}"],
            "policy": self.manager.router.matrix.version,
            "conditions": {},
        }
