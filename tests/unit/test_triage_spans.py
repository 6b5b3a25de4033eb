"""Traces as a source of triage: OTLP-JSON and Jaeger, failed spans as findings, trace ids as evidence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.promises import promise
from tests.triage_rig import failing, run

BEGIN = 1_772_359_200  # 2026-03-01T10:00:00Z
STACK = 'Traceback (most recent call last):\n  File "/srv/db.py", line 7, in query\n    go()\nTimeoutError: slow'


def _facts() -> list[tuple[str, int, bool]]:
    """Service, second and whether it failed: db from the 200th second on, its caller from the 205th."""
    return [(name, at, at >= begin) for at in range(300) for name, begin in (("shop api", 205), ("db", 200))]


def _otlp_span(service: str, at: int, failed: bool) -> dict[str, Any]:
    start = (BEGIN + at) * 10**9
    span: dict[str, Any] = {
        "traceId": f"{at:032x}", "spanId": f"{at:016x}", "name": "GET /orders", "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + 5_000_000), "status": {},
    }  # fmt: skip
    if failed:
        span["status"] = {"code": "STATUS_CODE_ERROR", "message": "no answer"}
        stack = {"key": "exception.stacktrace", "value": {"stringValue": STACK}}
        span["events"] = [{"name": "exception", "attributes": [stack] if service == "db" else []}]
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    return {"resource": resource, "scopeSpans": [{"spans": [span]}]}


def _otlp() -> str:
    return json.dumps({"resourceSpans": [_otlp_span(*fact) for fact in _facts()]}, indent=1)


def _otlp_lines() -> str:
    return "\n".join(json.dumps({"resourceSpans": [_otlp_span(*fact)]}) for fact in reversed(_facts()))


def _jaeger() -> str:
    traces: list[dict[str, Any]] = []
    for service, at, failed in _facts():
        span: dict[str, Any] = {
            "traceID": f"{at:032x}", "spanID": f"{at:016x}", "operationName": "GET /orders",
            "startTime": (BEGIN + at) * 10**6, "duration": 5_000, "processID": "p1", "tags": [], "logs": [],
        }  # fmt: skip
        if failed:
            span["tags"] = [{"key": "error", "value": True}, {"key": "otel.status_description", "value": "no answer"}]
            if service == "db":
                span["logs"] = [{"fields": [{"key": "exception.stacktrace", "value": STACK}]}]
        processes = {"p1": {"serviceName": service}}
        traces.append({"traceID": f"{at:032x}", "spans": [span], "processes": processes})
    return json.dumps({"data": traces, "total": 0})


@promise("triage:spans")
@pytest.mark.parametrize("make", [_otlp, _otlp_lines, _jaeger], ids=["otlp", "otlp lines", "jaeger"])
async def test_failed_spans_are_findings_with_their_trace_ids(tmp_path: Path, make: Callable[[], str]) -> None:
    (tmp_path / "traces.json").write_text(make(), encoding="utf-8")
    found = await run(tmp_path, failing(), path="traces.json")
    assert found.windows.by == "time"
    failed = next(each for each in found.findings if "no answer" in each.title)
    quotes = {each.id: each.quote for each in found.evidence}
    assert all("trace=0000" in quotes[key] for key in failed.evidence_ids)
    order = next(each for each in found.findings if "First to fail" in each.title)
    assert order.title == "First to fail of 2 services: db"
    assert "then shop-api" in order.detail
    assert any("TimeoutError at db.py:7" in each.title for each in found.findings)
    assert any("read as traces" in limit for limit in found.limits)


async def test_a_broken_document_says_that_only_a_part_was_read(tmp_path: Path) -> None:
    (tmp_path / "traces.jsonl").write_text(_otlp_lines()[:-40], encoding="utf-8")
    (tmp_path / "app.log").write_text("2026-03-01T10:00:00Z ERROR disk full\n", encoding="utf-8")
    found = await run(tmp_path, failing(), path=".")
    assert any("traces.jsonl" in limit for limit in found.limits)
    assert found.findings
