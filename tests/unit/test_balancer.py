"""Weights of an Application Load Balancer, on moto: set, read back, and everything else left as it was."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from bedrock_support.routing.bedrock.balancer import Balancer, BalancerError
from tests.promises import promise

REGION = "eu-central-1"


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


@promise("rollout:elsewhere")
@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("of", ["rule", "listener"])
def test_a_balancer_on_moto_takes_weights_and_says_them(of: str) -> None:
    ec2, elb = client("ec2"), client("elbv2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"][
            "SubnetId"
        ]
        for n, zone in enumerate("ab")
    ]
    front = elb.create_load_balancer(Name="front", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    groups = {
        name: elb.create_target_group(Name=name, Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"][0][
            "TargetGroupArn"
        ]
        for name in ("blue", "green")
    }
    forward = [{"Type": "forward", "TargetGroupArn": groups["blue"]}]
    listener = elb.create_listener(LoadBalancerArn=front, Protocol="HTTP", Port=80, DefaultActions=forward)
    listener_arn = listener["Listeners"][0]["ListenerArn"]
    where = [{"Field": "path-pattern", "Values": ["/mcp"]}]
    rule = elb.create_rule(ListenerArn=listener_arn, Priority=1, Conditions=where, Actions=forward)["Rules"][0]
    arn = rule["RuleArn"] if of == "rule" else listener_arn
    place = Balancer.of({of: arn, "targets": groups})
    before = place.read()
    assert before == {"blue": 100, "green": 0}
    assert place.shift({"blue": 75, "green": 25}) == {"blue": 75, "green": 25}
    if of == "rule":
        (held,) = elb.describe_rules(RuleArns=[arn])["Rules"]
        assert held["Conditions"][0]["Values"] == ["/mcp"]
        actions = held["Actions"]
    else:
        actions = elb.describe_listeners(ListenerArns=[arn])["Listeners"][0]["DefaultActions"]
    told = {each["TargetGroupArn"]: each["Weight"] for each in actions[0]["ForwardConfig"]["TargetGroups"]}
    assert told == {groups["blue"]: 75, groups["green"]: 25}, "what another client is told"
    assert place.shift(before) == before
    gone = Balancer.of({of: f"{arn}0", "targets": groups})
    with pytest.raises(BalancerError):
        gone.read()
