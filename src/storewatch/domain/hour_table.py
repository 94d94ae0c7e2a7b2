"""When schedules are open in each UTC hour of a reach, in tables that answer in two looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from storewatch.domain.instant import HOUR
from storewatch.domain.schedule import Schedules, Stretches, open_stretches

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class HourTable:
    """When each schedule is open in each UTC hour of a reach: one row a schedule, flat.

    Column 0 stands for all the time before the reach and the last one for all after it; both are closed.
    Column j is the hour `first_hour + j - 1`.
    """

    first_hour: int  # hours since 1970 UTC
    hours: int
    stretches: Stretches
    opens: NDArray[np.uint16]  # first open second of the hour
    lasts: NDArray[np.uint16]  # open seconds from there on; in split hours the whole hour
    split: (
        NDArray[np.bool_] | None
    )  # hours of two stretches or more, which the two above cannot tell; None: no such hour
    seconds: NDArray[np.uint16]  # open seconds of the hour
    before: NDArray[np.int64]  # open seconds of the reach before the hour

    @property
    def columns(self) -> int:
        """The length of a row."""
        return self.hours + 2

    @property
    def begin(self) -> int:
        """Where column 0 would begin if it were an hour too, seconds since 1970 UTC."""
        return (self.first_hour - 1) * HOUR

    def open_before(self, schedule: NDArray[np.integer], at: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many seconds of the reach schedules are open before instants.

        Args:
            schedule: [any]
            at: The same or [1]; seconds since 1970 UTC, of the reach or of its neighbouring columns.
        """
        column, second = np.divmod(at - self.begin, HOUR)
        cell = schedule * np.int64(self.columns) + column
        seconds = self.before.take(cell)
        within = np.flatnonzero(np.broadcast_to(second, cell.shape))
        if not len(within):
            return seconds
        schedule, cell = schedule.take(within), cell.take(within)
        at, second = (np.broadcast_to(value, seconds.shape).take(within) for value in (at, second))
        inside = np.clip(second - self.opens.take(cell), 0, self.lasts.take(cell))
        seconds[within] += inside
        if self.split is not None:
            split = np.flatnonzero(self.split.take(cell))
            seconds[within.take(split)] = self.stretches.open_before(schedule.take(split), at.take(split))
        return seconds


def hour_table(schedules: Schedules, *, first_hour: int, hours: int) -> HourTable:
    """Cut the schedules' open stretches at the UTC hours of a reach."""
    since, until = first_hour * HOUR, (first_hour + hours) * HOUR
    stretches = open_stretches(schedules, since=since, until=until)
    columns = hours + 2
    row = stretches.schedule * columns + 1
    begin, end = stretches.begin - since, stretches.end - since
    opens, closes = row + begin // HOUR, row + end // HOUR
    size = len(schedules.zone) * columns
    whole = np.cumsum(np.bincount(opens, minlength=size) - np.bincount(closes, minlength=size))
    late, early = begin % HOUR, end % HOUR
    seconds = whole * HOUR + sum_at(closes, early, size) - sum_at(opens, late, size)
    first = np.zeros(size, dtype=np.uint16)
    first[opens] = late
    before = np.cumsum(seconds.reshape(-1, columns), axis=1).ravel() - seconds
    pieces = whole + np.bincount(closes.compress(early > 0), minlength=size)
    split = pieces > 1
    return HourTable(
        first_hour=first_hour,
        hours=hours,
        stretches=stretches,
        opens=np.where(split, 0, first).astype(np.uint16),
        lasts=np.where(split, HOUR, seconds).astype(np.uint16),
        split=split if split.any() else None,
        seconds=seconds.astype(np.uint16),
        before=before,
    )


def sum_at(index: NDArray[np.int64], value: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Return the sum of the values at each index; sums are exact below 2^53."""
    return np.bincount(index, weights=value, minlength=size).astype(np.int64)
