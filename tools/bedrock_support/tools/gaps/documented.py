"""What documents promise and the code doesn't have: functions, settings and commands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from bedrock_support.tools.gaps.context import is_test
from bedrock_support.tools.gaps.facts import FileFacts
from bedrock_support.tools.gaps.findings import Gap

DOC_ENDINGS = (".md", ".rst")
_HISTORY = re.compile(
    r"(?:^|/)(?:change|history|release|news|migrat|upgrad|whatsnew|deprecat|adr/|archive/|\.kiro/|openspec/|specs/)",
    re.IGNORECASE,
)
_CODE = re.compile(r"``?([^`\n]{2,120})``?")
_DOTTED = re.compile(r"^([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+)(?:\([^)]*\)?)?$")
_SETTING = re.compile(r"^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$")
_GONE = re.compile(
    r"\b(?:remov|delet|renam|deprecat|no longer|former|was |were |used to|instead of|planned|future|old"
    r"|not (?:yet )?(?:there|exist|implement|support)|doesn't|don't)",
    re.IGNORECASE,
)
_SURE = {"undefined_function": 0.8, "unread_setting": 0.75, "unknown_command": 0.8}
_FAMILY = 3
"""Settings of one prefix that the code must know before a strange one of that prefix is a gap."""
_PARSER = re.compile(r"add_parser\(\s*['\"]([\w-]+)['\"]|@\w+\.command\(\s*(?:name\s*=\s*)?['\"]([\w-]+)['\"]")
_SCRIPT = re.compile(r"^\s*['\"]?([\w-]+)['\"]?\s*=\s*['\"][\w.]+:\w+['\"]\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the tree can be asked for by name."""

    packages: set[str]
    """Top packages of Python."""
    owners: set[str]
    """Classes and packages of other languages."""
    tasks: set[str]
    """Scripts of package.json."""


def broken_promises(
    documents: Iterable[tuple[str, str]],
    files: Mapping[str, FileFacts],
    code: Iterable[str],
    project: str,
    floor: float,
    packages: Iterable[str] = (),
) -> list[Gap]:
    """Claims of the documents that nothing in the tree keeps.

    `code` holds the text of every source and configuration file, `project` that of pyproject.toml, `packages` those of
    every package.json.
    """
    words: set[str] = set()
    commands: set[str] = set()
    for text in code:
        words.update(re.findall(r"\w+", text))
        commands.update(name for match in _PARSER.finditer(text) for name in match.groups() if name)
    known = Known(
        packages=_packages(files), owners=_owners(files), tasks={name for text in packages for name in _tasks(text)}
    )
    names = {name for facts in files.values() for name in _names(facts)}
    names |= {part.rsplit(".", 1)[0] for path in files for part in path.split("/")}
    families = _families(words)
    scripts = (
        {match[1] for part in _scripts(project) for match in _SCRIPT.finditer(part)}
        if len(commands) >= 2
        else set[str]()
    )
    found: dict[tuple[str, str], Gap] = {}
    for label, text in documents:
        if _HISTORY.search(label):
            continue
        for line, number, claim in _claims(text):
            kind = _broken(claim, known, names, words, families, scripts, commands)
            if kind is None or _SURE[kind] < floor or _GONE.search(line):
                continue
            found.setdefault((label, claim), _gap(label, number, claim, kind))
    return list(found.values())


def _claims(text: str) -> Iterator[tuple[str, int, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        for match in _CODE.finditer(line[:2_000]):
            yield line, number, match[1].strip()


def _broken(
    claim: str,
    homes: Known,
    names: set[str],
    words: set[str],
    families: set[str],
    scripts: set[str],
    commands: set[str],
) -> str | None:
    dotted = _DOTTED.match(claim)
    if dotted:
        parts = dotted[1].split(".")
        is_file = parts[-1] in ("py", "md", "toml", "json", "yaml", "txt", "cfg", "ini", "rst", "sh")
        known = parts[-1] in names or parts[-1] in words
        called = "(" in claim and len(parts) == 2
        ours = parts[0] in homes.packages or (called and parts[0] in homes.owners)
        return "undefined_function" if ours and not is_file and not known else None
    if _SETTING.match(claim):
        strange = claim.split("_", 1)[0] in families and not _composed(claim, words)
        return "unread_setting" if strange else None
    told = claim.split()
    if homes.tasks and len(told) >= 3 and told[0] in ("npm", "pnpm", "yarn") and told[1] == "run":
        return "unknown_command" if re.fullmatch(r"[a-z][\w:-]*", told[2]) and told[2] not in homes.tasks else None
    if len(told) >= 2 and told[0] in scripts and re.fullmatch(r"[a-z][\w-]*", told[1]):
        return None if told[1] in commands else "unknown_command"
    return None


def _composed(claim: str, words: set[str]) -> bool:
    """The name stands in the code, whole or as a prefix with its underscore and the rest."""
    cuts = [at + 1 for at, letter in enumerate(claim) if letter == "_"]
    return claim in words or any(claim[:cut] in words and claim[cut:] in words for cut in cuts)


def _packages(files: Mapping[str, FileFacts]) -> set[str]:
    """Names of the tree's own top packages."""
    found: set[str] = set()
    for path in files:
        parts = path.split("/")
        if parts[-1] == "__init__.py" and len(parts) > 1 and "/".join([*parts[:-2], "__init__.py"]) not in files:
            found.add(parts[-2])
    return found - {"tests", "test", "docs", "examples"}


def _owners(files: Mapping[str, FileFacts]) -> set[str]:
    """What stands before the dot of a documented call in the other languages: classes, and packages of Go."""
    found: set[str] = set()
    for path, facts in files.items():
        if not path.endswith((".py", ".pyw")) and not is_test(path):
            found.update(each["q"] for each in facts["classes"] if "." not in each["q"] and len(each["q"]) > 3)
            if path.endswith(".go") and "/" in path:
                found.add(path.rsplit("/", 2)[-2])
    return found


def _tasks(text: str) -> list[str]:
    """Names of the scripts of a package.json."""
    try:
        loaded: object = json.loads(text)
    except (ValueError, RecursionError):
        return []
    scripts = cast("dict[str, object]", loaded).get("scripts") if isinstance(loaded, dict) else None
    return list(cast("dict[str, object]", scripts)) if isinstance(scripts, dict) else []


def _names(facts: FileFacts) -> Iterator[str]:
    for function in facts["functions"]:
        yield function["q"].rsplit(".", 1)[-1]
    for each in facts["classes"]:
        yield each["q"].rsplit(".", 1)[-1]
    for name, _line, _origin in facts["names"]:
        yield name.rsplit(".", 1)[-1]


def _families(words: set[str]) -> set[str]:
    """First words that several settings in the code share."""
    sizes: dict[str, int] = {}
    for word in words:
        if _SETTING.match(word):
            first = word.split("_", 1)[0]
            sizes[first] = sizes.get(first, 0) + 1
    return {first for first, size in sizes.items() if size >= _FAMILY}


def _scripts(project: str) -> list[str]:
    """The table of commands in a pyproject.toml."""
    return re.findall(r"^\[project\.scripts\]\n(.*?)(?=^\[|\Z)", project, re.MULTILINE | re.DOTALL)


_SAID = {
    "undefined_function": "is documented and defined nowhere",
    "unread_setting": "is documented and no code reads it",
    "unknown_command": "is documented and no such command is declared",
}


def _gap(label: str, number: int, claim: str, kind: str) -> Gap:
    return Gap(
        file=label,
        line=number,
        at=number,
        symbol=claim[:120],
        kind=kind,
        confidence=_SURE[kind],
        severity="medium",
        title=f"{claim[:120]} {_SAID[kind]}",
        detail="The name stands in no source or configuration file of the tree.",
        disproof="the name is made at run time, or belongs to another program",
    )
