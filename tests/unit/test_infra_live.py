"""A live account, on moto: what is read, what is found, and what is said when something may not be read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from bedrock_support.routing.bedrock.account import PERMISSIONS, AccountReader
from bedrock_support.tools.infra.live import audit_live
from bedrock_support.tools.infra.sources import Sources
from tests.promises import promise

REGION = "eu-west-1"
ANYBODY = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}]}
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


@pytest.fixture
def account() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            patch.setenv(name, "moto")
        with mock_aws():
            yield


def client(name: str) -> Any:
    session: Any = boto3.Session(region_name=REGION)
    return session.client(name)


@promise("infra:live")
@pytest.mark.usefixtures("account")
def test_an_account_is_held_against_the_same_checks() -> None:
    ec2 = client("ec2")
    group = ec2.create_security_group(GroupName="open", Description="open")["GroupId"]
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    s3 = client("s3")
    s3.create_bucket(Bucket="shared", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_policy(Bucket="shared", Policy=json.dumps(ANYBODY))
    iam = client("iam")
    iam.create_role(RoleName="strong", AssumeRolePolicyDocument=json.dumps({"Statement": []}))
    iam.put_role_policy(RoleName="strong", PolicyName="all", PolicyDocument=json.dumps(EVERYTHING))
    client("cloudwatch").put_metric_alarm(
        AlarmName="wrong",
        Namespace="AWS/Lambda",
        MetricName="Error",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    found = audit_live(AccountReader(region=REGION), Sources([]))
    keys = {(each.resource, each.kind, each.severity) for each in found.problems}
    assert keys >= {
        (group, "open_admin_port", "high"),
        ("shared/policy", "public_bucket", "high"),
        ("strong", "wildcard_iam", "critical"),
        ("wrong", "dead_alarm", "high"),
    }
    assert {each.file for each in found.problems} == {f"aws:{REGION}"}
    assert not found.partial, found.notes


@promise("infra:live")
@pytest.mark.usefixtures("account")
def test_what_is_denied_is_said_and_the_rest_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore.client import BaseClient
    from botocore.exceptions import ClientError

    calls: list[str] = []
    every: Any = BaseClient
    real = every._make_api_call

    def watched(self: Any, operation: str, given: dict[str, Any]) -> Any:
        calls.append(operation)
        if operation == "ListBuckets":
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, operation)
        return real(self, operation, given)

    monkeypatch.setattr(BaseClient, "_make_api_call", watched)
    client("ec2").create_security_group(GroupName="g", Description="g")
    calls.clear()
    held: list[Any] = []
    notes: list[str] = []
    AccountReader(region=REGION).collect(held, notes)
    assert any(each.kind == "AWS::EC2::SecurityGroup" for each in held)
    (note,) = notes
    assert "AccessDenied" in note
    assert "s3:ListAllMyBuckets" in note
    assert all(each.startswith(("List", "Get", "Describe")) for each in calls)


@promise("infra:live")
def test_every_permission_only_reads() -> None:
    for actions in PERMISSIONS.values():
        for action in actions:
            assert action.split(":")[1].startswith(("List", "Get", "Describe", "View"))


@promise("infra:live")
def test_the_documented_policy_is_what_is_used() -> None:
    text = (Path(__file__).parents[2] / "docs/infrastructure.md").read_text(encoding="utf-8")
    documented = json.loads(text.split("```json\n")[1].split("```")[0])["Statement"][0]["Action"]
    used = {action for actions in PERMISSIONS.values() for action in actions}
    assert set(documented) == used - {"sts:GetCallerIdentity"}
