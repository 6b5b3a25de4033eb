"""Triage of the real log that the demo ships, held to what is known to have happened in it."""

from __future__ import annotations

import json
from pathlib import Path

import anyio

from tests.promises import promise
from tests.triage_rig import run

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "server" / "bedrock_support" / "server" / "demo"
TRUTH = ROOT / "tests" / "data" / "incident_truth.json"


@promise("demo:truth")
async def test_triage_names_the_key_events_of_the_real_incident_by_their_lines() -> None:
    truth = json.loads(await anyio.Path(TRUTH).read_text(encoding="utf-8"))["line_of"]
    found = await run(DEMO, path="incident.log")
    assert found.files[0].lines == json.loads(await anyio.Path(TRUTH).read_text(encoding="utf-8"))["lines"]
    lines = [finding.line for finding in found.findings]
    for event in ("first_too_many_clients", "sigkill", "first_refused_in_recovery", "first_statement_timeout"):
        assert truth[event] in lines, (event, lines)
    assert found.findings[0].line in (truth["first_too_many_clients"], truth["sigkill"])
    assert found.windows.bad is not None
