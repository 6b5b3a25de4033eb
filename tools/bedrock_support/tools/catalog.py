"""The list of tools, in the order in which agents see them."""

from __future__ import annotations

from bedrock_support.routing.handoff import HandoffDesk
from bedrock_support.tools.base import AnyTool
from bedrock_support.tools.complete import Note, complete_handoff
from bedrock_support.tools.compliance import Gather, compliance_report
from bedrock_support.tools.explain import Look, explain_routing
from bedrock_support.tools.triage import TRIAGE


def catalog(desk: HandoffDesk, note: Note, look: Look, gather: Gather) -> list[AnyTool]:
    """Every tool; `note` is told of a handed-over answer that came back, `look` finds decisions to explain.

    `gather` collects the evidence for compliance_report.
    """
    return [TRIAGE, complete_handoff(desk, note), explain_routing(look), compliance_report(gather)]
