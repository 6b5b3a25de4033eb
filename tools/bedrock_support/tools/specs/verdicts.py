"""Each ticked task against the code: done, partial, missing or unverifiable, with evidence."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from bedrock_support.tools.gaps.facts import FileFacts
from bedrock_support.tools.gaps.findings import Gap
from bedrock_support.tools.gaps.served import shape
from bedrock_support.tools.specs.claims import Claim, claims_of
from bedrock_support.tools.specs.index import Index, Site
from bedrock_support.tools.specs.tasks import Task

Verdict: TypeAlias = Literal["done", "partial", "missing", "unverifiable"]
State: TypeAlias = Literal["found", "hollow", "elsewhere", "absent", "unread"]
HOLLOW, CLAIMED = 0.5, 0.3
"""Confidence from which a method of a claimed class, and from which what a task names itself, counts as not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What became of one claim."""

    claim: Claim
    state: State
    where: str
    """path:line, or empty."""
    said: str

    @property
    def holds(self) -> bool:
        return self.state in ("found", "elsewhere")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A ticked task and what the code says of it."""

    task: Task
    verdict: Verdict
    proofs: tuple[Proof, ...]
    reason: str

    @property
    def symbols(self) -> list[str]:
        return [each.claim.name for each in self.proofs if each.claim.what == "symbol"]


class Verifier:
    """Judges tasks of one tree."""

    def __init__(
        self,
        files: Mapping[str, FileFacts],
        index: Index,
        gaps: list[Gap],
        text_of: Callable[[str], str],
        routes: Callable[[], Mapping[tuple[str, str], str]],
    ) -> None:
        self._files = files
        self._index = index
        self._gaps = {(each.file, each.symbol): each for each in gaps}
        self._text_of = text_of
        self._routes = routes

    def judge(self, task: Task, base: str) -> Judged:
        """The verdict on one ticked task; `base` is the folder of its project inside the tree."""
        proofs = tuple(self._prove(claim, base) for claim in claims_of(task))
        if not proofs:
            below = f" of its own; its {task.children} subtasks are judged by themselves" if task.children else ""
            return Judged(
                task=task, verdict="unverifiable", proofs=(), reason=f"it names nothing that can be looked up{below}"
            )
        known = [each for each in proofs if each.state != "unread"]
        if not known:
            return Judged(task=task, verdict="unverifiable", proofs=proofs, reason=proofs[0].said)
        holding = [each for each in known if each.holds]
        failing = [each for each in known if not each.holds]
        strays = [each for each in known if each.state == "elsewhere"]
        if failing and not holding:
            verdict: Verdict = "missing"
        elif failing or (strays and len(strays) == len(known)):
            verdict = "partial"
        else:
            verdict = "done"
        reason = "; ".join(each.said for each in (failing or strays or holding)[:3])
        return Judged(task=task, verdict=verdict, proofs=proofs, reason=reason)

    def _prove(self, claim: Claim, base: str) -> Proof:
        if claim.what == "symbol":
            proof = self._symbol(claim, base)
        elif claim.what == "file":
            proof = self._file(claim, base)
        elif claim.what == "endpoint":
            proof = self._endpoint(claim)
        else:
            proof = self._setting(claim)
        if not claim.gone or proof.state == "unread":
            return proof
        if proof.holds or proof.state == "hollow":
            return Proof(
                claim=claim, state="absent", where=proof.where, said=f"{claim.name} should be gone and is still there"
            )
        return Proof(claim=claim, state="found", where="", said=f"{claim.name} is gone")

    def _symbol(self, claim: Claim, base: str) -> Proof:
        near = [
            path for name in claim.near for path in self._index.files_like(base + name) or self._index.files_like(name)
        ]
        near = [path for path in near if not path.endswith((".md", ".txt", ".json", ".yaml", ".yml", ".toml"))]
        broken = [path for path in near if path in self._files and self._files[path]["problem"]]
        for path in near:
            site = self._index.in_file(path, claim.name)
            if site is not None:
                return self._weighed(claim, site)
        if broken:
            return Proof(
                claim=claim, state="unread", where=broken[0], said=f"{broken[0]} {self._files[broken[0]]['problem']}"
            )
        site = self._index.dotted(claim.name) or self._loose(claim.name)
        if site is None:
            place = f" in {near[0]}" if near else f", nor {claim.near[0]}" if claim.near and not near else ""
            return Proof(claim=claim, state="absent", where="", said=f"no definition of {claim.name}{place}")
        found = self._weighed(claim, site)
        if near and found.state == "found" and not self._reexported(near, claim.name):
            said = f"{claim.name} is defined in {site.file}, not in {near[0]}"
            return Proof(claim=claim, state="elsewhere", where=found.where, said=said)
        return found

    def _reexported(self, near: list[str], symbol: str) -> bool:
        last = symbol.rsplit(".", 1)[-1]
        return any(each.file in near and each.how == "import" for each in self._index.named(last))

    def _loose(self, symbol: str) -> Site | None:
        """A definition by its last name, when nothing in the dotted name speaks against it."""
        parts = symbol.split(".")
        sites = [each for each in self._index.named(parts[-1]) if each.how != "import"]
        if len(parts) == 1:
            whole = [each for each in sites if each.qualified == parts[0] or each.how == "other"]
            return (whole or sites or [None])[0]
        owner = parts[-2]
        for each in sites:
            if each.qualified == f"{owner}.{parts[-1]}" or each.qualified.endswith(f".{owner}.{parts[-1]}"):
                return each
        if owner[:1].isupper():
            # A method of another language, or an attribute that a class gives itself.
            for home in self._index.named(owner):
                if any(each.how == "other" and each.file == home.file for each in sites):
                    return home
                plain = home.how == "name" and not home.is_python
                if (plain or home.how in ("class", "other")) and re.search(
                    rf"\b{re.escape(parts[-1])}\s*[:=(]", self._text_of(home.file)
                ):
                    return home
            return None
        inside = [each for each in sites if each.qualified == parts[-1] and f"/{parts[0]}/" in f"/{each.file}"]
        # A package may offer a name without an import that can be seen, by __getattr__ or a table.
        loose = [each for each in sites if each.how == "other" or (each.qualified == parts[-1] and not each.is_python)]
        return next(iter(loose), inside[0] if inside else None)

    def _weighed(self, claim: Claim, site: Site) -> Proof:
        where = f"{site.file}:{site.line}"
        gap = self._gaps.get((site.file, site.qualified)) if site.how == "function" else None
        if gap is not None:
            return Proof(claim=claim, state="hollow", where=where, said=f"{gap.title} ({where})")
        if site.how == "class":
            facts = self._files[site.file]
            known = next((each for each in facts["classes"] if each["q"] == site.qualified), None)
            if known is not None and known["hollow"] and not self._fed(site):
                return Proof(claim=claim, state="hollow", where=where, said=f"{claim.name} is an empty class ({where})")
            own = [each for each in facts["functions"] if each["q"].startswith(site.qualified + ".") and each["c"] >= 0]
            gaps = [self._gaps.get((site.file, each["q"])) for each in own]
            hollow = [each for each in gaps if each is not None and each.confidence >= HOLLOW]
            if own and len(hollow) * 2 > len(own):
                said = f"{len(hollow)} of {len(own)} methods of {claim.name} have nothing in them ({where})"
                return Proof(claim=claim, state="hollow", where=where, said=said)
        return Proof(claim=claim, state="found", where=where, said=f"{claim.name} is at {where}")

    def _fed(self, site: Site) -> bool:
        return any(each["q"].startswith(site.qualified + ".") for each in self._files[site.file]["functions"])

    def _file(self, claim: Claim, base: str) -> Proof:
        found = self._index.files_like(base + claim.name) or self._index.files_like(claim.name)
        if not found:
            return Proof(claim=claim, state="absent", where="", said=f"no file {claim.name}")
        if not self._text_of(found[0]).strip() and not found[0].endswith("__init__.py"):
            return Proof(claim=claim, state="hollow", where=found[0], said=f"{claim.name} is empty")
        return Proof(claim=claim, state="found", where=found[0], said=f"{claim.name} is there")

    def _endpoint(self, claim: Claim) -> Proof:
        method, _, path = claim.name.partition(" ")
        routes = self._routes()
        wanted = shape(path)
        for (verb, route), where in routes.items():
            if verb in (method, "*") and (
                shape(route) == wanted or (wanted.endswith(shape(route)) and len(shape(route)) > 1)
            ):
                return Proof(claim=claim, state="found", where=where, said=f"{claim.name} is at {where}")
        if not routes:
            return Proof(claim=claim, state="unread", where="", said="no routes were found in the code at all")
        return Proof(claim=claim, state="absent", where="", said=f"no route {claim.name}")

    def _setting(self, claim: Claim) -> Proof:
        word = re.compile(rf"\b{re.escape(claim.name)}\b")
        for path in sorted(self._index.everything):
            if not path.endswith((".md", ".rst", ".txt")) and word.search(self._text_of(path)):
                return Proof(claim=claim, state="found", where=path, said=f"{claim.name} is in {path}")
        return Proof(claim=claim, state="absent", where="", said=f"no code names {claim.name}")
