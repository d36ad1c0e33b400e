"""Two small plots, as SVG by hand."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 70, 190, 30, 45
FONT = 'font-family="sans-serif" font-size="12"'
COLOURS = ("#1f6feb", "#d29922", "#cf222e", "#57606a", "#8250df")


def growth(lines: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """Draw lines of (accounts, seconds) on two logarithmic scales."""
    xs = [x for points in lines.values() for x, _ in points]
    ys = [y for points in lines.values() for _, y in points]
    x_range = math.floor(math.log10(min(xs))), math.ceil(math.log10(max(xs)))
    y_range = math.floor(math.log10(min(ys))), math.ceil(math.log10(max(ys)))

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            LEFT + (WIDTH - LEFT - RIGHT) * _share(math.log10(x), x_range),
            HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * _share(math.log10(y), y_range),
        )

    parts = [_text(LEFT, 18, "Seconds for all accounts, by their number", weight="bold")]
    for power in range(y_range[0], y_range[1] + 1):
        _, y = place(10 ** x_range[0], 10**power)
        parts.append(_line(LEFT, y, WIDTH - RIGHT, y))
        parts.append(_text(LEFT - 8, y + 4, f"{10**power:,g} s", anchor="end"))
    for power in range(x_range[0], x_range[1] + 1):
        x, _ = place(10**power, 10 ** y_range[0])
        parts.append(_text(x, HEIGHT - BOTTOM + 20, f"{10**power:,}", anchor="middle"))
    labels = []
    for (name, points), colour in zip(lines.items(), COLOURS, strict=False):
        places = [place(x, y) for x, y in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
        labels.append((places[-1][1] + 4, name, colour))
    lowest = float(HEIGHT)
    for y, name, colour in sorted(labels, reverse=True):
        # One above the other, where the lines end at almost the same place.
        lowest = min(y, lowest - 14)
        parts.append(_text(WIDTH - RIGHT + 8, lowest, name, colour=colour))
    return _svg(parts, HEIGHT)


def bars(title: str, values: Mapping[str, float], unit: str) -> str:
    height = 40 + 30 * len(values)
    parts = [_text(10, 18, title, weight="bold")]
    for number, (name, value) in enumerate(values.items()):
        y = 34 + 30 * number
        width = 300 * value / max(values.values())
        colour = COLOURS[number % len(COLOURS)]
        parts.append(_text(240, y + 15, name, anchor="end"))
        parts.append(f'<rect x="250" y="{y}" width="{width:.1f}" height="20" fill="{colour}"/>')
        parts.append(_text(256 + width, y + 15, f"{value:.3g} {unit}"))
    return _svg(parts, height)


def _share(value: float, span: tuple[int, int]) -> float:
    return (value - span[0]) / (span[1] - span[0])


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#d0d7de"/>'


def _text(
    x: float,
    y: float,
    text: str,
    *,
    anchor: str = "start",
    weight: str = "normal",
    colour: str = "",
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}"'
        f' fill="{colour or "#1f2328"}">{escape(text)}</text>'
    )


def _svg(parts: Sequence[str], height: int) -> str:
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" {FONT}>',
            f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
            *parts,
            "</svg>\n",
        ]
    )
