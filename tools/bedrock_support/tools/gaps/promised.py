"""What OpenAPI documents promise and no route keeps."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import cast

from bedrock_support.tools.gaps.findings import Gap
from bedrock_support.tools.gaps.served import VERBS, Route, shape

OPENAPI_ENDINGS = (".json", ".yaml", ".yml")
_NAMED = re.compile(r"(?:^|/)(?:[\w.-]*(?:openapi|swagger)[\w.-]*|api)\.(?:json|ya?ml)$", re.IGNORECASE)
_PATH = re.compile(r"^(?P<indent>\s+)(?P<quote>['\"]?)(?P<path>/[^'\"\s:]*)(?P=quote)\s*:\s*(?:#.*)?$")
_VERB = re.compile(r"^(?P<indent>\s+)(?P<verb>get|post|put|patch|delete|head|options)\s*:", re.IGNORECASE)
_BASE = re.compile(r"^\s*-?\s*(?:url|basePath)\s*:\s*['\"]?(?P<url>[^'\"\s#]+)", re.MULTILINE)
CONFIDENCE = 0.9
MOST_OPERATIONS = 5_000


def is_openapi(label: str, data: bytes) -> bool:
    """A document by its name or its first key."""
    return label.endswith(OPENAPI_ENDINGS) and (
        _NAMED.search(label) is not None
        or re.search(rb"['\"]?(?:openapi|swagger)['\"]?\s*:\s*['\"]?[23]\.", data[:2_000]) is not None
    )


def operations(data: bytes) -> tuple[list[tuple[str, str, int]], list[str]]:
    """Verb, path and line of each operation, and the prefixes that servers and basePath give."""
    text = data.decode("utf-8", "replace")
    if text.lstrip().startswith("{"):
        return _from_json(text)
    found: list[tuple[str, str, int]] = []
    path, indent, inside = "", 0, False
    for number, line in enumerate(text.splitlines(), 1):
        if line[:1].strip() and not line.startswith("#"):
            inside = re.match(r"^['\"]?paths['\"]?\s*:", line) is not None
            path = ""
        elif inside and (match := _PATH.match(line)) and (not path or len(match["indent"]) <= indent):
            path, indent = match["path"], len(match["indent"])
        elif inside and path and (match := _VERB.match(line)) and indent < len(match["indent"]) <= indent + 8:
            found.append((match["verb"].upper(), path, number))
    prefixes = [prefix for match in _BASE.finditer(text) if (prefix := _prefix(match["url"]))]
    return found[:MOST_OPERATIONS], prefixes


def _from_json(text: str) -> tuple[list[tuple[str, str, int]], list[str]]:
    try:
        loaded: object = json.loads(text)
    except (ValueError, RecursionError):
        return [], []
    document = cast("dict[str, object]", loaded) if isinstance(loaded, dict) else {}
    paths = document.get("paths")
    found: list[tuple[str, str, int]] = []
    for path, item in (cast("dict[str, object]", paths) if isinstance(paths, dict) else {}).items():
        at = text.find(json.dumps(path))
        line = text.count("\n", 0, max(at, 0)) + 1
        verbs = cast("dict[str, object]", item) if isinstance(item, dict) else {}
        found += [(verb.upper(), path, line) for verb in verbs if verb.upper() in VERBS]
    prefixes = [_prefix(match[1]) for match in re.finditer(r'"(?:url|basePath)"\s*:\s*"([^"]+)"', text)]
    return found[:MOST_OPERATIONS], [each for each in prefixes if each]


def _prefix(url: str) -> str:
    return re.sub(r"^[a-z]+://[^/]*", "", url).rstrip("/") if url.startswith(("/", "http")) else ""


def missing_routes(documents: Sequence[tuple[str, bytes]], routes: Sequence[Route], floor: float) -> list[Gap]:
    """Operations that no route serves. Without any route in the tree nothing is said: the server lies elsewhere."""
    if not routes or floor > CONFIDENCE:
        return []
    served = {(each.verb, shape(each.path)) for each in routes}
    found: list[Gap] = []
    for label, data in documents:
        listed, prefixes = operations(data)
        for verb, path, line in listed:
            wanted = {shape(prefix + path) for prefix in ("", *prefixes)}
            if any((way, each) in served for each in wanted for way in (verb, "*")):
                continue
            near = sorted(way for way, each in served if each in wanted)
            said = f"The path is served for {', '.join(near)} only." if near else "No route has that path."
            found.append(
                Gap(
                    file=label,
                    line=line,
                    at=line,
                    symbol=f"{verb} {path}",
                    kind="missing_route",
                    confidence=CONFIDENCE,
                    severity="high",
                    title=f"{verb} {path} is promised and not served",
                    detail=said,
                    disproof="the route is registered at run time, or by another repository",
                )
            )
    return found
