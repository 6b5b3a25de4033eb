"""`bedrock-support rca`: find_root_cause for people and for scripts."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from bedrock_support.server.commands import Commands, number

if TYPE_CHECKING:
    from bedrock_support.tools.causes.analyse import Found
    from bedrock_support.tools.live.names import LiveName
    from bedrock_support.tools.live.reading import Measured
    from bedrock_support.tools.paths import Place

FINE, FOUND, USAGE_ERROR = 0, 1, 2


def add_rca_parser(commands: Commands) -> None:
    """The command `rca`: ends with 0 when no cause was found, 1 with causes, 2 when asked wrongly."""
    rca = commands.add_parser("rca", help="rank root causes from metrics, traces, changes and the call graph")
    rca.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="file or folder; or prometheus:QUERY, cloudwatch:NAMESPACE[@REGION], jaeger:SERVICE",
    )
    rca.add_argument("--baseline", type=Path, help="file or folder with the metrics of calm times")
    rca.add_argument("--start", help="of the incident: ISO 8601 or unix seconds (default: found by itself)")
    rca.add_argument("--end", help="of the incident")
    rca.add_argument("--target", help="what suffers: a service, a metric, or 'service metric'")
    rca.add_argument("--limit", type=number(1, 20), default=5, metavar="N", help="1 to 20 (default: 5)")
    rca.add_argument("--json", action="store_true", help="everything as JSON")
    rca.set_defaults(run=_rca)


def _rca(arguments: argparse.Namespace) -> int:
    from bedrock_support.server.environment import SettingsError
    from bedrock_support.tools.base import InputError
    from bedrock_support.tools.causes.gather import gather
    from bedrock_support.tools.live.names import live_name
    from bedrock_support.tools.root_cause import TAKEN, causes_of, times_of

    try:
        start, end = times_of(arguments.start, arguments.end)
        names = {each: live_name("PATH", each, TAKEN) for each in arguments.paths}
        places = [_place("PATH", Path(each)) for each, name in names.items() if name is None]
        asked = _asked([each for each in names.values() if each is not None], start, end)
        data = gather(places, _place("--baseline", arguments.baseline) if arguments.baseline else None, asked=asked)
        found = causes_of(data, start, end, arguments.target)
    except (InputError, SettingsError) as error:
        sys.stderr.write(f"bedrock-support rca: {error}\n")
        return USAGE_ERROR
    if arguments.json:
        sys.stdout.write(json.dumps(_document(found, arguments.limit)) + "\n")
    else:
        _show(found, arguments.limit)
    return FOUND if found.causes else FINE


def _asked(names: list[LiveName], start: float | None, end: float | None) -> Measured | None:
    if not names:
        return None
    from bedrock_support.server.alone import alone
    from bedrock_support.server.live import live_sources
    from bedrock_support.server.settings import load
    from bedrock_support.tools.live.reading import measurements

    async def ask() -> Measured:
        ctx = alone(())
        window = (start, end) if start is not None else None
        return await measurements(ctx, names, window, live_sources(load()), ctx.deadline)

    return anyio.run(ask)


def _place(field: str, path: Path) -> Place:
    from bedrock_support.tools.paths import confine

    path = path.expanduser().absolute()
    # On the command line whoever asks may read whatever their own account may.
    return confine(field, str(path), (Path(path.anchor),))


def _document(found: Found, limit: int) -> dict[str, Any]:
    from bedrock_support.tools.causes.times import shown
    from bedrock_support.tools.root_cause import quotes, row

    window = found.window
    return {
        "start": shown(window.start) if window else None,
        "end": shown(window.end) if window else None,
        "target": found.target,
        "causes": [
            {
                **row(each).model_dump(),
                "disproof": each.disproof,
                "evidence": [{"kind": kind, "source": source, "quote": quote} for kind, source, quote in quotes(each)],
            }
            for each in found.causes[:limit]
        ],
        "limits": list(found.notes),
    }


def _show(found: Found, limit: int) -> None:
    from rich.console import Console
    from rich.text import Text

    from bedrock_support.tools.causes.times import shown
    from bedrock_support.tools.root_cause import quotes

    console = Console(highlight=False, soft_wrap=True)
    if found.window is not None:
        seen = f", seen at {found.target}" if found.target else ""
        console.print(Text(f"Incident {shown(found.window.start)} to {shown(found.window.end)}{seen}", style="bold"))
    if not found.causes:
        console.print("No cause found.")
    for place, cause in enumerate(found.causes[:limit], 1):
        console.print(Text(f"{place}. {cause.entity}: {cause.mechanism} ({cause.confidence:.0%})", style="bold"))
        console.print(Text(f"   {cause.why}"))
        if cause.path:
            console.print(Text(f"   calls: {' > '.join(cause.path)}"))
        for kind, source, quote in quotes(cause):
            console.print(Text(f"   - {kind}: {quote} ({source})", style="dim"))
        console.print(Text(f"   wrong if: {cause.disproof}"))
    for note in found.notes:
        console.print(Text(f"Limit: {note}", style="yellow"))
