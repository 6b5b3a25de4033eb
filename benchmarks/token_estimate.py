"""How far the product's estimate of tokens is off, beside the usual four characters a token.

Run: uv run --with mistral-common,tiktoken python -m benchmarks.token_estimate
The reference is Mistral's Tekken (tekken_240911.json of mistral-common, Apache 2.0), an open tokenizer of 131 072
entries; Claude's isn't published, so what Bedrock bills differs from it. Texts: simulated logs and briefs
(seed 20261124), this project's documents and its code. Half of such texts served to fit the weights; all are measured.
Prints PASS while no kind's mean error exceeds 10 % and no text comes out shorter than the margin for budgets covers.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any

from bedrock_support.routing.length import MARGIN, text_tokens
from benchmarks.cache_traffic import brief, lines

SEED = 20261124
MOST_MEAN = 0.10
HOME = Path(__file__).parents[1]
CUT = 6000


def reference() -> Callable[[str], int]:
    """Tokens by Tekken."""
    found = find_spec("mistral_common")
    if found is None or found.origin is None or find_spec("tiktoken") is None:
        raise SystemExit("mistral-common and tiktoken are missing: see the command in this file's first lines")
    data: dict[str, Any] = json.loads((Path(found.origin).parent / "data" / "tekken_240911.json").read_text())
    size = data["config"]["default_vocab_size"] - data["config"]["default_num_special_tokens"]
    ranks = {base64.b64decode(each["token_bytes"]): rank for rank, each in enumerate(data["vocab"][:size])}
    encoding: Any = import_module("tiktoken").Encoding(
        "tekken", pat_str=data["config"]["pattern"], mergeable_ranks=ranks, special_tokens={}
    )
    return lambda text: len(encoding.encode(text, disallowed_special=()))


def texts() -> dict[str, list[str]]:
    """What is measured, by kind."""
    chance = Random(SEED)  # noqa: S311 - texts, no secret

    def read() -> list[str]:
        return [each for _ in range(6) for each in lines(chance.randrange(60), chance, chance.randrange(40_000))]

    return {
        "log": ["\n".join(read()) for _ in range(60)],
        "brief": [brief(read(), chance) for _ in range(60)],
        "prose": [each.read_text()[:CUT] for each in sorted((*HOME.glob("docs/**/*.md"), *HOME.glob("*.md")))],
        "code": [each.read_text()[:CUT] for each in sorted(HOME.glob("tools/**/*.py")) if each.stat().st_size > 500],
    }


def main() -> None:
    """Measure and print."""
    count = reference()
    passed = True
    for kind, found in texts().items():
        counted = [count(each) for each in found]
        off = [text_tokens(each) / true - 1 for each, true in zip(found, counted, strict=True)]
        plain = [len(each) / 4 / true - 1 for each, true in zip(found, counted, strict=True)]
        mean, least, most = sum(off) / len(off), min(off), max(off)
        passed &= abs(mean) <= MOST_MEAN and (1 + least) * MARGIN >= 1
        print(
            f"{kind}: {len(found)} texts, mean error {mean:+.1%}, from {least:+.1%} to {most:+.1%}; "
            f"four characters a token: {sum(plain) / len(plain):+.1%}"
        )
    print("PASS" if passed else "FAIL")


if __name__ == "__main__":
    main()
