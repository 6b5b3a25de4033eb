"""`bedrock-support approve`: signed approvals of acts that change something. Ends with 0, or 1 when refused."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bedrock_support.server.commands import Commands

if TYPE_CHECKING:
    from bedrock_support.telemetry.audit.signer import FileSigner

FAILED = 1
MINUTES = 15


def add_approve_parser(commands: Commands) -> None:
    """The command `approve`."""
    approve = commands.add_parser("approve", help="sign an approval of one act, make a key for that, check approvals")
    actions = approve.add_subparsers(required=True, metavar="ACTION")

    def action(name: str, words: str, do: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
        parser = actions.add_parser(name, help=words)
        parser.set_defaults(run=partial(_run, do))
        return parser

    key = action("new-key", "make a private key; prints the line for the approvers' file", _new_key)
    key.add_argument("--key", type=Path, required=True, help="file for the private key; must not exist")
    key.add_argument("--name", required=True, help="the approver's name")
    sign = action("sign", "write an approval that serves once", _sign)
    sign.add_argument("--action", required=True, help="as the refused call named it, such as roll_back.full")
    sign.add_argument("--target", required=True, help="as the refused call named it: sha256:...")
    sign.add_argument("--key", type=Path, required=True, help="the approver's private key")
    sign.add_argument("--name", required=True, help="the approver's name, as the approvers' file has it")
    sign.add_argument("--minutes", type=int, default=MINUTES, help=f"for which it holds ({MINUTES})")
    sign.add_argument("--to", type=Path, metavar="FOLDER", help="where servers look; else it is printed")
    check = action("check", "whether a server would take an approval now", _check)
    check.add_argument("file", type=Path)
    check.add_argument("--approvers", type=Path, required=True, help="TOML file with the public keys")


def _run(do: Callable[[argparse.Namespace], int], arguments: argparse.Namespace) -> int:
    from bedrock_support.server.approving.note import BadApproval
    from bedrock_support.telemetry.audit.faults import AuditUnavailable

    try:
        return do(arguments)
    except (BadApproval, AuditUnavailable, OSError) as error:
        sys.stderr.write(f"bedrock-support approve: {error}\n")
        return FAILED


def _signer(path: Path, *, create: bool = False) -> FileSigner:
    from bedrock_support.telemetry.audit.signer import FileSigner

    return FileSigner.at(path.expanduser(), create=create)


def _new_key(arguments: argparse.Namespace) -> int:
    from bedrock_support.server.approving.files import public_line
    from bedrock_support.server.approving.note import NAME, BadApproval

    if not NAME.fullmatch(arguments.name):
        raise BadApproval(f"--name {arguments.name!r}: use 1 to 64 letters, digits and ._@-")
    if arguments.key.expanduser().exists():
        raise BadApproval(f"--key {arguments.key}: is there already; a key is never overwritten")
    sys.stdout.write(f"{public_line(arguments.name, _signer(arguments.key, create=True))}\n")
    return 0


def _sign(arguments: argparse.Namespace) -> int:
    from bedrock_support.routing.clock import SystemClock, SystemEntropy
    from bedrock_support.server.approving.files import SUFFIX
    from bedrock_support.server.approving.note import LONGEST, Approval, BadApproval, signed
    from bedrock_support.server.durable import replace_file

    if not 1 <= arguments.minutes <= LONGEST / 60:
        raise BadApproval(f"--minutes {arguments.minutes}: give 1 to {LONGEST / 60:.0f}")
    approval = Approval(
        action=arguments.action,
        target=arguments.target,
        approver=arguments.name,
        expires=float(int(SystemClock().wall()) + arguments.minutes * 60),
        nonce=SystemEntropy().token(),
    )
    file = signed(approval, _signer(arguments.key))
    if arguments.to is None:
        sys.stdout.write(file)
        return 0
    path = arguments.to.expanduser() / f"{approval.action}-{approval.nonce[:12]}{SUFFIX}"
    replace_file(path, file.encode())
    sys.stdout.write(f"{path}\n")
    return 0


def _check(arguments: argparse.Namespace) -> int:
    from bedrock_support.routing.clock import SystemClock
    from bedrock_support.server.approving.files import ApprovalFiles
    from bedrock_support.server.approving.note import verified

    file = arguments.file.expanduser()
    files = ApprovalFiles(folder=file.parent.absolute(), approvers=arguments.approvers.expanduser().absolute())
    approval = verified(file.read_text(encoding="utf-8"), files.keys(), SystemClock().wall())
    spent = files.spent(approval)
    sys.stdout.write(f"{approval.text()}{'it has served already' if spent else 'good'}\n")
    return FAILED if spent else 0
