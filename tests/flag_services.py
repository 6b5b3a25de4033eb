"""Services that say flags, on loopback: flagd's gRPC protocol, OFREP over HTTP, and AWS AppConfig on ministack."""

from __future__ import annotations

import json
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.rig import environment

FLAGD = "openfeature.schemas.protobuf.flagd.evaluation.v2"


@dataclass(slots=True)
class Held:
    """Flags that change all at once, and who is told."""

    flags: dict[str, bool] = field(default_factory=dict[str, bool])
    listeners: list[queue.SimpleQueue[str]] = field(default_factory=list[Any])

    def set(self, **flags: bool) -> None:
        self.flags = {**self.flags, **flags}
        for each in self.listeners:
            each.put("configuration_change")


@contextmanager
def flagd(held: Held) -> Generator[dict[str, str]]:
    """flagd's evaluation service; the environment of who asks it."""
    grpc: Any = import_module("grpc")
    messages: Any = import_module(f"{FLAGD}.evaluation_pb2")
    service: Any = import_module(f"{FLAGD}.evaluation_pb2_grpc")

    class Service(service.ServiceServicer):
        def ResolveBoolean(self, request: Any, context: Any) -> Any:
            if request.flag_key not in held.flags:
                context.abort(grpc.StatusCode.NOT_FOUND, "no such flag")
            on = held.flags[request.flag_key]
            return messages.ResolveBooleanResponse(value=on, reason="STATIC", variant="on" if on else "off")

        def EventStream(self, _: Any, context: Any) -> Any:
            told: queue.SimpleQueue[str] = queue.SimpleQueue()
            held.listeners.append(told)
            context.add_callback(lambda: told.put(""))
            yield messages.EventStreamResponse(type="provider_ready")
            while kind := told.get():
                event = messages.EventStreamResponse(type=kind)
                event.data.update({"flags": {key: {} for key in held.flags}})
                yield event

    server = grpc.server(ThreadPoolExecutor(8))
    service.add_ServiceServicer_to_server(Service(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield {"BEDROCK_SUPPORT_FLAG_PROVIDER": "flagd", "FLAGD_HOST": "127.0.0.1", "FLAGD_PORT": str(port)}
    finally:
        for each in held.listeners:
            each.put("")
        server.stop(None).wait(5)


@contextmanager
def ofrep(held: Held, *, bulk: bool = True) -> Generator[dict[str, str]]:
    """A service of the OpenFeature Remote Evaluation Protocol; the environment of who asks it.

    Without `bulk` it evaluates flags one by one alone.
    """
    whole = "/ofrep/v1/evaluate/flags"

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            flags, key = held.flags, self.path.removeprefix(f"{whole}/")
            if bulk and self.path == whole:
                tag = f'"{hash(frozenset(flags.items()))}"'
                same = self.headers.get("if-none-match") == tag
                self.answer(304 if same else 200, {"flags": [self.evaluated(key, flags) for key in flags]}, tag)
            elif self.path == f"{whole}/{key}" and key in flags:
                self.answer(200, self.evaluated(key, flags))
            else:
                self.answer(404, {"key": key, "errorCode": "FLAG_NOT_FOUND", "errorDetails": key})

        def evaluated(self, key: str, flags: Mapping[str, bool]) -> dict[str, Any]:
            return {"key": key, "value": flags[key], "reason": "STATIC", "variant": "it"}

        def answer(self, status: int, told: Mapping[str, Any], tag: str = "") -> None:
            body = b"" if status == 304 else json.dumps(told).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            if tag:
                self.send_header("etag", tag)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield {"BEDROCK_SUPPORT_FLAG_PROVIDER": f"ofrep:http://127.0.0.1:{server.server_port}"}
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


class Deployed:
    """One AppConfig profile on ministack, and how a version of it is deployed."""

    def __init__(self, url: str) -> None:
        boto3: Any = import_module("boto3")
        self._client = boto3.client(
            "appconfig", region_name="eu-central-1", endpoint_url=url, aws_access_key_id="x", aws_secret_access_key="x"
        )
        self._app = self._client.create_application(Name="support")["Id"]
        self._place = self._client.create_environment(ApplicationId=self._app, Name="live")["Id"]
        self._profile = self._client.create_configuration_profile(
            ApplicationId=self._app, Name="flags", LocationUri="hosted"
        )["Id"]

        self._at_once = self._client.create_deployment_strategy(
            Name="at once",
            DeploymentDurationInMinutes=0,
            FinalBakeTimeInMinutes=0,
            GrowthFactor=100.0,
            ReplicateTo="NONE",
        )["Id"]

    def deploy(self, flags: Mapping[str, Any]) -> None:
        version = self._client.create_hosted_configuration_version(
            ApplicationId=self._app,
            ConfigurationProfileId=self._profile,
            Content=json.dumps(flags).encode(),
            ContentType="application/json",
        )["VersionNumber"]
        self._client.start_deployment(
            ApplicationId=self._app,
            EnvironmentId=self._place,
            ConfigurationProfileId=self._profile,
            ConfigurationVersion=str(version),
            DeploymentStrategyId=self._at_once,
        )


@contextmanager
def appconfig(folder: Path) -> Generator[tuple[Deployed, dict[str, str]]]:
    """AppConfig on ministack, and the environment of who asks it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    closed = {"BIND_HOST": "127.0.0.1", "IOT_MTLS_ENABLED": "false", "SFTP_ENABLED": "false"}
    env = environment(GATEWAY_PORT=str(port), SERVICES="appconfig,appconfigdata", HOME=str(folder), **closed)
    command, null = [sys.executable, "-m", "ministack.app"], subprocess.DEVNULL
    peer = subprocess.Popen(command, env=env, cwd=folder, stdout=null, stderr=null)
    url = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + 40
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert peer.poll() is None
                assert time.monotonic() < until
                time.sleep(0.05)
        keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "eu-central-1"}
        yield Deployed(url), {"AWS_ENDPOINT_URL_APPCONFIGDATA": url, **keys}
    finally:
        peer.terminate()
        peer.wait(10)
