"""Phone numbers: by their country, by their form, or because the words before them say so.

Sources: ITU-T E.164 (country codes, at most 15 digits), the numbering plans of the countries; the library phonenumbers
is the oracle of the tests. It takes 100 us and more a number, which is what a whole page may take here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bedrock_support.routing.pii.span import CONTEXT, PROVEN, Span
from bedrock_support.routing.pii.text import Before, Text

_PHONE = re.compile(
    r"[+(\d](?<![\w/+#=&-].)(?<![.,][(\d])(?:(?<=\+)\(?\d|(?<=\()[+\d]|(?<=\d))(?:[ ./()-]{0,3}\d){6,14}"
    r"(?:[ ,]{0,2}(?:x|ext\.?|extension|durchwahl|DW) ?\d{1,5})?(?![\w]|[.,:/-]\d|%)"
)
_CALLED = Before(
    (
        "tel", "phone", "fon", "mobil", "handy", "ruf", "call", "cell", "fax", "whats", "sms", "durchwahl", "erreich", "desk",
        "hotline", "messag", "nummer", "number", "kontakt", "contact", "móvil", "movil", "numéro", "numero", "appel",
        "joindre", "chiam", "kunde", "customer", "|an ", "|at ", "unter ", "|au ", "|al ",
    ),
    r"[\w .:\"'=(,-]{0,24}|[\w .]{0,12}:\n",
)  # fmt: skip
_WHERE = re.compile(r"(?i)[ (-]{1,2}(?:office|fax|mobile?|desk|home|work|cell|direct|privat|dienstlich)\b")
"""Behind a number: which of somebody's phones it is."""
_OTHERWISE = Before(
    (
        "order", "ordine", "pedido", "commande", "bestell", "auftrag", "rechnung", "invoice", "serien", "serial", "ticket",
        "konto", "account", "kundenn", "customer id", "customer_id", "customer-id", "customerid", "id", "nr", "no", "ref",
        "tracking", "sendung", "artikel", "sku", "ean", "gtin", "imei", "steuer", "tax", "iban", "bic", "plz", "zip", "pid",
        "port", "line", "bytes", "size", "ms", "seq", "ts", "time", "epoch", "duration", "offset", "code", "hash", "amount",
        "betrag", "card", "karte", "nif", "dni", "ahv", "vers",
    ),
    r"[\w.]{0,16}[ .:#=\"'-]{0,4}",
)  # fmt: skip
"""Words before what is no phone number."""
_IBAN_HEADS = ((4, b"aa00"), (5, b"aa00 "), (5, b"aa00-"))
"""Ends of what stands before a number, as bones, where that number goes on an IBAN."""
_DATE = re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d{2,4}\b")
_VERSION = re.compile(r"\.\d\.|\d\.0\.")
_VARIED = 3
"""Different digits, at least."""
_NORTH_AMERICA = re.compile(r"(?:1[ .-])?(?:\([2-9]\d\d\) ?|[2-9]\d\d[.-])[2-9]\d\d[ .-]\d{4}(?!\d)")
_DIGITS = str.maketrans("", "", "+ ./()-")
_EXTENSION = re.compile(r"[ ,]{0,2}[a-zA-Z].*")
_ONE = frozenset("17")
_TWO = frozenset(
    [
        "20",
        "27",
        "30",
        "31",
        "32",
        "33",
        "34",
        "36",
        "39",
        "40",
        "41",
        "43",
        "44",
        "45",
        "46",
        "47",
        "48",
        "49",
        "51",
        "52",
        "53",
        "54",
        "55",
        "56",
        "57",
        "58",
        "60",
        "61",
        "62",
        "63",
        "64",
        "65",
        "66",
        "81",
        "82",
        "84",
        "86",
        "90",
        "91",
        "92",
        "93",
        "94",
        "95",
        "98",
    ]
)
_THREE = frozenset(
    [
        "21",
        "22",
        "23",
        "24",
        "25",
        "26",
        "29",
        "35",
        "37",
        "38",
        "42",
        "50",
        "59",
        "67",
        "68",
        "69",
        "80",
        "85",
        "87",
        "88",
        "96",
        "97",
        "99",
    ]
)
"""First two digits of the country codes that have three."""
_LENGTHS = {
    "1": (10, 10), "7": (10, 10), "30": (10, 10), "31": (7, 11), "32": (8, 9), "33": (9, 9), "34": (9, 9), "36": (8, 9),
    "39": (6, 11), "40": (9, 9), "41": (9, 9), "43": (4, 13), "44": (7, 10), "45": (8, 8), "46": (7, 10), "47": (5, 12),
    "48": (9, 9), "49": (5, 13), "351": (9, 9), "353": (7, 10), "358": (5, 12), "420": (9, 9), "421": (9, 9),
}  # fmt: skip
"""Digits behind the country code, at least and at most."""
_OTHERS = (6, 12)
_INSIDE = frozenset("123456789")
"""First digits of a number that is dialled as it stands, and so of most numbers that aren't dialled at all."""
_LEAST, _LEAST_UNCALLED, _MOST_NATIONAL = 7, 9, 12
_NEAR = 40


def phones(text: Text) -> Iterator[Span]:
    """Numbers that some network would take."""
    if text.crowd < _LEAST:
        return
    calm = text.calm
    cued = text.any(_CALLED.cues)
    for found in _PHONE.finditer(calm):
        start = found.start()
        bare = calm[start] in _INSIDE
        shaped = bare and _NORTH_AMERICA.match(calm, start) is not None
        if bare and not shaped and not cued:
            continue
        number = found[0].rstrip(" ./()-")
        dialled = number if not text.lettered(start, start + len(number)) else _EXTENSION.sub("", number)
        dialled = dialled.replace("(0)", "")
        digits = dialled.translate(_DIGITS)
        if len(digits) < _LEAST or len(set(digits)) < _VARIED or _DATE.fullmatch(number) or _VERSION.search(number):
            continue
        if dialled.startswith(("+", "00", "(+", "(00")):
            if assigned(digits.removeprefix("00") if "+" not in dialled else digits):
                yield Span(start, start + len(number), "PHONE", PROVEN)
            continue
        trunk = digits[0] == "0" and len(digits) < len(dialled)
        shaped = shaped or (trunk and _LEAST_UNCALLED <= len(digits) <= _MOST_NATIONAL) or _bracketed(number)
        before = max(0, start - _NEAR)
        if not shaped and not (cued and (_CALLED.said(text, before, start) or _WHERE.match(calm, start + len(number)))):
            continue
        if number.count(".") == 1 and len(digits) < _LEAST_UNCALLED:
            continue  # a decimal
        if not (_OTHERWISE.said(text, before, start) or _goes_on(text.bones, start)):
            yield Span(start, start + len(number), "PHONE", CONTEXT)


def _goes_on(bones: bytes, start: int) -> bool:
    """Whether it only goes on an IBAN whose country and check digits stand before it."""
    return any(
        bones[max(0, start - size) : start] == head and not bones[max(0, start - size - 1) : start - size].isalnum()
        for size, head in _IBAN_HEADS
    )


def _bracketed(number: str) -> bool:
    return number[0] == "(" and _NORTH_AMERICA.match(number) is not None


def assigned(digits: str) -> bool:
    """Whether an international number begins with a country's code and has as many digits as are dialled there."""
    code = digits[:1] if digits[:1] in _ONE else digits[:2] if digits[:2] in _TWO else digits[:3]
    if len(code) == 3 and digits[:2] not in _THREE:
        return False
    least, most = _LENGTHS.get(code, _OTHERS)
    return least <= len(digits) - len(code) <= most
