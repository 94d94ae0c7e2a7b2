"""The windows of a report as people write them (R6, R11)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from storewatch.domain.instant import DAY, HOUR, WINDOWS, iso, parse_second
from storewatch.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

CALENDAR = ("today", "yesterday", "this_week", "previous_week", "this_month", "previous_month")
LONGEST = 400 * DAY  # seconds
# What a report says of each window, in seconds.
FIRST = ("uptime", "downtime", "unknown", "open")  # as R7 has them
FURTHER = ("excluded", "measured", "stated_up", "stated_down", "low", "high")

# No wall clock since 1970 is further from UTC.
_BEHIND = 12 * HOUR
_AHEAD = 14 * HOUR

_EPOCH = date(1970, 1, 1)

_ROLLING = re.compile(r"([1-9]\d{0,4})([hd])")


@dataclass(frozen=True, kw_only=True)
class Window:
    """A window: one of a length that ends at the as-of, two instants, or a date, week or month of a store."""

    text: str  # as it is asked for; instants in UTC, so that equal windows are equal
    length: int | None = None  # seconds, of a rolling one
    span: tuple[int, int] | None = None  # begin and end, seconds since 1970 UTC

    @property
    def name(self) -> str:
        """What its columns end in: `last_week`, `28d`, `previous_month`, `window`."""
        if self.span is not None:
            return "window"
        return f"last_{self.text}" if self.text in WINDOWS else self.text

    @property
    def title(self) -> str:
        """What a heading calls it: `last week`, `28d`, `previous month`, or from when to when."""
        return self.name.replace("_", " ") if self.span is None else self.text.replace("/", " to ")

    @property
    def short(self) -> str:
        """What a heading calls it beside another word: `week`, `28d`, `previous month`, `window`."""
        return self.name.replace("_", " ").removeprefix("last ")

    @property
    def unit(self) -> int:
        """The seconds of the unit in which CSV writes it."""
        return unit_of(self.name)

    def earliest(self, as_of: int, *, before: bool) -> int:
        """Return an instant (seconds since 1970 UTC) before which it, or the one before, begins nowhere."""
        if self.text in CALENDAR:
            dates = calendar_dates(self.text, (as_of - _BEHIND) // DAY)
            return dates[0 if before else 1] * DAY - _AHEAD
        begin, end = self.span or (as_of - (self.length or 0), as_of)
        return 2 * begin - end if before else begin


def unit_of(name: str) -> int:
    """Return the seconds of the unit in which CSV writes the window of a name (R7, R11)."""
    return 60 if name == "last_hour" else HOUR


def parse_windows(texts: Sequence[str]) -> tuple[Window, ...]:
    """Return the windows of a report, in their order.

    Raises:
        InputError: One is none, or there is one twice, or two spans, or none at all.
    """
    windows = tuple(parse_window(text) for text in texts)
    if not windows:
        raise InputError("no window is asked for: name one, like week")
    names = [window.name for window in windows]
    if twice := [name for name in names if names.count(name) > 1]:
        raise InputError(
            "two windows are from an instant to another: ask for one of them"
            if "window" in twice
            else f"the window {twice[0].removeprefix('last_')} is asked for twice"
        )
    return windows


def parse_window(text: str) -> Window:
    """Return the window of a name, a length like `28d`, or two instants with a slash between them.

    Raises:
        InputError: It is none of these; the message says what is.
    """
    if text in WINDOWS:
        return Window(text=text, length=WINDOWS[text])
    if text in CALENDAR:
        return Window(text=text)
    if "/" in text:
        begin, end = _span(text)
        return Window(text=f"{iso(begin)}/{iso(end)}", span=(begin, end))
    found = _ROLLING.fullmatch(text)
    length = int(found[1]) * (HOUR if found[2] == "h" else DAY) if found else 0
    if not 0 < length <= LONGEST:
        raise InputError(
            f"there is no window {text!r}: write {', '.join((*WINDOWS, *CALENDAR))}, a length from 1h to "
            "400d like 28d, or two instants like 2023-03-01T00:00:00Z/2023-03-05T12:00:00Z"
        )
    return Window(text=text, length=length)


def _span(text: str) -> tuple[int, int]:
    first, _, last = text.partition("/")
    begin, end = (parse_second(instant, "instant of a window") for instant in (first, last))
    if begin >= end:
        raise InputError(f"the window {text} ends before it begins, or has no length")
    return begin, end


def calendar_dates(name: str, today: int) -> tuple[int, int, int]:
    """Return the first dates of the period before a calendar window, of its own, and of the one after.

    All are days since 1970, `today` too.
    """
    unit = name.partition("_")[2] or "day"
    back = name in ("yesterday", "previous_week", "previous_month")
    if unit == "month":
        now = _EPOCH + timedelta(days=today)
        months = [12 * now.year + now.month - 1 + step - back for step in (-1, 0, 1)]
        before, first, after = ((date(m // 12, m % 12 + 1, 1) - _EPOCH).days for m in months)
        return before, first, after
    length, begin = (7, today - (today + 3) % 7) if unit == "week" else (1, today)
    begin -= length * back
    return begin - length, begin, begin + length
