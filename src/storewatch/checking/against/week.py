"""When stores are open, by any of the rules: arrays in, arrays out, seconds since 1970 UTC."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from storewatch.domain.instant import DAY, MICROSECONDS, WEEK
from storewatch.domain.schedule import closing
from storewatch.domain.zone import offset_spans, utc_offset

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from storewatch.checking.against.rules import Rules

    Ints = NDArray[np.int64]

_MONDAY = 4 * DAY  # 1970-01-05, the first Monday of UTC
_LONG_AGO = -4_000_000_000  # 1843: no place had a standard time yet


class Rows(NamedTuple):
    """Stretches of days, of the week or of time; the three arrays are of one length."""

    store: Ints
    begin: Ints
    end: Ints


@dataclass(frozen=True, kw_only=True)
class Hours:
    """Hours rows as given, in the order of the file: dense store numbers, day, start and end (seconds)."""

    store: Ints
    day: Ints
    start: Ints
    end: Ints

    def take(self, chosen: NDArray[np.integer]) -> Hours:
        """Return the chosen rows."""
        return Hours(
            store=self.store[chosen], day=self.day[chosen], start=self.start[chosen], end=self.end[chosen]
        )


def weekly_rows(hours: Hours, rules: Rules, *, stores: int) -> Rows:
    """Return when each store is open in the local week, in seconds since Monday 00:00; rows may overlap."""
    hours = _rows_that_win(hours, rules)
    day = (hours.day + 6) % 7 if rules.first_day == "sunday" else hours.day
    parts = [_pieces(hours.store, day * DAY, hours.start, hours.end, rules)]
    has_rows = np.zeros(stores, dtype=bool)
    has_rows[hours.store] = True
    if rules.missing_hours == "open":
        always = np.flatnonzero(~has_rows)
        parts.append(Rows(always, np.zeros_like(always), np.full_like(always, WEEK)))
    if rules.missing_day == "open":
        has_day = np.zeros((stores, 7), dtype=bool)
        has_day[hours.store, day] = True
        store, missing = np.nonzero(~has_day & has_rows[:, None])
        parts.append(Rows(store, missing * DAY, (missing + 1) * DAY))
    return _joined(parts)


def _rows_that_win(hours: Hours, rules: Rules) -> Hours:
    if rules.rows == "all":
        return hours
    key = hours.store * 7 + hours.day
    if rules.rows == "first":
        return hours.take(np.unique(key, return_index=True)[1])
    return hours.take(len(key) - 1 - np.unique(key[::-1], return_index=True)[1])


def _pieces(store: Ints, midnight: Ints, start: Ints, end: Ints, rules: Rules) -> Rows:
    """Cut rows at midnight."""
    if rules.late_end == "midnight":
        end = closing(end)
    if rules.empty_row == "open":
        empty = start == end
        start, end = np.where(empty, 0, start), np.where(empty, DAY, end)
    night = end < start
    taken = start != end if rules.night != "dropped" else start < end
    evening = Rows(store[taken], (midnight + start)[taken], (midnight + np.where(night, DAY, end))[taken])
    tail = night & (end > 0) & (rules.night == "next day")
    morning = (midnight[tail] + DAY) % WEEK
    return _joined([evening, Rows(store[tail], morning, morning + end[tail])])


def _joined(parts: Sequence[Rows]) -> Rows:
    return Rows(*(np.concatenate(column).astype(np.int64) for column in zip(*parts, strict=True)))


# ---------------------------------------------------------------- the wall clock


def clock_spans(
    zone: str, rules: Rules, *, since: int, until: int, as_of: int
) -> Sequence[tuple[int, int, int]]:
    """Return (begin, end, offset) of the spans in which the store's wall clock is ahead by one amount."""
    if rules.clock == "zone":
        return offset_spans(zone, since, until)
    return [(since, until, _fixed_offset(zone, rules.clock, as_of))]


@cache
def _fixed_offset(zone: str, clock: str, as_of: int) -> int:
    if clock == "utc":
        return 0
    if clock == "mean":  # to the minute, as the programs that do so have it
        return round(utc_offset(zone, _LONG_AGO) / 60) * 60
    if clock == "as-of":
        return utc_offset(zone, as_of)
    return min(utc_offset(zone, as_of - month * 30 * DAY) for month in range(12))


def laid_out(week: Rows, zones: Sequence[str], rules: Rules, *, since: int, until: int, as_of: int) -> Rows:
    """Lay the weekly rows of all stores out over [since, until)."""
    names, number = np.unique(zones, return_inverse=True)
    of_row = number[week.store]
    parts = [Rows(*(np.empty(0, dtype=np.int64),) * 3)]
    for place, name in enumerate(names.tolist()):
        mine = np.flatnonzero(of_row == place)
        store, begin, end = (column[mine] for column in week)
        for low, high, offset in clock_spans(name, rules, since=since, until=until, as_of=as_of):
            first = (low + offset - _MONDAY) // WEEK * WEEK + _MONDAY
            for monday in range(first, high + offset, WEEK):
                opens = np.maximum(begin + (monday - offset), low)
                closes = np.minimum(end + (monday - offset), high)
                real = opens < closes
                parts.append(Rows(store[real], opens[real], closes[real]))
    return _joined(parts)


# ---------------------------------------------------------------- open time


class OpenTime:
    """Open time of all stores, to be looked up at any instants. Rows that still overlap count twice."""

    def __init__(self, rows: Rows, *, since: int, until: int, stores: int, once: bool) -> None:
        self.stores = stores
        self._since = since
        self._bits = (until - since + 1).bit_length()
        begin = rows.store << self._bits | (rows.begin - since)
        end = rows.store << self._bits | (rows.end - since)
        if once:
            begin, end = self._merged(begin, end)
        self._sides = tuple(self._side(np.sort(keys), stores) for keys in (begin, end))

    @staticmethod
    def _merged(begin: Ints, end: Ints) -> tuple[Ints, Ints]:
        order = np.argsort(begin)
        begin, end = begin[order], np.maximum.accumulate(end[order])
        opens = np.concatenate(([True], begin[1:] > end[:-1]))[: len(begin)]
        closes = np.concatenate((opens[1:], [True]))[: len(begin)]
        return begin[opens], end[closes]

    def _side(self, keys: Ints, stores: int) -> tuple[Ints, Ints, Ints]:
        """Return sorted edges, the place of each store's first, and the running sum of their microseconds."""
        first = np.searchsorted(keys, np.arange(stores) << self._bits)
        seconds = keys & ((1 << self._bits) - 1)
        return keys, first, np.concatenate(([0], np.cumsum(seconds * MICROSECONDS)))

    def before(self, store: Ints, at: Ints) -> Ints:
        """Return the open microseconds of each store before an instant (microseconds), from `since` on."""
        at = np.maximum(at - self._since * MICROSECONDS, 0)
        (opened, sum_opened), (closed, sum_closed) = (self._passed(side, store, at) for side in self._sides)
        return (opened - closed) * at - (sum_opened - sum_closed)

    def is_open(self, store: Ints, at: Ints) -> NDArray[np.bool_]:
        """Tell whether each store is open at an instant (microseconds)."""
        at = np.maximum(at - self._since * MICROSECONDS, 0)
        (opened, _), (closed, _) = (self._passed(side, store, at) for side in self._sides)
        return opened > closed

    def _passed(self, side: tuple[Ints, Ints, Ints], store: Ints, at: Ints) -> tuple[Ints, Ints]:
        """Return how many edges each store has up to an instant, and their sum."""
        keys, first, sums = side
        place = np.searchsorted(keys, (store << self._bits) + at // MICROSECONDS, side="right")
        begins = first[store]
        return place - begins, sums[place] - sums[begins]
