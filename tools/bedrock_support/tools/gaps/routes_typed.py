"""Routes of Go (net/http, gin, echo, chi, gorilla, fiber), of Java (Spring, JAX-RS) and of Next.js by their forms."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bedrock_support.tools.gaps.served import VERBS, Mounts, Route, joined

_VERB = "|".join(VERBS)
_GO_CALL = re.compile(
    rf"\b(?P<owner>[A-Za-z_]\w*)(?:\.With\([^)\n]*\))?\.(?P<verb>{_VERB}|Get|Post|Put|Patch|Delete|Head|Options|Any|All"
    r"|HandleFunc|Handle|Method|MethodFunc|Add)\(\s*(?P<args>[^\n]*)"
)
_GO_GROUP = re.compile(
    r"\b(?P<name>[A-Za-z_]\w*)\s*:?=\s*(?P<owner>[A-Za-z_]\w*)\.(?:Group|PathPrefix)\(\s*[\"`](?P<path>[^\"`\n]*)[\"`]"
)
_GO_NEST = re.compile(r"\b(?P<owner>[A-Za-z_]\w*)\.Route\(\s*\"(?P<path>/[^\"\n]*)\"\s*,\s*func\(\s*(?P<name>\w+)\b")
_GO_TEXT = re.compile(r"[\"`](?P<text>[^\"`\n]*)[\"`]")
_SPRING = re.compile(
    r"@(?P<verb>Get|Post|Put|Patch|Delete|Request)Mapping\b\s*(?:\((?P<args>(?:[^()\"]|\"[^\"\n]*\"|\([^()]*\))*)\))?"
)
_JAX = re.compile(rf"@(?P<verb>{_VERB})\b(?!\w)")
_JAX_PATH = re.compile(r"@Path\(\s*\"(?P<path>[^\"\n]*)\"\s*\)")
_JAVA_CLASS = re.compile(r"\b(?:class|interface)\s+[A-Z]\w*")
_NEXT_APP = re.compile(r"(?:^|/)app/(?P<path>(?:.*/)?)route\.[cm]?[jt]sx?$")
_NEXT_PAGES = re.compile(r"(?:^|/)pages/(?P<path>api/.*)\.[cm]?[jt]sx?$")
_NEXT_VERB = re.compile(rf"^export\s+(?:async\s+)?(?:function|const)\s+(?P<verb>{_VERB})\b", re.MULTILINE)


def _quiet(text: str) -> str:
    """The text without its comments; lines stay where they are."""
    text = re.sub(r"/\*.*?\*/", lambda match: "\n" * match[0].count("\n"), text, flags=re.DOTALL)
    return re.sub(r"(?m)^\s*//.*$", "", text)


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def go_routes(label: str, text: str, mounts: Mounts) -> Iterator[Route]:
    """Routes of one Go file; groups and nested routers give their prefixes."""
    text = _quiet(text)
    spans = [_nested(text, match) for match in _GO_NEST.finditer(text)]
    groups = {match["name"]: (match["owner"], match["path"]) for match in _GO_GROUP.finditer(text)}
    for match in re.finditer(r"\.Mount\(\s*\"(?P<path>/[^\"\n]*)\"\s*,\s*(?:\w+\.)?(?P<what>\w+)", text):
        mounts.hung.setdefault(f"{label}:{match['what']}", []).append(match["path"])
    for match in _GO_CALL.finditer(text):
        texts = [each["text"] for each in _GO_TEXT.finditer(match["args"])][:2]
        opening = match["args"].lstrip()[:1]
        constant = re.match(r"\s*http\.Method(\w+)\s*,", match["args"])
        if constant:
            texts = [constant[1].upper(), *texts[:1]]
        elif opening not in ('"', "`"):
            continue
        verb, path = _told(match["verb"], texts, match["args"])
        if not path.startswith("/") and path:
            continue
        prefix = [path for begin, end, path in spans if begin < match.start() < end]
        owner, hops = match["owner"], 0
        above: list[str] = []
        while owner in groups and hops < 6:
            owner, piece = groups[owner]
            above.insert(0, piece)
            hops += 1
        whole = joined(*prefix, *above, path)
        for each in verb:
            yield Route(verb=each, path=whole, file=label, line=_line(text, match.start()), owner=match["owner"])


def _told(name: str, texts: list[str], rest: str) -> tuple[list[str], str]:
    """Verbs and path of one registration."""
    first = texts[0] if texts else ""
    if name in ("Method", "MethodFunc", "Add", "Handle", "HandleFunc"):
        cut = first.split(" ", 1)
        if cut[0] in VERBS and len(cut) == 2:  # net/http since Go 1.22
            return [cut[0]], re.sub(r"^[^/]*", "", cut[1])
        if first in VERBS and len(texts) > 1:
            return [first], texts[1]
        chained = re.search(r"\.Methods\(([^)]*)\)", rest)
        listed = re.findall(r"\"([A-Z]+)\"|http\.Method(\w+)", chained[1]) if chained else []
        return [(a or b).upper() for a, b in listed] or ["*"], first
    return ["*" if name in ("Any", "All") else name.upper()], first


def _nested(text: str, match: re.Match[str]) -> tuple[int, int, str]:
    """Begin and end of the function that a nested router is given, and its path."""
    depth, at = 0, text.find("{", match.end())
    begin = at
    while 0 <= at < len(text):
        depth += (text[at] == "{") - (text[at] == "}")
        if depth == 0:
            break
        at += 1
    return begin, at, match["path"]


def java_routes(label: str, text: str) -> Iterator[Route]:
    """Routes of one Java file: what stands before the class is a prefix of what stands inside it."""
    text = _quiet(text)
    kind = _JAVA_CLASS.search(text)
    inside = kind.start() if kind else 0
    prefixes = [""]
    for match in _SPRING.finditer(text):
        verbs, paths = _spring(match["verb"], match["args"] or "")
        if match.start() < inside:
            prefixes = paths
            continue
        for verb in verbs:
            for path in paths:
                for prefix in prefixes:
                    yield Route(verb=verb, path=joined(prefix, path), file=label, line=_line(text, match.start()))
    if "@Path" not in text:
        return
    held = list(_JAX_PATH.finditer(text))
    prefix = next((match["path"] for match in held if match.start() < inside), "")
    for match in _JAX.finditer(text):
        if match.start() < inside:
            continue
        own = next(
            (
                each["path"]
                for each in held
                if 0 < abs(each.start() - match.start()) < 300
                and each.start() > inside
                and "{" not in _between(text, each, match)
            ),
            "",
        )
        yield Route(verb=match["verb"], path=joined(prefix, own), file=label, line=_line(text, match.start()))


def _between(text: str, one: re.Match[str], other: re.Match[str]) -> str:
    """The code between two annotations: a brace there means that they belong to different methods."""
    begin, end = sorted((one, other), key=lambda each: each.start())
    return text[begin.end() : end.start()]


def _spring(name: str, args: str) -> tuple[list[str], list[str]]:
    own = re.sub(r"\b(?:produces|consumes|params|headers|name)\s*=\s*(?:\{[^}]*\}|\"[^\"]*\")", "", args)
    paths = re.findall(r"\"([^\"\n]*)\"", own) or [""]
    verbs = [name.upper()] if name != "Request" else re.findall(rf"RequestMethod\.({_VERB})", args) or ["*"]
    return verbs, paths


def next_routes(label: str, text: str) -> Iterator[Route]:
    """Routes that Next.js takes from where a file lies, and those that Fastify is given as objects."""
    app, page = _NEXT_APP.search(label), _NEXT_PAGES.search(label)
    if app:
        parts = [each for each in app["path"].split("/") if each and not each.startswith(("(", "@"))]
        for match in _NEXT_VERB.finditer(text):
            yield Route(verb=match["verb"], path=_next(parts), file=label, line=_line(text, match.start()))
    elif page:
        parts = [each for each in page["path"].split("/") if each != "index"]
        yield Route(verb="*", path=_next(parts), file=label, line=1)
    for match in re.finditer(r"\.route\(\s*\{(?P<body>.{0,400}?)\b(?:handler|schema|preHandler)\b", text, re.DOTALL):
        path = re.search(r"\b(?:url|path)\s*:\s*['\"`]([^'\"`\n]+)['\"`]", match["body"])
        verbs = re.search(r"\bmethod\s*:\s*(\[[^\]]*\]|['\"]\w+['\"])", match["body"])
        if path and verbs:
            for verb in re.findall(r"\w+", verbs[1]):
                yield Route(verb=verb.upper(), path=path[1], file=label, line=_line(text, match.start()))


def _next(parts: list[str]) -> str:
    return joined(*(re.sub(r"^\[+(?:\.\.\.)?([^\]]+)\]+$", r"{\1}", each) for each in parts))
