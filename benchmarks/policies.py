"""Who decides: the replay with the product's learner or a peer in its place, and baselines that learn nothing."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Protocol, cast

from bedrock_support.routing.clock import Clock
from bedrock_support.routing.estimate import Estimate, Weights
from bedrock_support.routing.learning.learner import RouteLearner
from bedrock_support.routing.learning.probes import ProbePolicy
from bedrock_support.routing.matrix import shipped
from bedrock_support.routing.model import Health, RouteName
from benchmarks.estimators import DecayedHistogram, Estimator, Ewma, Flight, Peer
from benchmarks.further import FurtherWorld
from benchmarks.gated import GatedLogNormal
from benchmarks.replay import Replay, Row
from benchmarks.worlds import World

OURS = "ours"
PEERS = ("gated log-normal", "ewma", "decayed histogram")
INFORMED = {"informed 1": 1.0, "informed 3": 3.0}
"""Medians of a usual call after which they know of an event."""
BASELINES = ("health alone", "static", "random", *INFORMED, "oracle")
NAMES = (OURS, *PEERS, *BASELINES)


class Policy(Protocol):
    """Decides row by row, and learns whatever it wants to in between."""

    def decide(self, row: Row, truth: Mapping[RouteName, float]) -> tuple[RouteName, int]:
        """The route taken, and how many were probed beside it. Only the oracle may look at the truth."""
        ...


class Blind(Peer):
    """Knows nothing, so that matrix and health alone decide."""

    def learn(self, flight: Flight, seconds: float, ok: bool) -> None:
        """Nothing is learnt."""

    def estimate(
        self, channel: str, op_class: str, size: float, budget: float, *, usd: float | None, weights: Weights
    ) -> Estimate:
        return Estimate(
            p_success=0.5, seconds=budget, p95_seconds=budget, usd=usd, utility=0.5, samples=0.0, flagged=False
        )

    def calls(self, channel: str, op_class: str) -> int:
        return 0


class Replayed:
    """The product's replay. A peer takes the learner's place and everything else stays."""

    def __init__(self, name: str) -> None:
        self.replay = Replay()
        if name != OURS:
            # RouteLearner is what the product has; a peer has the part of it that replay and probe policy call.
            self.replay.learner = cast(RouteLearner, _peer(name, self.replay.clock))
            self.replay.policy = ProbePolicy(self.replay.learner, self.replay.clock)

    def decide(self, row: Row, truth: Mapping[RouteName, float]) -> tuple[RouteName, int]:
        chosen, probed = self.replay.decide(row)
        return chosen, len(probed)


class Static:
    """The first route of the matrix, whatever happens."""

    def decide(self, row: Row, truth: Mapping[RouteName, float]) -> tuple[RouteName, int]:
        return shipped().row(row.op_class, Health.UNKNOWN, Health.UNKNOWN).plan[0], 0


class Chance:
    """Any route that the class may take."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 - a baseline, the same for the same seed

    def decide(self, row: Row, truth: Mapping[RouteName, float]) -> tuple[RouteName, int]:
        return self._random.choice(list(truth)), 0


class Oracle:
    """The route of the largest expected utility: no regret, by definition."""

    def decide(self, row: Row, truth: Mapping[RouteName, float]) -> tuple[RouteName, int]:
        return max(truth, key=lambda route: truth[route]), 0


class Informed:
    """Knows every law and parameter of the world, and of each event and its end when a usual call later has ended.

    Nothing that learns from calls alone can know of an event before the first call sent in it is late or has failed.
    """

    def __init__(self, world: World | FurtherWorld, late: float) -> None:
        self._world = world
        self._late = late

    def decide(self, row: Row, truth: Mapping[RouteName, float]) -> tuple[RouteName, int]:
        known = self._world.utilities(row, late=self._late)
        return max(known, key=lambda route: known[route]), 0


def policy(name: str, world: World | FurtherWorld) -> Policy:
    """A new policy for that world by its name in NAMES. Raises ValueError for another."""
    match name:
        case "static":
            return Static()
        case "random":
            return Chance(world.seed)
        case "oracle":
            return Oracle()
        case _ if name in INFORMED:
            return Informed(world, INFORMED[name])
        case _:
            return Replayed(name)


def _peer(name: str, clock: Clock) -> Estimator:
    match name:
        case "gated log-normal":
            return GatedLogNormal(clock)
        case "ewma":
            return Ewma(clock)
        case "decayed histogram":
            return DecayedHistogram(clock)
        case "health alone":
            return Blind(clock)
        case _:
            raise ValueError(f"{name!r}: no such policy; there are {', '.join(NAMES)}")
