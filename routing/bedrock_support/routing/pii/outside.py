"""Another model of names in the place of the shipped tagger: a pipeline of spaCy, where the extra `ner` is installed.

The only door to spacy. A model is a package that whoever runs the server installs and names; none is fetched here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import Any

from bedrock_support.routing.pii.names import Stretch

PEOPLE = frozenset({"PER", "PERSON"})
"""What spaCy's models call a person."""
NEEDLESS = ("tagger", "parser", "lemmatizer", "attribute_ruler", "morphologizer", "senter")
"""Parts of a pipeline of which names need nothing."""


class NoModel(ValueError):
    """The model can't be loaded. The message says what to install."""


class PipelineTagger:
    """Names as a pipeline tells them; it is given each stretch of running text by itself."""

    def __init__(self, pipeline: Callable[[str], Any]) -> None:
        self._pipeline = pipeline

    def names(self, text: str, stretches: Iterable[Stretch]) -> Iterator[tuple[int, int]]:
        """Begin and end of each person in these stretches of the text."""
        for start, end, _ in stretches:
            for each in self._pipeline(text[start:end]).ents:
                if each.label_ in PEOPLE:
                    yield start + each.start_char, start + each.end_char


def pipeline(model: str) -> PipelineTagger:
    """The tagger that a model of spaCy makes. Takes seconds. Raises NoModel."""
    try:
        spacy: Any = import_module("spacy")
    except ImportError as error:
        raise NoModel(
            "BEDROCK_SUPPORT_NAMES_MODEL: spacy is not installed. Install bedrock-support[ner], or unset it"
        ) from error
    try:
        return PipelineTagger(spacy.load(model, disable=NEEDLESS))
    except (OSError, ValueError) as error:
        raise NoModel(
            f"BEDROCK_SUPPORT_NAMES_MODEL={model}: spacy has no such model here. Install the model's package, or unset it"
        ) from error
