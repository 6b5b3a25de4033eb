"""Whether patches apply: tried on copies of the files they touch, in a throw-away folder. The project isn't touched."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from anyio import CapacityLimiter, to_thread

from bedrock_support.tools.remedy.children import git
from bedrock_support.tools.remedy.diffs import files_of, objection

PREFIX = "bedrock-support-"


@asynccontextmanager
async def scratch_folder(workers: CapacityLimiter) -> AsyncGenerator[Path]:
    """A folder of our own, gone with all that is in it when the block ends."""
    made = await to_thread.run_sync(_made, limiter=workers)
    try:
        yield made
    finally:
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(shutil.rmtree, made, True)


def _made() -> Path:
    return Path(tempfile.mkdtemp(prefix=PREFIX)).resolve()


class Scratch:
    """Copies of files, on which one patch after the other is tried."""

    def __init__(
        self, folder: Path, texts: Mapping[str, str], env: Mapping[str, str], workers: CapacityLimiter
    ) -> None:
        self._folder = folder
        self._texts = texts
        self._env = {**env, "GIT_CEILING_DIRECTORIES": str(folder.parent)}
        self._workers = workers
        self._copied: set[str] = set()
        self._tried = 0

    async def take(self, patch: str) -> str | None:
        """Apply a patch on top of those taken before; why not, if it doesn't. It then has changed nothing."""
        if why := objection(patch, self._texts.keys()):
            return why
        self._tried += 1
        file = self._folder / f"{self._tried}.patch"
        tree = self._folder / "tree"
        await to_thread.run_sync(self._write, tree, file, patch, limiter=self._workers)
        # Whole or not at all: git apply checks every hunk before it writes the first.
        done = await git("apply", "--whitespace=nowarn", str(file), cwd=tree, env=self._env)
        if done.well:
            return None
        said = done.output.strip().splitlines()
        return f"doesn't apply: {said[0][:200]}" if said else "doesn't apply"

    def _write(self, tree: Path, file: Path, patch: str) -> None:
        file.write_bytes(patch.encode("utf-8", "surrogateescape"))
        tree.mkdir(exist_ok=True)
        for label in files_of(patch):
            if label not in self._copied:
                self._copied.add(label)
                copy = tree / label
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(self._texts[label].encode("utf-8", "surrogateescape"))
