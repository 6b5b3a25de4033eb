"""Wrong names, half characters, stores that can't be read: said as they are, and never taken for something else."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest
from mcp.shared.message import SessionMessage

from bedrock_support.server.cli import main
from bedrock_support.server.environment import SettingsError
from bedrock_support.server.from_settings import telemetry_settings
from bedrock_support.server.guarding.triggers import Triggers
from bedrock_support.server.heard import Stdout, Unheard
from bedrock_support.server.rollout.files import checked_env
from bedrock_support.server.settings import load, without_effect
from bedrock_support.server.status_cli import unseen, worded
from bedrock_support.server.stdio import Outgoing, parse
from bedrock_support.tools.base import InputError
from bedrock_support.tools.causes.gather import gather
from bedrock_support.tools.paths import Place
from bedrock_support.tools.remedy.given import wanted
from tests.promises import promise
from tests.remedy_rig import USER, plan, project
from tests.triage_rig import run

LOG = "2026-11-23T14:00:00Z INFO started\n2026-11-23T14:02:00Z ERROR connection refused\n"
METRICS = "time,service,metric,value\n" + "".join(f"2026-11-23T14:00:{n:02d}Z,web,latency,1\n" for n in range(9))


class Full(io.StringIO):
    def write(self, _: str) -> int:
        raise OSError(28, "No space left on device")


@promise("outage:stdout")
def test_a_write_that_fails_is_no_error_of_a_file() -> None:
    assert not issubclass(Unheard, OSError)
    for real, why in ((Full(), "No space left on device"), (None, "it is closed")):
        with pytest.raises(Unheard, match=why):
            Stdout(real).write("x")


@promise("outage:half-characters")
@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (r"a\ud83d", "a\ufffd"),
        (r"\uDE00b", "\ufffdb"),
        (r"\ud83d\ud83d\ude00", "\ufffd\U0001f600"),
        (r"\\ud83d \ud83d", "\\ud83d \ufffd"),
    ],
)
def test_half_a_character_in_a_message_is_replaced_alone(sent: str, read: str) -> None:
    line = f'{{"jsonrpc":"2.0","id":7,"method":"x","params":{{"text":"{sent}"}}}}'
    message = parse(line.encode())
    assert isinstance(message, SessionMessage)
    told = json.loads(message.message.model_dump_json())
    assert (told["id"], told["params"]["text"]) == (7, read)


@promise("outage:nobody-reads")
def test_who_waits_for_room_is_freed_when_nobody_reads_any_more() -> None:
    outgoing = Outgoing(most=1)
    outgoing.put(b"unread")
    outgoing.give_up()
    outgoing.wait_for_room()


@promise("outage:misspelt")
@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("BEDROCK_SUPPORT_RESIDENZ", "BEDROCK_SUPPORT_RESIDENCY"),
        ("BEDROCK_SUPPORT_CALLER_MODL", "BEDROCK_SUPPORT_CALLER_MODEL"),
        ("BEDROCK_SUPPORT_MODEL_FASTER", "BEDROCK_SUPPORT_MODEL_FAST"),
        ("BEDROCK_SUPPORT_ROOT", "BEDROCK_SUPPORT_ROOTS"),
        ("ENABLE_INTELIGENT_ROUTING", "ENABLE_INTELLIGENT_ROUTING"),
        ("BEDROCK_SUPPORT_XYZZY_QQQ", "README"),
    ],
)
def test_a_name_that_sets_nothing_is_told_of(
    name: str, meant: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(name, "1")
    load()
    (told,) = [each.getMessage() for each in caplog.records if name in each.getMessage()]
    assert meant in told
    with pytest.raises(SettingsError, match=name):
        checked_env({name: "1"})


@promise("outage:misspelt")
def test_names_of_ours_and_of_others_are_left_alone() -> None:
    ours = {"BEDROCK_SUPPORT_STATE_KEYS", "BEDROCK_SUPPORT_MODEL_DEEP", "ENABLE_BEDROCK_SUPPORT_MODE"}
    assert without_effect({*ours, "ENABLE_USER_SITE", "AWS_REGION", "OTEL_SERVICE_NAME"}) == []


@promise("outage:headers")
@pytest.mark.parametrize("value", ["s3cretvalue", "a=b,s3cretvalue", 'a="s3cretvalue"', "=s3cretvalue"])
def test_headers_that_are_none_are_refused_unquoted(value: str) -> None:
    with pytest.raises(SettingsError, match=r"OTEL_EXPORTER_OTLP_HEADERS, part [12]: no name=value") as error:
        telemetry_settings(load({"OTEL_EXPORTER_OTLP_HEADERS": value}))
    assert "s3cret" not in str(error.value)


@promise("outage:headers")
def test_headers_are_decoded_as_the_standard_says() -> None:
    found = telemetry_settings(load({"OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20ab== , x=Basic c=="}))
    assert dict(found.headers) == {"authorization": "Bearer ab==", "x": "Basic c=="}


@promise("settings:errors")
@pytest.mark.parametrize(
    ("name", "value", "mend"),
    [
        ("BEDROCK_SUPPORT_PAGE", "2", "Use true or false"),
        ("BEDROCK_SUPPORT_MAX_CALL_SECONDS", "soon", "Give one such as 30"),
    ],
)
def test_a_value_of_the_wrong_sort_is_told_with_its_mend(name: str, value: str, mend: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} = '{value}': .*{mend}"):
        load({name: value})


@promise("settings:errors")
def test_a_share_of_errors_that_is_never_reached_is_refused() -> None:
    with pytest.raises(SettingsError, match="1 at most"):
        Triggers.of("errors=5")
    assert Triggers.of("errors=1").errors == 1


@promise("settings:errors")
def test_a_model_of_names_that_is_not_there_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BEDROCK_SUPPORT_NAMES_MODEL", "no_such_model")
    try:
        assert main(["explain", "--class", "emergency"]) == 2
    finally:
        monkeypatch.delenv("BEDROCK_SUPPORT_NAMES_MODEL")
        from bedrock_support.routing.pii import late

        late.names(wanted=True)
    assert "BEDROCK_SUPPORT_NAMES_MODEL" in capsys.readouterr().err


@promise("outage:front-health")
def test_nothing_seen_is_unknown_whatever_health_json_calls_it() -> None:
    assert worded({**unseen("no attempts"), "status": "warn"}).startswith("system: unknown\n")
    seen = unseen("no attempts")
    seen["checks"]["monitoring:state"] = [{"observedValue": "degraded"}]
    assert worded({**seen, "status": "warn"}).startswith("system: warn\n")


@promise("outage:state-folder")
@pytest.mark.parametrize(
    "action", [["status"], ["watch"], ["start"], ["resume"], ["abort"], ["report"], ["rollback", "full"]]
)
def test_a_state_folder_that_is_not_there_is_named_and_not_made(
    action: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "sttae"
    assert main(["rollout", *action, "--state", str(folder)]) == 2
    assert f"--state = {str(folder)!r}: no such folder" in capsys.readouterr().err
    assert not folder.exists()


@promise("outage:why")
def test_a_rollback_that_fails_says_why_in_words_and_as_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rollout", "rollback", "full", "--state", str(tmp_path)]) == 1
    assert "FAILED full rollback: no configuration was kept as good yet" in capsys.readouterr().out
    assert main(["rollout", "rollback", "immediate", "--state", str(tmp_path), "--json"]) == 1
    (check,) = json.loads(capsys.readouterr().out)["checks"]
    assert "no front has served" in check["value"]["problem"]


@promise("outage:why")
def test_a_start_without_a_front_leaves_nothing_open(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rollout", "start", "--state", str(tmp_path)]) == 1
    assert main(["rollout", "status", "--state", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rollout"]["state"] == "rolled_back"


@promise("outage:why")
@pytest.mark.parametrize("seconds", ["nan", "inf", "-1"])
def test_a_time_to_watch_that_is_none_is_refused(
    seconds: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rollout", "start", "--state", str(tmp_path), "--watch", seconds]) == 2
    assert f"--watch {seconds}" in capsys.readouterr().err


@promise("outage:unread")
def test_sums_that_can_not_be_read_are_not_called_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "store"
    monkeypatch.setenv("BEDROCK_SUPPORT_STORE", str(store))
    assert main(["cost"]) == 2
    assert "no such folder" in capsys.readouterr().err
    assert not store.exists()
    store.mkdir()
    (store / "money").mkdir()
    (store / "money" / "cache.db").mkdir()  # SQLite can't open it: "unable to open database file"
    assert main(["cost"]) == 2
    told = capsys.readouterr()
    assert "BEDROCK_SUPPORT_STORE" in told.err
    assert "can't be read just now" in told.err
    assert "nothing was asked" not in told.out


@promise("outage:unread")
def test_an_account_that_nobody_could_look_at_is_not_well(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    assert main(["audit", "--live", "--region", "eu-west-1", "--profile", "nobody"]) == 2
    assert "nothing of the account could be read" in capsys.readouterr().err


@promise("outage:unread")
def test_measurements_that_are_none_are_named_by_their_file(tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("time,service,metric,value\nx,y,z,w\n")
    (tmp_path / "good.csv").write_text(METRICS)
    bad, good = (Place(tmp_path / name, tmp_path) for name in ("bad.csv", "good.csv"))
    with pytest.raises(InputError, match=r"paths = 'bad.csv': .*bad.csv: no row with a time and a number"):
        gather([bad])
    with pytest.raises(InputError, match=r"baseline = 'bad.csv': no measurements were found"):
        gather([good], bad)
    assert any(note.startswith("bad.csv: no row") for note in gather([good, bad]).notes)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"paths = 'empty': "):
        gather([Place(tmp_path / "empty", tmp_path)])


@promise("outage:unread")
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["rca", "{}/nix.csv"], "PATH = '{}/nix.csv': doesn't exist. Name an existing file or folder\n"),
        (["scan", "{}/pipe"], "path = '{}/pipe': is no regular file and no folder"),
        (["scan", "--jsonl", "{}/deep", "{}/out"], "a row is no object with id and text (RecursionError)"),
        (["plan", "{}", "--findings", "{}/f.json", "--patch", "{}/nix"], "--patch = '{}/nix': can't be read"),
        (["triage", ""], "the path is empty"),
    ],
)
def test_what_can_not_be_read_is_named_as_it_was_given(
    words: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "deep").write_text("[" * 100_000)
    (tmp_path / "f.json").write_text('[{"title": "x"}]')
    assert main([each.format(tmp_path) for each in words]) == 2
    assert told.format(tmp_path) in capsys.readouterr().err


@promise("outage:unread")
@pytest.mark.parametrize(
    ("words", "told"), [(["cost", "--days", "0"], "from 1 to 400"), (["triage", "x", "--limit", "51"], "from 1 to 50")]
)
def test_a_number_out_of_range_is_answered_by_the_range(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(words)
    assert told in capsys.readouterr().err.splitlines()[-1]


@promise("outage:given")
@pytest.mark.parametrize(
    ("given", "line"),
    [(None, 0), (0, 0), (3, 3), (3.0, 3), ("3", 3), (-1, -1), (1.5, -1), (1e99, -1), ("x", -1), (True, -1), ([], -1)],
)
def test_a_line_is_a_number_from_one_on_or_none(given: object, line: int) -> None:
    assert wanted([{"path": "a.py", "line": given, "title": "x"}])[0].line == line


@promise("outage:given")
async def test_of_findings_that_were_all_dropped_nobody_is_asked(tmp_path: Path) -> None:
    project(tmp_path)
    result = await plan(tmp_path, {**USER, "line": -4}, {**USER, "id": "F9", "file": "gone.py", "path": "gone.py"})
    assert result.steps == []
    assert any("its line is no number from 1 on" in each for each in result.limits)
    assert "no finding is left" in (result.model.not_used_reason or "")


@promise("outage:windows")
async def test_a_window_at_the_ends_of_the_calendar_is_one_like_any_other(tmp_path: Path) -> None:
    window = {"start": "0001-01-01T00:00:00+14:00", "end": "9999-12-31T23:59:59-12:00"}
    (tmp_path / "a.log").write_text(LOG)
    result = await run(tmp_path, path="a.log", window=window)
    assert result.first_error is not None
    assert result.first_error.line == 2


@promise("settings:errors")
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("budget = 3", "a budget is 3; give a table"),
        ("[[budget]]\nusd = 1\nperod = 'day'", "a budget has no 'perod'"),
        ("[[budget]]\nusd = '50'", "usd is '50'; give dollars above 0"),
        ("[[budget]]\nperiod = 'day'", "usd is None; give dollars above 0"),
        ("[[budget]]\nusd = 0", "usd is 0; give dollars above 0"),
    ],
)
def test_a_budget_that_is_none_is_told_in_words_of_its_file(
    text: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "budgets.toml").write_text(text)
    monkeypatch.setenv("BEDROCK_SUPPORT_STORE", str(tmp_path))
    monkeypatch.setenv("BEDROCK_SUPPORT_BUDGETS", str(tmp_path / "budgets.toml"))
    assert main(["cost"]) == 2
    assert told in capsys.readouterr().err
