"""Numbers that prove themselves by check digits, and a few that only their context gives away."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bedrock_support.routing.pii import checks
from bedrock_support.routing.pii.codes import codes
from bedrock_support.routing.pii.span import PROVEN, Span
from bedrock_support.routing.pii.text import Before, Text

_SEPARATORS = str.maketrans("", "", " ./-")
_DENSE = re.compile(r"\d(?<!\d\d)(?<!\d[ ./-]\d)(?:[ ./-]?\d){8,}")
"""Nine digits and more with at most one sign between two."""
_DENSE_LEAST = 9
NEAR = 80
"""Characters before a number in which its context is looked for."""
Valid = Callable[[str], bool]
_Anchor = tuple[bytes, tuple[int, ...]]
"""A part of a number's form, as bones, and how many characters before it the number may begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Number:
    label: str
    pattern: re.Pattern[str]
    valid: Valid
    anchors: tuple[_Anchor, ...] = ()
    forms: tuple[bytes, ...] = (b"0",)
    """What of must stand in a text's bones, where no part of its form has a fixed place."""
    least: int = 0
    """How many digits in a row it has at least."""
    sign: str = ""
    """What stands in it for sure."""
    context: Before | None = None
    """What must stand before it, where its form alone says too little."""
    stop: bool = False
    """Whether the same digits are often somebody's order."""


def _at_once(*anchors: str) -> tuple[_Anchor, ...]:
    return tuple((each.encode(), (0,)) for each in anchors)


def _any(_: str) -> bool:
    return True


_ORDERS = Before(
    (
        "order", "bestell", "auftrag", "rechnung", "invoice", "serien", "serial", "tracking", "sendung", "artikel", "ordine",
        "pedido", "commande", "ean", "gtin", "imei",
    ),
    r"[\w .:#-]{0,14}",
)  # fmt: skip
_TAX = Before(("steuer", "tax", "tin|", "idnr", "identifikationsn", "finanzamt"))
_TAX_OFFICE = Before(("steuer", "st-nr", "st.-nr", "stnr", "st.nr", "finanzamt", "tax"))
_PENSION = Before(
    (
        "sozialvers", "rentenvers", "sv-n", "svn", "rvnr", "social sec", "social-sec", "social_sec", "socialsec", "pension",
        "versicherungsn",
    )
)  # fmt: skip
_HEALTH = Before(("kranken", "kasse", "versicher", "kvnr", "gesundheit", "health", "insur", "egk"))
_IDENTITY = Before(
    (
        "ausweis", "perso|", "personal", "identit", "id card", "id-card", "id_card", "idcard", "idnr", "id-nr", "dokument",
        "document", "carte d", "reise", "pass|", "passport",
    )
)  # fmt: skip
_PASSPORT = Before(
    ("reisepass", "pass|", "passport", "passnummer", "passnr", "pass-nr", "passeport", "pasaporte", "passaporto")
)
_CARD = Before(
    (
        "|card", "creditcard", "debitcard", "bankcard", "kredit", "karte", "|cc|", "tarjeta", "carta di", "carte b",
    ),
    r"[^\n\d]{0,40}",
)  # fmt: skip
_NO_WORD = r"(?![A-Za-z0-9])"

_SEVEN = (b"0000000", b"000 000", b"00 000 0", b"0 000000")
"""Digits as they stand in a VAT id, as bones."""
SHAPED: tuple[_Number, ...] = (
    _Number(label="IT_CF", pattern=re.compile(rf"[A-Za-z](?<![A-Za-z0-9].)[A-Za-z]{{5}}\d{{2}}[A-EHLMPR-Ta-ehlmpr-t]\d{{2}}[A-Za-z]\d{{3}}[A-Za-z]{_NO_WORD}"), valid=checks.it_code, least=3, anchors=_at_once("aaaaaa00a00a000a")),
    _Number(label="ES_NIF", pattern=re.compile(rf"[\dXYZxyz](?<![A-Za-z0-9].)(?:(?<=\d)\d{{7}}|(?<=[A-Za-z])-?\d{{7}})[ -]?[A-HJ-NP-TV-Za-hj-np-tv-z]{_NO_WORD}"), valid=checks.es_nif, least=7, anchors=_at_once("00000000a", "00000000-a", "00000000 a", "a0000000a", "a0000000-a", "a0000000 a", "a-0000000a", "a-0000000-a", "a-0000000 a")),
    _Number(label="DE_SSN", pattern=re.compile(rf"\d(?<![A-Za-z0-9].)\d[ ]?[0-3]\d[01]\d\d{{2}}[ ]?[A-Za-z][ ]?\d{{3}}{_NO_WORD}"), valid=checks.de_pension, least=6, anchors=tuple((form, (2, 3)) for form in (b"000000a000", b"000000 a 000", b"000000a 000", b"000000 a000"))),
    _Number(label="DE_KVNR", pattern=re.compile(rf"[A-Z](?<![A-Za-z0-9-].)\d{{9}}{_NO_WORD}"), valid=checks.de_health, least=9, anchors=_at_once("a000000000"), context=_HEALTH),
    _Number(label="UK_NINO", pattern=re.compile(rf"[A-CEGHJ-PR-TW-Za-ceghj-pr-tw-z](?<![A-Za-z0-9].)[A-CEGHJ-NPR-TW-Za-ceghj-npr-tw-z][ ]?\d{{2}}[ ]?\d{{2}}[ ]?\d{{2}}[ ]?[A-Da-d]{_NO_WORD}"), valid=checks.uk_nino, least=6, anchors=_at_once("aa000000", "aa 000000", "aa00 00 00", "aa 00 00 00")),
    _Number(
        label="FR_NIR",
        pattern=re.compile(r"[1-478](?<![A-Za-z0-9].) ?\d{2} ?\d{2} ?2[ABab] ?\d{3} ?\d{3} ?\d{2}(?!\d)"),
        valid=checks.fr_nir,
        least=8,
        anchors=((b"0a000", (5, 6, 7, 8)), (b"0a 000", (5, 6, 7, 8))),
    ),
)  # fmt: skip
"""Letters among digits: found by their form."""
DIGITS: tuple[_Number, ...] = (
    _Number(label="CREDIT_CARD", pattern=re.compile(r"\d(?<![\w.,-].)\d{3}(?:[ .-]?\d){9,15}(?![\w]|[.,]\d)"), valid=checks.card, least=13, stop=True),
    _Number(label="CREDIT_CARD", pattern=re.compile(r"\d(?<![\w.,-].)\d{3}(?:[ -]?\d){8,15}(?![\w]|[.,]\d)"), valid=checks.luhn, least=12, context=_CARD),
    _Number(label="CH_AHV", pattern=re.compile(r"756(?<!\d...)[. ]?\d{4}[. ]?\d{4}[. ]?\d{2}(?!\d)"), valid=checks.ean13, least=13, sign="756"),
    _Number(label="FR_NIR", pattern=re.compile(r"[1-478](?<!\d.) ?\d{2} ?\d{2} ?\d{2} ?\d{3} ?\d{3} ?\d{2}(?!\d)"), valid=checks.fr_nir, least=15, stop=True),
    _Number(label="DE_TAX_ID", pattern=re.compile(r"[1-9](?<![\d.,-].)\d[ ]?\d{3}[ ]?\d{3}[ ]?\d{3}(?![\d]|[.,]\d)"), valid=checks.de_tax_id, least=11, context=_TAX),
    _Number(label="DE_TAX_NUMBER", pattern=re.compile(r"\d(?<![\d/].)\d{1,2}/\d{3,4}/\d{4,5}(?![\d/])"), valid=_any, least=9, sign="/", context=_TAX_OFFICE),
    _Number(label="AT_SVNR", pattern=re.compile(r"[1-9](?<!\d.)\d{3}[ ]?[0-3]\d[0-2]\d\d{2}(?!\d)"), valid=checks.at_social, least=10, context=_PENSION),
    _Number(label="US_SSN", pattern=re.compile(r"\d(?<![\d-].)\d\d-\d{2}-\d{4}(?![\d-])"), valid=checks.us_ssn, least=9, sign="-", stop=True),
)  # fmt: skip
"""Digits alone, with at most one sign between two."""
MIXED: tuple[_Number, ...] = (
    _Number(label="VAT_ID", pattern=re.compile(r"[A-Z](?<![A-Za-z0-9].)(?:(?<=D)[EK]|(?<=I)[TE]|(?<=A)T|(?<=F)[RI]|(?<=E)[SEL]|(?<=G)B|(?<=B)[EG]|(?<=N)L|(?<=P)[LT]|(?<=S)[EKI]|(?<=L)[UTV]|(?<=C)[ZY]|(?<=H)[UR]|(?<=R)O|(?<=M)T)[ ]?(?:U ?)?[A-Z0-9](?:[ ]?[A-Z0-9]){6,11}(?![A-Za-z0-9])"), valid=checks.vat, forms=_SEVEN),
    _Number(label="DE_PASSPORT", pattern=re.compile(rf"[CFGHJK](?<![A-Za-z0-9].)[CFGHJKLMNPRTVWXYZ0-9]{{8}}\d{_NO_WORD}"), valid=checks.icao, context=_PASSPORT),
    _Number(label="DE_ID_CARD", pattern=re.compile(rf"[LMNPRTVWXY](?<![A-Za-z0-9].)[CFGHJKLMNPRTVWXYZ0-9]{{8}}\d{_NO_WORD}"), valid=checks.icao, context=_IDENTITY),
)  # fmt: skip
"""Capitals and digits in any order."""
_IBANS = {
    size: re.compile(
        rf"[A-Za-z](?<![A-Za-z0-9].)[A-Za-z] ?\d\d(?:(?: {{1,2}}|[.-])?[A-Za-z0-9]){{{size - 4}}}{_NO_WORD}"
    )
    for size in sorted(set(checks.IBAN_LENGTHS.values()))
}
_IBAN_HEADS = (b"aa00", b"aa 00")
_WITHIN_WORD = b"a0"
_SHORTER = re.compile(r"[ .-]")
_PROVEN_CARD = 13


def numbers(text: Text) -> Iterator[Span]:
    """Identifiers, cards, accounts, codes and plates."""
    if text.digits:
        yield from _ibans(text)
        yield from _shaped(text)
        yield from _digits(text)
        yield from _mixed(text)
        yield from codes(text)


def _wanted(text: Text, kind: _Number) -> bool:
    return kind.sign in text.calm and (kind.context is None or text.any(kind.context.cues))


def _shaped(text: Text) -> Iterator[Span]:
    bones = text.bones
    for kind in SHAPED:
        if text.crowd < kind.least or not _wanted(text, kind):
            continue
        for form, backs in kind.anchors:
            at = bones.find(form)
            while at >= 0:
                for back in backs:
                    if at >= back and (found := kind.pattern.match(text.calm, at - back)) is not None:
                        yield from _checked(text, kind, found)
                at = bones.find(form, at + 1)


def _digits(text: Text) -> Iterator[Span]:
    if text.crowd < _DENSE_LEAST:
        return
    wanted = [kind for kind in DIGITS if _wanted(text, kind)]
    for cluster in _DENSE.finditer(text.calm):
        start, end = cluster.span()
        for kind in wanted:
            if end - start >= kind.least and kind.sign in cluster[0]:
                for found in kind.pattern.finditer(text.calm, start, end):
                    yield from _checked(text, kind, found)


def _mixed(text: Text) -> Iterator[Span]:
    for kind in MIXED:
        if any(each in text.bones for each in kind.forms) and _wanted(text, kind):
            for found in kind.pattern.finditer(text.calm):
                yield from _checked(text, kind, found)


def _places(bones: bytes, form: bytes) -> Iterator[int]:
    at = bones.find(form)
    while at >= 0:
        yield at
        at = bones.find(form, at + 1)


def _ibans(text: Text) -> Iterator[Span]:
    bones = text.bones
    for head in _IBAN_HEADS:
        for at in _places(bones, head):
            if at and bones[at - 1] in _WITHIN_WORD:
                continue  # most are the end of a word, and a number behind it
            size = checks.IBAN_LENGTHS.get(text.calm[at : at + 2].upper())
            if size is not None:
                found = _IBANS[size].match(text.calm, at)
                if found is not None and _valid(text, checks.iban, found[0]):
                    yield Span(at, found.end(), "IBAN", PROVEN)


def _checked(text: Text, kind: _Number, found: re.Match[str] | None) -> Iterator[Span]:
    """The number, if its check digits agree and what stands before it says nothing else."""
    if found is None:
        return
    start, end = found.span()
    if not _valid(text, kind.valid, found[0]):
        end = _card_end(text, start, end) if kind.valid is checks.card else 0
    if not end:
        return
    if kind.context is not None and not kind.context.said(text, max(0, start - NEAR), start):
        return
    if kind.stop and _ORDERS.said(text, max(0, start - NEAR), start):
        return
    yield Span(start, end, kind.label, PROVEN)


def _card_end(text: Text, start: int, end: int) -> int:
    """Where a card ends behind which another number stands; 0 if there is none."""
    for each in _SHORTER.finditer(text.calm, start + _PROVEN_CARD, end):
        if _valid(text, checks.card, text.calm[start : each.start()]):
            return each.start()
    return 0


def _valid(text: Text, check: Valid, digits: str) -> bool:
    """Whether the check digits agree. Remembered for this text alone: a number may stand in it thousands of times."""
    bare = digits.translate(_SEPARATORS)
    known = text.memo.get((check, bare))
    if known is None:
        try:
            known = check(bare)
        except (ValueError, IndexError, KeyError):
            known = False
        text.memo[check, bare] = known
    return known
