"""Makes the weights of the name tagger: logistic regression over its features, from openly licensed corpora.

    python -m benchmarks.names_train FOLDER routing/bedrock_support/routing/pii/names.bin

Deterministic: seed 7. FOLDER holds the files that names_data.py names. GermEval's test part is not read.
"""

from __future__ import annotations

import argparse
import math
import random
from array import array
from collections import Counter
from pathlib import Path

from bedrock_support.routing.pii.names import (
    BORDER,
    HEAD,
    MAGIC,
    TOKEN,
    Lists,
    beside_features,
    bucket,
    candidate,
    chain_features,
    far_features,
    joint_features,
    kind_features,
    own_features,
    probes,
    shape,
)
from bedrock_support.routing.pii.tagger import MOST_PARTICLES, PARTICLES
from benchmarks.names_data import CORPORA, Sentence, first_names, nouns_and_places, sentences, surnames

SEED = 7
BITS = 19
EPOCHS = 3
RATE = 0.1
FADE = 2e-6
"""Share of a weight lost with each update of it (L2)."""
RARE = 2
"""Times a feature must be seen."""
STEPS = 24.0
"""Steps of a byte to one unit of log-odds."""
BLOOM_BITS = 10
"""Bits a listed name."""
FORGET = 0.1
"""Share of words whose own spelling and lists are hidden while training, so that unknown names are learnt too."""
SHORT = 4
"""Tokens below which a sentence of a court is left out: names alone on a line, which nobody could tell."""

Example = tuple[list[str], list[str], bool]
"""Features of a candidate, those for following a part of a name (empty if it doesn't), and whether it is one."""


def bloom(names: list[str]) -> bytes:
    """The list as a Bloom filter."""
    made = bytearray((len(names) * BLOOM_BITS + 7) // 8)
    for name in names:
        for at in probes(name, len(made) * 8):
            made[at >> 3] |= 1 << (at & 7)
    return bytes(made)


def made_lists(folder: Path) -> Lists:
    """The four lists."""
    nouns, places, given, family = nouns_and_places(folder)
    first, last = sorted({*first_names(folder), *given}), sorted({*surnames(folder), *family})
    return Lists(bloom(first), bloom(last), bloom(nouns), bloom(places))


def examples(sentence: Sentence, lists: Lists, chance: random.Random) -> list[Example]:
    """The candidates of one sentence."""
    tokens = list(TOKEN.finditer(sentence.text))
    words = [BORDER, BORDER, *(each[0] for each in tokens), BORDER, BORDER]
    flags = [lists.flags(each) for each in words]
    made: list[Example] = []
    last, named = -9, False
    for at in range(2, len(words) - 2):
        word = words[at]
        if not candidate(word):
            continue
        token = tokens[at - 2]
        person = any(start <= token.start() < end for start, end in sentence.spans)
        near = range(at - 2, at + 3)
        (far, before, _, after, next_), forms = [words[n].lower() for n in near], [shape(words[n]) for n in near]
        kinds = [forms[n + 1] + flags[at - 1 + n] for n in range(3)]
        features = own_features(word, forms[2], flags[at])
        if chance.random() < FORGET:
            features = [each for each in features if each[0] not in "wl"]
        features += beside_features("P", before, forms[1], flags[at - 1])
        features += beside_features("N", after, forms[3], flags[at + 1])
        features += far_features("Q", far, forms[0]) + far_features("M", next_, forms[4])
        features += kind_features(*kinds) + joint_features(before, kinds[1], after)
        between = words[last + 1 : at]
        follows = named and len(between) <= MOST_PARTICLES and all(each.lower() in PARTICLES for each in between)
        made.append((features, chain_features(kinds[1], word) if follows else [], person))
        last, named = at, person
    return made


def learnt(made: list[Example], chance: random.Random) -> list[float]:
    """Weights by AdaGrad (Duchi and others 2011)."""
    counted = Counter(each for one, two, _ in made for each in (*one, *two))
    mask = (1 << BITS) - 1
    rows = [
        (array("l", (bucket(each, mask) for each in (*one, *two) if counted[each] >= RARE)), person)
        for one, two, person in made
    ]
    weights, squares = [0.0] * (mask + 2), [1e-6] * (mask + 2)
    for _ in range(EPOCHS):
        chance.shuffle(rows)
        for row, person in rows:
            score = weights[-1]
            for at in row:
                score += weights[at]
            error = person - 1 / (1 + math.exp(-max(-30.0, min(30.0, score))))
            if abs(error) < 0.01:
                continue
            for at in (*row, mask + 1):
                squares[at] += error * error
                weights[at] += RATE * error / math.sqrt(squares[at]) - FADE * weights[at]
    return weights


def packed(weights: list[float], lists: Lists) -> bytes:
    """The model as names.py and tagger.py read it."""
    table = array("b", (max(-127, min(127, round(each * STEPS))) for each in weights[:-1]))
    blooms = lists.first, lists.last, lists.nouns, lists.places
    head = HEAD.pack(MAGIC, BITS, round(weights[-1] * STEPS), *map(len, blooms))
    return head + table.tobytes() + b"".join(blooms)


def main() -> None:
    """Train and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("target", type=Path)
    given = parser.parse_args()
    chance = random.Random(SEED)  # noqa: S311 - to repeat the training, not to keep a secret
    lists = made_lists(given.folder)
    made: list[Example] = []
    for name, corpus in CORPORA.items():
        kept = 0
        for number, each in enumerate(sentences(given.folder, corpus)):
            if (each.spans and (corpus.keep == 1 or each.text.count(" ") >= SHORT)) or number % corpus.keep == 0:
                made += examples(each, lists, chance)
                kept += 1
        print(f"{name}: {kept} sentences")
    model = packed(learnt(made, chance), lists)
    given.target.write_bytes(model)
    print(f"{len(made)} candidates, {sum(each[2] for each in made)} in names; {len(model)} bytes")


if __name__ == "__main__":
    main()
