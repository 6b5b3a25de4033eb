"""Reversible redaction of secrets and of the personal data that a checksum or a fixed form can prove.

What it finds: private keys, AWS keys, bearer and JSON Web tokens, passwords and tokens in key=value
form and in URLs, e-mail addresses, IBANs and payment cards. Names, addresses and national
identifiers are not recognised yet. Every pattern is bounded, so the time is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class _Detector:
    label: str
    pattern: re.Pattern[str]
    gate: tuple[str, ...]
    """Lower-case words of which one must occur before the pattern is tried."""
    valid: Callable[[str], bool] = lambda _: True


def _luhn(text: str) -> bool:
    digits = [int(char) for char in text if char.isdigit()]
    if len(set(digits)) == 1:
        return False
    doubled = [digit if index % 2 == 0 else sum(divmod(digit * 2, 10)) for index, digit in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0


def _mod97(text: str) -> bool:
    bare = re.sub(r"\s", "", text).upper()
    moved = bare[4:] + bare[:4]
    return int("".join(str(int(char, 36)) for char in moved)) % 97 == 1


_PLAIN = re.compile(r"^(?:\$\{.*|\{\{.*|<.*|\*+|x+|null|none|true|false|changeme|redacted|\[\[.*)$", re.IGNORECASE)


def _not_a_blank(text: str) -> bool:
    return _PLAIN.match(text.strip("\"'")) is None


_DETECTORS = (
    _Detector(
        "PRIVATE_KEY",
        re.compile(
            r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[A-Za-z0-9+/=\s\\]{16,8192}-----END [A-Z ]{0,30}PRIVATE KEY"
        ),
        ("private key",),
    ),
    _Detector("AWS_KEY", re.compile(r"\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}\b"), ("akia", "asia", "aroa", "aida")),
    _Detector("AWS_KEY", re.compile(r"\bABSK[A-Za-z0-9+/=]{40,256}"), ("absk",)),
    _Detector("TOKEN", re.compile(r"\beyJ[\w-]{8,2048}\.[\w-]{8,4096}\.[\w-]{8,1024}"), ("eyj",)),
    _Detector(
        "TOKEN", re.compile(r"(?i)\b(?:bearer|basic)\s{1,3}(?P<value>[A-Za-z0-9._~+/=-]{12,4096})"), ("bearer", "basic")
    ),
    _Detector(
        "SECRET",
        re.compile(
            r"(?i)(?:password|passwd|passwort|pwd|secret|token|api[_-]?key|access[_-]?key|authorization|cookie)"
            # Quotes may be escaped: evidence travels as JSON strings. They stay outside what is replaced, so that
            # putting the value back can't break the JSON of an answer.
            r"[\w-]{0,32}\\{0,3}[\"']?\s{0,3}[=:]\s{0,3}(?:"
            r"\\{0,3}\"(?P<double>(?:[^\"\\\n]|\\[^\"\n]){3,512})"
            r"|'(?P<single>[^'\n]{3,512})'"
            r"|(?P<bare>[^\s,;&\"'<>()\\]{3,512}))"
        ),
        ("passw", "pwd", "secret", "token", "key", "authorization", "cookie"),
        _not_a_blank,
    ),
    _Detector("SECRET", re.compile(r"://[^\s:/@]{0,64}:(?P<value>[^\s/@]{1,128})@"), ("://",), _not_a_blank),
    _Detector("EMAIL", re.compile(r"\b[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}\b"), ("@",)),
    _Detector(
        "IBAN", re.compile(r"\b[A-Z]{2}\d{2}(?:[ \u00a0]?[A-Z0-9]{4}){3,7}(?:[ \u00a0]?[A-Z0-9]{1,3})?\b"), (), _mod97
    ),
    _Detector("CARD", re.compile(r"\b(?:\d[ -]?){12,18}\d\b"), (), _luhn),
)
_PLACEHOLDER = re.compile(r"\[\[[A-Z_]{3,16}_\d{1,6}_[0-9a-f]{8}\]\]")


@dataclass(slots=True)
class Redactor:
    """Redacts the texts of one call: the same value gets the same placeholder, and can be put back.

    The nonce is unguessable and of this call alone, so that a text that already looks like a
    placeholder is never restored into somebody's data.
    """

    nonce: str
    """8 hexadecimal digits."""
    originals: dict[str, str] = field(default_factory=dict[str, str], repr=False)
    """Placeholder -> value."""
    _known: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str], repr=False)

    def redact(self, text: str) -> str:
        """The text with every find replaced by `[[LABEL_n_nonce]]`."""
        lowered = text.lower()
        spans: list[tuple[int, int, str]] = []
        for detector in _DETECTORS:
            if detector.gate and not any(word in lowered for word in detector.gate):
                continue
            for found in detector.pattern.finditer(text):
                group = found.lastgroup or 0
                if detector.valid(found[group]):
                    spans.append((*found.span(group), detector.label))
        return self._replace(text, spans)

    def _replace(self, text: str, spans: list[tuple[int, int, str]]) -> str:
        parts: list[str] = []
        position = 0
        for start, end, label in sorted(spans, key=lambda each: (each[0], -each[1])):
            if start < position:
                # Overlapping finds: the first and longest wins; what sticks out of it is still covered below.
                if end > position:
                    parts.append(self._placeholder(label, text[position:end]))
                    position = end
                continue
            parts += (text[position:start], self._placeholder(label, text[start:end]))
            position = end
        parts.append(text[position:])
        return "".join(parts)

    def _placeholder(self, label: str, value: str) -> str:
        key = (label, value)
        if key not in self._known:
            mark = f"[[{label}_{len(self._known) + 1}_{self.nonce}]]"
            self._known[key] = mark
            self.originals[mark] = value
        return self._known[key]


def restore(text: str, originals: dict[str, str]) -> str:
    """Put the original values back; placeholders that this call didn't make stay as they are."""
    return _PLACEHOLDER.sub(lambda found: originals.get(found[0], found[0]), text)
