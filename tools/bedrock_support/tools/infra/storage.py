"""What holds data: encryption, public access, backups, logs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bedrock_support.tools.infra.estate import Estate, line_of, problem
from bedrock_support.tools.infra.model import Problem, Ref, Resource, Unknown, blocks, dig, get, number, truth

_BLOCKS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
_PUBLIC_ACLS = frozenset({"publicread", "publicreadwrite", "authenticatedread"})
_ENCRYPTED: dict[str, tuple[str, ...]] = {
    "volume": ("Encrypted",),
    "database": ("StorageEncrypted", "Encrypted"),
    "file_system": ("Encrypted",),
    "cache": ("AtRestEncryptionEnabled",),
    "stream": ("StreamEncryption", "encryption_type"),
    "topic": ("KmsMasterKeyId", "kms_master_key_id"),
    "log_group": ("KmsKeyId", "kms_key_id"),
    "trail": ("KMSKeyId", "kms_key_id"),
}
"""What says that a thing is encrypted at rest. Queues are since 2022 and buckets since 2023 (AWS announcements)."""
_LOW = frozenset({"topic", "log_group", "trail"})
_INNER = frozenset({"AWS::RDS::DBInstance", "aws_rds_cluster_instance", "AWS::FSx::FileSystem", "aws_fsx"})


def check_encryption(estate: Estate) -> Iterator[Problem]:
    """Things that say nothing of encryption, or refuse it."""
    for role, names in _ENCRYPTED.items():
        for each in estate.of(role):
            inherits = each.kind in _INNER and get(each.properties, "DBClusterIdentifier", "cluster_identifier")
            if inherits or each.kind == "AWS::FSx::FileSystem":
                continue
            given = get(each.properties, *names)
            if given is None or truth(given) is False or given == "NONE":
                severity = "low" if role in _LOW else "high" if role == "database" else "medium"
                said = "It says so." if given is not None else f"No {names[0]} is set, and the default is off."
                yield problem(
                    each,
                    "unencrypted_storage",
                    severity,
                    0.9,
                    "isn't encrypted at rest",
                    said,
                    line=line_of(each, *names),
                )
    for each in estate.of("instance", "launch_template"):
        yield from _disks(each)
    for each in estate.of("search"):
        if not truth(
            dig(each.properties, "EncryptionAtRestOptions", "Enabled")
            or dig(each.properties, "encrypt_at_rest", "enabled")
        ):
            yield problem(each, "unencrypted_storage", "medium", 0.9, "isn't encrypted at rest", "Its default is off.")


def _disks(each: Resource) -> Iterator[Problem]:
    data = dig(each.properties, "LaunchTemplateData") or each.properties
    named = [*blocks(get(data, "root_block_device")), *blocks(get(data, "ebs_block_device"))]
    named += [ebs for m in blocks(get(data, "BlockDeviceMappings")) for ebs in blocks(get(m, "Ebs"))]
    plain = [
        disk
        for disk in named
        if not truth(get(disk, "Encrypted"))
        and not isinstance(get(disk, "Encrypted"), Ref | Unknown)
        and get(disk, "SnapshotId") is None  # it decides
    ]
    if plain:
        detail = f"{len(plain)} of {len(named)} disks don't say that they are encrypted."
        yield problem(each, "unencrypted_storage", "medium", 0.85, "has plain disks", detail, line=plain[0].line)


def check_buckets(estate: Estate) -> Iterator[Problem]:
    """Buckets that are open, or not shut by themselves."""
    for bucket in estate.of("bucket"):
        acl, holder = get(bucket.properties, "AccessControl", "acl"), bucket
        for other in estate.pointing_at(bucket, "bucket_acl"):
            acl, holder = get(other.properties, "acl") or acl, other
        shut = next((b for b in (get(bucket.properties, "PublicAccessBlockConfiguration"),) if b), None)
        for other in estate.pointing_at(bucket, "bucket_block"):
            shut = other.properties
        off = [name for name in _BLOCKS if truth(get(shut, name)) is not True] if shut is not None else list(_BLOCKS)
        if isinstance(acl, str) and re.sub(r"[^a-z]", "", acl.lower()) in _PUBLIC_ACLS:
            shutting = not off
            yield problem(
                bucket,
                "public_bucket",
                "low" if shutting else "critical" if "write" in acl.lower() else "high",
                0.6 if shutting else 0.95,
                f"has the ACL {acl}",
                "Its public access blocks take it back." if shutting else "Anybody may read it (or more).",
                line=line_of(holder, "AccessControl", "acl"),
                also=((holder.file, holder.line),),
            )
        elif off and not any(isinstance(get(shut, name), Unknown) for name in off):
            website = get(bucket.properties, "WebsiteConfiguration", "website") is not None
            some = shut is not None
            said = (
                f"Not set: {', '.join(off)}."
                if some
                else "Nothing but the account's settings keeps it from being opened."
            )
            severity = "medium" if website or some else "low"
            yield problem(bucket, "public_bucket", severity, 0.8, "isn't shut to the public by itself", said)


def check_transport(estate: Estate) -> Iterator[Problem]:
    """Data on the wire in plain."""
    for each in estate.of("listener"):
        plain = str(get(each.properties, "Protocol")).upper() == "HTTP"
        actions = blocks(get(each.properties, "DefaultActions", "default_action"))
        redirects = any(str(get(action, "Type")).lower() == "redirect" for action in actions)
        if plain and not redirects:
            detail = "It takes HTTP and passes it on."
            yield problem(
                each,
                "unencrypted_transport",
                "medium",
                0.9,
                "speaks plain HTTP",
                detail,
                line=line_of(each, "Protocol"),
            )
    for each in estate.of("distribution"):
        config = get(each.properties, "DistributionConfig") or each.properties
        policies = [
            get(b, "ViewerProtocolPolicy")
            for b in (
                *blocks(get(config, "DefaultCacheBehavior")),
                *blocks(get(config, "CacheBehaviors", "ordered_cache_behavior")),
            )
        ]
        if "allow-all" in policies:
            yield problem(
                each, "unencrypted_transport", "medium", 0.95, "takes plain HTTP", "ViewerProtocolPolicy is allow-all."
            )
    for each in estate.of("cache"):
        if truth(get(each.properties, "TransitEncryptionEnabled")) is not True:
            said = "Transit encryption isn't on; without it there is no AUTH either."
            yield problem(each, "unencrypted_transport", "medium", 0.85, "speaks in plain", said)
    for each in estate.of("search"):
        nodes = dig(each.properties, "NodeToNodeEncryptionOptions", "Enabled") or dig(
            each.properties, "node_to_node_encryption", "enabled"
        )
        count = dig(each.properties, "ClusterConfig", "InstanceCount")
        alone = count is None or number(count) == 1  # one is the default, and has nobody to talk to
        if not truth(nodes) and not alone:
            yield problem(
                each, "unencrypted_transport", "low", 0.85, "lets its nodes talk in plain", "The default is off."
            )
