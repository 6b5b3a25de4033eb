"""Who uses the files that findings are about, and which tests look at them: read from import lines, nothing is run."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bedrock_support.tools.gaps.files import list_sources, read

ENDINGS = frozenset({".py", ".js", ".ts", ".mjs", ".cjs", ".jsx", ".tsx", ".go", ".java"})
MOST_TESTS = 10
"""Test files named for one file."""
_TEST = re.compile(
    r"(?:^|/)(?:test_[^/]*\.py|[^/]*_test\.(?:py|go)|[^/]*\.(?:test|spec)\.[cm]?[jt]sx?|[^/]*Tests?\.java)$"
)
_PY = re.compile(
    r"^[ \t]*(?:from[ \t]+([.\w]+)[ \t]+import[ \t]+(\([^)]*\)|[^\n#]+)|import[ \t]+([^\n#]+))", re.MULTILINE
)
_JS = re.compile(r"""(?:\bfrom\s*|\brequire\s*\(\s*|\bimport\s*\(?\s*)['"](\.[^'"\n]+)['"]""")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What stands around the files in question. All paths are relative to the project, with slashes."""

    users: Mapping[str, frozenset[str]]
    """File -> files that import it, tests left out."""
    tests: Mapping[str, tuple[str, ...]]
    """File -> test files that import or name it."""
    notes: tuple[str, ...]


def is_test(label: str) -> bool:
    return _TEST.search(label) is not None


def survey(root: Path, targets: Collection[str], check: Callable[[], None], expired: Callable[[], bool]) -> Survey:
    """Look through the tree's import lines for `targets`. Blocks: call off the loop."""
    listing = list_sources(root, ENDINGS, check)
    users: dict[str, set[str]] = {each: set() for each in targets}
    tests: dict[str, list[str]] = {each: [] for each in targets}
    notes = list(listing.notes)
    for at, file in enumerate(listing.files):
        check()
        if expired():
            notes.append(f"the time ran out: uses were looked for in {at} of {len(listing.files)} files")
            break
        text = (read(file) or b"").decode("utf-8", "replace")
        for target in used(file.label, text, targets):
            if not is_test(file.label):
                users[target].add(file.label)
            elif len(tests[target]) < MOST_TESTS:
                tests[target].append(file.label)
    return Survey(
        users={each: frozenset(found) for each, found in users.items()},
        tests={each: tuple(found) for each, found in tests.items()},
        notes=tuple(notes),
    )


def used(label: str, text: str, targets: Collection[str]) -> list[str]:
    """Those of `targets` that the file `label` uses."""
    ending = PurePosixPath(label).suffix
    if ending == ".py":
        named = {tuple(parts) for parts in _python(label, text)}
        return [each for each in targets if each != label and each.endswith(".py") and _imported(each, named)]
    if ending in (".go", ".java"):
        return [each for each in targets if each != label and _beside(label, text, each)]
    named_files = {_joined(label, match[1]) for match in _JS.finditer(text)}
    return [each for each in targets if each != label and named_files & _names_of(each)]


def _python(label: str, text: str) -> Iterator[list[str]]:
    """Dotted names that import lines could mean, as parts."""
    folder = list(PurePosixPath(label).parent.parts)
    for match in _PY.finditer(text):
        if match[3]:
            yield from (each.split(" as ")[0].strip().split(".") for each in match[3].split(","))
            continue
        base = [part for part in match[1].lstrip(".").split(".") if part]
        up = len(match[1]) - len(match[1].lstrip("."))
        if up:
            base = folder[: len(folder) - up + 1] + base
        yield base
        yield from ([*base, name[0]] for each in match[2].split(",") if (name := _WORD.findall(each)))


def _imported(target: str, named: set[tuple[str, ...]]) -> bool:
    """Some import names the end of the target's path: where a source root begins isn't known."""
    parts = target.removesuffix(".py").removesuffix("/__init__").split("/")
    return any(tuple(parts[at:]) in named for at in range(len(parts)))


def _joined(label: str, named: str) -> str:
    found: list[str] = list(PurePosixPath(label).parent.parts)
    for part in named.split("/"):
        if part == "..":
            found = found[:-1]
        elif part != ".":
            found.append(part)
    return "/".join(found)


def _names_of(target: str) -> set[str]:
    """What a JavaScript import may call a file: with its ending, without it, and the folder of an index."""
    bare = str(PurePosixPath(target).with_suffix(""))
    # TypeScript names the file that it will become.
    names = {target, bare, f"{bare}.js", f"{bare}.mjs"}
    return names | {str(PurePosixPath(bare).parent)} if bare.endswith("/index") else names


def _beside(label: str, text: str, target: str) -> bool:
    """Go: a test of the same package; Java: the class is named."""
    if label.endswith(".go"):
        same = PurePosixPath(label).parent == PurePosixPath(target).parent
        return target.endswith(".go") and same and is_test(label)
    return target.endswith(".java") and PurePosixPath(target).stem in set(_WORD.findall(text))
