"""One sandbox and one server per HTTP transport for all integration tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rig import LOG, Transport, environment, running, with_bedrock


@pytest.fixture(scope="session")
def log_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one small log."""
    root = tmp_path_factory.mktemp("logs")
    (root / "shop.log").write_text(LOG, encoding="utf-8")
    return root


@pytest.fixture(scope="session")
def sandbox_url() -> Iterator[str]:
    with running("sandbox", "--port", "0", env=environment()) as (_, url):
        yield url


@pytest.fixture(scope="session")
def approving(sandbox_url: str) -> dict[str, str]:
    """Environment of a server that asks before it sends anything to Bedrock."""
    return environment(BEDROCK_SUPPORT_APPROVE_DIRECT="true", **with_bedrock(sandbox_url))


@pytest.fixture(scope="session")
def http_servers(log_root: Path, approving: dict[str, str]) -> Iterator[dict[Transport, str]]:
    """URL by transport; over stdio every client starts its own server."""
    serve = ("serve", "--port", "0", "--root", str(log_root))
    with (
        running(*serve, "--transport", "http", env=approving) as (_, http),
        running(*serve, "--transport", "sse", env=approving) as (_, sse),
    ):
        yield {"stdio": "", "http": http, "sse": sse}
