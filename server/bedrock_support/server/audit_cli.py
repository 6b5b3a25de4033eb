"""`bedrock-support audit`: verify the audit trail, look into it, hand it on, and do to it what an operator must.

Ends with 0 when all is well, 1 when the trail was tampered with or what was asked for isn't there, 2 when asked
wrongly, 3 when the trail can't be read or written.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bedrock_support.server.commands import Commands
from bedrock_support.server.environment import PREFIX, SettingsError
from bedrock_support.server.infra_cli import add_infra_action
from bedrock_support.server.settings import Settings, load

UNUSABLE = 3


def add_audit_parser(commands: Commands) -> None:
    """The command `audit` with its own commands."""
    audit = commands.add_parser("audit", help="the audit trail's actions; with PATH, what is wrong with infrastructure")
    actions = audit.add_subparsers(required=True, metavar="ACTION")
    add_infra_action(actions)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--audit", type=Path, help=f"the trail's folder, instead of {PREFIX}AUDIT")
    common.add_argument("--anchors", help=f"folder or s3://bucket/prefix, instead of {PREFIX}AUDIT_ANCHOR")
    common.add_argument("--key", type=Path, help="public key to check against, instead of the one beside the trail")
    common.add_argument("--json", action="store_true", help="the result as JSON")

    def action(name: str, said: str) -> argparse.ArgumentParser:
        parser = actions.add_parser(name, help=said, parents=[common])
        parser.set_defaults(run=_run, action=name)
        return parser

    action("verify", "check every record, checkpoint and anchor; says the first bad record")
    show = action("show", "the newest records, or those of one operation")
    show.add_argument("--last", type=_number, default=20, metavar="N", help="how many (default 20)")
    show.add_argument("--operation", help="id of an operation")
    export = action("export", "records as JSON lines")
    export.add_argument("--format", choices=("records", "ocsf"), default="records", help="as kept, or as OCSF events")
    export.add_argument("--subject", help="only this subject's")
    prove = action("prove", "proof that a record is in the signed tree, to be checked without the trail")
    prove.add_argument("id", metavar="ID", help="an operation's id or a record's index; with --check, a file of proofs")
    prove.add_argument("--check", action="store_true", help="check the proofs in the file ID")
    action("anchor", "copy the newest checkpoint to the second place now")
    erase = action("erase", "destroy a subject's key: nothing links them to their records any more")
    erase.add_argument("--subject", required=True, help="as in BEDROCK_SUPPORT_SUBJECT, or the client's key")
    prune = action("prune", "empty records past their time, under a signed tombstone")
    prune.add_argument("--personal-days", type=_number, help="days for operations with personal data (default 90)")
    prune.add_argument("--secret-days", type=_number, help="days for operations with secrets alone (default 90)")
    prune.add_argument("--other-days", type=_number, help="days for all others (default 365)")


def _number(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r}: give a whole number from 1 to 1000000")
    return int(text)


def _run(arguments: argparse.Namespace) -> int:
    import sqlite3

    from bedrock_support.routing.audit import AuditUnavailable
    from bedrock_support.server import audit_actions

    settings = _told(arguments)
    try:
        return audit_actions.ACTIONS[arguments.action](settings, arguments)
    except (AuditUnavailable, sqlite3.Error) as error:
        sys.stderr.write(f"bedrock-support audit {arguments.action}: {error}\n")
        return UNUSABLE


def _told(arguments: argparse.Namespace) -> Settings:
    settings = load()
    changed: dict[str, object] = {}
    if arguments.audit is not None:
        changed["audit"] = arguments.audit.expanduser().absolute()
    if arguments.anchors is not None:
        changed["audit_anchor"] = arguments.anchors
    settings = settings.model_copy(update=changed)
    if settings.audit is None:
        raise SettingsError(f"{PREFIX}AUDIT is off: there is no trail. Name its folder with --audit")
    return settings
