"""Prompts that a person can pick in the client."""

from __future__ import annotations

from mcp.server.mcpserver.prompts import Prompt


def triage_incident(path: str, symptom: str = "") -> str:
    """Triage an incident from its logs, then explain the likely cause and the next steps."""
    told = f" The symptom: {symptom}." if symptom else ""
    return (
        f"Use triage_incident on {path}.{told} Then tell me: what happened first, what followed from it, the most "
        "likely cause with the evidence ids and file:line that support it, what would disprove it, and the next three "
        "steps. If the result awaits an answer, answer its brief and return it with complete_handoff first."
    )


def explain_decision(decision_id: str) -> str:
    """Explain why a support call took the route it took."""
    return (
        f"Read support://decisions/{decision_id} and support://health. Explain in plain words which row of the "
        "decision matrix applied, what was known of each route, what was tried and what came of it."
    )


PROMPTS = [Prompt.from_function(triage_incident), Prompt.from_function(explain_decision)]
