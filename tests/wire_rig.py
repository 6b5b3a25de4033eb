"""What the test over a whole run needs: planted values, proxies that keep every byte, a search in every encoding."""

# ruff: noqa: RUF001 - letters of six scripts
from __future__ import annotations

import base64
import gzip
import json
import re
import socket
import threading
import zlib
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, quote_plus, urlsplit

NUMBERS = {
    "IBAN of Germany": ("DE75512108001245126199", "Lastschrift von IBAN {} abgelehnt"),
    "IBAN of Austria": ("AT611904300234573201", "refund failed, IBAN {}"),
    "IBAN of Switzerland": ("CH9300762011623852957", "virement vers IBAN {} rejeté"),
    "IBAN of France": ("FR1420041010050500013M02606", "virement depuis IBAN {} refusé"),
    "IBAN of Italy": ("IT60X0542811101000000123456", "bonifico da IBAN {} fallito"),
    "IBAN of Spain": ("ES9121000418450200051332", "cargo rechazado en IBAN {}"),
    "IBAN of Greece": ("GR1601101250000000012300695", "Η πληρωμή στο IBAN {} απέτυχε"),
    "IBAN of Poland": ("PL61109010140000071219812874", "przelew na IBAN {} odrzucony"),
    "Mastercard": ("5555555555554444", "card {} declined"),
    "Visa": ("4012888888881881", "Karte {} abgelehnt"),
    "American Express": ("378282246310005", "carte {} refusée"),
    "phone of Germany": ("+49 151 23456789", "Rückruf unter Tel. {} nicht möglich"),
    "phone of Austria": ("+43 664 1234567", "call back at phone {} failed"),
    "tax id": ("86095742719", "Steuer-ID {} unbekannt"),
    "pension number": ("15070649C103", "Rentenversicherungsnummer {} ungültig"),
    "AHV number": ("756.9217.0769.85", "AHV-Nummer {} fehlt"),
    "codice fiscale": ("RSSMRA85T10A562S", "codice fiscale {} non valido"),
    "NIF": ("12345678Z", "NIF {} desconocido"),
    "NIR": ("255081416802538", "numéro de sécurité sociale {} inconnu"),
    "NINO": ("AB123456C", "National Insurance number {} is unknown"),
}
ADDRESSES = {
    "mail in German": ("anna.planted@beispiel-kunde.de", "Anmeldung von {} schlug fehl"),
    "mail in Cyrillic text": ("ivan.zakaz@primer-pochta.ru", "Не удалось отправить письмо на {} снова"),
    "mail in Greek text": ("eleni.paraggelia@paradeigma.gr", "Αποτυχία αποστολής στο {} ξανά"),
    "mail in Arabic text": ("omar.talab@mithal-barid.ae", "فشل إرسال الرسالة إلى {} مرة أخرى"),
    "mail in Devanagari text": ("asha.order@udaharan.in", "{} को संदेश भेजना विफल रहा"),
    "mail in Han text": ("li.dingdan@lizi-youxiang.cn", "无法向 {} 发送邮件"),
}
SECRETS = {
    "AWS key": ("AKIA" + "PLANTEDXQ7ZW3RTY", "signing with {} failed"),
    "GitHub token": ("ghp_" + "pL4nt3dW1reT0kenAbCdEfGh1jKlMn0pQ9", "push with {} was refused"),
    "JWT": ("eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiJwbGFudGVkIn0." + "cGxhbnRlZC1zaWduYXR1cmU", "token {} has expired"),
    "password": ("pl4nt3d-Wire-77", "login failed, password={}"),
    "password in Greek": ("Μυστικό-κλειδί-7731", "login failed, password={}"),
    "password in Cyrillic": ("Тайный-ключ-4711", "вход не удался, password={}"),
    "password in Arabic": ("مفتاح-سري-9930", 'login {{"password": "{}"}} failed'),
    "password in Devanagari": ("गुप्त-कुंजी-8822", 'login {{"password": "{}"}} failed'),
    "password in Han": ("秘密の鍵-9921x", 'login {{"password": "{}"}} failed'),
    "database password": ("dB-pl4nt3d-s3cr3t", "cannot reach postgres://shop:{}@db.internal:5432/shop"),
    "bearer": ("pl4nt3dBearer.Zk93hd82kd0s9dk2", "Authorization: Bearer {}"),
    "cookie": ("Zk93pl4nt3dS3ss10nhd82", "Set-Cookie: session={}; Path=/; HttpOnly"),
    "API key": ("q8Wpl4nt3dAp1K3yZx55", "request with api_key={} was refused"),
}
PLANTED: Mapping[str, tuple[str, str]] = {**NUMBERS, **ADDRESSES, **SECRETS}
"""Name -> value, and a sentence of a log with a place for it."""
MARKER = "wiremarker7319"
"""Nothing secret: what must be found, so that not finding the others means something."""


def sentence(name: str) -> str:
    """The log's sentence with its value in it."""
    value, told = PLANTED[name]
    return told.format(value)


def encodings(value: str) -> Iterator[tuple[str, bytes]]:
    """Every form in which a value might have been written, by name."""
    raw = value.encode()
    once = json.dumps(value)[1:-1]
    yield "plain", raw
    yield "JSON", once.encode()
    yield "JSON in JSON", json.dumps(once)[1:-1].encode()
    yield "JSON, capitals", re.sub(r"\\u[0-9a-f]{4}", lambda told: "\\u" + told[0][2:].upper(), once).encode()
    yield "URL", quote(value, safe="").encode()
    yield "URL, small letters", re.sub("%[0-9A-F]{2}", lambda told: told[0].lower(), quote(value, safe="")).encode()
    yield "form", quote_plus(value).encode()
    yield "UTF-16", value.encode("utf-16-le")
    yield "hexadecimal", raw.hex().encode()
    yield "Python", repr(raw)[2:-1].encode()
    for shift in range(3):
        # Of base64 the part that doesn't depend on what stands before and after.
        told = base64.b64encode(b"\x00" * shift + raw)
        start, cut = (shift * 8 + 5) // 6, len(told.rstrip(b"=")) - (1 if (len(raw) + shift) % 3 else 0)
        yield f"base64 at {shift}", told[start:cut]
        yield f"base64 for URLs at {shift}", told[start:cut].replace(b"+", b"-").replace(b"/", b"_")
    bare = "".join(char for char in value if char not in " .-")
    if bare.isascii() and bare != value and len(bare) >= 9:
        yield "without separators", bare.encode()


def found(blob: bytes, values: Mapping[str, tuple[str, str]] = PLANTED) -> list[str]:
    """Which planted values stand in some bytes, and how they are written."""
    lowered = blob.lower()
    return [
        f"{name} ({how})"
        for name, (value, _) in values.items()
        for how, needle in encodings(value)
        if needle in blob or (how in ("plain", "hexadecimal") and needle.lower() in lowered)
    ]


def unpacked(raw: bytes) -> bytes:
    """Bytes of a connection, with what is compressed in them also as it was before."""
    more = [raw]
    at = raw.find(b"\x1f\x8b")
    while at >= 0:
        with suppress(zlib.error, EOFError):
            more.append(zlib.decompressobj(31).decompress(raw[at:]))
        at = raw.find(b"\x1f\x8b", at + 2)
    return b"\n".join(more)


def in_folder(folder: Path) -> dict[str, bytes]:
    """Every file's bytes, and the names of files."""
    files = [each for each in folder.rglob("*") if each.is_file()]
    told = {str(each.relative_to(folder)): unpacked(each.read_bytes()) for each in files}
    return {**told, "names of files": "\n".join(told).encode()}


@dataclass(slots=True)
class Tap:
    """A TCP proxy that keeps what passes it."""

    url: str
    sent: list[bytes] = field(default_factory=list[bytes])
    """What clients sent, a piece at a time."""

    @property
    def heard(self) -> bytes:
        return unpacked(b"".join(self.sent))


@contextmanager
def tap(target: str) -> Generator[Tap]:
    """A tap in front of an http:// address on loopback."""
    parts = urlsplit(target)
    there = (parts.hostname or "127.0.0.1", parts.port or 80)
    listener = socket.create_server(("127.0.0.1", 0))
    made = Tap(f"http://127.0.0.1:{listener.getsockname()[1]}")
    open_ends: list[socket.socket] = []

    def pump(source: socket.socket, sink: socket.socket, kept: list[bytes] | None) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if kept is not None:
                    kept.append(data)
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def accept() -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(there)
                open_ends.extend((near, far))
                for way in ((near, far, made.sent), (far, near, None)):
                    threading.Thread(target=pump, args=way, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield made
    finally:
        listener.close()
        for each in open_ends:
            with suppress(OSError):
                each.close()


def packed(text: str) -> bytes:
    """For the test of the search itself."""
    return gzip.compress(text.encode())
