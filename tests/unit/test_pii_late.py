"""The finder behind the start, other models of names, and phone numbers beside their oracle."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import phonenumbers
import pytest

from bedrock_support.routing.pii import late
from bedrock_support.routing.pii.finder import find, plug
from bedrock_support.routing.pii.names import (
    Lists,
    beside_features,
    chain_features,
    far_features,
    own_features,
    shape,
)
from bedrock_support.routing.pii.outside import NoModel, PipelineTagger, pipeline
from bedrock_support.routing.pii.phones import assigned
from bedrock_support.routing.pii.tagger import SHIPPED
from bedrock_support.routing.pii.weighing import Weigher, Word
from tests.promises import promise

SENTENCE = "Gestern hat Katharina Lindner die Sicherung noch einmal von Hand gestartet."


@pytest.fixture(autouse=True)
def _as_shipped() -> Iterator[None]:
    yield
    late.names(True)
    plug(SHIPPED)


@promise("pii:late")
async def test_the_finder_comes_without_blocking_the_loop() -> None:
    await late.loaded()
    assert late.find("mail jane.doe@example.org")[0].label == "EMAIL"
    late.soon()  # there is nothing left to do


@promise("pii:late")
def test_redaction_is_imported_without_the_finder() -> None:
    code = (
        "import sys; from bedrock_support.routing.redaction import Redactor; "
        "name = 'bedrock_support.routing.pii.finder';"
        "assert name not in sys.modules; assert '[[EMAIL_1_' in Redactor('0badcafe').redact('a@example.org');"
        "assert name in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@promise("names:pluggable")
def test_names_are_switched_off_and_on() -> None:
    late.names(False)
    assert find(SENTENCE) == []
    late.names(True)
    assert [each.label for each in find(SENTENCE)] == ["PERSON"]
    assert not late.heavy()


@dataclass(frozen=True)
class Entity:
    label_: str
    start_char: int
    end_char: int


@dataclass(frozen=True)
class Read:
    ents: list[Entity]


@promise("names:pluggable")
def test_a_pipeline_takes_the_place_of_the_tagger() -> None:
    def read(text: str) -> Read:
        at = text.index("Hand")
        return Read([Entity("PER", at, at + 4), Entity("LOC", 0, 7)])

    plug(PipelineTagger(read))
    assert [SENTENCE[each.start : each.end] for each in find(SENTENCE)] == ["Hand"]


@promise("names:pluggable")
def test_a_model_that_is_not_there_is_told_of_at_once() -> None:
    with pytest.raises(NoModel, match="BEDROCK_SUPPORT_NAMES_MODEL"):
        late.names(True, "no_such_model")


@promise("names:pluggable")
def test_a_real_pipeline_of_spacy() -> None:
    spacy = pytest.importorskip("spacy", reason="the extra ner is not installed")
    read = spacy.blank("de")
    read.add_pipe("entity_ruler").add_patterns([{"label": "PER", "pattern": "Katharina Lindner"}])
    plug(PipelineTagger(read))
    assert [SENTENCE[each.start : each.end] for each in find(SENTENCE)] == ["Katharina Lindner"]
    with pytest.raises(NoModel, match="no such model"):
        pipeline("no_such_model")


@pytest.mark.parametrize("word", ["Lindner", "Müller-Lüdenscheidt", "Haus", "AG", "der", "1990", "McDonald", "É", "Ab"])
def test_sums_of_words_are_those_of_their_features(word: str) -> None:
    lists, weigher = SHIPPED.lists, SHIPPED.weigher
    assert isinstance(lists, Lists)
    assert isinstance(weigher, Weigher)
    flags, form, low = lists.flags(word), shape(word), word.lower()
    made = Word(low.encode(), *weigher.weighed(word))
    assert made.before == weigher.summed(beside_features("P", low, form, flags))
    assert made.after == weigher.summed(beside_features("N", low, form, flags))
    assert made.before_last == weigher.summed(far_features("Q", low, form))
    assert made.after_next == weigher.summed(far_features("M", low, form))
    if made.may:
        assert made.own == weigher.summed(own_features(word, form, flags))
        assert made.chain == weigher.summed(chain_features(form + flags, word))


@promise("pii:phones")
@pytest.mark.parametrize("region", ["DE", "AT", "CH", "FR", "IT", "ES", "GB", "US", "NL", "PL", "SE", "IE", "JP", "BR"])
def test_every_number_that_the_library_knows_is_taken(region: str) -> None:
    for kind in (phonenumbers.PhoneNumberType.FIXED_LINE, phonenumbers.PhoneNumberType.MOBILE):
        example = phonenumbers.example_number_for_type(region, kind)
        assert example is not None
        digits = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164).removeprefix("+")
        assert assigned(digits)
        text = f"ruf an: {phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.INTERNATIONAL)}"
        assert [each.label for each in find(text)] == ["PHONE"], text


@promise("pii:phones")
def test_codes_of_no_country_and_numbers_too_short_are_nobodys() -> None:
    known = {str(code) for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE}
    for code in sorted(known):
        assert any(assigned(code + "1" * size) for size in range(4, 13)), code
    for digits in ("49123", "281234567", "0123456789"):
        assert not assigned(digits), digits
