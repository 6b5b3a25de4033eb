"""Promises of the detectors."""

from __future__ import annotations

from tests.promises import Promise

PROMISES = {
    "pii:identifiers": Promise("issue 5", "numbers with check digits are found when these agree, and only then"),
    "pii:secrets": Promise("issue 5", "keys, tokens, passwords, cookies are found by form, header, URL, key, words"),
    "pii:code": Promise("issue 5", "a secret is found however a language or a file assigns it"),
    "pii:forms": Promise("issue 5", "keys and tokens of an issuer's form are found wherever they stand by themselves"),
    "pii:phones": Promise("issue 5", "phone numbers are judged as the library phonenumbers judges them"),
    "pii:late": Promise("issue 5", "the finder is loaded behind a server's start, and the loop doesn't wait for it"),
    "pii:people": Promise("issue 5", "people are found where the text says what they are"),
    "pii:tables": Promise("issue 5", "columns of CSV and SQL name their values"),
    "pii:quiet": Promise("issue 5", "ids, hashes, versions, ARNs, order numbers, timestamps and blanks stay"),
    "pii:disguised": Promise("issue 5", "odd spaces, hyphens, full-width and invisible characters hide nothing"),
    "pii:linear": Promise("issue 5", "any text can be searched, in time that grows with its length alone"),
}
