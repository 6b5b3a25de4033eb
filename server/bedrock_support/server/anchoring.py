"""Which key signs the audit trail's checkpoints, and which second place they go to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from bedrock_support.routing.model import Residency
from bedrock_support.routing.residency import EU_REGIONS
from bedrock_support.server.environment import SettingsError
from bedrock_support.server.settings import READS, Settings
from bedrock_support.telemetry.audit.files import AuditFiles

if TYPE_CHECKING:
    from bedrock_support.telemetry.audit.anchor import AnchorPlace
    from bedrock_support.telemetry.audit.signer import Signer

S3 = "s3://"
KMS = "kms:"
ARN_PARTS = 6


def signer_of(settings: Settings) -> Callable[[], Signer] | None:
    """What makes the signer when it is first needed; None for the key in a file. Connects to nothing yet.

    Raises:
        SettingsError: it is no key that can be used.
    """
    told = settings.audit_key
    if told is None or settings.audit is None:
        return None
    key = told.removeprefix(KMS)
    if not told.startswith(KMS) or not key:
        raise SettingsError(f"{READS['audit_key']} = {told!r}: no key. Use kms: and a KMS key's id, alias or ARN")
    parts = key.split(":")
    if (
        settings.residency is Residency.EU
        and parts[0] == "arn"
        and (len(parts) < ARN_PARTS or parts[3] not in EU_REGIONS)
    ):
        raise SettingsError(f"{READS['audit_key']} = {told!r}: residency eu, but the key isn't in the EU")
    beside = AuditFiles(folder=settings.audit).public_key

    def make() -> Signer:
        from bedrock_support.routing.bedrock.kms import KmsKey
        from bedrock_support.telemetry.audit.signer import RemoteSigner

        service = KmsKey(key, region=settings.region, profile=settings.profile, residency=settings.residency)
        return RemoteSigner(service, beside)

    return make


def bucket_of(told: str) -> tuple[str, str]:
    """Bucket and prefix of an s3:// address. Raises SettingsError."""
    bucket, _, prefix = told.removeprefix(S3).partition("/")
    if not bucket:
        raise SettingsError(f"{READS['audit_anchor']} = {told!r}: no bucket. Use s3://bucket/prefix")
    return bucket, prefix


def anchor_place(settings: Settings) -> AnchorPlace:
    """As set; beside the log where nothing is. Connects to nothing yet.

    Raises:
        SettingsError: it isn't a place, or it lies where residency lets no data go.
    """
    from bedrock_support.telemetry.audit.anchor import FolderPlace

    told = settings.audit_anchor
    if told is None:
        if settings.audit is None:
            raise SettingsError("BEDROCK_SUPPORT_AUDIT is off: there is nothing to anchor")
        return FolderPlace(settings.audit / "anchors")
    if not told.startswith(S3):
        return FolderPlace(Path(told).expanduser().absolute())
    from bedrock_support.routing.bedrock.anchors import S3Place

    bucket, prefix = bucket_of(told)
    return S3Place(bucket, prefix, region=settings.region, profile=settings.profile, residency=settings.residency)
