"""What a capitalised word is, in the scripts that use Latin letters."""

from __future__ import annotations

UP = "A-ZÀ-ÖØ-ÞĀĂĄĆĈĊČĎĐĒĔĖĘĚĜĞĠĢĤĦĨĪĬĮİĴĶĹĻĽĿŁŃŅŇŊŌŎŐŒŔŖŘŚŜŞŠŢŤŦŨŪŬŮŰŲŴŶŸŹŻŽ"
WORD = rf"[{UP}](?:[^\W\d_]|['’](?=[^\W\d_])){{1,24}}"
