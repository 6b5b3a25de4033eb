"""The Inspector's view of the product as it ships, without fixtures: over HTTP and stdio, in both eras."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.node import Node
from tests.conformance.process import PRODUCT, ROOT, serving
from tests.promises import promise

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]

ERAS = ("legacy", "modern")
TRANSPORTS = ("http", "stdio")
COMPLAINT = re.compile(r"^(Error|Warning): tool", re.MULTILINE)
"""How --strict opens a finding; its exit code tells of errors only, and a warning is one too many for us."""


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    command = [*PRODUCT, "--transport", "http", "--port", "0"]
    with serving(command, tmp_path_factory.mktemp("product") / "stderr.log") as url:
        yield url


def inspect(
    node: Node, home: Path, target: Sequence[str], method: str, era: str, *more: str
) -> subprocess.CompletedProcess[str]:
    """One call of the Inspector against a URL or a command."""
    options = ["--method", method, "--protocol-era", era, "--format", "json", *more]
    return subprocess.run(
        [*node.inspector(), *options, "--", *target],
        cwd=ROOT,
        env=node.environment(home),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def result(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """What the server answered."""
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["result"]


@promise("conformance:schemas-portable")
@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_tool_schemas_are_portable(node: Node, product: str, tmp_path: Path, transport: str, era: str) -> None:
    target = [product] if transport == "http" else list(PRODUCT)
    done = inspect(node, tmp_path, target, "tools/list", era, "--strict")
    assert result(done)["tools"]
    assert not COMPLAINT.search(done.stderr), done.stderr


@promise("conformance:lists")
@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_lists_are_served(node: Node, product: str, tmp_path: Path, transport: str, era: str) -> None:
    target = [product] if transport == "http" else list(PRODUCT)
    prompts = result(inspect(node, tmp_path, target, "prompts/list", era))["prompts"]
    resources = result(inspect(node, tmp_path, target, "resources/list", era))["resources"]
    templates = result(inspect(node, tmp_path, target, "resources/templates/list", era))["resourceTemplates"]
    assert prompts
    assert "support://health" in {each["uri"] for each in resources}
    assert "support://decisions/{decision_id}" in {each["uriTemplate"] for each in templates}


def test_a_tool_that_is_not_portable_is_complained_of(node: Node, tmp_path: Path) -> None:
    """The check above would see a complaint if there were one."""
    script = tmp_path / "vague.py"
    script.write_text(VAGUE, encoding="utf-8")
    done = inspect(node, tmp_path, [PRODUCT[0], str(script)], "tools/list", "legacy", "--strict")
    assert done.returncode == 0
    assert COMPLAINT.search(done.stderr), done.stderr


VAGUE = """\
from typing import Any
from mcp.server import MCPServer

mcp = MCPServer("vague")

@mcp.tool()
def anything(value: Any) -> str:
    return str(value)

mcp.run("stdio")
"""
