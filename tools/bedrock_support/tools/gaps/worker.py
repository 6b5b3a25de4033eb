"""A process that reads sources: whatever a hostile file does to the parser, it does it here.

Stdin and stdout carry blocks: eight bytes of length, big-endian, then the block. One block of packed facts for each
source.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from bedrock_support.tools.gaps.facts import facts_of
from bedrock_support.tools.gaps.store import pack

_WIDTH = 8


def framed(blocks: Iterable[bytes]) -> bytes:
    return b"".join(len(each).to_bytes(_WIDTH, "big") + each for each in blocks)


def unframed(data: bytes) -> list[bytes]:
    """The blocks of framed bytes; a torn last one is left out."""
    found: list[bytes] = []
    at = 0
    while at + _WIDTH <= len(data):
        size = int.from_bytes(data[at : at + _WIDTH], "big")
        if at + _WIDTH + size > len(data):
            break
        found.append(data[at + _WIDTH : at + _WIDTH + size])
        at += _WIDTH + size
    return found


def pack_all(sources: Iterable[bytes]) -> list[bytes]:
    """Packed facts of each source, in order."""
    return [pack(facts_of(each)) for each in sources]


def main() -> int:
    for source in unframed(sys.stdin.buffer.read()):
        sys.stdout.buffer.write(framed(pack_all([source])))
        sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
