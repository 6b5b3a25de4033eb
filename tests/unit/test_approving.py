"""Signed approvals: what is taken, what is refused, and that each serves once."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio import to_thread

from bedrock_support.routing.clock import SystemClock, SystemEntropy
from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.model import FailureKind
from bedrock_support.server.approving.desk import ELICITED, ApprovalDesk
from bedrock_support.server.approving.files import ApprovalFiles, Spent, approval_files, public_line
from bedrock_support.server.approving.note import Approval, BadApproval, parsed, signed, verified
from bedrock_support.server.environment import SettingsError
from bedrock_support.telemetry.audit.files import AuditFiles
from bedrock_support.telemetry.audit.reader import reading
from bedrock_support.telemetry.audit.signer import FileSigner
from bedrock_support.telemetry.audit.trail import AuditTrail
from bedrock_support.tools.approval import Act, NotApproved, digest
from tests.fakes import FakeClock
from tests.promises import promise
from tests.rig import COMMAND, environment

NOW = FakeClock().wall()
TARGET = digest({"state": "of now"})
ACT = Act(action="roll_back.full", target=TARGET, question="Roll back?", undo="a rollout")


@dataclass(frozen=True, slots=True)
class Office:
    """A folder of approvals, an approver and her key."""

    files: ApprovalFiles
    signer: FileSigner

    def put(self, name: str = "one", change: tuple[str, str] = ("", ""), **other: Any) -> Path:
        """An approval of ACT, with other values, in which something was replaced after it was signed."""
        usual = Approval(action=ACT.action, target=TARGET, approver="erika", expires=NOW + 600, nonce="a" * 32)
        path = self.files.folder / f"{name}.approval"
        whole = signed(replace(usual, **other), self.signer)
        path.write_text(whole.replace(*change) if change[0] else whole)
        return path

    def found(self) -> tuple[Approval | None, list[str]]:
        return self.files.find(ACT.action, TARGET, NOW)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    signer = FileSigner.at(tmp_path / "erika.pem", create=True)
    (tmp_path / "approvals").mkdir()
    approvers = tmp_path / "approvers.toml"
    approvers.write_text(public_line("erika", signer))
    files = approval_files(tmp_path / "approvals", approvers)
    assert files is not None
    return Office(files, signer)


def acted(trail: Path) -> list[str]:
    """The steps of acts in a trail, in order."""
    query = "SELECT body ->> '$.step' FROM records WHERE body ->> '$.type' = 'acted' ORDER BY idx"
    with reading(AuditFiles(folder=trail).log) as db:
        return [bytes(step).decode() for (step,) in db.execute(query)]


async def nobody_there(_: str) -> bool:
    raise RouteError(FailureKind.NO_CARRIER, "the client can't ask its user")


def desk(office: Office | None, audit: AuditTrail | None = None) -> ApprovalDesk:
    return ApprovalDesk(files=office.files if office else None, audit=audit, clock=FakeClock())


@promise("approval:signed")
def test_a_signed_approval_serves_once(office: Office) -> None:
    office.put()
    found, wrong = office.found()
    assert found is not None
    assert (found.approver, wrong) == ("erika", [])

    def spend(_: int) -> bool:
        try:
            office.files.spend(found)
        except Spent:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(spend, range(40))) == 1
    assert office.found() == (None, ["one.approval: it has served already"])
    office.put(name="copy")
    assert office.found()[0] is None, "a copy under another name is the same approval"


@promise("approval:signed")
@pytest.mark.parametrize(
    ("old", "new", "other", "said"),
    [
        ("", "", {"expires": NOW}, "expired"),
        ("", "", {"expires": NOW + 25 * 3600}, "more than 24 hours"),
        ("", "", {"approver": "mallory"}, "not among the approvers"),
        ("a" * 32, "b" * 32, {}, "signature"),
        ("action: roll_back.full", "action: roll_back.full\n", {}, ""),
        ("expires", "Expires", {}, ""),
        ("action: ", "action:  ", {}, ""),
        ("\n\n", "\nmore: 1\n\n", {}, ""),
        ("\n\n", "\n\n" + "A" * 5_000, {}, ""),
        ("", "", {"target": digest({"state": "of yesterday"})}, ""),
        ("", "", {"action": "roll_back.partial"}, ""),
    ],
)
def test_any_other_approval_is_none(office: Office, old: str, new: str, other: dict[str, Any], said: str) -> None:
    office.put(change=(old, new), **other)
    found, wrong = office.found()
    assert found is None
    assert said in "; ".join(wrong)


@promise("approval:signed")
def test_no_single_changed_byte_is_taken(office: Office) -> None:
    whole = office.put().read_text()
    keys = office.files.keys()
    assert verified(whole, keys, NOW).nonce == "a" * 32
    for at in range(len(whole)):
        for other in ("0" if whole[at] != "0" else "1", ""):
            changed = whole[:at] + other + whole[at + 1 :]
            try:
                assert verified(changed, keys, NOW).text() == parsed(whole)[0].text()
                assert parsed(changed)[1] == parsed(whole)[1], "only the same signature may pass"
            except BadApproval:
                pass


@promise("approval:approvers")
def test_who_may_sign_is_kept_from_who_may_not(office: Office, tmp_path: Path) -> None:
    folder, approvers = office.files.folder, office.files.approvers
    assert approval_files(None, None) is None
    for given in ((folder, None), (None, approvers), (tmp_path / "nowhere", approvers)):
        with pytest.raises(SettingsError):
            approval_files(*given)
    inside = folder / "approvers.toml"
    inside.write_text(approvers.read_text())
    with pytest.raises(SettingsError, match="among the approvals"):
        approval_files(folder, inside)
    approvers.chmod(0o666)
    with pytest.raises(SettingsError, match="others may write"):
        approval_files(folder, approvers)
    approvers.chmod(0o600)
    approvers.write_text('erika = "no key"')
    with pytest.raises(SettingsError, match="new-key"):
        approval_files(folder, approvers)


@promise("approval:one-piece", "approval:audited")
async def test_a_file_comes_before_the_user_and_both_are_written_down(office: Office, tmp_path: Path) -> None:
    asked: list[str] = []

    async def yes(question: str) -> bool:
        asked.append(question)
        return True

    async def no(_: str) -> bool:
        return False

    trail = AuditTrail(AuditFiles(folder=tmp_path / "audit"), SystemClock(), SystemEntropy())
    await to_thread.run_sync(office.put)
    permit = await desk(office, trail).permit(ACT, nobody_there)
    assert permit.by.startswith("erika, by signed approval")
    await permit.ended("begun")
    with pytest.raises(NotApproved, match=r"served already.*approve sign --action roll_back.full --target sha256:"):
        await desk(office, trail).permit(ACT, nobody_there)
    with pytest.raises(NotApproved, match="did not approve"):
        await desk(None, trail).permit(ACT, no)
    assert (await desk(None, trail).permit(ACT, yes)).by == ELICITED
    assert "Roll back?" in asked[0]
    assert "a rollout" in asked[0]
    await trail.aclose()
    steps = await to_thread.run_sync(acted, tmp_path / "audit")
    assert steps == ["approved", "ended", "refused", "refused", "approved"]


@promise("approval:audited")
async def test_what_can_not_be_written_down_is_not_approved(tmp_path: Path) -> None:
    async def yes(_: str) -> bool:
        return True

    await anyio.Path(tmp_path / "file").write_text("")
    broken = AuditTrail(AuditFiles(folder=tmp_path / "file" / "audit"), SystemClock(), SystemEntropy())
    with pytest.raises(NotApproved, match="no act goes without an entry"):
        await desk(None, broken).permit(ACT, yes)


@promise("approval:command")
def test_the_command_makes_keys_and_approvals(tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [*COMMAND, "approve", *arguments]
        return subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=60, check=False)

    key, approvers, folder = tmp_path / "erika.pem", tmp_path / "approvers.toml", tmp_path / "approvals"
    folder.mkdir()
    made = run("new-key", "--key", str(key), "--name", "erika")
    approvers.write_text(made.stdout)
    assert key.stat().st_mode & 0o777 == 0o600
    assert run("new-key", "--key", str(key), "--name", "erika").returncode == 1
    given = ("--action", ACT.action, "--target", TARGET, "--key", str(key), "--name", "erika")
    path = run("sign", *given, "--to", str(folder)).stdout.strip()
    assert run("check", path, "--approvers", str(approvers)).stdout.endswith("good\n")
    files = approval_files(folder, approvers)
    assert files is not None
    found, _ = files.find(ACT.action, TARGET, SystemClock().wall())
    assert found is not None
    files.spend(found)
    assert run("check", path, "--approvers", str(approvers)).returncode == 1
    assert run("sign", *given, "--minutes", "2000").returncode == 1
    assert run("sign", "--action", "x", "--target", "y", "--key", str(key), "--name", "erika").returncode == 1
