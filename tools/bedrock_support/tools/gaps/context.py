"""What the whole tree says about one suspicious function: its class, its kin, its callers, its file."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bedrock_support.tools.gaps import words
from bedrock_support.tools.gaps.classes import ClassId, Hierarchy
from bedrock_support.tools.gaps.facts import FileFacts, FunctionFacts
from bedrock_support.tools.gaps.poly.kinds import OTHER_TESTS
from bedrock_support.tools.gaps.unmet import TOLD

TEST_PATH = re.compile(
    r"(?:^|/)(?:tests?|testing|t|unit_?tests?|specs?|conftest\.py|test_[^/]*|[^/]*_tests?\.py)(?=/|$)", re.I
)
EXAMPLE_PATH = re.compile(
    r"(?:^|/)(?:docs?|examples?|samples?|demos?|[\w-]*examples?|benchmarks?|scripts|tools|contrib)/", re.I
)
_CONTRACT = {"abstractmethod", "abstractproperty", "abstractclassmethod", "abstractstaticmethod", "overload"}
_USUAL = {
    "property",
    "staticmethod",
    "classmethod",
    "cached_property",
    "setter",
    "getter",
    "deleter",
    "override",
    "wraps",
    "lru_cache",
    "cache",
    "contextmanager",
    "asynccontextmanager",
    "final",
    "deprecated",
}
_DUCKS = (
    {
        "read",
        "readline",
        "readlines",
        "write",
        "writelines",
        "close",
        "flush",
        "seek",
        "tell",
        "isatty",
        "readable",
        "writable",
        "seekable",
        "fileno",
        "truncate",
        "getvalue",
        "next",
        "closed",
        "readinto",
    },
    {"acquire", "release", "locked", "wait", "notify", "__enter__", "__exit__", "set", "is_set", "clear"},
    {"done", "result", "exception", "cancel", "cancelled", "add_done_callback", "running", "set_result"},
    {"debug", "info", "warning", "error", "critical", "log", "exception", "handle", "emit"},
    {"items", "keys", "values", "get", "__getitem__", "__len__", "__iter__", "__contains__", "pop", "clear", "update"},
)


def is_test(path: str) -> bool:
    """A file of tests, or of what only tests need."""
    return TEST_PATH.search(path) is not None or (not path.endswith(".py") and OTHER_TESTS.search(path) is not None)


def exempt(function: FunctionFacts, known: ClassId | None, hierarchy: Hierarchy) -> bool:
    """A declared contract, which has no body by design."""
    if _CONTRACT & set(function["decorators"]):
        return True
    told = "says_unwritten" in function["marks"] or (
        function["kind"] in ("log_only", "simulated") and "in_java" in function["marks"]
    )
    return known is not None and function["empty"] and not told and hierarchy.is_contract(known)


class Uses:
    """How each name is used over the whole tree."""

    def __init__(self, files: Mapping[str, FileFacts], wanted: set[str], hierarchy: Hierarchy) -> None:
        self._sums: dict[str, list[int]] = {}
        self._own: dict[tuple[ClassId, str], list[int]] = {}
        for path, facts in files.items():
            for key, counts in facts["uses"].items():
                owner, is_own, name = key.partition("#")
                bare = name if is_own else key.lstrip(".^")
                if bare not in wanted:
                    continue
                if is_own:
                    known = hierarchy.of(path, int(owner))
                    before = self._own.get((known, name), [0, 0, 0])
                    self._own[known, name] = [a + b for a, b in zip(before, counts, strict=True)]
                else:
                    for at, each in enumerate(counts):
                        self._sums.setdefault(key, [0, 0, 0])[at] += each

    def named(self, key: str) -> list[int]:
        return self._sums.get(key, [0, 0, 0])

    def own(self, classes: list[ClassId], name: str) -> list[int]:
        """Uses as self.name in any of the classes."""
        found = [self._own.get((each, name), [0, 0, 0]) for each in classes]
        return [sum(each) for each in zip(*found, strict=True)] if found else [0, 0, 0]


class Context:
    """Answers for one tree."""

    def __init__(self, files: Mapping[str, FileFacts]) -> None:
        self.files = files
        self.hierarchy = Hierarchy(files)
        suspects = [each for facts in files.values() for each in facts["functions"] if each["kind"]]
        self._uses = Uses(files, {each["q"].rsplit(".", 1)[-1] for each in suspects}, self.hierarchy)
        self._modules: dict[str, tuple[int, int]] = {}
        self._classes: dict[ClassId, tuple[int, int]] = {}
        self._twins: dict[str, dict[str, tuple[int, int]]] = {}
        self._defined: dict[str, int] = {}
        for facts in files.values():
            for each in facts["functions"]:
                name = each["q"].rsplit(".", 1)[-1]
                self._defined[name] = self._defined.get(name, 0) + 1

    def marks(self, path: str, function: FunctionFacts) -> set[str] | None:
        """Names of the signals around a suspicious function; None when it is a contract and can't be a gap."""
        facts = self.files[path]
        known = self.hierarchy.of(path, function["c"]) if function["c"] >= 0 else None
        if exempt(function, known, self.hierarchy):
            return None
        found: set[str] = set()
        found |= {"in_tests"} if is_test(path) else {"in_examples"} if EXAMPLE_PATH.search(path) else set()
        name = function["q"].rsplit(".", 1)[-1]
        twins, working = self._namesakes(path, function)
        if working:
            found.add("twin_works")
        elif twins or name in facts["imported"]:
            found.add("twin_imported" if not twins else "twin")
        found |= {"is_property"} if {"property", "cached_property"} & set(function["decorators"]) else set()
        found |= {"is_setter"} if {"setter", "deleter"} & set(function["decorators"]) else set()
        found |= {"is_static"} if {"staticmethod", "classmethod"} & set(function["decorators"]) else set()
        found |= {"is_decorated"} if set(function["decorators"]) - _USUAL else set()
        if known is None:
            self._plain(found, path, facts, function, name)
        else:
            self._in_class(found, known, name)
        return found

    def _namesakes(self, path: str, function: FunctionFacts) -> tuple[int, int]:
        """Other functions of that qualified name in the file, and how many of them do some work."""
        if path not in self._twins:
            table: dict[str, tuple[int, int]] = {}
            for each in self.files[path]["functions"]:
                total, working = table.get(each["q"], (0, 0))
                table[each["q"]] = total + 1, working + (not each["empty"])
            self._twins[path] = table
        if path.endswith(".java"):  # overloads of one name are different methods
            return 0, 0
        total, working = self._twins[path][function["q"]]
        return total - 1, working - (not function["empty"])

    def _plain(self, found: set[str], path: str, facts: FileFacts, function: FunctionFacts, name: str) -> None:
        uses = self._uses.named(name)
        self._callers(found, uses, passed=uses[2] + self._uses.named(f".{name}")[2])
        if self._uses.named(f".{name}")[0] and not uses[0]:
            found.add("result_used_far")
        beside, empty = self._module(path, facts)
        counted = 0 if "." in function["q"] else 1
        self._company(found, beside - counted, empty - (counted if _idle(function) else 0))

    def _in_class(self, found: set[str], known: ClassId, name: str) -> None:
        tree = self.hierarchy
        above, below = tree.ancestors(known), tree.descendants(known)
        found |= {"class_null_name"} if words.NULL_CLASS.search(tree.name(known)) else set()
        found |= {"class_null_object"} if words.NULL_OBJECT.search(tree.name(known)) else set()
        found |= tree.words(known)
        over = tree.defining(below, name)
        if over:
            found.add("overridden_works" if any(not each["empty"] for each in over) else "overridden_empty")
        elif below:
            found.add("has_heirs")
        under = tree.defining(above, name)
        shared = bool(over or under or tree.strange(known))
        found |= {"promise_inherited"} if shared and TOLD.isdisjoint(tree.methods[known][name]["marks"]) else set()
        if under:
            works = [each for each in under if not each["empty"]]
            found.add("base_works" if works else "base_empty")
            found |= (
                {"base_contract"}
                if any(each["kind"] == "not_implemented" or _CONTRACT & set(each["decorators"]) for each in under)
                else set()
            )
        strange = tree.strange(known)
        if strange:
            found.add("base_unknown")
        elif not above:
            found.add("base_none")
        kin = tree.defining(tree.kin(known), name)
        if kin:
            working = sum(not each["empty"] for each in kin) / len(kin)
            found.add("kin_work" if working >= 0.8 else "kin_mixed" if working >= 0.3 else "kin_empty")
        methods = tree.methods[known]
        others, empty = self._members(known)
        counted = 0 if name[:2] == "__" and name != "__init__" else 1
        self._company(found, others - counted, empty - (counted if _idle(methods[name]) else 0))
        if any(name in duck and len(duck & set(methods)) >= 3 for duck in _DUCKS):
            found.add("duck")
        family = [known, *above, *below]
        own = self._uses.own(family, name)
        far = self._uses.named(f".{name}")
        common = self._defined.get(name, 1) > 3
        self._callers(found, [a + (0 if common else b) for a, b in zip(own, far, strict=True)], passed=own[2] + far[2])
        if common and far[0]:
            found.add("result_used_far")
        supers = self._uses.named(f"^{name}")
        if below and sum(supers):
            found.add("super_result_used" if supers[0] else "super_called")

    def _callers(self, found: set[str], uses: list[int], passed: int) -> None:
        if uses[0]:
            found.add("result_used_often" if uses[0] > 2 else "result_used")
        elif uses[1]:
            found.add("only_called")
        elif passed:
            found.add("only_passed")
        else:
            found.add("never_named")

    def _company(self, found: set[str], others: int, empty: int) -> None:
        if others < 3:
            found.add("company_few_empty" if others > 0 and empty >= others else "company_few")
            return
        share = empty / others
        found.add("company_empty" if share >= 0.5 else "company_mixed" if share >= 0.2 else "company_works")

    def _module(self, path: str, facts: FileFacts) -> tuple[int, int]:
        """Functions of the module itself, and how many of them are empty."""
        if path not in self._modules:
            own = [_idle(each) for each in facts["functions"] if each["c"] < 0 and "." not in each["q"]]
            self._modules[path] = len(own), sum(own)
        return self._modules[path]

    def _members(self, known: ClassId) -> tuple[int, int]:
        """Methods of a class but the special ones, and how many of them are empty."""
        if known not in self._classes:
            own = [
                _idle(each)
                for key, each in self.hierarchy.methods[known].items()
                if key[:2] != "__" or key == "__init__"
            ]
            self._classes[known] = len(own), sum(own)
        return self._classes[known]


_PRETENDS = {"marker", "marker_strong", "says_missing", "said_unwritten", "says_unwritten", "value_canned"}


def _idle(function: FunctionFacts) -> bool:
    """No work in it, and no pretence of any: stubs among stubs don't excuse each other."""
    pretends = function["kind"] in ("simulated", "log_only") or not _PRETENDS.isdisjoint(function["marks"])
    return function["empty"] and not pretends
