"""Rollouts without processes: gates, weights, what the front reads along, the files, the record."""

from __future__ import annotations

import json
from collections import Counter
from math import inf
from pathlib import Path

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_support.server.environment import SettingsError
from bedrock_support.server.http import KEPT_IDLE
from bedrock_support.server.rollout.balance import Balance
from bedrock_support.server.rollout.control import agree, differs
from bedrock_support.server.rollout.files import Fleet, RolloutFiles, Wanted, checked_env, write_json
from bedrock_support.server.rollout.flag_writer import read_flags, replace_flags, write_flags
from bedrock_support.server.rollout.gates import judge, missing, p95, upper_bound
from bedrock_support.server.rollout.locks import Taken, holding, is_held
from bedrock_support.server.rollout.plan import Plan
from bedrock_support.server.rollout.store import EvidenceStore, Sample
from bedrock_support.server.rollout.watching import Asked, Watch
from tests.fakes import FakeClock
from tests.promises import promise

DEADLINES = {"standard": 30.0, "infrastructure": 10.0, "emergency": 5.0}


def sample(op_class: str = "standard", ms: float = 50.0, problem: str = "") -> Sample:
    return Sample(
        at=1.0,
        worker="green",
        generation="g",
        tool="triage_incident",
        op_class=op_class,
        ok=not problem,
        ms=ms,
        problem=problem,
    )


def enough(count: int = 20) -> list[Sample]:
    return [sample(name) for name in ("standard", "infrastructure") for _ in range(count)]


def failed(samples: list[Sample], *, lost: int = 0) -> set[str]:
    return {each.name for each in judge(samples, DEADLINES, 20, lost) if not each.ok}


@promise("rollout:unknown-fails")
def test_gates_open_only_on_enough_good_samples() -> None:
    assert failed(enough()) == set()
    assert failed([]) == {"gate: errors", "gate: p95 of standard", "gate: p95 of infrastructure"}
    assert failed(enough(19)) == {"gate: p95 of standard", "gate: p95 of infrastructure"}
    assert failed([*enough(), sample(problem="status 500")]) == {"gate: errors"}
    assert failed(enough(), lost=1) == {"gate: all samples were recorded"}
    slow = [sample("infrastructure", ms=10_001.0)] * 2
    assert failed([*enough(), *slow]) == {"gate: p95 of infrastructure"}
    # A class that traffic brought by the way is judged once there is enough of it.
    assert failed([*enough(), sample("emergency", ms=6_000.0)]) == set()
    assert failed([*enough(), *[sample("emergency", ms=6_000.0)] * 20]) == {"gate: p95 of emergency"}
    assert missing(enough(15), 20) == {"standard": 5, "infrastructure": 5}


def test_statistics_of_gates() -> None:
    assert p95([]) is None
    assert p95(list(range(1, 101))) == 95
    assert p95([3.0]) == 3.0
    # The rule of three's exact form: 1 - 0.05 ** (1 / n) for no failure in n.
    assert upper_bound(0, 20) == pytest.approx(1 - 0.05 ** (1 / 20), abs=1e-6)
    assert upper_bound(0, 0) == upper_bound(5, 5) == 1.0
    assert upper_bound(1, 20) == pytest.approx(0.2161, abs=1e-4)


@promise("rollout:idle")
def test_clients_give_up_idle_connections_before_the_server_does() -> None:
    assert 2 * (httpx2.Limits().keepalive_expiry or inf) < KEPT_IDLE


@promise("rollout:weights")
@given(st.integers(0, 100), st.integers(1, 3))
def test_weights_are_exact_over_each_hundred(share: int, rounds: int) -> None:
    balance = Balance()
    taken = Counter(balance.next({"blue": 100 - share, "green": share}) for _ in range(100 * rounds))
    assert taken["green"] == share * rounds
    assert Balance().next({"blue": 0}) is None


def test_the_front_reads_along() -> None:
    body = {"id": 7, "method": "tools/call", "params": {"name": "t", "arguments": {"operation_class": "emergency"}}}
    asked = Asked.of(json.dumps(body).encode())
    assert (asked.id, asked.tool, asked.op_class, asked.request) == (7, "t", "emergency", True)
    assert Asked.of(b"[]") == Asked.of(b"{") == Asked()
    assert Asked.of(b'{"id": 1, "result": {}}').answer
    stream = Watch(asked=asked, stream=True)
    told = (
        b'event: message\r\ndata: {"id": "s-1", "method": "sampling/createMessage"}\r\n\r\n'
        b'data: {"id": 7, "result": {"isError": true}}\r\n\r\n'
    )
    for at in range(len(told)):
        stream.feed(told[at : at + 1])
    assert (stream.questions, stream.answered, stream.problem) == (["s-1"], True, "tool error")
    whole = Watch(asked=asked, stream=False)
    whole.feed(b'{"id": 7, "error": {"code": -32603}}')
    assert not whole.answered
    whole.end()
    assert (whole.answered, whole.problem) == (True, "error -32603")


@promise("rollout:no-secrets")
def test_secrets_are_not_written() -> None:
    assert checked_env({"BEDROCK_SUPPORT_REGION": "eu-west-1"}) == {"BEDROCK_SUPPORT_REGION": "eu-west-1"}
    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "BEDROCK_SUPPORT_STATE_KEYS"):
        with pytest.raises(SettingsError, match="would stand in a file") as caught:
            checked_env({name: "value-of-it"})
        assert "value-of-it" not in str(caught.value)


def test_files_are_written_whole_and_privately(tmp_path: Path) -> None:
    files = RolloutFiles(folder=tmp_path / "state")
    files.prepare()
    assert files.read_fleet() == Fleet()
    fleet = Fleet(workers=(Wanted(name="blue", weight=100, generation="g-1", env={"A": "b"}),))
    assert files.read_fleet() != (written := files.write_fleet(fleet))
    assert files.read_fleet() == written
    assert written.revision == 1
    assert files.fleet.stat().st_mode & 0o777 == 0o600
    files.fleet.write_text('{"workers": 3}', encoding="utf-8")
    with pytest.raises(SettingsError, match="not a fleet"):
        files.read_fleet()
    write_flags(files.flags, {"ENABLE_INTELLIGENT_ROUTING": False})
    stop = {"scope": "direct", "reason": "by hand"}
    write_json(files.flags, {"ENABLE_INTELLIGENT_ROUTING": False, "STOP": [stop]})
    assert replace_flags(files.flags, {"ENABLE_BEDROCK_SUPPORT_MODE": True}) == {"ENABLE_BEDROCK_SUPPORT_MODE": True}
    assert json.loads(files.flags.read_bytes())["STOP"] == [stop], "a rollback lifts no emergency stop"
    files.flags.write_text("not JSON", encoding="utf-8")
    with pytest.raises(SettingsError, match="not JSON"):
        write_flags(files.flags, {"ENABLE_INTELLIGENT_ROUTING": True})
    assert replace_flags(files.flags, {"ENABLE_INTELLIGENT_ROUTING": True}) == {"ENABLE_INTELLIGENT_ROUTING": True}
    assert read_flags(tmp_path / "nowhere.json") == {}


def test_read_back_takes_nothing_for_granted() -> None:
    fleet = Fleet(revision=2, workers=(Wanted(name="blue", weight=100, generation="g-1"),))
    worker = {"name": "blue", "weight": 100, "generation": "g-1", "isolated": False, "state": "ready", "error": ""}
    assert not differs(fleet, {"revision": 2, "trouble": "", "workers": [worker]})
    assert differs(fleet, {"revision": 1, "trouble": "", "workers": [worker]})
    assert differs(fleet, {"revision": 2, "trouble": "", "workers": []})
    assert differs(fleet, {"revision": 2, "trouble": "", "workers": [worker, {**worker, "state": "draining"}]})
    assert not agree({}, {})
    assert not agree({"A": True}, {"blue": {}})
    assert agree({"A": True}, {"blue": {"A": True, "B": False}})


def test_the_record_keeps_runs_and_samples(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path / "e.sqlite", FakeClock())
    plan = Plan(generation="g-1")
    store.begin("r-1", "rollout", {})
    store.set_detail("r-1", plan.as_table())
    store.move("r-1", "preflight", "begun")
    first = store.add("r-1", "preflight", "a check", True, {"n": 1}, "d-1")
    store.add_calls([sample()])
    run = store.newest("rollout")
    assert run is not None
    assert (run.phase, run.state, Plan.of(run.detail)) == ("preflight", "running", plan)
    assert [each.id for each in store.evidence("r-1")] == [first]
    assert store.newest("drill") is None
    assert len(store.calls("green", 0.0)) == 1
    assert store.calls("green", 2.0) == []
    store.close()


@promise("rollout:one-at-once")
def test_the_lock_is_one_process_at_a_time(tmp_path: Path) -> None:
    lock = tmp_path / "rollout.lock"
    with holding(lock):
        assert is_held(lock)
        with pytest.raises(Taken), holding(lock):
            pass
    assert not is_held(lock)
