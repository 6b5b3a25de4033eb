"""BedrockSettings: good defaults, and words for what cannot work."""

from __future__ import annotations

from typing import Any

import pytest

from bedrock_support.routing.bedrock.settings import BedrockSettings
from bedrock_support.routing.model import ModelRole
from tests.promises import promise


@promise("direct:eu-models")
def test_every_role_has_an_eu_profile() -> None:
    models = BedrockSettings().models
    assert models.keys() == set(ModelRole)
    assert all(model.startswith("eu.") for model in models.values())
    assert BedrockSettings().region == "eu-central-1"


def test_a_role_left_out_keeps_its_default() -> None:
    models = BedrockSettings(models={ModelRole.FAST: "eu.amazon.nova-micro-v1:0"}).models
    assert models[ModelRole.FAST] == "eu.amazon.nova-micro-v1:0"
    assert models[ModelRole.DEEP] == BedrockSettings().models[ModelRole.DEEP]


@promise("direct:settings")
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"region": "Frankfurt"}, "region is 'Frankfurt'; give"),
        ({"endpoint_url": "ftp://x"}, "endpoint_url is 'ftp://x'; give https"),
        ({"endpoint_url": "https://host:port"}, "endpoint_url is"),
        ({"endpoint_url": "http://bedrock.example"}, "in the clear"),
        ({"profile": " "}, "profile is blank"),
        ({"models": {ModelRole.FAST: ""}}, r"models\[fast\] is ''; give"),
        ({"concurrency": 0}, "concurrency is 0; give 1"),
        ({"connect_timeout": 0}, "connect_timeout is 0; give"),
        ({"first_token_timeout": float("nan")}, "first_token_timeout is nan; give"),
        ({"inter_token_timeout": -1}, "inter_token_timeout is -1; give"),
    ],
)
def test_what_cannot_work_is_named_with_its_mend(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        BedrockSettings(**wrong)


def test_a_password_in_the_address_is_not_repeated() -> None:
    with pytest.raises(ValueError, match="endpoint_url") as caught:
        BedrockSettings(endpoint_url="https://me:hunter2@bedrock.example")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000", "http://localhost:1", "http://[::1]:1", "https://vpce.example"]
)
def test_loopback_and_tls_are_good(url: str) -> None:
    assert BedrockSettings(endpoint_url=url).endpoint_url == url
