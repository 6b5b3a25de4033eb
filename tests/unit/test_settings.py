"""Settings come from the environment, and a wrong one is named with its mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from bedrock_support.routing.model import ModelRole, Residency
from bedrock_support.server.environment import SettingsError
from bedrock_support.server.from_settings import bedrock_settings
from bedrock_support.server.settings import FLAG_NAMES, load
from bedrock_support.server.wiring import build
from tests.promises import promise


@promise("settings:defaults")
def test_an_empty_environment_gives_safe_defaults() -> None:
    settings = load({})
    assert settings.region == "eu-central-1"
    assert settings.residency is Residency.EU
    assert settings.endpoint_url is None
    assert settings.otlp_endpoint is None
    assert settings.flags == {}
    assert settings.max_call_seconds == 50
    assert settings.audit is not None
    assert settings.audit_anchor is None


@promise("settings:defaults", "audit:command")
def test_the_audit_trail_is_on_unless_it_is_switched_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = Path("bedrock-support") / "audit"
    for system, environment, where in (
        ("linux", {"HOME": "/home/u"}, Path("/home/u/.local/state")),
        ("linux", {"HOME": "/home/u", "XDG_STATE_HOME": "/state"}, Path("/state")),
        ("linux", {"HOME": "/home/u", "XDG_STATE_HOME": "relative"}, Path("/home/u/.local/state")),
        ("darwin", {"HOME": "/home/u"}, Path("/home/u/Library/Application Support")),
        ("win32", {"HOME": "/home/u", "LOCALAPPDATA": "/local"}, Path("/local")),
    ):
        monkeypatch.setattr("sys.platform", system)
        assert load(environment).audit == where / usual
    assert load({"BEDROCK_SUPPORT_AUDIT": "off"}).audit is None
    assert load({"BEDROCK_SUPPORT_AUDIT": "on", "HOME": "/h", "XDG_STATE_HOME": "/s"}).audit is not None
    assert load({"BEDROCK_SUPPORT_AUDIT": str(tmp_path)}).audit == tmp_path
    with pytest.raises(SettingsError, match=r"BEDROCK_SUPPORT_AUDIT_ANCHOR = 's3://': no bucket"):
        build(load({"BEDROCK_SUPPORT_AUDIT": str(tmp_path), "BEDROCK_SUPPORT_AUDIT_ANCHOR": "s3://"}))


@promise("settings:defaults")
def test_every_setting_can_be_given(tmp_path: Path) -> None:
    settings = load(
        {
            "BEDROCK_SUPPORT_ROOTS": str(tmp_path),
            "BEDROCK_SUPPORT_MODEL_FAST": "eu.m",
            "BEDROCK_SUPPORT_STATE_KEYS": f"{'a' * 32},{'b' * 32}",
            "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
            "ENABLE_INTELLIGENT_ROUTING": "off",
            "BEDROCK_SUPPORT_RESIDENCY": "any",
            "BEDROCK_SUPPORT_APPROVE_DIRECT": "true",
        }
    )
    assert settings.roots == (tmp_path.resolve(),)
    assert settings.models == {ModelRole.FAST: "eu.m"}
    assert settings.state_keys == ("a" * 32, "b" * 32)
    assert settings.endpoint_url == "http://127.0.0.1:1"
    assert settings.flags == {"intelligent_routing": False}
    assert settings.residency is Residency.ANY
    assert settings.approve_direct
    assert "aaa" not in repr(settings)


@promise("settings:errors")
@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"BEDROCK_SUPPORT_RESIDENCY": "mars"}, ["BEDROCK_SUPPORT_RESIDENCY", "'mars'", "'eu'"]),
        ({FLAG_NAMES["support_mode"]: "maybe"}, ["ENABLE_BEDROCK_SUPPORT_MODE", "'maybe'", "true or false"]),
        ({"BEDROCK_SUPPORT_ROOTS": "/nowhere/at/all"}, ["root", "/nowhere/at/all", "existing folder"]),
        ({"BEDROCK_SUPPORT_STATE_KEYS": "short"}, ["BEDROCK_SUPPORT_STATE_KEYS", "32 characters"]),
        ({"BEDROCK_SUPPORT_MAX_CALL_SECONDS": "0"}, ["BEDROCK_SUPPORT_MAX_CALL_SECONDS", "'0'", "greater than 0"]),
    ],
)
def test_a_wrong_setting_is_named(environment: dict[str, str], words: list[str]) -> None:
    with pytest.raises(SettingsError) as refused:
        load(environment)
    assert all(word in str(refused.value) for word in words)
    assert "short" not in str(refused.value)


@promise("settings:errors")
@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"AWS_ENDPOINT_URL": "ftp://x"}, ["AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "'ftp://x'", "https://"]),
        ({"BEDROCK_SUPPORT_REGION": "x y"}, ["BEDROCK_SUPPORT_REGION", "'x y'", "eu-central-1"]),
    ],
)
def test_a_setting_that_bedrock_cannot_take_is_named(environment: dict[str, str], words: list[str]) -> None:
    with pytest.raises(SettingsError) as refused:
        bedrock_settings(load(environment))
    assert all(word in str(refused.value) for word in words)


@promise("cache:tenant")
def test_the_tenant_is_local_unless_it_is_said(tmp_path: Path) -> None:
    assert load({}).tenant == "local"
    settings = load({"BEDROCK_SUPPORT_TENANT": "team-a", "BEDROCK_SUPPORT_AUDIT": "off"}, roots=(tmp_path,))
    assert settings.tenant == "team-a"
    with pytest.raises(SettingsError, match="BEDROCK_SUPPORT_TENANT"):
        load({"BEDROCK_SUPPORT_TENANT": "x" * 129})


@promise("lasting:where")
def test_what_lasts_lies_in_the_store_else_beside_the_queue_else_nowhere() -> None:
    assert load({}).lasting_file is None
    queue = {"BEDROCK_SUPPORT_QUEUE": "/data/queue.db"}
    assert load(queue).lasting_file == Path("/data/queue-lasting.db")
    assert load(queue | {"BEDROCK_SUPPORT_STORE": "/store"}).lasting_file == Path("/store/lasting.db")
    assert build(load({})).lasting is None
