"""The rules for all stores at once: arrays in, arrays out (R3–R6).

    schedules ─► open stretches in UTC ─► an hour table a schedule ─┐
    polls ─► keys of the polls that count, in order ────────────────┴─► status stretches ─► windows add up

Nearly all polls sit in plain stretches of one status. So the polls are put in order by one sort of 64-bit
keys, stretches begin only where a status changes, and only those few look up open seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from storewatch.domain.instant import HOUR, MICROSECONDS, first_hour
from storewatch.domain.schedule import Schedules, Stretches, open_stretches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

HOUR_US = HOUR * MICROSECONDS

_BLOCK = 1 << 15  # polls a step: the step's arrays stay in the cache of one core
_IN_HOUR = 33  # low bits of a key: 32 for the microsecond of the hour, 1 for the status
_LONGEST_STEP_BACK = 28 * 24  # hours


@dataclass(frozen=True, kw_only=True)
class Polls:
    """Polls in any order, doubles allowed."""

    store: NDArray[np.integer]  # dense number, 0 ≤ store < stores
    at: NDArray[np.int64]  # microseconds since 1970 UTC
    active: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.at)

    def take(self, chosen: NDArray[np.integer]) -> Polls:
        """Return the chosen polls."""
        return Polls(store=self.store.take(chosen), at=self.at.take(chosen), active=self.active.take(chosen))


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
    before: NDArray[np.int64]  # open seconds of the reach before the hour

    @property
    def columns(self) -> int:
        """The length of a row."""
        return self.hours + 2


@dataclass(frozen=True, kw_only=True)
class StatusStretches:
    """Known status over whole hours, disjoint for each store, in no order; all other time is unknown."""

    store: NDArray[np.int64]
    begin: NDArray[np.int64]  # column of the hour table
    end: NDArray[np.int64]  # the same, exclusive
    up: NDArray[np.bool_]


def tally(
    polls: Polls, schedules: Schedules, *, as_of: int, carry: int | None, windows: Sequence[int]
) -> NDArray[np.int64]:
    """Return the seconds up, down and open of every store in every window.

    Args:
        polls: All that may matter; earlier and later ones do no harm.
        schedules: Of all stores.
        as_of: The end of all windows, seconds since 1970 UTC.
        carry: How long a poll carries, seconds; None: for ever (R5).
        windows: Lengths in seconds, at most a week.

    Returns:
        [stores, windows, 3]: up, down, open. What is open and neither up nor down is unknown.
    """
    if carry is not None and carry >= as_of:  # longer than all time since 1970, and perhaps than int64 holds
        carry = None
    stores = len(schedules.of_store)
    begin, end = first_hour(as_of), (as_of - 1) // HOUR + 1
    table = hour_table(schedules, first_hour=begin, hours=end - begin)
    polls = _until(polls, as_of)
    earlier = latest_before(polls, schedules, hour=begin, carry=carry)
    bits = table.columns.bit_length()
    keys = np.concatenate(
        (counted_keys(polls, schedules, table, bits), earlier.store << bits + _IN_HOUR | earlier.active)
    )
    keys.sort()
    expiry = _Expiry(carry=carry, hour=begin - 1, columns=table.columns - 1)
    known = status_stretches(without_doubles(keys), bits=bits, expiry=expiry, earlier=earlier, stores=stores)
    return add_up(known, schedules, table, as_of=as_of, windows=windows)


def _until(polls: Polls, as_of: int) -> Polls:
    """Drop the polls after the as-of (R3)."""
    last = as_of * MICROSECONDS
    if not len(polls) or int(polls.at.max()) <= last:
        return polls
    return polls.take(np.flatnonzero(polls.at <= last))


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
    seconds = whole * HOUR + _sum_at(closes, early, size) - _sum_at(opens, late, size)
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
        before=before,
    )


def _sum_at(index: NDArray[np.int64], value: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    return np.bincount(index, weights=value, minlength=size).astype(np.int64)


def counted_keys(polls: Polls, schedules: Schedules, table: HourTable, bits: int) -> NDArray[np.int64]:
    """Return a key for each poll of the reach that lies in its store's open hours (R3), in no order.

    A key is (store, column of the hour, microsecond of the hour, active) from the highest bit to the lowest;
    the column takes `bits`. Of two polls of one instant the inactive one is lower.
    """
    if not len(polls):
        return np.empty(0, dtype=np.int64)
    found = [
        _keys_of_block(polls, slice(low, low + _BLOCK), schedules.of_store, table, bits)
        for low in range(0, len(polls), _BLOCK)
    ]
    return np.concatenate(found)


def _keys_of_block(
    polls: Polls, block: slice, of_store: NDArray[np.int32], table: HourTable, bits: int
) -> NDArray[np.int64]:
    at, store = polls.at[block], polls.store[block].astype(np.int64)
    hour = at // HOUR_US
    microsecond = at - hour * HOUR_US
    hour -= table.first_hour - 1
    # Unsigned, hours before the reach are huge: one comparison puts them into the closed last column too.
    column = np.minimum(hour.view(np.uint64), table.columns - 1).view(np.int64)
    cell = of_store.take(store) * np.int64(table.columns) + column
    second = (microsecond // MICROSECONDS).astype(np.uint16)
    # Unsigned, seconds before the opening wrap to large ones.
    counts = second - table.opens.take(cell) < table.lasts.take(cell)
    if table.split is not None:
        doubtful = np.flatnonzero(counts & table.split.take(cell))
        counts[doubtful] = _is_open(table.stretches, of_store.take(store.take(doubtful)), at.take(doubtful))
    key = (store << bits | column) << _IN_HOUR | microsecond << 1 | polls.active[block]
    return key.compress(counts)


def _is_open(stretches: Stretches, schedule: NDArray[np.int32], at: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Look instants (microseconds) up in the stretches themselves."""
    shift = (stretches.until - stretches.since).bit_length()
    wanted = (schedule.astype(np.int64) << shift) + at // MICROSECONDS - stretches.since
    owner = stretches.schedule << shift
    found = np.searchsorted(owner + stretches.begin - stretches.since, wanted, side="right") - 1
    inside: NDArray[np.bool_] = (found >= 0) & (
        wanted < (owner + stretches.end - stretches.since).take(found)
    )
    return inside


def without_doubles(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Keep the first of sorted keys that differ in the status only: the inactive one (R1)."""
    distinct = np.concatenate(([True], (keys[1:] ^ keys[:-1]) > 1))
    return keys if distinct.all() else keys.compress(distinct[: len(keys)])


def latest_before(polls: Polls, schedules: Schedules, *, hour: int, carry: int | None) -> Polls:
    """Return the latest counted poll of each store before a UTC hour, if it still carries into it (R5).

    Steps back in growing reaches and drops the stores already found, so a long past costs next to nothing.

    Args:
        polls: Any.
        schedules: Of all stores.
        hour: Hours since 1970 UTC.
        carry: Seconds; None: for ever.

    Returns:
        At most one poll a store, in order of store.
    """
    end = hour * HOUR_US
    begin = 0 if carry is None else max(0, end - carry * MICROSECONDS)
    left = polls.take(
        np.flatnonzero((polls.at < end) & (polls.at >= begin)) if len(polls) else np.empty(0, dtype=np.int64)
    )
    found: list[Polls] = []
    step = 24
    while len(left):
        until = int(left.at.max()) // HOUR_US + 1
        last = _latest_counted(left, schedules, first=max(until - step, 0), hours=min(step, until))
        found.append(last)
        has = np.zeros(len(schedules.of_store), dtype=bool)
        has[last.store] = True
        left = left.take(np.flatnonzero((left.at < (until - step) * HOUR_US) & ~has.take(left.store)))
        step = min(2 * step, _LONGEST_STEP_BACK)
    return _in_store_order(found)


def _latest_counted(polls: Polls, schedules: Schedules, *, first: int, hours: int) -> Polls:
    """Return each store's latest counted poll within a reach of hours."""
    table = hour_table(schedules, first_hour=first, hours=hours)
    bits = table.columns.bit_length()
    keys = counted_keys(polls, schedules, table, bits)
    keys.sort()
    keys = without_doubles(keys)
    store = keys >> bits + _IN_HOUR
    keys = keys.compress(np.concatenate((store[1:] != store[:-1], [True]))[: len(keys)])
    column = keys >> _IN_HOUR & (1 << bits) - 1
    return Polls(
        store=keys >> bits + _IN_HOUR,
        at=(column + first - 1) * HOUR_US + _microsecond(keys),
        active=(keys & 1).astype(bool),
    )


def _microsecond(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    return keys >> 1 & (1 << _IN_HOUR - 1) - 1


def _in_store_order(parts: list[Polls]) -> Polls:
    empty = np.empty(0, dtype=np.int64)
    store = np.concatenate([empty, *(part.store for part in parts)])
    at = np.concatenate([empty, *(part.at for part in parts)])
    active = np.concatenate([empty.astype(bool), *(part.active for part in parts)])
    return Polls(store=store, at=at, active=active).take(np.argsort(store))


@dataclass(frozen=True, kw_only=True)
class _Expiry:
    """Up to which column of the hour table a poll carries (R5)."""

    carry: int | None  # seconds
    hour: int  # of column 0
    columns: int  # no column from here on

    @property
    def hours(self) -> int:
        """A gap of up to so many hours is bridged, whatever the minute of the poll."""
        return self.columns if self.carry is None else self.carry // HOUR

    def column(self, at: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the first column that a poll of that instant (microseconds) does not reach."""
        if self.carry is None:
            return np.full(len(at), self.columns)
        hour = (at + self.carry * MICROSECONDS) // HOUR_US + 1
        return np.minimum(hour - self.hour, self.columns)


def status_stretches(
    keys: NDArray[np.int64], *, bits: int, expiry: _Expiry, earlier: Polls, stores: int
) -> StatusStretches:
    """Turn counted polls into stretches of known status (R4, R5).

    Args:
        keys: Sorted, without doubles; a store's poll of `earlier` sits in column 0.
        bits: Of a key's column.
        expiry: Of the carry.
        earlier: At most one poll a store, in order of store.
        stores: How many there are.
    """
    cell = keys >> _IN_HOUR
    final = np.flatnonzero(
        np.concatenate((cell[1:] != cell[:-1], [True]))[: len(cell)]
    )  # each hour's latest poll
    cell = cell.take(final)
    latest = (keys.take(final) & 1).astype(bool)
    majority = _majority(keys, final, latest)
    column = cell & (1 << bits) - 1
    changes = _changes(cell, column, latest, majority, bits=bits, expiry=expiry)
    begin = np.flatnonzero(changes)
    end = np.concatenate((begin[1:], [len(cell)]))[: len(begin)] - 1  # a stretch's last hour with polls
    store = cell.take(end) >> bits
    own = column.take(end)
    at = (own + expiry.hour) * HOUR_US + _microsecond(keys.take(final.take(end)))
    from_earlier = np.flatnonzero(own == 0)
    at[from_earlier] = earlier.at.take(np.searchsorted(earlier.store, store.take(from_earlier)))
    following = np.concatenate((cell, [stores << bits])).take(end + 1)
    carried = np.where(following >> bits == store, following & (1 << bits) - 1, expiry.columns)
    carried = np.minimum(carried, expiry.column(at))
    up, after = majority.take(begin), latest.take(end)
    turned = np.flatnonzero(majority.take(end) != after)  # the hour's majority holds for that hour only
    closes = carried.copy()
    closes[turned] = own[turned] + 1
    return StatusStretches(
        store=np.concatenate((store, store[turned])),
        begin=np.concatenate((column.take(begin), closes[turned])),
        end=np.concatenate((closes, carried[turned])),
        up=np.concatenate((up, after[turned])),
    )


def _majority(
    keys: NDArray[np.int64], final: NDArray[np.intp], latest: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return each hour's status: the majority of its polls, on a tie that of the latest (R4)."""
    polls = np.diff(final, prepend=-1)
    several = np.flatnonzero(polls > 1)
    majority = latest.copy()
    if not len(several):
        return majority
    many = polls.take(several)
    edges = np.cumsum(many) - many
    index = np.arange(int(many.sum())) + np.repeat(final.take(several) + 1 - many - edges, many)
    active = 2 * np.add.reduceat(keys.take(index) & 1, edges)
    majority[several] = np.where(active == many, latest.take(several), active > many)
    return majority


def _changes(
    cell: NDArray[np.int64],
    column: NDArray[np.int64],
    latest: NDArray[np.bool_],
    majority: NDArray[np.bool_],
    *,
    bits: int,
    expiry: _Expiry,
) -> NDArray[np.bool_]:
    """Tell the hours in which a new stretch of status begins. One too many does no harm, they abut."""
    changes = np.ones(len(cell), dtype=bool)
    if len(cell) > 1:
        gap = cell[1:] - cell[:-1]
        inner = changes[1:]
        np.greater(gap, expiry.hours, out=inner)
        inner |= (cell[1:] ^ cell[:-1]) >> bits != 0  # another store
        inner |= majority[1:] != latest[:-1]
        inner |= majority[:-1] != latest[:-1]
        inner |= column[:-1] == 0  # how long ago that poll was, its column cannot tell
    return changes


def add_up(
    known: StatusStretches, schedules: Schedules, table: HourTable, *, as_of: int, windows: Sequence[int]
) -> NDArray[np.int64]:
    """Cut status stretches to the windows and add up their open seconds (R6).

    Returns:
        [stores, windows, 3]: up, down, open.
    """
    stores = len(schedules.of_store)
    schedule = schedules.of_store.take(known.store).astype(np.int64)
    whole = table.stretches.open_before(as_of)
    ends = whole.take(schedule)
    low = np.minimum(table.before.take(schedule * table.columns + known.begin), ends)
    high = np.minimum(table.before.take(schedule * table.columns + known.end), ends)
    up, down = np.flatnonzero(known.up), np.flatnonzero(~known.up)
    result = np.empty((stores, len(windows), 3), dtype=np.int64)
    for number, length in enumerate(windows):
        outside = table.stretches.open_before(as_of - length)
        cut = outside.take(schedule)
        seconds = np.maximum(high, cut) - np.maximum(low, cut)
        for place, chosen in enumerate((up, down)):
            result[:, number, place] = _sum_at(known.store.take(chosen), seconds.take(chosen), stores)
        result[:, number, 2] = (whole - outside).take(schedules.of_store)
    return result
