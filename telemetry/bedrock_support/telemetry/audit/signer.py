"""Who signs checkpoints: a key in a file of this machine, or anything else that can sign a few bytes with Ed25519."""

from __future__ import annotations

import os
import stat
import threading
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from bedrock_support.telemetry.audit.faults import AuditUnavailable

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Verifier(Protocol):
    """Knows the public half."""

    @property
    def public(self) -> bytes:
        """32 bytes."""
        ...

    def verifies(self, signature: bytes, data: bytes) -> bool: ...


class Signer(Verifier, Protocol):
    """Signs with Ed25519. Called from a worker thread, once for each group of records: it may ask a key service."""

    def sign(self, data: bytes) -> bytes:
        """64 bytes. Raises AuditUnavailable when the key can't be used now: then nothing is written."""
        ...


class PublicKey:
    """Implements Verifier."""

    def __init__(self, public: bytes) -> None:
        self.public = public
        self._key = Ed25519PublicKey.from_public_bytes(public)

    def verifies(self, signature: bytes, data: bytes) -> bool:
        try:
            self._key.verify(signature, data)
        except InvalidSignature:
            return False
        return True

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
        if not isinstance(key, Ed25519PublicKey):
            raise AuditUnavailable(f"the key {path} is no Ed25519 key. Give the log's public key")
        return cls(key.public_bytes_raw())


class FileSigner(PublicKey):
    """Implements Signer with a private key in a file that only its owner may read."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        super().__init__(key.public_key().public_bytes_raw())
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
    encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    _place(path, key.public_key().public_bytes(encoding, form), 0o644)


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
