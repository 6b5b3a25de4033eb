"""compliance_report: met, not met and unknown, each with what it rests on."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from bedrock_support.routing.compliance import ComplianceValidator, Destinations
from bedrock_support.routing.model import Clearance, Refusal, Residency
from bedrock_support.server.compliance_evidence import ComplianceEvidence
from bedrock_support.server.settings import Settings
from bedrock_support.telemetry.audit.files import AuditFiles
from bedrock_support.telemetry.audit.trail import AuditTrail
from bedrock_support.tools.compliance import ComplianceReport, report
from tests.fakes import CountingEntropy, FakeClock, clearance, operation
from tests.promises import promise

MODEL = "eu.model"


def reported(settings: Settings, clock: FakeClock | None = None, peers: tuple[str, ...] = ()) -> ComplianceReport:
    where = Destinations(region=settings.region, endpoint_url=None, models=frozenset({MODEL}))
    evidence = ComplianceEvidence(
        settings=settings,
        gate=ComplianceValidator(where, CountingEntropy()),
        clock=clock or FakeClock(),
        models=[MODEL],
        peers=lambda: peers,
        purposes=lambda: ["triage_incident"],
    )
    return report(evidence())


def states(made: ComplianceReport) -> dict[str, str]:
    return {each.id: each.state for each in made.statements}


@promise("audit:report")
def test_without_a_trail_what_it_would_show_is_unknown(tmp_path: Path) -> None:
    off = states(reported(Settings()))
    assert off["audit"] == "not_met"
    assert off["minimisation"] == "met"
    assert {off[each] for each in ("audit-closed", "retention", "erasure", "lawful-basis", "processor", "dpia")} == {
        "unknown"
    }
    empty = reported(Settings(audit=tmp_path / "none"))
    assert states(empty)["audit"] == "unknown"
    assert "there is no audit trail" in empty.text


@promise("audit:report")
def test_settings_decide_what_can_be_said_of_places() -> None:
    usual = states(reported(Settings()))
    assert (usual["residency-direct"], usual["residency-caller"], usual["residency-telemetry"]) == (
        "met",
        "unknown",
        "met",
    )
    strict = reported(Settings(caller_model=False, region="us-east-1", otlp_endpoint="https://otel.example.com/v1"))
    assert states(strict)["residency-caller"] == "met"
    assert states(strict)["residency-telemetry"] == "unknown"
    assert "the direct route is closed: residency eu: region us-east-1" in strict.text
    assert states(reported(Settings(residency=Residency.ANY)))["residency-direct"] == "not_met"
    asked = reported(Settings(caller_model=False, audit_anchor="s3://bucket"), peers=("tracker",))
    assert states(asked)["residency-caller"] == "unknown"
    assert any("upstream MCP server tracker" in each for each in asked.processing.recipients)


@promise("audit:report")
async def test_what_the_trail_shows_is_counted(tmp_path: Path) -> None:
    clock = FakeClock()
    trail = AuditTrail(AuditFiles(folder=tmp_path / "trail"), clock, CountingEntropy())
    cleared = Clearance(operation=operation(), routes=frozenset(), restore={"[[EMAIL_1_abc]]": "x"})
    await trail.opened(cleared, "anna")
    await trail.closed(cleared, None, "anna")
    await trail.refused(Refusal(operation=operation(), reason="too long", mend=""), "anna")
    settings = Settings(audit=tmp_path / "trail", audit_anchor=str(tmp_path / "anchors"))

    def look() -> ComplianceReport:
        return reported(settings, clock)

    made = await anyio.to_thread.run_sync(look)
    found = states(made)
    assert (found["audit"], found["audit-closed"], found["retention"]) == ("met", "met", "met")
    assert found["audit-anchored"] == "not_met"
    assert found["erasure"] == "unknown"
    assert made.processing.data_classes == ["EMAIL: 1"]
    assert made.processing.operations == {"triage_incident/standard": 1}
    assert made.processing.subjects == 1
    assert made.met + made.not_met + made.unknown == len(made.statements)
    await trail.opened(clearance(), "anna")
    clock.time += 91 * 86_400
    later = states(await anyio.to_thread.run_sync(look))
    assert (later["audit-closed"], later["retention"]) == ("not_met", "not_met")
    await trail.aclose()


@pytest.mark.parametrize("rubbish", ["[]", "no json"])
@promise("audit:report")
async def test_a_tampered_trail_is_reported_and_not_stumbled_over(tmp_path: Path, rubbish: str) -> None:
    import sqlite3

    trail = AuditTrail(AuditFiles(folder=tmp_path), FakeClock(), CountingEntropy())
    await trail.opened(clearance(), "anna")
    await trail.aclose()

    def work() -> ComplianceReport:
        connection = sqlite3.connect(tmp_path / "log.db", isolation_level=None)
        for statement in ("TRIGGER no_update", "INDEX by_operation", "INDEX by_subject"):
            connection.execute(f"DROP {statement}")
        connection.execute("UPDATE records SET body = ?", (rubbish,))
        connection.close()
        return reported(Settings(audit=tmp_path))

    made = await anyio.to_thread.run_sync(work)
    assert states(made)["audit"] == "not_met"
    assert "TAMPERED WITH from record 0" in made.text
