"""LiteLLM's own environment under .cache/litellm."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from benchmarks.homes import Unavailable
from benchmarks.homes import ready as home_ready

__all__ = ["LITELLM", "Unavailable", "ready"]
LITELLM = "1.106.2"
"""Pinned exactly: releases 1.82.7 and 1.82.8 carried a credential stealer that ran at every start of Python."""


def ready() -> Path:
    """The interpreter of LiteLLM's environment, with the same boto3 as ours. Raises Unavailable with the reason."""
    return home_ready("litellm", LITELLM, [f"litellm=={LITELLM}", f"boto3=={version('boto3')}"])
