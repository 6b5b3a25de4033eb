"""The report: each figure in it is held against what is stored under the ids that stand beside it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bedrock_support.server.rollout.paper import markdown, page
from bedrock_support.server.rollout.plan import Plan
from bedrock_support.server.rollout.report import FIGURE, Cell, Report, report_of
from bedrock_support.server.rollout.store import EvidenceStore
from tests.fakes import FakeClock
from tests.promises import promise
from tests.report_rig import figures, figures_not_found, rows, untraced

EVIL = "<script>alert(1)</script> | [x](http://evil.example) `rm`"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The record of a rollout that failed, with everything a report shows."""
    clock = FakeClock()
    path = tmp_path / "evidence.sqlite"
    store = EvidenceStore(path, clock)
    store.begin("r-1", "rollout", {})
    store.set_detail("r-1", Plan(generation="g-1", env={"BEDROCK_SUPPORT_REGION": "eu-west-1"}).as_table())
    for phase in ("preflight", "slo_gates", "flags", "validation", "rollback"):
        store.move("r-1", phase, "begun")
        clock.time += 1.25
        store.add("r-1", phase, f"check of {phase}", True, {"model": {"simulated": True}}, "d-77")
        store.move("r-1", phase, "done", "took 3 tries")
    gate = {"step_percent": 5, "samples": 45, "rate": 0.0, "limit": 0.01, "below_with_95_percent_confidence": 0.0644}
    store.add("r-1", "slo_gates", "gate: errors", True, gate)
    unknown = {"step_percent": 25, "samples": 0, "p95_seconds": None, "limit_seconds": 30.0, "problem": EVIL}
    store.add("r-1", "slo_gates", "gate: p95 of standard", False, unknown)
    store.add("r-1", "slo_gates", "gate: all samples were recorded", True, {"step_percent": 5, "lost": 0})
    read: dict[str, object] = {"workers": {"blue": [], "green": []}, "how": "watched"}
    store.add("r-1", "flags", "ENABLE_INTELLIGENT_ROUTING read back", True, read)
    store.set_state("r-1", "rolled_back", ended=True)
    store.close()
    return path


def made(path: Path) -> Report:
    store = EvidenceStore(path, FakeClock())
    run = store.run("r-1")
    assert run is not None
    report = report_of(run, store.transitions("r-1"), store.evidence("r-1"))
    store.close()
    return report


@promise("rollout:report")
def test_each_figure_traces_to_what_is_stored(file: Path) -> None:
    report, stored = made(file), rows(file)
    assert len(figures(report)) > 20
    assert untraced(report, stored) == []
    # The test itself must be able to fail.
    assert figures_not_found(Cell(text="0.0645", sources=("E6",)), stored) == ["0.0645"]
    # The document says no more than its cells, and every id in it can be looked up in it.
    text, html = markdown(report), page(report)
    body = text.partition("## Stored record")[0]
    for line in body.splitlines():
        if FIGURE.search(line) and not line.startswith("#") and "95 % sure" not in line:
            assert re.search(r" \[[RTE]\d*\]", line), line
    for each in set(re.findall(r" \[([RTE]\d*)\]", body)):
        assert f"- {each}: `" in text
        assert f'id="{each}"' in html
    assert set(report.stored) == set(stored)


def test_texts_in_a_report_are_no_markup(file: Path) -> None:
    report = made(file)
    body = markdown(report).partition("## Stored record")[0]
    assert "<script>" not in body.replace("\\<script\\>", "")
    assert "](http" not in body.replace("\\]", "")
    assert "<script" not in page(report)
    assert "default-src 'none'" in page(report)


def test_a_report_says_what_is_simulated_and_what_is_unknown(file: Path) -> None:
    report = made(file)
    assert "SIMULATED" in markdown(report)
    (gates,) = (part for part in report.sections if part.title == "Gates")
    values = {row[2].text: (row[3].text, row[-1].text) for row in gates.rows}
    assert values["p95 of standard"] == ("unknown", "NO")
    assert values["errors"] == ("0.0", "yes")
    assert json.dumps(report.stored["R"]).count("rolled_back") == 1
