"""People in running text: named after a title, a greeting, a closing, or words that say a person follows.

Names that stand alone need a tagger, which rules don't replace.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib.resources import files

from bedrock_support.routing.pii.letters import AFTER, UP, WORD, has
from bedrock_support.routing.pii.places import places
from bedrock_support.routing.pii.span import CONTEXT, SHAPE, Span
from bedrock_support.routing.pii.text import Text


def _load() -> dict[str, frozenset[str]]:
    told = tomllib.loads(files("bedrock_support.routing.pii").joinpath("words.toml").read_text(encoding="utf-8"))
    return {name: frozenset(words.split()) for name, words in told.items()}


WORDS = _load()  # with the module, which is imported before there is an event loop to block
"""Words by which names are told, by their use; words.toml says more."""
_PART = rf"(?:{WORD}(?:-{WORD}){{0,2}}|[{UP}]\.)"
_JOIN = (
    r"(?:(?:von|van|vom|zu|zum|zur|de|del|della|di|da|dos|das|la|le|el|al|der|den|ter|bin|ben|ibn|y|e|du|des|af) ){0,2}"
)
_NAME = rf"{_PART}(?:[ ]{_JOIN}{_PART}){{0,3}}"
_LOWER = r"[^\W\d_]{2,20}(?:-[^\W\d_]{2,20})?(?: [^\W\d_]{2,20}(?:-[^\W\d_]{2,20})?){1,2}"
_TITLE = (
    r"(?:Herrn?|Frau|sig\.|sig\.ra|dott\.|m\.me|sr\.|sra\.|mr\.|mrs\.|ms\.|Fr\.|Hr\.|Fräulein|Dr\.|Prof\.|Dipl\.-?Ing\.|Mag\.|Ing\.|Mr\.?|Mrs\.?|Ms\.?|Miss|Mx\.?|Sir|Madam|Monsieur|Madame|"
    r"Mademoiselle|Mme|Mlle|Maître|Señora?|Sr\.?|Sra\.?|Don|Doña|Signora?|Signorina|Sig\.(?:ra)?|Sig\.na|Dott\.(?:ssa)?|Dhr\.|Mevr\.)"
)
_TITLES = WORDS["titles"]
_CUE_NOUNS = WORDS["cue_nouns"]
_TITLED = re.compile(rf"(?:^|[\W_]){_TITLE} $")
_STRONG = re.compile(
    r"(?i:(?:^|\W)(?:mein name ist|ich heiße|ich heisse|ich bin|my name is|je m['’]appelle|je suis|me llamo|mi nombre es|soy|mi chiamo|"
    r"il mio nome è|this is|hier ist|hier spricht|i am|i'm|name is)[:,]?[ \"'„“]{1,3})$"
)
_CUED = re.compile(
    r"(?i:(?:^|\W)(?:on behalf of|im namen von|im auftrag von|au nom de|names?|nom|nombre|nome|vorname|nachname|inhaber(?:in)?|"
    r"karteninhaber(?:in)?|cardholder|account holder|account|kontoinhaber(?:in)?|holder|ansprechpartner(?:in)?|contact person|reported by|"
    r"gemeldet von|assigned to|zugewiesen an|approved by|signed by|written by|author|created by|kollege|kollegin|colleague|"
    r"mitarbeiter(?:s|in|n)?|employee|kunden?|kundin|customer|client[e]?|gast|guest|patient(?:in)?|user|nutzer(?:in)?|fahrer(?:in)?|"
    r"empfänger(?:in)?|recipient|absender|sender|passagier|passenger|mieter(?:in)?|antrag|lohnabrechnung|employé|salarié|paciente|"
    r"bewerber(?:in)?|(?:arbeits|miet|kauf)?vertrag|contract|ich|vertreter(?:in)?|antragsteller(?:in)?|unterschrift|gez\.|sig\.|"
    r"sono|(?:account|konto|order|bestellung|invoice|rechnung|ticket|profile?|booking|buchung|reservation|reservierung|contract|vertrag|zugang|passwor[dt]|paket|parcel|package|lieferung|refund|payment|zahlung|visit|besuch) (?:for|of|from|von|für|an)|(?:spoke|talked|call|meeting|chat|termin|gespräch|rücksprache|telefonat) (?:with|to|from|mit|von))(?: (?:war|ist|was|is|est|es|è|era))?[:,]?[ \t]{1,8}[\"'„“]?)$"
)
_CAPITALS = re.compile(rf"[{UP}](?<![\w@/.\\-].)(?:{AFTER}(?:-{WORD}){{0,2}}|\.)(?:[ ]{_JOIN}{_PART}){{0,3}}(?!\w)")
"""A name. The capital stands first, so that the rest of a text is skipped at the speed of a search for one sign."""
_FIRM = re.compile(
    r"(?: (?:&|und|and) [A-ZÄÖÜ]\w+)? (?:GmbH|AG|SE|KG|OHG|UG|Inc|Ltd|LLC|Corp|PLC|BV|SA|SARL|SpA|S\.A\.|e\.V\.|mbH|Stiftung)\b"
)
"""What follows the name of a firm."""
_BEFORE, _BEHIND = 40, 40
"""Characters before a name in which it is introduced, and behind it in which it turns out to be a firm."""
_OPENS = frozenset(" '\"„“")
_LAST = WORDS["cue_ends"]
"""Last words of all that the patterns above end in: looked up before they are tried."""
_LOW_CUE = re.compile(
    r"(?i:\b(?:mein name ist|ich hei(?:ß|ss)e|my name is|name is|je m['’]appelle|me llamo|mi nombre es|mi chiamo|hier ist|this is|i am|"
    rf"ich bin))[ ]{{1,2}}(?P<name>{_LOWER}?)(?=[,.;!?\n]|$| (?:but|and|from|und|aber|aus|y|et|e)\b)"
)
_CLOSING = re.compile(
    r"(?im)^[ \t>]{0,8}(?:mit (?:freundlichen|besten|herzlichen|lieben|vielen)[^\n]{0,24}|(?:freundliche|beste|liebe|viele|herzliche|schöne) grüße[^\n]{0,16}|"
    r"mfg|lg|vg|bg|gruß|grüße|danke(?: und [^\n]{0,16})?|vielen dank[^\n]{0,16}|best(?: regards| wishes)?|kind regards|warm regards|regards|"
    r"sincerely(?: yours)?|yours (?:sincerely|faithfully|truly)|cheers|thanks(?: a lot| again)?|thank you|many thanks|cordialement|"
    r"bien (?:cordialement|à vous)|sincères salutations|merci[^\n]{0,20}|saludos(?: cordiales)?|un saludo|atentamente|gracias|"
    r"cordiali saluti|distinti saluti|saluti|grazie)[ \t]{0,3}[,.!]?[ \t]{0,3}\n{1,3}[ \t>]{0,8}"
    rf"(?-i:(?P<name>{_NAME}|{_LOWER}))[ \t]{{0,4}}(?=\n|$|,|\|)"
)
_QUOTED = " \t>?*|"
_ALONE = re.compile(rf"[ \t>?*|]{{0,8}}(?P<name>{_PART}(?: {_JOIN}{_PART}){{1,3}}),?[ \t]{{0,4}}")
_LETTERHEAD, _LINES = 160, 4
"""Characters and lines above an address in which its addressee stands."""
_INLINE_CLOSING = re.compile(
    rf"(?<!\w)(?:LG|VG|MfG|BG|Gruß|Grüße|Cheers|Best|Thanks|Thank you|Regards|Saludos|Saluti|Danke|Gracias|Merci|Cordialement|Grazie|Vielen Dank),? (?P<name>{_NAME})[ \t.!]{{0,3}}(?=\n|$)"
)
_INITIAL = re.compile(rf"(?P<name>M\. (?<![\w.]...){_NAME})")
_LISTED = re.compile(
    rf"(?i:\b(?:kunde|kundin|customer|client|cliente|user|mitarbeiter|patient|gast|guest|employee))[ :'\"]{{1,3}}"
    rf"(?P<name>{WORD}(?:-{WORD})?, {WORD})(?!\w)"
)
_GREETING = re.compile(
    r"(?m)^[ \t>]{0,8}(?:(?i:hallo|hi|hey|hello|dear|liebe[r]?|guten (?:tag|morgen|abend)|moin|servus|grüezi|bonjour|cher|chère|salut|hola|"
    rf"estimad[oa]|querid[oa]|ciao|gentile|car[oa]|buongiorno))[ ](?P<name>{_NAME})[ ]?(?=[,!.\n])"
)
_SMALL = (
    WORDS["german"]
    | WORDS["others"]
    | WORDS["particles"]
    | {"just", "too", "only", "here", "now", "very", "ad", "driven", "able", "what"}
)
"""Words that end a sentence which begins as somebody's introduction does."""
_NOT_A_NAME = WORDS["no_names"]
# fmt: off
_GATED: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = (
    (_CLOSING, ("mfg", "lg", "vg", "bg", "gruß", "grüße", "mit ", "dank", "best", "regards", "sincere", "yours", "cheers", "thank", "cordial", "merci", "saludo", "atentamente", "gracias", "salut", "grazie", "bien ")),
    (_LISTED, ("kund", "customer", "client", "user", "mitarbeiter", "patient", "gast", "guest", "employee")),
    (_INITIAL, ("m. ",)),
    (_INLINE_CLOSING, ("lg", "vg", "mfg", "bg", "gr", "cheers", "best", "thank", "regards", "sal", "dank", "merci", "cord")),
    (_GREETING, ("hallo", "hi ", "hey", "hello", "dear", "lieb", "guten", "moin", "servus", "grüezi", "bonjour", "ch", "salut", "hola", "estimad", "querid", "ciao", "gent", "car", "buongiorno")),
    (_LOW_CUE, ("name ", "ich ", "appelle", "llamo", "nombre", "chiamo", "hier ", "this ", "am ")),
)
# fmt: on
"""Patterns of names, and what of must stand in its vocabulary before one is tried."""


def people(text: Text) -> Iterator[Span]:
    """Names, addresses, dates of birth, user names."""
    yield from _introduced(text)
    for pattern, gates in _GATED:
        if has(text.words, gates):
            for found in pattern.finditer(text.whole):
                if pattern is _LOW_CUE and not _SMALL.isdisjoint(found["name"].replace("-", " ").lower().split()):
                    continue
                yield from _named(text.whole, *found.span("name"), SHAPE if pattern is _INITIAL else CONTEXT)
    for each in places(text):
        yield each
        if each.label == "ADDRESS":
            yield from _addressee(text.whole, each.start)


def _addressee(text: str, at: int) -> Iterator[Span]:
    """Whoever is named on a line of their own above an address that begins its line."""
    begin = max(0, at - _LETTERHEAD)
    *above, own = text[begin:at].split("\n")
    if own.strip(_QUOTED):
        return
    end = at - len(own) - 1
    for line in reversed(above[-_LINES:]):
        name = _ALONE.fullmatch(line)
        if name is not None:
            start = end - len(line) + name.start("name")
            yield from _named(text, start, start + len(name["name"]), SHAPE)
        end -= len(line) + 1


def _introduced(text: Text) -> Iterator[Span]:
    """Capitalised words after a title, or after words that say a person follows. The capitals are found first: there
    are few of them, and what stands before them is short."""
    whole, memo = text.whole, text.seen
    for found in _CAPITALS.finditer(whole):
        start, end = found.span()
        begin = max(0, start - _BEFORE)
        if " " not in found[0] and not _after_cue(whole, begin, start):
            continue
        key = found[0], whole[begin : end + _BEHIND]
        known = memo.get(key)
        if known is None:
            known = memo[key] = list(_person(key[1], start - begin, end - begin))
        for first, last, label, rank in known:
            yield Span(begin + first, begin + last, label, rank)


def _person(text: str, start: int, end: int) -> Iterator[Span]:
    words = text[start:end].split(" ")
    at, cued = _introducer(words) if len(words) > 1 else (None, False)
    if at is not None:
        start += sum(len(each) + 1 for each in words[: at + 1])
        if not cued or len(words) - at > 2:
            yield from _named(text, start, end, SHAPE if cued else CONTEXT)
        return
    if not _after_cue(text, max(0, start - _BEFORE), start):
        return
    before = text[max(0, start - _BEFORE) : start]
    if _TITLED.search(before) or _STRONG.search(before):
        yield from _named(text, start, end, CONTEXT)
    elif len(words) > 1 and _CUED.search(before):
        yield from _named(text, start, end, SHAPE)


def _after_cue(text: str, begin: int, start: int) -> bool:
    """Whether the word before `start` is one that may introduce a name."""
    if text[start - 1 : start] not in _OPENS:
        return False
    last = text[begin:start].rstrip(" \"'„“:,.").rpartition(" ")[2].rpartition("\n")[2]
    return last.strip("\"'„“:,.\t([{>-").lower() in _LAST


def _introducer(words: list[str]) -> tuple[int | None, bool]:
    """The last word before the end that introduces a name: where it stands, and whether it is no title but a noun."""
    at = next((n for n in reversed(range(len(words) - 1)) if words[n].rstrip(".") in _TITLES), None)
    if at is not None:
        return at, False
    at = next((n for n in reversed(range(len(words) - 1)) if words[n] in _CUE_NOUNS), None)
    return at, at is not None


def nobody(name: str) -> bool:
    """Whether a word in it says that this is no person's name."""
    return any(_NOT_A_NAME.intersection(each.strip(".,").split("-")) for each in name.split(" "))


def _named(text: str, start: int, end: int, rank: int) -> Iterator[Span]:
    name = text[start:end].rstrip(" .")
    words = [each.strip(".,") for each in name.split(" ")]
    if _FIRM.match(text, start + len(name)):
        return
    if rank == SHAPE and any(_NOT_A_NAME.intersection(each.split("-")) for each in words):
        return
    while words and _NOT_A_NAME.intersection(words[-1].split("-")):
        name = name[: len(name) - len(words.pop())].rstrip(" .,")
    if words and not _NOT_A_NAME.intersection(words[0].split("-")) and any(len(each) > 1 for each in words):
        yield Span(start, start + len(name), "PERSON", rank)
