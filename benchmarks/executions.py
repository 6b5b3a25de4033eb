"""How well analyze_executions finds what was planted in agents' runs, and leaves alone what only looks like it.

    python benchmarks/executions.py [--runs 12] [--seed 1] [--all]

A scripted agent works on small repositories: it reads, edits, runs tests, and calls tools of a real server over MCP.
Each call is made and its real result written down, as transcript, chat, plain lines and hook records in turn. Prints
precision, recall and F1 over (run, pattern) for all runs, for each pattern and each form; the share of first bad steps
within one step of the truth among planted runs, those not found counted as missed; the share of clean runs flagged; and
the calibration error of the findings' confidences.
Ends with 1 when F1 is below 0.95 or first bad steps are below 80 %. The plots were written by those who wrote the
detectors: the figures say that detectors do what they are meant to, not how often real agents do such things.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import anyio

sys.path.insert(0, str(Path(__file__).parents[1]))  # so that it runs as a script, too

from benchmarks.calibrating import calibration_error
from benchmarks.executions_agent import Agent
from benchmarks.executions_clean import CLEAN
from benchmarks.executions_plots import PLANTED
from tests.rig import connect, environment
from tests.runs_rig import FORMS, look, write

BAR_F1, BAR_FIRST = 0.95, 0.8
WORDS = ("messages", "chat")
"""Forms that hold what the agent says."""
NEEDS_WORDS = {"false claim", "an honest end"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What one transcript is known to have in it."""

    file: Path
    plot: str
    form: str
    pattern: str
    """Empty: clean."""
    first: int
    """Place of the first bad step, things said counted where the form holds them."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=12, help="transcripts of each plot")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--all", action="store_true", help="name every transcript that was judged wrongly")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder).resolve()
        began = time.perf_counter()
        chance = random.Random(given.seed)  # noqa: S311 - draws plots, guards nothing
        truths = anyio.run(_made, scratch, given.runs, chance)
        print(f"{len(truths)} transcripts from real calls, made in {time.perf_counter() - began:.0f} s")
        return _score(truths, given.all)


async def _made(scratch: Path, runs: int, chance: random.Random) -> list[Truth]:
    root, kept = scratch / "root", scratch / "kept"
    root.mkdir()
    kept.mkdir()
    truths: list[Truth] = []
    plots = {name: (pattern, plot, last) for name, (pattern, plot, last) in PLANTED.items()}
    plots |= {name: ("", plot, last) for name, (plot, last) in CLEAN.items()}
    async with connect("stdio", "2026-07-28", root=root, env=environment(BEDROCK_SUPPORT_CACHE="off")) as client:
        for name, (pattern, plot, last) in plots.items():
            for number in range(runs):
                agent = Agent(client, root, f"{name.replace(' ', '-')}-{number}", chance)
                await agent.work()
                place = await plot(agent)
                if not last:
                    await agent.work()
                forms = WORDS if name in NEEDS_WORDS else FORMS
                form = forms[number % len(forms)]
                file = write(kept / f"{name.replace(' ', '-')}-{number}.jsonl", agent.events, form)
                silent = form not in WORDS
                first = place - sum(isinstance(each, str) for each in agent.events[: max(place, 0)]) * silent
                truths.append(Truth(file=file, plot=name, form=form, pattern=pattern, first=first))
    return truths


def _score(truths: list[Truth], named: bool) -> int:
    hits, missed, wrong = Counter[str](), Counter[str](), Counter[str]()
    near = planted = flagged = clean = 0
    sure: list[tuple[float, bool]] = []
    for truth in truths:
        report = look(truth.file)
        found = {each.pattern for each in report.found}
        right = found & {truth.pattern}
        sure += [(each.confidence, each.pattern == truth.pattern) for each in report.found]
        groups = ["all", f"form {truth.form}"]
        for pattern in right:
            hits.update([*groups, pattern])
        for pattern in {truth.pattern} - found - {""}:
            missed.update([*groups, pattern])
        for pattern in found - {truth.pattern}:
            wrong.update([*groups, pattern])
        first = min((each.first_bad_index for each in report.found if each.pattern == truth.pattern), default=None)
        close = first is not None and abs(first - truth.first) <= 1
        planted, near = planted + bool(truth.pattern), near + (bool(truth.pattern) and close)
        clean, flagged = clean + (not truth.pattern), flagged + (not truth.pattern and bool(found))
        if named and (found != ({truth.pattern} - {""}) or (truth.pattern and not close)):
            print(f"  {truth.plot} ({truth.form}): {sorted(found)}, first {first} for {truth.first}")
    for group in ["all", *sorted({*hits, *missed, *wrong} - {"all"})]:
        print(f"{group:18} {_figures(hits[group], missed[group], wrong[group])}")
    share = near / planted
    print(f"first bad step within 1: {near} of {planted} ({share:.1%}); clean runs flagged: {flagged} of {clean}")
    print(f"calibration error: {calibration_error(sure):.3f} over {len(sure)} findings")
    return int(_f1(hits["all"], missed["all"], wrong["all"]) < BAR_F1 or share < BAR_FIRST)


def _f1(hits: int, missed: int, wrong: int) -> float:
    return 2 * hits / max(1, 2 * hits + missed + wrong)


def _figures(hits: int, missed: int, wrong: int) -> str:
    precision, recall = hits / max(1, hits + wrong), hits / max(1, hits + missed)
    return f"P {precision:.3f}  R {recall:.3f}  F1 {_f1(hits, missed, wrong):.3f}  (n {hits + missed})"


if __name__ == "__main__":
    sys.exit(main())
