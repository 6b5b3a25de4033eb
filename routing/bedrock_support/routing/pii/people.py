"""People in running text: named after a title, a greeting, a closing, or words that say a person follows.

Names that stand alone need a tagger, which rules don't replace.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bedrock_support.routing.pii.cues import Cues, cues
from bedrock_support.routing.pii.introductions import certain, likely, promises
from bedrock_support.routing.pii.letters import AFTER, UP, WORD
from bedrock_support.routing.pii.places import places
from bedrock_support.routing.pii.span import CONTEXT, SHAPE, Span
from bedrock_support.routing.pii.tagger import SHIPPED
from bedrock_support.routing.pii.text import Text
from bedrock_support.routing.pii.words import WORDS

_PART = rf"(?:{WORD}(?:-{WORD}){{0,2}}|[{UP}]\.)"
_JOIN = (
    r"(?:(?:von|van|vom|zu|zum|zur|de|del|della|di|da|dos|das|la|le|el|al|der|den|ter|bin|ben|ibn|y|e|du|des|af) ){0,2}"
)
_NAME = rf"{_PART}(?:[ ]{_JOIN}{_PART}){{0,3}}"
_LOWER = r"[^\W\d_]{2,20}(?:-[^\W\d_]{2,20})?(?: [^\W\d_]{2,20}(?:-[^\W\d_]{2,20})?){1,2}"
_TITLES = WORDS["titles"]
_CUE_NOUNS = WORDS["cue_nouns"]
_INTRODUCING = _TITLES | _CUE_NOUNS
_CAPITALS = re.compile(rf"[{UP}](?<![\w@/.\\-].)(?:{AFTER}(?:-{WORD}){{0,2}}|\.)(?:[ ]{_JOIN}{_PART}){{0,3}}(?!\w)")
"""A name. The capital stands first, so that the rest of a text is skipped at the speed of a search for one sign."""
_FIRM = re.compile(
    r"(?: (?:&|und|and) [A-ZÄÖÜ]\w+)? (?:GmbH|AG|SE|KG|OHG|UG|Inc|Ltd|LLC|Corp|PLC|BV|SA|SARL|SpA|S\.A\.|e\.V\.|mbH|Stiftung)\b"
)
"""What follows the name of a firm."""
_BEFORE, _BEHIND = 40, 40
"""Characters before a name in which it is introduced, and behind it in which it turns out to be a firm."""
_OPENS = frozenset(" '\"„“")
_LOW_CUE = re.compile(
    r"(?i:\b(?:mein name ist|ich hei(?:ß|ss)e|my name is|name is|je m['’]appelle|me llamo|mi nombre es|mi chiamo|hier ist|this is|i am|"
    rf"ich bin))[ ]{{1,2}}(?P<name>{_LOWER}?)(?=[,.;!?\n]|$| (?:but|and|from|und|aber|aus|y|et|e)\b)"
)
_CLOSING = re.compile(
    r"(?i:mit (?:freundlichen|besten|herzlichen|lieben|vielen)[^\n]{0,24}|(?:freundliche|beste|liebe|viele|herzliche|schöne) grüße[^\n]{0,16}|"
    r"mfg|lg|vg|bg|gruß|grüße|danke(?: und [^\n]{0,16})?|vielen dank[^\n]{0,16}|best(?: regards| wishes)?|kind regards|warm regards|regards|"
    r"sincerely(?: yours)?|yours (?:sincerely|faithfully|truly)|cheers|thanks(?: a lot| again)?|thank you|many thanks|cordialement|"
    r"bien (?:cordialement|à vous)|sincères salutations|merci[^\n]{0,20}|saludos(?: cordiales)?|un saludo|atentamente|gracias|"
    r"cordiali saluti|distinti saluti|saluti|grazie)[ \t]{0,3}[,.!]?[ \t]{0,3}\n{1,3}[ \t>]{0,8}"
    rf"(?P<name>{_NAME}|{_LOWER})[ \t]{{0,4}}(?=\n|$|,|\|)"
)
_QUOTED = " \t>?*|"
_ALONE = re.compile(rf"[ \t>?*|]{{0,8}}(?P<name>{_PART}(?: {_JOIN}{_PART}){{1,3}}),?[ \t]{{0,4}}")
_ALONE_LINE = re.compile(
    rf"\n[ \t>?*|]{{0,8}}(?P<name>{WORD} (?:{_JOIN}{_PART} ){{0,2}}{_JOIN}{WORD}),?[ \t]{{0,4}}(?=\n|$)"
)
_ONLY_GIVEN = frozenset({"f", "fl"})
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
    r"(?i:hallo|hi|hey|hello|dear|liebe[r]?|guten (?:tag|morgen|abend)|moin|servus|grüezi|bonjour|cher|chère|salut|hola|"
    rf"estimad[oa]|querid[oa]|ciao|gentile|car[oa]|buongiorno)[ ](?P<name>{_NAME})[ ]?(?=[,!.\n])"
)
_INDENT = 9
"""Characters before a greeting or closing in which its line begins."""
_SMALL = (
    WORDS["german"]
    | WORDS["others"]
    | WORDS["particles"]
    | {"just", "too", "only", "here", "now", "very", "ad", "driven", "able", "what"}
)
"""Words that end a sentence which begins as somebody's introduction does."""
_NOT_A_NAME = WORDS["no_names"]
_CUED_NAMES: tuple[tuple[re.Pattern[str], Cues, int], ...] = (
    (_CLOSING, cues(
        "mit freundl", "mit best", "mit herzl", "mit lieb", "mit viel", "freundliche gr", "beste gr", "liebe gr", "viele gr",
        "herzliche gr", "schöne gr", "mfg", "lg", "vg", "bg", "gruß", "grüße", "danke", "vielen dank", "best", "kind regards",
        "warm regards", "regards", "sincerely", "yours ", "cheers", "thank", "many thanks", "cordialement", "bien cordialement",
        "bien à vous", "sincères salutations", "merci", "saludos", "un saludo", "atentamente", "gracias", "cordiali saluti",
        "distinti saluti", "saluti", "grazie",
    ), CONTEXT),
    (_LISTED, cues("kunde", "kundin", "customer", "client", "user", "mitarbeiter", "patient", "gast", "guest", "employee"), CONTEXT),
    (_INITIAL, cues("m. "), SHAPE),
    (_INLINE_CLOSING, cues(
        "lg", "vg", "mfg", "bg", "gruß", "grüße", "cheers", "best", "thank", "regards", "saludos", "saluti", "danke", "gracias",
        "merci", "cordialement", "grazie", "vielen dank",
    ), CONTEXT),
    (_GREETING, cues(
        "hallo ", "hi ", "hey ", "hello ", "dear ", "liebe", "guten ", "moin ", "servus ", "grüezi ", "bonjour ", "cher ",
        "chère ", "salut ", "hola ", "estimad", "querid", "ciao ", "gentile ", "caro ", "cara ", "buongiorno ",
    ), CONTEXT),
    (_LOW_CUE, cues(
        "mein name ist", "ich heiße", "ich heisse", "name is", "je m'app", "je m’app", "me llamo", "mi nombre es", "mi chiamo",
        "hier ist", "this is", "i am", "ich bin",
    ), CONTEXT),
)  # fmt: skip
"""Patterns of names, the words each may begin with, and how sure it is."""
_OPENING_LINES = frozenset({_CLOSING, _GREETING})


def people(text: Text) -> Iterator[Span]:
    """Names, addresses, dates of birth, user names."""
    whole = text.whole
    yield from _introduced(text)
    yield from _alone(text)
    for pattern, words, rank in _CUED_NAMES:
        opening = pattern in _OPENING_LINES
        for at in text.places(words):
            if opening and not _opens_line(whole, at):
                continue
            found = pattern.match(whole, at)
            if found is None:
                continue
            if pattern is _LOW_CUE and not _SMALL.isdisjoint(found["name"].replace("-", " ").lower().split()):
                continue
            yield from _named(whole, *found.span("name"), rank)
    for each in places(text):
        yield each
        if each.label == "ADDRESS":
            yield from _addressee(whole, each.start)


def _opens_line(text: str, at: int) -> bool:
    """Whether nothing but blanks and marks of quotation stand before this place on its line."""
    before = text[max(0, at - _INDENT) : at].rstrip(" \t>")
    return before.endswith("\n") or (not before and at < _INDENT)


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
    whole, seen = text.whole, text.seen
    for found in _CAPITALS.finditer(whole):
        start, end = found.span()
        if " " in (name := found[0]):
            words = name.split(" ")
            if not _INTRODUCING.isdisjoint(words) or "." in name:
                at, cued = _introducer(words)
                if at is not None:
                    start += sum([len(each) + 1 for each in words[: at + 1]])
                    if not cued or len(words) - at > 2:
                        yield from _named(whole, start, end, SHAPE if cued else CONTEXT)
                    continue
        if start and whole[start - 1] in _OPENS:
            begin = max(0, start - _BEFORE)
            key = whole[begin:start], whole[start : end + _BEHIND]
            known = seen.get(key)
            if known is None:
                known = seen[key] = [*_behind(*key, end - start)]
            for first, last, label, rank in known:
                yield Span(start + first, start + last, label, rank)


def _behind(before: str, text: str, end: int) -> Iterator[Span]:
    """The name at the beginning of the text, if what stands before it says that one follows."""
    if promises(before):
        if certain(before):
            yield from _named(text, 0, end, CONTEXT)
        elif likely(before) and (" " in text[:end] or _given(text[:end])):
            yield from _named(text, 0, end, SHAPE)


def _given(word: str) -> bool:
    """Whether it is a first name and nothing else."""
    return SHIPPED.lists.flags(word) in _ONLY_GIVEN


def _alone(text: Text) -> Iterator[Span]:
    """A first name and a surname on a line of their own: a heading of a letter, a signature, an entry of a list."""
    for found in _ALONE_LINE.finditer(f"\n{text.whole}"):
        first, *_, last = found["name"].split(" ")
        if _given(first) and "-" not in first:
            flags = SHIPPED.lists.flags(last)
            if "p" not in flags and ("l" in flags or (not flags and not last.isascii())):
                yield from _named(text.whole, found.start("name") - 1, found.end("name") - 1, SHAPE)


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
    if _FIRM.match(text, start + len(name)):
        return
    words = [each.strip(".,") for each in name.split(" ")]
    foreign = [each for each in words if not _NOT_A_NAME.isdisjoint(each.split("-"))]
    if foreign:
        if rank == SHAPE or words[0] in foreign:
            return
        while words[-1] in foreign:
            name = name[: len(name) - len(words.pop())].rstrip(" .,")
    if any(len(each) > 1 for each in words):
        yield Span(start, start + len(name), "PERSON", rank)
