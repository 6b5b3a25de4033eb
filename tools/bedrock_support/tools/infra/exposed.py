"""Secrets that stand in plain, and code that strangers may call."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator

from bedrock_support.tools.infra.estate import Estate, problem
from bedrock_support.tools.infra.model import Block, Problem, get, locate, walk
from bedrock_support.tools.infra.variables import variables

_NAME = re.compile(
    r"(^|_|\b)(PASSWORD|PASSWD|PWD|SECRET|TOKEN|API_?KEY|APIKEY|PRIVATE_?KEY|ACCESS_?KEY|CREDENTIALS?|AUTH_?KEY)(_|\b|$)",
    re.IGNORECASE,
)
_NO_SECRET = re.compile(
    r"(_|\b)(ARN|NAME|PATH|FILE|URL|ENDPOINT|TTL|EXPIR\w*|LENGTH|HEADER|ID|LIMIT|MAX\w*|TYPE)$", re.I
)
_VALUE = re.compile(
    r"AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{30,}|xox[abprs]-[A-Za-z0-9-]{10,}|-----BEGIN [A-Z ]*PRIVATE KEY|"
    r"sk_live_[A-Za-z0-9]{16,}|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}|://[^/\s:@]{1,80}:[^/\s:@$]{3,80}@"
)
_PLACEHOLDER = re.compile(
    r"^$|change.?me|example|placeholder|your[-_ ]|xxx|\*\*\*|<.*>|^\$|\{\{|^(true|false|none|null|test|dummy|\d{1,5})$|"
    r"^(arn|s3|ssm|https?|vault|sm|op):|^/|resolve:",
    re.IGNORECASE,
)
_PASSWORDS = (
    "MasterUserPassword",
    "master_password",
    "AuthToken",
    "auth_token",
    "password",
    "SecretString",
    "secret_string",
)


def _secret(name: str, value: object) -> float:
    """How likely a value is a secret in plain."""
    if not isinstance(value, str):
        return 0.0
    if _VALUE.search(value[:20_000]):
        return 0.95
    if not _NAME.search(name) or _NO_SECRET.search(name) or _PLACEHOLDER.search(value[:300]):
        return 0.0
    counts = Counter(value[:200])
    bits = -sum(n / sum(counts.values()) * math.log2(n / sum(counts.values())) for n in counts.values())
    return 0.9 if len(value) >= 12 and bits > 3 else 0.8


def check_secrets(estate: Estate) -> Iterator[Problem]:
    """Secrets among variables, properties, ConfigMaps and start scripts. Their values are never shown."""
    for each in variables(estate):
        if confidence := _secret(each.name, each.value):
            title = f"is given {each.name[:80]} in plain"
            detail = "Whoever reads the template, the console or the process list has it."
            yield problem(each.holder, "plain_secret", "high", confidence, title, detail, line=each.line)
    yield from _passwords(estate)
    yield from _start_scripts(estate)
    for each in estate.of("config_map"):
        data = each.properties.get("data")
        for name, value in data.items() if isinstance(data, Block) else ():
            if confidence := _secret(name, value):
                detail = "ConfigMaps are shown to whoever may read the namespace."
                line = data.at(name) if isinstance(data, Block) else each.line
                yield problem(
                    each, "plain_secret", "high", confidence, f"holds {name[:80]} in plain", detail, line=line
                )


def _passwords(estate: Estate) -> Iterator[Problem]:
    for each in estate.resources:
        if each.role in ("database", "cache", "secret", "iam_user") or each.kind in ("aws_iam_user_login_profile",):
            for name in _PASSWORDS:
                found = locate(each.properties, name)
                if found and isinstance(found[0], str) and found[0] and "resolve:" not in found[0]:
                    detail = "The password stands in the template and in its history."
                    yield problem(each, "plain_secret", "high", 0.9, f"has its {name} in plain", detail, line=found[1])
                    break


def _start_scripts(estate: Estate) -> Iterator[Problem]:
    for each in estate.of("instance", "launch_template"):
        for key, leaf, line in walk(each.properties):
            if (
                "user" in key.lower()
                and "data" in key.lower()
                and isinstance(leaf, str)
                and _VALUE.search(leaf[:100_000])
            ):
                detail = "Instances can read their own user data, and so can whoever may describe them."
                yield problem(each, "plain_secret", "high", 0.9, "has a secret in its user data", detail, line=line)
                break


def check_calls(estate: Estate) -> Iterator[Problem]:
    """Functions and operations that anybody may call, and what they may do."""
    for each in estate.of("function_url", "function"):
        kind = get(get(each.properties, "FunctionUrlConfig"), "AuthType") if each.role == "function" else None
        auth = kind if each.role == "function" else get(each.properties, "AuthType", "authorization_type")
        if auth == "NONE":
            strong = [
                policy.name
                for function in (
                    [each] if each.role == "function" else estate.targets(each.references, each, "function")
                )
                for role in estate.targets(function.references, function, "iam_role")
                for policy in (role, *estate.pointing_at(role, "iam_policy"))
                if any(leaf == "*" and key.lower() in ("action", "actions") for key, leaf, _ in walk(policy.properties))
            ]
            detail = f"And its role may do everything ({strong[0]})." if strong else "AuthType is NONE."
            severity = "critical" if strong else "medium"
            yield problem(each, "public_function", severity, 0.9, "may be called by anybody", detail)
    for each in estate.of("api_method"):
        verb = str(get(each.properties, "HttpMethod")).upper()
        kind, keyed = get(each.properties, "AuthorizationType", "authorization"), get(each.properties, "ApiKeyRequired")
        if kind == "NONE" and verb != "OPTIONS" and keyed is not True:
            severity = "medium" if verb in ("ANY", "POST", "PUT", "DELETE", "PATCH") else "low"
            yield problem(each, "open_api", severity, 0.75, f"takes {verb} from anybody", "AuthorizationType is NONE.")
