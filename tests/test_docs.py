"""The documents stay true: every setting, tool, resource, command and class is in README, and nothing else is."""

from __future__ import annotations

import re
from pathlib import Path

from bedrock_support.routing.matrix import shipped
from bedrock_support.routing.model import ModelRole
from bedrock_support.server.environment import PREFIX
from bedrock_support.server.settings import FLAG_NAMES, READS, Settings
from bedrock_support.server.wiring import build
from tests.promises import promise

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
UNUSED_YET = {"ENABLE_PERFORMANCE_OPTIMIZATION"}
"""A flag that is read but has nothing to switch before the answer cache exists."""


@promise("docs:true")
def test_every_setting_is_in_readme() -> None:
    names = {*READS.values(), *FLAG_NAMES.values(), f"{PREFIX}ROOTS", f"{PREFIX}STATE_KEYS"}
    names |= {f"{PREFIX}MODEL_FAST"}
    missing = {name for name in names - UNUSED_YET - {"AWS_PROFILE"} if f"`{name}`" not in README}
    assert missing == set()
    assert all(f"_{role.upper()}`" in README for role in ModelRole)


@promise("docs:true")
def test_readme_names_no_setting_that_is_not_read() -> None:
    known = {*READS.values(), *FLAG_NAMES.values(), f"{PREFIX}ROOTS", f"{PREFIX}STATE_KEYS", f"{PREFIX}MODEL_FAST"}
    named = set(re.findall(rf"`((?:{PREFIX}|ENABLE_|OTEL_)[A-Z_]+)`", README))
    assert named - known == set()


@promise("docs:true")
def test_every_tool_and_class_is_in_readme() -> None:
    for tool in build(Settings()).catalog:
        assert f"| `{tool.name}` |" in README
    for op_class, rule in shipped().rules.items():
        (row,) = [line for line in README.splitlines() if line.startswith("| `") and f"`{op_class}`" in line]
        assert f"{rule.deadline:g} s" in row


@promise("docs:true")
def test_the_paths_in_agents_md_exist() -> None:
    for cell in re.findall(r"^\| (`.*?`) \|", (ROOT / "AGENTS.md").read_text(encoding="utf-8"), re.MULTILINE):
        base = ROOT
        for name in re.findall(r"`([^`]+)`", cell):
            room, found, rest = name.partition("/…/")
            if found:
                base = ROOT / room / "bedrock_support" / room
                name = rest
            assert (base / name).exists(), f"{base / name}"
            base = (base / name).parent if found else base
