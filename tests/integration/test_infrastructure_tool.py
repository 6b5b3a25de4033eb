"""audit_infrastructure as an agent and as a shell meet it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import anyio
import pytest

from bedrock_support.tools.base import InputError
from bedrock_support.tools.infra import engines
from bedrock_support.tools.infrastructure import InfrastructureInput, audit_infrastructure, summary
from tests.gaps_rig import context, plant
from tests.promises import promise
from tests.rig import COMMAND, connect, environment, told, words

SECRET = "Tr0ub4dor-" + "and-3-horses"
TREE = {
    "infra/t.yaml": f"""
    Resources:
      Open:
        Type: AWS::S3::Bucket
        Properties: {{AccessControl: PublicReadWrite}}
      Base:
        Type: AWS::RDS::DBInstance
        Properties:
          StorageEncrypted: true
          MasterUserPassword: {SECRET}
    """,
    "infra/compose.yaml": "services: {a: {build: ., environment: {API_TOKEN: " + SECRET + "}}}\n",
    "out.txt": "x",
}


def command(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=root,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


@promise("infra:command", "infra:no-secrets")
def test_audit_path_gives_json_sarif_and_text_with_exit_codes(tmp_path: Path) -> None:
    plant(tmp_path, TREE)
    found = command(tmp_path, "audit", "infra", "--no-engines", "--json")
    assert found.returncode == 1, found.stderr
    first = json.loads(found.stdout)["findings"][0]
    assert (first["file"], first["line"], first["resource"]) == ("t.yaml", 5, "Open")
    assert (first["kind"], first["severity"]) == ("public_bucket", "critical")
    assert first["confidence"] > 0.9
    long = command(tmp_path, "audit", "infrastructure", "infra", "--no-engines", "--sarif", "--fail-on", "never")
    assert long.returncode == 0
    (run,) = json.loads(long.stdout)["runs"]
    assert run["results"][0]["ruleId"] == "public_bucket"
    shown = command(tmp_path, "audit", "./infra/t.yaml", "--no-engines", "--focus", "plain_secret")
    assert "Base" in shown.stdout
    for each in (found, long, shown):
        assert SECRET not in each.stdout + each.stderr
    plant(
        tmp_path,
        {"infra/t.yaml": "Resources: {Q: {Type: 'AWS::SNS::Topic'}}\n", "infra/compose.yaml": "services: {}\n"},
    )
    assert command(tmp_path, "audit", "infra", "--no-engines").returncode == 0


@promise("infra:command")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["audit", "nowhere"], "no file or folder"),
        (["audit", "infra", "--focus", "nowhere", "--no-engines"], "focus"),
        (["audit", "infra", "--engine-seconds", "0"], "1 to 3600"),
        (["audit", "verify", "--audit", "nowhere"], "trail"),  # of the audit trail, and no path
    ],
)
def test_what_is_asked_wrongly_ends_with_2(tmp_path: Path, arguments: list[str], said: str) -> None:
    done = command(plant(tmp_path, TREE), *arguments)
    assert done.returncode in ((2, 3) if arguments[1] == "verify" else (2,)), done
    assert said in (done.stderr + done.stdout).lower()


@promise("infra:confined", "infra:no-secrets")
async def test_an_answer_is_small_and_shows_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    none: dict[str, str] = {}
    monkeypatch.setattr(engines, "find_engine", none.get)
    inside = tmp_path / "inside"
    plant(inside, TREE)
    many = "Resources:\n" + "".join(
        f"  Base{n}:\n    Type: AWS::RDS::DBInstance\n    Properties:\n      MasterUserPassword: {SECRET}\n"
        for n in range(200)
    )
    plant(inside, {"many.yaml": many})
    result = await audit_infrastructure().run(context(inside), InfrastructureInput(path=".", limit=100))
    text = result.model_dump_json()
    assert len(text) <= 25_000
    assert SECRET not in text
    assert SECRET not in summary(result)
    assert result.findings
    assert {each.id for each in result.evidence} >= {i for each in result.findings for i in each.evidence_ids}
    assert any("offset=" in each for each in result.limits)
    more = await audit_infrastructure().run(context(inside), InfrastructureInput(path=".", limit=5, offset=5))
    assert [each.resource for each in more.problems] == [each.resource for each in result.problems[5:10]]
    (tmp_path / "out.yaml").write_text("Resources: {}", encoding="utf-8")
    (inside / "link.yaml").symlink_to(tmp_path / "out.yaml")
    for path in ("../out.yaml", "link.yaml"):
        with pytest.raises(InputError, match="outside"):
            await audit_infrastructure().run(context(inside), InfrastructureInput(path=path))


@promise("infra:confined")
async def test_a_client_asks_for_it(tmp_path: Path) -> None:
    plant(tmp_path, TREE)
    with anyio.fail_after(50):
        async with connect("stdio", "2026-07-28", root=tmp_path, env=environment()) as client:
            result = told(await client.call_tool("audit_infrastructure", {"path": "infra", "min_severity": "high"}))
            assert result["findings"][0]["path"] == "t.yaml"
            assert result["findings"][0]["line"] == 5
            assert result["evidence"][0]["quote"].startswith("    Properties: {AccessControl")
            assert result["resources"] == 3
            assert result["total"] >= 3
            refused = await client.call_tool("audit_infrastructure", {"path": "infra", "focus": "nowhere"})
            assert refused.is_error
            assert "neither a kind" in words(refused)
