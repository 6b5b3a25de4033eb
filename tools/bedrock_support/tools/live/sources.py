"""LiveSources: what the server's settings let be asked, and how each answer becomes lines or series."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from bedrock_support.tools.base import InputError
from bedrock_support.tools.live.names import ACCOUNT, CLOUDWATCH, JAEGER, LOGS, PROMETHEUS, LiveName, Time

if TYPE_CHECKING:
    from bedrock_support.tools.causes.model import Series
    from bedrock_support.tools.infra.live import Collector
    from bedrock_support.tools.live.asking import Budget
    from bedrock_support.tools.live.jaeger import JaegerSpans

MOST_BYTES = 64 * 2**20
"""Of lines that one call takes from a source."""


class Watcher(Protocol):
    """Reads CloudWatch in one Region. Blocks."""

    def events(
        self, group: str, start: float, end: float, spent: Callable[[], bool]
    ) -> Iterator[tuple[float, str]]: ...

    def metrics(
        self,
        namespace: str,
        start: float,
        end: float,
        now: float,
        choose: Callable[[str], str],
        spent: Callable[[], bool],
    ) -> tuple[Any, list[str]]:
        """Pairs of a metric (entity, name, statistic) and its values, and what was left out."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSources:
    """Addresses come from the settings alone, so that no caller can make the server ask a host of their choice."""

    jaeger: str | None = None
    prometheus: str | None = None
    cloudwatch: Mapping[str, Watcher] = field(default_factory=dict[str, Watcher])
    """By Region; the first is the one that is meant where none is named."""
    accounts: Mapping[str, Collector] = field(default_factory=dict[str, "Collector"])
    """Readers of what the account holds, by Region; the first is meant where none is named."""
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    """What each sort is set by, for words of refusal."""

    def check(self, field_name: str, name: LiveName) -> None:
        """Raises InputError for a source, or a Region, that isn't set."""
        known = {
            JAEGER: self.jaeger,
            PROMETHEUS: self.prometheus,
            CLOUDWATCH: self.cloudwatch or None,
            LOGS: self.cloudwatch or None,
            ACCOUNT: self.accounts or None,
        }
        if known[name.sort] is None:
            mend = f"Start the server with {self.settings.get(name.sort, 'it')} set; docs/live-sources.md says how"
            raise InputError(field_name, name.label, f"this server may ask no {name.sort}", mend)
        regions = self.accounts if name.sort == ACCOUNT else self.cloudwatch
        if name.region is not None and name.region not in regions:
            mend = f"Name one of {', '.join(regions)}"
            raise InputError(field_name, name.label, "isn't one of the Regions that may be asked", mend)

    def lines(self, name: LiveName, time: Time, budget: Budget) -> tuple[bytes, list[str]]:
        """What a source has for a log, oldest first, and what isn't there and why. Blocks."""
        kept = bytearray()
        notes: list[str] = []
        for line in self._lines(name, time, budget, notes):
            kept += line.encode("utf-8", "replace")
            if len(kept) > MOST_BYTES:
                notes.append(f"{name.sort}: only the first {MOST_BYTES // 2**20} MiB were read: name a shorter window")
                break
        return bytes(kept), notes

    def _lines(self, name: LiveName, time: Time, budget: Budget, notes: list[str]) -> Iterator[str]:
        if name.sort == JAEGER:
            from bedrock_support.tools.logs.span_lines import lines_of

            spans = self.spans(name, time, budget)
            yield from lines_of(spans)
            notes += spans.notes
            return
        from bedrock_support.routing.bedrock.watching import WatchError

        last = time.start
        try:
            for at, message in self._watcher(name).events(name.asked, time.start, time.end, budget.spent):
                last = at
                yield f"{moment_of(at)} {message.rstrip()}\n"
        except WatchError as error:
            notes.append(f"logs: {error}")
            return
        if budget.left <= 0:
            notes.append(f"logs: the time was over; nothing after {moment_of(last)} was read: name a shorter window")

    def spans(self, name: LiveName, time: Time, budget: Budget) -> JaegerSpans:
        """OTLP documents, read as they are asked for; its notes are whole at the end."""
        from bedrock_support.tools.live.jaeger import JaegerSpans

        return JaegerSpans(self.jaeger or "", name.asked, time, budget)

    def series(self, name: LiveName, time: Time, wall: float, budget: Budget) -> tuple[list[Series], list[str]]:
        """Metrics of a source, and what isn't there and why. Blocks; `wall` is now in unix seconds."""
        if name.sort == PROMETHEUS:
            from bedrock_support.tools.live.prometheus import read_prometheus

            return read_prometheus(self.prometheus or "", name.asked, time.start, time.end, budget)
        from bedrock_support.routing.bedrock.watching import WatchError
        from bedrock_support.tools.causes.model import RESOURCES, Series, kind_of

        try:
            told, notes = self._watcher(name).metrics(name.asked, time.start, time.end, wall, statistic, budget.spent)
        except WatchError as error:
            return [], [f"cloudwatch: {error}"]
        found: list[Series] = []
        for wanted, points in told:
            if not points:
                continue
            kind = kind_of(wanted.name)
            found.append(
                Series(
                    entity=wanted.entity,
                    metric=wanted.name,
                    kind=kind,
                    times=tuple(each[0] for each in points),
                    values=tuple(each[1] for each in points),
                    source=f"{name.label} [{wanted.entity} {wanted.name} {wanted.statistic}]"[:300],
                    own=kind in RESOURCES,
                )
            )
        notes = [f"cloudwatch: {each}" for each in notes]
        if not found:
            notes.append(f"cloudwatch: {name.asked} has no value in this time")
        return found, notes

    def account(self, name: LiveName) -> Collector:
        """The reader of a Region that `check` has let pass."""
        return self.accounts[name.region] if name.region else next(iter(self.accounts.values()))

    def _watcher(self, name: LiveName) -> Watcher:
        return self.cloudwatch[name.region] if name.region else next(iter(self.cloudwatch.values()))


def statistic(metric: str) -> str:
    """How CloudWatch should sum up a metric of this name over a period."""
    from bedrock_support.tools.causes.model import kind_of

    return {"latency": "p90", "errors": "Sum", "traffic": "Sum"}.get(kind_of(metric), "Average")


def moment_of(at: float) -> str:
    """Unix seconds as logs have them, in UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
