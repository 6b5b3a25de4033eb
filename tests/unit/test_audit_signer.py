"""Keys that sign the trail: in a file, in KMS on moto (ECDSA), and Ed25519 as KMS would answer; verified offline."""

from __future__ import annotations

import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from moto import mock_aws

from bedrock_support.routing.audit import AuditUnavailable
from bedrock_support.routing.bedrock.kms import KmsKey
from bedrock_support.routing.clock import SystemEntropy
from bedrock_support.routing.model import Residency
from bedrock_support.server.anchoring import signer_of
from bedrock_support.server.environment import SettingsError
from bedrock_support.server.settings import Settings
from bedrock_support.telemetry.audit.canonical import canonical
from bedrock_support.telemetry.audit.files import AuditFiles
from bedrock_support.telemetry.audit.signer import ECDSA, ED25519, FileSigner, PublicKey, RemoteSigner
from bedrock_support.telemetry.audit.store import AuditStore
from bedrock_support.telemetry.audit.verify import Verdict, verify
from tests.promises import promise

REGION = "eu-central-1"
BODY = canonical({"v": 1, "type": "opened", "at": 1})


@contextmanager
def kms(region: str = REGION) -> Generator[Any]:
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "moto")
        session: Any = boto3.Session(region_name=region)
        yield session.client("kms")


def made(client: Any, spec: str = "ECC_NIST_P256", usage: str = "SIGN_VERIFY") -> str:
    return str(client.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]["Arn"])


def checked(files: AuditFiles) -> Verdict:
    """As anyone can who has the log and the public key, and no way to AWS."""
    return verify(files, PublicKey.read(files.public_key), [])


@promise("audit:kms")
def test_a_trail_signed_by_kms_is_verified_without_it(tmp_path: Path) -> None:
    files = AuditFiles(folder=tmp_path / "trail")
    with kms() as client:
        arn = made(client)
        settings = Settings(audit=files.folder, audit_key=f"kms:{arn}")
        store = AuditStore(files, SystemEntropy(), signer_of(settings))
        for _ in range(3):
            store.append([BODY, BODY])
        store.close()
        again = AuditStore(files, SystemEntropy(), signer_of(settings))
        again.append([BODY])
        again.close()
    assert not files.key.exists(), "no private key on this machine"
    assert PublicKey.read(files.public_key).kind == ECDSA
    verdict = checked(files)
    assert (verdict.good, verdict.records) == (True, 7)
    forged = FileSigner(Ed25519PrivateKey.generate())
    assert not verify(files, forged, []).good


@promise("audit:kms")
def test_another_key_of_kms_does_not_go_on_with_a_trail(tmp_path: Path) -> None:
    files = AuditFiles(folder=tmp_path)
    with kms() as client:
        first, second = made(client), made(client)
        AuditStore(files, SystemEntropy(), lambda: RemoteSigner(KmsKey(first, region=REGION), files.public_key)).append(
            [BODY]
        )
        store = AuditStore(
            files, SystemEntropy(), lambda: RemoteSigner(KmsKey(second, region=REGION), files.public_key)
        )
        with pytest.raises(AuditUnavailable, match="isn't the key of this audit trail"):
            store.append([BODY])
    assert checked(files).records == 1


@promise("audit:kms")
@pytest.mark.parametrize(
    ("spec", "usage"),
    [("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"), ("RSA_2048", "SIGN_VERIFY"), ("ECC_NIST_P384", "SIGN_VERIFY")],
)
def test_keys_that_cannot_sign_as_they_must_are_told(spec: str, usage: str) -> None:
    with kms() as client:
        with pytest.raises(AuditUnavailable):
            KmsKey(made(client, spec, usage), region=REGION).public_key()
        with pytest.raises(AuditUnavailable, match="NotFoundException"):
            KmsKey("00000000-0000-0000-0000-000000000000", region=REGION).sign(b"x")


@promise("audit:kms", "residency:targets")
def test_a_key_outside_the_eu_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    abroad = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"
    with pytest.raises(AuditUnavailable, match="lies in us-east-1"):
        KmsKey(abroad, region=REGION).public_key()
    with pytest.raises(AuditUnavailable, match="lies in eu-west-2"):
        KmsKey("alias/audit", region="eu-west-2").public_key()
    with pytest.raises(SettingsError, match="BEDROCK_SUPPORT_AUDIT_KEY"):
        signer_of(Settings(audit=tmp_path, audit_key=f"kms:{abroad}"))
    with pytest.raises(SettingsError, match="no key"):
        signer_of(Settings(audit=tmp_path, audit_key="file:x"))
    assert signer_of(Settings(audit=tmp_path, audit_key=f"kms:{abroad}", residency=Residency.ANY)) is not None
    with kms() as client:
        arn = made(client)
        monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", "https://kms.us-east-1.amazonaws.com")
        with pytest.raises(AuditUnavailable, match="residency eu"):
            KmsKey(arn, region=REGION).public_key()


def answering(key: Ed25519PrivateKey, signatures: list[bytes]) -> Any:
    """KMS as its API describes an Ed25519 key: moto has none."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "stub")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "stub")
        session: Any = boto3.Session(region_name=REGION)
        client = session.client("kms")
    spki = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    stub = Stubber(client)
    told = {"KeySpec": "ECC_NIST_EDWARDS25519", "KeyUsage": "SIGN_VERIFY", "PublicKey": spki}
    stub.add_response("get_public_key", told, {"KeyId": "alias/audit"})
    for signature in signatures:
        stub.add_response("sign", {"Signature": signature, "SigningAlgorithm": "ED25519_SHA_512"})
    stub.activate()
    return client


@promise("audit:kms")
def test_ed25519_of_kms_is_asked_for_as_its_api_says_and_checked(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    client = answering(key, [key.sign(b"data"), b"\0" * 64])
    service = KmsKey("alias/audit", region=REGION, client=lambda: client)
    signer = RemoteSigner(service, tmp_path / "trail" / "key.pub")
    assert signer.kind == ED25519
    assert signer.public == key.public_key().public_bytes_raw()
    assert signer.verifies(signer.sign(b"data"), b"data")
    with pytest.raises(AuditUnavailable, match="doesn't verify"):
        signer.sign(b"data")
    with pytest.raises(AuditUnavailable, match="can't be used"):
        signer.sign(b"data")


@promise("audit:key")
def test_the_file_key_is_made_once_for_its_owner(tmp_path: Path) -> None:
    files = AuditFiles(folder=tmp_path / "new")
    first = FileSigner.at(files.key, create=True)
    assert stat.S_IMODE(files.key.stat().st_mode) == 0o600
    assert stat.S_IMODE(files.folder.stat().st_mode) == 0o700
    assert PublicKey.read(files.public_key).public == first.public == FileSigner.at(files.key, create=True).public
    files.key.chmod(0o640)
    with pytest.raises(AuditUnavailable, match="chmod 600"):
        FileSigner.at(files.key, create=False)
