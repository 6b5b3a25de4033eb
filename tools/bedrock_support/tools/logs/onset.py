"""Where trouble began, when only some blocks were read: which gap to read next, so that the start is really seen."""

from __future__ import annotations

from collections.abc import Mapping

LASTING = 0.3
"""Share of the blocks read from there on in which a grave line must recur to mark an onset and no passing fault."""


def next_block(read: Mapping[int, frozenset[int]]) -> int | None:
    """The block in the middle of the gap before the likeliest onset; None once no unread block lies before it.

    `read` gives, for each block that was read, the templates of its grave lines. Reading what this names and asking
    again bisects the gap, so that the last quiet and the first bad block end up side by side.
    """
    blocks = sorted(read)
    seen: set[int] = set()
    best, onset = 0.0, None
    for place, at in enumerate(blocks):
        fresh = read[at] - seen
        seen |= read[at]
        if place == 0:
            continue
        after = blocks[place:]
        shares = (sum(number in read[later] for later in after) / len(after) for number in fresh)
        weight = sum(share for share in shares if share >= LASTING)
        if weight > best:
            best, onset = weight, place
    if onset is None:
        return None
    quiet, bad = blocks[onset - 1], blocks[onset]
    return (quiet + bad) // 2 if bad - quiet > 1 else None
