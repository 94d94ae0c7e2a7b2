"""The rules for all stores at once: arrays in, arrays out (R3–R6, R15).

    schedules ─► open stretches in UTC ─► an hour table a schedule ─┐
    polls ─► keys of the polls that count, in order ────────────────┴─► status stretches ─► totals add up

Nearly all polls sit in plain stretches of one status. So the polls are put in order by one sort of 64-bit
keys, stretches begin only where a status changes, and only those few look up open seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from storewatch.domain.ask import Policy
from storewatch.domain.hour_table import HourTable, hour_table, sum_at
from storewatch.domain.instant import HOUR, MICROSECONDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from storewatch.domain.schedule import Schedules

HOUR_US = HOUR * MICROSECONDS

BLOCK = 1 << 15  # polls a step: the step's arrays stay in the cache of one core
_KEY = 63  # bits that a key has
_IN_HOUR = 33  # its low ones: 32 for the microsecond of the hour, 1 for the status
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
class StatusStretches:
    """Known status, disjoint for each store, in no order; all other time is unknown."""

    store: NDArray[np.int64]
    begin: NDArray[np.int64]  # seconds since 1970 UTC; looked up fastest on full hours
    end: NDArray[np.int64]  # the same, exclusive
    up: NDArray[np.bool_]


def tally(
    polls: Polls,
    schedules: Schedules,
    *,
    as_of: int,
    carry: int | None,
    policy: Policy,
    edges: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return the seconds up, down and open of every store before edges; windows are their differences.

    Args:
        polls: All that may matter; earlier and later ones do no harm.
        schedules: Of all stores.
        as_of: The instant of the last polls that count, seconds since 1970 UTC.
        carry: How long a poll carries, seconds; None: for ever (R5, R15).
        policy: How polls decide the status.
        edges: [edges, stores], or [edges, 1] where they are those of all stores: instants up to the as-of,
            seconds since 1970 UTC, in any order.

    Returns:
        [stores, edges, 3]: up, down, open, from one instant before all edges to each of them. What is open
        and neither up nor down is unknown.
    """
    begin, end = int(edges.min()) // HOUR, int(edges.max()) // HOUR + 1
    stores, at_once = len(schedules.of_store), stores_at_once(end - begin)
    if stores > at_once:
        parts = (slice(low, low + at_once) for low in range(0, stores, at_once))
        return np.concatenate(
            [
                tally(
                    of_stores(polls, part),
                    replace(schedules, of_store=schedules.of_store[part]),
                    as_of=as_of,
                    carry=carry,
                    policy=policy,
                    edges=edges[:, part] if edges.shape[1] == stores else edges,
                )
                for part in parts
            ]
        )
    table = hour_table(schedules, first_hour=begin, hours=end - begin)
    known = known_status(polls, schedules, table, as_of=as_of, carry=carry, policy=policy)
    return add_up(known, schedules, table, edges)


def known_status(
    polls: Polls, schedules: Schedules, table: HourTable, *, as_of: int, carry: int | None, policy: Policy
) -> StatusStretches:
    """Return the status that the polls within open hours give, over the table's reach; else as `tally`."""
    counted = counted_polls(polls, schedules, table, as_of=as_of, carry=carry)
    if policy is Policy.LAST_OBSERVATION:
        return last_observation(counted)
    return hourly_majority(counted, polled_hours(counted))


def counted_polls(
    polls: Polls, schedules: Schedules, table: HourTable, *, as_of: int, carry: int | None
) -> Counted:
    """Find the polls that count over the table's reach; else as `tally`."""
    carry = as_of if carry is None else min(carry, as_of)  # so long are all of the polls' times
    polls = _until(polls, as_of)
    earlier = latest_before(polls, schedules, hour=table.first_hour, carry=carry)
    bits = table.columns.bit_length()
    keys = np.concatenate(
        (counted_keys(polls, schedules, table, bits), earlier.store << bits + _IN_HOUR | earlier.active)
    )
    keys.sort()
    return Counted(keys=without_doubles(keys), earlier=earlier, bits=bits, table=table, carry=carry)


def stores_at_once(hours: int) -> int:
    """Return for how many stores a key has room, with a reach of so many hours or the longest step back."""
    return 1 << _KEY - _IN_HOUR - (max(hours, _LONGEST_STEP_BACK) + 2).bit_length()


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
    key = (store << bits | column) << _IN_HOUR | microsecond << 1 | polls.active[block]
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


@dataclass(frozen=True, kw_only=True)
class PolledHours:
    """The hours that have counted polls, in order; column 0 holds a store's earlier poll."""

    cell: NDArray[np.int64]  # store and column
    column: NDArray[np.int64]
    final: NDArray[np.intp]  # the place of the hour's latest poll
    latest: NDArray[np.bool_]  # whether that is active
    majority: NDArray[np.bool_]  # whether the hour is up (R4)

    def of(self, stores: NDArray[np.int64], bits: int) -> PolledHours:
        """Return those of some stores, in order; `bits` are those of a column."""
        begin, end = (np.searchsorted(self.cell, edge << bits) for edge in (stores, stores + 1))
        count = end - begin
        chosen = np.arange(int(count.sum())) + np.repeat(begin - (np.cumsum(count) - count), count)
        return PolledHours(
            cell=self.cell.take(chosen),
            column=self.column.take(chosen),
            final=self.final.take(chosen),
            latest=self.latest.take(chosen),
            majority=self.majority.take(chosen),
        )


def polled_hours(counted: Counted) -> PolledHours:
    """Find each hour's latest poll and its majority."""
    cell = counted.keys >> _IN_HOUR
    final = np.flatnonzero(np.concatenate((cell[1:] != cell[:-1], [True]))[: len(cell)])
    cell = cell.take(final)
    latest = (counted.keys.take(final) & 1).astype(bool)
    return PolledHours(
        cell=cell,
        column=cell & counted.column_bits,
        final=final,
        latest=latest,
        majority=_majority(counted.keys, final, latest),
    )


def measured_hours(counted: Counted, hours: PolledHours) -> StatusStretches:
    """Return the hours that have counted polls, as stretches of one majority (R12)."""
    changes = np.ones(len(hours.cell), dtype=bool)
    changes[1:] = hours.cell[1:] - hours.cell[:-1] != 1
    changes[1:] |= hours.majority[1:] != hours.majority[:-1]
    changes[1:] |= hours.column[:-1] == 0
    begin, end = _runs(changes)
    first = hours.column.take(begin)
    real = np.flatnonzero(first)
    begin, end, first = begin.take(real), end.take(real), first.take(real)
    start = first * HOUR + counted.table.begin
    return StatusStretches(
        store=hours.cell.take(begin) >> counted.bits,
        begin=start,
        end=start + (end - begin + 1) * HOUR,
        up=hours.majority.take(begin),
    )


def hourly_majority(counted: Counted, hours: PolledHours) -> StatusStretches:
    """Give each hour the majority of its polls, else what the latest poll before it carries (R4, R5)."""
    bits, table = counted.bits, counted.table
    cell, column, final = hours.cell, hours.column, hours.final
    latest, majority = hours.latest, hours.majority
    changes = _changes(cell, column, latest, majority, bridged=counted.carry // HOUR)
    begin, end = _runs(changes)
    store = cell.take(end) >> bits
    own = column.take(end)
    at = instants_of(counted, final.take(end))
    following = cell.take(end + 1, mode="clip")
    following[-1:] = -1
    carried = np.where(following >> bits == store, following & counted.column_bits, table.columns - 1)
    expires = (at + counted.carry * MICROSECONDS) // HOUR_US + 1 - (table.first_hour - 1)
    carried = np.minimum(carried, expires)
    up, after = majority.take(begin), latest.take(end)
    turned = np.flatnonzero(majority.take(end) != after)  # the hour's majority holds for that hour only
    closes = carried.copy()
    closes[turned] = own[turned] + 1
    return StatusStretches(
        store=np.concatenate((store, store[turned])),
        begin=np.concatenate((column.take(begin), closes[turned])) * HOUR + table.begin,
        end=np.concatenate((closes, carried[turned])) * HOUR + table.begin,
        up=np.concatenate((up, after[turned])),
    )


def instants_of(counted: Counted, place: NDArray[np.intp]) -> NDArray[np.int64]:
    """Return when the polls with these keys were, microseconds since 1970 UTC."""
    keys = counted.keys.take(place)
    cell = keys >> _IN_HOUR
    column = cell & counted.column_bits
    at = counted.table.begin * MICROSECONDS + column * HOUR_US + _microsecond(keys)
    from_earlier = np.flatnonzero(column == 0)
    owner = cell.take(from_earlier) >> counted.bits
    at[from_earlier] = counted.earlier.at.take(np.searchsorted(counted.earlier.store, owner))
    return at


def last_observation(counted: Counted) -> StatusStretches:
    """Let each poll's status hold from its second to the next poll of the store, at most for the carry (R15).

    Of polls in one second all but the latest get no time.
    """
    table, cell = counted.table, counted.keys >> _IN_HOUR
    store, column = cell >> counted.bits, cell & counted.column_bits
    at = table.begin + column * HOUR + _microsecond(counted.keys) // MICROSECONDS
    at[np.flatnonzero(column == 0)] = counted.earlier.at // MICROSECONDS
    up = (counted.keys & 1).astype(bool)
    changes = np.ones(len(at), dtype=bool)
    changes[1:] = (store[1:] != store[:-1]) | (up[1:] != up[:-1]) | (at[1:] - at[:-1] > counted.carry)
    begin, end = _runs(changes)
    last = table.begin + (table.columns - 1) * HOUR
    goes_on = np.append(store, -1).take(end + 1) == store.take(end)
    until = np.where(goes_on, np.append(at, last).take(end + 1), last)
    until = np.minimum(until, at.take(end) + counted.carry)
    return StatusStretches(
        store=store.take(begin),
        begin=np.maximum(at.take(begin), table.begin),
        end=np.maximum(until, table.begin),
        up=up.take(begin),
    )


def _runs(changes: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the first and the last place of each run; a run begins where there is a change."""
    begin = np.flatnonzero(changes)
    return begin, np.append(begin[1:], len(changes))[: len(begin)] - 1


def _majority(
    keys: NDArray[np.int64], final: NDArray[np.intp], latest: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return each hour's status: the majority of its polls, on a tie that of the latest (R4)."""
    polls = final + 1
    np.subtract(final[1:], final[:-1], out=polls[1:])
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
    bridged: int,
) -> NDArray[np.bool_]:
    """Tell the hours in which a new stretch of status begins. One too many does no harm, they abut.

    A gap of up to `bridged` hours is carried over, whatever the minute of the poll.
    """
    changes = np.ones(len(cell), dtype=bool)
    if len(cell) > 1:
        gap = cell[1:] - cell[:-1]
        inner = changes[1:]
        np.greater(gap, bridged, out=inner)
        # Another store, or after column 0, which cannot tell how long ago its poll was: any other gap is less
        # than the later column.
        inner |= gap >= column[1:]
        inner |= majority[1:] != latest[:-1]
        inner |= majority[:-1] != latest[:-1]
    return changes


def add_up(
    known: StatusStretches, schedules: Schedules, table: HourTable, edges: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Add up the open seconds of status stretches before each edge (R6): as `tally` returns them."""
    stores = len(schedules.of_store)
    schedule = schedules.of_store.take(known.store)
    low, high = table.open_before(schedule, known.begin), table.open_before(schedule, known.end)
    place = 2 * known.store + ~known.up
    result = np.empty((stores, len(edges), 3), dtype=np.int64)
    for number, edge in enumerate(edges):
        whole = table.open_before(schedules.of_store, edge)
        ends = whole.take(known.store)
        seconds = np.minimum(high, ends) - np.minimum(low, ends)
        result[:, number, :2] = sum_at(place, seconds, 2 * stores).reshape(stores, 2)
        result[:, number, 2] = whole
    return result
