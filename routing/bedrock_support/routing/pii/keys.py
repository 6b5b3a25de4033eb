"""Values whose key says what they are: JSON, YAML, environment, log fields, columns of CSV and SQL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from bedrock_support.routing.pii.secrets import blank, entropy, unlikely_word
from bedrock_support.routing.pii.span import KEYED, Span
from bedrock_support.routing.pii.text import Text, backwards

_SIGN = re.compile(r"[:=](?<!\d:(?=\d))[:=]*>?")
"""What stands between a key and its value."""
_KEY = re.compile(
    r"[!?.+|&<>]{0,2}\s{0,3}(?:\]\d{0,6}\[|\])?(?:(?:gnirt[sS]|rt[sS]|rahc|txet)[ :]{1,3}(?=\w))?[\"'`]?\\{0,3}"
    r"(?P<key>(?:(?:emaN|rN|remmuN|esserdA|dI|DI|yeK) )?[\wÄÖÜäöüß.-]{2,49})(?![\w.-])"
)
"""Backwards: the key, in quotation marks or not, and behind it the type that some languages put there."""
_LONGEST_KEY = 84
_VALUE = re.compile(
    r"[ \t]{0,3}(?:@(?=\"))?(?:\"(?P<double>(?:[^\"\\\n]|\\.){1,600})|\\{1,3}\"(?P<inner>(?:[^\"\\\n]|\\\\\\.|\\\\[^\"\\\n]){1,600})|'(?P<single>[^'\n]{1,600})'|`(?P<tick>[^`\n]{1,600})`"
    r"|(?P<bare>(?:[^\s,;&\"'`<>(){}\[\]|\\]|\\(?![nrt\"'])){1,600}))"
)
_SET = re.compile(r"[\"'](?<=[\w.-].)\s?,\s{0,2}(?:\"(?P<double>[^\"\\\n]{4,600})\"|'(?P<single>[^'\n]{4,600})')")
"""The second of two arguments."""
_TAG = re.compile(
    r"<(?P<key>[A-Za-z_][\w.:-]{1,48})(?: [^<>\n]{0,200})?>\s{0,40}(?P<value>[^<>\s][^<>\n]{0,400})\s{0,40}</"
)
_CAMEL = re.compile(r"(?<=[a-zäöü0-9])(?=[A-Z])|[_.\s-]+")
_SECRET_KEYS = re.compile(
    r"(?:pass(?:word|wd|phrase|wort|code)?|pwd|kennwort|secret|token|api ?key|access ?key|private ?key|signing ?key|encryption ?key|"
    r"client ?secret|credential|auth|bearer|session(?: ?id)?|sid|jsessionid|phpsessid|cookie|connection ?string|dsn|access ?id|webhook|salt|signature|"
    r"license ?key|account ?key|storage ?key|shared ?key|master ?key|stripe ?key|key)$"
)
_NO_KEY = re.compile(
    r"(?:max|min|num|count|total|used|input|output|prompt|completion|per|limit|remaining|expires?|ttl|length|size|type|url|uri|"
    r"endpoint|file|path|name|field|policy|enabled|required|version|public|primary|foreign|partition|sort|cache|routing|idempotency|"
    r"object|bucket|s3|row|hash|index|map|registry|host|message|status|error|reset|rotated|age|hint|id)\b"
)
"""First words of keys that lock nothing."""
_NO_SECRET = re.compile(
    r"(?:max|min|num|count|total|used|input|output|prompt|completion|per|limit|remaining|expires?|ttl|length|size|type|public|"
    r"unexpected|invalid|unknown|expected|syntax|error)\b"
)
"""First words of tokens that are counted or parsed."""
_LABELS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("EMAIL", re.compile(r"(?:e ?)?mail(?: ?address| ?adresse)?|correo|courriel")),
    ("PHONE", re.compile(r"(?:tele)?(?:phone|fon)(?: ?(?:number|nr|nummer))?|tel|mobile?|handy(?: ?nr)?|fax|m[óo]vil|cell|rufnummer|msisdn")),
    ("DATE_OF_BIRTH", re.compile(r"(?:birth ?(?:date|day)?|date ?of ?birth|dob|geb(?:urts)?(?: ?(?:datum|tag|dat))?|geburtsdatum|nacimiento|naissance|nascita|born)")),
    ("USERNAME", re.compile(r"(?:user ?(?:name|login|id)?|usr|login ?(?:name|id)?|account ?name|benutzer(?: ?name)?|usuario|utilisateur|utente|courier|operator|actor|principal|uid|nick(?:name)?)")),
    ("PERSON", re.compile(r"(?:(?:first|last|full|given|family|sur|middle|fore|display|contact|customer|holder|cardholder|card ?holder|billing|shipping|recipient|patient|employee|guest|client|vor|nach|familien|zu|ansprech\w*|kunden|kontakt|empf[äa]nger|inhaber|karten ?inhaber|gast)[ ]?(?:name|nom|person|partner)?|holder|vorname|nachname|name|nombre|apellidos?|nom|pr[ée]nom|nome|cognome|kunde|gast|titular|recipient|patient|contact ?person|ansprechpartner)")),
    ("ADDRESS", re.compile(r"(?:(?:home|billing|shipping|street|postal|mailing|delivery|liefer|rechnungs|wohn|post)?[ ]?(?:address|adresse|anschrift)(?: ?line ?\d)?|street(?: ?(?:name|line ?\d))?|str(?:asse|aße)|line ?1|direcci[óo]n|domicilio|indirizzo|via|rue)")),
    ("IP", re.compile(r"(?:ip|client ?ip|remote ?(?:addr|ip|host)|src ?(?:ip|addr)|source ?ip|peer ?(?:ip|addr)|x forwarded for)")),
    ("LICENSE_PLATE", re.compile(r"(?:kennzeichen|license ?plate|plate(?: ?number)?|vehicle(?: ?(?:plate|reg))?|kfz|fahrzeug)")),
    ("OTP", re.compile(r"(?:otp|tan|pin|passcode|mfa ?code|verification ?code|one ?time ?(?:code|password)|2fa)")),
    ("CVV", re.compile(r"(?:cvv2?|cvc2?|csc|security ?code)")),
    ("GEO", re.compile(r"(?:gps|geo|coordinates?|koordinaten|latlng|lat ?lon)")),
)  # fmt: skip
_ALONE = frozenset(["operator", "actor", "principal", "courier", "uid"])
"""Words that name a user only where nothing stands before them."""
_NAME = re.compile(
    r"^[A-ZÀ-ÖØ-ÞŁŠŽČŞĞİ][\w'’.-]{1,30}(?:[ -](?:(?:von|van|de|del|della|di|da|dos|la|le|el|al|zu|zum|der|den|y|e|bin|ben) )?[A-ZÀ-ÖØ-ÞŁŠŽČŞĞİ][\w'’.-]{0,30}){0,4}$"
)
_LOGIN = re.compile(r"^(?=.*[a-z])[a-z][a-z0-9._+-]{2,40}$", re.IGNORECASE)
_SYSTEM = frozenset(
    [
        "root",
        "admin",
        "administrator",
        "system",
        "postgres",
        "mysql",
        "nginx",
        "www-data",
        "ubuntu",
        "ec2-user",
        "daemon",
        "nobody",
        "jenkins",
        "git",
        "service",
        "anonymous",
        "guest",
        "none",
        "null",
        "true",
        "false",
        "unknown",
        "user",
        "test",
        "default",
        "app",
        "api",
        "web",
        "worker",
        "cron",
        "backup",
        "deploy",
        "runner",
        "bot",
        "oracle",
        "redis",
        "kafka",
        "elastic",
        "sa",
        "public",
        "local",
        "localhost",
        "client",
        "server",
        "customer",
    ]
)
_DATE = re.compile(
    r"^(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/. ]{1,2}(?:\d{1,2}|[A-Za-zéûäç]{3,10}\.?)[-/. ]{1,2}(?:\d{4}|\d{2}))(?:T00:00.*)?$"
)


def keyed(text: Text) -> Iterator[Span]:
    """Values of keys that name personal data or a secret. Looked for without the text's moments, which hold colons."""
    whole = text.whole
    if "</" in whole:
        yield from _tagged(whole)
    if "=" in text.calm or ":" in text.calm:
        yield from _pairs(text)
    if "'," in whole or '",' in whole:
        for found in _SET.finditer(whole):
            key = _KEY.match(backwards(whole, found.start() + 1, _LONGEST_KEY))
            group = "double" if found["double"] else "single"
            if key is not None and _promised(key["key"][::-1])[0] == "SECRET":
                yield from labelled(key["key"][::-1], found[group], found.start(group))


def _pairs(text: Text) -> Iterator[Span]:
    calm, whole, back, size = text.calm, text.whole, text.back, len(text.calm)
    done = 0
    for sign in _SIGN.finditer(calm):
        at = sign.start()
        if at < done:
            continue
        head = _KEY.match(back, size - at, size - at + _LONGEST_KEY)
        if head is None:
            continue
        key = head["key"][::-1]
        if not _promised(key)[0]:
            continue
        found = _VALUE.match(calm, sign.end())
        if found is None:
            continue
        group = found.lastgroup or "bare"
        if group == "bare" and (whole[found.end() : found.end() + 1] in _OPENING or _named_alike(key, found["bare"])):
            continue  # code: a call, a type with its parameters, a variable
        if sign[0].startswith("==") and not unlikely_word(found[group]):
            continue  # code compares with words
        told = False
        for each in _labelled(text, key, whole[slice(*found.span(group))], found.start(group)):
            yield each
            told = True
        if told or group == "bare":
            done = found.end()


_OPENING = frozenset("([")


def _labelled(text: Text, key: str, value: str, start: int) -> Iterator[Span]:
    """As labelled(), remembered for this text: logs say the same of the same key thousands of times."""
    known = text.told.get((key, value))
    if known is None:
        known = text.told[key, value] = [(each.end, each.label, each.rank) for each in labelled(key, value, 0)]
    for length, label, rank in known:
        yield Span(start, start + length, label, rank)


def _tagged(text: str) -> Iterator[Span]:
    for found in _TAG.finditer(text):
        yield from labelled(found["key"], found["value"], found.start("value"))


def labelled(key: str, value: str, start: int) -> Iterator[Span]:
    """The value, where its key says that it is someone's."""
    label, words = _promised(key)
    if not label:
        return
    bare = value.strip()
    if not bare or blank(bare):
        return
    if _chosen(words, bare) if label == "SECRET" else _fits(label, bare, words):
        yield Span(start, start + len(value.rstrip(" .,")), label, KEYED)


def promising(key: str) -> bool:
    """Whether a key says anything of its value."""
    return bool(_promised(key)[0])


@lru_cache(maxsize=4096)
def _promised(key: str) -> tuple[str, str]:
    """What a key says its value is, if anything, and the key's words. Logs and tables repeat their keys."""
    words = _CAMEL.sub(" ", key).strip().lower()
    if _SECRET_KEYS.search(words) and not (_NO_KEY if words.endswith("key") else _NO_SECRET).match(words):
        return "SECRET", words
    last = words.rpartition(" ")[2]
    for label, pattern in _LABELS:
        if pattern.fullmatch(words) or (
            pattern.fullmatch(last) and label not in ("PERSON", "ADDRESS") and last not in _ALONE
        ):
            return label, words
    return "", words


def _chosen(words: str, value: str) -> bool:
    """Whether a secret's key holds a secret, and not a number, a flag or a name of one."""
    if (
        len(value) < 4
        or (value.isdigit() and "pass" not in words and len(value) < _LONG_NUMBER)
        or _VERSION.match(value)
    ):
        return False
    if words.endswith("key") and not re.search(
        r"(?:api|access|secret|private|signing|account|license|stripe|master|shared|encryption|storage) ?key$", words
    ):
        return len(value) >= 16 and entropy(value) > 3.0 and any(each.isdigit() for each in value)
    if re.search(r"pass|pwd|kennwort", words):
        # Words alone are a label or a sentence about a password.
        return " " not in value or any(not each.isalpha() and not each.isspace() for each in value)
    return " " not in value and len(value) >= 6 and (entropy(value) > 2.2 or any(each.isdigit() for each in value))


_LONG_NUMBER = 16
"""Digits of a number that is no count, no time and no port."""
_VERSION = re.compile(r"[~^<>=v]{0,2}\d{1,6}(?:\.\d{1,6}){1,3}$")
_DOTTED = re.compile(
    r"(?:this|self|cls|process|os|sys|req|request|args|options|config|settings|props|state|env)\.\w|[A-Za-z_]\w*(?:\.[a-z_]\w*){2,}$"
)
_HUMP = re.compile(r"[a-z]{4,}[A-Z]|[a-z][A-Z][a-z]+[A-Z]")


def _named_alike(key: str, value: str) -> bool:
    """Whether a bare value is only a variable of code: it is named as its key is, or belongs to something."""
    return _DOTTED.match(value) is not None or (
        value.replace("_", "").replace(".", "").isalpha()
        and _CAMEL.sub(" ", value).strip().lower().rpartition(" ")[2]
        == _CAMEL.sub(" ", key).strip().lower().rpartition(" ")[2]
    )


def _fits(label: str, value: str, words: str) -> bool:
    digits = sum(each.isdigit() for each in value)
    if label == "EMAIL":
        return "@" in value
    if label == "PHONE":
        return digits >= 6 and digits + sum(each in " +()/.-" for each in value) == len(value)
    if label == "DATE_OF_BIRTH":
        return _DATE.match(value) is not None
    if label == "USERNAME":
        return (
            _LOGIN.match(value) is not None
            and value.lower() not in _SYSTEM
            and (len(value) > 4 or any(not each.isalpha() for each in value))
        )
    if label == "PERSON":
        return _NAME.match(value) is not None and (words != "name" or " " in value) and _HUMP.search(value) is None
    if label == "ADDRESS":
        return bool(digits) and any(each.isalpha() for each in value) and " " in value
    if label == "LICENSE_PLATE":
        return re.fullmatch(r"[A-ZÄÖÜ]{1,3}[ -][A-Z]{1,2}[ -]?\d{1,4}[EH]?", value) is not None
    if label in ("OTP", "CVV"):
        return value.isdigit() and 3 <= len(value) <= 8
    return label == "GEO" and digits > 6
