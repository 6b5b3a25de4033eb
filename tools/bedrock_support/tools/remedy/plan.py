"""Making the plan: findings held to the files, order, risks, patches that are sure, then a model's if there is one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from anyio import from_thread, to_thread

from bedrock_support.routing.model import Outcome, Refusal
from bedrock_support.tools.base import Environ, InputError, ToolContext
from bedrock_support.tools.envelope import Evidence
from bedrock_support.tools.gaps.files import MOST_BYTES, SourceFile, read
from bedrock_support.tools.gaps.store import FactStore
from bedrock_support.tools.judging import Verdict, read_outcome
from bedrock_support.tools.logs.injection import suspected
from bedrock_support.tools.paths import Place, confine
from bedrock_support.tools.remedy.ask import proposals, question
from bedrock_support.tools.remedy.commands import commands, fitting
from bedrock_support.tools.remedy.derive import derived
from bedrock_support.tools.remedy.diffs import files_of, lines_of
from bedrock_support.tools.remedy.given import MOST_FINDINGS, RemedyInput, Wanted, findings_in, wanted
from bedrock_support.tools.remedy.scratch import Scratch, scratch_folder
from bedrock_support.tools.remedy.shapes import Patch, Step
from bedrock_support.tools.remedy.state import GitState, git_state
from bedrock_support.tools.remedy.steps import Ground, stage, steps
from bedrock_support.tools.remedy.survey import Survey, survey

_LOCAL = 0.5
"""Share of a call's time after which the survey of the tree ends: the rest is for the model and the user."""
_QUOTE = 300

MOST_SPOKEN = 3
"""Places named where files speak to a language model."""


@dataclass(slots=True, kw_only=True)
class Plan:
    """A plan while it is made, and when it is done."""

    root: Path
    git: GitState | None
    ground: Ground
    steps: list[Step]
    evidence: list[Evidence]
    limits: list[str]
    verdict: Verdict

    def trial_lines(self) -> list[list[str]]:
        """What to run after the patches: tests of the changed files, for each kind of file once."""
        changed = [name for step in self.steps for patch in step.patches for name in patch.files]
        code = [each for each in changed if stage(each) < 3]
        tests = {test for each in code for test in self.ground.survey.tests.get(each, ())}
        return [each.line(sorted(tests)) for each in fitting(self.ground.commands, code or changed)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Files:
    """The files that findings are about, as they are now."""

    findings: list[Wanted]
    texts: Mapping[str, str]
    limits: list[str]


async def make_plan(ctx: ToolContext, given: RemedyInput, store: FactStore, environ: Environ) -> Plan:
    """The whole plan, with nothing tried yet.

    Raises:
        InputError: there is no project or no finding.
    """
    place, files = await to_thread.run_sync(_opened, ctx, given, limiter=ctx.workers)
    root, half = place.path, ctx.clock.now() + ctx.remaining() * _LOCAL
    expired = partial(_past, ctx, half)
    await ctx.progress(0.1, 1.0, "Looking who uses the files")
    looked = await to_thread.run_sync(
        survey, root, list(files.texts), from_thread.check_cancelled, expired, limiter=ctx.workers
    )
    state = await git_state(root, environ)
    if state is not None and not root.is_relative_to(state.top):
        state = None
    ground = await to_thread.run_sync(_ground, root, looked, state, limiter=ctx.workers)
    limits = [*files.limits, *looked.notes]
    if state is None:
        limits.append("no git repository with a commit: rollback is by hand, and patches can't be tried in a worktree")
    found = steps(files.findings, ground)
    evidence = _evidence(found, files.texts)
    limits += await to_thread.run_sync(_spoken, files.texts, limiter=ctx.workers)
    await ctx.progress(0.2, 1.0, "Deriving patches")
    sure = await derived(
        root, files.findings, files.texts, store=store, workers=ctx.workers, told=ctx.progress, expired=expired
    )
    asked, left_out = question(ctx, found, files.texts, evidence)
    why = "your own patch was given" if given.patch else "no finding is left to plan for"
    outcome = Outcome(operation=asked, refusal=Refusal(operation=asked, reason=why, mend=""))
    if found and not given.patch:
        limits += [left_out] if left_out else []
        await ctx.progress(0.3, 1.0, "Asking for judgement")
        outcome = await ctx.judge(asked)
    proposed, dropped = await to_thread.run_sync(proposals, outcome, files.texts, limiter=ctx.workers)
    limits += dropped
    patches = [Patch(by="derived", files=[name], why=why, diff=diff) for name, (why, diff) in sure.items()]
    patches += [Patch(by="proposed", files=[name], why=why[:400], diff=diff) for name, why, diff in proposed]
    if given.patch:
        patches.insert(0, Patch(by="yours", files=files_of(given.patch), why="given with the call", diff=given.patch))
    limits += await _attach(ctx, found, patches, files.texts, environ)
    verdict = read_outcome(outcome, "ok", asked.evidence_ids)
    if verdict.handoff is not None:
        limits.append("edits in an answer by complete_handoff aren't read: call again with patch to have yours checked")
    return Plan(root=root, git=state, ground=ground, steps=found, evidence=evidence, limits=limits, verdict=verdict)


def _spoken(texts: Mapping[str, str]) -> list[str]:
    """Where files speak to a language model: nothing in them is obeyed, but who reads the answer is to know."""
    found = [
        f"{name}:{at + 1}"
        for name, text in texts.items()
        for at in islice(suspected(text.encode("utf-8", "replace")), MOST_SPOKEN)
    ]
    where = ", ".join(found[:MOST_SPOKEN])
    return [f"suspected_injection: {where} speaks to a language model; it is taken for data"] if found else []


def _past(ctx: ToolContext, until: float) -> bool:
    return ctx.clock.now() >= until


def _ground(root: Path, looked: Survey, state: GitState | None) -> Ground:
    prefix = "" if state is None or root == state.top else f"{root.relative_to(state.top).as_posix()}/"
    return Ground(survey=looked, commands=commands(root), git=state, prefix=prefix)


def _opened(ctx: ToolContext, given: RemedyInput) -> tuple[Place, _Files]:
    """The project, and the findings with the texts of their files."""
    place = confine("path", given.path, ctx.roots)
    if not place.is_folder:
        raise InputError("path", given.path, "is no folder", "Name the project's folder")
    raw: list[Mapping[str, Any]] = list(given.findings or ())
    if given.findings_file:
        named = confine("findings_file", given.findings_file, ctx.roots)
        data = read(SourceFile(path=named.path, label=named.label, size=0))
        if data is None:
            problem = f"can't be read, or is longer than {MOST_BYTES} bytes"
            raise InputError("findings_file", given.findings_file, problem, "Give the findings that matter")
        raw += findings_in(data, given.findings_file)
    if not raw:
        mend = "Give findings as these tools return them, or findings_file: a JSON file with them"
        raise InputError("findings", [], "there are none", mend)
    return place, _held(place.path, wanted(raw), len(raw))


def _held(root: Path, findings: Sequence[Wanted], count: int) -> _Files:
    """Findings whose file is there; those that name a file which isn't are dropped, and said."""
    kept: list[Wanted] = []
    texts: dict[str, str] = {}
    limits = [f"{count - MOST_FINDINGS} findings beyond {MOST_FINDINGS} left out"] if count > MOST_FINDINGS else []
    for each in findings:
        if not each.path:
            kept.append(each)
            continue
        label = _label(root, each.path)
        if label is not None and label not in texts:
            data = read(SourceFile(path=root / label, label=label, size=0))
            texts |= {label: data.decode("utf-8", "surrogateescape")} if data is not None else {}
        if label is None or label not in texts:
            limits.append(f"finding {each.id} dropped: {each.path[:200]} is no file of the project that can be read")
        elif each.line < 0:
            limits.append(f"finding {each.id} dropped: its line is no number from 1 on")
        elif each.line > len(lines_of(texts[label])):
            limits.append(f"finding {each.id} dropped: {label} has no line {each.line}")
        else:
            kept.append(_moved(each, label))
    return _Files(findings=kept, texts=texts, limits=limits)


def _label(root: Path, named: str) -> str | None:
    """The file relative to the project; None when it doesn't lie in it."""
    try:
        found = confine("path", named, (root,))
    except InputError:
        return None
    inside = found.path.relative_to(root).as_posix()
    return None if found.is_folder or ".git" in inside.split("/") else inside


def _moved(each: Wanted, label: str) -> Wanted:
    return Wanted(
        id=each.id,
        title=each.title,
        detail=each.detail,
        path=label,
        line=each.line,
        symbol=each.symbol,
        severity=each.severity,
        confidence=each.confidence,
    )


def _evidence(found: Sequence[Step], texts: Mapping[str, str]) -> list[Evidence]:
    """The lines that findings point at, as they are now."""
    places = dict.fromkeys((each.file, each.line) for step in found for each in step.changes if each.line)
    made: list[Evidence] = []
    for file, line in list(places)[:50]:
        whole = lines_of(texts[file])[(line or 1) - 1].rstrip("\r\n")
        data = whole.encode("utf-8", "surrogateescape")
        made.append(
            Evidence(
                id=f"E{len(made) + 1}",
                kind="code",
                source=f"{file}:{line}",
                quote=data.decode("utf-8", "replace")[:_QUOTE],
                sha256=hashlib.sha256(data).hexdigest(),
            )
        )
    return made


async def _attach(
    ctx: ToolContext, found: list[Step], patches: Sequence[Patch], texts: Mapping[str, str], environ: Environ
) -> list[str]:
    """Put each patch that applies with the step of its first file; why others were dropped."""
    if not patches:
        return []
    dropped: list[str] = []
    owner: dict[str, int] = {each.changes[0].file: at for at, each in enumerate(found) if each.changes}
    async with scratch_folder(ctx.workers) as folder:
        scratch = Scratch(folder, texts, environ, ctx.workers)
        for patch in _by_step(patches, owner):
            why = await scratch.take(patch.diff)
            at = min((owner[name] for name in patch.files if name in owner), default=None)
            if why is None and at is not None:
                clean = patch.diff.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
                kept = patch.model_copy(update={"diff": clean})
                found[at] = found[at].model_copy(update={"patches": [*found[at].patches, kept]})
            else:
                dropped.append(_dropped(patch.by, patch.files, why))
    return dropped


def _by_step(patches: Sequence[Patch], owner: Mapping[str, int]) -> list[Patch]:
    """In the order in which they will be applied: what applies in another one would not show that."""
    return sorted(patches, key=lambda each: min((owner.get(name, 0) for name in each.files), default=0))


def _dropped(by: Literal["derived", "proposed", "yours"], files: Sequence[str], why: str | None) -> str:
    whose = "your patch" if by == "yours" else f"a {by} patch of {', '.join(files)[:200]}"
    return f"{whose} was dropped: it {why or 'touches no file of a step'}"
