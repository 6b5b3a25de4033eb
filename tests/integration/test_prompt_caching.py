"""The product's client against the sandbox: the second call reads its instructions from the prompt cache."""

from __future__ import annotations

import pytest

from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.model import ModelRole
from bedrock_support.server.sandbox.emulator import open_sandbox
from bedrock_support.tools.judging import system_prompt
from tests.direct_rig import direct, operation, with_keys
from tests.promises import promise

pytestmark = pytest.mark.anyio


@promise("prompt-cache:read", "prompt-cache:stable")
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("role", list(ModelRole))
async def test_the_second_call_reads_and_costs_less(
    monkeypatch: pytest.MonkeyPatch, *, stream: bool, role: ModelRole
) -> None:
    with_keys(monkeypatch)
    async with open_sandbox() as sandbox, direct(sandbox.url) as client:
        asked = [
            operation(system=system_prompt(), brief=brief, stream=stream, model_role=role)
            for brief in ("Why does the shop fail?", "Why does the cart fail?")
        ]
        first, second = [(await client.send(each)).usage for each in asked]
        assert first is not None
        assert second is not None
        assert first.cache_read_tokens == 0 < first.cache_write_tokens
        assert (second.cache_read_tokens, second.cache_write_tokens) == (first.cache_write_tokens, 0)
        dear, cheap = client.usd(asked[0], first), client.usd(asked[1], second)
        assert dear is not None
        assert cheap is not None
        assert cheap < dear


@promise("prompt-cache:point")
async def test_a_model_that_keeps_nothing_is_sent_no_checkpoint_and_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    with_keys(monkeypatch)
    models = {ModelRole.STANDARD: "eu.amazon.nova-pro-v1:0"}
    async with open_sandbox() as sandbox, direct(sandbox.url, models=models) as client:
        try:
            reply = await client.send(operation(system=system_prompt()))
        except RouteError as error:
            pytest.fail(str(error))
        assert reply.usage is not None
        assert reply.usage.cache_write_tokens == 0
        assert "cachePoint" not in str(sandbox.calls)
