"""AWS on loopback, as recorded: one security group may be read, everything else is denied."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

GROUPS = b"""<?xml version="1.0" encoding="UTF-8"?>
<DescribeSecurityGroupsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
<requestId>1</requestId><securityGroupInfo><item><ownerId>123456789012</ownerId><groupId>sg-0a1b2c3d</groupId>
<groupName>bastion</groupName><groupDescription>ssh</groupDescription><vpcId>vpc-1</vpcId><ipPermissions><item>
<ipProtocol>tcp</ipProtocol><fromPort>22</fromPort><toPort>22</toPort><groups/><ipRanges><item>
<cidrIp>0.0.0.0/0</cidrIp></item></ipRanges></item></ipPermissions></item></securityGroupInfo>
</DescribeSecurityGroupsResponse>"""
DENIED = b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"


@dataclass
class Account:
    """Where it listens and which query actions were asked."""

    url: str = ""
    asked: list[str] = field(default_factory=list[str])


@contextmanager
def account_api() -> Generator[Account]:
    """Serves until the block ends."""
    account = Account()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(403, DENIED)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode("utf-8", "replace")
            action = parse_qs(body).get("Action", [self.headers.get("X-Amz-Target", "").rpartition(".")[2]])[0]
            account.asked += [action] if action else []
            wanted = action == "DescribeSecurityGroups"
            self._answer(200 if wanted else 403, GROUPS if wanted else DENIED)

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Silence."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    account.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield account
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
