"""The regret of a router as SVG: a small chart a panel, a line a dial; readable on light and dark ground."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, MARGIN = 300, 190, 46
COLUMNS = 2
STROKES = ("", "7 4", "2 3")
COLOURS = ("#3b82f6", "#d97706", "#16a34a")
STYLE = """<style>
text { fill: #334155; font: 12px system-ui, sans-serif }
.axis { stroke: #94a3b8; stroke-width: 1 }
.line { fill: none; stroke-width: 2 }
@media (prefers-color-scheme: dark) { text { fill: #cbd5e1 } .axis { stroke: #64748b } }
</style>"""


@dataclass(frozen=True, kw_only=True)
class Line:
    """The cumulative regret of one panel and dial at equal distances along the stream."""

    panel: str
    dial: float
    regret: Sequence[float]


def regret_plot(lines: Sequence[Line], *, draws: int) -> str:
    """Return the chart as SVG text."""
    panels = list(dict.fromkeys(line.panel for line in lines))
    dials = list(dict.fromkeys(line.dial for line in lines))
    rows = -(-len(panels) // COLUMNS)
    width, height = COLUMNS * (WIDTH + MARGIN) + MARGIN, rows * (HEIGHT + 2 * MARGIN) + MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
        "<title>Cumulative regret of auto against the model that would have been best alone</title>",
        STYLE,
    ]
    for number, dial in enumerate(dials):
        left = MARGIN + 130 * number
        parts.append(
            f'<path class="line" stroke="{COLOURS[number % 3]}" stroke-dasharray="{STROKES[number % 3]}"'
            f' d="M{left} 22h28"/><text x="{left + 34}" y="26">dial {dial:g}</text>'
        )
    for place, panel in enumerate(panels):
        left = MARGIN + place % COLUMNS * (WIDTH + MARGIN)
        top = 1.7 * MARGIN + place // COLUMNS * (HEIGHT + 2 * MARGIN)
        own = [line for line in lines if line.panel == panel]
        parts.append(f'<g transform="translate({left} {top:g})">{_chart(panel, own, dials, draws)}</g>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _chart(panel: str, lines: Sequence[Line], dials: Sequence[float], draws: int) -> str:
    values = [0.0, *(value for line in lines for value in line.regret)]
    low, high = min(values), max(values)
    scale = HEIGHT / ((high - low) or 1.0)
    zero = high * scale
    parts = [
        f'<text x="0" y="-10" font-weight="600">{panel}: regret after {draws:,} questions</text>',
        f'<path class="axis" d="M0 0V{HEIGHT}M0 {zero:.1f}H{WIDTH}"/>',
        f'<text x="-6" y="{zero + 4:.1f}" text-anchor="end">0</text>',
    ]
    parts += [
        f'<text x="-6" y="{at}" text-anchor="end">{value:.0f}</text>'
        for at, value in ((8, high), (HEIGHT, low))
        if abs(value) * scale > 14
    ]
    for line in lines:
        number = dials.index(line.dial)
        step = WIDTH / len(line.regret)
        points = " ".join(
            f"{step * (at + 1):.1f},{zero - value * scale:.1f}" for at, value in enumerate(line.regret)
        )
        parts.append(
            f'<polyline class="line" stroke="{COLOURS[number % 3]}" stroke-dasharray="{STROKES[number % 3]}"'
            f' points="0,{zero:.1f} {points}"/>'
        )
    return "".join(parts)
