"""People in running text: named after a title, a greeting, a closing or a word that says a person follows; where they live;
when they were born; how they sign in. Names that stand alone need a tagger, which rules don't replace."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bedrock_support.routing.pii.span import CONTEXT, PROVEN, SHAPE, Span

_UP = "A-ZÀ-ÖØ-ÞĀĂĄĆĈĊČĎĐĒĔĖĘĚĜĞĠĢĤĦĨĪĬĮİĴĶĹĻĽĿŁŃŅŇŊŌŎŐŒŔŖŘŚŜŞŠŢŤŦŨŪŬŮŰŲŴŶŸŹŻŽ"
_WORD = rf"[{_UP}](?:[^\W\d_]|['’](?=[^\W\d_])){{1,24}}"
_PART = rf"(?:{_WORD}(?:-{_WORD}){{0,2}}|[{_UP}]\.)"
_JOIN = (
    r"(?:(?:von|van|vom|zu|zum|zur|de|del|della|di|da|dos|das|la|le|el|al|der|den|ter|bin|ben|ibn|y|e|du|des|af) ){0,2}"
)
_NAME = rf"{_PART}(?:[ ]{_JOIN}{_PART}){{0,3}}"
_LOWER = r"[^\W\d_]{2,20}(?:-[^\W\d_]{2,20})?(?: [^\W\d_]{2,20}(?:-[^\W\d_]{2,20})?){1,2}"
_TITLE = (
    r"(?:Herrn?|Frau|sig\.|sig\.ra|dott\.|m\.me|sr\.|sra\.|mr\.|mrs\.|ms\.|Fr\.|Hr\.|Fräulein|Dr\.|Prof\.|Dipl\.-?Ing\.|Mag\.|Ing\.|Mr\.?|Mrs\.?|Ms\.?|Miss|Mx\.?|Sir|Madam|Monsieur|Madame|"
    r"Mademoiselle|Mme|Mlle|Maître|Señora?|Sr\.?|Sra\.?|Don|Doña|Signora?|Signorina|Sig\.(?:ra)?|Sig\.na|Dott\.(?:ssa)?|Dhr\.|Mevr\.)"
)
_TITLES = frozenset(
    [
        "Herr",
        "Herrn",
        "Frau",
        "Fräulein",
        "Dr",
        "Prof",
        "Mag",
        "Ing",
        "Mr",
        "Mrs",
        "Ms",
        "Miss",
        "Mx",
        "Sir",
        "Madam",
        "Monsieur",
        "Madame",
        "Mademoiselle",
        "Mme",
        "Mlle",
        "Maître",
        "Señor",
        "Señora",
        "Sr",
        "Sra",
        "Don",
        "Doña",
        "Signor",
        "Signora",
        "Signorina",
        "Sig",
        "Dott",
        "Dhr",
        "Mevr",
    ]
)
_CUE_NOUNS = frozenset(
    [
        "Kunde",
        "Kundin",
        "Kunden",
        "Mitarbeiter",
        "Mitarbeiters",
        "Mitarbeiterin",
        "Empfänger",
        "Empfängerin",
        "Fahrer",
        "Fahrerin",
        "Gast",
        "Patient",
        "Patientin",
        "Inhaber",
        "Inhaberin",
        "Karteninhaber",
        "Kontoinhaber",
        "Ansprechpartner",
        "Ansprechpartnerin",
        "Kollege",
        "Kollegin",
        "Arbeitsvertrag",
        "Mietvertrag",
        "Vertrag",
        "Antrag",
        "Antragsteller",
        "Antragstellerin",
        "Bewerber",
        "Bewerberin",
        "Absender",
        "Vertreter",
        "Nutzer",
        "Nutzerin",
        "Mieter",
        "Mieterin",
        "Name",
        "Lohnabrechnung",
        "Contract",
        "Customer",
        "Client",
        "Cliente",
        "Guest",
        "User",
        "Employee",
        "Recipient",
        "Sender",
        "Passenger",
        "Holder",
        "Cardholder",
        "Colleague",
        "Nom",
        "Nombre",
        "Nome",
    ]
)
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
    r"von|from|for|für|by|con|avec|mit|sono)(?: (?:war|ist|was|is|est|es|è|era))?[:,]?[ ]{1,2}[\"'„“]?)$"
)
_CAPITALS = re.compile(rf"(?<![\w@/.\\-]){_NAME}(?!\w)")
_BEFORE = 36
_LOW_CUE = re.compile(
    r"(?i:\b(?:mein name ist|ich hei(?:ß|ss)e|my name is|name is|je m['’]appelle|me llamo|mi nombre es|mi chiamo|hier ist|this is|i am|"
    rf"ich bin))[ ]{{1,2}}(?P<name>{_LOWER})(?=[,.;!?\n]|$)"
)
_CLOSING = re.compile(
    r"(?im)^[ \t>]{0,8}(?:mit (?:freundlichen|besten|herzlichen|lieben|vielen)[^\n]{0,24}|(?:freundliche|beste|liebe|viele|herzliche|schöne) grüße[^\n]{0,16}|"
    r"mfg|lg|vg|bg|gruß|grüße|danke(?: und [^\n]{0,16})?|vielen dank[^\n]{0,16}|best(?: regards| wishes)?|kind regards|warm regards|regards|"
    r"sincerely(?: yours)?|yours (?:sincerely|faithfully|truly)|cheers|thanks(?: a lot| again)?|thank you|many thanks|cordialement|"
    r"bien (?:cordialement|à vous)|sincères salutations|merci[^\n]{0,20}|saludos(?: cordiales)?|un saludo|atentamente|gracias|"
    r"cordiali saluti|distinti saluti|saluti|grazie)[ \t]{0,3}[,.!]?[ \t]{0,3}\n{1,3}[ \t>]{0,8}"
    rf"(?-i:(?P<name>{_NAME}|{_LOWER}))[ \t]{{0,4}}(?=\n|$|,|\|)"
)
_INLINE_CLOSING = re.compile(
    rf"(?<!\w)(?:LG|VG|MfG|BG|Gruß|Grüße|Cheers|Best|Thanks|Thank you|Regards|Saludos|Saluti|Danke|Gracias|Merci|Cordialement|Grazie|Vielen Dank),? (?P<name>{_NAME})[ \t.!]{{0,3}}(?=\n|$)"
)
_INITIAL = re.compile(rf"(?<![\w.])(?P<name>M\. {_NAME})")
_LISTED = re.compile(
    rf"(?i:\b(?:kunde|kundin|customer|client|cliente|user|mitarbeiter|patient|gast|guest|employee))[ :'\"]{{1,3}}"
    rf"(?P<name>{_WORD}(?:-{_WORD})?, {_WORD})(?!\w)"
)
_GREETING = re.compile(
    r"(?m)^[ \t>]{0,8}(?:(?i:hallo|hi|hey|hello|dear|liebe[r]?|guten (?:tag|morgen|abend)|moin|servus|grüezi|bonjour|cher|chère|salut|hola|"
    rf"estimad[oa]|querid[oa]|ciao|gentile|car[oa]|buongiorno))[ ](?P<name>{_NAME})[ ]?(?=[,!.\n])"
)
_NOT_A_NAME = frozenset(
    [
        "Mr",
        "Mrs",
        "Ms",
        "Miss",
        "Mx",
        "Sir",
        "Madam",
        "Herr",
        "Herrn",
        "Frau",
        "Dr",
        "Prof",
        "Mme",
        "Mlle",
        "Monsieur",
        "Madame",
        "Señor",
        "Señora",
        "Signor",
        "Signora",
        "Sig",
        "Sr",
        "Sra",
        "Support",
        "Team",
        "Kundenservice",
        "Service",
        "Help",
        "Desk",
        "Helpdesk",
        "Zusammen",
        "Alle",
        "All",
        "There",
        "Everyone",
        "Damen",
        "Herren",
        "Sir",
        "Madam",
        "Kollegen",
        "Kolleginnen",
        "Folks",
        "Guys",
        "Version",
        "System",
        "Server",
        "Update",
        "Login",
        "Account",
        "Konto",
        "Kasse",
        "Ticket",
        "Order",
        "Bestellung",
        "Rechnung",
        "Invoice",
        "Error",
        "Fehler",
        "Montag",
        "Dienstag",
        "Mittwoch",
        "Donnerstag",
        "Freitag",
        "Samstag",
        "Sonntag",
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
        "Saturday",
        "Sunday",
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
        "Januar",
        "Februar",
        "März",
        "Mai",
        "Juni",
        "Juli",
        "Oktober",
        "Dezember",
        "Amazon",
        "Google",
        "Microsoft",
        "AWS",
        "Azure",
        "GitHub",
        "Docker",
        "Kubernetes",
        "Linux",
        "Windows",
        "Java",
        "Python",
        "Node",
        "React",
        "Redis",
        "Postgres",
        "Bedrock",
        "Claude",
        "Deutschland",
        "Germany",
        "Berlin",
        "München",
        "Hamburg",
        "Europe",
        "Europa",
        "Austria",
        "Schweiz",
        "Wien",
        "The",
        "This",
        "That",
        "Der",
        "Die",
        "Das",
        "Ein",
        "Eine",
        "Es",
        "Sie",
        "Er",
        "Ich",
        "Wir",
        "Bitte",
        "Danke",
        "Thanks",
        "Please",
        "Best",
        "Kind",
        "Mit",
        "Wenn",
        "Und",
        "Oder",
        "Aber",
        "When",
        "If",
        "And",
        "Not",
        "No",
        "Yes",
        "Nein",
        "Ja",
        "Hello",
        "Hallo",
        "Dear",
        "Guten",
        "Tag",
        "Morgen",
        "Abend",
        "Kunde",
        "Customer",
        "User",
        "Nutzer",
        "Kundin",
        "Client",
        "Restaurant",
        "Hotel",
        "Produktion",
        "Production",
        "Staging",
        "Test",
        "Backend",
        "Frontend",
        "Database",
        "Datenbank",
        "API",
        "Web",
        "App",
        "Application",
        "Security",
        "Compliance",
        "Engineering",
        "Marketing",
        "Sales",
        "Vertrieb",
        "Buchhaltung",
        "Technik",
        "Entwicklung",
        "Operations",
        "Platform",
        "Cloud",
        "Bank",
        "Sparkasse",
        "GmbH",
        "AG",
        "Inc",
        "Ltd",
        "SE",
        "KG",
        "Internal",
        "External",
        "Global",
        "Local",
        "Main",
        "Master",
        "Default",
        "Public",
        "Private",
        "Admin",
        "Administrator",
        "Root",
    ]
)
_STREETS = (
    r"(?:stra(?:ß|ss)e|str\.?|weg|allee|platz|gasse|ring|damm|ufer|chaussee|promenade|steig|stieg|pfad|hof|markt|graben|kai|zeile|wall|"
    r"berg|brücke|tor|rain|grund|winkel|park|twiete|kamp|bogen|siedlung|anger|straat|laan|gracht)"
)
_NUMBER = r"\d{1,4}(?: ?[a-zA-Z](?![\w]))?(?:[-/]\d{1,4}[a-z]?)?"
_TOWN = rf"(?:St\. ?|Bad )?[{_UP}](?:[^\W\d_]|['’-]){{1,28}}"
_CITY = rf"{_TOWN}(?:[ -](?:am|an|der|im|in|ob|vor|bei|den|la|le|les|sur|de|del|di|upon|{_TOWN}|\([{_UP}][^\W\d_]{{1,20}}\))){{0,4}}"
_PLACE = rf"(?:(?:,| in|,? \\-)? {{0,2}}\n?[ ]{{0,8}}(?:(?:D|A|CH|DE|AT|F|I|E)-)?\d{{4,5}} {_CITY})"
_TYPE = r"(?:Stra(?:ß|ss)e|Str\.?|Platz|Allee|Weg|Ring|Damm|Ufer|Gasse|Markt|Chaussee|Promenade|Steig|Pfad|Hof|Graben)"
_AT = r"(?:Am|An der|An den|Auf dem|Auf der|Im|In der|In den|Zum|Zur|Unter den|Hinter der|Hinter dem|Vor dem|Bei der|Beim)"
_DE = re.compile(
    rf"(?<!\w)(?P<all>(?:(?:{_AT} |Alte[r]? |Neue[r]? |Große |Kleine |Obere |Untere ){{0,2}}[{_UP}][\w-]{{1,30}}?{_STREETS}"
    rf"|(?:{_WORD}[ -]){{1,3}}{_TYPE}|{_TYPE} (?:der|des|am) [\w ]{{3,30}}?|{_AT} (?:{_WORD} ?){{1,3}}?) {_NUMBER}(?!\d){_PLACE}?)"
)
_EN = re.compile(
    rf"(?<!\w)(?P<all>\d{{1,5}}[a-zA-Z]? (?:{_WORD} ){{1,3}}(?:Street|St\.?|Road|Rd\.?|Avenue|Ave\.?|Lane|Ln\.?|Drive|Dr\.?|Court|Ct\.?|Square|Sq\.?|Boulevard|Blvd\.?|Way|Close|Terrace|Place|Pl\.?|Crescent|Gardens|Grove|Hill|Parade|Row|Mews|Highway|Parkway)(?:,? (?:Apt|Suite|Unit|Flat|#)\.? ?\w{{1,6}})?(?:,? {_CITY})?(?:,? (?:[A-Z]{{2}} \d{{5}}(?:-\d{{4}})?|[A-Z]{{1,2}}\d{{1,2}}[A-Z]? ?\d[A-Z]{{2}}))?)(?!\w)"
)
_FR = re.compile(
    rf"(?<!\w)(?P<all>(?i:\d{{1,4}}(?: ?(?:bis|ter|quater))?,? (?:rue|avenue|av\.|boulevard|bd|place|chemin|impasse|allée|quai|route|"
    rf"cours|square|passage|faubourg)) [\w'’. -]{{2,40}}?(?:,? (?:F-)?\d{{5}} {_CITY}|(?=[,.;\n\"]|$)))"
)
_ES_IT = re.compile(
    rf"(?<!\w)(?P<all>(?:Calle|C/|Avenida|Avda\.?|Av\.|Plaza|Pza\.?|Paseo|Camino|Carrer|Ronda|Via|Viale|Piazza|Piazzale|Corso|Vicolo|Largo|Strada|Rua|Travessa) [\w'’./ -]{{2,40}}?,? ?(?:n[.ºo°]{{0,2}} ?)?\d{{1,4}}(?: ?[a-zA-Z])?(?:,? \d{{5}} {_CITY})?)(?![\w])"
)
_BIRTH = re.compile(
    r"(?i:\b(?:geb(?:oren|urtsdatum|urtstag|\.)?(?: am)?|\*|date of birth|d\.?o\.?b\.?|birth ?(?:date|day)|born(?: on)?|né(?:e|\(e\))? le|date de naissance|"
    r"nacid[oa](?: el)?|fecha de nacimiento|nat[oa](?: il)?|data di nascita|nascid[oa] em|geboren op)[\"']?[ :=,\"']{0,4}(?:ist |is |war |am |on |le |el |il )?)"
    r"(?P<date>\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.] ?\d{1,2}[-/.] ?(?:\d{4}|\d{2})(?!\d)|\d{1,2}\.? (?:de )?[A-Za-zéûäçà]{3,10}\.? (?:de |del )?\d{2,4}|"
    r"[A-Z][a-z]{2,8} \d{1,2}(?:st|nd|rd|th)?,? \d{4})"
)
_USER = re.compile(
    r"(?i:\b(?:invalid user|failed password for|accepted (?:password|publickey) for|session opened for user|user(?:name)?|login|account|benutzer(?:name|konto)?|nutzer|"
    r"usuario|utilisateur|utente|as user|user id)[ ]{1,2}(?:is |ist |named |name )?[\"'„“]?)(?P<user>[a-z][a-z0-9]{0,20}(?:[._-]?[a-z0-9]+){1,4})(?=[\"'”“]?(?:[\s,;:.)]|$))"
)
_CLF = re.compile(r"(?m)^[\da-fA-F.:]{7,45} - (?P<user>[a-zA-Z][\w.@-]{1,40}) \[")
_DIGIT = re.compile(r"\d")
_WITH_SIGN = re.compile(r"[\d._]")


_GATED: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = (
    (_CLOSING, ("\n",)),
    (_LISTED, (", ",)),
    (_INITIAL, ("m. ",)),
    (
        _INLINE_CLOSING,
        ("lg", "vg", "mfg", "bg", "gr", "cheers", "best", "thank", "regards", "sal", "dank", "gra", "merci", "cord"),
    ),
    (
        _GREETING,
        (
            "hallo",
            "hi ",
            "hey",
            "hello",
            "dear",
            "lieb",
            "guten",
            "moin",
            "servus",
            "grüezi",
            "bonjour",
            "ch",
            "salut",
            "hola",
            "estimad",
            "querid",
            "ciao",
            "gent",
            "car",
            "buongiorno",
        ),
    ),
    (
        _LOW_CUE,
        (
            "name is",
            "mein name",
            "ich hei",
            "appelle",
            "llamo",
            "nombre",
            "chiamo",
            "hier ist",
            "this is",
            "i am",
            "ich bin",
        ),
    ),
)
"""Patterns of names, and what of must stand somewhere in the text in lower case before one is tried."""
_PLACES: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = (
    (
        _DE,
        (
            "str",
            "weg",
            "allee",
            "platz",
            "gasse",
            "ring",
            "damm",
            "ufer",
            "chauss",
            "promenade",
            "stieg",
            "steig",
            "pfad",
            "hof",
            "markt",
            "graben",
            "kai",
            "zeile",
            "wall",
            "berg",
            "brück",
            "tor",
            "rain",
            "grund",
            "winkel",
            "park",
            "am ",
            "an de",
            "auf de",
            "im ",
            "in de",
            "zum ",
            "zur ",
            "unter",
            "hinter",
            "vor dem",
            "bei der",
            "beim",
            "laan",
        ),
    ),
    (
        _EN,
        (
            "street",
            "st",
            "road",
            "rd",
            "ave",
            "lane",
            "ln",
            "drive",
            "dr",
            "court",
            "ct",
            "square",
            "sq",
            "boulevard",
            "blvd",
            "way",
            "close",
            "terrace",
            "place",
            "pl",
            "crescent",
            "garden",
            "grove",
            "hill",
            "parade",
            "row",
            "mews",
        ),
    ),
    (
        _FR,
        (
            "rue ",
            "avenue ",
            "av. ",
            "boulevard ",
            "bd ",
            "place ",
            "chemin ",
            "impasse ",
            "allée ",
            "quai ",
            "route ",
            "cours ",
            "square ",
            "passage ",
            "faubourg ",
        ),
    ),
    (
        _ES_IT,
        (
            "calle",
            "c/",
            "avenida",
            "av",
            "plaza",
            "pza",
            "paseo",
            "camino",
            "carrer",
            "ronda",
            "via",
            "piazza",
            "corso",
            "vicolo",
            "largo",
            "strada",
            "rua",
            "travessa",
        ),
    ),
)
_BORN = ("geb", "birth", "dob", "d.o.b", "born", "né", "naissance", "nacid", "nacim", "nat", "nascit", "*")
_SIGNED_IN = (
    "user",
    "login",
    "account",
    "benutzer",
    "nutzer",
    "usuario",
    "utilisateur",
    "utente",
    "password for",
    "publickey",
)


def people(text: str) -> Iterator[Span]:
    """Names, addresses, dates of birth, user names."""
    low = text.lower()
    yield from _introduced(text)
    for pattern, gates in _GATED:
        if any(each in low for each in gates):
            for found in pattern.finditer(text):
                yield from _named(text, *found.span("name"), CONTEXT)
    if _DIGIT.search(text):
        yield from _places(text, low)
    if any(each in low for each in _SIGNED_IN):
        for found in _USER.finditer(text):
            if _WITH_SIGN.search(found["user"]):
                yield Span(*found.span("user"), "USERNAME", CONTEXT)
    for found in _CLF.finditer(text) if " - " in text else ():
        yield Span(*found.span("user"), "USERNAME", CONTEXT)


def _introduced(text: str) -> Iterator[Span]:
    """Capitalised words after a title, or after words that say a person follows. The capitals are found first: there
    are few of them, and what stands before them is short."""
    for found in _CAPITALS.finditer(text):
        start, end = found.span()
        words = found[0].split(" ")
        at = next((n for n in reversed(range(len(words) - 1)) if words[n].rstrip(".") in _TITLES), None)
        cued = False
        if at is None:
            at = next((n for n in reversed(range(len(words) - 1)) if words[n] in _CUE_NOUNS), None)
            cued = at is not None
        if at is not None:
            start += sum(len(each) + 1 for each in words[: at + 1])
            if not cued or len(words) - at > 2:
                yield from _named(text, start, end, CONTEXT)
            continue
        before = text[max(0, start - _BEFORE) : start]
        if before[-1:] not in (" ", "'", '"', "„", "“"):
            continue
        if _TITLED.search(before) or _STRONG.search(before):
            yield from _named(text, start, end, CONTEXT)
        elif len(words) > 1 and _CUED.search(before):
            yield from _named(text, start, end, SHAPE)


def _places(text: str, low: str) -> Iterator[Span]:
    for pattern, gates in _PLACES:
        if any(each in low for each in gates):
            for found in pattern.finditer(text):
                yield Span(*found.span("all"), "ADDRESS", CONTEXT)
    if any(each in low for each in _BORN):
        for found in _BIRTH.finditer(text):
            yield Span(*found.span("date"), "DATE_OF_BIRTH", PROVEN)


def _named(text: str, start: int, end: int, rank: int) -> Iterator[Span]:
    name = text[start:end].rstrip(" .")
    words = [each.strip(".,") for each in name.split(" ")]
    while words and _NOT_A_NAME.intersection(words[-1].split("-")):
        name = name[: len(name) - len(words.pop())].rstrip(" .,")
    if words and not _NOT_A_NAME.intersection(words[0].split("-")) and any(len(each) > 1 for each in words):
        yield Span(start, start + len(name), "PERSON", rank)
