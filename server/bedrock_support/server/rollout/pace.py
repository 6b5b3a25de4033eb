"""Whether answers come fast enough for the gates that come later: told while no traffic has moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from statistics import median

from bedrock_support.server.environment import PREFIX
from bedrock_support.server.rollout.checks import Check
from bedrock_support.server.rollout.control import Control
from bedrock_support.server.rollout.levels import SUPPORT_MODE
from bedrock_support.server.rollout.quality import Limits, Timed, ask

ANSWERS = 5
GENERATED, REMEMBERED = "answers come within the gate's limit", "remembered answers come within the gate's limit"
_OF_THE_MODEL = ("AWS_", f"{PREFIX}MODEL_", f"{PREFIX}REGION")
"""Variables with which answers may take another time."""


def same_model(env: Mapping[str, str]) -> bool:
    """Whether a new configuration asks the model that the old one asks, where that one does."""
    return not any(name.startswith(_OF_THE_MODEL) for name in env)


async def in_time(control: Control, worker: str, limits: Limits, *, binding: bool) -> list[Check]:
    """A few answers of a worker by name, and each of them again. Raises NoFront, Unreachable.

    Half of them above the limit, and a 95th percentile of many more can't be below it. Fewer above it prove nothing:
    the gate itself judges. Where nothing is generated (support mode is off yet) that is said, and holds nobody up.

    Args:
        binding: the check of generated answers fails; else it is only said, since the candidate asks another model.
    """
    made: list[Timed] = []
    async with control.calling(worker) as caller:
        if not (await caller.flags()).get(SUPPORT_MODE, False):
            off: Mapping[str, object] = {"state": "unknown", "support_mode": "off: nothing is generated"}
            return [Check(name=GENERATED, ok=True, value=off)]
        for _ in range(ANSWERS):
            await ask(caller, control, made, repeats=1)
    return paced(made, limits, binding=binding)


def paced(made: Sequence[Timed], limits: Limits, *, binding: bool) -> list[Check]:
    """The checks on times of answers. What was not seen holds nobody up: the gate itself will ask for it."""
    generated = [each.seconds for each in made if each.generated]
    remembered = [each.seconds for each in made if each.remembered]
    return [
        _judged(GENERATED, generated, "generated_seconds", limits.generated_seconds, MODEL, binding=binding),
        _judged(REMEMBERED, remembered, "cached_seconds", limits.cached_seconds, MACHINE, binding=True),
    ]


MODEL = "this model takes {took} for an answer", "set a faster model"
MACHINE = "this machine takes {took} to give an answer again", "roll out where less else runs"


def _judged(
    name: str, seconds: list[float], limit_name: str, limit: float, words: tuple[str, str], *, binding: bool
) -> Check:
    value: dict[str, object] = {
        "samples": len(seconds),
        "median_seconds": round(median(seconds), 4) if seconds else None,
        "slowest_seconds": round(max(seconds), 4) if seconds else None,
        "limit_seconds": limit,
        "state": "known" if seconds else "unknown",
    }
    if not seconds or median(seconds) <= limit:
        return Check(name=name, ok=True, value=value)
    most = 1.5 * max(seconds)
    enough = ceil(most) if most > 1 else ceil(most * 10) / 10
    problem = (
        f"{words[0].format(took=f'{median(seconds):.1f} s')}, and the gate lets {limit:g} s through: "
        f"start with --limit {limit_name}={enough:g} if that is fast enough for you, or {words[1]}"
    )
    return Check(name=name, ok=not binding, value={**value, "problem": problem})
