"""Numbers that prove themselves by check digits, and a few that only their context gives away."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain

from bedrock_support.routing.pii import checks
from bedrock_support.routing.pii.letters import has
from bedrock_support.routing.pii.span import CONTEXT, PROVEN, Span

_SEPARATORS = re.compile(r"[\s./-]")
_DIGIT = re.compile(r"\d")
_NO_DIGIT = re.compile(r"\D+")
_SPARSE = frozenset({"DE_PASSPORT", "DE_ID_CARD"})
_ENOUGH = {
    "DE_PASSPORT": _DIGIT,
    "CVV": _DIGIT,
    "OTP": re.compile(r"\d{4}"),
    "LICENSE_PLATE": re.compile(r"[A-ZÄÖÜ][ -]?\d"),
    "GEO": re.compile(r"\d\.\d{3}"),
}
"""What must stand somewhere in a text before a label is looked for by its words."""
_DENSE = re.compile(r"\d(?:\D{0,7}\d){4,}")
_GATES = {
    "DE_KVNR": ("kranken", "kasse", "versicher", "kvnr", "gesundheit", "health", "insur", "egk"),
    "DE_TAX_ID": ("steuer", "tax", "tin", "idnr", "identifik", "finanz"),
    "DE_TAX_NUMBER": ("steuer", "st-nr", "st.-nr", " st ", "stnr", "finanz", "tax"),
    "AT_SVNR": ("sozial", "rente", "sv-", "svn", " sv ", "rvnr", "social", "pension", "versicher"),
    "DE_PASSPORT": ("pass", "paseport", "pasaporte"),
    "DE_ID_CARD": (
        "ausweis",
        "perso",
        "identit",
        "card",
        "idcard",
        "id-card",
        "id-nr",
        "idnr",
        "dokument",
        "document",
        "carte",
        "reise",
        "pass",
    ),
    "LICENSE_PLATE": (
        "kennz",
        "kfz",
        "nummernsch",
        "vehicle",
        "plate",
        "fahrzeug",
        "auto",
        "wagen",
        "lkw",
        "pkw",
        "targa",
        "matr",
        "licen",
        "-",
    ),
    "CVV": ("cv", "csc", "prüf", "pruef", "security"),
    "OTP": (
        "otp",
        "tan",
        "pin",
        "2fa",
        "mfa",
        "code",
        "kod",
        "verif",
        "bestätig",
        "einmal",
        "sicherheits",
        "codice",
        "código",
        "codigo",
        "one",
    ),
    "GEO": ("gps", "geo", "lat", "lon", "lng", "position", "location", "standort", "koordin", "coord", "fix", "ubicac"),
}
"""What of must stand in the text's vocabulary before a label's patterns are tried."""
NEAR = 80
"""Characters before a number in which its context is looked for."""


@dataclass(frozen=True, slots=True)
class _Number:
    label: str
    pattern: re.Pattern[str]
    valid: Callable[[str], bool]
    least: int
    """Digits that it has at least."""
    context: re.Pattern[str] | None = None
    """What must stand before it, where its form alone says too little."""
    stop: re.Pattern[str] | None = None
    """What may not stand right before it."""


def _any(_: str) -> bool:
    return True


def _words(text: str) -> re.Pattern[str]:
    return re.compile(rf"(?i)(?:{text})")


_NOT_ORDERS = _words(
    r"(?:order|bestell|auftrag|rechnung|invoice|serien|serial|tracking|sendung|artikel|ordine|pedido|commande|ean|gtin|imei)[\w .:#-]{0,14}$"
)
_TAX = _words(r"steuer|tax|tin\b|idnr|identifikationsn|finanzamt")
_PENSION = _words(r"sozialvers|rentenvers|sv-?n|rvnr|social.?sec|pension|versicherungsn")
_HEALTH = _words(r"kranken|kasse|versicher|kvnr|gesundheit|health|insur|egk")
_IDENTITY = _words(r"ausweis|perso\b|personal|identit|id.?card|id-?nr|dokument|document|carte d|reise|pass\b|passport")
_PASSPORT = _words(r"reisepass|pass(?:port|nummer|-?nr|\b)|passeport|pasaporte|passaporto")

NUMBERS: tuple[_Number, ...] = (
    _Number("IBAN", re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]{4}){2,7}(?:[ -]?[A-Za-z0-9]{1,3})?(?![A-Za-z0-9])"), checks.iban, 6),
    _Number("CREDIT_CARD", re.compile(r"(?<![\d.,-])\d(?:[ .-]?\d){12,18}(?![\d]|[.,]\d)"), checks.card, 13, stop=_NOT_ORDERS),
    _Number("CH_AHV", re.compile(r"(?<!\d)756[. ]?\d{4}[. ]?\d{4}[. ]?\d{2}(?!\d)"), checks.ean13, 13),
    _Number("IT_CF", re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{6}\d{2}[A-EHLMPR-Ta-ehlmpr-t]\d{2}[A-Za-z]\d{3}[A-Za-z](?![A-Za-z0-9])"), checks.it_code, 7),
    _Number("FR_NIR", re.compile(r"(?<!\d)[1-478] ?\d{2} ?\d{2} ?(?:\d{2}|2[ABab]) ?\d{3} ?\d{3} ?\d{2}(?!\d)"), checks.fr_nir, 13, stop=_NOT_ORDERS),
    _Number("ES_NIF", re.compile(r"(?<![A-Za-z0-9])(?:\d{8}|[XYZxyz]-?\d{7})[ -]?[A-HJ-NP-TV-Za-hj-np-tv-z](?![A-Za-z0-9])"), checks.es_nif, 7),
    _Number("VAT_ID", re.compile(r"(?<![A-Za-z0-9])(?:DE|IT|AT|FR|ES|GB|BE|NL|PL|PT|DK|SE|FI|IE|LU|CZ|SK|HU|RO|BG|HR|SI|EE|LV|LT|EL|CY|MT)[ ]?(?:U ?)?[A-Z0-9](?:[ ]?[A-Z0-9]){6,11}(?![A-Za-z0-9])"), checks.vat, 7),
    _Number("DE_SSN", re.compile(r"(?<![A-Za-z0-9])\d{2}[ ]?[0-3]\d[01]\d\d{2}[ ]?[A-Za-z][ ]?\d{3}(?![A-Za-z0-9])"), checks.de_pension, 11),
    _Number("DE_KVNR", re.compile(r"(?<![A-Za-z0-9-])[A-Z]\d{9}(?![A-Za-z0-9])"), checks.de_health, 9, context=_HEALTH),
    _Number("DE_TAX_ID", re.compile(r"(?<![\d.,-])[1-9]\d[ ]?\d{3}[ ]?\d{3}[ ]?\d{3}(?![\d]|[.,]\d)"), checks.de_tax_id, 11, context=_TAX),
    _Number("DE_TAX_NUMBER", re.compile(r"(?<![\d/])\d{2,3}/\d{3,4}/\d{4,5}(?![\d/])"), _any, 9, context=_words(r"steuer|st\.?-?nr|finanzamt|tax")),
    _Number("AT_SVNR", re.compile(r"(?<!\d)[1-9]\d{3}[ ]?[0-3]\d[0-2]\d\d{2}(?!\d)"), checks.at_social, 10, context=_PENSION),
    _Number("DE_PASSPORT", re.compile(r"(?<![A-Za-z0-9])[CFGHJK][CFGHJKLMNPRTVWXYZ0-9]{8}\d(?![A-Za-z0-9])"), checks.icao, 1, context=_PASSPORT),
    _Number("DE_ID_CARD", re.compile(r"(?<![A-Za-z0-9])[LMNPRTVWXY][CFGHJKLMNPRTVWXYZ0-9]{8}\d(?![A-Za-z0-9])"), checks.icao, 1, context=_IDENTITY),
    _Number("US_SSN", re.compile(r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])"), checks.us_ssn, 9, stop=_NOT_ORDERS),
    _Number("UK_NINO", re.compile(r"(?<![A-Za-z0-9])[A-CEGHJ-PR-TW-Za-ceghj-pr-tw-z][A-CEGHJ-NPR-TW-Za-ceghj-npr-tw-z][ ]?\d{2}[ ]?\d{2}[ ]?\d{2}[ ]?[A-Da-d](?![A-Za-z0-9])"), checks.uk_nino, 6),
)  # fmt: skip
_PROSE: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("DE_PASSPORT", re.compile(r"(?i:(?:reisepass|passport|pass-?(?:nummer|nr|no))[\w .:#-]{0,14}[ :])([CFGHJK][CFGHJKLMNPRTVWXYZ0-9]{8})(?![A-Za-z0-9])")),
    ("CVV", re.compile(r"(?i:\b(?:cvv2?|cvc2?|csc|pr[üu]fziffer|kartenpr[üu]fnummer|security code)\b[\"']?[ :=#]{0,3}[\"']?(?:is |ist |lautet |est |es )?)(\d{3,4})(?!\d)")),
    ("OTP", re.compile(r"(?i:\b(?:otp|one-?time[- ]?(?:pass)?(?:code|word)?|tan|m?tan|pin|2fa|mfa|passcode|verification|verifizierung\w{0,6}|best[äa]tigung\w{0,6}|sicherheits\w{0,6}|einmal\w{0,8}|codes?|c[óo]digo|codice|kod)[- ]?(?:code|pin|nummer|number)?\b[\"']?(?: (?:is|ist|lautet|est|es|è|war|was|de|da|for|für|an)\b)?[ :=#\"']{1,4})(\d{4,8})(?![\w.,:-]*\d)(?!\w)")),
    ("LICENSE_PLATE", re.compile(r"(?i:\b(?:kennzeichen|kfz|nummernschild|vehicle|plate|fahrzeug|auto|wagen|lkw|pkw|targa|matr[íi]cula|immatriculation|license)\b[\w .]{0,12}[\"']?[ :=#]{1,3}[\"']?)([A-ZÄÖÜ]{1,3}[ -]{1,3}[A-Z]{1,2}[ -]?\d{1,4}[EH]?)(?![\w-])")),
    ("LICENSE_PLATE", re.compile(r"(?<![\w-])([A-ZÄÖÜ]{1,3}-[A-Z]{1,2} \d{1,4}[EH]?)(?![\w-])")),
    ("GEO", re.compile(r"(?i:\b(?:gps|geo|lat(?:itude)?|lon(?:gitude)?|lng|position|location|standort|koordinaten|coord\w{0,8}|fix|ubicaci[óo]n)\b[\w \"':=,\[({-]{0,16})(?<![\d.])(-?\d{1,2}\.\d{3,8}[\"' ]{0,2}[,;/ ][ ]?[\"'\w:= ]{0,12}-?\d{1,3}\.\d{3,8})(?!\d)")),
)  # fmt: skip


def numbers(text: str, words: str) -> Iterator[Span]:
    """Identifiers, cards, accounts, codes and plates. `words` is the text's vocabulary."""
    if not _DIGIT.search(text):
        return
    windows = [((start, end), len(_NO_DIGIT.sub("", text[start:end]))) for start, end in _windows(text)]
    for kind in NUMBERS:
        if kind.context is None or has(words, _GATES[kind.label]):
            # Cards of identity hold more letters than digits: only their words say where to look.
            yield from _kind(
                text,
                kind,
                [(0, len(text))] if kind.label in _SPARSE else [at for at, digits in windows if digits >= kind.least],
            )
    for label, pattern in _PROSE:
        if _ENOUGH[label].search(text) and has(words, _GATES[label]):
            for found in pattern.finditer(text):
                yield Span(*found.span(1), label, CONTEXT)


def _kind(text: str, kind: _Number, windows: list[tuple[int, int]]) -> Iterator[Span]:
    for found in chain.from_iterable(kind.pattern.finditer(text, *each) for each in windows):
        bare = _SEPARATORS.sub("", found[0])
        before = text[max(0, found.start() - NEAR) : found.start()]
        if kind.context is not None and not kind.context.search(before):
            continue
        if kind.stop is not None and kind.stop.search(before):
            continue
        if _checked(kind, bare):
            yield Span(found.start(), found.end(), kind.label, PROVEN)


def _windows(text: str) -> list[tuple[int, int]]:
    """Where digits stand close together, with what may belong to them on both sides."""
    found: list[tuple[int, int]] = []
    for each in _DENSE.finditer(text):
        start, end = max(0, each.start() - 10), min(len(text), each.end() + 10)
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], end
        else:
            found.append((start, end))
    return found


def _checked(kind: _Number, bare: str) -> bool:
    try:
        return kind.valid(bare)
    except (ValueError, IndexError, KeyError):
        return False
