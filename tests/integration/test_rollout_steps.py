"""Rollouts over real processes: steps side by side, progress over MCP, a slow model, weights elsewhere."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from anyio import to_thread
from mcp import Client

from bedrock_support.routing.clock import SystemClock
from bedrock_support.server.rollout.plan import Plan, outline
from bedrock_support.server.rollout.report import report_of
from bedrock_support.server.rollout.store import EvidenceStore
from tests.promises import promise
from tests.report_rig import figures, rows, untraced
from tests.rig import told
from tests.rollout_rig import PATIENCE, PATIENT, QUICK, rig, wait_for


def moves(folder: Path) -> list[tuple[str, str, str]]:
    """Place, state and note of every transition, the oldest first."""
    with closing(sqlite3.connect(folder / "evidence.sqlite")) as db:
        return db.execute("SELECT phase, state, note FROM transitions ORDER BY id").fetchall()


def untraced_in(record: Path, run: str) -> list[Any]:
    """Figures in the report of a run that its record doesn't bear out."""
    store = EvidenceStore(record, SystemClock())
    try:
        found = store.run(run)
        assert found is not None
        report = report_of(found, store.transitions(run), store.evidence(run))
    finally:
        store.close()
    assert len(figures(report)) > 100
    return untraced(report, rows(record, run))


@promise("rollout:steps", "rollout:progress", "rollout:report")
@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_steps_run_side_by_side_and_an_agent_watches(tmp_path: Path, sandbox_url: str) -> None:
    heard: list[tuple[float, float | None, str]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, total, message or ""))

    with rig(tmp_path, sandbox_url) as made:
        async with Client(made.url, mode="legacy") as client:
            assert told(await client.call_tool("get_rollout_status", {})) == {}
            started = made.begin("start", *PATIENT)
            await to_thread.run_sync(wait_for, started, "preflight: begun")
            seen: dict[str, Any] = {"under_way": True}
            with anyio.fail_after(PATIENCE):
                while seen["under_way"]:
                    answer = await client.call_tool("get_rollout_status", {"wait_s": 20}, progress_callback=hear)
                    seen = told(answer)["rollout"]
        assert await to_thread.run_sync(started.process.wait, PATIENCE) == 0, started.said
        started.end()
    steps = [f"{phase}/{step}" for phase, names in outline(Plan(steps=(50, 100))).items() for step in names]
    assert (seen["state"], seen["done"], seen["total"], seen["now"]) == ("done", len(steps), len(steps), [])
    assert heard[-1][1] == len(steps)
    assert max(done for done, _, _ in heard) >= len(steps)
    assert any("/" in message for _, _, message in heard), "it says which steps are under way"
    past = moves(tmp_path)
    assert await to_thread.run_sync(untraced_in, tmp_path / "evidence.sqlite", seen["id"]) == []
    for each in steps:
        assert [state for place, state, _ in past if place == each] == ["begun", "done"]
    at = {(place, state): number for number, (place, state, _) in enumerate(past)}
    fallback = "validation/MCP fallback"
    checks = [each for each in steps if each.startswith("validation/") and each != fallback]
    assert max(at[each, "begun"] for each in checks) < min(at[each, "done"] for each in checks)
    assert max(at[each, "done"] for each in checks) < at[fallback, "begun"], "it starts a process, and so comes last"
    assert at["components/start", "done"] < at["components/tools", "begun"]
    assert any(f"[{len(steps)}/{len(steps)}]" in line for line in started.said)


@promise("rollout:slow-model")
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_model_too_slow_for_the_gate_is_told_of_before_traffic_moves(tmp_path: Path, sandbox_url: str) -> None:
    faults = f"{sandbox_url}/_sandbox/faults"
    httpx2.put(faults, json={"latency_ms": 1_700}, trust_env=False).raise_for_status()
    try:
        with rig(tmp_path, sandbox_url) as made:
            done = made.run("start", *QUICK)
            assert done.returncode == 1, done.stderr
            assert "start with --limit generated_seconds=" in done.stderr
            assert "rolling back: preflight" in done.stderr
            assert not any(place.startswith("slo_gates") for place, _, _ in moves(tmp_path))
    finally:
        httpx2.delete(faults, trust_env=False)


@contextmanager
def balancer(folder: Path) -> Generator[tuple[Any, str, Path, Mapping[str, str]]]:
    """An Application Load Balancer on moto: its client, a rule, the file that names it, the environment."""
    moto: Any = import_module("moto.server")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    try:
        url = f"http://127.0.0.1:{server.get_host_and_port()[1]}"
        boto3: Any = import_module("boto3")
        given = {"region_name": "eu-central-1", "endpoint_url": url}
        secret = {"aws_access_key_id": "moto", "aws_secret_access_key": "moto"}
        ec2, elb = (boto3.client(name, **given, **secret) for name in ("ec2", "elbv2"))
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        nets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"eu-central-1{zone}")["Subnet"]
            for n, zone in enumerate("ab")
        ]
        subnets = [each["SubnetId"] for each in nets]
        balancers = elb.create_load_balancer(Name="front", Subnets=subnets)["LoadBalancers"]
        groups = {
            name: elb.create_target_group(Name=name, Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"][0][
                "TargetGroupArn"
            ]
            for name in ("blue", "green")
        }
        forward = [{"Type": "forward", "TargetGroupArn": groups["blue"]}]
        listener = elb.create_listener(
            LoadBalancerArn=balancers[0]["LoadBalancerArn"], Protocol="HTTP", Port=80, DefaultActions=forward
        )["Listeners"][0]["ListenerArn"]
        where = [{"Field": "path-pattern", "Values": ["/mcp"]}]
        rule = elb.create_rule(ListenerArn=listener, Priority=1, Conditions=where, Actions=forward)["Rules"][0]
        file = folder / "elsewhere.toml"
        targets = "".join(f'{name} = "{arn}"\n' for name, arn in groups.items())
        file.write_text(f'rule = "{rule["RuleArn"]}"\n[targets]\n{targets}')
        yield elb, rule["RuleArn"], file, {"AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2": url}
    finally:
        server.stop()


def weights(elb: Any, rule: str) -> dict[str, int]:
    """By the name of the target group, as the balancer says."""
    (found,) = elb.describe_rules(RuleArns=[rule])["Rules"]
    groups = found["Actions"][0].get("ForwardConfig", {}).get("TargetGroups") or [found["Actions"][0]]
    return {each["TargetGroupArn"].split("/")[1]: int(each.get("Weight", 100)) for each in groups}


@promise("rollout:elsewhere")
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_load_balancer_takes_the_same_weights_and_gets_them_back(tmp_path: Path, sandbox_url: str) -> None:
    with balancer(tmp_path) as (elb, rule, file, env):
        state = tmp_path / "state"
        with rig(state, sandbox_url, **env) as made:
            bad = ("--set", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME=http://127.0.0.1:9", "--elsewhere", str(file))
            done = made.run("start", *PATIENT, *bad)
            assert done.returncode == 1, done.stderr
            assert weights(elb, rule) == {"blue": 100, "green": 0}
            done = made.run("start", *PATIENT, "--elsewhere", str(file))
            assert done.returncode == 0, done.stderr
            assert weights(elb, rule) == {"blue": 0, "green": 100}
            read = [
                name for _, name, ok, _ in made.evidence() if ok and name.startswith("weights read back from the l")
            ]
            assert len(read) == 2 + 1 + 2  # steps of the first, its way back, steps of the second
