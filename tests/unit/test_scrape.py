"""What /metrics says, and that rendered files name nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path

from starlette.applications import Starlette
from starlette.testclient import TestClient

from bedrock_support.server.cli import main
from bedrock_support.server.http import security
from bedrock_support.server.metrics import METRICS
from bedrock_support.server.system import SystemHealth, with_health
from bedrock_support.telemetry.components import Components
from bedrock_support.telemetry.gray import GrayDetector
from bedrock_support.telemetry.slo.board import Board
from tests.fakes import FakeClock
from tests.promises import promise

LINE = re.compile(r'[a-z_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? [0-9.e+-]+')


def scraped() -> str:
    clock = FakeClock()
    system = SystemHealth(components=Components(clock, {}), clock=clock, board=Board(clock), gray=GrayDetector(clock))
    client = TestClient(with_health(Starlette(), system, security()), base_url="http://127.0.0.1:8000")
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return answer.text


@promise("health:metrics")
def test_every_line_is_exposition_and_unknown_is_said() -> None:
    text = scraped()
    assert all(LINE.fullmatch(line) for line in text.splitlines() if not line.startswith("#"))
    assert 'bedrock_support_component_state{component="audit_trail",state="unknown"} 1' in text
    assert 'bedrock_support_slo_gate_state{slo="cost",state="unknown"} 1' in text


@promise("health:metrics")
def test_rendered_files_name_only_what_is_emitted(tmp_path: Path) -> None:
    assert main(["monitoring", "render", "--out", str(tmp_path / "new")]) == 0
    text = scraped()
    series = {line.split(" ")[0] for line in text.splitlines()}
    emitted = {each.partition("{")[0] for each in series}
    assert set(METRICS) <= emitted
    for name in ("dashboard.json", "alerts.json"):
        written = (tmp_path / "new" / name).read_text()
        json.loads(written)
        named = set(re.findall(r"bedrock_support_[a-z_]+", written))
        assert named
        assert named <= emitted
        for slo in re.findall(r'slo=\\"(\w+)\\"', written):
            assert f'bedrock_support_slo_events_total{{slo="{slo}",result="bad"}}' in series


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert main(["monitoring", "render", "--out", str(tmp_path / "file")]) == 2
