"""Check digits. Each takes the bare characters, without separators, and says whether they agree.

Sources: ISO 7064 (mod 97-10, mod 11,10), ISO/IEC 7812 (Luhn), ICAO 9303 (7-3-1), the issuers' own publications for the
national numbers; python-stdnum is the oracle of the tests.
"""

from __future__ import annotations

from collections import Counter

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_CF_ODD_DIGITS = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21]
_CF_ODD_LETTERS = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23]
_CF_ODD = dict(zip(_ALPHABET, (*_CF_ODD_DIGITS, *_CF_ODD_LETTERS), strict=True))
IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "BY": 28, "CH": 21,
    "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FO": 18, "FR": 27,
    "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26,
    "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27,
    "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30, "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29,
    "PT": 25, "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SC": 31, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "ST": 25, "SV": 28,
    "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
}  # fmt: skip


_DOUBLED = str.maketrans("0123456789", "0246813579")
"""Twice the digit, the two digits of that added."""


def _digits(text: str) -> list[int]:
    return [int(each) for each in text]


def luhn(text: str) -> bool:
    return sum(map(int, text[::-2] + text[-2::-2].translate(_DOUBLED))) % 10 == 0


def card(text: str) -> bool:
    """A payment card: Luhn, and a first part that some network uses."""
    if not 13 <= len(text) <= 19 or len(set(text)) == 1 or not luhn(text):
        return False
    head = int(text[:6])
    networks = (
        text[0] == "4" and len(text) in (13, 16, 19),
        len(text) == 16 and (510000 <= head <= 559999 or 222100 <= head <= 272099),
        len(text) == 15 and text[:2] in ("34", "37"),
        len(text) in (16, 19) and (head // 100 == 6011 or text[:2] in ("65", "62", "64") or 352800 <= head <= 358999),
        len(text) in (14, 16) and text[:2] in ("30", "36", "38", "39"),
        len(text) == 15 and text[:4] in ("1800", "2131"),
        12 <= len(text) <= 19 and text[:2] in ("50", "56", "57", "58", "67", "63", "60"),
    )
    return any(networks)


def iban(text: str) -> bool:
    text = text.upper()
    if IBAN_LENGTHS.get(text[:2]) != len(text):
        return False
    return int("".join(str(_ALPHABET.index(each)) for each in text[4:] + text[:4])) % 97 == 1


def mod11_10(text: str) -> bool:
    product = 10
    for digit in _digits(text[:-1]):
        total = (digit + product) % 10 or 10
        product = total * 2 % 11
    return (11 - product) % 10 == int(text[-1])


def de_tax_id(text: str) -> bool:
    """Steuerliche Identifikationsnummer: one digit of the first ten stands there twice or three times."""
    if len(text) != 11 or text[0] == "0" or not mod11_10(text):
        return False
    return max(Counter(text[:10]).values()) in (2, 3)


def de_pension(text: str) -> bool:
    """Rentenversicherungsnummer, such as 15 280190 J 826."""
    text = text.upper()
    plain = text[:8] + f"{_ALPHABET.index(text[8]) - 9:02d}" + text[9:]
    products = [
        digit * weight for digit, weight in zip(_digits(plain), (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1), strict=False)
    ]
    return sum(each // 10 + each % 10 for each in products) % 10 == int(text[-1])


def de_health(text: str) -> bool:
    """Krankenversichertennummer: a letter and nine digits."""
    text = text.upper()
    plain = f"{_ALPHABET.index(text[0]) - 9:02d}" + text[1:9]
    products = [digit * (1 + index % 2) for index, digit in enumerate(_digits(plain))]
    return sum(each // 10 + each % 10 for each in products) % 10 == int(text[-1])


def icao(text: str) -> bool:
    """7-3-1 over all but the last character, as in machine-readable travel documents."""
    total = sum(_ALPHABET.index(each) * (7, 3, 1)[index % 3] for index, each in enumerate(text[:-1].upper()))
    return text[-1].isdigit() and total % 10 == int(text[-1])


def at_social(text: str) -> bool:
    digits = _digits(text)
    weights = (3, 7, 9, 0, 5, 8, 4, 2, 1, 6)
    return sum(digit * weight for digit, weight in zip(digits, weights, strict=True)) % 11 == digits[3]


def ean13(text: str) -> bool:
    return sum(digit * (3 if index % 2 else 1) for index, digit in enumerate(_digits(text))) % 10 == 0


def it_code(text: str) -> bool:
    """Codice fiscale."""
    text = text.upper()
    total = sum(
        _CF_ODD[each] if index % 2 == 0 else _ALPHABET.index(each) - (0 if each.isdigit() else 10)
        for index, each in enumerate(text[:15])
    )
    return _ALPHABET[10 + total % 26] == text[15]


def es_nif(text: str) -> bool:
    """NIF or NIE."""
    text = text.upper()
    number = text[:-1].translate(str.maketrans("XYZ", "012"))
    return number.isdigit() and "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23] == text[-1]


def fr_nir(text: str) -> bool:
    number = text[:13].upper().replace("2A", "19").replace("2B", "18")
    return number.isdigit() and 97 - int(number) % 97 == int(text[13:])


def us_ssn(text: str) -> bool:
    return text[:3] not in ("000", "666") and text[0] != "9" and text[3:5] != "00" and text[5:] != "0000"


def uk_nino(text: str) -> bool:
    text = text.upper()
    return (
        text[:2] not in ("BG", "GB", "NK", "KN", "TN", "NT", "ZZ")
        and text[0] not in "DFIQUV"
        and text[1] not in "DFIQUVO"
    )


def vat(text: str) -> bool:
    """VAT id: by check digits for DE and IT, by length for the others."""
    text = text.upper()
    country, number = text[:2], text[2:]
    if country == "DE":
        return len(number) == 9 and number.isdigit() and mod11_10(number)
    if country == "IT":
        return len(number) == 11 and number.isdigit() and luhn(number)
    lengths = {
        "AT": 9, "BE": 10, "BG": 9, "CY": 9, "CZ": 8, "DK": 8, "EE": 9, "EL": 9, "ES": 9, "FI": 8, "FR": 11, "GB": 9,
        "HR": 11, "HU": 8, "IE": 8, "LT": 9, "LU": 8, "LV": 11, "MT": 8, "NL": 12, "PL": 10, "PT": 9, "RO": 8,
        "SE": 12, "SI": 8, "SK": 10,
    }  # fmt: skip
    return lengths.get(country) == len(number) and sum(each.isdigit() for each in number) >= 7
