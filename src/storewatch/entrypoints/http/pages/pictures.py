"""A store's week as a picture: open hours as bands in the status's colour and pattern, polls as marks.

One row a local day, so that a day with a clock change is an hour shorter or longer. Days whose clocks read
alike share one pair of axes: the wall clock above, UTC below. Everything is drawn with presentation
attributes and classes: the policy of the pages allows no styles of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from markupsafe import Markup

from storewatch.domain.instant import HOUR, MICROSECONDS
from storewatch.domain.zone import clock_text, is_repeated, offset_text, wall_clock
from storewatch.entrypoints.wording import hours

if TYPE_CHECKING:
    from datetime import datetime

    from storewatch.domain.evidence import Day, Part, PollSeen
    from storewatch.domain.explain import Explanation

_AXIS = 20  # height of a line of hour labels
_GAP = 1  # between the bands of two hours
_MARKS: dict[str, tuple[str, dict[str, object]]] = {  # in a pattern of 6 by 6
    "down": ("path", {"d": "M-1 7 7 -1M-1 1 1 -1M5 7 7 5"}),
    "unknown": ("circle", {"cx": 3, "cy": 3, "r": 1.1}),
    "excluded": ("path", {"d": "M0 1.5H6M0 4.5H6"}),
}


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
    name="wide", width=1120, left=104, right=20, band=26, row=48, step=2 * HOUR, day="%a {day} %b", mark=3.2
)
NARROW = Sheet(
    name="narrow", width=340, left=54, right=14, band=22, row=42, step=6 * HOUR, day="%a {day}", mark=2.3
)


def week_picture(found: Explanation, sheet: Sheet) -> Markup:
    """Return an explanation of a week as an inline SVG."""
    return Markup(ET.tostring(_Picture(found, sheet).drawn(), encoding="unicode"))  # noqa: S704 - escaped by ET


class _Picture:
    """Draws one explanation on one sheet."""

    def __init__(self, found: Explanation, sheet: Sheet) -> None:
        self.found = found
        self.sheet = sheet
        plot = sheet.width - sheet.left - sheet.right
        self.scale = plot / max(day.end - day.begin for day in found.days)  # pixels a second
        self.polls = sorted(
            [*(poll for hour in found.hours for poll in hour.polls), *found.discarded],
            key=lambda poll: poll.at,
        )

    def drawn(self) -> ET.Element:
        """Return the picture."""
        body = ET.Element("g")
        y = 2
        for _, days in groupby(self.found.days, self._labels):
            y = self._block(body, list(days), y)
        name = f"week-{self.sheet.name}"
        box = f"0 0 {self.sheet.width} {y}"
        root = _tag(None, "svg", f"week {self.sheet.name}", viewBox=box, role="img", focusable="false")
        root.set("aria-labelledby", f"{name}-title {name}-text")
        _tag(root, "title", id=f"{name}-title").text = f"The week of store {self.found.store_id}"
        _tag(root, "desc", id=f"{name}-text").text = self._summary()
        self._patterns(root)
        root.append(body)
        return root

    def _summary(self) -> str:
        parts = [f"{hours(self.found.seconds(status))} {status}" for status in self.found.statuses]
        outages = len(self.found.outages)
        return (
            f"{', '.join(parts)} of {hours(self.found.seconds())} open; {outages} "
            f"outage{'' if outages == 1 else 's'}, {len(self.polls):,} polls. The tables below say the same."
        )

    def _patterns(self, root: ET.Element) -> None:
        """Define how all that is not up looks beside its colour."""
        definitions = _tag(root, "defs")
        for status, (kind, attributes) in _MARKS.items():
            name = f"{status}-{self.sheet.name}"
            pattern = _tag(definitions, "pattern", id=name, width=6, height=6, patternUnits="userSpaceOnUse")
            _tag(pattern, "rect", f"fill-{status}", width=6, height=6)
            _tag(pattern, kind, f"on-{status}", **attributes)

    def _labels(self, day: Day) -> tuple[tuple[str, str], ...]:
        """Return the wall clock's and UTC's labels of a day's axes."""
        return tuple(
            (_label(wall_clock(self.found.zone, at)), _label(wall_clock("UTC", at)))
            for at in range(day.begin, day.end + 1, self.sheet.step)
        )

    def _block(self, body: ET.Element, days: list[Day], y: int) -> int:
        """Draw days whose clocks read alike below y, and return where the next ones begin."""
        sheet, labels = self.sheet, self._labels(days[0])
        below = y + _AXIS + len(days) * sheet.row
        for place, (local, utc) in enumerate(labels):
            x = self._x(place * sheet.step, 0)
            _tag(body, "path", "grid", d=f"M{x} {y + _AXIS - 4}V{below - 2}")
            _text(body, x, y + 11, local, "axis")
            _text(body, x, below + 10, utc, "axis utc")
        _text(body, 0, y + 11, "local" if sheet is NARROW else "local time", "axis name")
        _text(body, 0, below + 10, "UTC", "axis name utc")
        for place, day in enumerate(days):
            self._day(body, day, y + _AXIS + place * sheet.row)
        return below + _AXIS + 4

    def _day(self, body: ET.Element, day: Day, top: int) -> None:
        sheet = self.sheet
        begin, end = day.begin, day.end
        local = wall_clock(self.found.zone, begin)
        name = f"{local:{sheet.day}}".format(day=local.day)
        _text(body, 0, top + sheet.band / 2 + 5, name, "day")
        since, until = max(begin, self.found.begin), min(end, self.found.as_of)
        middle = top + sheet.band / 2
        _tag(body, "path", "closed", d=f"M{self._x(since, begin)} {middle}H{self._x(until, begin)}")
        for part in day.parts:
            for piece in part.open:
                self._band(body, part, piece, begin=begin, top=top)
        seen = {self._mark(poll, begin) for poll in self.polls if begin <= poll.at // MICROSECONDS < end}
        for x, active, counted in sorted(seen):
            self._poll(body, x, top + sheet.band + 8, active=active, counted=counted)
        if begin < self.found.as_of <= end:
            x = self._x(self.found.as_of, begin)
            _tag(body, "path", "as-of", d=f"M{x} {top - 3}V{top + sheet.band + 12}")

    def _band(self, body: ET.Element, part: Part, piece: tuple[int, int], *, begin: int, top: int) -> None:
        """Draw an hour's open time; what the pointer shows of it is for those who use one."""
        x, until = self._x(piece[0], begin), self._x(piece[1], begin)
        width = max(round(until - x - _GAP, 2), 0.5)
        kind = "fill-up" if part.status == "up" else "patterned"
        band = _tag(body, "rect", kind, x=x, y=top, width=width, height=self.sheet.band, rx=2)
        if part.status != "up":
            band.set("fill", f"url(#{part.status}-{self.sheet.name})")
        if self.sheet is WIDE:
            clock = clock_text(wall_clock(self.found.zone, part.begin), "%a %H:%M")
            why = f"{part.status}: {part.reason.because(part.clock)}"
            _tag(band, "title").text = f"{clock}, {wall_clock('UTC', part.begin):%H:%M} UTC: {why}"

    def _mark(self, poll: PollSeen, begin: int) -> tuple[float, bool, bool]:
        """Return where and what a poll is; many in one place are one mark."""
        return round(self._x(poll.at // MICROSECONDS, begin) * 2) / 2, poll.active, poll.counted

    def _poll(self, body: ET.Element, x: float, y: float, *, active: bool, counted: bool) -> None:
        """Draw a dot for an active poll, a cross for an inactive one; discarded ones are hollow or thin."""
        size = self.sheet.mark
        kind = "counted" if counted else "discarded"
        if active:
            _tag(body, "circle", f"poll active {kind}", cx=x, cy=y, r=round(size * 0.75, 2))
            return
        d = f"M{x - size} {y - size}L{x + size} {y + size}M{x - size} {y + size}L{x + size} {y - size}"
        _tag(body, "path", f"poll inactive {kind}", d=d)

    def _x(self, at: int, begin: int) -> float:
        return round(self.sheet.left + (at - begin) * self.scale, 2)


def _label(clock: datetime) -> str:
    """Return a time without minutes where it has none; with its offset where the clock shows it twice."""
    text = f"{clock:%H:%M}".removesuffix(":00")
    return f"{text} {offset_text(clock).removesuffix(':00')}" if is_repeated(clock) else text


def _text(parent: ET.Element, x: float, y: float, text: str, kind: str) -> None:
    _tag(parent, "text", kind, x=x, y=y).text = text


def _tag(parent: ET.Element | None, name: str, kind: str = "", **attributes: object) -> ET.Element:
    """Add an element, of a class by which the style sheet knows it."""
    written = {key: str(value) for key, value in attributes.items()} | ({"class": kind} if kind else {})
    return ET.Element(name, written) if parent is None else ET.SubElement(parent, name, written)
