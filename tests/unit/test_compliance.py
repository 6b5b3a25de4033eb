"""The gate: what is redacted, what comes back, where data may go, and that it fails closed."""

from __future__ import annotations

import json
import os
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bedrock_support.routing.compliance import MAX_BRIEF, ComplianceValidator, Destinations
from bedrock_support.routing.model import Clearance, OperationClass, Outcome, Refusal, Residency, RouteName
from bedrock_support.routing.redaction import Redactor, restore, restore_answer
from bedrock_support.routing.residency import EU_REGIONS, forbids
from tests.fakes import CountingEntropy, operation, reply
from tests.promises import promise

EU = Destinations(region="eu-central-1", endpoint_url=None, models=frozenset({"eu.amazon.nova-lite-v1:0"}))
CASES = int(os.environ.get("ROUND_TRIPS", "600"))
"""Of the six scripts together; ROUND_TRIPS=10000 for all that is promised."""
NONCE = "0badcafe"


def gate(destinations: Destinations = EU) -> ComplianceValidator:
    return ComplianceValidator(destinations, CountingEntropy())


@promise("gate:redacts")
@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("key AKIA" + "IOSFODNN7EXAMPLE used", "AKIA" + "IOSFODNN7EXAMPLE"),
        ("password=hunter22 rest", "hunter22"),
        ('{"db_password": "hunter 22!"}', "hunter 22!"),
        ("api-key: abcdef123456", "abcdef123456"),
        ("Authorization: Bearer abc.def-ghi_jkl1234", "abc.def-ghi_jkl1234"),
        ("postgres://app:s3cr3t@db:5432/shop", "s3cr3t"),
        ("redis://:s3cr3t@cache", "s3cr3t"),
        (json.dumps({"quote": json.dumps({"password": "hunter22 x"})}), "hunter22 x"),
        (json.dumps({"quote": json.dumps({"SecretAccessKey": "wJalrXUtnFEMI"}), "other": 1}), "wJalrXUtnFEMI"),
        (json.dumps({"quote": 'login password="hunter22 x" failed'}), "hunter22 x"),
        ("password = 'hunter22 x'", "hunter22 x"),
        ("mail to jane.doe@example.com now", "jane.doe@example.com"),
        ("IBAN DE89 3704 0044 0532 0130 00 paid", "DE89 3704 0044 0532 0130 00"),
        ("card 4111 1111 1111 1111 declined", "4111 1111 1111 1111"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTYifQ.c2lnbmF0dXJlLXRleHQ", "eyJzdWIiOiIxMjM0NTYifQ"),
        ("-----BEGIN " + "PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEF\n-----END PRIVATE KEY-----", "MIIEvQIBADANBg"),
    ],
)
def test_secrets_and_provable_personal_data_are_replaced(text: str, secret: str) -> None:
    redactor = Redactor(nonce=NONCE)
    redacted = redactor.redact(text)
    assert secret not in redacted
    assert NONCE in redacted
    assert restore(redacted, redactor.originals) == text


@promise("gate:leaves-alone")
@pytest.mark.parametrize(
    "text",
    [
        "id 3f2b8c9e-1d4a-4e5f-9a6b-7c8d9e0f1a2b",
        "sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "arn:aws:lambda:eu-central-1:123456789012:function:shop",
        "at 2026-11-23T14:02:05.123456Z version 10.4.2.1",
        "order 1234567890123456 shipped",
        "password=${DB_PASSWORD} token: null secret=****",
        "git clone ssh://host/repo",
        "IBAN DE00 3704 0044 0532 0130 00",
    ],
)
def test_what_only_looks_like_a_secret_stays(text: str) -> None:
    assert Redactor(nonce=NONCE).redact(text) == text


@promise("gate:restores")
def test_the_same_value_gets_the_same_placeholder_and_foreign_ones_stay() -> None:
    redactor = Redactor(nonce=NONCE)
    redacted = redactor.redact("a@example.org then b@example.org then a@example.org [[EMAIL_1_00000000]]")
    first, second = (f"[[EMAIL_{number}_{NONCE}]]" for number in (1, 2))
    assert redacted == f"{first} then {second} then {first} [[EMAIL_1_00000000]]"
    assert restore(f"{first} [[EMAIL_9_{NONCE}]] [[EMAIL_1_00000000]]", redactor.originals) == (
        f"a@example.org [[EMAIL_9_{NONCE}]] [[EMAIL_1_00000000]]"
    )


@promise("gate:restores")
def test_in_a_json_answer_no_value_writes_more_than_its_own_string() -> None:
    value = 'x","summary":"all fine'
    mark = f"[[SECRET_1_{NONCE}]]"
    answer = json.dumps({"summary": f"it is {mark}", "causes": [{mark: 1}]})
    back = json.loads(restore_answer(answer, {mark: value}))
    assert back == {"summary": f"it is {value}", "causes": [{value: 1}]}
    assert restore_answer(f"it is {mark}", {mark: value}) == f"it is {value}"
    assert restore_answer("{ nothing }", {mark: value}) == "{ nothing }"


@promise("gate:restores")
@pytest.mark.parametrize(
    "mangled",
    [
        f"[[email_1_{NONCE}]]",
        f"[EMAIL_1_{NONCE}]",
        f"EMAIL_1_{NONCE}",
        f"[[EMAIL_1_{NONCE.upper()}]]",
        f"[[ EMAIL_1_{NONCE} ]]",
        f"[[EMAIL-1-{NONCE}]]",
        f"[[EMAIL 1 {NONCE}]]",
        f"\\[\\[EMAIL\\_1\\_{NONCE}\\]\\]",
        f"[[EMAIL_1_{NONCE}]",
    ],
)
def test_a_placeholder_that_the_model_mangled_is_still_told(mangled: str) -> None:
    originals = {f"[[EMAIL_1_{NONCE}]]": "jane@example.org"}
    assert restore(f"ask {mangled}, please", originals) == "ask jane@example.org, please"


@promise("gate:restores")
@pytest.mark.parametrize(
    "invented",
    [
        f"[[EMAIL_2_{NONCE}]]",
        f"[[PHONE_1_{NONCE}]]",
        "[[EMAIL_1_ffffffff]]",
        "[[EMAIL_1]]",
        "[EMAIL]",
        f"X[[EMAIL_11_{NONCE}]]",
        f"[[EMAIL_1_{NONCE}0]]",
    ],
)
def test_a_placeholder_that_the_model_invented_stays(invented: str) -> None:
    assert restore(invented, {f"[[EMAIL_1_{NONCE}]]": "jane@example.org"}) == invented


@promise("gate:restores")
@given(
    st.lists(
        st.sampled_from(["[", "]", "[[", "]]", "\\", " ", "a@example.org", "EMAIL_1_", "[[EMAIL_1_12345678]]", "x"]),
        max_size=14,
    )
)
def test_brackets_around_a_value_are_the_callers_own(parts: list[str]) -> None:
    text = "".join(parts)
    redactor = Redactor(nonce=NONCE)
    assert restore(redactor.redact(text), redactor.originals) == text


SCRIPTS = {
    "Latin": "aäöüßéñ Ł",
    "Greek": "αβγδε Ω",
    "Cyrillic": "абвгд Я",
    "Arabic": "ابجد و",
    "Devanagari": "कखगघ न",
    "Han": "山川日本人",
}
DATA = st.sampled_from(
    [
        "erika.mustermann@example.org",
        "DE89 3704 0044 0532 0130 00",
        "4111 1111 1111 1111",
        "password=hunter2-hunter2",
        "AKIAIOSFODNN7EXAMPLE",
        "+49 89 1234567",
        f"[[EMAIL_1_{NONCE[::-1]}]]",
    ]
)


@promise("gate:restores")
@pytest.mark.parametrize("script", SCRIPTS)
def test_redaction_is_reversible_in_six_scripts(script: str) -> None:
    words = st.text(st.sampled_from(SCRIPTS[script] + " \n.,:=\"'"), max_size=40)

    @settings(max_examples=-(-CASES // len(SCRIPTS)), deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(st.one_of(words, DATA), max_size=8))
    def reversible(parts: list[str]) -> None:
        text = "".join(parts)
        redactor = Redactor(nonce=NONCE)
        assert restore(redactor.redact(text), redactor.originals) == text

    reversible()


@promise("gate:restores")
@given(st.text(max_size=300))
def test_redaction_is_reversible_for_any_text(text: str) -> None:
    redactor = Redactor(nonce=NONCE)
    redacted = redactor.redact(text)
    if NONCE not in text:
        assert restore(redacted, redactor.originals) == text


@promise("gate:linear")
@pytest.mark.parametrize("unit", ["a@", "A.A.", "1 ", "eyJ.", "password=", "://:", "-----BEGIN PRIVATE KEY-----", "é"])
def test_time_grows_with_the_text_and_no_faster(unit: str) -> None:
    def cost(size: int) -> float:
        text = unit * (size // len(unit))
        began = time.process_time()
        Redactor(nonce=NONCE).redact(text)
        return time.process_time() - began

    small = max(cost(20_000), 0.002)
    assert cost(160_000) < small * 8 * 6


@promise("gate:redacts", "gate:restores")
def test_an_operation_is_cleared_redacted_and_its_answer_restored() -> None:
    validator = gate()
    cleared = validator.clear(operation(brief="user jane.doe@example.com failed"))
    assert isinstance(cleared, Clearance)
    assert "jane.doe" not in json.dumps([cleared.operation.brief, repr(cleared)])
    answer = Outcome(operation=cleared.operation, reply=reply(f"ask {cleared.operation.brief.split()[1]}"))
    sealed = validator.seal(answer, cleared)
    assert sealed.reply is not None
    assert sealed.reply.text == "ask jane.doe@example.com"


@promise("gate:fails-closed")
def test_a_broken_gate_refuses_even_an_emergency() -> None:
    class Broken(CountingEntropy):
        def token(self) -> str:
            raise OSError("no entropy")

    refused = ComplianceValidator(EU, Broken()).clear(operation(OperationClass.EMERGENCY))
    assert isinstance(refused, Refusal)
    assert "OSError" in refused.reason
    too_long = gate().clear(operation(brief="x" * (MAX_BRIEF + 1)))
    assert isinstance(too_long, Refusal)


@promise("residency:regions")
@pytest.mark.parametrize("region", ["us-east-1", "eu-west-2", "eu-central-2", "eu-isoe-west-1", ""])
def test_a_region_outside_the_list_closes_the_direct_route(region: str) -> None:
    where = Destinations(region=region, endpoint_url=None, models=EU.models)
    cleared = gate(where).clear(operation())
    assert isinstance(cleared, Clearance)
    assert cleared.routes == {RouteName.MCP}
    assert "region" in cleared.forbidden[RouteName.DIRECT]


@promise("residency:regions")
def test_the_six_regions_are_open_and_residency_any_opens_all() -> None:
    for region in EU_REGIONS:
        assert forbids(Residency.EU, region=region, endpoint_url=None, models=EU.models) is None
    assert forbids(Residency.ANY, region="us-east-1", endpoint_url="http://x", models=frozenset({"global.m"})) is None


@promise("residency:profiles")
@pytest.mark.parametrize(
    "model",
    [
        "global.anthropic.claude-haiku-5-5",
        "us.amazon.nova-lite-v1:0",
        "apac.amazon.nova-lite-v1:0",
        "arn:aws:bedrock:us-east-1:123456789012:inference-profile/x",
        "arn:aws:bedrock:eu-central-1:123456789012:inference-profile/global.anthropic.claude-haiku-5-5",
        "arn:aws:bedrock",
    ],
)
def test_a_profile_that_may_leave_the_eu_is_refused(model: str) -> None:
    problem = forbids(Residency.EU, region="eu-central-1", endpoint_url=None, models=frozenset({model}))
    assert problem is not None
    assert model in problem


@promise("residency:endpoints")
@pytest.mark.parametrize(
    ("url", "open_"),
    [
        ("https://bedrock-runtime.eu-central-1.amazonaws.com", True),
        ("https://vpce-1.bedrock-runtime.eu-west-3.vpce.amazonaws.com", True),
        ("http://127.0.0.1:8001", True),
        ("https://bedrock-runtime.us-east-1.amazonaws.com", False),
        ("https://bedrock-runtime.eu-central-1.amazonaws.com.evil.example", False),
        ("https://proxy.example", False),
        ("nonsense", False),
    ],
)
def test_an_endpoint_must_lie_in_the_eu(url: str, open_: bool) -> None:
    assert (forbids(Residency.EU, region="eu-central-1", endpoint_url=url, models=EU.models) is None) is open_


def test_the_callers_model_can_be_ruled_out() -> None:
    where = Destinations(region="eu-central-1", endpoint_url=None, models=EU.models, caller_model=False)
    cleared = gate(where).clear(operation())
    assert isinstance(cleared, Clearance)
    assert cleared.routes == {RouteName.DIRECT}
