"""Texts that are made to keep a detector busy: one shape again and again, each near to what some pattern looks for."""

from __future__ import annotations

SHAPES: tuple[str, ...] = (
    "A.", "A", "1 ", "1.", "Ab-", "a@", "a@b.", "a=", "-----BEGIN PRIVATE KEY-----", "eyJa.", "password is ",
    "Name: Aa ", "cookie: a=b;", "://a:", "+49 ", "Dr. ", "mit ", "12/12/", "DE12 3456 ", "Straße 1 ", "1 rue a",
    "insert into a (", "a,b,c\n", "1:2:", "Aa Bb ", "-u a:b ", "geb. 1.1.", "von der ", "token=", "\\\"", "[at]",
    "1", "12345678 ", "'\"", "@", "@@a.", "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo0NTY3ODkw", "::", "https://a.b/?x=",
    "eyJhbGciOiJIUzI1NiJ9.", "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n", "[[EMAIL_1_0badcafe]] ", "<a b=", "</a><a>",
    "Herr Müller ", "Am Markt 1 ", "+49 170 1234567 ", "4111 1111 1111 1111 ", "DE89 3704 0044 0532 0130 00 ",
    "Kunde: Aa Bb, ", "a1b2c3d4-", "0x", "1.2.3.4 ", "fe80:", "Frau ", "é", "ß1", "a b c d e ", "Aa ", "AAAA-",
    "secret ", "user ", "Bearer a", "\\n", "\n", "a\n", "\t", " ", "{\"a\":", "key: ", "KEY=", "xoxb-", "ghp_",
    "Authorization: ", "Cookie: ", "lat 1.234 ", "geb 1 ", "Mit freundlichen Gr\xfc\xdfen\n", "Hallo A", "M. A",
    "Der A ist B. ", "Die Aaa der Bbb hat Ccc und Ddd. ", " VALUES ('a',", "'a','b'", "select where a = 'b' ",
    "|a|b", "a;b;c\n", "AKIA", "sk-", "00:11:22:", "Aa, Bb ", "tel 1 ", "(0) ", "()", "(((", "a'b", "A'",
    "Aa\u2019", "p1-", "%40", " (at) ", "192.168.", "10.1.1.1 - a [", "user a_b.c", "login: ", "A-B 1", "AB-C 123",
    "-----BEGIN ", " PRIVATE KEY-----", "key = 'a\" ", " @@a.", "https://a.b/?token=", "[[EMAIL_1_",
    "Abweg 1 Apt. 2\n> ", "lives at 1 A B C ", "\\u00e4",
    "-----BEGIN RSA PRIVATE KEY-----\n" + "QUJDREVGR0hJSktMTU5P" * 900,
)  # fmt: skip


def hostile(shape: str, length: int) -> str:
    """As many characters of it."""
    return (shape * (length // len(shape) + 1))[:length]
