"""What a task says will be there: symbols, files, endpoints and settings, claimed or only mentioned."""

from __future__ import annotations

import builtins
import re
import sys
from dataclasses import dataclass
from typing import Literal, TypeAlias

from bedrock_support.tools.specs.tasks import Task

What: TypeAlias = Literal["symbol", "file", "endpoint", "setting"]
_CODE = re.compile(r"``?([^`\n]{1,200})``?")
_DOTTED = re.compile(r"^[A-Za-z_$][\w$]*(?:(?:\.|::|#)[A-Za-z_$][\w$]*)*$")
_BARE = re.compile(
    r"(?<![\w./`-])(?:[A-Z][a-z0-9]+(?:[A-Z][a-z0-9]*)+|[a-z_][a-z0-9]*(?:_[a-z0-9]+)+|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*\(\))"
)
_FILE = re.compile(
    r"(?<![\w:/@.-])((?:\.?[\w@.-]+/)*[\w@.-]+\.(?:py|pyi|ts|tsx|js|jsx|mjs|cjs|go|java|kt|rs|rb"
    r"|md|toml|ya?ml|json|sql|sh|css|html|proto|tf|cfg|ini|txt))\b"
)
_ENDPOINT = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)\s+[`'\"]?(/[\w/{}:<>.*-]*)")
_SETTING = re.compile(r"^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$")
_MAKES = re.compile(
    r"^[*_\s]*(?:implement|add|create|write|build|define|introduce|expose|provide|develop|make|set ?up|extend|update"
    r"|refactor|fix|support|register|complete|finish|export|declare|generate|configure|migrate|move|port|replace|test|cover|document"
    r"|ensure|wire|integrate)\w*\b",
    re.IGNORECASE,
)
_REMOVES = re.compile(r"^\W*(?:remove|delete|drop|retire|get rid of)\b", re.IGNORECASE)
_RENAMES = re.compile(r"^\W*rename\b", re.IGNORECASE)
_LEANS = re.compile(
    r"\b(?:using|use|uses|via|with|from|by|like|based on|similar to|calls?|following|per|see|instead of"
    r"|such as|raises?|returns?"
    r"|inherits?|depends? on|against|without|compatible with|for)\s+(?:the\s+|an?\s+|existing\s+)*[`\"']?$",
    re.IGNORECASE,
)
_PLACES = re.compile(
    r"\b(?:add(?:ed)?|put|place[d]?|live[s]?|defined?|implement(?:ed)?|file|location|path|in|to|at|under|inside|into)\b[\s:]*[`\"']?$",
    re.IGNORECASE,
)
_LISTED = re.compile(r"\s*(?:,|/|&|,?\s*(?:and|or))\s*")
_READ_FROM = re.compile(r"\b(?:from|by|via|with|using)\s+(?:the\s+)?[`\"']?$", re.IGNORECASE)
_MEMBER = re.compile(r"[`\"']?\s+(?:attribute|field|property|member)s?\b", re.IGNORECASE)
_KNOWN = (
    set(dir(builtins))
    | set(sys.stdlib_module_names)
    | {"pytest", "numpy", "pandas", "self", "cls", "main", "npm", "React", "Node", "json"}
)
_PROPER = {
    "JavaScript",
    "TypeScript",
    "GitHub",
    "GitLab",
    "PostgreSQL",
    "MySQL",
    "GraphQL",
    "OpenAPI",
    "WebSocket",
    "DynamoDB",
    "FastAPI",
    "OpenTelemetry",
    "CloudWatch",
    "CloudFormation",
    "NodeJs",
    "MongoDB",
    "RabbitMQ",
    "LocalStorage",
    "DevOps",
    "OAuth",
    "README",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One thing that a task names."""

    what: What
    name: str
    """Symbol as written, path with slashes, `METHOD /path`, or the setting's name."""
    near: tuple[str, ...] = ()
    """Files that the task puts it in."""
    gone: bool = False
    """It should no longer be there."""


def claims_of(task: Task) -> list[Claim]:
    """What must be there for the task to be done, in the order in which it is named."""
    found: dict[tuple[str, str], Claim] = {}
    places = _placed(task)
    for text, is_title in ((task.title, True), *((each, False) for each in task.details)):
        if not is_title and not _begins_with_deed(text):
            continue
        for claim in _in_text(text, places, is_title=is_title):
            found.setdefault((claim.what, claim.name), claim)
    claims = list(found.values())
    if any(each.what == "symbol" for each in claims):
        # A file that only says where a symbol goes proves nothing by being there.
        return [each for each in claims if each.what != "file" or each.gone or each.name not in places]
    return claims + [Claim(what="file", name=path) for path in places if ("file", path) not in found]


def _placed(task: Task) -> tuple[str, ...]:
    """Files that the title or any detail puts the work in."""
    found: dict[str, None] = {}
    for text in (task.title, *task.details):
        for match in _FILE.finditer(text):
            before = text[: match.start()].rstrip("`\"' ")
            lone = text.strip("`\"' .") == match[1]
            if lone or _PLACES.search(before + " ") or _begins_with_deed(text):
                found.setdefault(match[1].removeprefix("./"))
    return tuple(found)


def _begins_with_deed(text: str) -> bool:
    return any(pattern.match(text) is not None for pattern in (_MAKES, _REMOVES, _RENAMES))


def _in_text(text: str, places: tuple[str, ...], *, is_title: bool) -> list[Claim]:
    removes, renames = _REMOVES.match(text) is not None, _RENAMES.match(text) is not None
    found: list[Claim] = [
        Claim(what="endpoint", name=f"{match[1]} {match[2]}", gone=removes) for match in _ENDPOINT.finditer(text)
    ]
    spans = [(match.start(), match.end(), match[1].strip()) for match in _CODE.finditer(text)]
    leaning = _leaning(text, spans)
    symbols = [(start, name) for (start, _, name), leans in zip(spans, leaning, strict=True) if not leans]
    found += _members(text, spans, leaning, places)
    if is_title and not symbols and not found:
        symbols = [
            (match.start(), match[0]) for match in _BARE.finditer(text) if not _LEANS.search(text[: match.start()])
        ]
        symbols = [(at, name) for at, name in symbols if name not in _PROPER]
    for order, (_, raw) in enumerate(symbols):
        claim = _claim(raw, places)
        if claim is None:
            continue
        gone = removes or (renames and order == 0)
        found.append(Claim(what=claim.what, name=claim.name, near=claim.near, gone=gone))
    return found


def _leaning(text: str, spans: list[tuple[int, int, str]]) -> list[bool]:
    """Which words in backticks are only mentioned: those that the text leans on, and what is listed with them."""
    found: list[bool] = []
    for at, (start, _, name) in enumerate(spans):
        listed = at > 0 and found[-1] and _LISTED.fullmatch(text[spans[at - 1][1] : start]) is not None
        leans = listed or _LEANS.search(text[:start]) is not None
        # A setting that is read from is what the task is about.
        found.append(leans and not (_SETTING.match(name) and _READ_FROM.search(text[:start])))
    return found


def _members(text: str, spans: list[tuple[int, int, str]], leaning: list[bool], places: tuple[str, ...]) -> list[Claim]:
    """Attributes that a class is to be given: `Cart` by a `coupon` attribute."""
    owners = [name for (_, _, name), leans in zip(spans, leaning, strict=True) if not leans and name[:1].isupper()]
    if not owners or not _DOTTED.match(owners[0]) or _SETTING.match(owners[0]) or _REMOVES.match(text):
        return []
    return [
        Claim(what="symbol", name=f"{owners[0]}.{name}", near=places)
        for (_, end, name), leans in zip(spans, leaning, strict=True)
        if leans and name.isidentifier() and _MEMBER.match(text[end:])
    ]


def _claim(raw: str, places: tuple[str, ...]) -> Claim | None:
    name = re.sub(r"^(?:class|def|async def|function|func|interface|type|struct|enum|const|let|var)\s+", "", raw)
    name = re.sub(r"\(.*\)?$", "", name).strip().strip("~")
    if (match := _FILE.fullmatch(raw)) is not None:
        return Claim(what="file", name=match[1].removeprefix("./"))
    if _ENDPOINT.match(raw):
        return None
    if _SETTING.match(name):
        return Claim(what="setting", name=name, near=places)
    if not _DOTTED.match(name) or len(name) < 2:
        return None
    if name in _KNOWN or (name.split(".")[0] in _KNOWN and "." not in name):
        return None
    return Claim(what="symbol", name=re.sub(r"::|#", ".", name), near=places)
