"""From which instant to which a window lasts, and the one before it (R6, R11)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from storewatch.checking.reference.opening import spans_of_day
from storewatch.checking.reference.times import DAY

if TYPE_CHECKING:
    from storewatch.domain.window import Window

_EPOCH = date(1970, 1, 1)


def edges(window: Window, zone: str, as_of: int) -> tuple[int, int]:
    """Return the first second of a window and the one after its last, since 1970 UTC."""
    if window.span is not None:
        return window.span
    if window.length is not None:
        return as_of - window.length, as_of
    _, first, after = _dates(window.text, date_of(zone, as_of))
    return begin_of(zone, first), min(begin_of(zone, after), as_of)


def edges_before(window: Window, zone: str, as_of: int) -> tuple[int, int]:
    """Return the same of the window that it is compared with."""
    begin, end = edges(window, zone, as_of)
    if window.span is not None or window.length is not None:
        return begin - (end - begin), begin
    before, first, after = _dates(window.text, date_of(zone, as_of))
    begins, ends = begin_of(zone, before), begin_of(zone, first)
    if begin_of(zone, after) > as_of:  # the as-of is within
        ends = min(begins + (as_of - begin), ends)
    return begins, ends


def begin_of(zone: str, day: int) -> int:
    """Return the first second in which the wall clock shows a date (days since 1970) or a later one."""
    for utc_day in range(day - 2, day + 3):
        for since, until, ahead in spans_of_day(zone, utc_day):
            second = max(since, day * DAY - ahead)
            if second < until:
                return second
    raise AssertionError


def date_of(zone: str, at: int) -> int:
    """Return the date (days since 1970) that has begun by a second and not ended."""
    return max(day for day in range(at // DAY - 2, at // DAY + 3) if begin_of(zone, day) <= at)


def _dates(name: str, today: int) -> tuple[int, int, int]:
    """Return the first date of the time before, the first one of the window, and the first after it."""
    now = _EPOCH + timedelta(days=today)
    monday = today - now.weekday()
    months = [_first_of_month(now, back) for back in (2, 1, 0, -1)]
    return {
        "today": (today - 1, today, today + 1),
        "yesterday": (today - 2, today - 1, today),
        "this_week": (monday - 7, monday, monday + 7),
        "previous_week": (monday - 14, monday - 7, monday),
        "this_month": (months[1], months[2], months[3]),
        "previous_month": (months[0], months[1], months[2]),
    }[name]


def _first_of_month(now: date, back: int) -> int:
    years, month = divmod(now.month - 1 - back, 12)
    return (date(now.year + years, month + 1, 1) - _EPOCH).days
