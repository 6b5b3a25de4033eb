"""Finding personal data and secrets: what must be found, what must stay, and in what time."""

from __future__ import annotations

import json
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_support.routing.pii.cues import Known, held
from bedrock_support.routing.pii.finder import find
from bedrock_support.routing.pii.span import Span, resolved
from benchmarks.hostile import SHAPES, hostile
from tests.promises import promise

FORMED = {
    "glpat-": "q7RtX2mPz9Lw4KsV8cNe",
    "npm_": "q7RtX2mPz9Lw4KsV8cNe" + "a1B2c3D4e5F6g7H8",
    "dop_v1_": "0123456789abcdef" * 4,
    "shpat_": "0123456789abcdef" * 2,
    "rdme_": "q7rtx2mpz9" * 7,
    "PMAK-": "0123456789abcdef01234567-" + "0123456789abcdef" * 2 + "ab",
    "hf_": "qRtXmPzLwKsVcNeaBcDeFgHiJkLmNoPqRs",
    "newissuer_live_": "q7RtX2mPz9Lw4KsV8cNeq7RtX2mPz9Lw4",
}
"""Prefixes, and a tail of the form that follows; the last is of no issuer in the table."""
KEY = "-----BEGIN RSA PRIVATE KEY-----\n" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo0NTY3ODkw\n" * 6


def told(text: str) -> list[tuple[str, str]]:
    return [(each.label, text[each.start : each.end]) for each in find(text)]


@promise("pii:identifiers")
@pytest.mark.parametrize(
    ("text", "label", "value"),
    [
        ("Bitte auf DE89 3704 0044 0532 0130 00 überweisen", "IBAN", "DE89 3704 0044 0532 0130 00"),
        ("paid with 4111-1111-1111-1111 today", "CREDIT_CARD", "4111-1111-1111-1111"),
        ("Steuer-ID: 86095742719.", "DE_TAX_ID", "86095742719"),
        ("meine AHV 756.9217.0769.85", "CH_AHV", "756.9217.0769.85"),
        ("C.F. RSSMRA85T10A562S", "IT_CF", "RSSMRA85T10A562S"),
        ("con NIF 12345678Z", "ES_NIF", "12345678Z"),
        ("NIR 2 55 08 14 168 025 38", "FR_NIR", "2 55 08 14 168 025 38"),
        ("RVNR 15 070649 C 103", "DE_SSN", "15 070649 C 103"),
        ("SSN 536-90-4399", "US_SSN", "536-90-4399"),
        ("NINO AB 12 34 56 C", "UK_NINO", "AB 12 34 56 C"),
        ("USt-IdNr. DE136695976", "VAT_ID", "DE136695976"),
    ],
)
def test_numbers_that_prove_themselves(text: str, label: str, value: str) -> None:
    assert (label, value) in told(text)


@promise("pii:identifiers")
@pytest.mark.parametrize(
    "written", ["{}", "{:s} failed", "{:s} rechazado por el banco", "to {:s}: failed", "{:s}, abgelehnt"]
)
@pytest.mark.parametrize(
    "iban",
    [
        "DE89 3704 0044 0532 0130 00",
        "ES9121000418450200051332",
        "GB29 NWBK 6016 1331 9268 19",
        "DE89  3704 0044 0532 0130 00",
        "DE89.3704.0044.0532.0130.00",
        "DE 89 3704 0044 0532 0130 00",
    ],
)
def test_an_iban_ends_where_the_next_word_begins(iban: str, written: str) -> None:
    assert told(written.format(iban)) == [("IBAN", iban)]


@promise("pii:identifiers")
@pytest.mark.parametrize(
    "text",
    [
        "IBAN DE88 3704 0044 0532 0130 00",
        "card 4111-1111-1111-1112",
        "AHV 756.9217.0769.84",
        "NIF 12345678A",
        "SSN 000-12-3456",
    ],
)
def test_a_wrong_check_digit_is_no_find(text: str) -> None:
    assert told(text) == []


@promise("pii:secrets")
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("aws_access_key_id = AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
        ("pushed with ghp_" + "a1B2" * 9, "ghp_" + "a1B2" * 9),
        ("Cookie: sid=abcdef123456; theme=dark; cart=99aa88bb", "99aa88bb"),
        ("redis://:s3cr3t-pw@cache:6379/0", "s3cr3t-pw"),
        ("mysqldump --password hunter2x db", "hunter2x"),
        ("curl -H 'Authorization: Bearer abc123def456ghi'", "abc123def456ghi"),
        ("https://hooks.slack.com/services/T000/B000/abcdEFGH1234", "T000/B000/abcdEFGH1234"),
        ('"client_secret": "Zx9-Qw8-Er7-Ty6"', "Zx9-Qw8-Er7-Ty6"),
        ("Das Passwort lautet Sommer2026! und gilt", "Sommer2026"),
        (KEY, KEY.rstrip()),
    ],
)
def test_secrets_wherever_they_stand(text: str, value: str) -> None:
    assert any(label == "SECRET" and value in found for label, found in told(text)), told(text)


@promise("pii:people")
@pytest.mark.parametrize(
    ("text", "label", "value"),
    [
        ("Sehr geehrte Frau Dr. Öztürk-Meier, danke", "PERSON", "Öztürk-Meier"),
        ("Hi all, this is Mairead Byrne from Cork", "PERSON", "Mairead Byrne"),
        ("Viele Grüße\nJörg van der Velde", "PERSON", "Jörg van der Velde"),
        ("Kunde Karl Zahn wartet", "PERSON", "Karl Zahn"),
        ('{"lastName": "Ammann", "city": "Bern"}', "PERSON", "Ammann"),
        ("wohnt Am Alten Markt 12b, 90499 Nürnberg.", "ADDRESS", "Am Alten Markt 12b, 90499 Nürnberg"),
        ("ship to 17 Mill Lane, Leeds LS1 4AP please", "ADDRESS", "17 Mill Lane, Leeds LS1 4AP"),
        ("habite 12 rue de la Paix, 75002 Paris", "ADDRESS", "12 rue de la Paix, 75002 Paris"),
        ("geboren am 3. Mai 1988 in Ulm", "DATE_OF_BIRTH", "3. Mai 1988"),
        ("erreichbar unter 0151 / 64731838", "PHONE", "0151 / 64731838"),
        ("mail jane.doe%40example.org now", "EMAIL", "jane.doe%40example.org"),
        ("Failed password for invalid user ross_07 from 8.8.4.4", "USERNAME", "ross_07"),
        ("client 8.8.4.4 connected", "IP", "8.8.4.4"),
    ],
)
def test_people_where_the_text_says_so(text: str, label: str, value: str) -> None:
    assert (label, value) in told(text)


@promise("pii:tables")
def test_columns_name_their_values() -> None:
    csv = "id;name;email;geburtsdatum\n7;Anna Berg;a.berg@example.org;06.12.1989\n"
    assert {label for label, _ in told(csv)} == {"PERSON", "EMAIL", "DATE_OF_BIRTH"}
    sql = "INSERT INTO users (id, full_name, phone) VALUES (1, 'Anna Berg', '+49 30 901820'), (2, 'Ben Alt', NULL);"
    assert [value for label, value in told(sql) if label == "PERSON"] == ["Anna Berg", "Ben Alt"]


@promise("pii:tables")
def test_tags_and_forms_name_their_values() -> None:
    assert told("<customer><lastName>Ammann</lastName><iban>-</iban></customer>") == [("PERSON", "Ammann")]
    assert [value for _, value in told("firstname=Jane&lastname=Doe&city=Bern")] == ["Jane", "Doe"]


@promise("pii:quiet")
def test_firms_and_nouns_are_nobody() -> None:
    for text in (
        "Für Externe Dienstleister gilt das nicht. Kunde Siemens AG beschwert sich.",
        "Created by Terraform Cloud. Assigned to Platform Team. Name: Payment Gateway.",
        "The new release from Red Hat ships with Open Shift and works for Azure Functions.",
        "name: api-gateway\nowner: platform-team\nsession_timeout: 3600\ntoken_url: https://auth.example.com/token\n",
    ):
        assert told(text) == []


@promise("pii:quiet")
@pytest.mark.parametrize(
    "text",
    [
        "max_tokens=4096 temperature=0.2 prompt_tokens: 812",
        "request 3f2b8c9e-1d4a-4e5f-9a6b-7c8d9e0f1a2b took 37 ms",
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "arn:aws:lambda:eu-central-1:123456789012:function:shop-orders",
        "2026-11-23T14:02:05.123456Z kernel 6.8.0-31-generic, nginx/1.25.4, version 10.4.2.1",
        "Order 2026-871509 shipped, serial 4016268529858, total 1.299,00 EUR",
        "password=${DB_PASSWORD} token: null secret=**** api_key=<your key>",
        "Der Server in Frankfurt antwortet nicht. Bitte prüfen. Die Anmeldung schlägt fehl.",
        "git@github.com:acme/shop.git 127.0.0.1 0.0.0.0 192.0.2.7",
        "def main(user: User) -> None: token = tokens[0]",
    ],
)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert told(text) == []


@promise("pii:disguised")
def test_odd_spaces_hyphens_and_invisible_characters_hide_nothing() -> None:
    assert told("IBAN DE89\u00a03704\u202f0044\u00a00532 0130 00")[0][0] == "IBAN"
    assert told("+49\u2011170\u20111234567")[0] == ("PHONE", "+49\u2011170\u20111234567")
    assert told("jane\u200b.doe@example.org") == [("EMAIL", "jane\u200b.doe@example.org")]
    assert told("４１１１１１１１１１１１１１１１")[0][0] == "CREDIT_CARD"


@promise("pii:linear")
@pytest.mark.parametrize("unit", SHAPES)
def test_time_grows_with_length_alone(unit: str) -> None:
    def seconds(length: int) -> float:
        text = hostile(unit, length)
        began = time.process_time()
        find(text)
        return time.process_time() - began

    short, long = (min(seconds(length) for _ in range(2)) for length in (5_000, 40_000))
    assert long <= 8 * 4 * max(short, 0.002), "four times what a straight line gives"


@promise("pii:code")
@pytest.mark.parametrize(
    "line",
    [
        'var shopToken string = "{}"',
        "shopToken := `{}`",
        'string shopToken = "{}";',
        "$shopToken .= '{}'",
        'shop_TOKEN ?= "{}"',
        'shop_TOKEN :::= "{}"',
        'System.setProperty("SHOP_TOKEN", "{}")',
        "<shopToken>\n    {}\n</shopToken>",
        '{{"config.ini": "SHOP_TOKEN={}\\nBACKUP=true"}}',
        '"shopToken" => "{}"',
        "const token: string = '{}';",
        "$config['api_key'] = '{}';",
        'if (apikey == "{}") {{',
    ],
)
def test_a_secret_is_found_however_a_language_assigns_it(line: str) -> None:
    value = "q7RtX2mPz9Lw4KsV8c"
    assert ("SECRET", value) in told(line.format(value))


@promise("pii:forms")
@pytest.mark.parametrize("prefix", FORMED)
def test_issuers_forms_are_found_anywhere_in_a_sentence(prefix: str) -> None:
    token = prefix + FORMED[prefix]
    assert told(f"it answered ({token}), twice") == [("SECRET", token)]
    assert told(f"it answered (a/{token}), twice") == [], "as the end of something longer it is nobody's key"


@promise("pii:quiet")
@pytest.mark.parametrize(
    "line",
    [
        "token = anyio.lowlevel.current_token()",
        "self._signature = signature",
        "getpass = fallback_getpass",
        "{uid:this.uid,gid:this.gid,processUid:this.processUid}",
        'if typeof e.uid=="number"&&e.uid!==this.processUid',
        'if token == "lambda": return',
        "def called(client: Client, given: Mapping[str, str]) -> None:",
        '"cookie-signature": "~1.0.6",',
        '"license": "CC-BY-4.0"',
        '"integrity": "sha512-8BCBwZTzXfdmEzMVK1mgKSyqwQXcE3fUQdRcGZDPzQ0uQXg2DkOVCeSNGNHQcYqXdeTQoyDkKvGKN3xGQ2YyVw=="',
        "Im Jahr 1969 und im Sommer 2013 war das anders. During 1980 nothing of it was known to him.",
        "getty@tty1.service started, IPv6Network('F000::/5'), pysocks==1.7.1",
        "total 1000000 of 1234567 bytes, next_page_count=20",
        "my-app-5d4f8c7b9-x7k2p and build_0123456789abcdef0123456789abcdef01234567 are up",
    ],
)
def test_code_and_lock_files_stay(line: str) -> None:
    assert told(line) == []


@promise("pii:disguised")
def test_letters_written_as_escapes_are_read() -> None:
    assert told('{"name": "Mila K\\u00e4lin"}') == [("PERSON", "Mila K\\u00e4lin")]
    assert told('"mail jane\\u0040example.org now"') == [("EMAIL", "jane\\u0040example.org")]


@promise("pii:disguised")
@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("value", ['ab"cd12\\ef', "hunter2!é", "q'7\n\tRtX2mPz"])
def test_no_part_of_a_secret_in_json_is_left(value: str, depth: int) -> None:
    text = json.dumps({"password": value, "ok": True})
    for _ in range(depth - 1):
        text = json.dumps({"quoted": text})
    for start, end, label, _ in find(text):
        if label == "SECRET":
            text = text[:start] + "?" * (end - start) + text[end:]
    assert not {"cd12", "hunter2", "RtX2mPz"} & {text[at : at + size] for size in (4, 7) for at in range(len(text))}


@promise("pii:disguised")
def test_an_escaped_quotation_mark_ends_no_value() -> None:
    for value in ("ab\\u0022cd12xx", "ab\\u005ccd12xx", "\\u0068unter2\\u0021x"):
        assert told(f'{{"api_key": "{value}", "x": 1}}') == [("SECRET", value)]
    assert told('{"pass\\u0077ord": "hunter2!x"}') == [("SECRET", "hunter2!x")]


@promise("pii:people")
def test_a_phrase_is_found_where_its_words_stood_before() -> None:
    assert told("Il nome di lui: data di nascita 03/05/1988") == [("DATE_OF_BIRTH", "03/05/1988")]
    assert told("my key is api: the api key is Zx9Qw8Er7T") == [("SECRET", "Zx9Qw8Er7T")]
    assert told("de quoi: mot de passe « hunter2x! »") == [("SECRET", "hunter2x!")]


@promise("pii:people")
def test_whoever_was_named_is_told_again_by_a_part_of_the_name() -> None:
    assert told("My name is Aantje Mourik but everyone calls me Aantje") == [
        ("PERSON", "Aantje Mourik"),
        ("PERSON", "Aantje"),
    ]
    assert [value for _, value in told("Kunde Karl Berg wohnt am Berg.")] == ["Karl Berg"], "a noun is no name"
    assert told("Herr Mourik: /srv/Mourik/x Mourik_1 xMourik") == [("PERSON", "Mourik")]


@promise("pii:people")
def test_kin_and_names_on_a_line_of_their_own() -> None:
    assert told("please remove my son Florian from it") == [("PERSON", "Florian")]
    assert told("Andrea Schneider\n\nSales") == [("PERSON", "Andrea Schneider")]
    assert told("Max Value\nGrace Period\nAmber Alert\nVirginia Server\n") == []


@given(st.lists(st.sampled_from(sorted(Known.phrases)), max_size=8).map("".join))
def test_what_a_word_holds_is_found_by_the_tree_of_letters(word: str) -> None:
    words = {*word.split()} or {""}
    joined = f" {' '.join(words)} "
    found = {phrase for each, phrases in Known.phrases.items() if each in joined for phrase in phrases}
    assert held(words) == found


@promise("pii:people")
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("P.O. Box 104, or Postfach 10 20 30", "104"),
        ("send it to USNS Møller\nFPO AA 85844", "USNS Møller\nFPO AA 85844"),
        (
            "Address:   3421 Fagradalsbraut 71\nPisão\n, CO\n 46381",
            "3421 Fagradalsbraut 71\nPisão\n, CO\n 46381",
        ),
        ("at 06111 Μεγάλη Άμμος 198 Apt. 822 ΠΑΦΟΣ PA", "06111 Μεγάλη Άμμος 198 Apt. 822 ΠΑΦΟΣ PA"),
        ("she lives at 172 Maneeži 75, Saareküla now", "172 Maneeži 75, Saareküla"),
        ("PSC 1437, Box 3833\nAPO AA 66791", "PSC 1437, Box 3833\nAPO AA 66791"),
        (
            "38 Luite tee 87\n Apt. 931\n Salumäe\n Estonia 24680",
            "38 Luite tee 87\n Apt. 931\n Salumäe\n Estonia 24680",
        ),
    ],
)
def test_addresses_of_other_countries(text: str, value: str) -> None:
    assert ("ADDRESS", value) in told(text)


def test_an_addressee_stands_above_the_address() -> None:
    assert ("PERSON", "Esat Jeknić") in told(
        "> Esat Jeknić\n> 3378 Lovers Lane\n> Suite 12\n> Leeds\n> England 12345\n"
    )


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(0, 3)), max_size=30))
def test_spans_never_overlap(made: list[tuple[int, int, int]]) -> None:
    found = resolved([Span(start, end, "X", rank) for start, end, rank in made])
    assert all(one.end <= other.start for one, other in pairwise(found))


@promise("pii:linear")
@given(st.text(max_size=300))
def test_any_text_can_be_searched(text: str) -> None:
    for each in find(text):
        assert 0 <= each.start < each.end <= len(text)
