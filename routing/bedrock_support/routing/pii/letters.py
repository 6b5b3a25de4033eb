"""What a capitalised word is, in the scripts that use Latin letters."""

from __future__ import annotations

from collections.abc import Iterable

UP = "A-ZÀ-ÖØ-ÞĀĂĄĆĈĊČĎĐĒĔĖĘĚĜĞĠĢĤĦĨĪĬĮİĴĶĹĻĽĿŁŃŅŇŊŌŎŐŒŔŖŘŚŜŞŠŢŤŦŨŪŬŮŰŲŴŶŸŹŻŽ"
WORD = rf"[{UP}](?:[^\W\d_]|['’](?=[^\W\d_])){{1,24}}"


def has(low: str, words: Iterable[str]) -> bool:
    """Whether one of the words stands anywhere in the text. A loop: a generator would take three times as long."""
    for each in words:  # noqa: SIM110
        if each in low:
            return True
    return False
