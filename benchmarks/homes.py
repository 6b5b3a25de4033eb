"""Environments of other tools under .cache, made on demand. Nothing of them ever enters the product's."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.wire import ROOT, environment

PATIENCE = 300.0
"""Seconds for one command of uv."""


class Unavailable(RuntimeError):
    """The tool can't be had on this machine."""


def ready(name: str, version: str, wanted: list[str]) -> Path:
    """The interpreter of a tool's environment, which holds what is wanted. Raises Unavailable with the reason."""
    home = ROOT / ".cache" / name
    interpreter = home / "bin" / "python"
    marker = home / f".{name}-{version}"
    if marker.exists() and interpreter.exists():
        return interpreter
    local = ROOT / ".boot" / "bin" / "uv"
    uv = str(local) if local.exists() else shutil.which("uv")
    if uv is None:
        raise Unavailable(f"there is no uv to install {name} with; `make check` brings it to .boot/bin")
    sys.stderr.write(f"installing {name} {version} into {home.relative_to(ROOT)}\n")
    _run([uv, "venv", "--clear", "--no-python-downloads", "--python", sys.executable, str(home)])
    # Wheels only: nothing of a package runs before it is imported.
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
