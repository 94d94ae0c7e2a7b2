"""A store's week as a picture: open hours as bands in the status's colour and pattern, checks as marks.

One row a local day, so that a day with a clock change is an hour shorter or longer. Days whose clocks read
alike share one pair of axes: the wall clock above, UTC below. What is carried is paler than what is measured.
Everything is drawn with presentation attributes and classes: the policy of the pages allows no styles of its
own. The patterns are those of `_patterns.html`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from storewatch.domain.instant import HOUR, MICROSECONDS
from storewatch.domain.zone import is_repeated, offset_text, wall_clock
from storewatch.entrypoints.wording import duration

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from storewatch.domain.evidence import Day, PollSeen
    from storewatch.domain.explain import Explanation

_AXIS = 20  # height of a line of hour labels
_GAP = 1  # after a band


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """The measures of a picture, in pixels."""

    name: str
    width: int
    left: int  # for the days' names
    right: int
    band: int  # height of the open hours
    row: int  # height of a day
    step: int  # seconds between two labels of an axis
    day: str  # format of a day's name
    mark: float  # size of a poll


WIDE = Sheet(
    name="wide", width=1184, left=104, right=20, band=26, row=48, step=2 * HOUR, day="%a {day} %b", mark=3.2
)
NARROW = Sheet(
    name="narrow", width=340, left=64, right=14, band=22, row=42, step=6 * HOUR, day="%a {day}", mark=2.3
)


@dataclass(frozen=True, kw_only=True)
class Band:
    """Open time in which one status holds, of one kind of evidence, on one local day."""

    begin: int  # seconds since 1970 UTC
    end: int
    status: str
    is_carried: bool


def bands(day: Day) -> Iterator[Band]:
    """Yield a day's bands, in order; hours that touch and count alike are one."""
    held: Band | None = None
    for part in day.parts:
        for begin, end in part.open:
            kind = (part.status, part.is_carried)
            if held and held.end == begin and kind == (held.status, held.is_carried):
                held = Band(begin=held.begin, end=end, status=part.status, is_carried=part.is_carried)
                continue
            if held:
                yield held
            held = Band(begin=begin, end=end, status=part.status, is_carried=part.is_carried)
    if held:
        yield held


def fill(status: str, *, is_carried: bool = False) -> str:
    """Return the attributes that give a shape the look of a status."""
    carried = " carried" * is_carried
    return f'class="fill-up{carried}"' if status == "up" else f'class="band{carried}" fill="url(#p-{status})"'


def week_picture(found: Explanation, sheet: Sheet) -> Markup:
    """Return an explanation of some days as an inline SVG."""
    return Markup("".join(_Picture(found, sheet).drawn()))  # noqa: S704 - what is no number of ours is escaped


class _Picture:
    """Draws one explanation on one sheet."""

    def __init__(self, found: Explanation, sheet: Sheet) -> None:
        self.found = found
        self.sheet = sheet
        plot = sheet.width - sheet.left - sheet.right
        self.scale = plot / max((day.end - day.begin for day in found.days), default=1)  # pixels a second
        self.polls = sorted(
            [*(poll for hour in found.hours for poll in hour.polls), *found.discarded],
            key=lambda poll: poll.at,
        )

    def drawn(self) -> Iterator[str]:
        """Yield the picture."""
        body: list[str] = []
        y = 2
        for labels, days in groupby(self.found.days, self._labels):
            y = self._block(body, labels, list(days), y)
        name = f"week-{self.sheet.name}"
        yield (
            f'<svg class="week {self.sheet.name}" viewBox="0 0 {self.sheet.width} {y}" role="img" '
            f'focusable="false" aria-labelledby="{name}-title {name}-text">'
            f'<title id="{name}-title">The open hours of store {escape(self.found.store_id)}</title>'
            f'<desc id="{name}-text">{escape(self._summary())}</desc>'
        )
        yield from body
        yield "</svg>"

    def _summary(self) -> str:
        figures, outages = self.found.figures, len(self.found.outages)
        names = {"up": "uptime", "down": "downtime", "unknown": "unknown", "excluded": "excluded"}
        parts = [f"{duration(figures[names[status]])} {status}" for status in self.found.statuses]
        return (
            f"{', '.join(parts)} of {duration(figures['open'])} open; {outages} "
            f"outage{'' if outages == 1 else 's'}, {len(self.polls):,} checks. The tables below say the same."
        )

    def _labels(self, day: Day) -> tuple[tuple[str, str], ...]:
        return _axis(self.found.zone, day.begin, day.end, self.sheet.step)

    def _block(self, body: list[str], labels: tuple[tuple[str, str], ...], days: list[Day], y: int) -> int:
        """Draw days whose clocks read alike below y, and return where the next ones begin."""
        sheet = self.sheet
        below = y + _AXIS + len(days) * sheet.row
        for place, (local, utc) in enumerate(labels):
            x = self._x(place * sheet.step, 0)
            body.append(f'<path class="grid" d="M{x} {y + _AXIS - 4}V{below - 2}"/>')
            body.append(f'<text class="axis" x="{x}" y="{y + 11}">{local}</text>')
            body.append(f'<text class="axis utc" x="{x}" y="{below + 10}">{utc}</text>')
        name = "local" if sheet is NARROW else "local time"
        body.append(f'<text class="axis name" x="0" y="{y + 11}">{name}</text>')
        body.append(f'<text class="axis name utc" x="0" y="{below + 10}">UTC</text>')
        for place, day in enumerate(days):
            self._day(body, day, y + _AXIS + place * sheet.row)
        return below + _AXIS + 4

    def _day(self, body: list[str], day: Day, top: int) -> None:
        sheet, found, begin = self.sheet, self.found, day.begin
        local = wall_clock(found.zone, begin)
        name = f"{local:{sheet.day}}".format(day=local.day)
        middle = top + sheet.band / 2
        since, until = (self._x(at, begin) for at in (max(begin, found.begin), min(day.end, found.end)))
        body.append(f'<text class="day" x="0" y="{middle + 5}">{name}</text>')
        closed = f"M{since} {middle}"
        for band in bands(day):
            x, after = self._x(band.begin, begin), self._x(band.end, begin)
            width = max(round(after - x - _GAP, 2), 0.5)
            closed += f"H{x}M{after} {middle}"
            look = fill(band.status, is_carried=band.is_carried)
            body.append(f'<rect {look} x="{x}" y="{top}" width="{width}" height="{sheet.band}" rx="2"/>')
        body.append(f'<path class="closed" d="{closed}H{until}"/>')
        self._marks(body, day, top + sheet.band + 8)
        if begin < found.as_of <= day.end and found.end == found.as_of:
            x = self._x(found.as_of, begin)
            body.append(f'<path class="as-of" d="M{x} {top - 3}V{top + sheet.band + 12}"/>')

    def _marks(self, body: list[str], day: Day, y: int) -> None:
        """Draw a dot for an active check, a cross for an inactive one; discarded ones are hollow or thin.

        Many in one place are one mark, and those of a kind are one path.
        """
        marks: dict[tuple[bool, bool], dict[float, None]] = {}
        for poll in self.polls:
            if day.begin <= poll.at // MICROSECONDS < day.end:
                marks.setdefault((poll.active, poll.counted), {})[self._place(poll, day)] = None
        for (active, counted), places in marks.items():
            kind = f"{'active' if active else 'inactive'} {'counted' if counted else 'discarded'}"
            drawn = "".join(self._mark(x, y, active=active) for x in places)
            body.append(f'<path class="poll {kind}" d="{drawn}"/>')

    def _place(self, poll: PollSeen, day: Day) -> float:
        return round(self._x(poll.at // MICROSECONDS, day.begin) * 2) / 2

    def _mark(self, x: float, y: int, *, active: bool) -> str:
        size = self.sheet.mark
        if active:
            r = round(size * 0.75, 2)
            return f"M{round(x - r, 2):g} {y}a{r} {r} 0 1 0 {2 * r:g} 0a{r} {r} 0 1 0 {-2 * r:g} 0"
        return (
            f"M{x - size:g} {y - size:g}l{2 * size:g} {2 * size:g}m0 {-2 * size:g}l{-2 * size:g} {2 * size:g}"
        )

    def _x(self, at: int, begin: int) -> float:
        return round(self.sheet.left + (at - begin) * self.scale, 2)


@lru_cache(maxsize=4_096)  # the stores of a zone have the same days
def _axis(zone: str, begin: int, end: int, step: int) -> tuple[tuple[str, str], ...]:
    """Return the wall clock's and UTC's labels of a day's axes."""
    return tuple(
        (_label(wall_clock(zone, at)), _label(wall_clock("UTC", at))) for at in range(begin, end + 1, step)
    )


def _label(clock: datetime) -> str:
    """Return a time without minutes where it has none; with its offset where the clock shows it twice."""
    text = f"{clock:%H:%M}".removesuffix(":00")
    return f"{text} {offset_text(clock).removesuffix(':00')}" if is_repeated(clock) else text
