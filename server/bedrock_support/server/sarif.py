"""Gaps and problems of infrastructure as SARIF 2.1.0 (OASIS), for code hosts and editors."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from bedrock_support.tools.gaps.findings import Gap
    from bedrock_support.tools.infra.model import Problem

_LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note", "info": "note"}
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def sarif(gaps: Sequence[Gap] | Sequence[Problem]) -> dict[str, object]:
    """One run with one rule for each kind. Ranks are confidences in percent."""
    kinds = sorted({each.kind for each in gaps})
    driver = {
        "name": "bedrock-support",
        "version": version("bedrock-support"),
        "rules": [{"id": kind, "shortDescription": {"text": kind.replace("_", " ")}} for kind in kinds],
    }
    results = [
        {
            "ruleId": each.kind,
            "ruleIndex": kinds.index(each.kind),
            "level": _LEVELS[each.severity],
            "rank": round(each.confidence * 100, 1),
            "message": {"text": f"{each.title}. {each.detail} Wrong if: {each.disproof}."},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": quote(each.file)},
                        "region": {"startLine": max(1, each.line)},
                    },
                    "logicalLocations": [{"fullyQualifiedName": each.symbol}],
                }
            ],
            "partialFingerprints": {
                "gap/v1": hashlib.sha256(
                    f"{each.file}:{each.symbol}:{each.kind}".encode("utf-8", "replace")
                ).hexdigest()
            },
        }
        for each in gaps
    ]
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}
