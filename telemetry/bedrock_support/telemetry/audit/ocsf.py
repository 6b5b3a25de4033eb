"""Records as OCSF events, for whoever collects security logs: class API Activity (6003), version 1.6.0.

The version is pinned: 1.7 gives metadata.uid another meaning, and 1.9 deprecates actor.app_name.
Source: schema.ocsf.io, class api_activity.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

VERSION = "1.6.0"
API_ACTIVITY = 6003
CATEGORY = 6
READ, OTHER = 2, 99
SUCCESS, FAILURE = 1, 2
INFORMATIONAL, MEDIUM = 1, 3
_BAD = frozenset({"failure", "refusal", "refused"})


def event(index: int, record: Mapping[str, Any], origin: str) -> dict[str, Any]:
    """One record as an event; what OCSF has no place for stands under `unmapped`."""
    kind = str(record.get("type", ""))
    outcome = str(record.get("outcome", kind))
    failed = outcome in _BAD
    activity = READ if kind in ("opened", "closed", "refused") else OTHER
    made: dict[str, Any] = {
        "metadata": {
            "version": VERSION,
            "uid": f"{origin}/{index}",
            "correlation_uid": str(record.get("operation", "")),
            "product": {
                "name": "bedrock-support",
                "vendor_name": "bedrock-support",
                "version": str(record.get("server", "")),
            },
        },
        "time": int(record.get("at", 0)) // 1000,
        "category_uid": CATEGORY,
        "category_name": "Application Activity",
        "class_uid": API_ACTIVITY,
        "class_name": "API Activity",
        "activity_id": activity,
        "activity_name": "Read" if activity == READ else "Other",
        "type_uid": API_ACTIVITY * 100 + activity,
        "severity_id": MEDIUM if failed else INFORMATIONAL,
        "status_id": FAILURE if failed else SUCCESS,
        "status_detail": outcome,
        "actor": {"user": {"uid": str(record.get("subject", "")), "type_id": 0}, "app_name": "bedrock-support"},
        "api": {"operation": str(record.get("tool", kind)), "service": {"name": "bedrock-support"}},
        "src_endpoint": {"name": "mcp-client"},
        "unmapped": {key: value for key, value in record.items() if key not in ("at", "operation", "subject")},
    }
    if "ms" in record:
        made["duration"] = record["ms"]
    return made
