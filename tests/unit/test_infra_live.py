"""A live account, on moto: what is read, what is found, and what is said when something may not be read."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import boto3
import pytest
from anyio import to_thread
from moto import mock_aws

from bedrock_support.routing.bedrock.account import PERMISSIONS, AccountReader
from bedrock_support.server.alone import alone
from bedrock_support.server.environment import SettingsError
from bedrock_support.server.live import live_sources
from bedrock_support.server.settings import load
from bedrock_support.tools.base import InputError
from bedrock_support.tools.infra.live import audit_live
from bedrock_support.tools.infra.sources import Sources
from bedrock_support.tools.infrastructure import InfrastructureInput, InfrastructureResult, audit_infrastructure
from bedrock_support.tools.live.sources import LiveSources
from tests.promises import promise
from tests.rig import connect, environment, told
from tests.wire_account import account_api

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


alone(())  # reads the matrix, which no loop may wait for
WATCHED = LiveSources(accounts={REGION: AccountReader(region=REGION)}, settings={"aws": "BEDROCK_SUPPORT_ACCOUNT"})


async def audited(live: LiveSources, seconds: float = 50, **given: Any) -> InfrastructureResult:
    return await audit_infrastructure(live).run(
        alone((), seconds=seconds), InfrastructureInput.model_validate({"path": "aws:", **given})
    )


@promise("infra:live-tool", "infra:no-secrets")
@pytest.mark.usefixtures("account")
async def test_the_tool_reads_the_account_and_shows_what_it_rests_on() -> None:
    await to_thread.run_sync(_set_up)
    found = await audited(WATCHED)
    assert found.status == "ok", found.limits
    (open_group,) = [each for each in found.findings if each.title and "22" in each.title + each.detail]
    evidence = {each.id: each for each in found.evidence}
    (proof,) = [evidence[each] for each in open_group.evidence_ids]
    assert proof.kind == "resource"
    assert proof.source.startswith(f"aws:{REGION} sg-")
    assert "0.0.0.0/0" in proof.quote
    assert HIDDEN not in found.model_dump_json()
    one = await audited(WATCHED, focus="open_admin_port")
    assert {each.kind for each in one.problems} == {"open_admin_port"}
    with pytest.raises(InputError, match="neither a kind nor"):
        await audited(WATCHED, focus="no-such-thing")


HIDDEN = "Tr0ub4dor-and-3-lambdas"


def _set_up() -> None:
    ec2 = client("ec2")
    group = ec2.create_security_group(GroupName="open", Description="open")["GroupId"]
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    iam = client("iam")
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:*"}]}
    role = iam.create_role(RoleName="run", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    client("lambda").create_function(
        FunctionName="orders",
        Runtime="python3.12",
        Role=role,
        Handler="a.b",
        Code={"ZipFile": b"code"},
        Environment={"Variables": {"DB_PASSWORD": HIDDEN}},
    )


class Hanging:
    """Gives one thing and then nothing more until it is let go."""

    place = f"aws:{REGION}"

    def __init__(self) -> None:
        self.free = threading.Event()

    def collect(self, held: list[Any], notes: list[str], spent: Callable[[], bool] = bool) -> None:
        AccountReader(region=REGION).collect(held, notes, spent)
        self.free.wait(20)


@promise("infra:live-tool")
@pytest.mark.usefixtures("account")
async def test_an_account_that_hangs_gives_what_was_read_in_time() -> None:
    await to_thread.run_sync(_set_up)
    reader = Hanging()
    try:
        found = await audited(LiveSources(accounts={REGION: reader}), seconds=6)
    finally:
        reader.free.set()
    assert found.status == "partial"
    assert any("before its share of the time was over" in each for each in found.limits)
    assert "open_admin_port" in found.by_kind


@promise("infra:live-tool")
async def test_only_what_the_settings_name_is_read() -> None:
    for path, live, said in (
        ("aws:", LiveSources(settings={"aws": "BEDROCK_SUPPORT_ACCOUNT"}), "BEDROCK_SUPPORT_ACCOUNT"),
        ("aws:us-east-1", WATCHED, "isn't one of the Regions"),
        ("aws:../x", WATCHED, "names no Region"),
        ("logs:/x", WATCHED, "isn't asked by this tool"),
    ):
        with pytest.raises(InputError, match=said):
            await audited(live, path=path)


@promise("infra:live-tool")
def test_regions_outside_the_eu_are_refused() -> None:
    for value in ("us-east-1", "eu-west-1,us-west-2", "nowhere"):
        with pytest.raises(SettingsError, match="BEDROCK_SUPPORT_ACCOUNT"):
            live_sources(load({"BEDROCK_SUPPORT_ACCOUNT": value}))
    assert list(live_sources(load({"BEDROCK_SUPPORT_ACCOUNT": "eu-west-1, eu-central-1"})).accounts) == [
        "eu-west-1",
        "eu-central-1",
    ]


@promise("infra:live-tool")
async def test_a_client_asks_for_the_account_over_mcp(tmp_path: Path) -> None:
    with account_api() as api:
        env = environment(
            BEDROCK_SUPPORT_ACCOUNT=REGION,
            AWS_ENDPOINT_URL=api.url,
            AWS_ACCESS_KEY_ID="recorded",
            AWS_SECRET_ACCESS_KEY="recorded",
        )
        with anyio.fail_after(50):
            async with connect("stdio", "2026-07-28", root=tmp_path, env=env) as agent:
                result = told(await agent.call_tool("audit_infrastructure", {"path": f"aws:{REGION}"}))
    (row,) = [each for each in result["problems"] if each["kind"] == "open_admin_port"]
    assert (row["file"], row["resource"]) == (f"aws:{REGION}", "sg-0a1b2c3d")
    assert any("s3:ListAllMyBuckets" in each for each in result["limits"]), "what is denied is said"
    assert all(each.startswith(("Describe", "List", "Get")) for each in api.asked)


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
