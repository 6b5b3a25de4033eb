"""Policies: what they allow, to whom, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bedrock_support.tools.envelope import Severity
from bedrock_support.tools.infra.estate import Estate, line_of, problem
from bedrock_support.tools.infra.model import Block, Problem, Resource, blocks, get, listed, walk

_ESCALATING = (
    "iam:passrole",
    "iam:createaccesskey",
    "iam:createpolicyversion",
    "iam:attachrolepolicy",
    "iam:attachuserpolicy",
    "iam:putrolepolicy",
    "iam:putuserpolicy",
    "iam:updateassumerolepolicy",
    "iam:setdefaultpolicyversion",
    "sts:assumerole",
)
"""On every resource, each of these leads to any role's rights (AWS IAM documentation, privilege escalation)."""
_ADMIN = "AdministratorAccess"
_RESOURCE_POLICIES = {
    "bucket_policy": ("bucket", "public_bucket"),
    "queue_policy": ("queue", "public_policy"),
    "topic_policy": ("topic", "public_policy"),
    "queue": ("", "public_policy"),
    "topic": ("", "public_policy"),
    "bucket": ("", "public_bucket"),
    "key": ("", "public_policy"),
    "registry": ("", "public_policy"),
    "secret": ("", "public_policy"),
    "search": ("", "public_policy"),
    "iam_role": ("", "public_policy"),
}
_DOCUMENTS = (
    "PolicyDocument",
    "policy",
    "Policy",
    "KeyPolicy",
    "AccessPolicies",
    "AccessPolicy",
    "RepositoryPolicyText",
)


def statements(document: Any) -> list[Block]:
    """The statements of a policy, as JSON or as Terraform's data source has them."""
    return blocks(get(document, "Statement"))


def _documents(resource: Resource, estate: Estate) -> Iterator[tuple[Block, Resource]]:
    """Each policy in the resource, with the resource where its lines are."""
    if resource.role == "policy_document":
        return
    names = ("AssumeRolePolicyDocument", "assume_role_policy") if resource.role == "iam_role" else _DOCUMENTS
    for name in names:
        value = get(resource.properties, name)
        if isinstance(value, Block):
            yield value, resource
        for document in estate.targets(value, resource, "policy_document"):
            yield document.properties, document


def _granting(resource: Resource, estate: Estate) -> Iterator[tuple[Block, Resource]]:
    """Policies that give the resource's holder rights, inline ones too."""
    if resource.role == "iam_policy":
        yield from _documents(resource, estate)
    for inline in blocks(get(resource.properties, "Policies", "inline_policy")):
        for value in (get(inline, "PolicyDocument", "policy"), inline if statements(inline) else None):
            if isinstance(value, Block):
                yield value, resource
            for document in estate.targets(value, resource, "policy_document"):
                yield document.properties, document


def _allows(statement: Block) -> bool:
    return str(get(statement, "Effect") or "Allow").lower() == "allow"


def _words(statement: Block, *names: str) -> list[str]:
    return [each for each in listed(get(statement, *names)) if isinstance(each, str)]


def _conditional(statement: Block) -> bool:
    return bool(get(statement, "Condition"))


def check_grants(estate: Estate) -> Iterator[Problem]:
    """Rights without end, and rights that lead to more."""
    for resource in estate.of("iam_policy", "iam_role", "iam_user", "function"):
        for document, holder in _granting(resource, estate):
            for statement in statements(document):
                if _allows(statement) and (found := _grant(statement)) is not None:
                    kind, severity, title, detail = found
                    line = (statement.line or resource.line) if holder is resource else resource.line
                    also = () if holder is resource else ((holder.file, statement.line),)
                    yield problem(resource, kind, severity, 0.95, title, detail, line=line, also=also)
        attached = [
            leaf
            for _, leaf, _ in walk(get(resource.properties, "ManagedPolicyArns", "managed_policy_arns", "Policies"))
            if isinstance(leaf, str)
        ]
        yield from _admin(resource, attached)
    for resource in estate.of("policy_attachment"):
        yield from _admin(resource, [str(get(resource.properties, "policy_arn"))])


def _admin(resource: Resource, attached: list[str]) -> Iterator[Problem]:
    if any(each.endswith((f"/{_ADMIN}", "/IAMFullAccess")) or each == _ADMIN for each in attached):
        line = line_of(resource, "ManagedPolicyArns", "policy_arn")
        detail = "AWS's own policy allows everything, to whoever takes the role."
        yield problem(resource, "wildcard_iam", "high", 0.95, "has an administrator's policy", detail, line=line)


def _grant(statement: Block) -> tuple[str, Severity, str, str] | None:
    actions = [each.lower() for each in _words(statement, "Action", "actions")]
    everywhere = "*" in _words(statement, "Resource", "resources")
    if "*" in actions:
        severity: Severity = "critical" if everywhere and not _conditional(statement) else "high"
        return (
            "wildcard_iam",
            severity,
            "allows every action",
            "Action is *" + (" on every resource." if everywhere else "."),
        )
    if get(statement, "NotAction", "not_actions") is not None:
        return (
            "wildcard_iam",
            "high",
            "allows all but a few actions",
            "NotAction with Allow grows with each new service.",
        )
    if not everywhere:
        if get(statement, "NotResource", "not_resources") is not None:
            return (
                "wildcard_iam",
                "medium",
                "allows on all but a few resources",
                "NotResource with Allow grows by itself.",
            )
        return None
    risen = [each for each in actions if each in _ESCALATING]
    if (risen or "iam:*" in actions or "sts:*" in actions) and not _conditional(statement):
        named = ", ".join(risen or ["iam:* or sts:*"])
        return "escalation", "high", "can raise its own rights", f"{named} on every resource."
    whole = [each for each in actions if each.endswith(":*")]
    if whole:
        return (
            "wildcard_iam",
            "medium",
            "allows whole services everywhere",
            f"{', '.join(whole[:6])} on every resource.",
        )
    changing = [each for each in actions if not _reads(each)]
    if changing and not _conditional(statement):
        return "wildcard_iam", "low", "allows changes on every resource", f"{', '.join(changing[:6])} on *."
    return None


def _reads(action: str) -> bool:
    service, _, name = action.partition(":")
    # These services have actions that take no resource (AWS service authorization reference).
    return service in ("xray", "ec2", "logs", "cloudwatch", "ecr") or name.startswith(
        ("get", "list", "describe", "batchget", "head", "query", "scan", "lookup")
    )


def check_principals(estate: Estate) -> Iterator[Problem]:
    """Policies of resources that let anybody in."""
    for resource in estate.of(*_RESOURCE_POLICIES):
        guarded, kind = _RESOURCE_POLICIES[resource.role]
        for document, holder in _documents(resource, estate):
            for statement in statements(document):
                if not _allows(statement) or _conditional(statement) or not _anybody(statement):
                    continue
                named = estate.targets(resource.references, resource, guarded) if guarded else []
                line = (statement.line or resource.line) if holder is resource else resource.line
                also = tuple((each.file, each.line) for each in named[:3])
                also += () if holder is resource else ((holder.file, statement.line),)
                actions = ", ".join(_words(statement, "Action", "actions")[:5]) or "its actions"
                detail = f"Principal * without a condition, for {actions}" + (f" on {named[0].name}." if named else ".")
                severity: Severity = "critical" if resource.role in ("iam_role", "key") else "high"
                yield problem(resource, kind, severity, 0.9, "lets anybody in", detail, line=line, also=also)
    for resource in estate.of("function_permission"):
        public = get(resource.properties, "Principal") == "*"
        if public and not get(
            resource.properties, "SourceArn", "SourceAccount", "PrincipalOrgID", "FunctionUrlAuthType"
        ):
            detail = "Principal * without source: everybody may call it."
            yield problem(resource, "public_policy", "high", 0.9, "lets anybody call the function", detail)


def _anybody(statement: Block) -> bool:
    principal = get(statement, "Principal", "principals")
    if principal is None and get(statement, "NotPrincipal", "not_principals") is not None:
        return True
    values = [leaf for key, leaf, _ in walk(principal) if key not in ("type", "Service", "Federated")]
    service = any(get(each, "type") in ("Service", "Federated") for each in blocks(principal))
    return not service and "*" in values


def check_users(estate: Estate) -> Iterator[Problem]:
    """Rights that hang on people, and keys that live for ever."""
    for each in estate.of("iam_user", "iam_policy"):
        inline = each.role == "iam_user" and "User" in each.kind and get(each.properties, "Policies")
        bound = get(each.properties, "Users") if each.role == "iam_policy" else None
        if inline or bound or each.kind == "aws_iam_user_policy":
            detail = "Rights of single users are forgotten when people move on."
            yield problem(each, "user_policy", "low", 0.9, "gives rights to a user directly", detail)
    for each in estate.of("access_key"):
        detail = "It never expires, and is written to the stack's outputs or state."
        yield problem(each, "long_lived_key", "medium", 0.9, "is a long-lived key", detail)
