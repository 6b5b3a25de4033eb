"""Routes that web code serves: FastAPI, Flask, Starlette and Django in Python, Express and its kin in JavaScript."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Iterator

from bedrock_support.tools.gaps.bodies import called
from bedrock_support.tools.gaps.routes_typed import go_routes, java_routes, next_routes
from bedrock_support.tools.gaps.served import VERBS, Mounts, Route, joined

_PYTHON_HINT = re.compile(
    rb"\.(?:get|post|put|patch|delete|head|options|route|api_route|websocket|add_url_rule|add_api_route|include_router"
    rb"|register_blueprint|mount)\(|\b(?:Route|Mount|path|re_path|APIRouter|Blueprint)\("
)
_EXPRESS = re.compile(
    r"\b(?P<owner>[A-Za-z_$][\w$]*)\s*\.\s*(?P<verb>get|post|put|patch|delete|head|options|all)\s*\(\s*(['\"`])(?P<path>/[^'\"`\n]*)\3"
)
_EXPRESS_USE = re.compile(
    r"\b[A-Za-z_$][\w$]*\s*\.\s*use\s*\(\s*(['\"`])(?P<path>/[^'\"`\n]*)\1\s*,\s*(?P<rest>[^)\n]*\)?)"
)
_EXPRESS_CHAIN = re.compile(
    r"\.route\s*\(\s*(['\"`])(?P<path>/[^'\"`\n]*)\1\s*\)(?P<rest>(?:\s*\.\s*\w+\s*\([^;]{0,400}?\))+)"
)
_NEST_CLASS = re.compile(r"@Controller\s*\(\s*(?:['\"`](?P<path>[^'\"`\n]*)['\"`])?\s*\)")
_NEST = re.compile(r"@(?P<verb>Get|Post|Put|Patch|Delete|All)\s*\(\s*(?:['\"`](?P<path>[^'\"`\n]*)['\"`])?\s*\)")


def routes_of(files: Iterable[tuple[str, bytes]]) -> list[Route]:
    """Every route of the files, with the prefixes of the routers they hang on."""
    found: list[Route] = []
    mounts = Mounts(own={}, hung={})
    for label, data in files:
        if label.endswith(".py"):
            if _PYTHON_HINT.search(data):
                found += _python(label, data, mounts)
        elif label.endswith(".go"):
            found += go_routes(label, data.decode("utf-8", "replace"), mounts)
        elif label.endswith(".java"):
            found += java_routes(label, data.decode("utf-8", "replace"))
        else:
            text = data.decode("utf-8", "replace")
            found += [*next_routes(label, text), *_script(label, text, mounts)]
    return [whole for each in found for whole in _prefixed(each, mounts)]


def _prefixed(route: Route, mounts: Mounts) -> Iterator[Route]:
    own = mounts.own.get(f"{route.file}:{route.owner}", "")
    stem = route.file.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    parent = route.file.rsplit("/", 2)[-2] if "/" in route.file else ""
    stem = parent if stem in ("index", "__init__") else stem
    hung = (
        mounts.hung.get(f"{route.file}:{route.owner}")
        or mounts.hung.get(f"{stem}.{route.owner}")
        or mounts.hung.get(stem)
        or []
    )
    for prefix in dict.fromkeys(hung or [""]):
        yield Route(
            verb=route.verb, path=joined(prefix, own, route.path), file=route.file, line=route.line, owner=route.owner
        )


def _python(label: str, data: bytes, mounts: Mounts) -> Iterator[Route]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(data)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    origins = {
        name.asname or name.name: (each.module or "").rsplit(".", 1)[-1] or name.name
        for each in ast.walk(tree)
        if isinstance(each, ast.ImportFrom)
        for name in each.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and isinstance(node.targets[0], ast.Name):
            prefix = _keyword(node.value, "prefix", "url_prefix")
            if called(node.value) in ("APIRouter", "Blueprint", "Router", "FastAPI", "Flask") and prefix:
                mounts.own[f"{label}:{node.targets[0].id}"] = prefix
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for each in node.decorator_list:
                if isinstance(each, ast.Call):
                    yield from _decorated(label, each)
        elif isinstance(node, ast.Call):
            yield from _registered(label, node, mounts, origins)


def _decorated(label: str, call: ast.Call) -> Iterator[Route]:
    path = _text(call.args[0]) if call.args else _keyword(call, "path", "rule")
    if path is None or not isinstance(call.func, ast.Attribute) or not path.startswith(("/", "")):
        return
    owner = _name(call.func.value)
    verb = call.func.attr
    if verb.upper() in VERBS:
        yield Route(verb=verb.upper(), path=path, file=label, line=call.lineno, owner=owner)
    elif verb in ("route", "api_route"):
        for each in _methods(call) or ["GET"]:
            yield Route(verb=each, path=path, file=label, line=call.lineno, owner=owner)


def _registered(label: str, call: ast.Call, mounts: Mounts, origins: dict[str, str]) -> Iterator[Route]:
    name = called(call)
    first = _text(call.args[0]) if call.args else None
    if name in ("include_router", "register_blueprint") and call.args:
        prefix = _keyword(call, "prefix", "url_prefix")
        if prefix:
            target = call.args[0]
            key = _name(target)
            if isinstance(target, ast.Attribute):
                home = _name(target.value)
                mounts.hung.setdefault(f"{home}.{key}", []).append(prefix)
            elif key in origins:
                mounts.hung.setdefault(f"{origins[key]}.{key}", []).append(prefix)
                mounts.hung.setdefault(origins[key], []).append(prefix)
            else:
                mounts.hung.setdefault(f"{label}:{key}", []).append(prefix)
    elif first is None:
        return
    elif name in ("add_url_rule", "add_api_route", "add_route") or (name == "Route" and first.startswith("/")):
        owner = _name(call.func.value) if isinstance(call.func, ast.Attribute) else ""
        for each in _methods(call) or ["GET"]:
            yield Route(verb=each, path=first, file=label, line=call.lineno, owner=owner)
    elif name in ("path", "re_path") and len(call.args) >= 2 and label.endswith("urls.py"):
        yield Route(verb="*", path=first, file=label, line=call.lineno)


def _methods(call: ast.Call) -> list[str]:
    for each in call.keywords:
        if each.arg == "methods" and isinstance(each.value, ast.List | ast.Tuple | ast.Set):
            return [text.upper() for part in each.value.elts if (text := _text(part))]
    return []


def _keyword(call: ast.Call, *names: str) -> str | None:
    return next((_text(each.value) for each in call.keywords if each.arg in names), None)


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _script(label: str, text: str, mounts: Mounts) -> Iterator[Route]:
    text = re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"/\*.*?\*/", lambda match: "\n" * match[0].count("\n"), text, flags=re.DOTALL)
    homes = {
        match[1]: match[2].rsplit("/", 1)[-1].rsplit(".", 1)[0]
        for match in re.finditer(
            r"(?:const|let|var|import)\s+\{?\s*([\w$]+)\s*\}?\s*(?:=\s*require\s*\(|from)\s*['\"]([^'\"\n]+)['\"]", text
        )
    }
    for match in _EXPRESS_USE.finditer(text):
        inline = re.search(r"require\s*\(\s*['\"]([^'\"\n]+)['\"]", match["rest"])
        name = re.split(r"[^\w$.]", match["rest"].strip().split(",")[-1].strip(), maxsplit=1)[0]
        home = inline[1].rsplit("/", 1)[-1].rsplit(".", 1)[0] if inline else homes.get(name)
        key = home or f"{label}:{name}"
        mounts.hung.setdefault(key, []).append(match["path"])
    for match in _EXPRESS.finditer(text):
        verb = "*" if match["verb"] == "all" else match["verb"].upper()
        line = text.count("\n", 0, match.start()) + 1
        yield Route(verb=verb, path=match["path"], file=label, line=line, owner=match["owner"])
    for match in _EXPRESS_CHAIN.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        for verb in re.findall(r"\.\s*(get|post|put|patch|delete|head|options)\s*\(", match["rest"]):
            yield Route(verb=verb.upper(), path=match["path"], file=label, line=line)
    controller = _NEST_CLASS.search(text)
    if controller:
        for match in _NEST.finditer(text):
            verb = "*" if match["verb"] == "All" else match["verb"].upper()
            line = text.count("\n", 0, match.start()) + 1
            yield Route(verb=verb, path=joined(controller["path"] or "", match["path"] or ""), file=label, line=line)
