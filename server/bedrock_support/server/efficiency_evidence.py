"""EfficiencyEvidence: reads decision records from wherever they are, and gives tool and command the same report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, urlsplit

from bedrock_support.routing.clock import Clock
from bedrock_support.routing.model import RouteName
from bedrock_support.server.settings import READS
from bedrock_support.telemetry.efficiency.live import LiveEfficiency
from bedrock_support.tools.base import InputError
from bedrock_support.tools.efficiency import Asked
from bedrock_support.tools.efficiency_report import EfficiencyReport
from bedrock_support.tools.paths import open_regular

if TYPE_CHECKING:
    from bedrock_support.telemetry.efficiency.record import DecisionRecord

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where decisions are read from: files of OTLP JSON lines or, where none are named, the Jaeger at `url`."""

    files: tuple[Path, ...] = ()
    url: str = ""
    since: float | None = None
    """Unix seconds."""
    seconds: float
    """That reading may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EfficiencyEvidence:
    """Implements the tool's Provide. Blocks."""

    live: LiveEfficiency
    span_file: Path | None
    jaeger_url: str | None
    clock: Clock

    def __call__(self, asked: Asked) -> EfficiencyReport:
        if asked.source == "live":
            told, limits = self.live.read(asked.since)
            return self.report("live", told, [*limits, "only what this process decided since it started"])
        if asked.source == "jaeger":
            return self.from_jaeger(self._allowed(asked.url), asked.since, asked.seconds)
        if (place := asked.place) is not None:
            return self.from_files([place.path], asked.since, asked.seconds, lambda _: open_regular("path", place))
        if self.span_file is None:
            mend = f"Name a file of OTLP JSON lines, or set {READS['span_file']} for the server"
            raise InputError("path", None, "no file: this server writes no spans", mend)
        return self.from_files([self.span_file], asked.since, asked.seconds)

    def of(self, source: Origin) -> EfficiencyReport:
        """The report from a source. Raises InputError as the two below do."""
        if source.files:
            return self.from_files(source.files, source.since, source.seconds)
        return self.from_jaeger(source.url, source.since, source.seconds)

    def replayed(self, source: Origin, row: str, route: RouteName) -> dict[str, object]:
        """What one change of the matrix would have been expected to bring over the decisions of a source.

        Raises:
            InputError: the source can't be read, or no decision of that row had a choice.
        """
        from bedrock_support.telemetry.efficiency.jaeger import JaegerError, JaegerReading
        from bedrock_support.telemetry.efficiency.otlp_files import FileReading
        from bedrock_support.telemetry.efficiency.replay import replay

        until, since = self.clock.now() + source.seconds, source.since
        try:
            if source.files:
                reading: Iterable[DecisionRecord] = FileReading(source.files, None, lambda: self.clock.now() < until)
            else:
                reading = JaegerReading(source.url, since, self.clock, source.seconds)
            found = replay((each for each in reading if since is None or each.at >= since), row, route.value)
        except OSError as error:
            raise InputError("files", None, f"can't be read ({error.strerror})", "Check the path") from None
        except JaegerError as error:
            mend = "See that a Jaeger of version 2 answers there"
            raise InputError("jaeger", _shown(source.url), str(error), mend) from None
        if not found.n:
            mend = "Take a row as a decision names it; where its estimates aren't known, nothing can be replayed"
            raise InputError("replay", f"{row}={route}", "no decision of this row had that choice", mend)
        return found.told(row, route.value)

    def from_files(
        self,
        paths: Sequence[Path],
        since: float | None,
        seconds: float,
        opened: Callable[[Path], int] | None = None,
    ) -> EfficiencyReport:
        """From OTLP JSON lines.

        Raises:
            InputError: a file can't be read.
        """
        from bedrock_support.telemetry.efficiency.otlp_files import FileReading, figures_of

        until = self.clock.now() + seconds
        reading = FileReading(paths, opened, lambda: self.clock.now() < until)
        try:
            told = figures_of(reading, since).told()
        except OSError as error:
            named = cast("str | None", error.filename) or str(paths[0])
            raise InputError("path", named, f"can't be read ({error.strerror})", "Check the path") from None
        return self.report("files", told, reading.limits())

    def from_jaeger(self, url: str, since: float | None, seconds: float) -> EfficiencyReport:
        """From a query API, whichever it is.

        Raises:
            InputError: it gives no usable answer.
        """
        from bedrock_support.telemetry.efficiency.jaeger import JaegerError, JaegerReading
        from bedrock_support.telemetry.efficiency.otlp_files import figures_of

        try:
            reading = JaegerReading(url, since, self.clock, seconds)
            told = figures_of(reading, since).told()
        except JaegerError as error:
            raise InputError("url", _shown(url), str(error), "See that a Jaeger of version 2 answers there") from None
        return self.report("jaeger", told, reading.limits(), ui=url)

    def report(
        self, source: str, told: Mapping[str, object], limits: Sequence[str], *, ui: str | None = None
    ) -> EfficiencyReport:
        """The figures in the report's shape; traces are linked where a Jaeger is known."""
        base = ui or self.jaeger_url
        costliest = cast("list[dict[str, Any]]", told["costliest"])
        return EfficiencyReport.model_validate(
            {
                "source": source,
                **{name: told[name] for name in ("decisions", "first_at", "last_at", "recommendations")},
                "optimal": {"all": told["optimal"], "calm": told["calm"], "events": told["events"]},
                "rates": {
                    "fallback": told["fallback_rate"],
                    "hedge": told["hedge_rate"],
                    "cached": told["cache_rate"],
                    **{name: told[name] for name in ("deadline_met", "ended", "no_route")},
                },
                "cache": told["cache"],
                "money": {
                    "spent": told["spent_usd"],
                    "per_answer": told["usd_per_answer"],
                    "unknown_cost_decisions": told["unknown_cost_decisions"],
                    "costliest": [each | {"trace_url": _link(base, each["trace_id"])} for each in costliest],
                },
                "limits": [*limits, *([] if told["decisions"] else ["no decision is recorded: every rate is unknown"])],
            }
        )

    def _allowed(self, url: str | None) -> str:
        """Agents choose the URL, so it leads to the settings' Jaeger or to this machine, and nowhere else."""
        if url is None:
            if self.jaeger_url is None:
                mend = f"Give the URL of a Jaeger on this machine, or set {READS['jaeger_url']}"
                raise InputError("url", None, "no Jaeger is set", mend)
            return self.jaeger_url
        own = self.jaeger_url is not None and url.rstrip("/") == self.jaeger_url.rstrip("/")
        try:
            loopback = urlsplit(url).hostname in LOOPBACK
        except ValueError:
            loopback = False
        if not (own or loopback):
            problem = "neither on this machine nor the Jaeger of the settings"
            raise InputError("url", _shown(url), problem, f"Set {READS['jaeger_url']}, or use the command efficiency")
        return url


def _link(base: str | None, trace: str | None) -> str | None:
    return f"{_shown(base).rstrip('/')}/trace/{quote(trace)}" if base and trace else None


def _shown(url: str) -> str:
    """Without a password, should it hold one."""
    try:
        parts = urlsplit(url)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    except ValueError:
        return "(not a URL)"
