"""A reader of sources that tells of its first one, says so by a file that its last one names, and then does nothing."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from bedrock_support.tools.gaps.worker import framed, pack_all, unframed

if __name__ == "__main__":
    blocks = unframed(sys.stdin.buffer.read())
    sys.stdout.buffer.write(framed(pack_all([(blocks[0].decode(), blocks[1])])))
    sys.stdout.buffer.flush()
    Path(blocks[-1].decode().removeprefix("# ").strip()).touch()
    signal.pause()
