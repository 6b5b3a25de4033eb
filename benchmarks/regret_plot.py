"""Draws the regret of several policies over time in one world, beside what happened in it.

    python -m benchmarks.regret_plot [--family log-normal] [--seed 0] [--seconds 600] [--hard]
        [--out docs/routing-regret.svg]

Each line is the mean regret of the last 10 seconds' decisions between two routes. The picture is plain SVG that takes
light or dark from the reader's own setting.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from html import escape
from pathlib import Path

from benchmarks.policies import policy
from benchmarks.situations import SITUATIONS, random_world
from benchmarks.worlds import World

SHOWN = {"static": "a", "gated log-normal": "b", "ours": "c", "oracle": "d"}
"""Policy to style of its line, drawn in this order so that ours lies above."""
WINDOW, STEP = 10.0, 2.0
"""Seconds that a mean goes back, and between two points."""
WIDTH, HEIGHT = 920, 430
LEFT, RIGHT, TOP, BOTTOM = 80, 28, 84, 352
LOWEST, HIGHEST = 1e-4, 1.0
"""Ends of the logarithmic axis; less is drawn at its foot."""
STYLE = """
  svg { background: #ffffff; font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; }
  text { fill: #1f2328; } .small { font-size: 12px; } .title { font-size: 16px; font-weight: 600; }
  .grid { stroke: #d0d7de; } .event { fill: #9a6700; fill-opacity: .14; }
  .line { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
  .a { stroke: #6e7781; stroke-dasharray: 5 3; } .b { stroke: #bc4c00; } .c { stroke: #0550ae; stroke-width: 2.6; }
  .d { stroke: #1a7f37; stroke-dasharray: 2 3; }
  @media (prefers-color-scheme: dark) {
    svg { background: #0d1117; } text { fill: #e6edf3; } .grid { stroke: #30363d; }
    .event { fill: #d29922; fill-opacity: .18; }
    .a { stroke: #8b949e; } .b { stroke: #ffa657; } .c { stroke: #79c0ff; } .d { stroke: #56d364; }
  }"""


def rolling(world: World, name: str) -> list[tuple[float, float]]:
    """Points (seconds, mean regret of the WINDOW before) of one policy."""
    decider = policy(name, world)
    seen: list[tuple[float, float]] = []
    for row in world.rows():
        truth = world.utilities(row)
        chosen, _ = decider.decide(row, truth)
        if len(truth) > 1:
            seen.append((row.t, max(truth.values()) - truth[chosen]))
    points: list[tuple[float, float]] = []
    for step in range(1, int(world.seconds / STEP) + 1):
        t = step * STEP
        recent = [regret for at, regret in seen if t - WINDOW < at <= t]
        if recent:
            points.append((t, sum(recent) / len(recent)))
    return points


def _x(t: float, seconds: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * t / seconds


def _y(regret: float) -> float:
    share = math.log(min(HIGHEST, max(LOWEST, regret)) / LOWEST) / math.log(HIGHEST / LOWEST)
    return BOTTOM - (BOTTOM - TOP) * share


def _events(world: World) -> list[str]:
    """Shaded spans with what happens and where, on two heights so that neighbours keep apart."""
    drawn: list[str] = []
    for number, event in enumerate(world.events):
        left, right = _x(event.start, world.seconds), _x(min(event.stop, world.seconds), world.seconds)
        who = "both routes" if len(event.routes) > 1 else "".join(event.routes)
        what = f"{event.kind}, {who}"
        height = TOP - 8 - 15 * (number % 2)
        anchor = "end" if right > WIDTH - 90 else "middle"
        at = right if anchor == "end" else max((left + right) / 2, LEFT + 40)
        drawn += [
            f'<rect class="event" x="{left:.1f}" y="{TOP}" width="{right - left:.1f}" height="{BOTTOM - TOP}"/>',
            f'<text class="small" x="{at:.1f}" y="{height}" text-anchor="{anchor}">{escape(what)}</text>',
        ]
    return drawn


def _axes(seconds: float) -> list[str]:
    drawn: list[str] = []
    for power in range(round(math.log10(LOWEST)), round(math.log10(HIGHEST)) + 1):
        y = _y(10.0**power)
        label = f"{10.0**power:g}" if power > round(math.log10(LOWEST)) else f"≤ {10.0**power:.4f}"
        drawn += [
            f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}"/>',
            f'<text class="small" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{label}</text>',
        ]
    for step in range(7):
        t = seconds * step / 6
        x = _x(t, seconds)
        drawn.append(f'<text class="small" x="{x:.1f}" y="{BOTTOM + 18}" text-anchor="middle">{t:g} s</text>')
    return drawn


def picture(world: World) -> str:
    """The SVG."""
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="t d">',
        f'<title id="t">Regret over time in one {escape(world.name)} world</title>',
        '<desc id="d">Rolling mean regret of four policies on a logarithmic axis, with the events shaded.</desc>',
        f"<style>{STYLE}\n</style>",
        f'<text class="title" x="{LEFT}" y="26">Mean regret of the last {WINDOW:g} s, in successes '
        f"({escape(world.name)} world, seed {world.seed}, {world.rate:g} calls/s)</text>",
        *_events(world),
        *_axes(world.seconds),
    ]
    for number, (name, style) in enumerate(SHOWN.items()):
        points = " ".join(f"{_x(t, world.seconds):.1f},{_y(regret):.1f}" for t, regret in rolling(world, name))
        x = LEFT + 180 * number
        drawn += [
            f'<polyline class="line {style}" points="{points}"/>',
            f'<line class="line {style}" x1="{x}" y1="{HEIGHT - 30}" x2="{x + 34}" y2="{HEIGHT - 30}"/>',
            f'<text x="{x + 42}" y="{HEIGHT - 26}">{escape(name)}</text>',
        ]
    return "\n".join([*drawn, "</svg>\n"])


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the result is the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--family", default="log-normal", choices=tuple(SITUATIONS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--rate", type=float, default=20.0)
    parser.add_argument("--hard", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("docs/routing-regret.svg"))
    wanted = parser.parse_args(argv)
    world = random_world(wanted.family, wanted.seed, rate=wanted.rate, seconds=wanted.seconds, hard=wanted.hard)
    wanted.out.write_text(picture(world), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
