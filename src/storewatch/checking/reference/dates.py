"""When a store is open, second by second: shifts of local dates, painted on the wall clock (R2, R8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from storewatch.checking.reference.opening import LAST_MINUTE, spans_of_day
from storewatch.checking.reference.times import DAY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from storewatch.checking.reference.stores import HoursRow, Store

_THURSDAY = 3  # 1970-01-01


class Opening:
    """The open seconds of a store, worked out a day at a time and remembered."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._shown: dict[int, NDArray[np.bool_]] = {}
        self._days: dict[int, NDArray[np.bool_]] = {}

    def between(self, begin: int, end: int) -> NDArray[np.bool_]:
        """Say of each second of [begin, end), since 1970 UTC, whether it is open."""
        first = begin // DAY
        days = [self._utc_day(day) for day in range(first, -(-end // DAY))]
        return np.concatenate([np.zeros(0, np.bool_), *days])[begin - first * DAY : end - first * DAY]

    def at(self, second: int) -> bool:
        """Say whether a second is open."""
        return bool(self._utc_day(second // DAY)[second % DAY])

    def _utc_day(self, day: int) -> NDArray[np.bool_]:
        """Read off the wall clock what each second of a UTC day shows."""
        if day not in self._days:
            spans = spans_of_day(self._store.zone, day)
            self._days[day] = np.concatenate(
                [self._of_clock(since + ahead, until + ahead) for since, until, ahead in spans]
            )
        return self._days[day]

    def _of_clock(self, begin: int, end: int) -> NDArray[np.bool_]:
        """Say of each second that a wall clock shows, running evenly from `begin` to `end`, if it is open."""
        first = begin // DAY
        dates = [self._date(date) for date in range(first, (end - 1) // DAY + 1)]
        return np.concatenate(dates)[begin - first * DAY : end - first * DAY]

    def _date(self, date: int) -> NDArray[np.bool_]:
        """Say of each second that the clock of a date shows whether it is open."""
        if date not in self._shown:
            clock = np.zeros(DAY, dtype=np.bool_)
            for _, end in shifts(self._store, date - 1):
                clock[: max(end - DAY, 0)] = True  # the tail belongs to the date on which it starts
            for start, end in shifts(self._store, date):
                clock[start:end] = True
            self._shown[date] = clock
        return self._shown[date]


def shifts(store: Store, date: int) -> list[tuple[int, int]]:
    """Return the shifts that start on a local date (R8).

    Args:
        store: With rows and exceptions.
        date: Days since 1970.

    Returns:
        (start, end) in seconds from the date's midnight; what is past 86,400 is on the next date.
    """
    exceptions = [exception for exception in store.exceptions if exception.date == date]
    if exceptions:
        return [
            _read(exception.start, exception.end)
            for exception in exceptions
            if exception.start is not None and exception.end is not None
        ]
    if not store.rows:
        return [(0, DAY)]
    return [_read(row.start, row.end) for row in store.rows if _is_of(row, date)]


def has_run_out(store: Store, today: int) -> bool:
    """Say whether a store has hours of which none makes a shift today or in the seven dates before (R8)."""
    dates = range(today - 7, today + 1)
    return bool(store.rows) and not any(_is_of(row, date) for row in store.rows for date in dates)


def _is_of(row: HoursRow, date: int) -> bool:
    """Say whether a row makes a shift on a date."""
    begun = row.valid_from is None or row.valid_from <= date
    ended = row.valid_to is not None and row.valid_to < date
    return row.day == (date + _THURSDAY) % 7 and begun and not ended


def _read(start: int, end: int) -> tuple[int, int]:
    """Read a row's times as R2 does."""
    end = DAY if end >= LAST_MINUTE else end
    return (start, end + DAY) if end < start else (start, end)
