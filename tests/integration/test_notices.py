"""Notices over the wire: a webhook receiver, a mail server and a topic, and a real server that tells them."""

from __future__ import annotations

import hashlib
import hmac
import json
import socketserver
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import anyio
import pytest
from moto import mock_aws

from bedrock_support.routing.clock import SystemClock
from bedrock_support.routing.model import Residency, Scope
from bedrock_support.server.environment import SettingsError
from bedrock_support.server.flag_file import FlagFile
from bedrock_support.server.notices.config import load_targets
from bedrock_support.server.notices.mail import Mail
from bedrock_support.server.notices.notice import Kind, Notice, Target, Undelivered
from bedrock_support.server.notices.webhook import DELIVERY, SIGNATURE, Webhook
from tests.promises import promise
from tests.rig import connect, environment

SECRET = "s" * 32
NOTICE = Notice(id="n-1", kind=Kind.STOPPED, about="STOP.direct", text="stopped: the bill", at=1_800_000_000.0)


@dataclass
class Receiver:
    """What came to a web server on loopback."""

    url: str
    got: list[tuple[Mapping[str, str], bytes]] = field(default_factory=list[tuple[Mapping[str, str], bytes]])
    status: int = 204
    location: str = ""
    came: threading.Event = field(default_factory=threading.Event)


@contextmanager
def receiving() -> Generator[Receiver]:
    made: list[Receiver] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            made[0].got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(made[0].status)
            if made[0].location:
                self.send_header("location", made[0].location)
            self.send_header("content-length", "0")
            self.end_headers()
            made[0].came.set()

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.append(Receiver(url=f"http://127.0.0.1:{server.server_address[1]}/hook"))
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield made[0]
        finally:
            server.shutdown()
            thread.join()


def verify(headers: Mapping[str, str], body: bytes) -> None:
    at, given = (part.partition("=")[2] for part in headers[SIGNATURE].split(","))
    assert given == hmac.new(SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()


@promise("notices:signed")
async def test_a_webhook_is_signed_and_carries_the_notice() -> None:
    with receiving() as receiver:
        await Webhook(receiver.url, SECRET, SystemClock(), private=True).send(NOTICE)
        ((headers, body),) = receiver.got
    verify(headers, body)
    assert headers[DELIVERY] == "n-1"
    assert json.loads(body) == {
        "id": "n-1",
        "kind": "stopped",
        "about": "STOP.direct",
        "text": "stopped: the bill",
        "at": 1_800_000_000.0,
        "repeats": 0,
        "service": "bedrock-support",
    }


@promise("notices:ssrf")
async def test_a_webhook_reaches_nothing_inside_and_goes_where_it_looked() -> None:
    with receiving() as receiver:
        port = int(receiver.url.split(":")[2].split("/")[0])
        with pytest.raises(Undelivered, match="isn't public") as raised:
            await Webhook(receiver.url, SECRET, SystemClock()).send(NOTICE)
        assert raised.value.lasting

        def mixed(host: str, port: int) -> list[str]:
            return ["93.184.216.34", "127.0.0.1"]

        with pytest.raises(Undelivered, match="isn't public"):
            await Webhook("https://hooks.example.org/x", SECRET, SystemClock(), resolve=mixed).send(NOTICE)
        looked = list[str]()

        def once(host: str, port: int) -> list[str]:
            looked.append(host)
            return ["127.0.0.1"]

        url = f"http://hooks.example.org:{port}/hook"
        await Webhook(url, SECRET, SystemClock(), private=True, resolve=once).send(NOTICE)
        assert looked == ["hooks.example.org"]
        assert receiver.got[-1][0]["host"] == f"hooks.example.org:{port}"
        receiver.status, receiver.location = 302, receiver.url
        before = len(receiver.got)
        with pytest.raises(Undelivered, match="status 302"):
            await Webhook(receiver.url, SECRET, SystemClock(), private=True).send(NOTICE)
        assert len(receiver.got) == before + 1, "no redirect was followed"


@promise("notices:retried")
@pytest.mark.parametrize(("status", "lasting"), [(400, True), (404, True), (429, False), (500, False), (503, False)])
async def test_what_a_receiver_answers_says_whether_to_try_again(status: int, *, lasting: bool) -> None:
    with receiving() as receiver:
        receiver.status = status
        with pytest.raises(Undelivered) as raised:
            await Webhook(receiver.url, SECRET, SystemClock(), private=True).send(NOTICE)
    assert raised.value.lasting is lasting


class Smtp(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as taking one message needs."""

    messages: ClassVar[list[str]] = []

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                self.wfile.write(b"354 go\r\n")
                body = b""
                while not body.endswith(b"\r\n.\r\n"):
                    body += self.rfile.readline()
                self.messages.append(body.decode())
            self.wfile.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")


@promise("notices:mail")
async def test_mail_goes_out_and_no_text_forges_its_head() -> None:
    forged = Notice(id="n-2", kind=Kind.ALERT, about="errors\r\nBcc: all@example.org", text="a\n.\nb", at=0.0)
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Smtp) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,)).start()
        try:
            port = int(server.server_address[1])
            await Mail(host="127.0.0.1", port=port, sender="a@example.org", to=("b@example.org",), plain=True).send(
                forged
            )
        finally:
            server.shutdown()
    head, _, body = Smtp.messages.pop().partition("\r\n\r\n")
    assert "Subject: bedrock-support: errors Bcc: all@example.org alert" in head
    assert not any(line.lower().startswith("bcc") for line in head.splitlines())
    assert body.startswith("a\r\n..\r\nb\r\n"), "a dot alone on its line is doubled"


async def test_mail_to_nobody_is_told() -> None:
    with pytest.raises(Undelivered, match="ConnectionRefusedError"):
        await Mail(host="127.0.0.1", port=9, sender="a@b", to=("c@d",), plain=True).send(NOTICE)


@promise("notices:sns")
async def test_a_topic_gets_the_notice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "moto")
    file = tmp_path / "notify.toml"
    with mock_aws():
        topic, queue, sqs = await anyio.to_thread.run_sync(_topic)
        (target,) = await anyio.to_thread.run_sync(_named, file, topic)
        await target.send(NOTICE)
        received: Any = await anyio.to_thread.run_sync(lambda: sqs.receive_message(QueueUrl=queue))
        told = json.loads(received["Messages"][0]["Body"])
        assert told["Subject"] == "bedrock-support: STOP.direct stopped"
        assert json.loads(told["Message"])["text"] == "stopped: the bill"
        (gone,) = await anyio.to_thread.run_sync(_named, file, f"{topic}-gone")
        with pytest.raises(Undelivered, match="NotFound") as raised:
            await gone.send(NOTICE)
        assert raised.value.lasting


def _named(file: Path, topic: str) -> list[Target]:
    file.write_text(f'[[sns]]\narn = "{topic}"\n')
    return load_targets(file, {}, SystemClock(), Residency.EU)


def _topic() -> tuple[str, str, Any]:
    import boto3

    session: Any = boto3.Session(region_name="eu-central-1")
    sns, sqs = session.client("sns"), session.client("sqs")
    topic = str(sns.create_topic(Name="alerts")["TopicArn"])
    queue = str(sqs.create_queue(QueueName="seen")["QueueUrl"])
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return topic, queue, sqs


@promise("notices:config", "notices:sns")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = ", "not TOML"),
        ('[[webhook]]\nurl = "https://a.example"\n', "webhook.0.secret_env"),
        ('[[webhook]]\nurl = "http://a.example"\nsecret_env = "S"\n', "give an https URL"),
        ('[[webhook]]\nurl = "https://u:p@a.example"\nsecret_env = "S"\n', "without a user"),
        ('[[webhook]]\nurl = "https://a.example"\nsecret_env = "NONE"\n', "NONE must hold 32 characters"),
        ('[[mail]]\nhost = "mx.example"\nsender = "a@b"\nto = ["c@d"]\nplain = true\n', "this machine alone"),
        ('[[mail]]\nhost = "mx.example"\nsender = "a@b"\nto = ["c@d\\r\\nx"]\n', "mail.0.to.0"),
        ('[[mail]]\nhost = "mx.example"\nsender = "a@b"\nto = ["c@d"]\nuser = "u"\n', "password_env"),
        ('[[sns]]\narn = "arn:aws:sns:us-east-1:123456789012:x"\n', "the topic is in us-east-1"),
        ('[[sns]]\narn = "topic"\n', "give an ARN"),
        ("[[pager]]\n", "pager"),
    ],
)
def test_a_wrong_entry_is_told(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "notify.toml"
    file.write_text(text)
    with pytest.raises(SettingsError, match="BEDROCK_SUPPORT_NOTIFY") as raised:
        load_targets(file, {"S": SECRET}, SystemClock(), Residency.EU)
    assert said in str(raised.value)
    assert SECRET not in str(raised.value)


@promise("notices:told")
async def test_a_running_server_tells_a_stop(tmp_path: Path) -> None:
    flags, file = tmp_path / "flags.json", tmp_path / "notify.toml"
    with receiving() as receiver:
        file.write_text(f'[[webhook]]\nurl = "{receiver.url}"\nsecret_env = "HOOK"\nprivate = true\n')
        env = environment(BEDROCK_SUPPORT_FLAGS=str(flags), BEDROCK_SUPPORT_NOTIFY=str(file), HOOK=SECRET)
        async with connect("stdio", "2026-07-28", root=tmp_path, env=env) as client:
            await client.list_tools()
            await anyio.to_thread.run_sync(FlagFile(flags, SystemClock()).stop, Scope.DIRECT, "the bill")
            assert await anyio.to_thread.run_sync(receiver.came.wait, 10)
    headers, body = receiver.got[0]
    verify(headers, body)
    told = json.loads(body)
    assert (told["kind"], told["about"], told["text"]) == ("stopped", "STOP.direct", "stopped: the bill")
