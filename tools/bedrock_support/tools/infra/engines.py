"""cfn-lint and checkov as programs of their own, where they are installed: bounded in time and output."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Any, cast

import anyio
from anyio import CapacityLimiter, to_thread

from bedrock_support.tools.infra.kinds import KINDS
from bedrock_support.tools.infra.model import Declared, Problem, listed
from bedrock_support.tools.infra.rules import SEVERITIES, kind_of

MOST_OUTPUT = 50_000_000
MOST_TEMPLATES = 200
CFN_LINT, CHECKOV = "cfn-lint", "checkov"


def find_engine(name: str) -> str | None:
    """The program, beside our own Python or on PATH."""
    beside = Path(sys.executable).parent / name
    return str(beside) if beside.is_file() else shutil.which(name)


async def run_engines(
    root: Path, declared: Declared, seconds: float, workers: CapacityLimiter
) -> tuple[list[Problem], list[str]]:
    """What the installed engines find under `root`, and what couldn't be asked. Takes at most `seconds`."""
    found: list[Problem] = []
    notes: list[str] = []
    for name in (CFN_LINT, CHECKOV):
        if name == CFN_LINT and not declared.templates:
            continue
        program = await to_thread.run_sync(find_engine, name, limiter=workers)
        if program is None:
            how = "pip install 'bedrock-support[infra]'" if name == CFN_LINT else "pipx install checkov"
            notes.append(f"{name} isn't installed: its rules weren't asked ({how})")
            continue
        words = await to_thread.run_sync(_words, name, program, root, declared.templates, limiter=workers)
        output = await _asked(words, root, seconds)
        if output is None:
            notes.append(f"{name} gave no answer within {seconds:.0f} s: its rules are missing")
            continue
        taken = await to_thread.run_sync(parsed, name, output, root, limiter=workers)
        if taken is None:
            notes.append(f"{name}'s answer can't be read: its rules are missing")
        else:
            found += taken
    return found, notes


def _words(name: str, program: str, root: Path, templates: Sequence[str]) -> list[str]:
    if name == CFN_LINT:
        files = [str(root / each) if root.is_dir() else str(root) for each in templates[:MOST_TEMPLATES]]
        # A configuration in the tree could name rules of its own, which are Python to run.
        return [program, "--format", "json", "--config-file", "/dev/null", "--", *files]
    place = ["-d", str(root)] if root.is_dir() else ["-f", str(root)]
    frameworks = ["--framework", "cloudformation", "terraform", "kubernetes"]
    # A configuration in the tree could name checks of its own, which are Python to run: ours comes first.
    config = ["--config-file", str(Path(__file__).with_name("checkov.yaml"))]
    return [program, *place, *frameworks, *config, "-o", "json", "--quiet", "--compact", "--skip-download"]


async def _asked(words: list[str], root: Path, seconds: float) -> bytes | None:
    """What the program wrote, or None when it took too long, wrote too much or couldn't start."""
    output = bytearray()
    # Engines need no credentials: what reads files of strangers is given none.
    env = {"PATH": f"{PurePath(words[0]).parent}:{os.defpath}", "LC_ALL": "C.UTF-8", "LOG_LEVEL": "ERROR"}
    try:
        async with await anyio.open_process(
            words, cwd=root.parent, env=env, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        ) as process:
            try:
                with anyio.fail_after(seconds):
                    assert process.stdout is not None  # noqa: S101 - a pipe is the default
                    async for part in process.stdout:
                        output += part
                        if len(output) > MOST_OUTPUT:
                            return None
            except TimeoutError:
                return None
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)  # its helpers too; after the last output none is needed
    except OSError:
        return None
    return bytes(output)


def parsed(name: str, output: bytes, root: Path) -> list[Problem] | None:
    """An engine's JSON as problems; None when it isn't what was expected."""
    try:
        answer: Any = json.loads(output or b"[]")
    except (ValueError, RecursionError):
        return None
    if name == CFN_LINT:
        return [_linted(each, root) for each in _mappings(answer)] if isinstance(answer, list) else None
    results = [each for part in _mappings(answer) for each in _mappings(part.get("results"))]
    return [_checked(each, root) for part in results for each in _mappings(part.get("failed_checks"))]


def _mappings(value: Any) -> list[dict[str, Any]]:
    many: list[Any] = listed(value)
    return [cast("dict[str, Any]", each) for each in many if isinstance(each, dict)]


def _linted(each: dict[str, Any], root: Path) -> Problem:
    location: dict[str, Any] = each.get("Location") or {}
    path = [str(part) for part in listed(location.get("Path"))]
    resource = path[1] if len(path) > 1 and path[0] in ("Resources", "Parameters") else "/".join(path[:2]) or "template"
    named: dict[str, Any] = each.get("Rule") or {}
    rule = str(named.get("Id", "E0000"))
    start: dict[str, Any] = location.get("Start") or {}
    line = int(start.get("LineNumber") or 1)
    level = str(each.get("Level"))
    said = str(each.get("Message", ""))
    return _problem(
        f"{CFN_LINT}:{rule}", rule, _label(str(each.get("Filename", "")), root), line, resource, said, level
    )


def _checked(each: dict[str, Any], root: Path) -> Problem:
    rule = str(each.get("check_id", ""))
    lines: list[Any] = each.get("file_line_range") or [1]
    # Terraform: type.name; CloudFormation: Type.LogicalId; Kubernetes: Kind.namespace.name
    resource = str(each.get("resource", ""))
    kind, _, name = resource.partition(".")
    if "::" in kind:
        resource = name
    elif kind[:1].isupper():
        resource = (
            f"{kind}/{resource.split('.')[-1]}" if resource.count(".") < 3 else f"{kind}/{resource.split('.')[2]}"
        )
    label = _label(str(each.get("file_abs_path") or each.get("file_path", "")), root)
    return _problem(f"{CHECKOV}:{rule}", rule, label, int(lines[0] or 1), resource, str(each.get("check_name", "")), "")


def _label(file: str, root: Path) -> str:
    path = Path(file)
    base = root if root.is_dir() else root.parent
    return path.relative_to(base).as_posix() if path.is_absolute() and path.is_relative_to(base) else file.lstrip("/")


def _problem(source: str, rule: str, file: str, line: int, resource: str, said: str, level: str) -> Problem:
    kind = kind_of(rule)
    disproof, remedy = KINDS[kind]
    severity = "info" if level == "Informational" else SEVERITIES.get(kind, "low")
    return Problem(
        file=file,
        line=line,
        resource=resource[:200],
        kind=kind,
        severity=severity,
        confidence=0.8 if kind != "other" else 0.6,
        title=f"{resource[:100]}: {said[:150]}",
        detail=f"Said by {source}.",
        disproof=disproof,
        remedy=remedy,
        sources=(source,),
    )
