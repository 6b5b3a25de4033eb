"""Where people live, when they were born, how they sign in: as running text and logs put it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bedrock_support.routing.pii.cues import cues
from bedrock_support.routing.pii.letters import UP, WORD, has
from bedrock_support.routing.pii.span import CONTEXT, PROVEN, Span
from bedrock_support.routing.pii.text import Text, backwards

_STREET_ENDS = (
    "straße", "strasse", "str.", "str", "weg", "allee", "platz", "gasse", "ring", "damm", "ufer", "chaussee", "promenade",
    "steig", "stieg", "pfad", "hof", "markt", "graben", "kai", "zeile", "wall", "berg", "brücke", "tor", "rain", "grund",
    "winkel", "park", "twiete", "kamp", "bogen", "siedlung", "anger", "straat", "laan", "gracht",
)  # fmt: skip
_LONGEST_END = max(map(len, _STREET_ENDS))
_STREETS = "(?:" + "|".join(rf"(?<={re.escape(each)})" for each in _STREET_ENDS) + ")"
"""Behind a word: looked back at once, where looking for each within the word would take a hundred times as long."""
_NUMBER = r"\d{1,4}(?: ?[a-zA-Z](?![\w]))?(?:[-/]\d{1,4}[a-z]?)?"
_TOWN = rf"(?:St\. ?|Bad )?[{UP}](?:[^\W\d_]|['’-]){{1,28}}"
_CITY = rf"{_TOWN}(?:[ -](?:am|an|der|im|in|ob|vor|bei|den|la|le|les|sur|de|del|di|upon|{_TOWN}|\([{UP}][^\W\d_]{{1,20}}\))){{0,4}}"
_PLACE = rf"(?:(?:,| in|,? \\-)? {{0,2}}\n?[ ]{{0,8}}(?:(?:D|A|CH|DE|AT|F|I|E)-)?\d{{4,5}} {_CITY})"
_TYPE = r"(?:Stra(?:ß|ss)e|Str\.?|Platz|Allee|Weg|Ring|Damm|Ufer|Gasse|Markt|Chaussee|Promenade|Steig|Pfad|Hof|Graben)"
_AT = r"(?:Am|An der|An den|Auf dem|Auf der|Im|In der|In den|Zum|Zur|Unter den|Hinter der|Hinter dem|Vor dem|Bei der|Beim)"
_DE = re.compile(
    rf"(?<!\w)(?P<all>(?:(?!(?:Str|Sp|Du|B|Offsp)ring )(?:{_AT} |Alte[r]? |Neue[r]? |Große |Kleine |Obere |Untere ){{0,2}}[{UP}][\w-]{{2,42}}\.?{_STREETS}"
    rf"|(?:{WORD}[ -]){{1,3}}{_TYPE}|{_TYPE} (?:der|des|am) [\w ]{{3,30}}?|(?P<bare>{_AT} (?:{WORD} ?){{1,3}}?)) (?P<number>{_NUMBER})(?!\d)(?P<place>{_PLACE})?)(?P<ended>[ \t]*(?:[,;.\n]|$))?"
)
_EN = re.compile(
    rf"(?P<all>\d(?<!\w.)\d{{0,4}}[a-zA-Z]? (?:{WORD} ){{1,3}}(?:Street|St\.?|Road|Rd\.?|Avenue|Ave\.?|Lane|Ln\.?|Drive|Dr\.?|Court|Ct\.?|Square|Sq\.?|Boulevard|Blvd\.?|Way|Close|Terrace|Place|Pl\.?|Crescent|Gardens|Grove|Hill|Parade|Row|Mews|Highway|Parkway)(?:,? (?:Apt|Suite|Unit|Flat|#)\.? ?\w{{1,6}})?(?:,? {_CITY})?(?:,? (?:[A-Z]{{2}} \d{{5}}(?:-\d{{4}})?|[A-Z]{{1,2}}\d{{1,2}}[A-Z]? ?\d[A-Z]{{2}}))?)(?!\w)"
)
_FR = re.compile(
    rf"(?P<all>\d(?<!\w.)(?i:\d{{0,3}}(?: ?(?:bis|ter|quater))?,? (?:rue|avenue|av\.|boulevard|bd|place|chemin|impasse|allée|quai|route|"
    rf"cours|square|passage|faubourg)) [\w'’. -]{{2,40}}?(?:,? (?:F-)?\d{{5}} {_CITY}|(?=[,.;\n\"]|$)))"
)
_ES_IT = re.compile(
    rf"(?<!\w)(?P<all>(?:Calle|C/|Avenida|Avda\.?|Av\.|Plaza|Pza\.?|Paseo|Camino|Carrer|Ronda|Via|Viale|Piazza|Piazzale|Corso|Vicolo|Largo|Strada|Rua|Travessa) [\w'’./ -]{{2,40}}?,? ?(?:n[.ºo°]{{0,2}} ?)?\d{{1,4}}(?: ?[a-zA-Z])?(?:,? \d{{5}} {_CITY})?)(?![\w])"
)
_UNIT = re.compile(r"[ASUFasu](?<!\w.)(?:pt\.?|uite|te\.?|nit|lat) #?\d{1,5}(?!\w)")
"""A part of a house, as the post of English-speaking countries wants it named."""
_BETWEEN = r"[\s,>?*|]{1,8}"
_BEFORE_UNIT = re.compile(rf"(?:^|(?<=[\s>?*|(]))(?P<street>\d{{1,6}}[a-zA-Z]? [^\n;:!?]{{2,56}}?){_BETWEEN}$")
_AFTER_UNIT = re.compile(
    rf"(?:{_BETWEEN}[^\W\d_][^.!?;:\d]{{1,72}}?[\s>?*|]\d{{4,6}}(?:-\d{{4}})?(?!\d)"
    rf"|,? (?:{_TOWN}|[^\W\d_a-z]{{2,24}})(?: {_TOWN}| [^\W\d_a-z]{{2,24}}){{0,3}}(?!\w))?"
)
_MILITARY = re.compile(
    rf"(?:(?i:psc|unit|cmr) \d{{1,5}},? (?i:box) \d{{1,5}}|US(?:S|NS|NV|CGC) {_TOWN})[\s,>?*|]{{1,8}}(?i:[afd]po),? (?i:a[aep]) \d{{5}}(?!\d)"
)
_BOX = re.compile(
    r"(?i)(?:\bp\.? ?o\.? ?box|\bpostfach|\bboîte postale|\bapartado(?: de correos)?|\bcasella postale)[ :]{1,2}(?P<all>\d[\d ]{0,7}\d(?!\d)|\d(?!\d))"
)
_LIVES = re.compile(
    rf"(?i:\b(?:lives?|living|resid(?:es?|ing)|located|moved|meet me|address(?: is)?|deliver(?:y|ed)?|ship(?:ped)?|sen[dt]|arrived|return(?:ed)?|stop)\b"
    rf"(?:(?: (?:at|on|in|to|is|it|one|new|back|please|the|now|a))+ |:[ \n]{{1,8}}))(?P<all>\d{{1,6}}[a-zA-Z]? (?:[{UP}\d][\w'’.-]*[ ]?|(?:de|da|di|del|la|le|z|u|van|der|des|du|tee) ){{1,6}}"
    rf"(?:,?[ \n]{{1,2}}{_TOWN}(?: {_TOWN}){{0,2}}[ \n]{{0,2}},[ \n]{{0,2}}[A-Za-z]{{2,3}}[ \n]{{1,2}}\d{{4,6}}|, ?{_TOWN}(?: {_TOWN}|[ ][A-Z]{{1,3}}(?!\w)){{0,2}}(?: \d{{4,6}})?)?)"
)
_LIVING = cues(
    "live",
    "living",
    "resid",
    "located",
    "moved",
    "meet me",
    "address",
    "deliver",
    "ship",
    "send",
    "sent",
    "arrived",
    "return",
    "stop",
)
_BIRTH = re.compile(
    r"(?i:\b(?:geb(?:oren|urtsdatum|urtstag|\.)?(?: am)?|date of birth|d\.?o\.?b\.?|birth ?(?:date|day)|born(?: on)?|né(?:e|\(e\))? le|date de naissance|"
    r"nacid[oa](?: el)?|fecha de nacimiento|nat[oa](?: il)?|data di nascita|nascid[oa] em|geboren op)[\"']?[ :=,\"']{0,4}(?:ist |is |war |am |on |le |el |il )?)"
    r"(?P<date>\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.] ?\d{1,2}[-/.] ?(?:\d{4}|\d{2})(?!\d)|\d{1,2}\.? (?:de )?[A-Za-zéûäçà]{3,10}\.? (?:de |del )?\d{2,4}|"
    r"[A-Z][a-z]{2,8} \d{1,2}(?:st|nd|rd|th)?,? \d{4})"
)
_USER = re.compile(
    r"(?i:\b(?:invalid user|failed password for|accepted (?:password|publickey) for|session opened for user|user(?:name)?|login|account|benutzer(?:name|konto)?|nutzer|"
    r"usuario|utilisateur|utente|as user|user id)[ ]{1,2}(?:is |ist |named |name )?[\"'„“]?)(?P<user>[a-z][a-z0-9]{0,20}(?:[._-]?[a-z0-9]+){1,4})(?=[\"'”“]?(?:[\s,;:.)]|$))"
)
_CLF = re.compile(r"(?m)^[\da-fA-F.:]{7,45} - (?P<user>[a-zA-Z][\w.@-]{1,40}) \[")
_WITH_SIGN = re.compile(r"[\d._]")
_STREET_STARTS = (
    "Am ",
    "An de",
    "Auf de",
    "Im ",
    "In de",
    "Zum ",
    "Zur ",
    "Unter den",
    "Hinter de",
    "Vor dem",
    "Bei der",
    "Beim ",
    " der ",
    " des ",
    " am ",
)
_YEAR = re.compile(r"[12]\d{3}")
_STREET_CUES = {cue.lower(): cue for cue in _STREET_STARTS}
_STREET_CUE_WORDS = cues(*_STREET_CUES)
_PLACED = re.compile(r"An de|Auf de|Unter|Hinter|Vor|Bei")
"""What names rarely begin with that aren't streets'."""
_DIGIT = ord("0")
_HOUSE = re.compile(r" \d")
_BOXES = cues(" box", "pobox", "postfach", "boîte postale", "apartado", "casella postale")
_FIELD_POST = cues("apo a", "fpo a", "dpo a", "apo, a", "fpo, a", "dpo, a")
_FIELD_POST_REST = 16
_UNITS = cues("apt", "suite", "ste", "unit", "flat")
_UNIT_NEAR, _UNIT_REST = 70, 110
"""Characters before a part of a house in which its street stands, and behind it its town."""
_STREET_NAME, _STREET_REST = 72, 90
"""Characters before a house number in which its street stands, and behind it its town."""
_FRENCH = cues(
    "rue ", "avenue ", "av. ", "boulevard ", "bd ", "place ", "chemin ", "impasse ", "allée ", "quai ", "route ", "cours ",
    "square ", "passage ", "faubourg ",
)  # fmt: skip
_FRENCH_NUMBER = re.compile(r" ,?(?:(?:sib|ret|retauq) ?)?(?P<number>\d{1,4})(?!\w)", re.IGNORECASE)
"""Backwards: what stands before the kind of a French street."""
_LONGEST_NUMBER = 14
_SOUTHERN = cues(
    "calle ", "c/", "avenida ", "avda", "av. ", "plaza ", "pza", "paseo ", "camino ", "carrer ", "ronda ", "via ", "viale ",
    "piazza", "corso ", "vicolo ", "largo ", "strada ", "rua ", "travessa ",
)  # fmt: skip
_HOUSED = (b"0 a", b"0a a")
"""How a house number and its street look in bones."""
_BORN = cues(
    "geb", "date of birth", "d.o.b", "dob", "birth", "born", "né", "date de naissance", "nacid", "fecha de nac", "nato", "nata",
    "data di nasc", "nascid",
)  # fmt: skip
_SIGNED_IN = cues(
    "user", "login", "account", "benutzer", "nutzer", "usuario", "utilisateur", "utente", "failed password", "accepted p",
    "session opened",
)  # fmt: skip


def places(text: Text) -> Iterator[Span]:
    """Addresses, dates of birth, user names."""
    if text.digits:
        yield from _german(text)
        yield from _units(text)
        yield from _english(text)
        for at in text.places(_FRENCH):
            number = _FRENCH_NUMBER.match(backwards(text.whole, at, _LONGEST_NUMBER))
            if number is not None:
                yield from _addresses(_FR.match(text.whole, at - number.end()))
        for at in text.places(_SOUTHERN):
            yield from _addresses(_ES_IT.match(text.whole, at))
        for at in text.places(_BORN):
            found = _BIRTH.match(text.whole, at)
            if found is not None:
                yield Span(*found.span("date"), "DATE_OF_BIRTH", PROVEN)
    yield from _sign_ins(text)


def _addresses(found: re.Match[str] | None) -> Iterator[Span]:
    if found is not None:
        yield Span(*found.span("all"), "ADDRESS", CONTEXT)


def _english(text: Text) -> Iterator[Span]:
    """House numbers before their streets."""
    whole, bones = text.whole, text.bones
    for form in _HOUSED:
        at = bones.find(form)
        while at >= 0:
            if whole[at + len(form) - 1].isupper():
                start = at
                while start and bones[start - 1] == _DIGIT:
                    start -= 1
                yield from _addresses(_EN.match(whole, start))
            at = bones.find(form, at + 1)


def _units(text: Text) -> Iterator[Span]:
    """Addresses with a part of a house, of an army's post, or of which it is said that somebody lives there."""
    whole = text.whole
    for unit in _UNIT.finditer(whole) if text.any(_UNITS) else ():
        at = unit.start()
        begin = max(0, at - _UNIT_NEAR)
        key = "unit", whole[begin : unit.end() + _UNIT_REST]
        known = text.seen.get(key)
        if known is None:
            before = _BEFORE_UNIT.search(key[1], 0, at - begin)
            after = _AFTER_UNIT.match(key[1], unit.end() - begin) if before is not None else None
            known = text.seen[key] = []
            if before is not None and after is not None:
                known.append((before.start("street"), after.end(), "ADDRESS", CONTEXT))
        for start, end, label, rank in known:
            yield Span(begin + start, begin + end, label, rank)
    for at in text.places(_FIELD_POST):
        found = _MILITARY.search(whole, max(0, at - _UNIT_NEAR), at + _FIELD_POST_REST)
        if found is not None:
            yield Span(*found.span(), "ADDRESS", CONTEXT)
    for found in _BOX.finditer(whole) if text.any(_BOXES) else ():
        yield Span(*found.span("all"), "ADDRESS", CONTEXT)
    for at in text.places(_LIVING):
        found = _LIVES.match(whole, at)
        if found is not None:
            yield Span(found.start("all"), found.start("all") + len(found["all"].rstrip(" .")), "ADDRESS", CONTEXT)


def _german(prepared: Text) -> Iterator[Span]:
    """Streets before their house numbers. The number is found first: what stands before most numbers ends like no street."""
    text, low, memo, done = prepared.whole, prepared.low, prepared.seen, 0
    starts = [_STREET_CUES[each] for each in _STREET_CUE_WORDS & prepared.held]
    for number in _HOUSE.finditer(text):
        at = number.start()
        if at < done or not (text[at - 1].isalpha() or text[at - 1] == "."):
            continue
        begin = max(done, at - _STREET_NAME)
        if not low.endswith(_STREET_ENDS, max(begin, at - _LONGEST_END), at) and not (
            starts and has(text[begin:at], starts)
        ):
            continue
        before = text[begin:at]
        key = "street", text[at - len(before) : at + _STREET_REST]
        known = memo.get(key)
        if known is None:
            known = memo[key] = [
                (*each.span("all"), "ADDRESS", CONTEXT)
                for each in _DE.finditer(key[1])
                if each["place"] or _housed(each)
            ]
        for start, end, label, rank in known:
            if start <= len(before):
                done = at - len(before) + end
                yield Span(at - len(before) + start, done, label, rank)


def _housed(found: re.Match[str]) -> bool:
    """Whether a street without a town has a house number, and no year: much happens *im Sommer 2013*, little *Am Markt 3*."""
    number, bare = found["number"], found["bare"]
    if _YEAR.match(number):
        return False
    return bare is None or not number.isdigit() or found["ended"] is not None or _PLACED.match(bare) is not None


def _sign_ins(text: Text) -> Iterator[Span]:
    for at in text.places(_SIGNED_IN):
        found = _USER.match(text.whole, at)
        if found is not None and _WITH_SIGN.search(found["user"]):
            yield Span(*found.span("user"), "USERNAME", CONTEXT)
    if " - " in text.whole:
        for found in _CLF.finditer(text.whole):
            yield Span(*found.span("user"), "USERNAME", CONTEXT)
