"""LiteLLM's own environment under .cache/litellm, made on demand. Nothing of it ever enters the product's."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from benchmarks.wire import ROOT, environment

LITELLM = "1.106.2"
"""Pinned exactly: releases 1.82.7 and 1.82.8 carried a credential stealer that ran at every start of Python."""
HOME = ROOT / ".cache" / "litellm"
PATIENCE = 300.0
"""Seconds for one command of uv."""


class Unavailable(RuntimeError):
    """LiteLLM can't be had on this machine."""


def ready() -> Path:
    """The interpreter of LiteLLM's environment. Raises Unavailable with the reason."""
    interpreter = HOME / "bin" / "python"
    marker = HOME / f".litellm-{LITELLM}"
    if marker.exists() and interpreter.exists():
        return interpreter
    local = ROOT / ".boot" / "bin" / "uv"
    uv = str(local) if local.exists() else shutil.which("uv")
    if uv is None:
        raise Unavailable("there is no uv to install LiteLLM with; `make check` brings it to .boot/bin")
    sys.stderr.write(f"installing LiteLLM {LITELLM} into {HOME.relative_to(ROOT)}\n")
    _run([uv, "venv", "--clear", "--no-python-downloads", "--python", sys.executable, str(HOME)])
    # Wheels only: nothing of a package runs before it is imported. The same boto3 as ours.
    wanted = [f"litellm=={LITELLM}", f"boto3=={version('boto3')}"]
    install = [uv, "pip", "install", "--only-binary", ":all:", "--python", str(interpreter), *wanted]
    try:
        _run(install)
    except Unavailable:
        # As in the Makefile: for networks whose certificates only the system's store knows.
        _run([*install, "--system-certs"])
    marker.touch()
    return interpreter


def _run(command: list[str]) -> None:
    try:
        ended = subprocess.run(
            command, env=environment(), cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{' '.join(command[:3])} failed: {error}") from error
    if ended.returncode:
        raise Unavailable(f"{' '.join(command[:3])} failed:\n{ended.stderr.strip()[-1500:]}")
