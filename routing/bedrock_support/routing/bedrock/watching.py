"""CloudWatchReader: events of one log group and metrics of one namespace, read-only and bounded.

The calls are FilterLogEvents, ListMetrics and GetMetricData; nothing is written and no query is started.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

PERMISSIONS = ("logs:FilterLogEvents", "cloudwatch:ListMetrics", "cloudwatch:GetMetricData")
"""Every action that is used: the exact policy that a reader needs."""
MOST_METRICS = 250
MOST_LISTED = 5_000
POINTS = 240
"""Values of a metric, at most."""
SHORTEST = 60
"""Seconds of a period: what is kept for longer than three hours has no shorter one."""
RECENT = 3 * 3600.0
"""Seconds: ListMetrics can leave out what was silent for so long."""
PATIENCE = 5.0
"""Seconds for a connection, and without a byte."""


class WatchError(Exception):
    """AWS gave no answer. The message names what it said and the permission; it is safe to show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One metric, how to sum it up, and whom it is of."""

    entity: str
    name: str
    statistic: str
    """Sum, Average, or a percentile such as p90."""
    metric: dict[str, Any] = field(hash=False)
    """As CloudWatch names it."""


Choose = Callable[[str], str]
"""The statistic for a metric's name."""


class CloudWatchReader:
    """One account and Region. Blocks: call off the loop."""

    def __init__(self, *, region: str, profile: str | None = None) -> None:
        self.region = region
        self._profile = profile

    def events(self, group: str, start: float, end: float, spent: Callable[[], bool]) -> Iterator[tuple[float, str]]:
        """Unix seconds and message of each event, oldest first; ends early once `spent` says so.

        Raises:
            WatchError: AWS gives no answer.
        """
        client = self._client("logs")
        given: dict[str, Any] = {"logGroupName": group, "startTime": int(start * 1000), "endTime": int(end * 1000)}
        # Without a limit a page holds up to 1 MB or 10,000 events.
        while not spent():
            page = self._asked(lambda: client.filter_log_events(**given), "logs:FilterLogEvents", group)
            for each in page.get("events", ()):
                yield each["timestamp"] / 1000, str(each["message"])
            if not (token := page.get("nextToken")):
                return
            given["nextToken"] = token

    def metrics(
        self, namespace: str, start: float, end: float, now: float, choose: Choose, spent: Callable[[], bool]
    ) -> tuple[list[tuple[Wanted, list[tuple[float, float]]]], list[str]]:
        """The metrics of a namespace with their values by unix seconds, and what was left out.

        Raises:
            WatchError: AWS gives no answer.
        """
        client = self._client("cloudwatch")
        recent = now - start < RECENT
        wanted, notes = self._listed(client, namespace, choose, spent, recent=recent)
        period = SHORTEST * max(1, -(-int(end - start) // (POINTS * SHORTEST)))
        points: dict[str, list[tuple[float, float]]] = {}
        given: dict[str, Any] = {
            "MetricDataQueries": [_query(f"m{place}", each, period) for place, each in enumerate(wanted)],
            "StartTime": datetime.fromtimestamp(start, UTC),
            "EndTime": datetime.fromtimestamp(end, UTC),
            "ScanBy": "TimestampAscending",
        }
        while wanted:
            if spent():
                notes.append("the time was over before all values were read")
                break
            page = self._asked(lambda: client.get_metric_data(**given), "cloudwatch:GetMetricData", namespace)
            for each in page.get("MetricDataResults", ()):
                pairs = zip(each["Timestamps"], each["Values"], strict=False)
                points.setdefault(each["Id"], []).extend((at.timestamp(), float(value)) for at, value in pairs)
            if not (token := page.get("NextToken")):
                break
            given["NextToken"] = token
        return [(each, sorted(points.get(f"m{place}", ()))) for place, each in enumerate(wanted)], notes

    def _listed(
        self, client: Any, namespace: str, choose: Choose, spent: Callable[[], bool], *, recent: bool
    ) -> tuple[list[Wanted], list[str]]:
        found: list[Wanted] = []
        notes: list[str] = []
        given: dict[str, Any] = {"Namespace": namespace} | ({"RecentlyActive": "PT3H"} if recent else {})
        while not spent() and len(found) < MOST_LISTED:
            page = self._asked(lambda: client.list_metrics(**given), "cloudwatch:ListMetrics", namespace)
            found += [_wanted(each, choose) for each in page.get("Metrics", ())]
            if not (token := page.get("NextToken")):
                break
            given["NextToken"] = token
        else:
            notes.append(f"only the first {len(found)} metrics were listed")
        # A metric stands there once for each set of its dimensions: the sets of few say it of the whole thing.
        found = [each for each in found if each.metric.get("Dimensions")] or found
        found.sort(key=lambda each: (len(each.metric.get("Dimensions", ())), each.entity, each.name))
        if len(found) > MOST_METRICS:
            notes.append(f"{MOST_METRICS} of {len(found)} metrics were read, those of the fewest dimensions")
        return found[:MOST_METRICS], notes

    def _client(self, name: str) -> Any:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError

        config = Config(
            connect_timeout=PATIENCE, read_timeout=PATIENCE, retries={"mode": "standard", "total_max_attempts": 2}
        )
        try:
            session: Any = boto3.Session(region_name=self.region, profile_name=self._profile)
            return session.client(name, config=config)
        except BotoCoreError as error:
            raise WatchError(f"AWS can't be asked: {error}") from None

    def _asked(self, ask: Callable[[], Any], permission: str, what: str) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return ask()
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "error")
            raise WatchError(f"{what} in {self.region}: {code}; it needs {permission}") from None
        except BotoCoreError as error:
            raise WatchError(f"{what} in {self.region}: {error}") from None


def _wanted(metric: dict[str, Any], choose: Choose) -> Wanted:
    dimensions: Sequence[dict[str, str]] = metric.get("Dimensions", ())
    entity = "/".join(each["Value"] for each in sorted(dimensions, key=lambda each: each["Name"]))
    name = str(metric["MetricName"])
    return Wanted(entity=entity or str(metric["Namespace"]), name=name, statistic=choose(name), metric=metric)


def _query(ident: str, wanted: Wanted, period: int) -> dict[str, Any]:
    stat = {"Metric": wanted.metric, "Period": period, "Stat": wanted.statistic}
    return {"Id": ident, "MetricStat": stat, "ReturnData": True}
