"""A report as Markdown and as HTML. Texts in it were written by programs and people: nothing of them is markup."""

from __future__ import annotations

import html
import json
import re

from bedrock_support.server.rollout.report import Cell, Report

_MARKUP = re.compile(r"([\\`*_\[\]<>|#])")
STYLE = """\
:root{color-scheme:light dark;--line:#8884;--soft:#8881;--bad:#c62828}
body{font:15px/1.5 system-ui,sans-serif;max-width:75rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line);
vertical-align:top}th{background:var(--soft)}td:last-child{overflow-wrap:anywhere}sup{white-space:nowrap}
sup{font-size:.7rem}sup a{text-decoration:none}.bad{color:var(--bad);font-weight:600}
.note{border-left:4px solid var(--bad);padding:.3rem .8rem;background:var(--soft)}
dt{font-weight:600;margin-top:.6rem}pre{margin:0;white-space:pre-wrap;overflow-wrap:anywhere;font-size:.8rem}
"""


def markdown(report: Report) -> str:
    """GitHub's Markdown; sources stand in brackets behind what they show, the raw record follows at the end."""
    lines = [f"# {_plain(report.title)}", ""]
    for section in report.sections:
        lines += [f"## {_plain(section.title)}", ""]
        for note in section.notes:
            lines += [f"**{_marked(note)}**", ""]
        if section.rows:
            lines += ["| " + " | ".join(section.head) + " |", "|" + "---|" * len(section.head)]
            lines += ["| " + " | ".join(_marked(cell) for cell in row) + " |" for row in section.rows]
            lines.append("")
    lines += ["## Stored record", ""]
    lines += [f"- {name}: `{json.dumps(raw).replace('`', chr(39))}`" for name, raw in report.stored.items()]
    return "\n".join([*lines, ""])


def page(report: Report) -> str:
    """One HTML file without scripts and without anything from elsewhere."""
    parts = [f"<h1>{html.escape(report.title)}</h1>"]
    for section in report.sections:
        parts.append(f"<h2>{html.escape(section.title)}</h2>")
        parts += [f'<p class="note">{_tagged(note)}</p>' for note in section.notes]
        if section.rows:
            head = "".join(f"<th>{html.escape(each)}</th>" for each in section.head)
            rows = "".join(f"<tr>{''.join(f'<td>{_tagged(cell)}</td>' for cell in row)}</tr>\n" for row in section.rows)
            parts.append(f"<table><thead><tr>{head}</tr></thead><tbody>\n{rows}</tbody></table>")
    raw = "".join(
        f'<dt id="{name}">{name}</dt><dd><pre>{html.escape(json.dumps(each, indent=1))}</pre></dd>\n'
        for name, each in report.stored.items()
    )
    parts.append(f"<details><summary>Stored record</summary><dl>{raw}</dl></details>")
    title = html.escape(report.title)
    body = "\n".join(parts)
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>{STYLE}</style></head>\n'
        f"<body>\n{body}\n</body></html>\n"
    )


def _plain(text: str) -> str:
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))


def _marked(cell: Cell) -> str:
    sources = "".join(f" [{each}]" for each in cell.sources)
    return f"{_plain(cell.text)}{sources}"


def _tagged(cell: Cell) -> str:
    words = html.escape(cell.text)
    if cell.text == "NO":
        words = f'<span class="bad">{words}</span>'
    links = " ".join(f'<a href="#{each}">{each}</a>' for each in cell.sources)
    return f"{words}<sup>{' ' + links if links else ''}</sup>"
