"""The confidences of bodies that don't keep what they promise: fitted, and held against families that were left out.

    python -m benchmarks.calibrating [--seed 7] [--each 110] [--write]

Bodies of benchmarks/gaps_hollow.py and gaps_bodies.py are planted in functions of this project and of packages that
are installed with it (versions: uv.lock) whose name or docstring promises a deed; what is left as it is tells what
honest code looks like. The weights of the signals that `tools/…/gaps/unmet.py` gives are fitted on top of the others,
which stay. Families and packages are left out in turn, and what the fit says of those is what is printed. --write puts
the weights of a fit on everything into weights.json.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from bedrock_support.tools.gaps.context import Context, is_test
from bedrock_support.tools.gaps.deeds import promised
from bedrock_support.tools.gaps.facts import facts_of
from bedrock_support.tools.gaps.options import DEFAULT_CONFIDENCE
from bedrock_support.tools.gaps.weigh import GROUPS
from benchmarks.gaps_bodies import FORMS, Form
from benchmarks.gaps_forms import Planted, edited, spots
from benchmarks.gaps_hollow import HOLLOW
from benchmarks.logistic import Example, fit, judged

HOME = Path(__file__).parents[1]
WEIGHTS = HOME / "tools/bedrock_support/tools/gaps/weights.json"
OWN = ("routing", "telemetry", "tools", "server")
PACKAGES = (
    *("aiohttp", "hypothesis", "urllib3", "tomlkit", "graphql", "starlette", "_pytest", "jsonschema", "hypercorn"),
    *("psutil", "pydantic", "pygments"),
)
FOLDS = 6
PULL, KNOWN_PULL = 1.5, 1.5
HONEST = 2.0
"""How often an honest body counts: there are many more of them in code than are suspicious here."""
FEWEST = 3
"""Statements of a function whose body is replaced."""
GIVEN = (
    *("change_unmet", "find_unmet", "check_unmet", "figure_unmet", "change_told", "find_told", "check_told"),
    *(
        "means_told",
        "thrown_away",
        "worked_out",
        "idle_loop",
        "turns_alike",
        "claims_more",
        "resets_only",
        "given_back",
    ),
    *("answer_constant", "answers_nothing", "answer_canned", "answer_spoken", "answer_tabled", "answer_counted"),
    *("only_looks", "asks_nobody", "self_unread", "ignores", "ignores_told", "leaves_trace", "claims_anyway"),
    *("branch_empty", "same_either_way", "unmet", "unmet_only_ignores", "doc_borne", "doc_unborne", "doc_silent"),
    *("promise_inherited",),
)
"""Signals that unmet.py gives."""
BROKEN = frozenset(GIVEN) - {
    *("worked_out", "resets_only", "given_back", "leaves_trace", "unmet_only_ignores", "doc_borne", "doc_silent"),
    *("promise_inherited", "only_looks"),
}
"""Those that tell of something missing or made up."""
AROUND = (
    *("unread_all", "unread_most", "unread_some", "unread_none", "unread_two", "unread_many", "in_examples", "nested"),
    *("name_private", "result_used", "result_used_often", "only_called", "only_passed", "never_named", "base_works"),
    *("base_contract", "base_none", "base_unknown", "base_empty", "plain_function", "method", "doc_hooked"),
    *("doc_nothing", "doc_excused", "doc_long", "doc_short", "doc_some", "kin_empty", "kin_mixed", "kin_work"),
    *("overridden_works", "overridden_empty", "has_heirs", "class_null_name", "class_null_object", "params_0"),
    *("params_1", "marker", "marker_strong", "is_property", "is_static", "is_decorated", "name_identity", "name_hook"),
    *("company_works", "company_empty", "is_async", "value_canned", "name_predicate", "takes_anything", "doc_promises"),
    *("name_acts", "doc_acts", "doc_returns", "twin_works", "branched"),
)
"""Signals around a body that may weigh otherwise where a promise isn't kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A body, and what it is."""

    kind: str
    marks: frozenset[str]
    family: str
    """Empty for a body as it was."""
    package: str
    where: str


def calibration_error(pairs: list[tuple[float, bool]]) -> float:
    """Expected calibration error over ten bins of confidence."""
    bins: dict[int, list[tuple[float, bool]]] = {}
    for each in pairs:
        bins.setdefault(min(9, int(each[0] * 10)), []).append(each)
    gaps = [
        len(held) * abs(sum(sure for sure, _ in held) / len(held) - sum(right for _, right in held) / len(held))
        for held in bins.values()
    ]
    return sum(gaps) / len(pairs) if pairs else 0.0


def roots() -> Iterator[tuple[str, Path]]:
    for name in OWN:
        yield name, HOME / name
    for name in PACKAGES:
        found = find_spec(name)
        if found is not None and found.origin is not None:
            yield name, Path(found.origin).parent


def gathered(seed: int, each: int) -> list[Row]:
    """Rows of every package, as it is and with bodies planted, those without any suspicion of their own left out."""
    chance = random.Random(seed)  # noqa: S311 - draws what is replaced, guards nothing
    found: list[Row] = []
    for name, root in roots():
        files = {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*.py"))}
        facts = {label: facts_of(data) for label, data in files.items()}
        listed = [spot for spot in spots(root, FEWEST) if promised(spot[2].name, spot[2].doc) - {"means", "either"}]
        found += _rows(name, Context(facts), [], honest=True)
        for table in (HOLLOW, FORMS):
            texts, planted = edited(root, listed, _share(table, each), chance, table)
            changed = {label: facts_of(text.encode()) for label, text in texts.items()}
            found += _rows(name, Context({**facts, **changed}), planted, honest=False)
    return found


def _share(table: dict[str, Form], each: int) -> int:
    return each if table is HOLLOW else each // 3


def _rows(package: str, context: Context, planted: list[Planted], *, honest: bool) -> Iterator[Row]:
    """Of what was planted only, or of all that is honest."""
    forms = {(one.file, one.symbol): one.form for one in planted}
    for path, facts in context.files.items():
        for function in facts["functions"]:
            form = forms.get((path, function["q"]), "")
            if is_test(path) or bool(form) is honest:
                continue
            around = context.marks(path, function) if function["kind"] else set[str]()
            marks = frozenset({*function["marks"], *around}) if around is not None and function["kind"] else None
            if marks is None and honest:
                continue
            yield Row(
                kind=function["kind"] if marks is not None else "",
                marks=marks or frozenset(),
                family=form,
                package=package,
                where=f"{path}:{function['q']}",
            )


def example(row: Row, bias: float, kept: dict[str, float]) -> Example | None:
    """The row for the fit: signals whose weights are sought, and what the others say; None where none is sought."""
    if row.marks.isdisjoint({"unmet", "unmet_only_ignores"}):
        return None
    group = GROUPS[row.kind]
    before = bias + kept.get(f"k:{row.kind}", 0.0)
    before += sum(kept.get(mark, 0.0) + kept.get(f"{group}*{mark}", 0.0) for mark in row.marks)
    signals = [f"{group}*{mark}" for mark in row.marks if mark in GIVEN or (group == "hollow" and mark in AROUND)]
    signals += ["k:hollow"] if group == "hollow" else []
    counts = 1.0 if row.family else HONEST
    return Example(signals=tuple(signals), right=bool(row.family), before=before, counts=counts)


def pull(name: str) -> float:
    """How strongly a weight is drawn to 0: those of kinds that were known before were fitted on more already."""
    return PULL if name.partition("*")[0] in ("hollow", "k:hollow") else KNOWN_PULL


def upward(name: str) -> bool:
    """A broken promise never excuses a body."""
    return name.partition("*")[2] in BROKEN


def sought(name: str) -> bool:
    """Whether this fit is where the weight comes from."""
    group, _, mark = name.partition("*")
    return name in GIVEN or name == "k:hollow" or group == "hollow" or mark in GIVEN


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--each", type=int, default=110, help="hollow bodies in each package")
    parser.add_argument("--write", action="store_true", help="put the weights into weights.json")
    given = parser.parse_args()
    loaded = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    bias, kept = float(loaded["bias"]), {k: float(v) for k, v in loaded["weights"].items() if not sought(k)}
    rows = gathered(given.seed, given.each)
    pairs = [(row, example(row, bias, kept)) for row in rows]
    _left_out(pairs, random.Random(given.seed))  # noqa: S311 - draws folds
    weights = fit([each for _, each in pairs if each is not None], pull, upward)
    if given.write:
        kept |= {name: round(weight, 2) for name, weight in weights.items() if abs(weight) >= 0.05}
        text = json.dumps({"bias": bias, "weights": dict(sorted(kept.items()))}, indent=0)
        WEIGHTS.write_text(text + "\n", encoding="utf-8")


def _left_out(pairs: list[tuple[Row, Example | None]], chance: random.Random) -> None:
    """What fits without a family and without a package say of just those."""
    families = sorted({*HOLLOW, *FORMS})
    packages = sorted({row.package for row, _ in pairs})
    chance.shuffle(families)
    chance.shuffle(packages)
    fold = {name: at % FOLDS for names in (families, packages) for at, name in enumerate(names)}
    told: list[tuple[float, bool]] = []
    hits, totals = Counter[str](), Counter[str]()
    flagged = honest = 0
    for turn in range(FOLDS):
        out = [fold[row.family or row.package] == turn for row, _ in pairs]
        weights = fit(
            [each for (_, each), left in zip(pairs, out, strict=True) if each is not None and not left], pull, upward
        )
        for (row, each), left in zip(pairs, out, strict=True):
            if not left or (each is None and row.kind):
                continue
            confidence = judged(each, weights) if each is not None else 0.0
            told.append((confidence, bool(row.family)))
            if row.family:
                totals[row.family] += 1
                hits[row.family] += confidence >= DEFAULT_CONFIDENCE
            else:
                honest += 1
                flagged += confidence >= DEFAULT_CONFIDENCE
    missed = Counter(row.family for row, each in pairs if row.family and each is None)
    print("not even suspicious:", dict(missed.most_common(12)))
    for family in sorted(totals):
        print(f"  {family:16} {hits[family]} of {totals[family]}")
    seen = [pair for pair in told if pair[0]]
    print(f"left-out families: {hits.total()} of {totals.total()} found ({hits.total() / totals.total():.1%})")
    print(f"left-out packages: {flagged} of {honest} suspicious honest bodies flagged")
    print(
        f"calibration error {calibration_error(told):.3f} of {len(told)}, {calibration_error(seen):.3f} of those judged"
    )


if __name__ == "__main__":
    main()
