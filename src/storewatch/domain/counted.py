"""Which polls count, as keys in order: arrays in, arrays out (R1, R3).

A key is a poll's store, hour, microsecond and status in 64 bits, so one sort puts all of them in order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from storewatch.domain.hour_table import HourTable, hour_table
from storewatch.domain.instant import HOUR, MICROSECONDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from storewatch.domain.schedule import Schedules

HOUR_US = HOUR * MICROSECONDS

BLOCK = 1 << 15  # polls a step: the step's arrays stay in the cache of one core
IN_HOUR = 33  # the low bits of a key: 32 for the microsecond of the hour, 1 for the status
_KEY = 63  # bits that a key has
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
class Counted:
    """The polls that count, and what else decides how long each does."""

    keys: NDArray[np.int64]  # sorted, without doubles; a store's poll of `earlier` sits in column 0
    earlier: Polls  # at most one a store, in order of store
    bits: int  # of a key's column
    table: HourTable
    carry: int  # seconds

    @property
    def column_bits(self) -> int:
        """Those of a cell, which is a store and a column."""
        return (1 << self.bits) - 1


def counted_polls(
    polls: Polls, schedules: Schedules, table: HourTable, *, as_of: int, carry: int | None
) -> Counted:
    """Find the polls that count over the table's reach; else as `tally`."""
    carry = as_of if carry is None else min(carry, as_of)  # so long are all of the polls' times
    polls = _until(polls, as_of)
    earlier = latest_before(polls, schedules, hour=table.first_hour, carry=carry)
    bits = table.columns.bit_length()
    keys = np.concatenate(
        (counted_keys(polls, schedules, table, bits), earlier.store << bits + IN_HOUR | earlier.active)
    )
    keys.sort()
    return Counted(keys=without_doubles(keys), earlier=earlier, bits=bits, table=table, carry=carry)


def counted_until(counted: Counted, as_of: int) -> Counted:
    """Return the polls that count as of an earlier instant of the reach (seconds since 1970 UTC)."""
    column = counted.keys >> IN_HOUR & counted.column_bits
    since_begin = column * HOUR_US + microsecond(counted.keys)
    last = (as_of - counted.table.begin) * MICROSECONDS
    return replace(counted, keys=counted.keys.compress(since_begin <= last))


def stores_at_once(hours: int) -> int:
    """Return for how many stores a key has room, with a reach of so many hours or the longest step back."""
    return 1 << _KEY - IN_HOUR - (max(hours, _LONGEST_STEP_BACK) + 2).bit_length()


def of_stores(polls: Polls, part: slice) -> Polls:
    """Return the polls of a range of stores, which are numbered from 0 then."""
    mine = polls.take(np.flatnonzero((polls.store >= part.start) & (polls.store < part.stop)))
    return replace(mine, store=mine.store - part.start)


def _until(polls: Polls, as_of: int) -> Polls:
    """Drop the polls after the as-of (R3)."""
    last = as_of * MICROSECONDS
    if not len(polls) or int(polls.at.max()) <= last:
        return polls
    return polls.take(np.flatnonzero(polls.at <= last))


def counted_keys(polls: Polls, schedules: Schedules, table: HourTable, bits: int) -> NDArray[np.int64]:
    """Return a key for each poll of the reach that lies in its store's open hours (R3), in no order.

    A key is (store, column of the hour, microsecond of the hour, active) from the highest bit to the lowest;
    the column takes `bits`. Of two polls of one instant the inactive one is lower.
    """
    if not len(polls):
        return np.empty(0, dtype=np.int64)
    found = [
        _keys_of_block(polls, slice(low, low + BLOCK), schedules.of_store, table, bits)
        for low in range(0, len(polls), BLOCK)
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
    second = (microsecond.astype(np.uint32) // MICROSECONDS).astype(np.uint16)
    # Unsigned, seconds before the opening wrap to large ones.
    counts = second - table.opens.take(cell) < table.lasts.take(cell)
    if table.split is not None:
        doubtful = np.flatnonzero(counts & table.split.take(cell))
        schedule, instant = of_store.take(store.take(doubtful)), at.take(doubtful) // MICROSECONDS
        before, after = (table.stretches.open_before(schedule, instant + late) for late in (0, 1))
        counts[doubtful] = before < after
    key = (store << bits | column) << IN_HOUR | microsecond << 1 | polls.active[block]
    return key.compress(counts)


def without_doubles(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Keep the first of sorted keys that differ in the status only: the inactive one (R1)."""
    distinct = np.concatenate(([True], (keys[1:] ^ keys[:-1]) > 1))
    return keys if distinct.all() else keys.compress(distinct[: len(keys)])


def latest_before(polls: Polls, schedules: Schedules, *, hour: int, carry: int) -> Polls:
    """Return the latest counted poll of each store before a UTC hour, if it still carries into it (R5).

    Steps back in growing reaches and drops the stores already found, so a long past costs next to nothing.

    Args:
        polls: Any.
        schedules: Of all stores; not more than `tally` takes at once.
        hour: Hours since 1970 UTC.
        carry: Seconds.

    Returns:
        At most one poll a store, in order of store.
    """
    end = hour * HOUR_US
    begin = max(0, end - carry * MICROSECONDS)
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
    store = keys >> bits + IN_HOUR
    keys = keys.compress(np.concatenate((store[1:] != store[:-1], [True]))[: len(keys)])
    column = keys >> IN_HOUR & (1 << bits) - 1
    return Polls(
        store=keys >> bits + IN_HOUR,
        at=(column + first - 1) * HOUR_US + microsecond(keys),
        active=(keys & 1).astype(bool),
    )


def microsecond(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the microsecond of the hour of each key."""
    return keys >> 1 & (1 << IN_HOUR - 1) - 1


def _in_store_order(parts: list[Polls]) -> Polls:
    empty = np.empty(0, dtype=np.int64)
    store = np.concatenate([empty, *(part.store for part in parts)])
    at = np.concatenate([empty, *(part.at for part in parts)])
    active = np.concatenate([empty.astype(bool), *(part.active for part in parts)])
    return Polls(store=store, at=at, active=active).take(np.argsort(store))
