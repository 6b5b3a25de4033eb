"""Names of people in running text: what the tagger finds, what it leaves, and how it is made and replaced."""

from __future__ import annotations

import json
import random
import time
from array import array
from collections.abc import Iterable, Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_support.routing.pii.finder import find, plug
from bedrock_support.routing.pii.names import (
    Lists,
    Stretch,
    beside_features,
    chain_features,
    far_features,
    joint_features,
    kind_features,
    own_features,
    shape,
)
from bedrock_support.routing.pii.prose import prose
from bedrock_support.routing.pii.tagger import SHIPPED, LinearTagger, loaded
from bedrock_support.routing.pii.weighing import Word
from bedrock_support.server import cli
from bedrock_support.server.settings import Settings, load
from bedrock_support.server.wiring import build
from benchmarks.names_data import joined
from benchmarks.names_train import bloom, examples, learnt, packed
from tests.promises import promise


@pytest.fixture(autouse=True)
def _as_shipped() -> Iterator[None]:
    plug(SHIPPED)
    yield
    plug(SHIPPED)


def people(text: str) -> list[str]:
    return [text[each.start : each.end] for each in find(text) if each.label == "PERSON"]


@promise("names:prose")
@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Gestern hat Katharina Lindner die Sicherung noch einmal von Hand gestartet.", ["Katharina Lindner"]),
        ("Nach der Sitzung sprach Wolfgang Petersen mit den Leuten aus dem Lager.", ["Wolfgang Petersen"]),
        ("Das Gerät wurde von Thomas Brandt an die Werkstatt in Kassel geschickt.", ["Thomas Brandt"]),
        ("Die Regisseurin Margarethe von Trotta erhielt dafür einen Preis.", ["Margarethe von Trotta"]),
    ],
)
def test_people_are_found_in_sentences(text: str, names: list[str]) -> None:
    assert people(text) == names
    plug(None)
    assert people(text) == [], "by rules alone this is not found, so that the tagger is what is tested"


@promise("names:quiet")
@pytest.mark.parametrize(
    "text",
    [
        "2026-11-24 10:03:11 Thomas Brandt has left the queue of the service and is gone",
        "[10:03:11] INFO Thomas Brandt ist jetzt mit dem Server der Firma verbunden",
        'user = {"name_of": Thomas_Brandt, "and": [the, of, to]} # of the and to',
        "Der Server ist nach dem Neustart der Datenbank wieder mit dem Netz verbunden.",
        "Die Anwendung wurde auf den Cluster verteilt und ist seit gestern wieder erreichbar.",
        "The Kubernetes operator restarts the Redis pods and waits for the Grafana dashboard to load.",
        "Python, Java, Kotlin, Rust",
        "Im Ernst der Lage hilft nur noch ein Neustart von Hand.",
    ],
)
def test_logs_code_and_products_name_nobody(text: str) -> None:
    assert people(text) == []


@promise("names:quiet")
def test_our_own_documents_name_nobody() -> None:
    for path in sorted(Path(__file__).parents[2].glob("docs/*.md")):
        text = path.read_text(encoding="utf-8")
        assert list(SHIPPED.names(text, prose(text))) == [], path.name


class Everything:
    """A tagger that takes each stretch for a name."""

    def names(self, text: str, stretches: Iterable[Stretch]) -> Iterable[tuple[int, int]]:
        return [(start, min(end, start + 7)) for start, end, _ in stretches if text]


@promise("names:pluggable")
def test_another_tagger_takes_its_place() -> None:
    plug(Everything())
    assert people("someone was here and said that it is to be done") == ["someone"]


@promise("names:setting")
def test_the_setting_reaches_server_and_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "Gestern hat Katharina Lindner die Sicherung noch einmal von Hand gestartet."
    given, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    given.write_text(json.dumps({"id": 1, "text": text}) + "\n", encoding="utf-8")
    assert load({}).names
    build(Settings(names=False))
    assert people(text) == []
    build(Settings())
    assert people(text) == ["Katharina Lindner"]
    for told, spans in (("off", []), ("on", [[12, 29, "PERSON"]])):
        monkeypatch.setenv("BEDROCK_SUPPORT_NAMES", told)
        assert cli.main(["scan", "--jsonl", str(given), str(out)]) == 0
        assert json.loads(out.read_text(encoding="utf-8"))["spans"] == spans


@promise("names:model")
def test_training_is_repeatable_and_learns() -> None:
    lists = Lists(bloom(["Karla"]), bloom(["Zander"]), bloom(["Haus"]), bloom(["Kassel"]))
    assert lists.flags("Karla-Zander") == "fl"
    assert lists.flags("Rathaus") == "c"
    assert lists.flags("karla") == ""
    told = joined(
        [("Heute", False), ("kam", False), ("Karla", True), ("Zander", True), ("ins", False), ("Haus", False)]
    )
    assert told.text == "Heute kam Karla Zander ins Haus"
    assert told.spans == ((10, 22),)
    models: list[bytes] = []
    for _ in range(2):
        chance = random.Random(7)  # noqa: S311 - repeatable
        made = [each for _ in range(40) for each in examples(told, lists, chance)]
        models.append(packed(learnt(made, chance), lists))
    assert models[0] == models[1]
    tagger = loaded(models[0])
    assert list(tagger.names(told.text, [(0, len(told.text), "de")])) == [(10, 22)]


@promise("names:model")
def test_the_shipped_model_is_small_and_whole() -> None:
    data = files("bedrock_support.routing.pii").joinpath("names.bin").read_bytes()
    assert len(data) < 2_000_000
    for broken in (data[:-1], data + b"\0", b"XXXX" + data[4:]):
        with pytest.raises(ValueError, match="no model"):
            loaded(broken)
    origin = files("bedrock_support.routing.pii").joinpath("names.md").read_text(encoding="utf-8")
    assert "CC BY-SA 4.0" in origin


@promise("names:model")
@given(
    st.lists(
        st.sampled_from(["Karla", "von", "Zander-Haus", "der", "Öl", "iPhone", "kam", ".", "O'Neill", "Rathaus", "X"]),
        min_size=5,
        max_size=5,
    )
)
def test_sums_of_a_word_are_those_of_the_features_that_training_uses(words: list[str]) -> None:
    lists = Lists(bloom(["Karla"]), bloom(["Zander"]), bloom(["Haus"]), bloom(["Kassel"]))
    chance = random.Random(7)  # noqa: S311 - repeatable
    weights = array("b", (chance.randint(-127, 127) for _ in range(1 << 12)))
    tagger = LinearTagger(weights, lists, 0)
    low, forms, flags = [each.lower() for each in words], [*map(shape, words)], [*map(lists.flags, words)]
    kinds = [form + flag for form, flag in zip(forms, flags, strict=True)]
    spelled = [
        *own_features(words[2], forms[2], flags[2]),
        *beside_features("P", low[1], forms[1], flags[1]),
        *beside_features("N", low[3], forms[3], flags[3]),
        *far_features("Q", low[0], forms[0]),
        *far_features("M", low[4], forms[4]),
        *kind_features(*kinds[1:4]),
        *joint_features(low[1], kinds[2], low[3]),
    ]
    known = [Word(each.lower().encode(), *tagger.weigher.weighed(each)) for each in words]
    if known[2].may:
        assert tagger._score(known, 2) == tagger.weigher.summed(spelled)  # pyright: ignore[reportPrivateUsage]
        assert known[2].chain == tagger.weigher.summed(chain_features(kinds[2], words[2]))


def test_shapes() -> None:
    told = {each: shape(each) for each in ("Ab", "ab", "AB", "A", "McAb", "Ab-Cd", "a1", "iOS", ".")}
    assert told == {
        "Ab": "Xx",
        "ab": "x",
        "AB": "XX",
        "A": "X",
        "McAb": "XxXx",
        "Ab-Cd": "Xx-Xx",
        "a1": "xd",
        "iOS": "xX",
        ".": ".",
    }


@promise("names:linear")
@pytest.mark.parametrize("unit", ["Aa und der ", "und der von Aa-Bb-Cc ", "Ab von der ", "A. und der B. ", "ist der Ä"])
def test_time_grows_with_length_alone(unit: str) -> None:
    def seconds(length: int) -> float:
        text = (unit * (length // len(unit) + 1))[:length]
        began = time.process_time()
        find(text)
        return time.process_time() - began

    short, long = (min(seconds(length) for _ in range(3)) for length in (10_000, 80_000))
    assert long <= 8 * 4 * max(short, 0.002), "four times what a straight line gives"
