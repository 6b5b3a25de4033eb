"""explain_routing through a real MCP client, and the command that asks a running server."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.promises import promise
from tests.rig import COMMAND, LOG, connect, environment, running, told, words


@promise("explain:past", "explain:down")
async def test_a_call_is_explained_even_when_no_model_can_be_reached(tmp_path: Path) -> None:
    (tmp_path / "app.log").write_text(LOG)
    async with connect("stdio", "legacy", root=tmp_path, env=environment()) as client:
        triaged = told(
            await client.call_tool(
                "triage_incident", {"path": str(tmp_path / "app.log"), "operation_class": "emergency"}
            )
        )
        assert triaged["status"] == "degraded"
        past = told(await client.call_tool("explain_routing", {"decision_id": triaged["decision_id"]}))
        assert past["operation_class"] == "emergency"
        assert past["row"] == "emergency-direct-only"
        assert past["ended"] == "failed"
        assert {each["route"] for each in past["candidates"]} == {"direct", "mcp"}
        latest = told(await client.call_tool("explain_routing", {"decision_id": "latest"}))
        assert latest["decision_id"] == triaged["decision_id"]
        would = told(await client.call_tool("explain_routing", {"operation_class": "standard", "size_chars": 9000}))
        assert would["hypothetical"]
        unknown = await client.call_tool("explain_routing", {"decision_id": "d-none"})
        assert unknown.is_error
        assert "decision_id = 'd-none'" in words(unknown)


@promise("explain:command")
def test_the_command_explains_offline_and_from_a_server(tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [*COMMAND, "explain", *arguments]
        return subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=50, check=False)

    offline = run("--class", "infrastructure", "--json")
    assert offline.returncode == 0, offline.stderr
    assert json.loads(offline.stdout)["hypothetical"]
    assert run("--class", "standard", "latest").returncode == 2
    assert run("latest").returncode == 2
    with running("serve", "--transport", "http", "--port", "0", "--root", str(tmp_path), env=environment()) as (_, url):
        asked = run("--class", "background", "--url", url)
        assert asked.returncode == 0, asked.stderr
        assert "background" in asked.stdout
        assert run("d-none", "--url", url).returncode == 1
