"""Commands and servers whose reader is gone, whose stdout is full, or that are interrupted; the address of a front."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest
from anyio import to_thread

from tests.integration.test_ending import Raw, call
from tests.promises import promise
from tests.rig import COMMAND, LOG, Running, environment, running
from tests.rollout_rig import rig

pytestmark = pytest.mark.anyio


def told(*words: str, stdout: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *words], env=environment(), stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=60, check=False
    )


@promise("outage:stdout")
@pytest.mark.parametrize("words", [["rollout", "thresholds"], ["flags", "show"], ["status", "--json"], ["--version"]])
def test_a_command_whose_reader_is_gone_ends_without_a_word(words: list[str]) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    try:
        done = told(*words, stdout=writes)
    finally:
        os.close(writes)
    assert (done.returncode, done.stderr) == (141, "")


@promise("outage:stdout")
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_command_whose_stdout_is_full_says_so() -> None:
    with open("/dev/full", "wb") as full:
        done = told("rollout", "thresholds", stdout=full.fileno())
    assert (done.returncode, done.stderr) == (3, "bedrock-support: stdout can't be written: No space left on device\n")


@promise("outage:interrupted")
def test_an_interrupted_command_ends_without_a_traceback_and_not_as_if_all_were_well() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        process = Running(["status", "--url", f"http://127.0.0.1:{silent.getsockname()[1]}"], environment())
        silent.settimeout(60)
        connection, _ = silent.accept()
        with connection:
            assert connection.recv(1)  # it has asked, and waits for the answer
            assert process.end(signal.SIGINT) == 130
    assert process.said == []


@promise("outage:nobody-reads")
def test_a_server_whose_answers_nobody_can_read_ends_though_its_stdin_is_open(tmp_path: Path) -> None:
    raw = Raw("--root", str(tmp_path))
    raw.ready()
    assert raw.process.stdout is not None
    raw.process.stdout.close()
    raw.send({"jsonrpc": "2.0", "id": 2, "method": "ping"})
    assert raw.process.wait(10) == 0
    raw.running.end()


@promise("outage:half-characters")
def test_a_pasted_log_that_was_cut_within_a_character_is_triaged(tmp_path: Path) -> None:
    raw = Raw("--root", str(tmp_path))
    raw.ready()
    raw.send(json.dumps(call(2, text="2026-11-23T14:00:00Z ERROR lost \ud83d")))
    answer = raw.receive()
    assert answer["id"] == 2
    assert answer["result"]["structuredContent"]["findings"]
    raw.running.end()


@promise("outage:front-health")
async def test_status_and_explain_take_the_one_address_of_a_front(tmp_path: Path, sandbox_url: str) -> None:
    (tmp_path / "shop.log").write_text(LOG)

    def ask(*words: str) -> subprocess.CompletedProcess[str]:
        return told(*words, stdout=subprocess.PIPE)

    with rig(tmp_path / "state", sandbox_url) as made:
        base = made.url.removesuffix("/mcp")
        for url in (base, made.url):
            health = await to_thread.run_sync(ask, "status", "--url", url)
            assert health.returncode == 0, health.stdout
            assert "no attempts in the last 60 s" in health.stdout
            explained = await to_thread.run_sync(ask, "explain", "--class", "emergency", "--url", url)
            assert explained.returncode == 0, explained.stderr
            assert "Would be decided now" in explained.stdout


@promise("outage:front-health")
def test_explain_asks_a_server_on_sse_by_the_address_that_it_told() -> None:
    with running("serve", "--transport", "sse", "--port", "0", env=environment()) as (_, url):
        done = told("explain", "--class", "standard", "--url", url, stdout=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Would be decided now" in done.stdout
