"""Shifts by the date: hours that are valid for a time, and dates that differ (R8).

Few stores have any. The dates that a reach of time touches are laid out for them one by one; all others keep
to a week that repeats itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from storewatch.domain.instant import DAY

if TYPE_CHECKING:
    from numpy.typing import NDArray

EVERY_DAY = np.array([[day, 0, DAY, -(1 << 40), 1 << 40] for day in range(7)])  # of a store without rows

_LAST_MINUTE = DAY - 60  # 23:59:00
_THURSDAY = 3  # 1970-01-01
_DATE_BITS = 20  # hold the days since 1970 of all instants
_SECOND_BITS = 36  # hold their seconds


@dataclass(frozen=True, kw_only=True)
class Dated:
    """Hours rows and exceptions, each of an owner: a store, or the schedule of many."""

    owner: NDArray[np.int64]  # [rows]
    rows: NDArray[np.int64]  # [rows, 5]: day (0 = Monday), start, end, valid from and to in days since 1970
    exception_owner: NDArray[np.int64]  # [exceptions]
    exceptions: NDArray[np.int64]  # [exceptions, 3]: date in days since 1970, start, end; -1: closed

    def owners(self) -> NDArray[np.int64]:
        """Return all owners, in order, each once."""
        return np.unique(np.concatenate((self.owner, self.exception_owner)))

    def texts(self, owners: NDArray[np.int64]) -> list[bytes]:
        """Return what tells the rows and exceptions of owners apart; it is the same for the same ones."""
        found = []
        for rows, owner in ((self.rows, self.owner), (self.exceptions, self.exception_owner)):
            order = np.lexsort((*rows.T, owner))
            data, size = rows[order].tobytes(), rows.shape[1] * rows.itemsize
            low, high = (
                np.searchsorted(owner[order], owners, side=side) * size for side in ("left", "right")
            )
            found.append([data[begin:end] for begin, end in zip(low.tolist(), high.tolist(), strict=True)])
        return [rows + b"/" + exceptions for rows, exceptions in zip(*found, strict=True)]

    def owned_by(self, number: NDArray[np.int64]) -> Dated:
        """Return what belongs to owners that have a number (not below 0), by their place, under these."""
        rows, exceptions = number.take(self.owner), number.take(self.exception_owner)
        return Dated(
            owner=rows[rows >= 0],
            rows=self.rows[rows >= 0],
            exception_owner=exceptions[exceptions >= 0],
            exceptions=self.exceptions[exceptions >= 0],
        )


@dataclass(frozen=True, kw_only=True)
class LocalStretches:
    """When owners are open on their wall clocks, in order of owner and time, disjoint and not touching."""

    owner: NDArray[np.int64]
    begin: NDArray[np.int64]  # seconds since 1970 on the wall clock
    end: NDArray[np.int64]


def local_stretches(dated: Dated, *, since: int, until: int) -> LocalStretches:
    """Lay out the shifts that start on the dates since ≤ date < until (days since 1970)."""
    owner, date, start, end = _weekly_shifts(dated, since, until)
    differs = np.unique(_on_date(dated.exception_owner, dated.exceptions[:, 0]))
    as_ever = np.isin(_on_date(owner, date), differs, invert=True)
    special = (
        (dated.exceptions[:, 1] >= 0) & (dated.exceptions[:, 0] >= since) & (dated.exceptions[:, 0] < until)
    )
    other_date, other_start, other_end = dated.exceptions[special].T
    owner = np.concatenate((owner[as_ever], dated.exception_owner[special]))
    midnight = np.concatenate((date[as_ever], other_date)) * DAY
    start = np.concatenate((start[as_ever], other_start))
    end = closing(np.concatenate((end[as_ever], other_end)))
    end = np.where(end < start, end + DAY, end)
    return _merged(owner, midnight + start, midnight + end, origin=since * DAY)


def closing(end: NDArray[np.integer] | int) -> NDArray[np.int64]:
    """Return ends of hours rows, seconds of the day, as R2 reads them: from 23:59:00 on it is 24:00."""
    return np.where(np.asarray(end) >= _LAST_MINUTE, np.int64(DAY), end)


def _weekly_shifts(dated: Dated, since: int, until: int) -> tuple[NDArray[np.int64], ...]:
    """Return owner, date, start and end of each shift that a row makes on since ≤ date < until."""
    day, start, end, valid_from, valid_to = dated.rows.T
    first = np.maximum(valid_from, since)
    first += (day - _THURSDAY - first) % 7
    count = np.maximum((np.minimum(valid_to, until - 1) - first) // 7 + 1, 0)
    row = np.repeat(np.arange(len(count)), count)
    week = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    return dated.owner.take(row), first.take(row) + 7 * week, start.take(row), end.take(row)


def _on_date(owner: NDArray[np.int64], date: NDArray[np.int64]) -> NDArray[np.int64]:
    return (owner << _DATE_BITS) + date


def _merged(
    owner: NDArray[np.int64], begin: NDArray[np.int64], end: NDArray[np.int64], *, origin: int
) -> LocalStretches:
    """Join the stretches of an owner that overlap or touch, none before `origin`; those of no length go."""
    real = np.flatnonzero(begin < end)
    base = (owner.take(real) << _SECOND_BITS) - origin
    opens, closes = base + begin.take(real), base + end.take(real)
    order = np.argsort(opens)
    opens, closes = opens.take(order), np.maximum.accumulate(closes.take(order))
    starts = np.concatenate(([True], opens[1:] > closes[:-1]))[: len(opens)]
    opens, closes = opens[starts], closes[np.append(starts[1:], True)[: len(opens)]]
    mask = (1 << _SECOND_BITS) - 1
    return LocalStretches(
        owner=opens >> _SECOND_BITS, begin=(opens & mask) + origin, end=(closes & mask) + origin
    )
