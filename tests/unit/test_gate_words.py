"""Words that leave beside the briefs: structured values, mangled placeholders, logs, notices, records, spans."""

from __future__ import annotations

import io
import json
import logging
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from bedrock_support.routing import semconv
from bedrock_support.routing.clock import SystemEntropy
from bedrock_support.routing.compliance import ComplianceValidator, Destinations
from bedrock_support.routing.model import Clearance, Operation
from bedrock_support.routing.redaction import Redactor, blanked, digest_of, restore, restored, tidied
from bedrock_support.server.logs import FORMAT, Redacting
from bedrock_support.telemetry.audit.records import switched
from bedrock_support.telemetry.leaving import content_free
from tests.fakes import operation
from tests.promises import promise

NONCE = "0badcafe"
MARKS = {f"[[EMAIL_1_{NONCE}]]": "jane@example.org", f"[[DE_TAX_ID_12_{NONCE}]]": "86095742719"}


@promise("gate:structured")
@pytest.mark.parametrize(
    "value",
    [
        {"password": "hunter22"},
        {"db": {"passwd": "hunter22"}},
        {"password": 'hunter22 "quoted"\nand more'},
        {"api_key": ["hunter22zz", "hunter22yy"]},
        {"card": 4111111111111111},
        {"iban": "DE89370400440532013000"},
        {"jane.doe@example.com": True},
        {"text": "mail jane.doe@example.com\nnow"},
    ],
)
def test_names_of_members_are_context(value: dict[str, Any]) -> None:
    redactor = Redactor(nonce=NONCE)
    told = json.dumps(redactor.redact_value(value))
    for secret in ("hunter22", "4111111111111111", "DE89370400440532013000", "jane.doe"):
        assert secret not in told
    assert redactor.originals


@promise("gate:structured")
def test_what_is_nobodys_stays_as_it_is() -> None:
    value = {
        "count": 3,
        "ratio": 0.5,
        "on": True,
        "none": None,
        "token": "${TOKEN}",
        "id": "3f2b8c9e",
        "list": [1, "a"],
    }
    assert Redactor(nonce=NONCE).redact_value(value) == value


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@promise("gate:structured", "gate:restores")
@given(JSON)
def test_a_value_keeps_its_shape_and_its_texts_come_back(value: Any) -> None:
    redactor = Redactor(nonce=NONCE)
    redacted = redactor.redact_value(value)
    if NONCE not in json.dumps(value):
        assert _texts(restored(redacted, redactor.originals)) == _texts(value)


def _texts(value: Any) -> Any:
    """Numbers that were taken for somebody's come back as texts."""
    if isinstance(value, dict):
        return {key: _texts(each) for key, each in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_texts(each) for each in cast("list[Any]", value)]
    return value if value is None or isinstance(value, bool) else str(value)


@promise("gate:mangled")
@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("see EMAIL_1_0badcafe.", "see jane@example.org."),
        ("[EMAIL_1_0badcafe]", "jane@example.org"),
        ("\\[\\[EMAIL\\_1\\_0badcafe\\]\\]", "jane@example.org"),
        ("[[ email 1 0BADCAFE ]]", "jane@example.org"),
        ("<EMAIL-1-0badcafe>", "jane@example.org"),
        ("the DE_TAX_ID_12_0badcafe here", "the 86095742719 here"),
        ("[[[EMAIL_1_0badcafe]]]", "[jane@example.org]"),
        ("[[EMAIL_1_0badcafe]][[EMAIL_1_0badcafe]]", "jane@example.orgjane@example.org"),
        ("[[EMAIL_9_0badcafe]]", "[[EMAIL_9_0badcafe]]"),
        ("[[EMAIL_1_0badcaff]]", "[[EMAIL_1_0badcaff]]"),
        ("[[IBAN_1_0badcafe]] 0badcafe", "[[IBAN_1_0badcafe]] 0badcafe"),
    ],
)
def test_mangled_placeholders_come_back_and_invented_ones_stay(written: str, meant: str) -> None:
    assert restore(written, MARKS) == meant


@promise("gate:mangled")
@given(st.text(st.sampled_from("[]EMAIL_1 0badcafe\\-x"), max_size=120))
def test_mending_changes_nothing_but_placeholders_of_this_call(text: str) -> None:
    mended = tidied(text, MARKS)
    if NONCE not in text.lower():
        assert mended == text
    assert tidied(mended, MARKS) == mended


@promise("gate:digest")
def test_no_digest_of_the_evidence_itself_leaves() -> None:
    where = Destinations(region="eu-central-1", endpoint_url=None, models=frozenset({"eu.m"}))
    gate = ComplianceValidator(where, SystemEntropy())

    def cleared(brief: str) -> Operation:
        found = gate.clear(operation(brief=brief))
        assert isinstance(found, Clearance)
        return found.operation

    one, again, other = (cleared(f"mail of {who}@example.com") for who in ("jane", "john", "jane"))
    assert one.brief != again.brief, "each call has its own nonce"
    assert one.evidence_digest == again.evidence_digest == other.evidence_digest
    assert one.evidence_digest != operation().evidence_digest
    assert cleared("another question").evidence_digest != one.evidence_digest
    assert digest_of("<evidence-0123456789abcdef>x") == digest_of("<evidence-fedcba9876543210>x")


def said(message: str, *arguments: object, error: Exception | None = None) -> str:
    """What a log entry comes to."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Redacting(FORMAT))
    logger = logging.getLogger("test")
    logger.addHandler(handler)
    try:
        logger.error(message, *arguments, exc_info=error)
    finally:
        logger.removeHandler(handler)
    return stream.getvalue()


@promise("gate:logs")
def test_log_entries_and_tracebacks_are_redacted() -> None:
    told = ""
    try:
        int("jane.doe@example.com, password=hunter22")
    except ValueError as error:
        told = said("login of %s failed", "john.roe@example.com", error=error)
    assert "ERROR test: login of [EMAIL] failed" in told
    assert "Traceback" in told
    for secret in ("jane.doe", "john.roe", "hunter22"):
        assert secret not in told
    assert len(said("x" * 1_000_000)) < 30_000


@promise("gate:logs")
def test_an_entry_that_cannot_be_checked_is_not_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: str) -> str:
        raise RuntimeError("no detectors")

    monkeypatch.setattr("bedrock_support.routing.redaction.blanked", broken)
    assert said("mail of jane.doe@example.com") == "ERROR test: an entry that could not be checked (RuntimeError)\n"


@promise("gate:words")
def test_reasons_in_the_trail_are_redacted() -> None:
    record = switched({"all": "stopped by jane.doe@example.com"}, "1", "set", "operator", 0.0, "1")
    assert record.fields["changes"] == {"all": "stopped by [EMAIL]"}
    assert blanked("call jane.doe@example.com") == "call [EMAIL]"


def span(name: str, scope: str, **attributes: str) -> ReadableSpan:
    return ReadableSpan(name=name, instrumentation_scope=InstrumentationScope(scope), attributes=attributes)


@promise("gate:spans")
def test_names_in_the_sdks_spans_are_redacted_and_ours_are_left_alone() -> None:
    theirs = span("tools/call jane.doe@example.com", semconv.MCP_SDK_SCOPE, tool="jane.doe@example.com", other="fine")
    left = content_free(theirs)
    assert left.name == "tools/call [EMAIL]"
    assert dict(left.attributes or {}) == {"tool": "[EMAIL]", "other": "fine"}
    fine = span("tools/call triage_incident", semconv.MCP_SDK_SCOPE, tool="triage_incident")
    assert content_free(fine) is fine
    ours = span("route.decide", semconv.TRACER, a="b")
    assert content_free(ours) is ours
