"""Frames and fault settings of the sandbox, without a socket."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.eventstream import ChecksumMismatch, EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bedrock_support.server.sandbox import frames
from bedrock_support.server.sandbox.answers import LABEL, compose, pieces, tokens
from bedrock_support.server.sandbox.faults import (
    ERRORS,
    STOP_REASONS,
    STREAM_EXCEPTIONS,
    Fault,
    FaultKind,
    Faults,
    FaultSettings,
)
from tests.promises import promise


@promise("sandbox:frames")
@given(st.sampled_from(["messageStart", "metadata"]), st.dictionaries(st.text(), st.text() | st.integers()))
def test_a_frame_is_read_back_by_botocore(name: str, payload: dict[str, object]) -> None:
    buffer = EventStreamBuffer()
    buffer.add_data(frames.event(name, payload))
    messages: list[Any] = list(buffer)
    (message,) = messages
    assert message.headers[":event-type"] == name
    assert json.loads(message.payload) == payload


@promise("sandbox:frames")
def test_a_spoiled_frame_fails_its_checksum() -> None:
    buffer = EventStreamBuffer()
    buffer.add_data(frames.spoiled(frames.event("messageStart", {})))
    with pytest.raises(ChecksumMismatch):
        list(buffer)


@promise("sandbox:live")
def test_a_fault_strikes_only_what_it_matches_and_only_as_often_as_told() -> None:
    faults = Faults()
    assert faults.strike("m") is None
    fault = Fault(kind=FaultKind.THROTTLING, model="haiku", times=2)
    faults.set(fault)
    assert faults.strike("nova") is None
    assert [faults.strike("eu.haiku") for _ in range(3)] == [fault, fault, None]


@promise("sandbox:live")
def test_settings_name_what_is_wrong() -> None:
    with pytest.raises(ValidationError, match="kind"):
        FaultSettings.model_validate({"kind": "explode"})
    faults = Faults()
    FaultSettings(kind=FaultKind.HANG, latency_ms=5, answer="x").apply(faults)
    assert faults.active == Fault(kind=FaultKind.HANG)
    assert (faults.latency_ms, faults.answer) == (5, "x")


def test_every_modelled_error_is_of_one_sort() -> None:
    assert not ERRORS.keys() & STREAM_EXCEPTIONS.keys()
    assert not STOP_REASONS.keys() & STREAM_EXCEPTIONS.keys()


@promise("sandbox:labelled")
def test_an_answer_says_that_it_is_simulated_and_cites_only_what_the_brief_names() -> None:
    body = {"system": [{"text": "Answer as JSON."}], "messages": [{"content": [{"text": "see E1, E3 and E4"}]}]}
    answer = json.loads(compose(body))
    assert LABEL in answer["summary"]
    assert [cause["evidence_ids"] for cause in answer["causes"]] == [["E1"], ["E3"]]
    assert compose({"messages": [{"content": [{"text": "hello"}]}]}).startswith(LABEL)


@given(st.text())
def test_pieces_are_the_whole_text(text: str) -> None:
    assert "".join(pieces(text)) == text
    assert tokens(text) * 4 >= len(text)
