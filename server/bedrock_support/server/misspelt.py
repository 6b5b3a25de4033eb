"""Variables that are called as ours are and set nothing: a setting that is spelt wrongly must not be taken for set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from bedrock_support.server.environment import PREFIX

ALIKE = 0.85
"""Likeness from which ENABLE_... is meant for ours: other programs have such variables too."""


def misspelt(names: Iterable[str], known: Sequence[str], flags: Sequence[str]) -> list[str]:
    """What to tell of each variable that sets nothing, though its name begins as ours do or is nearly a flag's."""
    found: list[str] = []
    for name in sorted(names):
        if name.startswith(PREFIX) and name not in known:
            # By what comes after the prefix, which alone would make any two alike.
            ours = [each.removeprefix(PREFIX) for each in known if each.startswith(PREFIX)]
            meant = [PREFIX + each for each in get_close_matches(name.removeprefix(PREFIX), ours, n=1)]
        elif name.startswith("ENABLE_") and name not in flags:
            meant = get_close_matches(name, flags, n=1, cutoff=ALIKE)
            if not meant:
                continue
        else:
            continue
        mend = f"Write {meant[0]}, or unset it" if meant else "Unset it, or look for its name in the README"
        found.append(f"{name}: no such setting, so it has no effect. {mend}")
    return found
