"""Secrets: by the form that their issuer gives them, by the header or URL they stand in, and by what is said of them."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator

from bedrock_support.routing.pii.letters import has
from bedrock_support.routing.pii.span import CONTEXT, PROVEN, Span

_PRIVATE = re.compile(
    r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:(?!-----BEGIN)[A-Za-z0-9+/=\s\\:,.-]){0,16384}?"
    r"(?:-----END (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----|(?=\n\s{0,8}\n|\Z|[^A-Za-z0-9+/=\s\\:,.-]))"
)
_FORMS = re.compile(
    r"(?<![A-Za-z0-9_/+-])(?:"
    r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?![A-Za-z0-9])|ABSK[A-Za-z0-9+/]{40,300}={0,2}|"
    r"eyJ[\w-]{8,4096}\.(?:eyJ)?[\w-]{8,8192}(?:\.[\w-]{8,2048})?|"
    r"gh[pousr]_[A-Za-z0-9]{30,255}|github_pat_\w{22,255}|glpat-[\w-]{20,64}|gl(?:rt|dt|ptt|soat|ft)-[\w-]{20,64}|"
    r"xox[abeoprs]-[\w-]{10,250}|xapp-\d-[\w-]{20,200}|"
    r"sk-(?:ant-|proj-|svcacct-|or-v1-)?[\w-]{20,250}|[rsp]k_(?:live|test|prod)_[A-Za-z0-9]{10,250}|whsec_[A-Za-z0-9+/=]{20,100}|"
    r"AIza[\w-]{35}|ya29\.[\w-]{20,300}|GOCSPX-[\w-]{28}|"
    r"SG\.[\w-]{16,32}\.[\w-]{32,64}|key-[0-9a-f]{32}|(?:AC|SK)[0-9a-f]{32}|"
    r"npm_[A-Za-z0-9]{36}|pypi-AgEIcHlwaS5vcmc[\w-]{50,300}|pypi-[\w-]{60,300}|rubygems_[0-9a-f]{48}|dckr_pat_[\w-]{24,60}|"
    r"dop_v1_[0-9a-f]{64}|do[or]_v1_[0-9a-f]{64}|hvs\.[\w-]{20,200}|hvb\.[\w-]{60,300}|s\.[A-Za-z0-9]{24}|"
    r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}|sq0(?:atp|csp)-[\w-]{22,64}|EAAA[\w-]{60}|"
    r"hf_[A-Za-z]{30,50}|nvapi-[\w-]{60,80}|r8_[A-Za-z0-9]{37}|gsk_[A-Za-z0-9]{40,60}|xai-[A-Za-z0-9]{60,90}|pplx-[A-Za-z0-9]{40,60}|"
    r"lin_api_[A-Za-z0-9]{40}|secret_[A-Za-z0-9]{43}|ntn_[A-Za-z0-9]{40,60}|figd_[\w-]{40,60}|PMAK-[0-9a-f]{24}-[0-9a-f]{34}|"
    r"dapi[0-9a-f]{32}|glsa_\w{32}_[0-9a-f]{8}|glc_[A-Za-z0-9+/=]{32,300}|sntr[yu]s_[\w=-]{40,300}|dt0[a-z]\d\d\.[A-Z0-9]{24}\.[A-Z0-9]{64}|"
    r"AGE-SECRET-KEY-1[A-Z0-9]{58}|tskey-[a-z]{3,8}-[\w-]{20,80}|CCIPAT_\w{20,80}|pul-[0-9a-f]{40}|fio-u-[\w=-]{64}|"
    r"\d{8,10}:AA[\w-]{33}|[MNO][A-Za-z\d]{23,25}\.[\w-]{6}\.[\w-]{27,38}|v2\.local\.[\w-]{40,400}|AC[0-9a-f]{32}"
    r")(?![A-Za-z0-9_])"
)
_HOOK = re.compile(
    r"https://(?:hooks\.slack\.com/(?:services|workflows|triggers)/|discord(?:app)?\.com/api/webhooks/|[\w-]{1,60}\.webhook\.office\.com/"
    r"|outlook\.office\.com/webhook/|hooks\.zapier\.com/hooks/|chat\.googleapis\.com/v1/spaces/|maker\.ifttt\.com/trigger/"
    r")(?P<value>[\w/@?=&.%-]{8,400})"
)
_IN_URL = re.compile(r"(?<=://)(?P<user>[^\s:/@\"'<>]{0,128}):(?P<value>[^\s/@\"'<>]{1,256})@(?=[\w.\[-])")
_QUERY = re.compile(
    r"(?i)[?&;](?:access_token|id_token|refresh_token|token|api_?key|apikey|key|sig|signature|secret|password|pwd|pass|code|auth|"
    r"x-amz-(?:signature|security-token|credential)|client_secret|session(?:id)?|sas)=(?P<value>[^&\s\"'<>#;]{6,2048})"
)
_HEADER = re.compile(
    r"(?i)(?:\b(?:proxy-)?authorization[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?:(?:bearer|basic|token|digest|apikey|aws4-hmac-sha256|negotiate)\s{1,3})?|"
    r"\b(?:bearer|basic)\s{1,3})(?P<value>[A-Za-z0-9._~+/=-]{12,4096})"
)
_COOKIES = re.compile(r"(?i)\b(?:set-)?cookie[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?P<all>[^\n\"'|]{3,4096})")
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
    r"(?:(?<=\s)-u|--user|--proxy-user)[ =]{1,2}[\"']?(?P<user>[^\s:\"']{1,128}):(?P<value>[^\s\"']{1,256})"
)
_OPTION = re.compile(
    r"(?i)(?<=\s)--?(?:[\w-]{0,24}(?:password|passwd|passphrase|secret|token|api-?key|access-?key)|pass|pw)[ =]{1,2}[\"']?(?P<value>[^\s\"']{3,512})"
)
_MYSQL = re.compile(r"\b(?:mysql|mysqldump|mysqladmin|mariadb)\b[^\n|]{0,120}?\s-p(?P<value>[^\s\"'-][^\s\"']{2,128})")
_SAID = re.compile(
    r"(?i)\b(?:pass(?:wor[dt]|phrase|code)?|pwd|passwort\w{0,3}|kennwort|zugangscode|mot de passe|contrase[ñn]a|clave|password|parola chiave|"
    r"secret|token|api[- ]?key|schl[üu]ssel)\b[^\n.!?:=\"'“„»]{0,32}?(?:\b(?:is|was|ist|lautet|war|heißt|est|es|è|era|to|auf|:)|[:=])"
    r"\s{0,2}(?:[\"'“„«»`‚‘]{1,2}(?P<quoted>[^\s\"'”“«»`’‘]{3,128})|(?P<bare>[^\s\"'<>(){}\[\],;“„]{4,128}))"
)
_QUOTED = re.compile(
    r"(?i)\b(?:passwor[dt]|kennwort|mot de passe|contrase[ñn]a|pass(?:code|phrase)|pwd)\b[^\n\"'“„«`]{0,24}[\"“„«`'‚](?P<value>[^\s\"”“»`'’‘]{4,64})[\"”“»`'’‘]"
)
_BLANK = re.compile(
    r"(?i)^(?:\$|%|\{|<|\[\[|\*+$|x+$|\.+$|-+$|•+$|null\b|none\b|nil\b|true\b|false\b|undefined|changeme|change_me|redacted|example|"
    r"hidden|masked|secret$|password$|passwort$|token$|string$|env[.(]|process\.env|os\.|getenv|vault:|arn:|ref\+|!|\(|file:|/(?:etc|run|var|home|secrets?|mnt|opt|usr|app|tmp|root)/|"
    r"placeholder|your[_-]|my[_-]?|todo|required|optional|invalid|expired|missing|wrong|falsch|incorrect|not$|empty)"
)
_WORD = re.compile(r"^[A-Za-zÄÖÜäöüßéèáíóúñç]+[.!?,:;]?$")


_GATED = (
    (_QUERY, ("=",)),
    (_HEADER, ("authorization", "bearer", "basic")),
    (_CURL, ("-u", "user")),
    (_OPTION, (" -",)),
    (_MYSQL, ("mysql", "mariadb")),
)
"""Patterns, and what of must stand in the text in lower case for one to be tried."""
_SAID_WORDS = (
    "pass",
    "pwd",
    "kennwort",
    "zugangscode",
    "contrase",
    "clave",
    "parola",
    "secret",
    "token",
    "key",
    "schl",
)


def secrets(text: str, words: str) -> Iterator[Span]:
    """Keys, tokens, passwords, cookies. `words` is the text's vocabulary."""
    if "PRIVATE KEY" in text:
        yield from _private_keys(text)
    for found in _FORMS.finditer(text):
        yield Span(*found.span(), "SECRET", PROVEN)
    if "://" in text:
        yield from _in_urls(text)
    for pattern, gates in _GATED:
        if has(words, gates):
            yield from _valued(text, pattern)
    if "cookie" in words:
        yield from _cookies(text)
    if has(words, _SAID_WORDS):
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


def _valued(text: str, pattern: re.Pattern[str]) -> Iterator[Span]:
    for found in pattern.finditer(text):
        value = found["value"]
        if pattern is _CURL:
            yield Span(*found.span("user"), "USERNAME", CONTEXT)
        if not blank(value) and (pattern is not _HEADER or any(map(str.isdigit, value)) or len(value) > 24):
            yield Span(*found.span("value"), "SECRET", PROVEN)


def _cookies(text: str) -> Iterator[Span]:
    for found in _COOKIES.finditer(text):
        start = found.start("all")
        for each in _COOKIE.finditer(found["all"]):
            if each["name"].lower() not in _COOKIE_PLAIN and len(each["value"]) > 3:
                yield Span(start + each.start("value"), start + each.end("value"), "SECRET", PROVEN)


def _said(text: str) -> Iterator[Span]:
    for found in _SAID.finditer(text):
        group = "quoted" if found["quoted"] else "bare"
        value = found[group]
        stripped = value.rstrip(".,!?)")
        if blank(stripped) or len(stripped) < 3:
            continue
        if group == "bare" and not unlikely_word(stripped):
            continue
        yield Span(found.start(group), found.start(group) + len(stripped), "SECRET", CONTEXT)
    for found in _QUOTED.finditer(text):
        if not blank(found["value"]):
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
    return kinds >= 2 and not value.replace("-", "").replace(".", "").isalpha()


def entropy(value: str) -> float:
    """Bits a character."""
    counted = Counter(value)
    return -sum(n / len(value) * math.log2(n / len(value)) for n in counted.values())
