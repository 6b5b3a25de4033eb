"""The list of tools, in the order in which agents see them."""

from __future__ import annotations

from bedrock_support.routing.handoff import HandoffDesk
from bedrock_support.routing.mcp_router import Screen
from bedrock_support.tools.base import AnyTool
from bedrock_support.tools.complete import Note, complete_handoff
from bedrock_support.tools.compliance import Gather, compliance_report
from bedrock_support.tools.detect import detect_gaps
from bedrock_support.tools.explain import Look, explain_routing
from bedrock_support.tools.gaps.store import FactStore
from bedrock_support.tools.infrastructure import audit_infrastructure
from bedrock_support.tools.live.sources import LiveSources
from bedrock_support.tools.root_cause import find_root_cause
from bedrock_support.tools.runs import ANALYZE
from bedrock_support.tools.scan import SCAN
from bedrock_support.tools.triage import triage_incident
from bedrock_support.tools.verify import verify_specs


def catalog(
    desk: HandoffDesk,
    note: Note,
    look: Look,
    gather: Gather,
    store: FactStore,
    live: LiveSources,
    screen: Screen | None = None,
) -> list[AnyTool]:
    """Every tool; `note` is told of a handed-over answer that came back, `look` finds decisions to explain.

    `gather` collects the evidence for compliance_report, `store` remembers what was read of source files, `live` may be
    asked for logs, metrics and traces, `screen` looks at answers that agents bring back.
    """
    return [
        triage_incident(live),
        detect_gaps(store),
        verify_specs(store),
        find_root_cause(live),
        audit_infrastructure(live),
        ANALYZE,
        complete_handoff(desk, note, screen),
        explain_routing(look),
        compliance_report(gather),
        SCAN,
    ]
