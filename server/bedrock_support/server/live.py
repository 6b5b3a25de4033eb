"""Which live sources tools may ask: only what the settings name, and under residency eu only what stands there."""

from __future__ import annotations

import re

from bedrock_support.routing.bedrock.account import AccountReader
from bedrock_support.routing.bedrock.watching import CloudWatchReader
from bedrock_support.routing.model import Residency
from bedrock_support.routing.residency import EU_REGIONS, foreign_target
from bedrock_support.server.environment import SettingsError
from bedrock_support.server.settings import READS, Settings
from bedrock_support.tools.live.asking import usable
from bedrock_support.tools.live.names import ACCOUNT, CLOUDWATCH, JAEGER, LOGS, PROMETHEUS
from bedrock_support.tools.live.sources import LiveSources

REGION = re.compile(r"[a-z]{2}(?:-[a-z]+){1,3}-\d")
SETTINGS = {
    JAEGER: READS["jaeger_url"],
    PROMETHEUS: READS["prometheus_url"],
    CLOUDWATCH: READS["cloudwatch"],
    LOGS: READS["cloudwatch"],
    ACCOUNT: READS["account"],
}


def live_sources(settings: Settings) -> LiveSources:
    """What may be asked. Connects to nothing.

    Raises:
        SettingsError: an address or a Region can't be used, or lies outside the EU while residency is eu.
    """
    return LiveSources(
        jaeger=_base("jaeger_url", settings.jaeger_url, settings.residency),
        prometheus=_base("prometheus_url", settings.prometheus_url, settings.residency),
        cloudwatch={
            region: CloudWatchReader(region=region, profile=settings.profile)
            for region in regions("cloudwatch", settings.cloudwatch, settings.residency)
        },
        accounts={
            region: AccountReader(region=region, profile=settings.profile)
            for region in regions("account", settings.account, settings.residency)
        },
        settings=SETTINGS,
    )


def _base(field: str, url: str | None, residency: Residency) -> str | None:
    if url is None:
        return None
    # A password in it must not be shown.
    if not usable(url):
        raise SettingsError(f"{READS[field]}: no http(s) URL. Give the base URL, such as http://127.0.0.1:9090")
    if problem := foreign_target(residency, url):
        raise SettingsError(f"{READS[field]}: {problem}")
    return url


def regions(field: str, listed: str, residency: Residency) -> list[str]:
    """The Regions that a setting lists. Raises SettingsError as live_sources does."""
    found = list(dict.fromkeys(each.strip() for each in listed.split(",") if each.strip()))
    for each in found:
        outside(READS[field], each, residency)
    return found


def outside(field: str, region: str, residency: Residency) -> None:
    """Raises SettingsError for what is no Region, and under residency eu for one outside the EU."""
    if not REGION.fullmatch(region):
        raise SettingsError(f"{field} = {region!r}: is no Region. Give such as eu-central-1 or eu-west-1")
    if residency is Residency.EU and region not in EU_REGIONS:
        known = ", ".join(sorted(EU_REGIONS))
        raise SettingsError(f"{field} = {region!r}: residency eu, but it isn't one of {known}")
