"""Promises of the worlds that routing is measured in."""

from __future__ import annotations

from tests.promises import Promise

PROMISES = {
    "worlds:truth": Promise(
        "issue 3", "what a world says of a request is what a large sample of it shows, for every shape and event"
    ),
    "worlds:policies": Promise(
        "issue 3", "peers and baselines decide by the same replay, and only the oracle sees the truth"
    ),
}
