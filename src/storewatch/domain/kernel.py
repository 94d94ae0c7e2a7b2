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
from storewatch.domain.counted import (
    HOUR_US,
    IN_HOUR,
    Counted,
    Polls,
    counted_polls,
    microsecond,
    of_stores,
    stores_at_once,
)
from storewatch.domain.hour_table import HourTable, hour_table, sum_at
from storewatch.domain.instant import HOUR, MICROSECONDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from storewatch.domain.schedule import Schedules


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
    cell = counted.keys >> IN_HOUR
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
    cell = keys >> IN_HOUR
    column = cell & counted.column_bits
    at = counted.table.begin * MICROSECONDS + column * HOUR_US + microsecond(keys)
    from_earlier = np.flatnonzero(column == 0)
    owner = cell.take(from_earlier) >> counted.bits
    at[from_earlier] = counted.earlier.at.take(np.searchsorted(counted.earlier.store, owner))
    return at


def last_observation(counted: Counted) -> StatusStretches:
    """Let each poll's status hold from its second to the next poll of the store, at most for the carry (R15).

    Of polls in one second all but the latest get no time.
    """
    table, cell = counted.table, counted.keys >> IN_HOUR
    store, column = cell >> counted.bits, cell & counted.column_bits
    at = table.begin + column * HOUR + microsecond(counted.keys) // MICROSECONDS
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
