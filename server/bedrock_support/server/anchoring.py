"""Which second place the audit trail's checkpoints go to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bedrock_support.server.environment import SettingsError
from bedrock_support.server.settings import READS, Settings

if TYPE_CHECKING:
    from bedrock_support.telemetry.audit.anchor import AnchorPlace

S3 = "s3://"


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
