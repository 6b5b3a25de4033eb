"""What every tool's answer must be, walked over all tools that find something."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from anyio import to_thread
from pydantic import BaseModel

from bedrock_support.server.alone import alone
from bedrock_support.server.calls import success
from bedrock_support.server.results import Results, TooLarge
from bedrock_support.tools.base import AnyTool, ToolContext
from bedrock_support.tools.detect import detect_gaps
from bedrock_support.tools.gaps.store import FactStore
from bedrock_support.tools.infrastructure import audit_infrastructure
from bedrock_support.tools.remediate import plan_remediation
from bedrock_support.tools.root_cause import ROOT_CAUSE
from bedrock_support.tools.runs import ANALYZE
from bedrock_support.tools.scan import SCAN
from bedrock_support.tools.triage import TRIAGE
from bedrock_support.tools.verify import verify_specs
from tests.gaps_rig import plant
from tests.judging_rig import CALLS, judged_project
from tests.promises import promise
from tests.remedy_rig import ENVIRON
from tests.runs_rig import write

alone(())  # reads the matrix, which no loop may wait for
MOST_BYTES = 25_000
SEVERITIES = ("critical", "high", "medium", "low", "info")
MANY = 400
SPEC = "# Tasks\n\n" + "".join(f"- [x] {n} Add `missing_{n}()` to `app/shop.py`\n" for n in range(1, MANY + 1))
STUBS = "".join(
    f"def refund_{n}(order):\n"
    f'    """Give the money of order {n} back and return the receipt."""\n'
    "    raise NotImplementedError\n\n\n"
    f"def caller_{n}(order):\n    return refund_{n}(order).number\n\n\n"
    for n in range(MANY)
)
BUCKETS = "Resources:\n" + "".join(
    f"  Open{n}:\n    Type: AWS::S3::Bucket\n    Properties: {{AccessControl: PublicReadWrite}}\n" for n in range(MANY)
)
TOOLS: dict[str, AnyTool] = {
    each.name: each
    for each in (
        TRIAGE,
        detect_gaps(FactStore(None)),
        verify_specs(FactStore(None)),
        ROOT_CAUSE,
        audit_infrastructure(),
        ANALYZE,
        plan_remediation(FactStore(None), ENVIRON),
        SCAN,
    )
}
ARGUMENTS: dict[str, dict[str, Any]] = {
    **{name: {key: value for key, value in given.items() if key != "judge"} for name, given in CALLS.items()},
    "verify_spec": {"path": "."},
    "scan_compliance": {"path": "people"},
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Far more to find than one answer holds."""
    root = judged_project(tmp_path_factory.mktemp("many").resolve())
    people = "".join(f"mail,user{n}@example.org,AKIA{n:016d}\n" for n in range(MANY))
    plant(root, {"app/many.py": STUBS, "infra/t.yaml": BUCKETS, "people/list.csv": people})
    plant(root, {".kiro/specs/shop/tasks.md": SPEC})
    for run in range(60):
        write(root / f"runs/run{run}.jsonl", [("read", {"path": f"a{run}"}, "x", True)] * 5, "plain")
    said = [f"{chr(97 + n % 26) * 3}{'word ' * (n % 40)}of {chr(97 + n // 26) * 40}" for n in range(MANY)]
    lines = "".join(f"2026-03-01T10:{n % 60:02d}:00Z ERROR {each} failed\n" for n, each in enumerate(said))
    (root / "logs/shop.log").write_text(lines)
    return root


async def asked(name: str, root: Path, **more: Any) -> tuple[Any, list[Any]]:
    """A tool's answer, and how to make the whole of it."""
    makers: list[Any] = []
    tool = TOOLS[name]
    ctx: ToolContext = replace(alone((root,)), whole=makers.append)
    return await tool.run(ctx, tool.input_model.model_validate(ARGUMENTS[name] | more)), makers


@promise("envelope:evidence", "envelope:small")
@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", TOOLS)
async def test_every_finding_has_place_confidence_and_disproof_and_the_answer_fits(name: str, root: Path) -> None:
    result, _ = await asked(name, root)
    told = success(TOOLS[name], result, "support://results/x" * 3).structured_content
    assert len(json.dumps(told, ensure_ascii=False).encode()) <= MOST_BYTES
    found: list[Any] = getattr(result, "findings", None) or getattr(result, "finds", None) or result.steps
    assert found
    held = {each.id: each for each in getattr(result, "evidence", [])}
    for each in found:
        if name == "plan_remediation":
            assert each.changes[0].file
            assert each.tests is not None
            assert each.rollback
            continue
        assert 0 < each.confidence <= 1
        assert each.disproof.strip()
        if name == "scan_compliance":
            assert each.file
            assert each.line > 0
            continue
        assert each.path, each
        assert each.evidence_ids or name == "verify_spec"
        assert all(held[key].source and held[key].quote and len(held[key].sha256) == 64 for key in each.evidence_ids)
        # Measurements have no lines: their metric stands in the evidence.
        assert each.line is not None or any("[" in held[key].source for key in each.evidence_ids)
    ranks = [SEVERITIES.index(each.severity) for each in found if hasattr(each, "severity")]
    assert ranks == sorted(ranks) or name in ("plan_remediation", "triage_incident"), "the most important first"


@promise("envelope:whole")
@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("name", "many"),
    [
        ("detect_implementation_gaps", "findings"),
        ("audit_infrastructure", "findings"),
        ("analyze_executions", "findings"),
        ("verify_spec", "tasks"),
        ("scan_compliance", "finds"),
    ],
)
async def test_an_answer_that_is_a_part_leads_to_the_whole(name: str, many: str, root: Path) -> None:
    result, makers = await asked(name, root)
    (make,) = makers
    results = Results()
    address = results.keep("token", make)
    whole = json.loads(await to_thread.run_sync(results.read, "token"))
    assert len(whole[many]) > len(getattr(result, many))
    told = success(TOOLS[name], result, address, linked=True)
    assert told.structured_content is not None
    assert address in told.structured_content["limits"][0]
    assert str(getattr(told.content[-1], "uri", "")) == address
    assert len(success(TOOLS[name], result, address).content) == 1, "older clients know no links"


@promise("envelope:whole")
def test_few_whole_results_are_kept_and_none_that_is_too_large() -> None:
    class Large(BaseModel):
        text: str

    results = Results()
    for place in range(40):
        results.keep(str(place), lambda: Large(text="x" * 9_000_000))
    assert not results.has("0")
    assert results.has("39")
    with pytest.raises(TooLarge):
        results.read("39")
