"""A key of AWS KMS that signs the audit trail's checkpoints. Blocks; boto3 is imported when first asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bedrock_support.routing.audit import AuditUnavailable
from bedrock_support.routing.model import Residency
from bedrock_support.routing.residency import EU_REGIONS, abroad

ALGORITHMS: Mapping[str, str] = {
    "ECC_NIST_EDWARDS25519": "ED25519_SHA_512",
    "ECC_NIST_P256": "ECDSA_SHA_256",
}
"""How a key of each usable spec signs a message as it is (AWS documentation of KMS, asymmetric key specs)."""
_CONNECT, _READ = 1.0, 2.0
"""Seconds: an emergency has five in all."""
_ARN_REGION = 3
_MEND = "The user needs kms:GetPublicKey and kms:Sign on it"


class KmsKey:
    """Implements KeyService. Safe to use from several threads."""

    def __init__(
        self,
        key: str,
        *,
        region: str,
        profile: str | None = None,
        residency: Residency = Residency.EU,
        client: Callable[[], Any] | None = None,
    ) -> None:
        """`key` is an id, an alias or an ARN; an ARN's Region counts, else `region`."""
        parts = key.split(":")
        self.name = f"the KMS key {key}"
        self._key = key
        self._region = parts[_ARN_REGION] if parts[0] == "arn" and len(parts) > _ARN_REGION else region
        self._profile = profile
        self._residency = residency
        self._make = client or self._made
        self._kms: Any = None
        self._algorithm = ""

    def public_key(self) -> bytes:
        """SubjectPublicKeyInfo in DER. Raises AuditUnavailable, too for a key that can't sign as it must."""
        told: Mapping[str, Any] = self._asked(lambda kms: kms.get_public_key(KeyId=self._key))
        spec = str(told.get("KeySpec") or told.get("CustomerMasterKeySpec"))
        if told.get("KeyUsage") != "SIGN_VERIFY" or spec not in ALGORITHMS:
            raise AuditUnavailable(
                f"{self.name} is {spec} for {told.get('KeyUsage')}. Use one of {', '.join(ALGORITHMS)}"
            )
        self._algorithm = ALGORITHMS[spec]
        return bytes(told["PublicKey"])

    def sign(self, data: bytes) -> bytes:
        """The signature over the data itself. Raises AuditUnavailable."""
        if not self._algorithm:
            self.public_key()
        asked = {"KeyId": self._key, "Message": data, "MessageType": "RAW", "SigningAlgorithm": self._algorithm}
        return bytes(self._asked(lambda kms: kms.sign(**asked))["Signature"])

    def _made(self) -> Any:
        import boto3
        from botocore.config import Config

        # One more try of KMS itself: signing twice does no harm, and a group of records waits for it.
        config = Config(connect_timeout=_CONNECT, read_timeout=_READ, retries={"total_max_attempts": 2})
        session: Any = boto3.Session(region_name=self._region, profile_name=self._profile)
        return session.client("kms", config=config)

    def _asked(self, ask: Callable[[Any], Any]) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        if self._residency is Residency.EU and self._region not in EU_REGIONS:
            raise AuditUnavailable(f"residency eu: {self.name} lies in {self._region}. Use a key in the EU")
        try:
            if self._kms is None:
                made = self._make()
                if (problem := abroad(self._residency, made)) is not None:
                    raise AuditUnavailable(problem)
                self._kms = made
            return ask(self._kms)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", "error"))
            raise AuditUnavailable(f"{self.name} can't be used: {code}. {_MEND}") from error
        except BotoCoreError as error:
            raise AuditUnavailable(f"{self.name} can't be used: {type(error).__name__}. {_MEND}") from error
