"""Anchors in S3 with Object Lock, on moto."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from moto import mock_aws

from bedrock_support.routing.audit import AuditUnavailable
from bedrock_support.routing.bedrock.anchors import S3Place
from bedrock_support.routing.model import Residency
from tests.fakes import FakeClock
from tests.promises import promise

DAY = 86_400


@contextmanager
def bucket(region: str = "eu-central-1") -> Generator[Any]:
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "moto")
        session: Any = boto3.Session(region_name=region)
        s3 = session.client("s3")
        s3.create_bucket(
            Bucket="anchors",
            ObjectLockEnabledForBucket=True,
            CreateBucketConfiguration={"LocationConstraint": region},
        )
        yield s3


@promise("audit:anchored")
def test_an_anchor_in_a_bucket_is_written_once_and_locked() -> None:
    with bucket() as s3:
        place = S3Place("anchors", "shop/", region="eu-central-1", clock=FakeClock(), days=30)
        assert place.names() == []
        assert place.write("0002.anchor", b"two")
        assert place.write("0001.anchor", b"one")
        assert not place.write("0001.anchor", b"forged")
        assert place.names() == ["0001.anchor", "0002.anchor"]
        assert place.read("0001.anchor") == b"one"
        kept = s3.head_object(Bucket="anchors", Key="shop/0001.anchor")
        assert kept["ObjectLockMode"] == "COMPLIANCE"
        assert round(kept["ObjectLockRetainUntilDate"].timestamp() - FakeClock().wall()) == 30 * DAY
        version = s3.list_object_versions(Bucket="anchors")["Versions"][0]
        with pytest.raises(Exception, match="AccessDenied"):
            s3.delete_object(Bucket="anchors", Key=version["Key"], VersionId=version["VersionId"])


@promise("audit:anchored")
def test_a_bucket_that_is_missing_or_outside_the_eu_is_told() -> None:
    with bucket("eu-west-2"):
        with pytest.raises(AuditUnavailable, match=r"eu-west-2.* is not an AWS endpoint in an EU region"):
            S3Place("anchors", "", region="eu-west-2").names()
        with pytest.raises(AuditUnavailable, match="the bucket anchors lies in eu-west-2"):
            S3Place("anchors", "", region="eu-central-1").names()
        assert S3Place("anchors", "", region="eu-west-2", residency=Residency.ANY).names() == []
        with pytest.raises(AuditUnavailable, match="The bucket needs Object Lock"):
            S3Place("nowhere", "", region="eu-central-1").write("0001.anchor", b"one")
