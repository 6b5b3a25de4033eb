"""Flags from AWS AppConfig: what a deployed profile says of the five flags."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from bedrock_support.routing.bedrock.appconfig import AppConfigError, AppConfigFeed
from bedrock_support.routing.clock import SystemClock
from bedrock_support.server.environment import SettingsError
from bedrock_support.server.settings import FLAG_NAMES

NAMES = frozenset(FLAG_NAMES.values())


def appconfig_flags(named: str) -> AppConfigFeed:
    """The feed behind `APPLICATION/ENVIRONMENT/PROFILE`. Raises SettingsError."""
    parts = named.split("/")
    if len(parts) != 3 or not all(parts):
        raise SettingsError(f"appconfig:{named}: write appconfig:APPLICATION/ENVIRONMENT/PROFILE")
    application, environment, profile = parts
    return AppConfigFeed(application=application, environment=environment, profile=profile, clock=SystemClock())


def read_flags(data: bytes) -> dict[str, bool]:
    """The flags in a profile, by the names ENABLE_...; other flags in it are others' business.

    A freeform profile says `{"ENABLE_INTELLIGENT_ROUTING": false}`. In one of type AWS.AppConfig.FeatureFlags names
    begin with a small letter, and hold an object: `{"enable_intelligent_routing": {"enabled": false}}`.

    Raises:
        AppConfigError: it is no JSON object, or a flag is neither on nor off.
    """
    try:
        told: Any = json.loads(data or b"{}")
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise AppConfigError("the profile is no JSON object")
    found: dict[str, bool] = {}
    for key, value in cast("Mapping[str, Any]", told).items():
        name = key.upper()
        if name not in NAMES:
            continue
        on = cast("Mapping[str, Any]", value).get("enabled") if isinstance(value, dict) else value
        if not isinstance(on, bool):
            raise AppConfigError(f"{key} is neither true nor false")
        if found.setdefault(name, on) != on:
            raise AppConfigError(f"{name} stands in the profile twice, and once otherwise")
    return found
