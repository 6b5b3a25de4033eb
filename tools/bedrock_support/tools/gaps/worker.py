"""A process that reads sources: whatever a hostile file does to the parser, it does it here.

Stdin and stdout carry blocks: eight bytes of length, big-endian, then the block. In go the name of a language and a
source in turn, out comes one block of packed facts for each source.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterable

from bedrock_support.tools.gaps.facts import FileFacts, facts_of
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


def pack_all(sources: Iterable[tuple[str, bytes]]) -> list[bytes]:
    """Packed facts of each language and source, in order."""
    return [pack(_facts(language, each)) for language, each in sources]


def _facts(language: str, source: bytes) -> FileFacts:
    if language == "py":
        return facts_of(source)
    # Its parsers are loaded by the first such file.
    from bedrock_support.tools.gaps.poly import read

    return read.facts_of(source, language)


def main() -> int:
    gc.disable()  # trees hold no cycles, and the process ends after some megabytes of source
    blocks = unframed(sys.stdin.buffer.read())
    for language, source in zip(blocks[::2], blocks[1::2], strict=False):
        sys.stdout.buffer.write(framed(pack_all([(language.decode(), source)])))
        sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
