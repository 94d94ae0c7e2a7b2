"""When windows begin and end, each on the wall clock of its store (R11)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from storewatch.domain.instant import DAY
from storewatch.domain.window import CALENDAR, calendar_dates
from storewatch.domain.zone import offset_spans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from storewatch.domain.window import Window


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
    earlier, first, after = (first_second(zone, day) for day in calendar_dates(name, today))
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
