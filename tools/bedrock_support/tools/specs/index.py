"""Where things are defined: by the facts of files, in languages without facts by the form of their definitions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bedrock_support.tools.gaps.facts import FileFacts
from bedrock_support.tools.gaps.files import SourceFile, read

OTHERS = frozenset(
    {".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".go", ".java", ".kt", ".rs", ".rb", ".cs", ".swift", ".php"}
)
_DEFINED = re.compile(
    r"""^[ \t]*(?:(?:export|default|public|private|protected|static|final|abstract|async|declare|override
      |pub(?:\([^)\n]*\))?|open|sealed|readonly)\s+)*
    (?: (?:function\*?|class|interface|type|enum|struct|trait|record|namespace|module|def|fun|fn|object|impl)
      \s+(?P<a>[A-Za-z_$][\w$]*)
      | func\s+(?:\([^)\n]*\)\s*)?(?P<b>[A-Za-z_]\w*)
      | (?:const|let|var|val)\s+(?P<c>[A-Za-z_$][\w$]*)\s*(?::[^=\n]{0,200})?=
      | (?:[\w<>\[\],.?&|]+\s+){1,2}(?P<d>[A-Za-z_]\w*)\s*\([^;\n]*\)\s*(?:throws\s+[\w,.\s]+)?\{
      | (?P<e>[A-Za-z_$][\w$]*)\s*\([^;\n]*\)\s*(?::\s*[^{\n]{1,200})?\{
    )""",
    re.MULTILINE | re.VERBOSE,
)
_NO_NAMES = {
    "if",
    "for",
    "while",
    "switch",
    "catch",
    "return",
    "function",
    "else",
    "do",
    "try",
    "with",
    "new",
    "throw",
    "await",
}
_HOPS = 6
"""Re-exports that are followed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One definition."""

    file: str
    line: int
    qualified: str
    how: str
    """function, class, name, import or other (known by its form only)."""

    @property
    def is_python(self) -> bool:
        return self.file.endswith((".py", ".pyw"))


class Index:
    """Every definition of a tree, by its last name."""

    def __init__(self, files: Mapping[str, FileFacts]) -> None:
        self._files = files
        self._sites: dict[str, list[Site]] = {}
        self._modules: dict[str, str] = {}
        self.everything: set[str] = set(files)
        for path, facts in files.items():
            self._modules[module_of(path)] = path
            for each in facts["functions"]:
                self._add(Site(file=path, line=each["line"], qualified=each["q"], how="function"))
            for each in facts["classes"]:
                self._add(Site(file=path, line=each["line"], qualified=each["q"], how="class"))
            for name, line, how in facts["names"]:
                self._add(Site(file=path, line=line, qualified=name, how="name" if how == "=" else "import"))

    def add_others(self, files: Sequence[SourceFile], check: Callable[[], None]) -> None:
        """Definitions in other languages, by their form. Blocks: call off the loop."""
        for file in files:
            self.everything.add(file.label)
            facts = self._files.get(file.label)
            read_well = facts is not None and bool(facts["functions"] or facts["classes"] or facts["names"])
            if read_well or file.label[file.label.rfind(".") :] not in OTHERS:
                continue
            check()
            text = (read(file) or b"").decode("utf-8", "replace")
            line, at = 1, 0
            for match in _DEFINED.finditer(text):
                name = next(group for group in match.groups() if group)
                line += text.count("\n", at, match.start())
                at = match.start()
                if name not in _NO_NAMES:
                    self._add(Site(file=file.label, line=line, qualified=name, how="other"))

    def _add(self, site: Site) -> None:
        self._sites.setdefault(site.qualified.rsplit(".", 1)[-1], []).append(site)

    def files_like(self, name: str) -> list[str]:
        """Files of the tree that a path in a text may mean: that very path, or one that ends in it."""
        exact = [path for path in self.everything if path == name]
        return exact or sorted(path for path in self.everything if path.endswith(f"/{name.lstrip('/')}"))

    def named(self, last: str) -> list[Site]:
        return self._sites.get(last, [])

    def in_file(self, path: str, symbol: str) -> Site | None:
        """The symbol's definition in that file: the longest dotted tail that is defined there."""
        parts = symbol.split(".")
        here = [each for each in self.named(parts[-1]) if each.file == path and each.how != "import"]
        for size in range(len(parts), 0, -1):
            tail = ".".join(parts[-size:])
            for each in here:
                if each.qualified == tail:
                    return each
        # A dotted name may give the module and a method of a class that it doesn't name, but not another class's.
        # What Go and the others define at the top of a file, a text may give with its package or module before it.
        loose = [each for each in here if each.how == "other" or (each.qualified == parts[-1] and not each.is_python)]
        return next(iter(loose), None)

    def dotted(self, symbol: str) -> Site | None:
        """The definition behind a dotted name that starts with a module of the tree; re-exports are followed."""
        parts = symbol.split(".")
        for size in range(len(parts) - 1, 0, -1):
            for path in self.modules(".".join(parts[:size])):
                found = self._member(path, parts[size:], _HOPS)
                if found is not None:
                    return found
        return None

    def modules(self, name: str) -> list[str]:
        """Files of a module: by its dotted name, below whatever folder the sources lie in."""
        if name in self._modules:
            return [self._modules[name]]
        return [path for module, path in self._modules.items() if module.endswith(f".{name}")]

    def _member(self, path: str, parts: list[str], hops: int) -> Site | None:
        whole = ".".join(parts)
        facts = self._files[path]
        for each in self.named(parts[-1]):
            if each.file == path and each.how != "import" and each.qualified == whole:
                return each
        if hops == 0:
            return None
        for name, _line, origin in facts["names"]:
            home, _, original = origin.partition(":")
            if origin == "=" or (name != parts[0] and name != "*"):
                continue
            rest = [original or name, *parts[1:]] if name != "*" else parts
            for target in self._targets(path, home, original if name != "*" else ""):
                inner = rest if target[1] else rest[1:]
                found = self._member(target[0], inner, hops - 1) if inner else None
                if found is not None:
                    return found
        return None

    def _targets(self, path: str, home: str, name: str) -> list[tuple[str, bool]]:
        """Files that an import leads to, and whether the name is inside (True) or is the file itself."""
        level = len(home) - len(home.lstrip("."))
        bare = home.lstrip(".")
        if level:
            folder = path.split("/")[:-level]
            base = ".".join(folder)
            full = ".".join(part for part in (base, bare) if part)
            inside = [(found, True) for key in (full,) if (found := self._modules.get(key))]
            whole = [
                (found, False) for key in (f"{full}.{name}".strip("."),) if name and (found := self._modules.get(key))
            ]
        else:
            inside = [(found, True) for found in self.modules(bare)]
            whole = [(found, False) for found in self.modules(f"{bare}.{name}")] if name else []
        return [*inside, *whole]


def module_of(path: str) -> str:
    """The dotted name of a file's module, from the tree's root."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
