"""Past decisions of all replicas, read back from the file."""

from __future__ import annotations

import json
from functools import partial
from typing import Any, cast

import anyio
import anyio.to_thread

from bedrock_support.routing.lasting.file import LastingFile

_BY_ID = "SELECT entry FROM decisions WHERE tenant = ? AND id = ?"
_NEWEST = "SELECT entry FROM decisions WHERE tenant = ? ORDER BY at DESC, number DESC LIMIT 1"


class PastDecisions:
    """One tenant's decisions. Raises LastingUnavailable, nothing else."""

    def __init__(self, file: LastingFile, tenant: str) -> None:
        self._file = file
        self._tenant = tenant
        self._threads = anyio.CapacityLimiter(1)

    async def find(self, decision_id: str) -> dict[str, object] | None:
        """The decision in the ledger's form, or None."""
        return await anyio.to_thread.run_sync(partial(self._one, _BY_ID, decision_id), limiter=self._threads)

    async def newest(self) -> dict[str, object] | None:
        """The newest decision of any replica."""
        return await anyio.to_thread.run_sync(partial(self._one, _NEWEST), limiter=self._threads)

    def _one(self, query: str, *values: str) -> dict[str, object] | None:
        with self._file.transaction() as base:
            row = base.execute(query, (self._tenant, *values)).fetchone()
        if row is None:
            return None
        try:
            entry: Any = json.loads(row[0])
        except ValueError:
            return None  # whoever changed it by hand: as good as nothing
        return cast("dict[str, object]", entry) if isinstance(entry, dict) else None
