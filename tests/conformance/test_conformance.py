"""The official conformance suite against our server over HTTP, in both eras."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conformance.node import Node
from tests.conformance.process import TEST_SERVER, serving
from tests.promises import promise

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]

LINE = re.compile(r"^[✓✗] (?P<scenario>\S+): (?P<passed>\d+) passed, (?P<failed>\d+) failed", re.MULTILINE)
TOTAL = re.compile(r"^Total: (?P<passed>\d+) passed, (?P<failed>\d+) failed", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the suite said."""

    code: int
    passed: int
    failed: int
    scenarios: frozenset[str]
    failing: frozenset[str]
    said: str


def read(code: int, said: str) -> Verdict:
    """Read the summary that closes the suite's output."""
    total = TOTAL.search(said)
    assert total is not None, f"no totals in:\n{said[-3000:]}"
    lines = list(LINE.finditer(said))
    return Verdict(
        code=code,
        passed=int(total["passed"]),
        failed=int(total["failed"]),
        scenarios=frozenset(line["scenario"] for line in lines),
        failing=frozenset(line["scenario"] for line in lines if int(line["failed"])),
        said=said[said.find("=== SUMMARY ===") :],
    )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(TEST_SERVER, tmp_path_factory.mktemp("server") / "stderr.log") as url:
        yield url


def judge(node: Node, url: str, revision: str, tmp_path: Path) -> Verdict:
    """Run what one revision of the specification requires."""
    done = subprocess.run(
        [*node.conformance(), "server", "--url", url, "--requirements", revision, "-o", str(tmp_path / "checks")],
        cwd=tmp_path,
        env=node.environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    return read(done.returncode, done.stdout)


@promise("conformance:2025-11-25")
def test_everything_required_by_2025_11_25_passes(node: Node, server: str, tmp_path: Path) -> None:
    verdict = judge(node, server, "2025-11-25", tmp_path)
    assert not verdict.failing, verdict.said
    assert verdict.failed == 0, verdict.said
    assert verdict.passed >= 84, verdict.said
    assert len(verdict.scenarios) >= 33
    assert verdict.code == 0


@promise("conformance:2026-07-28")
def test_everything_required_by_2026_07_28_passes(node: Node, server: str, tmp_path: Path) -> None:
    verdict = judge(node, server, "2026-07-28", tmp_path)
    # The tasks extension is optional, reported and never scored; it is not offered yet.
    assert not {each for each in verdict.failing if not each.startswith("tasks-")}, verdict.said
    assert verdict.passed >= 169, verdict.said
    assert len(verdict.scenarios) >= 50
    assert verdict.code == 0


def test_a_failing_scenario_is_read_as_failing() -> None:
    said = "=== SUMMARY ===\n✓ ping: 2 passed, 0 failed\n✗ caching: 1 passed, 7 failed\n\nTotal: 3 passed, 7 failed\n"
    verdict = read(1, said)
    assert (verdict.passed, verdict.failed) == (3, 7)
    assert verdict.failing == {"caching"}
    assert verdict.scenarios == {"ping", "caching"}


def test_output_without_totals_is_no_verdict() -> None:
    with pytest.raises(AssertionError, match="no totals"):
        read(0, "Error: connect ECONNREFUSED")
