"""Promises of the tagger of names."""

from __future__ import annotations

from tests.promises import Promise

PROMISES = {
    "names:prose": Promise("issue 5", "people in running German text are found without a cue beside them"),
    "names:quiet": Promise("issue 5", "logs, code, lists and talk of products name nobody"),
    "names:pluggable": Promise("issue 5", "another tagger takes the place of ours, and none is needed"),
    "names:setting": Promise("issue 5", "one setting switches the tagger off"),
    "names:model": Promise("issue 5", "the model is what its script makes: the same each time, refused when cut"),
    "names:linear": Promise("issue 5", "time grows with the text's length alone"),
}
