"""Ways to reach a person or a machine by its address: e-mail, addresses of the network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import AddressValueError, IPv6Address

from bedrock_support.routing.pii.cues import cues
from bedrock_support.routing.pii.phones import phones
from bedrock_support.routing.pii.span import PROVEN, Span
from bedrock_support.routing.pii.text import Before, Text, backwards

_AT = re.compile(r"(?:@(?<=[\w%+'. -]@)|%40|[\[(](?:at|AT)[\])])(?=[\wÄÖÜäöüß ])")
_MAILED = cues("@", "%40", "at)", "at]")
_LOCAL = re.compile(r" ?(?P<name>[\w.%+'-]{1,64}+)(?![\w.%+@-])")
"""Backwards."""
_LONGEST_LOCAL = 66
_DOMAIN = re.compile(
    r"(?: (?=\S))?(?P<domain>(?:[A-Za-z0-9ÄÖÜäöüß-]{1,63}(?:\.| ?[\[(](?:dot|DOT|punkt)[\])] ?)){1,6}[A-Za-z]{2,24})(?![\w@])"
)
_COMMON = re.compile(r"(?i)\.(?:com|net|org|info|eu|de|at|ch|fr|it|es|uk|nl|be|io|dev)$")
_NOT_MAIL = re.compile(
    r"(?i)^(?:git|svn|hg)@|@(?:[\w-]+\.)*(?:iam\.gserviceaccount|users\.noreply\.github)\.|@\d|\.(?:service|socket|timer|target|mount|slice|scope|device)$"
)
_PART = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_IPV4 = re.compile(
    rf"\d(?<![\w.].)(?:(?<=2)(?:5[0-5]?|[0-4]\d?|[6-9])?|(?<=1)\d{{0,2}}|(?<=[03-9])\d?)\.{_PART}\.{_PART}\.{_PART}(?!\w|\.\d|-\d)"
)
_COLONS = re.compile(r":(?::|(?:[0-9A-Fa-f]{1,4}:){6})")
"""What no IPv6 address lacks: two colons together, or seven of them."""
_HEX = re.compile(r"[0-9A-Fa-f:]*")
_FULL = 7
"""Colons of an IPv6 address in which nothing is left out."""
_LONGEST_V6 = 39
_VERSIONS = Before(
    (
        "version", "aggiornament", "actualizaci", "versi", "mise à jour", "release", "firmware", "build", "agent", "chrome",
        "safari", "edge", "opera", "firefox", "gecko", "java", "python", "node", "openssl", "nginx", "kernel", "driver", "lib",
        "sdk", "update", "upgrade", "patch", "stand", "ausgabe", "rev",
    ),
    r"[\w ]{0,24}[/ =:@\"'-]{0,3}",
)  # fmt: skip
_MAC = {
    each: re.compile(rf"{each}(?<=[0-9A-Fa-f]{{2}}.)(?<![\w:-]..{each})(?:[0-9A-Fa-f]{{2}}{each}){{4}}[0-9A-Fa-f]{{2}}(?![\w:-])")
    for each in ":-"
}  # fmt: skip
_PRIVATE = re.compile(
    r"(?:0|10|127|22[4-9]|2[345]\d|192\.0\.[02]|192\.168|169\.254|172\.(?:1[6-9]|2\d|3[01])|198\.1[89]|198\.51\.100|203\.0\.113|"
    r"100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\."
)
"""What is private or set aside names a place in some network, not somebody (IANA's registry of special addresses)."""


def contacts(text: Text) -> Iterator[Span]:
    """E-mail and network addresses, phone numbers."""
    if text.any(_MAILED):
        yield from _mails(text.calm, text.back)
    if not text.digits:
        return
    if b".0" in text.bones:
        yield from _v4(text)
    if ":" in text.calm:
        yield from _v6(text)
    for sign, pattern in _MAC.items():
        if text.calm.count(sign) > 4:
            for found in pattern.finditer(text.calm):
                start, end = found.start() - 2, found.end()
                if text.calm[start:end].replace(sign, "").strip("0fF"):
                    yield Span(start, end, "MAC", PROVEN)
    yield from phones(text)


def _mails(text: str, back: str) -> Iterator[Span]:
    done, size = 0, len(text)
    for at in _AT.finditer(text):
        if at.start() < done:
            continue
        behind = size - at.start()
        local = _LOCAL.match(back, behind, behind + _LONGEST_LOCAL)
        domain = _DOMAIN.match(text, at.end()) if local is not None else None
        if local is None or domain is None:
            continue
        name = local["name"].rstrip("'")  # backwards: a quotation mark before it
        start, done = size - local.start("name") - len(name), domain.end()
        spaced = local.start("name") > behind or domain.start("domain") > at.end()
        if not name or (at[0] in ("@", "%40") and spaced and not _COMMON.search(domain["domain"])):
            continue
        if not _NOT_MAIL.search(text[start:done]):
            yield Span(start, done, "EMAIL", PROVEN)


def _v4(text: Text) -> Iterator[Span]:
    calm = text.calm
    for found in _IPV4.finditer(calm):
        start, end = found.span()
        if not _PRIVATE.match(calm, start) and not _versionish(text, start):
            yield Span(start, end, "IP", PROVEN)


def _versionish(text: Text, start: int) -> bool:
    """Whether the words before it say that it is a version."""
    before = max(0, start - 32)
    if not text.lettered(before, start):
        return False
    last = text.low[max(0, start - 3) : start].removesuffix(".")
    return (last.endswith("v") and not last[-2:-1].isalnum()) or _VERSIONS.said(text, before, start)


def _v6(text: Text) -> Iterator[Span]:
    calm = text.calm
    done = 0
    for inner in _COLONS.finditer(calm):
        if inner.start() < done:
            continue
        tail = _HEX.match(calm, inner.start())
        done = tail.end() if tail is not None else inner.end()
        head = _HEX.match(backwards(calm, inner.start(), _LONGEST_V6 + 1))
        start = inner.start() - (head.end() if head is not None else 0)
        address = calm[start:done]
        if (
            len(address) > _LONGEST_V6
            or address.endswith("::")
            or ("::" not in address and address.count(":") != _FULL)
        ):
            continue
        around = calm[start - 1 : start] + calm[done : done + 1]
        if any(each.isalnum() or each in "_." for each in around) or not _is_someones(address):
            continue
        if not _versionish(text, start):
            yield Span(start, done, "IP", PROVEN)


def _is_someones(address: str) -> bool:
    try:
        found = IPv6Address(address)
    except AddressValueError:
        return False
    return found.is_global and not found.is_multicast
