# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Small charts of curves, both axes logarithmic, as one SVG that reads on light and dark pages."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

_COLUMNS, _WIDTH, _HEIGHT = 2, 360, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 20, 40, 32
_STYLE = """
  .card { fill: #ffffff; } text { fill: #1f2328; font: 12px system-ui, sans-serif; } .title { font-weight: 600; }
  .whole { font-size: 16px; font-weight: 600; } .grid { stroke: #d0d7de; } .small { fill: #59636e; font-size: 11px; }
  polyline { fill: none; stroke-width: 2; } .a { stroke: #0969da; } .b { stroke: #bc4c00; stroke-dasharray: 6 3; }
  @media (prefers-color-scheme: dark) {
    .card { fill: #0d1117; } text { fill: #f0f6fc; } .grid { stroke: #3d444d; } .small { fill: #9198a1; }
    .a { stroke: #4493f8; } .b { stroke: #f0883e; }
  }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One chart: a line for each index."""

    title: str
    lines: Mapping[str, Sequence[float]]


def exponent(across: Sequence[float], points: Sequence[float]) -> float:
    """The slope of the line nearest to the points, both axes logarithmic: 0 is flat, 1 in proportion."""
    if len(across) < 2:
        return 0.0
    logarithms = [[math.log(max(one, 1e-6)) for one in values] for values in (across, points)]
    return statistics.linear_regression(*logarithms).slope


def drawing(title: str, across: Sequence[int], curves: Sequence[Curve]) -> str:
    """All of them in a grid; the first line of each solid, the second dashed, each with its last number beside it."""
    rows = math.ceil(len(curves) / _COLUMNS)
    width, height = _COLUMNS * _WIDTH, 60 + rows * _HEIGHT
    names = list(curves[0].lines)
    legend = "".join(
        f'<polyline class="{mark}" points="{20 + 140 * at},44 {50 + 140 * at},44"/>'
        f'<text x="{56 + 140 * at}" y="48">{escape(name)}</text>'
        for at, (mark, name) in enumerate(zip("ab", names, strict=False))
    )
    charts = "".join(
        f'<g transform="translate({at % _COLUMNS * _WIDTH} {60 + at // _COLUMNS * _HEIGHT})">{_chart(across, one)}</g>'
        for at, one in enumerate(curves)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escape(title)}"><style>{_STYLE}</style>'
        f'<rect class="card" width="{width}" height="{height}"/>'
        f'<text class="whole" x="20" y="24">{escape(title)}</text>'
        f"{legend}{charts}</svg>\n"
    )


def _chart(across: Sequence[int], curve: Curve) -> str:
    every = [max(point, 1e-6) for points in curve.lines.values() for point in points]
    low, high = math.floor(math.log10(min(every))), math.ceil(math.log10(max(every)))
    high = max(high, low + 1)
    first, last = math.log10(across[0]), math.log10(across[-1])

    def x(value: float) -> float:
        share = (math.log10(value) - first) / ((last - first) or 1)
        return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)

    def y(value: float) -> float:
        share = (math.log10(max(value, 1e-6)) - low) / (high - low)
        return round(_HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM), 1)

    parts = [f'<text class="title" x="{_LEFT}" y="24">{escape(curve.title)}</text>']
    for power in range(low, high + 1):
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(10**power)}" y2="{y(10**power)}"/>'
        )
        parts.append(
            f'<text class="small" x="{_LEFT - 6}" y="{y(10**power) + 4}" text-anchor="end">{10**power:g}</text>'
        )
    parts += [
        f'<text class="small" x="{x(one)}" y="{_HEIGHT - 12}" text-anchor="middle">{one:,}</text>' for one in across
    ]
    for mark, points in zip("ab", curve.lines.values(), strict=False):
        line = " ".join(f"{x(one)},{y(point)}" for one, point in zip(across, points, strict=True))
        parts.append(f'<polyline class="{mark}" points="{line}"/>')
    return "".join(parts)
