"""The vocabulary of estimates, under the name by which the learner knows it."""

from bedrock_support.routing.estimate import Estimate, Weights, choose

__all__ = ["Estimate", "Weights", "choose"]
