"""Plots as SVG: nothing to install, the same bytes from the same figures."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 720, 360, 70, 40, 150, 46  # pixels
LANE = 34  # of a bar
COLOURS = ("#1f6f8b", "#b3402e", "#2f7d4f", "#8a5fa8", "#a07a1f", "#555555")
FONT = 'font-family="sans-serif" font-size="12"'


@dataclass(frozen=True, kw_only=True)
class Axis:
    """What an axis shows; if it is logarithmic its ticks are powers of ten."""

    name: str
    values: Sequence[float]
    is_log: bool

    def place(self, value: float) -> float:
        """Return where a value lies: 0 at the beginning, 1 at the end."""
        low, high = self._at(self.ticks[0]), self._at(self.ticks[-1])
        return (self._at(value) - low) / (high - low)

    @property
    def ticks(self) -> list[float]:
        """Return values that begin before the least and end after the greatest."""
        if self.is_log:
            first, last = math.floor(math.log10(min(self.values))), math.ceil(math.log10(max(self.values)))
            return [10.0**power for power in range(first, max(last, first + 1) + 1)]
        step = 10 ** math.floor(math.log10(max(self.values) / 2))
        step *= next(times for times in (1, 2, 5, 10) if max(self.values) <= 6 * times * step)
        return [step * count for count in range(math.ceil(max(self.values) / step) + 1)]

    def _at(self, value: float) -> float:
        return math.log10(value) if self.is_log else value


def chart(
    title: str, names: tuple[str, str], lines: Mapping[str, Sequence[tuple[float, float]]], *, is_log: bool
) -> str:
    """Draw lines through points (x, y), each with its name at its end."""
    points = [point for line in lines.values() for point in line]
    x_axis, y_axis = (
        Axis(name=name, values=[point[i] for point in points], is_log=is_log) for i, name in enumerate(names)
    )

    def at(point: tuple[float, float]) -> tuple[float, float]:
        x = LEFT + x_axis.place(point[0]) * (WIDTH - LEFT - RIGHT)
        y = HEIGHT - BOTTOM - y_axis.place(point[1]) * (HEIGHT - TOP - BOTTOM)
        return round(x, 1), round(y, 1)

    parts = [*_grid(x_axis, y_axis, at)]
    for colour, line in zip(COLOURS * len(lines), lines.values(), strict=False):
        places = [at(point) for point in line]
        path = " ".join(f"{x},{y}" for x, y in places)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        if len(places) <= 8:
            parts += [f'<circle cx="{x}" cy="{y}" r="3.5" fill="{colour}"/>' for x, y in places]
    ends = sorted((at(line[-1])[1], name) for name, line in lines.items())
    below = 0.0
    for y, name in ends:  # no name over another
        below = max(y + 4, below + 14)
        colour = (COLOURS * len(lines))[list(lines).index(name)]
        parts.append(_text(WIDTH - RIGHT + 8, below, name, fill=colour))
    return _svg(title, HEIGHT, parts)


def _grid(
    x_axis: Axis, y_axis: Axis, at: Callable[[tuple[float, float]], tuple[float, float]]
) -> Iterator[str]:
    for tick in x_axis.ticks:
        x, y = at((tick, y_axis.ticks[0]))
        yield f'<line x1="{x}" y1="{TOP}" x2="{x}" y2="{y}" stroke="#dddddd"/>'
        yield _text(x, y + 16, short(tick), anchor="middle")
    for tick in y_axis.ticks:
        x, y = at((x_axis.ticks[0], tick))
        yield f'<line x1="{x}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}" stroke="#dddddd"/>'
        yield _text(x - 6, y + 4, short(tick), anchor="end")
    yield _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, x_axis.name, anchor="middle")
    yield _text(LEFT, TOP - 8, y_axis.name)


def bars(title: str, lengths: Mapping[str, float], unit: str) -> str:
    """Draw a bar for each figure, the longest as long as there is room."""
    room = WIDTH - 3 * RIGHT
    parts = []
    for i, (name, length) in enumerate(lengths.items()):
        y, width = TOP + i * LANE, round(length / max(lengths.values()) * room, 1)
        parts.append(_text(2 * RIGHT - 8, y + 16, name, anchor="end"))
        parts.append(
            f'<rect x="{2 * RIGHT}" y="{y}" width="{width}" height="{LANE - 10}" fill="{COLOURS[0]}"/>'
        )
        parts.append(_text(2 * RIGHT + width + 6, y + 16, f"{length:.3g} {unit}"))
    return _svg(title, TOP + len(lengths) * LANE + 10, parts)


def short(figure: float) -> str:
    """Write a figure in few letters: 0.1, 20, 1 k, 10 M, 2 G."""
    for size, name in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if figure >= size:
            return f"{figure / size:g}{name}"
    return f"{figure:g}"


def _text(x: float, y: float, text: str, *, anchor: str = "start", fill: str = "#333333") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{fill}">{html.escape(text)}</text>'


def _svg(title: str, height: int, parts: Sequence[str]) -> str:
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" {FONT}>',
            f"<title>{html.escape(title)}</title>",
            f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
            f'<text x="12" y="18" fill="#222222" font-weight="bold">{html.escape(title)}</text>',
            *parts,
            "</svg>\n",
        )
    )
