"""The windows of a report as people write them (R6, R11)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from storewatch.domain.instant import DAY, HOUR, WINDOWS, parse_second
from storewatch.domain.zone import offset_spans
from storewatch.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

CALENDAR = ("today", "yesterday", "this_week", "previous_week", "this_month", "previous_month")
LONGEST = 400 * DAY  # seconds

_EPOCH = date(1970, 1, 1)

_ROLLING = re.compile(r"([1-9]\d{0,4})([hd])")


@dataclass(frozen=True, kw_only=True)
class Window:
    """A window: one of a length that ends at the as-of, two instants, or a date, week or month of a store."""

    text: str  # as it is asked for
    length: int | None = None  # seconds, of a rolling one
    span: tuple[int, int] | None = None  # begin and end, seconds since 1970 UTC

    @property
    def name(self) -> str:
        """What its columns end in: `last_week`, `28d`, `previous_month`, `window`."""
        if self.span is not None:
            return "window"
        return f"last_{self.text}" if self.text in WINDOWS else self.text

    @property
    def unit(self) -> int:
        """The seconds of the unit in which CSV writes it (R7, R11)."""
        return 60 if self.text == "hour" else HOUR


def parse_windows(texts: Sequence[str]) -> tuple[Window, ...]:
    """Return the windows of a report, in their order.

    Raises:
        InputError: One is none, or there is one twice, or two spans, or none at all.
    """
    windows = tuple(parse_window(text) for text in texts)
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
        return Window(text=text, span=_span(text))
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


def window_edges(
    windows: Sequence[Window], zones: Sequence[str], as_of: int, *, compare: bool
) -> NDArray[np.int64]:
    """Return the first second of each window and the one after its last, then those of the windows before.

    Args:
        windows: What is asked for.
        zones: Of the stores.
        as_of: Seconds since 1970 UTC.
        compare: Whether the windows before are asked for.

    Returns:
        [2 · windows, stores], or twice as many; one column where they are the same for all stores.
    """
    if len(zones) and any(window.text in CALENDAR for window in windows):
        names, of_store = np.unique(zones, return_inverse=True)
    else:
        names, of_store = np.array(["UTC"]), np.zeros(1, dtype=np.intp)
    by_zone = [
        [
            *_pairs(windows, name, as_of, before=False),
            *(_pairs(windows, name, as_of, before=True) if compare else ()),
        ]
        for name in names.tolist()
    ]
    return np.array(by_zone, dtype=np.int64).reshape(len(names), -1).T.take(of_store, axis=1)


def _pairs(windows: Sequence[Window], zone: str, as_of: int, *, before: bool) -> list[tuple[int, int]]:
    return [_edges(window, zone, as_of, before=before) for window in windows]


def _edges(window: Window, zone: str, as_of: int, *, before: bool) -> tuple[int, int]:
    if window.text in CALENDAR:
        return _calendar_edges(window.text, zone, as_of, before=before)
    begin, end = window.span or (as_of - (window.length or 0), as_of)
    return (2 * begin - end, begin) if before else (begin, end)


@lru_cache(maxsize=10_000)
def _calendar_edges(name: str, zone: str, as_of: int, *, before: bool) -> tuple[int, int]:
    today = max(day for day in range(as_of // DAY - 2, as_of // DAY + 3) if first_second(zone, day) <= as_of)
    earlier, first, after = (first_second(zone, day) for day in _dates(name, today))
    if not before:
        return first, min(after, as_of)
    passed = as_of - first if after > as_of else first - earlier
    return earlier, min(earlier + passed, first)


def first_second(zone: str, day: int) -> int:
    """Return the first second at which the wall clock shows a date (days since 1970) or a later one (R11)."""
    midnight = day * DAY
    return next(
        max(low, midnight - offset)
        for low, high, offset in offset_spans(zone, midnight - 2 * DAY, midnight + 2 * DAY)
        if midnight - offset < high
    )


def _dates(name: str, today: int) -> tuple[int, int, int]:
    """Return the first dates of the period before a calendar window, of its own, and of the one after."""
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
