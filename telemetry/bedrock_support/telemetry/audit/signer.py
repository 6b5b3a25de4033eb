"""Who signs checkpoints: a key in a file of this machine, or one that a key service keeps."""

from __future__ import annotations

import os
import stat
import threading
from contextlib import suppress
from pathlib import Path
from typing import Protocol, TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from bedrock_support.telemetry.audit.faults import AuditUnavailable

ED25519, ECDSA = b"\x01", b"\x02"
"""Signature types of C2SP's signed notes."""
_RAW = 32
"""Bytes of an Ed25519 public key (RFC 8032)."""
AnyKey: TypeAlias = Ed25519PublicKey | ec.EllipticCurvePublicKey
_DER, _SPKI = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Verifier(Protocol):
    """Knows the public half."""

    @property
    def public(self) -> bytes:
        """32 bytes of Ed25519, or an elliptic curve's key as SubjectPublicKeyInfo in DER."""
        ...

    @property
    def kind(self) -> bytes:
        """One byte, by which C2SP's signed notes tell kinds of signatures apart."""
        ...

    def verifies(self, signature: bytes, data: bytes) -> bool: ...


class Signer(Verifier, Protocol):
    """Signs. Called from a worker thread, once for each group of records: it may ask a key service."""

    def sign(self, data: bytes) -> bytes:
        """64 bytes of Ed25519, or ECDSA's in DER. Raises AuditUnavailable when the key can't be used now.

        Then nothing is written.
        """
        ...


class KeyService(Protocol):
    """Keeps a private key to itself. Blocks; raises AuditUnavailable."""

    @property
    def name(self) -> str:
        """Which key it is, for people."""
        ...

    def public_key(self) -> bytes:
        """SubjectPublicKeyInfo in DER."""
        ...

    def sign(self, data: bytes) -> bytes:
        """Ed25519's 64 bytes, or ECDSA with SHA-256 in DER."""
        ...


class PublicKey:
    """Implements Verifier: Ed25519, or ECDSA on P-256 with SHA-256."""

    def __init__(self, key: AnyKey) -> None:
        self._key = key
        if isinstance(key, Ed25519PublicKey):
            self.public, self.kind = key.public_bytes_raw(), ED25519
        else:
            self.public, self.kind = key.public_bytes(_DER, _SPKI), ECDSA

    def verifies(self, signature: bytes, data: bytes) -> bool:
        try:
            if isinstance(self._key, Ed25519PublicKey):
                self._key.verify(signature, data)
            else:
                self._key.verify(signature, data, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True

    def pem(self) -> bytes:
        """For who verifies."""
        return self._key.public_bytes(serialization.Encoding.PEM, _SPKI)

    @classmethod
    def of(cls, public: bytes) -> PublicKey:
        """From what `public` holds: 32 bytes of Ed25519, or a SubjectPublicKeyInfo. Raises AuditUnavailable."""
        try:
            short = len(public) == _RAW
            key = Ed25519PublicKey.from_public_bytes(public) if short else serialization.load_der_public_key(public)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise AuditUnavailable(f"no public key: {error}") from error
        return cls(_usable(key, "the key"))

    @classmethod
    def read(cls, path: Path) -> PublicKey:
        """From a PEM file with the public half, or with the private one. Raises AuditUnavailable."""
        try:
            data = path.read_bytes()
            key = (
                serialization.load_pem_private_key(data, None).public_key()
                if b"PRIVATE KEY" in data
                else serialization.load_pem_public_key(data)
            )
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise AuditUnavailable(f"the key {path} can't be read: {error}. Give the log's public key") from error
        return cls(_usable(key, f"the key {path}"))


def _usable(key: object, name: str) -> AnyKey:
    if isinstance(key, Ed25519PublicKey):
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    raise AuditUnavailable(f"{name} is neither Ed25519 nor ECDSA on P-256. Give the log's public key")


class RemoteSigner(PublicKey):
    """Implements Signer with a key that never leaves a key service. The public half lies beside the log."""

    def __init__(self, service: KeyService, beside: Path) -> None:
        """Asks the service for the public half. Raises AuditUnavailable, too when the log had another key."""
        try:
            key = serialization.load_der_public_key(service.public_key())
        except (ValueError, UnsupportedAlgorithm) as error:
            raise AuditUnavailable(f"{service.name} gives no public key: {error}. Use an asymmetric key") from error
        super().__init__(_usable(key, service.name))
        self._service = service
        try:
            if not beside.exists():
                beside.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                _place(beside, self.pem(), 0o644)
        except OSError as error:
            raise AuditUnavailable(f"the public key {beside} can't be written: {error}. Check the folder") from error
        if PublicKey.read(beside).public != self.public:
            raise AuditUnavailable(
                f"{service.name} isn't the key of this audit trail ({beside}): with another key no old entry verifies. "
                "Name the right key, or begin another trail"
            )

    def sign(self, data: bytes) -> bytes:
        signature = self._service.sign(data)
        if not self.verifies(signature, data):  # a checkpoint that doesn't verify must never be written
            raise AuditUnavailable(f"{self._service.name} gave a signature that doesn't verify. Check the key")
        return signature


class FileSigner(PublicKey):
    """Implements Signer with a private key in a file that only its owner may read."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        super().__init__(key.public_key())
        self._private = key

    def sign(self, data: bytes) -> bytes:
        return self._private.sign(data)

    @classmethod
    def at(cls, path: Path, *, create: bool) -> FileSigner:
        """The key in the file; a new one where there is none and `create` is set. The public half lies beside it.

        Raises:
            AuditUnavailable: the key is missing, isn't one, or others may read it.
        """
        try:
            if create and not path.exists():
                _make(path)
            mode = path.stat().st_mode
            if os.name == "posix" and mode & _OTHERS:
                raise AuditUnavailable(f"others may read the key {path} (mode {mode & 0o777:o}). Run: chmod 600 {path}")
            key = serialization.load_pem_private_key(path.read_bytes(), None)
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise AuditUnavailable(
                f"the audit's key {path} can't be used: {error}. Restore it; with another key no old entry verifies"
            ) from error
        if not isinstance(key, Ed25519PrivateKey):
            raise AuditUnavailable(f"the audit's key {path} is no Ed25519 key. Restore the right one")
        beside = path.with_suffix(".pub")
        if not beside.exists():
            _show(key, beside)
        return cls(key)


def _make(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    private = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _place(path, private, 0o600)


def _show(key: Ed25519PrivateKey, path: Path) -> None:
    """The public half beside the private one, for those who verify."""
    _place(path, PublicKey(key.public_key()).pem(), 0o644)


def _place(path: Path, data: bytes, mode: int) -> None:
    """Put a whole file there at once, unless another process was first."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    with suppress(FileNotFoundError):
        draft.unlink()
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        os.write(file, data)
        os.fsync(file)
    finally:
        os.close(file)
    try:
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
