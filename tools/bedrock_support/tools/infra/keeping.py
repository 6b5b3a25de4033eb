"""What is kept of data and of what happened to it: backups, keys, logs, tags."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bedrock_support.tools.infra.estate import Estate, line_of, problem
from bedrock_support.tools.infra.model import Problem, Ref, Unknown, blocks, dig, get, number, truth


def check_keeping(estate: Estate) -> Iterator[Problem]:
    """Backups, keys, logs, and images that may change under a name."""
    for each in estate.of("database"):
        days = number(get(each.properties, "BackupRetentionPeriod"))
        if days == 0:
            line = line_of(each, "BackupRetentionPeriod")
            yield problem(each, "no_backup", "medium", 0.95, "keeps no backups", "Retention is 0 days.", line=line)
    for each in estate.of("key"):
        usage = str(get(each.properties, "KeySpec", "customer_master_key_spec") or "SYMMETRIC_DEFAULT")
        if not truth(get(each.properties, "EnableKeyRotation")) and usage == "SYMMETRIC_DEFAULT":
            yield problem(each, "no_key_rotation", "low", 0.9, "is never rotated", "The default is off.")
    for each in estate.of("registry"):
        if get(each.properties, "ImageTagMutability") != "IMMUTABLE":
            yield problem(each, "mutable_tags", "low", 0.9, "lets tags be moved", "The default is mutable.")
    yield from _logs(estate)
    yield from _access_logs(estate)
    for each in estate.of("instance", "launch_template"):
        data: Any = dig(each.properties, "LaunchTemplateData") or each.properties
        tokens = dig(data, "MetadataOptions", "HttpTokens")
        shut = truth(dig(data, "MetadataOptions", "HttpEndpoint")) is False
        if tokens != "required" and not shut and not isinstance(tokens, Ref | Unknown):
            said = "A request forged through the instance reads its role's keys."
            yield problem(each, "imds_v1", "medium", 0.8, "takes metadata requests without a token", said)


def _logs(estate: Estate) -> Iterator[Problem]:
    for each in estate.of("vpc"):
        if not estate.pointing_at(each, "flow_log"):
            yield problem(each, "no_logging", "low", 0.85, "has no flow log", "Nobody would see who talked to whom.")
    for each in estate.of("trail"):
        if truth(get(each.properties, "IsLogging", "enable_logging")) is False:
            yield problem(each, "no_logging", "high", 0.95, "doesn't log", "It is switched off.")
        elif not truth(get(each.properties, "EnableLogFileValidation")):
            said = "Without validation a changed log file goes unseen."
            yield problem(each, "no_logging", "low", 0.9, "doesn't validate its files", said)


def _access_logs(estate: Estate) -> Iterator[Problem]:
    for each in estate.of("load_balancer"):
        attributes = blocks(get(each.properties, "LoadBalancerAttributes"))
        on = any(get(a, "Key") == "access_logs.s3.enabled" and truth(get(a, "Value")) for a in attributes)
        if not on and not truth(dig(each.properties, "access_logs", "enabled")):
            yield problem(each, "no_logging", "low", 0.85, "keeps no access log", "The default is off.")
    for each in estate.of("api_stage"):
        if get(each.properties, "AccessLogSetting", "access_log_settings") is None:
            yield problem(each, "no_logging", "low", 0.8, "keeps no access log", "The default is off.")
    for each in estate.of("emr"):
        if get(each.properties, "SecurityConfiguration") is None:
            said = "No security configuration: plain on disk and on the wire."
            yield problem(each, "unencrypted_storage", "medium", 0.85, "isn't encrypted", said)
        if get(each.properties, "LogUri") is None:
            yield problem(each, "no_logging", "low", 0.85, "keeps no logs", "LogUri isn't set.")
