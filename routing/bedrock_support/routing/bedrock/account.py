"""AccountReader: what an AWS account holds, by list, get and describe calls alone.

Each thing is told as CloudFormation would declare it, so that checks for templates hold for accounts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

PERMISSIONS: dict[str, tuple[str, ...]] = {
    "security groups": ("ec2:DescribeSecurityGroups",),
    "buckets": (
        "s3:ListAllMyBuckets",
        "s3:GetBucketPublicAccessBlock",
        "s3:GetBucketPolicy",
    ),
    "policies and roles": (
        "iam:ListPolicies",
        "iam:GetPolicyVersion",
        "iam:ListRoles",
        "iam:ListRolePolicies",
        "iam:GetRolePolicy",
        "iam:ListAttachedRolePolicies",
    ),
    "functions": ("lambda:ListFunctions",),
    "alarms": ("cloudwatch:DescribeAlarms",),
    "budgets": ("sts:GetCallerIdentity", "budgets:ViewBudget"),
}
"""Every action that is used, by what it is for: the exact policy that a reader needs."""
MOST = 2_000
"""Things of one sort that are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One thing in the account."""

    kind: str
    """As CloudFormation names it."""
    name: str
    properties: dict[str, Any]


class AccountReader:
    """Implements Collector. Blocks: call off the loop."""

    def __init__(self, *, region: str, profile: str | None = None) -> None:
        self._region = region
        self._profile = profile

    @property
    def place(self) -> str:
        """What stands for the file in findings."""
        return f"aws:{self._region}"

    def collect(self, held: list[Any], notes: list[str], spent: Callable[[], bool] = bool) -> None:
        """Add to `held` everything that may be read, and to `notes` what may not, with the permission that is missing.

        Both grow as it reads, so that a caller whose time is over has what was read by then; once `spent` says so
        nothing more is asked. Never raises for AWS.
        """
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        config = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard"})
        try:
            session: Any = boto3.Session(region_name=self._region, profile_name=self._profile)
        except BotoCoreError as error:
            notes.append(f"the account can't be asked: {error}")
            return

        def client(name: str) -> Any:
            return session.client(name, config=config)

        for name, read in _READERS.items():
            try:
                for each in read(client):
                    held.append(each)
                    if spent():
                        break
            except ClientError as error:
                code = error.response.get("Error", {}).get("Code", "error")
                notes.append(f"{name} weren't read to the end ({code}): it needs {', '.join(PERMISSIONS[name])}")
            except BotoCoreError as error:
                notes.append(f"{name} weren't read: {error}")
            if spent():
                notes.append(f"the time was over while {name} were read: call again, or focus on less")
                return


Client = Callable[[str], Any]


def _pages(client: Any, call: str, key: str, **more: Any) -> Iterator[Any]:
    count = 0
    for page in client.get_paginator(call).paginate(**more):
        for each in page.get(key, ()):
            count += 1
            if count > MOST:
                return
            yield each


def _groups(client: Client) -> Iterator[Held]:
    for each in _pages(client("ec2"), "describe_security_groups", "SecurityGroups"):
        rules = [
            {
                "IpProtocol": rule.get("IpProtocol"),
                "FromPort": rule.get("FromPort", -1),
                "ToPort": rule.get("ToPort", -1),
                key: source[field],
            }
            for rule in each.get("IpPermissions", ())
            for ranges, field, key in (("IpRanges", "CidrIp", "CidrIp"), ("Ipv6Ranges", "CidrIpv6", "CidrIpv6"))
            for source in rule.get(ranges, ())
        ]
        yield Held(kind="AWS::EC2::SecurityGroup", name=each["GroupId"], properties={"SecurityGroupIngress": rules})


def _buckets(client: Client) -> Iterator[Held]:
    s3 = client("s3")
    for each in s3.list_buckets().get("Buckets", ())[:MOST]:
        name = each["Name"]
        shut = _or_none(s3, "get_public_access_block", "NoSuchPublicAccessBlockConfiguration", Bucket=name)
        block: Any = shut["PublicAccessBlockConfiguration"] if shut is not None else {}
        yield Held(kind="AWS::S3::Bucket", name=name, properties={"PublicAccessBlockConfiguration": block})
        policy = _or_none(s3, "get_bucket_policy", "NoSuchBucketPolicy", Bucket=name)
        if policy is not None:
            properties = {"Bucket": name, "PolicyDocument": policy["Policy"]}
            yield Held(kind="AWS::S3::BucketPolicy", name=f"{name}/policy", properties=properties)


def _or_none(client: Any, call: str, missing: str, **given: Any) -> Any:
    """What a call gives, or None when there is no such setting."""
    from botocore.exceptions import ClientError

    try:
        return getattr(client, call)(**given)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == missing:
            return None
        raise


def _rights(client: Client) -> Iterator[Held]:
    iam = client("iam")
    for each in _pages(iam, "list_policies", "Policies", Scope="Local", OnlyAttached=True):
        version = iam.get_policy_version(PolicyArn=each["Arn"], VersionId=each["DefaultVersionId"])
        document = version["PolicyVersion"]["Document"]
        yield Held(kind="AWS::IAM::ManagedPolicy", name=each["PolicyName"], properties={"PolicyDocument": document})
    for each in _pages(iam, "list_roles", "Roles"):
        if each.get("Path", "").startswith("/aws-service-role/"):
            continue
        name = each["RoleName"]
        inline = [
            {"PolicyDocument": iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]}
            for policy in _pages(iam, "list_role_policies", "PolicyNames", RoleName=name)
        ]
        attached = [
            one["PolicyArn"] for one in _pages(iam, "list_attached_role_policies", "AttachedPolicies", RoleName=name)
        ]
        properties = {
            "AssumeRolePolicyDocument": each.get("AssumeRolePolicyDocument", {}),
            "Policies": inline,
            "ManagedPolicyArns": attached,
        }
        yield Held(kind="AWS::IAM::Role", name=name, properties=properties)


def _functions(client: Client) -> Iterator[Held]:
    taken = ("Timeout", "Environment", "DeadLetterConfig")
    for each in _pages(client("lambda"), "list_functions", "Functions"):
        properties = {key: each[key] for key in taken if each.get(key)}
        yield Held(kind="AWS::Lambda::Function", name=each["FunctionName"], properties=properties)


def _alarms(client: Client) -> Iterator[Held]:
    taken = ("Namespace", "MetricName", "AlarmActions")
    for each in _pages(client("cloudwatch"), "describe_alarms", "MetricAlarms"):
        properties = {key: each[key] for key in taken if key in each}
        yield Held(kind="AWS::CloudWatch::Alarm", name=each["AlarmName"], properties=properties)


def _budgets(client: Client) -> Iterator[Held]:
    account = client("sts").get_caller_identity()["Account"]
    for each in _pages(client("budgets"), "describe_budgets", "Budgets", AccountId=account):
        yield Held(kind="AWS::Budgets::Budget", name=each["BudgetName"], properties={})


_READERS: dict[str, Callable[[Client], Iterator[Held]]] = {
    "security groups": _groups,
    "buckets": _buckets,
    "policies and roles": _rights,
    "functions": _functions,
    "alarms": _alarms,
    "budgets": _budgets,
}
