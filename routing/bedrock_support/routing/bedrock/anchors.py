"""S3Place: anchors of the audit trail in a bucket with Object Lock, where nobody can change or delete them for a while.

In compliance mode not even the account's root user can (AWS documentation of S3 Object Lock, retention modes).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bedrock_support.routing.audit import AuditUnavailable
from bedrock_support.routing.clock import Clock, SystemClock
from bedrock_support.routing.model import Residency
from bedrock_support.routing.residency import EU_REGIONS, abroad

RETAINED_DAYS = 365
SUFFIX = ".anchor"
_TAKEN = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412"})


class S3Place:
    """Implements AnchorPlace. Called from worker threads; the client is made when first needed."""

    def __init__(
        self,
        bucket: str,
        prefix: str,
        *,
        region: str,
        profile: str | None = None,
        residency: Residency = Residency.EU,
        days: int = RETAINED_DAYS,
        clock: Clock | None = None,
    ) -> None:
        self._bucket = bucket
        self._prefix = prefix.rstrip("/") + "/" if prefix else ""
        self._region = region
        self._profile = profile
        self._residency = residency
        self._days = days
        self._clock = clock or SystemClock()
        self._s3: Any = None

    def names(self) -> list[str]:
        """Names of the anchors, in order. Raises AuditUnavailable."""
        return self._asked(self._list)

    def read(self, name: str) -> bytes:
        """One anchor. Raises AuditUnavailable."""

        def get(s3: Any) -> Any:
            return s3.get_object(Bucket=self._bucket, Key=self._prefix + name)["Body"].read()

        return self._asked(get)

    def write(self, name: str, data: bytes) -> bool:
        """Put an anchor there, locked; False when there is one of that name already. Raises AuditUnavailable."""
        until = datetime.fromtimestamp(self._clock.wall(), UTC) + timedelta(days=self._days)

        def put(s3: Any) -> bool:
            from botocore.exceptions import ClientError

            try:
                s3.put_object(
                    Bucket=self._bucket,
                    Key=self._prefix + name,
                    Body=data,
                    IfNoneMatch="*",
                    ChecksumAlgorithm="SHA256",
                    ObjectLockMode="COMPLIANCE",
                    ObjectLockRetainUntilDate=until,
                )
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") in _TAKEN:
                    return False
                raise
            return True

        return self._asked(put)

    def _list(self, s3: Any) -> list[str]:
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
        keys = [each["Key"] for page in pages for each in page.get("Contents", ())]
        return sorted(key.removeprefix(self._prefix) for key in keys if key.endswith(SUFFIX))

    def _asked(self, ask: Any) -> Any:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            s3: Any = self._s3
            if s3 is None:
                config = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard"})
                session: Any = boto3.Session(region_name=self._region, profile_name=self._profile)
                s3 = session.client("s3", config=config)
                self._refuse_abroad(s3)
                self._s3 = s3
            return ask(s3)
        except (BotoCoreError, ClientError) as error:
            raise AuditUnavailable(
                f"the anchors in s3://{self._bucket}/{self._prefix} can't be used: {error}. The bucket needs Object "
                "Lock, and this user s3:ListBucket, s3:GetObject, s3:PutObject and s3:PutObjectRetention"
            ) from error

    def _refuse_abroad(self, s3: Any) -> None:
        """A bucket is where it is, whatever Region the client has: ask it. Raises AuditUnavailable."""
        if self._residency is Residency.ANY:
            return
        if (problem := abroad(self._residency, s3)) is not None:
            raise AuditUnavailable(problem)
        where = s3.get_bucket_location(Bucket=self._bucket).get("LocationConstraint") or "us-east-1"
        where = {"EU": "eu-west-1"}.get(where, where)
        if where not in EU_REGIONS:
            raise AuditUnavailable(f"residency eu: the bucket {self._bucket} lies in {where}. Use a bucket in the EU")
