"""CloudWatch's dashboards and alarms: reads all of a prefix, changes and removes only what carries our tag.

A dashboard can't carry a tag: ours is the one of our name whose body says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from bedrock_support.routing.model import Residency
from bedrock_support.routing.residency import abroad

T = TypeVar("T")
TAG = {"Key": "managed-by", "Value": "bedrock-support"}
MARK = "Made by `bedrock-support monitoring apply`"
MOST_DELETED = 100


class CloudWatchError(Exception):
    """CloudWatch said no, or what is there isn't ours. Safe to show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What is there: alarms of our tag by name as CloudWatch tells them, and the dashboard's body."""

    alarms: Mapping[str, Mapping[str, Any]]
    composites: Mapping[str, Mapping[str, Any]]
    foreign: frozenset[str]
    """Names of alarms with our prefix but without our tag."""
    dashboard: str | None


class CloudWatchPlace:
    """One account and Region. Blocks; for a command line."""

    def __init__(self, region: str, profile: str | None = None, residency: Residency = Residency.EU) -> None:
        self._region = region
        self._profile = profile
        self._residency = residency
        self._made: Any = None

    def held(self, name: str) -> Held:
        """Everything under `name`. Raises CloudWatchError."""
        return self._asked(lambda client: self._held(client, name))

    def put_alarm(self, alarm: Mapping[str, Any]) -> None:
        """Make or replace a metric alarm. Raises CloudWatchError."""
        self._asked(lambda client: client.put_metric_alarm(**alarm, Tags=[TAG]))

    def put_composite(self, alarm: Mapping[str, Any]) -> None:
        """Make or replace a composite alarm. Raises CloudWatchError."""
        self._asked(lambda client: client.put_composite_alarm(**alarm, Tags=[TAG]))

    def put_dashboard(self, name: str, body: str) -> None:
        """Make or replace the dashboard. Raises CloudWatchError."""
        self._asked(lambda client: client.put_dashboard(DashboardName=name, DashboardBody=body))

    def delete_alarms(self, names: Sequence[str]) -> None:
        """Raises CloudWatchError."""
        for start in range(0, len(names), MOST_DELETED):
            part = list(names[start : start + MOST_DELETED])
            self._asked(lambda client, part=part: client.delete_alarms(AlarmNames=part))

    def delete_dashboard(self, name: str) -> None:
        """Raises CloudWatchError."""
        self._asked(lambda client: client.delete_dashboards(DashboardNames=[name]))

    def _held(self, client: Any, name: str) -> Held:
        pages = list(
            client.get_paginator("describe_alarms").paginate(
                AlarmNamePrefix=f"{name}-", AlarmTypes=["MetricAlarm", "CompositeAlarm"]
            )
        )
        kinds: list[dict[str, Mapping[str, Any]]] = []
        foreign: set[str] = set()
        for kind in ("MetricAlarms", "CompositeAlarms"):
            found = {each["AlarmName"]: each for page in pages for each in page.get(kind, ())}
            tagged = {key: each for key, each in found.items() if self._ours(client, each["AlarmArn"])}
            foreign |= found.keys() - tagged.keys()
            kinds.append(tagged)
        body = self._dashboard(client, name)
        return Held(alarms=kinds[0], composites=kinds[1], foreign=frozenset(foreign), dashboard=body)

    def _ours(self, client: Any, arn: str) -> bool:
        return TAG in client.list_tags_for_resource(ResourceARN=arn)["Tags"]

    def _dashboard(self, client: Any, name: str) -> str | None:
        listed = client.list_dashboards(DashboardNamePrefix=name)["DashboardEntries"]
        if name not in {each["DashboardName"] for each in listed}:
            return None
        body = str(client.get_dashboard(DashboardName=name)["DashboardBody"])
        if MARK not in body:
            raise CloudWatchError(f"the dashboard {name} isn't ours: rename it, or remove it by hand")
        return json.dumps(json.loads(body), sort_keys=True)

    def _asked(self, ask: Callable[[Any], T]) -> T:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            if self._made is None:
                config = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard"})
                session: Any = boto3.Session(region_name=self._region, profile_name=self._profile)
                made = session.client("cloudwatch", config=config)
                if (problem := abroad(self._residency, made)) is not None:
                    raise CloudWatchError(problem)
                self._made = made
            return ask(self._made)
        except (BotoCoreError, ClientError) as error:
            raise CloudWatchError(f"CloudWatch in {self._region}: {error}") from error
