"""What is found wrong, what looks alike and isn't, and how engines' findings join ours."""

from __future__ import annotations

import json
from pathlib import Path

import anyio
import pytest

from bedrock_support.tools.base import InputError
from bedrock_support.tools.infra import engines
from bedrock_support.tools.infra.declared import read_declared
from bedrock_support.tools.infra.merge import merged
from bedrock_support.tools.infra.model import Problem
from bedrock_support.tools.infra.run import Audited, audit, check_estate
from bedrock_support.tools.infra.sources import read_sources
from benchmarks.infra import CASES, plant
from benchmarks.infra_templates import Case
from tests import gaps_rig
from tests.promises import promise


def problems(root: Path) -> list[Problem]:
    declared, _ = read_declared(root, lambda: None)
    return merged(check_estate(declared, read_sources(root, lambda: None)))


@promise("infra:look-alikes", "infra:missed")
@pytest.mark.parametrize("case", CASES, ids=lambda each: each.name)
def test_each_label_is_found_and_no_clean_twin(case: Case, tmp_path: Path) -> None:
    plant(case, tmp_path)
    found = problems(tmp_path)
    assert case.labels <= {(each.resource, each.kind) for each in found}
    grave = {(each.resource, each.kind) for each in found if each.severity in ("critical", "high")}
    assert grave <= case.labels
    for each in found:
        lines = (tmp_path / each.file).read_text(encoding="utf-8").splitlines()
        assert 0 < each.line <= len(lines)
        assert each.disproof
        assert each.remedy


QUIET = """
resource "aws_opensearch_domain" "single" {
  encrypt_at_rest { enabled = true }
  domain_endpoint_options { enforce_https = true }
}
resource "aws_instance" "shut" {
  metadata_options { http_endpoint = "disabled" }
  root_block_device { snapshot_id = "snap-1" }
}
"""
LOUD = """
resource "aws_opensearch_domain" "several" {
  cluster_config { instance_count = 3 }
}
resource "aws_instance" "open" {
  metadata_options { http_endpoint = "enabled" }
  root_block_device { volume_size = 8 }
}
"""


@promise("infra:look-alikes")
def test_what_cannot_happen_there_is_no_problem(tmp_path: Path) -> None:
    kinds = {"unencrypted_transport", "imds_v1", "unencrypted_storage"}
    for text, expected in ((QUIET, set[str]()), (LOUD, kinds)):
        (tmp_path / "main.tf").write_text(text, encoding="utf-8")
        assert {each.kind for each in problems(tmp_path)} & kinds == expected


GROUP = """
resource "aws_security_group" "g" {
  ingress {
    from_port   = 22
    to_port     = 22
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }
}
resource "aws_internet_gateway" "igw" {}
resource "aws_subnet" "s" { map_public_ip_on_launch = true }
resource "aws_route_table" "t" {}
resource "aws_route_table_association" "a" {
  subnet_id      = aws_subnet.s.id
  route_table_id = aws_route_table.t.id
}
resource "aws_instance" "i" {
  subnet_id              = aws_subnet.s.id
  vpc_security_group_ids = [aws_security_group.g.id]
}
"""
ROUTE = """
resource "aws_route" "r" {
  route_table_id = aws_route_table.t.id
  gateway_id     = aws_internet_gateway.igw.id
}
"""


@promise("infra:exposure")
def test_group_subnet_and_route_together_make_an_instance_reachable(tmp_path: Path) -> None:
    gaps_rig.plant(tmp_path / "open", {"main.tf": GROUP + ROUTE})
    (first, second, *_) = problems(tmp_path / "open")
    assert (first.kind, first.severity, first.line) == ("open_admin_port", "critical", 7)
    assert (second.kind, second.resource) == ("reachable_instance", "aws_instance.i")
    assert second.also == (("main.tf", 7),)
    gaps_rig.plant(tmp_path / "inner", {"main.tf": GROUP})
    assert {each.kind: each.severity for each in problems(tmp_path / "inner")}["open_admin_port"] == "high"
    assert all(each.kind != "reachable_instance" for each in problems(tmp_path / "inner"))


CHAINS = """
Resources:
  Slow: {Type: 'AWS::Lambda::Function', Properties: {Timeout: 60}}
  Api:
    Type: AWS::ApiGatewayV2::Integration
    Properties: {IntegrationUri: !GetAtt Slow.Arn, TimeoutInMillis: 10000}
  Balancer: {Type: 'AWS::ElasticLoadBalancingV2::LoadBalancer', Properties: {Scheme: internal}}
  Front:
    Type: AWS::CloudFront::Distribution
    Properties:
      DistributionConfig:
        Origins: [{Id: a, DomainName: !GetAtt Balancer.DNSName, CustomOriginConfig: {OriginProtocolPolicy: https-only}}]
  Topic: {Type: 'AWS::SNS::Topic'}
  Sub: {Type: 'AWS::SNS::Subscription', Properties: {TopicArn: !Ref Topic, Protocol: lambda, Endpoint: !Ref Slow}}
  Wrong: {Type: 'AWS::CloudWatch::Alarm', Properties: {Namespace: AWS/Lambda, MetricName: Error, AlarmActions: [x]}}
  Right: {Type: 'AWS::CloudWatch::Alarm', Properties: {Namespace: AWS/Lambda, MetricName: Errors, AlarmActions: [x]}}
  Emitted: {Type: 'AWS::CloudWatch::Alarm', Properties: {Namespace: Shop, MetricName: Sold, AlarmActions: [x]}}
  Url: {Type: 'AWS::Lambda::Url', Properties: {AuthType: NONE, TargetFunctionArn: !Ref Slow}}
"""


@promise("infra:missed")
def test_chains_alarms_and_lost_events(tmp_path: Path) -> None:
    gaps_rig.plant(tmp_path, {"t.yaml": CHAINS, "shop.py": "put_metric('Sold', 1)\n"})
    found = {(each.resource, each.kind) for each in problems(tmp_path)}
    assert found >= {
        ("Api", "timeout_chain"),
        ("Front", "timeout_chain"),
        ("Slow", "no_dead_letter"),
        ("Wrong", "dead_alarm"),
        ("Url", "public_function"),
    }
    assert not found & {("Right", "dead_alarm"), ("Emitted", "dead_alarm")}
    spending = "".join(f"resource 'aws_instance' 'i{n}' {{}}\n".replace("'", '"') for n in range(3))
    gaps_rig.plant(tmp_path / "b", {"m.tf": spending})
    assert "no_budget" in {each.kind for each in problems(tmp_path / "b")}
    gaps_rig.plant(tmp_path / "b", {"b.tf": 'resource "aws_budgets_budget" "b" {}\n'})
    assert "no_budget" not in {each.kind for each in problems(tmp_path / "b")}


async def run(root: Path, **more: object) -> Audited:
    return await audit(root, workers=anyio.CapacityLimiter(2), **more)  # type: ignore[arg-type] - passed on as given


@promise("infra:engines")
async def test_engines_join_are_bounded_and_their_absence_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = tmp_path / "tree"
    gaps_rig.plant(tree, {"t.yaml": CHAINS})
    answer = {
        "results": {
            "failed_checks": [
                {
                    "check_id": rule,
                    "check_name": "said",
                    "file_abs_path": str(tree / "t.yaml"),
                    "file_line_range": [3, 3],
                    "resource": f"AWS::Lambda::{name}",
                }
                for rule, name in (
                    ("CKV_AWS_258", "Url.Url"),
                    ("CKV_AWS_116", "Function.Slow"),
                    ("CKV_X", "Function.Slow"),
                )
            ]
        }
    }
    program = tmp_path / "engine"
    program.write_text(f"#!/bin/sh\ncat <<'E'\n{json.dumps(answer)}\nE\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(engines, "find_engine", {engines.CHECKOV: str(program)}.get)
    found = await run(tree)
    by_key = {(each.resource, each.kind): each for each in found.problems}
    assert by_key["Url", "public_function"].sources == ("builtin", "checkov:CKV_AWS_258")
    assert by_key["Slow", "no_dead_letter"].sources == ("builtin", "checkov:CKV_AWS_116")
    assert by_key["Slow", "other"].sources == ("checkov:CKV_X",)
    assert any("cfn-lint isn't installed" in each for each in found.notes)
    program.write_text("#!/bin/sh\nsleep 60 & sleep 60\n", encoding="utf-8")
    with anyio.fail_after(20):
        late = await run(tree, engine_seconds=0.5)
    assert late.partial
    assert any("no answer" in each for each in late.notes)
    program.write_text("#!/bin/sh\necho '{nothing'\n", encoding="utf-8")
    assert any("can't be read" in each for each in (await run(tree)).notes)
    assert engines.parsed(engines.CFN_LINT, b'{"a": 1}', tree) is None
    assert engines.parsed(engines.CHECKOV, b"[]", tree) == []


@promise("infra:engines")
@pytest.mark.skipif(engines.find_engine(engines.CFN_LINT) is None, reason="cfn-lint isn't installed: --extra infra")
async def test_cfn_lint_as_it_is(tmp_path: Path) -> None:
    gaps_rig.plant(tmp_path, {"t.yaml": "Parameters: {P: {Type: String}}\nResources: {Q: {Type: 'AWS::SQS::Queue'}}\n"})
    found = await run(tmp_path, engine_seconds=50)
    (row,) = [each for each in found.problems if each.kind == "unused_parameter"]
    assert row.sources == ("builtin", "cfn-lint:W2001")


async def test_focus_and_severity_choose(tmp_path: Path) -> None:
    gaps_rig.plant(tmp_path, {"t.yaml": CHAINS})
    kinds = {each.kind for each in (await run(tmp_path, focus="timeout_chain", engine_seconds=0)).problems}
    assert kinds == {"timeout_chain"}
    names = {each.resource for each in (await run(tmp_path, focus="Wrong", engine_seconds=0)).problems}
    assert names == {"Wrong"}
    with pytest.raises(InputError, match="focus"):
        await run(tmp_path, focus="nowhere", engine_seconds=0)
    late = await run(tmp_path, engine_seconds=0, expired=lambda: True)
    assert late.partial
