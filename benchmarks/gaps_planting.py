"""Planting stubs into real functions of TypeScript, JavaScript, Go and Java, by a seed.

Each kind of stub is written in wordings that the rules weren't made from. What a body holds is kept where the stub
keeps it: behind an exit, under a dead condition, inside a handler that hides every error.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tree_sitter import Node

from bedrock_support.tools.gaps.context import EXAMPLE_PATH, is_test
from bedrock_support.tools.gaps.poly.kinds import FAMILIES, language_of
from bedrock_support.tools.gaps.poly.languages import parser
from bedrock_support.tools.gaps.poly.read import is_generated

FUNCTIONS = {
    "script": {"function_declaration", "method_definition", "arrow_function", "function_expression"},
    "go": {"function_declaration", "method_declaration"},
    "java": {"method_declaration"},
}
SAID = [
    "todo: finish this",
    "placeholder until the service is up",
    "fill in the body",
    "stubbed out, see the ticket",
    "wire this up later",
    "real version comes with the next release",
    "temporary",
    "",
    "",
    "",
]
MISSING = ["not implemented", "Not implemented yet", "TODO", "not written yet", "unfinished", "implement me"]
SAMPLES = ["ok", "success", "sample", "example value", "done", "test"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A function that a stub may be planted in."""

    file: Path
    line: int
    name: str
    kind: str
    """What it returns: `none`, `text`, `number`, `flag`, `list`, `map` or `other`."""
    fails: bool
    """Go: the last result is an error."""
    results: tuple[str, ...]
    params: tuple[str, ...]
    begin: int
    end: int
    """Bytes between the braces of its body."""
    half: int
    """Byte behind the first half of its statements."""
    statements: int


def spots(file: Path, label: str) -> list[Spot]:
    """Functions of a file with a body of two statements or more; none of tests, examples and generated files."""
    language = language_of(label)
    data = file.read_bytes()
    if is_test(label) or EXAMPLE_PATH.search(label) or label.endswith(".d.ts") or is_generated(data):
        return []
    found: list[Spot] = []
    pending = [parser(language).parse(data).root_node]
    while pending:
        node = pending.pop()
        if node.type in FUNCTIONS[FAMILIES[language]]:
            spot = _spot(node, file, FAMILIES[language])
            if spot is not None:
                found.append(spot)
            continue  # what is nested in a function is left alone
        pending += node.named_children
    return sorted(found, key=lambda each: each.begin)


def _text(node: Node | None) -> str:
    return (node.text or b"").decode("utf-8", "replace") if node is not None else ""


def _spot(node: Node, file: Path, family: str) -> Spot | None:
    body = node.child_by_field_name("body")
    if body is None or body.type not in ("statement_block", "block"):
        return None
    name = _text(node.child_by_field_name("name"))
    holder = node.parent
    if not name and holder is not None:
        name = _text(holder.child_by_field_name("name") or holder.child_by_field_name("key"))
    statements = [
        each
        for part in body.named_children
        for each in (part.named_children if part.type == "statement_list" else [part])
    ]
    statements = [each for each in statements if "comment" not in each.type]
    if not re.fullmatch(r"[A-Za-z_$][\w$]*", name) or name in ("constructor", "main", "init"):
        return None
    field = node.child_by_field_name("return_type") or node.child_by_field_name("result")
    field = field or (node.child_by_field_name("type") if family == "java" else None)
    results = _results(field, family)
    fails = family == "go" and bool(results) and results[-1] == "error"
    kept = results[:-1] if fails else results
    gives = any(re.search(r"\breturn\b[^;}\n]", _text(each)) for each in statements)
    kind = _kind(kept[0]) if len(kept) == 1 else "none" if not kept and (family != "script" or not gives) else "other"
    if family == "script" and not results and gives:
        kind = "open"
    return Spot(
        file=file,
        line=node.start_point[0] + 1,
        name=name,
        kind=kind,
        fails=fails,
        results=tuple(results),
        params=tuple(_params(node)),
        begin=body.start_byte + 1,
        end=body.end_byte - 1,
        half=statements[(len(statements) - 1) // 2].end_byte if statements else body.start_byte + 1,
        statements=len(statements),
    )


def _results(field: Node | None, family: str) -> list[str]:
    said = _text(field).lstrip(": ")
    if not said or said in ("void", "Promise<void>", "undefined"):
        return []
    if field is not None and field.type == "parameter_list":
        return [_text(each.child_by_field_name("type")) for each in field.named_children]
    return [re.sub(r"^(?:Promise|CompletableFuture)<(.*)>$", r"\1", said)] if family != "go" else [said]


def _kind(said: str) -> str:
    forms = (
        ("text", r"string|String"),
        ("flag", r"bool|boolean|Boolean"),
        ("list", r".*\[\]|\[\].*|(?:List|Array|Collection)<.*"),
        ("number", r"number|u?int\d*|float\d+|long|double|short|Integer|Long"),
        ("map", r"map\[.*|(?:Map|Record)<.*"),
    )
    return next((name for name, form in forms if re.fullmatch(form, said, re.DOTALL)), "other")


def _params(node: Node) -> list[str]:
    found: list[str] = []
    given = node.child_by_field_name("parameters")
    for each in given.named_children if given is not None else []:
        target = each.child_by_field_name("pattern") or each.child_by_field_name("name") or each
        name = _text(target)
        if re.fullmatch(r"[A-Za-z_$][\w$]*", name) and name != "_":
            found.append(name)
    return found


def zero(spot: Spot, family: str) -> str:
    """The emptiest value that the function may return."""
    if family == "script":
        return {"text": "''", "flag": "false", "list": "[]", "number": "0", "map": "{}"}.get(spot.kind, "null")
    table = {"text": '""', "flag": "false", "number": "0"}
    if family == "java":
        return table.get(spot.kind, "null")
    if spot.kind == "other" and spot.results and not re.match(r"[*\[]|map|func|chan|interface|any", spot.results[0]):
        return f"{spot.results[0]}{{}}"
    return table.get(spot.kind, "nil")


def sample(spot: Spot, family: str, rng: random.Random) -> str | None:
    """A value that looks like an answer, or None when the type has no simple one."""
    word = rng.choice(SAMPLES)
    number = str(rng.choice([42, 100, 7, 3, 1000]))
    values = {"text": f'"{word}"', "flag": "true", "number": number}
    if family == "script":
        values |= {
            "text": f"'{word}'",
            "list": f"['{word}', '{word}2']",
            "map": f"{{ status: '{word}' }}",
            "open": rng.choice([f"{{ status: '{word}', id: {number} }}", f"'{word}'", "true", number]),
        }
    elif family == "java":
        values |= {"list": f'List.of("{word}")', "map": f'Map.of("status", "{word}")'}
    elif spot.results and spot.kind == "list" and spot.results[0] == "[]string":
        values["list"] = f'[]string{{"{word}"}}'
    return values.get(spot.kind)


Maker = Callable[[Spot, str, random.Random], str | None]


def returning(spot: Spot, value: str, family: str) -> str:
    """A return of a value in the function's own form."""
    if family == "go" and spot.fails:
        return f"return {value}, nil" if spot.kind != "none" else "return nil"
    semicolon = "" if family == "go" else ";"
    return f"return {value}{semicolon}" if spot.kind != "none" else ("" if family != "go" else "return")
