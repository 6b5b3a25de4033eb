"""Whether a model answers fast enough for the gate that comes later: told while no traffic has moved."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from statistics import median

from bedrock_support.server.environment import PREFIX
from bedrock_support.server.rollout.checks import Check
from bedrock_support.server.rollout.control import Control
from bedrock_support.server.rollout.levels import SUPPORT_MODE
from bedrock_support.server.rollout.quality import ASKED_AS, Limits, Timed
from bedrock_support.server.rollout.synthetic import log_text

ANSWERS = 5
NAME = "answers come within the gate's limit"
_OF_THE_MODEL = ("AWS_", f"{PREFIX}MODEL_", f"{PREFIX}REGION")
"""Variables with which answers may take another time."""


def same_model(env: Mapping[str, str]) -> bool:
    """Whether a new configuration asks the model that the old one asks, where that one does."""
    return not any(name.startswith(_OF_THE_MODEL) for name in env)


async def in_time(control: Control, worker: str, limits: Limits, *, binding: bool) -> Check:
    """A few answers of a worker by name. Raises NoFront, Unreachable.

    Half of them above the limit, and a 95th percentile of many more can't be below it. Fewer above it prove nothing:
    the gate itself judges. Where nothing is generated (support mode is off yet) that is said, and holds nobody up.

    Args:
        binding: the check fails; else it is only said, since the candidate asks another model.
    """
    made: list[Timed] = []
    async with control.calling(worker) as caller:
        if not (await caller.flags()).get(SUPPORT_MODE, False):
            return Check(name=NAME, ok=True, value={"state": "unknown", "support_mode": "off: nothing is generated"})
        for _ in range(ANSWERS):
            began = control.clock.now()
            called = await caller.triage(ASKED_AS, log_text(control.entropy))
            made.append(Timed(called=called, seconds=control.clock.now() - began, repeat=False))
    return judged_pace([each.seconds for each in made if each.generated], limits, binding=binding)


def judged_pace(seconds: list[float], limits: Limits, *, binding: bool) -> Check:
    """The check on times of generated answers, in seconds."""
    value: dict[str, object] = {
        "samples": len(seconds),
        "median_seconds": round(median(seconds), 4) if seconds else None,
        "slowest_seconds": round(max(seconds), 4) if seconds else None,
        "limit_seconds": limits.generated_seconds,
        "state": "known" if seconds else "unknown",
    }
    if not seconds or median(seconds) <= limits.generated_seconds:
        return Check(name=NAME, ok=True, value=value)
    enough = ceil(1.5 * max(seconds))
    problem = (
        f"this model takes {median(seconds):.1f} s for an answer, and the gate lets {limits.generated_seconds:g} s "
        f"through: start with --limit generated_seconds={enough} if that is fast enough for you, or set a faster model"
    )
    return Check(name=NAME, ok=not binding, value={**value, "problem": problem})
