"""Class hierarchy of a whole tree, by name: who stands above and below each class, and who defines what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from bedrock_support.tools.gaps.facts import FileFacts, FunctionFacts

_ROOTLESS = {"object", "Generic", "Protocol", "ABC", "Enum", "NamedTuple", "TypedDict", "ABCMeta", "type"}
_TYPING = {"typing", "typing_extensions", "t", "te", "tp"}
"""Where a Protocol is a contract: other modules, asyncio's among them, have classes of that name that work."""
_MOST_NAMESAKES = 6
"""Classes of one name beyond which a base of that name says nothing."""
_DEPTH = 50
_MOST_KIN = 200
"""Children of one class that are compared."""


class ClassId(NamedTuple):
    file: str
    place: int
    """Index among its file's classes."""


class Hierarchy:
    """Every class of the tree, linked by the names of bases."""

    def __init__(self, files: Mapping[str, FileFacts]) -> None:
        self._files = files
        self._named: dict[str, list[ClassId]] = {}
        self.methods: dict[ClassId, dict[str, FunctionFacts]] = {}
        self._whole = _gathered(files)
        for path, facts in files.items():
            for index, each in enumerate(facts["classes"]):
                known = self.of(path, index)
                if known not in self.methods:
                    self._named.setdefault(each["q"].rsplit(".", 1)[-1], []).append(known)
                    self.methods[known] = {}
            for function in facts["functions"]:
                if function["c"] >= 0:
                    self.methods[self.of(path, function["c"])][function["q"].rsplit(".", 1)[-1]] = function
        self._above: dict[ClassId, list[ClassId]] = {}
        self._below: dict[ClassId, list[ClassId]] = {}
        self.strangers: dict[ClassId, set[str]] = {}
        """Bases that the tree doesn't define."""
        for known in self.methods:
            self._link(known)
        self._satisfy()

    def of(self, path: str, index: int) -> ClassId:
        """The class at that place of a file: the definition itself, when the file only adds methods to it."""
        known = ClassId(path, index)
        return self._whole.get(known, known)

    def _satisfy(self) -> None:
        """Go's interfaces stand above every type that has their methods."""
        wanted: dict[str, list[ClassId]] = {}
        for known, methods in self.methods.items():
            if methods and known.file.endswith(".go") and self.is_contract(known):
                wanted.setdefault(min(methods), []).append(known)
        if not wanted:
            return
        for known, methods in self.methods.items():
            if known.file.endswith(".go") and not self.is_contract(known):
                for name in methods:
                    for each in wanted.get(name, []):
                        if self.methods[each].keys() <= methods.keys():
                            self._above[known].append(each)
                            self._below.setdefault(each, []).append(known)

    def name(self, known: ClassId) -> str:
        return self._files[known.file]["classes"][known.place]["q"].rsplit(".", 1)[-1]

    def bases(self, known: ClassId) -> list[str]:
        return self._files[known.file]["classes"][known.place]["bases"]

    def words(self, known: ClassId) -> set[str]:
        """What the class's docstring says of empty bodies."""
        return set(self._files[known.file]["classes"][known.place]["marks"])

    def _link(self, known: ClassId) -> None:
        strangers: set[str] = set()
        above: list[ClassId] = []
        for base, hint in zip(self.bases(known), self._files[known.file]["classes"][known.place]["hints"], strict=True):
            namesakes = [each for each in self._named.get(base, []) if each != known]
            same_file = [each for each in namesakes if each.file == known.file]
            homes = [each for each in namesakes if hint and f"/{hint}/" in f"/{each.file[:-3]}/"]
            found = homes or same_file or (namesakes if len(namesakes) <= _MOST_NAMESAKES else [])
            above += found
            if not found and base not in _ROOTLESS:
                strangers.add(base)
        self._above[known] = above
        for each in above:
            self._below.setdefault(each, []).append(known)
        if strangers:
            self.strangers[known] = strangers

    def ancestors(self, known: ClassId) -> list[ClassId]:
        return _reach(known, self._above)

    def descendants(self, known: ClassId) -> list[ClassId]:
        return _reach(known, self._below)

    def kin(self, known: ClassId) -> list[ClassId]:
        """Other classes that share an ancestor, but neither ancestors nor descendants."""
        above, below = set(self.ancestors(known)), set(self.descendants(known))
        found = [each for base in above for each in self._below.get(base, [])[:_MOST_KIN]]
        return [each for each in dict.fromkeys(found) if each != known and each not in above and each not in below]

    def is_contract(self, known: ClassId) -> bool:
        """A Protocol or an interface: its methods have no bodies by design."""
        if "Interface" in self.bases(known):
            return True
        hints = self._files[known.file]["classes"][known.place]["hints"]
        return any(
            base == "Protocol" and (hint in _TYPING or not (hint or self._namesakes(known, base)))
            for base, hint in zip(self.bases(known), hints, strict=True)
        )

    def _namesakes(self, known: ClassId, base: str) -> bool:
        """Whether the class's own file defines its base, too."""
        return any(each.file == known.file and each != known for each in self._named.get(base, []))

    def defining(self, classes: Iterable[ClassId], method: str) -> list[FunctionFacts]:
        return [found for each in classes if (found := self.methods[each].get(method)) is not None]

    def strange(self, known: ClassId) -> set[str]:
        """Bases outside the tree, its own and those of its ancestors."""
        return set[str]().union(*(self.strangers.get(each, set()) for each in (known, *self.ancestors(known))))


def _gathered(files: Mapping[str, FileFacts]) -> dict[ClassId, ClassId]:
    """Types of Go whose methods stand in several files of a package: each piece -> the piece that stands for all."""
    pieces: dict[tuple[str, str], list[tuple[bool, ClassId]]] = {}
    for path, facts in files.items():
        if path.endswith(".go"):
            folder = path.rpartition("/")[0]
            for index, each in enumerate(facts["classes"]):
                pieces.setdefault((folder, each["q"]), []).append(
                    ("elsewhere" in each["decorators"], ClassId(path, index))
                )
    return {known: min(listed)[1] for listed in pieces.values() if len(listed) > 1 for _added, known in listed}


def _reach(start: ClassId, links: Mapping[ClassId, list[ClassId]]) -> list[ClassId]:
    found: dict[ClassId, None] = {}
    edge = links.get(start, [])
    for _ in range(_DEPTH):
        fresh = [each for each in edge if each not in found and each != start]
        if not fresh:
            break
        found.update(dict.fromkeys(fresh))
        edge = [up for each in fresh for up in links.get(each, [])]
    return list(found)
