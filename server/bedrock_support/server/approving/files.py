"""Where approvals lie, who may sign them, and which were used. Every function blocks."""

from __future__ import annotations

import base64
import binascii
import os
import stat
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bedrock_support.routing.audit import AuditUnavailable
from bedrock_support.server.approving.note import MOST_BYTES, NAME, Approval, BadApproval, parsed, verified
from bedrock_support.server.environment import PREFIX, SettingsError
from bedrock_support.telemetry.audit.signer import PublicKey, Verifier

FOLDER, APPROVERS = f"{PREFIX}APPROVALS", f"{PREFIX}APPROVERS"
SUFFIX = ".approval"
SPENT = "spent"
MOST_FILES = 1_000
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class Spent(BadApproval):
    """It has served already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalFiles:
    """A folder of approvals and the public keys that they are held against."""

    folder: Path
    approvers: Path

    def keys(self) -> dict[str, Verifier]:
        """By approver. Read anew each time: who is taken out may sign nothing more. Raises SettingsError."""
        named = f"{APPROVERS} = {str(self.approvers)!r}"
        mend = 'Write lines such as erika = "BASE64 OF THE PUBLIC KEY"; approve new-key prints one'
        if self.approvers.resolve().is_relative_to(self.folder.resolve()):
            raise SettingsError(f"{named}: lies among the approvals, where others may write. Keep it elsewhere")
        try:
            if os.name == "posix" and self.approvers.stat().st_mode & _OTHERS_WRITE:
                raise SettingsError(f"{named}: others may write it. Run: chmod go-w on it")
            told: dict[str, Any] = tomllib.loads(self.approvers.read_text(encoding="utf-8"))
            keys: dict[str, Verifier] = {}
            for name, value in told.items():
                if not NAME.fullmatch(name) or not isinstance(value, str):
                    raise SettingsError(f"{named}: {name[:60]!r} names no key. {mend}")
                keys[name] = PublicKey.of(base64.b64decode(value, validate=True))
        except (OSError, ValueError, binascii.Error, AuditUnavailable) as error:
            if isinstance(error, SettingsError):
                raise
            raise SettingsError(f"{named}: can't be used ({error}). {mend}") from None
        return keys

    def find(self, action: str, target: str, now: float) -> tuple[Approval | None, list[str]]:
        """An approval of this act that holds now, and what is wrong with others of it. Raises SettingsError."""
        keys, wrong = self.keys(), list[str]()
        for path in sorted(self.folder.glob(f"*{SUFFIX}"))[:MOST_FILES]:
            try:
                text = _text(path)
                claimed, _ = parsed(text)
                if (claimed.action, claimed.target) != (action, target):
                    continue
                approval = verified(text, keys, now)
                if self.spent(approval):
                    raise Spent("it has served already")
            except BadApproval as error:
                wrong.append(f"{path.name}: {error}")
                continue
            return approval, wrong
        return None, wrong

    def spend(self, approval: Approval) -> None:
        """Use it up, on the disk before anything is done under it. Raises Spent, OSError."""
        spent = self._spent(approval)
        spent.parent.mkdir(mode=0o700, exist_ok=True)
        try:
            handle = os.open(spent, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            raise Spent("it has served already") from None
        try:
            os.write(handle, approval.text().encode())
            os.fsync(handle)
        finally:
            os.close(handle)
        folder = os.open(spent.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def spent(self, approval: Approval) -> bool:
        """Whether it has served already."""
        return self._spent(approval).exists()

    def _spent(self, approval: Approval) -> Path:
        # By approver and nonce: nobody can use up what somebody else signed.
        return self.folder / SPENT / f"{approval.approver}.{approval.nonce}"


def approval_files(folder: Path | None, approvers: Path | None) -> ApprovalFiles | None:
    """As set; None when neither is. Raises SettingsError when one is missing, or can't be used."""
    if folder is None and approvers is None:
        return None
    if folder is None or approvers is None:
        raise SettingsError(f"{FOLDER} and {APPROVERS}: set both, or neither")
    folder, approvers = folder.expanduser().absolute(), approvers.expanduser().absolute()
    if not folder.is_dir():
        raise SettingsError(f"{FOLDER} = {str(folder)!r}: no folder. Make it, for its owner alone")
    files = ApprovalFiles(folder=folder, approvers=approvers)
    files.keys()
    return files


def _text(path: Path) -> str:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with open(handle, "rb") as file:
            return file.read(MOST_BYTES + 1).decode()
    except (OSError, UnicodeDecodeError):
        raise BadApproval("can't be read") from None


def public_line(name: str, key: Verifier) -> str:
    """What goes into the approvers' file."""
    return f'"{name}" = "{base64.b64encode(key.public).decode()}"'
