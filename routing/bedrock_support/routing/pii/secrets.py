"""Secrets: by the form that their issuer gives them, by the header or URL they stand in, and by what is said of them."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator

from bedrock_support.routing.pii.cues import cues
from bedrock_support.routing.pii.forms import formed
from bedrock_support.routing.pii.span import CONTEXT, PROVEN, Span
from bedrock_support.routing.pii.text import Text

_PRIVATE = re.compile(
    r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:(?!-----BEGIN)[A-Za-z0-9+/=\s\\:,.-]){0,16384}?"
    r"(?:-----END (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----|(?=\n\s{0,8}\n|\Z|[^A-Za-z0-9+/=\s\\:,.-]))"
)
_HOOK = re.compile(
    r"(?P<value>https?://(?:hooks\.slack\.com/(?:services|workflows|triggers)/|discord(?:app)?\.com/api/webhooks/|[\w-]{1,60}\.webhook\.office\.com/"
    r"|outlook\.office\.com/webhook/|hooks\.zapier\.com/hooks/|chat\.googleapis\.com/v1/spaces/|maker\.ifttt\.com/trigger/"
    r")[\w/@?=&.%+-]{8,400})"
)
_IN_URL = re.compile(r"://(?P<user>[^\s:/@\"'<>]{0,128}):(?P<value>[^\s/@\"'<>]{1,256})@(?=[\w.\[-])")
_QUERY = re.compile(
    r"(?i)[?&;](?:access_token|id_token|refresh_token|token|api_?key|apikey|key|sig|signature|secret|password|pwd|pass|code|auth|"
    r"x-amz-(?:signature|security-token|credential)|client_secret|session(?:id)?|sas)=(?P<value>[^&\s\"'<>#;]{6,2048})"
)
_HEADER = re.compile(
    r"(?i)(?:\b(?:proxy-)?authorization[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?:(?:bearer|basic|token|digest|apikey|aws4-hmac-sha256|negotiate)\s{1,3})?|"
    r"\b(?:bearer|basic)\s{1,3})(?P<value>[A-Za-z0-9._~+/=-]{12,4096})"
)
_COOKIES = re.compile(r"(?i)\bcookie[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?P<all>[^\n\"'|]{3,4096})")
_COOKIE = re.compile(r"(?P<name>[\w.$!%^~-]{1,64})=(?P<value>[^;\s,\"']{1,2048})")
_COOKIE_PLAIN = frozenset(
    [
        "path",
        "domain",
        "expires",
        "max-age",
        "samesite",
        "priority",
        "version",
        "lang",
        "language",
        "locale",
        "theme",
        "consent",
        "secure",
        "httponly",
        "partitioned",
    ]
)
_CURL = re.compile(
    r"-(?:(?<=\s-)u|-user|-proxy-user)[ =]{1,2}[\"']?(?P<user>[^\s:\"']{1,128}):(?P<value>[^\s\"']{1,256})"
)
_OPTION = re.compile(
    r"(?i)-(?<=\s-)-?(?:[\w-]{0,24}(?:password|passwd|passphrase|secret|token|api-?key|access-?key)|pass|pw)[ =]{1,2}[\"']?(?P<value>[^\s\"']{3,512})"
)
_MYSQL = re.compile(r"\b(?:mysql|mysqldump|mysqladmin|mariadb)\b[^\n|]{0,120}?\s-p(?P<value>[^\s\"'-][^\s\"']{2,128})")
_SAID = re.compile(
    r"(?i)\b(?:pass(?:wor[dt]|phrase|code)?|pwd|passwort\w{0,3}|kennwort|zugangscode|mot de passe|contrase[ñn]a|clave|password|parola chiave|"
    r"secret|token|api[- ]?key|schl(?:ü|ue?)ssel)\b[^\n.!?:=\"'“„»]{0,32}?(?:\b(?:is|was|ist|lautet|war|heißt|est|es|è|era|to|auf|:)|[:=])"
    r"\s{0,2}(?:[\"'“„«»`‚‘]{1,2}(?P<quoted>[^\s\"'”“«»`’‘]{3,128})|(?P<bare>[^\s\"'<>(){}\[\],;“„]{4,128}))"
)
_QUOTED = re.compile(
    r"(?i)\b(?:passwor[dt]|kennwort|mot de passe|contrase[ñn]a|pass(?:code|phrase)|pwd)\b[^\n\"'“„«`]{0,24}(?:« |[\"“„«`'‚])(?P<value>[^\s\"”“»`'’‘]{4,64})(?: »|[\"”“»`'’‘])"
)
_BLANK = re.compile(
    r"(?i)^(?:\$|%|\{|<|\[\[|\*+$|x+$|\.+$|-+$|•+$|null\b|none\b|nil\b|true\b|false\b|undefined|changeme|change_me|redacted|example|"
    r"hidden|masked|secret$|password$|passwort$|token$|string$|env[.(]|process\.env|os\.|getenv|vault:|arn:|ref\+|!|\(|file:|/(?:etc|run|var|home|secrets?|mnt|opt|usr|app|tmp|root)/|"
    r"placeholder|your[_-]|my[_-]?|todo|required|optional|invalid|expired|missing|wrong|falsch|incorrect|not$|empty)"
)
_WORD = re.compile(r"^[A-Za-zÄÖÜäöüßéèáíóúñç]+[.!?,:;]?$")


_SOUGHT = ((_QUERY, cues("=")), (_CURL, cues("-u", "user")), (_OPTION, cues(" -")))
"""Patterns that begin with one sign, and what of must stand in the text for one to be tried."""
_CUED = (
    (_HEADER, cues("authorization", "bearer", "basic")),
    (_MYSQL, cues("mysql", "mariadb")),
)
"""Patterns, and the words that each begins with."""
_LONG_WORD = 24
"""Letters of what is no word after *basic* or *bearer*."""
_COOKIE_CUES = cues("cookie")
_LONGEST_SAID = 220
"""Characters of such a sentence."""
_SAID_CUES = cues(
    "pass", "pwd", "kennwort", "zugangscode", "mot de passe", "contrase", "clave", "parola chiave", "secret", "token", "api key",
    "api-key", "apikey", "schlüssel", "schluessel",
)  # fmt: skip
"""What a sentence about a password or a key has in it."""


def secrets(text: Text) -> Iterator[Span]:
    """Keys, tokens, passwords, cookies."""
    whole = text.whole
    if "PRIVATE KEY" in whole:
        yield from _private_keys(whole)
    yield from formed(text)
    if "://" in whole:
        yield from _in_urls(whole)
    yield from _sought(text)
    yield from _headed(text)
    yield from _cookies(text)
    yield from _said(text)


def _private_keys(text: str) -> Iterator[Span]:
    at = 0
    while (found := _PRIVATE.search(text, at)) is not None:
        yield Span(*found.span(), "SECRET", PROVEN + 1)
        at = found.end()


def _in_urls(text: str) -> Iterator[Span]:
    for pattern in (_HOOK, _IN_URL):
        for found in pattern.finditer(text):
            if not blank(found["value"]):
                yield Span(*found.span("value"), "SECRET", PROVEN + 1)


def _sought(text: Text) -> Iterator[Span]:
    for pattern, gates in _SOUGHT:
        if text.any(gates):
            for found in pattern.finditer(text.whole):
                if not blank(found["value"]):
                    yield Span(*found.span("value"), "SECRET", PROVEN)
                if pattern is _CURL and not blank(found["user"]):
                    yield Span(*found.span("user"), "USERNAME", CONTEXT)


def _headed(text: Text) -> Iterator[Span]:
    for pattern, words in _CUED:
        for at in text.places(words):
            found = pattern.match(text.whole, at)
            if found is None or blank(value := found["value"]):
                continue
            if pattern is not _HEADER or any(map(str.isdigit, value)) or len(value) > _LONG_WORD:
                yield Span(*found.span("value"), "SECRET", PROVEN)


def _cookies(text: Text) -> Iterator[Span]:
    whole, done = text.whole, 0
    for at in text.places(_COOKIE_CUES):
        found = _COOKIES.match(whole, at) if at >= done else None
        if found is not None:
            start, done = found.span("all")
            for each in _COOKIE.finditer(whole, start, done):
                if each["name"].lower() not in _COOKIE_PLAIN and len(each["value"]) > 3:
                    yield Span(*each.span("value"), "SECRET", PROVEN)


def _said(text: Text) -> Iterator[Span]:
    whole = text.whole
    done = 0
    for at in text.places(_SAID_CUES):
        if done - _LONGEST_SAID <= at < done:
            continue
        found = _SAID.match(whole, at)
        if found is not None:
            done = found.end()
            group = "quoted" if found["quoted"] else "bare"
            stripped = found[group].rstrip(".,!?)")
            if len(stripped) > 2 and not blank(stripped) and (group == "quoted" or unlikely_word(stripped)):
                yield Span(found.start(group), found.start(group) + len(stripped), "SECRET", CONTEXT)
        found = _QUOTED.match(whole, at)
        if found is not None and not blank(found["value"]):
            yield Span(*found.span("value"), "SECRET", CONTEXT)


def blank(value: str) -> bool:
    """Whether it stands for a value rather than being one."""
    return _BLANK.match(value.strip("\"'")) is not None


def unlikely_word(value: str) -> bool:
    """Whether it looks chosen rather than said: digits or signs among letters."""
    if _WORD.match(value):
        return False
    if any(each.isupper() for each in value[1:]) and any(each.islower() for each in value):
        return True
    kinds = sum((any(c.isdigit() for c in value), any(c.isalpha() for c in value), any(not c.isalnum() for c in value)))
    return kinds >= 2 and not value.replace("-", "").replace(".", "").replace("_", "").isalpha()


def entropy(value: str) -> float:
    """Bits a character."""
    counted = Counter(value)
    return -sum(n / len(value) * math.log2(n / len(value)) for n in counted.values())
