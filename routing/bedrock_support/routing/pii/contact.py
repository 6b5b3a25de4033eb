"""Ways to reach a person or a machine: e-mail, phone, addresses of the network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from ipaddress import ip_address
from typing import Any

from bedrock_support.routing.pii.letters import has
from bedrock_support.routing.pii.span import CONTEXT, PROVEN, Span

_SEVEN = re.compile(r"\d(?:\D{0,3}\d){6}")
_AT = ("@", "%40", "(at)", "[at]")
_DIGIT = re.compile(r"\d")
_EMAIL = re.compile(
    r"(?<![\w.%+@-])[\w.%+'-]{1,64}(?:@|%40| ?[\[(](?:at|AT)[\])] ?)"
    r"(?:[A-Za-z0-9ÄÖÜäöüß-]{1,63}(?:\.| ?[\[(](?:dot|DOT|punkt)[\])] ?)){1,6}[A-Za-z]{2,24}(?![\w@])"
)
_SPACED_EMAIL = re.compile(
    r"(?<![\w.%+@-])[\w.+-]{2,64} @ (?:[A-Za-z0-9-]{1,63}\.){1,3}(?:com|net|org|info|eu|de|at|ch|fr|it|es|uk|nl|be|io|dev)(?!\w)"
)
_NOT_MAIL = re.compile(r"(?i)^(?:git|svn|hg)@|@(?:[\w-]+\.)*(?:iam\.gserviceaccount|users\.noreply\.github)\.|@\d")
_IPV4 = re.compile(r"(?<![\w.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\w]|\.\d|-\d)")
_IPV6 = re.compile(r"(?<![\w:.])(?=[0-9A-Fa-f:]*:[0-9A-Fa-f:]*:)[0-9A-Fa-f:]{3,39}(?![\w:])")
_VERSIONISH = re.compile(
    r"(?i)(?:\bv\.?$|version|aggiornament|actualizaci|versi|mise à jour|release|firmware|build|agent|chrome|safari|edge|opera|firefox|gecko|java|python|node|openssl|nginx|"
    r"kernel|driver|lib\w*|sdk|update|upgrade|patch|stand|ausgabe|rev)[\w ]{0,10}[/ =:@\"'-]{0,3}$"
)
_MAC = re.compile(r"(?<![\w:-])[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}(?![\w:-])")
_PHONE = re.compile(r"(?<![\w.,/+#=&-])(?:\+|00)?\(?\d(?:[ ./()-]{0,3}\d){6,14}(?![\w]|[.,:/-]\d|%)")
_CALL = re.compile(
    r"(?i)(?:tel|phone|fon|mobil|handy|ruf|call|cell|fax|whats|sms|durchwahl|erreich|nummer|number|kontakt|contact|"
    r"m[óo]vil|tel[ée]f|num[ée]ro|appel|joindre|cell|chiam|kunde|customer|an |at |unter |au |al )[\w .:\"'=(,-]{0,24}$"
)
_NOT_PHONE = re.compile(
    r"(?i)(?:order|ordine|pedido|commande|bestell|auftrag|rechnung|invoice|serien|serial|ticket|konto|account|kundenn|customer[_ -]?id|id|nr|no|"
    r"ref|tracking|sendung|artikel|sku|ean|gtin|imei|steuer|tax|iban|bic|plz|zip|pid|port|line|bytes|size|ms|seq|ts|"
    r"time|epoch|duration|offset|code|hash|amount|betrag|card|karte|nif|dni|ahv|vers\w*)[\w.]{0,8}[ .:#=\"'-]{0,4}$|\b[a-z]{2}\d\d[ -]?$"
)
_DATE = re.compile(r"^\d{1,4}[./-]\d{1,2}[./-]\d{2,4}\b")
REGIONS = ("DE", "AT", "CH", "FR", "IT", "ES", "GB", "US")


def contacts(text: str, words: str) -> Iterator[Span]:
    """E-mail and network addresses, phone numbers. `words` is the text's vocabulary."""
    if has(words, _AT):
        for found in _EMAIL.finditer(text):
            if not _NOT_MAIL.search(found[0]):
                yield Span(*found.span(), "EMAIL", PROVEN)
        for found in _SPACED_EMAIL.finditer(text):
            yield Span(*found.span(), "EMAIL", PROVEN)
    if not _DIGIT.search(text):
        return
    yield from _addresses(text)
    for found in _MAC.finditer(text) if text.count(":") + text.count("-") > 4 else ():
        if found[0].replace(found[1], "").strip("0fF"):
            yield Span(*found.span(), "MAC", PROVEN)
    if _SEVEN.search(text):
        yield from _phones(text)


def _addresses(text: str) -> Iterator[Span]:
    for pattern in (*((_IPV4,) if text.count(".") > 2 else ()), *((_IPV6,) if text.count(":") > 1 else ())):
        for found in pattern.finditer(text):
            before = text[max(0, found.start() - 32) : found.start()]
            if _is_someones(found[0]) and not _VERSIONISH.search(before):
                yield Span(*found.span(), "IP", PROVEN)


def _is_someones(address: str) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    # What is private or set aside for documentation names a place in some network, not somebody.
    return found.is_global and not found.is_multicast


def _phones(text: str) -> Iterator[Span]:
    for found in _PHONE.finditer(text):
        number = found[0].rstrip(" ./()-")
        digits = sum(each.isdigit() for each in number)
        if digits < 7 or _DATE.fullmatch(number):
            continue
        before = text[max(0, found.start() - 40) : found.start()]
        international = number.startswith(("+", "00"))
        called = _CALL.search(before) is not None
        if not international and _NOT_PHONE.search(before):
            continue
        shaped = number.startswith(("0", "(0")) and any(not each.isdigit() for each in number)
        if not (international or called or shaped) or (number.count(".") == 1 and digits < 9):
            continue
        if _dialled(number, strict=not (international or called)):
            yield Span(found.start(), found.start() + len(number), "PHONE", PROVEN if international else CONTEXT)


@cache
def _library() -> Any:
    import phonenumbers  # 23 ms: only once a text holds what may be a number

    return phonenumbers


def _dialled(number: str, *, strict: bool) -> bool:
    """Whether some network would take it."""
    library = _library()
    regions: tuple[str | None, ...] = (None,) if number.startswith("+") else REGIONS
    if number.startswith("00"):
        number, regions = "+" + number[2:], (None,)
    for region in regions:
        try:
            parsed = library.parse(number.replace("(0)", ""), region)
        except library.NumberParseException:
            continue
        if library.is_valid_number(parsed) or (not strict and library.is_possible_number(parsed)):
            return True
    return False
