"""The operations documents: every command in them can be given, and every number is the code's."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from bedrock_support.server.cli import parser_for
from bedrock_support.server.rollout.plan import PHASES
from bedrock_support.server.rollout.thresholds import text
from tests.promises import promise

FOLDER = Path(__file__).parents[1] / "docs" / "operations"
DOCUMENTS = {path.name: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.md"))}
ROOT = FOLDER.parents[1]


def commands() -> list[str]:
    fenced = [block for each in DOCUMENTS.values() for block in re.findall(r"```sh\n(.*?)```", each, re.DOTALL)]
    return sorted({line for block in fenced for line in block.splitlines() if line.strip()})


@promise("operations:commands")
@pytest.mark.parametrize("line", commands())
def test_every_command_can_be_given(line: str) -> None:
    program, *arguments = shlex.split(line)
    assert program == "bedrock-support"
    parser_for(arguments[0]).parse_args(arguments)  # exits when it can't be parsed


@promise("operations:commands")
def test_commands_in_running_text_exist() -> None:
    for text_ in DOCUMENTS.values():
        for name in re.findall(r"`bedrock-support ([a-z-]+)", text_):
            assert name in parser_for("").format_help()


@promise("operations:thresholds")
def test_thresholds_are_those_of_the_code() -> None:
    assert DOCUMENTS["thresholds.md"] == text()


@promise("operations:thresholds")
def test_no_other_document_has_a_threshold_of_its_own() -> None:
    for name, words in DOCUMENTS.items():
        if name != "thresholds.md":
            prose = re.sub(r"```.*?```", "", words, flags=re.DOTALL)
            assert re.findall(r"\d+(?:\.\d+)?\s?(?:s|ms|%|USD|MB|MiB|minutes|seconds)\b", prose) == [], name


@promise("operations:commands")
def test_the_checklist_has_every_phase_in_order() -> None:
    assert tuple(re.findall(r"^\| ([a-z_]+) \|", DOCUMENTS["checklist.md"], re.MULTILINE))[1:] == PHASES


@promise("operations:commands")
def test_documents_point_to_documents_that_exist() -> None:
    for words in DOCUMENTS.values():
        for name in re.findall(r"`([\w/-]+\.md)`", words):
            assert (FOLDER / name).exists() or (ROOT / name).exists(), name
