# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The page of what was measured: for each chart its drawing, and the same as a table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from figures import CHARTS, KEPT, Chart

_PAGE = """# What it costs

Bars are drawn from what the programs in `benchmarks` printed, kept with the machine and the day. Blue is trustpub, grey
is somebody else's program that does the same, and an outline is a limit: what does only the part that cannot be saved.
`make figures` measures anew and `make docs` draws it; `make bench` prints more than is drawn here.
"""
_WIDTH, _ROW, _TOP, _BAR = 720, 44, 56, 16
_STYLE = """
  .card { fill: #ffffff; stroke: #d0d7de; } text { fill: #1f2328; font: 14px system-ui, sans-serif; }
  .title { font-weight: 600; font-size: 16px; } .small { fill: #59636e; font-size: 12px; }
  .us { fill: #0969da; } .peer { fill: #818b98; } .limit { fill: none; stroke: #59636e; stroke-dasharray: 4 3; }
  @media (prefers-color-scheme: dark) {
    .card { fill: #0d1117; stroke: #3d444d; } text { fill: #f0f6fc; } .small { fill: #9198a1; }
    .us { fill: #4493f8; } .peer { fill: #656c76; } .limit { stroke: #9198a1; }
  }
"""


def measured_pages() -> dict[str, str]:
    """Path below ``docs/reference`` and text, of the page and of each drawing."""
    parts, drawings = [_PAGE], {}
    for chart in CHARTS:
        path = KEPT / f"{chart.name}.json"
        if not path.exists():
            continue
        kept = json.loads(path.read_text(encoding="utf-8"))
        drawings[f"../benchmarks/{chart.name}.svg"] = _drawing(chart, kept)
        parts.append(_section(chart, kept))
    return {"measured.md": "<!-- Written by docs/generate.py. -->\n\n" + "".join(parts), **drawings}


def _section(chart: Chart, kept: Mapping[str, Any]) -> str:
    rows = "".join(f"| {row['label']} | {_said(row['value'])} |\n" for row in kept["rows"])
    wanted = "".join(
        f"| `{one['name']}` | {one['measured']} | {one['wanted']} | {'met' if one['met'] else '**not met**'} |\n"
        for one in kept["targets"]
    )
    return (
        f"\n## {chart.title}\n\n{chart.note}\n\n"
        f"```{{image}} ../benchmarks/{chart.name}.svg\n:alt: {_told(chart, kept)}\n```\n\n"
        f"| | {chart.unit} |\n|---|---|\n{rows}\n"
        + (f"| wanted by the benchmark | measured | wanted | |\n|---|---|---|---|\n{wanted}\n" if wanted else "")
        + f"`{kept['command']}` on {kept['date']}, commit {kept['commit']}: {kept['machine']}."
        + _busy(kept)
        + "\n"
    )


def _busy(kept: Mapping[str, Any]) -> str:
    """That the machine had other things to do, where it had."""
    if kept["load"] < 1:
        return ""
    return f" The machine was busy with other things (load {kept['load']}); quiet, it is faster."


def _told(chart: Chart, kept: Mapping[str, Any]) -> str:
    values = "; ".join(f"{row['label']} {_said(row['value'])}" for row in kept["rows"])
    return f"{chart.title}, {chart.unit}: {values}"


def _said(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:g}"


def _drawing(chart: Chart, kept: Mapping[str, Any]) -> str:
    """A bar for each row, its words above it, its number behind it."""
    rows, most = kept["rows"], max(row["value"] for row in kept["rows"])
    height = _TOP + _ROW * len(rows) + 12
    better = "shorter" if chart.less else "longer"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" aria-labelledby="t d">',
        f'<title id="t">{escape(chart.title)}</title>',
        f'<desc id="d">{escape(_told(chart, kept))}</desc>',
        f"<style>{_STYLE}</style>",
        f'<rect class="card" x="0.5" y="0.5" width="{_WIDTH - 1}" height="{height - 1}" rx="6"/>',
        f'<text class="title" x="16" y="28">{escape(chart.title)}</text>',
        f'<text class="small" x="16" y="46">{escape(chart.unit)}, {better} is better; {escape(kept["date"])}</text>',
    ]
    for number, row in enumerate(rows):
        top, width = _TOP + _ROW * number, max(2.0, 560 * row["value"] / most)
        lines += [
            f'<text x="16" y="{top + 15}">{escape(row["label"])}</text>',
            f'<rect class="{row["whose"]}" x="16" y="{top + 21}" width="{width:.1f}" height="{_BAR}" rx="2"/>',
            f'<text x="{24 + width:.1f}" y="{top + 34}">{_said(row["value"])}</text>',
        ]
    return "\n".join([*lines, "</svg>", ""])
