"""All upstream peers of one server."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import anyio
from anyio.abc import TaskGroup

from bedrock_support.routing.clock import Clock, Entropy
from bedrock_support.server.peers.bridge import Scrub
from bedrock_support.server.peers.config import PeerConfig
from bedrock_support.server.peers.limits import PeerLimits
from bedrock_support.server.peers.peer import Peer
from bedrock_support.server.peers.web import Resolve, resolve

CLOSING = 8.0
"""Seconds that closing may take at the most: grace, a signal, a kill, and a good-bye over HTTP."""


class PeerPool:
    """Owns the peers' owners. Starting it connects to nothing but the peers whose tools are offered."""

    def __init__(
        self,
        configs: Iterable[PeerConfig],
        *,
        clock: Clock,
        entropy: Entropy,
        scrub: Callable[[], Scrub] | None = None,
        limits: PeerLimits | None = None,
        look_up: Resolve = resolve,
    ) -> None:
        self.peers = {
            config.name: Peer(config, clock=clock, entropy=entropy, scrub=scrub, limits=limits, look_up=look_up)
            for config in configs
        }
        self._left = 0
        self._ended = anyio.Event()

    def start(self, group: TaskGroup) -> None:
        """Run every peer's owner in a task group. Cancelling the group ends them, their processes and connections."""
        for peer in self.peers.values():
            self._left += 1
            peer.expect()
            group.start_soon(self._own, peer, name=f"peer {peer.name}")

    async def _own(self, peer: Peer) -> None:
        try:
            await peer.run()
        finally:
            self._left -= 1
            if not self._left:
                self._ended.set()

    async def aclose(self) -> None:
        """End every peer, and wait until nothing of them is left."""
        for peer in self.peers.values():
            await peer.aclose()
        if self._left:
            with anyio.move_on_after(CLOSING):
                await self._ended.wait()

    def answerers(self) -> tuple[Peer, ...]:
        """The peers that answer questions, healthy ones first, else in the file's order."""
        if not self.peers:
            return ()
        asked = [peer for peer in self.peers.values() if peer.config.entry.support.ask is not None]
        return tuple(sorted(asked, key=lambda peer: not peer.healthy))

    def offering(self) -> tuple[Peer, ...]:
        """The peers whose tools are listed as ours."""
        return tuple(peer for peer in self.peers.values() if peer.offered)

    def health(self) -> dict[str, Any]:
        """Every peer's health by name, for the health report."""
        return {name: peer.health().as_dict() for name, peer in self.peers.items()}
