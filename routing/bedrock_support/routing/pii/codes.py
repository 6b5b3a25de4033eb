"""Codes, plates and places that only the words before them give away."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bedrock_support.routing.pii.cues import Cues, cues
from bedrock_support.routing.pii.span import CONTEXT, Span
from bedrock_support.routing.pii.text import Text

_CUES: dict[str, Cues] = {
    "DE_PASSPORT": cues("reisepass", "pass"),
    "LICENSE_PLATE": cues(
        "kennzeichen", "kfz", "nummernschild", "vehicle", "plate", "fahrzeug", "auto", "wagen", "lkw", "pkw", "targa",
        "matrícula", "matricula", "immatriculation", "license",
    ),
    "CVV": cues("cvv", "cvc", "csc", "prüfziffer", "pruefziffer", "kartenprüfnummer", "security code"),
    "OTP": cues(
        "otp", "one-time", "onetime", "tan", "mtan", "pin", "2fa", "mfa", "passcode", "verifi", "bestätigung", "bestatigung",
        "sicherheits", "einmal", "code", "código", "codigo", "codice", "kod",
    ),
    "GEO": cues("gps", "geo", "lat", "lon", "lng", "position", "location", "standort", "koordinaten", "coord", "fix", "ubicac"),
}  # fmt: skip
"""What each label's pattern begins with."""
_ENOUGH: dict[str, tuple[bytes, ...]] = {
    "DE_PASSPORT": (b"0",),
    "CVV": (b"000",),
    "OTP": (b"0000",),
    "LICENSE_PLATE": (b"a 0", b"a0", b"a-0"),
    "GEO": (b"0.000",),
}
"""What of must stand in the text's bones before a label is looked for."""
_PLATE = re.compile(r"[A-ZÄÖÜ](?<![\w-].)[A-ZÄÖÜ]{0,2}-[A-Z]{1,2} \d{1,4}[EH]?(?![\w-]|\.\d)")
_CODES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("DE_PASSPORT", re.compile(r"(?i:\b(?:reisepass|passport|pass-?(?:nummer|nr|no))[\w .:#-]{0,14}[ :])([CFGHJK][CFGHJKLMNPRTVWXYZ0-9]{8})(?![A-Za-z0-9])")),
    ("CVV", re.compile(r"(?i:\b(?:cvv2?|cvc2?|csc|pr(?:ü|ue?)fziffer|kartenpr[üu]fnummer|security code)\b[\"']?[ :=#]{0,3}[\"']?(?:is |ist |lautet |est |es )?)(\d{3,4})(?!\d)")),
    ("OTP", re.compile(r"(?i:\b(?:otp|one-?time[- ]?(?:pass)?(?:code|word)?|tan|mtan|pin|2fa|mfa|passcode|verification|verifizierung\w{0,6}|best[äa]tigung\w{0,6}|sicherheits\w{0,6}|einmal\w{0,8}|codes?|c[óo]digo|codice|kod)[- ]?(?:code|pin|nummer|number)?\b[\"']?(?: (?:is|ist|lautet|est|es|è|war|was|de|da|for|für|an)\b)?[ :=#\"']{1,4})(\d{4,8})(?![\w.,:-]*\d)(?!\w)")),
    ("LICENSE_PLATE", re.compile(r"(?i:\b(?:kennzeichen|kfz|nummernschild|vehicle|plate|fahrzeug|auto|wagen|lkw|pkw|targa|matr[íi]cula|immatriculation|license)\b[\w .]{0,12}[\"']?[ :=#]{1,3}[\"']?)([A-ZÄÖÜ]{1,3}[ -]{1,3}[A-Z]{1,2}[ -]?\d{1,4}[EH]?)(?![\w-]|\.\d)")),
    ("GEO", re.compile(r"(?i:\b(?:gps|geo|lat(?:itude)?|lon(?:gitude)?|lng|position|location|standort|koordinaten|coord\w{0,8}|fix|ubicaci[óo]n)\b[\w \"':=,\[({-]{0,16})(?<![\d.])(-?\d{1,2}\.\d{3,8}[\"' ]{0,2}[,;/ ][ ]?[\"'\w:= ]{0,12}-?\d{1,3}\.\d{3,8})(?!\d)")),
)  # fmt: skip


def codes(text: Text) -> Iterator[Span]:
    """Codes that are sent or printed on a card, plates of vehicles, coordinates."""
    for label, pattern in _CODES:
        if any(each in text.bones for each in _ENOUGH[label]):
            for at in text.places(_CUES[label]):
                found = pattern.match(text.calm, at)
                if found is not None:
                    yield Span(*found.span(1), label, CONTEXT)
    if b"-a 0" in text.bones or b"-aa 0" in text.bones:
        for found in _PLATE.finditer(text.calm):
            yield Span(*found.span(), "LICENSE_PLATE", CONTEXT)
