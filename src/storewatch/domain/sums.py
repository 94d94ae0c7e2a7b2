"""All that a report says of a store, summed up from spans of status: arrays in, arrays out.

Open seconds are counted along the store's open time, in which what is closed has no length (R6, R9, R12,
R16). So a run of one status is spans that touch there, whatever nights lie between.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from storewatch.domain.ask import Policy
from storewatch.domain.counted import (
    Counted,
    Polls,
    counted_polls,
    counted_until,
    of_stores,
    stores_at_once,
)
from storewatch.domain.hour_table import HourTable, hour_table, sum_at
from storewatch.domain.instant import HOUR, WEEK
from storewatch.domain.kernel import (
    PolledHours,
    StatusStretches,
    hourly_majority,
    last_observation,
    measured_hours,
    polled_hours,
)
from storewatch.domain.spans import DOWN, UNKNOWN, UP, Spans, clipped, joined, within, without

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from storewatch.domain.schedule import Schedules

NO_STATE = 4

_BITS = 32  # of a second of the open time


@dataclass(frozen=True, kw_only=True)
class Sums:
    """Seconds of every store before edges, and its state."""

    open: NDArray[np.int64]  # [stores, edges]
    status: NDArray[np.int64]  # [stores, edges, 4], by status; what is unknown is not counted
    measured: NDArray[np.int64]  # the same
    stated: NDArray[np.int64]  # the same; what is stated as unknown is counted
    now: State
    then: State  # as of the earlier instant that is asked for


@dataclass(frozen=True, kw_only=True)
class State:
    """What stores are at an as-of, and of their outages in the week before it (R16)."""

    status: NDArray[np.int64]  # [stores]; `NO_STATE`: no open second in that week
    is_closed: NDArray[np.bool_]
    since: NDArray[np.int64]  # seconds since 1970 UTC; -1: not within that week
    outages: NDArray[np.int64]  # how many
    longest: NDArray[np.int64]  # its open seconds


def sum_up(
    polls: Polls,
    schedules: Schedules,
    stated: Spans,
    *,
    as_of: int,
    carry: int | None,
    policy: Policy,
    edges: NDArray[np.int64],
    then: int | None = None,
) -> Sums:
    """Add up all that counts for every store.

    Args:
        polls: As for `tally`, and so are the other arguments.
        schedules: Of all stores.
        stated: What annotations state (R9), at any time.
        as_of: The instant of the last polls that count.
        carry: How long a poll carries.
        policy: How polls decide the status.
        edges: Of windows.
        then: An earlier as-of, no less than a week after the first edge; None: of now alone.
    """
    since = min(int(edges.min()), as_of - WEEK)
    stores, at_once = len(schedules.of_store), stores_at_once((as_of - since) // HOUR + 2)
    parts = [
        _sum_up(
            of_stores(polls, part) if stores > at_once else polls,
            replace(schedules, of_store=schedules.of_store[part]),
            spans_of_stores(stated, part),
            since=since,
            as_of=as_of,
            carry=carry,
            policy=policy,
            edges=edges[:, part] if edges.shape[1] == stores else edges,
            then=then,
        )
        for part in (slice(low, low + at_once) for low in range(0, max(stores, 1), at_once))
    ]
    return parts[0] if len(parts) == 1 else _joined(parts)


def _joined(parts: Sequence[Any]) -> Any:  # noqa: ANN401 - of whatever class the parts are
    """Put values of stores one behind another: arrays, or dataclasses of these."""
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts)
    names = [field.name for field in fields(parts[0])]
    return replace(parts[0], **{name: _joined([getattr(part, name) for part in parts]) for name in names})


def _sum_up(
    polls: Polls,
    schedules: Schedules,
    stated: Spans,
    *,
    since: int,
    as_of: int,
    carry: int | None,
    policy: Policy,
    edges: NDArray[np.int64],
    then: int | None,
) -> Sums:
    """Do as `sum_up` for not more stores than a key has room for, from `since` on."""
    time = OpenTime.of(schedules, since=since, until=as_of)
    counted = counted_polls(polls, schedules, time.table, as_of=as_of, carry=carry)
    polled = polled_hours(counted)
    wholes = np.stack([time.before(edge) for edge in edges], axis=1)
    stated = clipped(stated, time.begin, time.begin + time.table.hours * HOUR)
    status = statuses(counted, polled, stated, policy)
    if policy is Policy.LAST_OBSERVATION:
        seen = within(status, spans_of(measured_hours(counted, polled)))
        measured = time.place(without(seen, stated)).sums(wholes)
    else:
        measured = time.measured(counted, polled, edges, wholes)
        if len(stated.store):
            of_stated = spans_of(measured_hours(counted, polled.of(np.unique(stated.store), counted.bits)))
            measured -= time.place(within(of_stated, stated)).sums(wholes)
    placed = time.place(status)
    found = dict(zip(edges[:, 0].tolist(), wholes.T, strict=True)) if edges.shape[1] == 1 else {}
    now = earlier = _state(time, placed, as_of=as_of, found=found)
    if then is not None:
        of_then = counted_until(counted, then)
        status = statuses(of_then, polled_hours(of_then), stated, policy)
        earlier = _state(time, time.place(status), as_of=then, found=found)
    return Sums(
        open=wholes,
        status=placed.sums(wholes),
        measured=measured,
        stated=time.place(stated).sums(wholes),
        now=now,
        then=earlier,
    )


def statuses(counted: Counted, polled: PolledHours, stated: Spans, policy: Policy) -> Spans:
    """Return what time counts as: what is stated, else what the polls give (R9); all other is unknown."""
    by_polls = (
        last_observation(counted) if policy is Policy.LAST_OBSERVATION else hourly_majority(counted, polled)
    )
    status = spans_of(by_polls)
    if not len(stated.store):
        return status
    return joined(without(status, stated), stated.take(np.flatnonzero(stated.status != UNKNOWN)))


@dataclass(frozen=True, kw_only=True)
class OpenTime:
    """The open time of stores, in seconds from the table's begin on."""

    schedules: Schedules
    table: HourTable

    @classmethod
    def of(cls, schedules: Schedules, *, since: int, until: int) -> OpenTime:
        """Lay out the hours of since ≤ t ≤ until, seconds since 1970 UTC."""
        first = since // HOUR
        return cls(
            schedules=schedules,
            table=hour_table(schedules, first_hour=first, hours=until // HOUR + 1 - first),
        )

    @property
    def begin(self) -> int:
        """Where the reach begins, seconds since 1970 UTC."""
        return self.table.begin + HOUR

    def before(self, edge: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many seconds each store is open before an instant, [1] or [stores]."""
        return self.table.open_before(self.schedules.of_store, edge)

    def place(self, spans: Spans) -> Placed:
        """Place spans in the open time."""
        schedule = self.schedules.of_store.take(spans.store)
        return Placed(
            store=spans.store,
            low=self.table.open_before(schedule, spans.begin),
            high=self.table.open_before(schedule, spans.end),
            status=spans.status,
        )

    def measured(
        self, counted: Counted, hours: PolledHours, edges: NDArray[np.int64], wholes: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return the seconds of hours that have counted polls, under R4, as `Placed.sums` does.

        But they are counted from the end of the reach, so below 0.
        """
        result = np.zeros((*wholes.shape, 4), dtype=np.int64)
        if not len(hours.cell):
            return result
        base = np.arange(len(wholes)) << counted.bits
        row = self.schedules.of_store.astype(np.int64) * self.table.columns
        columns = (edges - self.table.begin) // HOUR
        wanted = base[:, np.newaxis] + np.broadcast_to(columns, wholes.T.shape).T
        places = np.searchsorted(hours.cell, np.column_stack((base, wanted)))
        end = np.append(places[1:, 0], len(hours.cell))
        # In one array, for new memory costs more than what is done with it. Down seconds have a second count
        # above the first one; differences are right, whatever overflows.
        sums, down = np.zeros(len(hours.cell) + 1, dtype=np.int64), 1 + (1 << _BITS)
        np.add(np.repeat(row - base, end - places[:, 0]), hours.cell, out=sums[1:])
        sums[1:] = self.table.seconds.take(sums[1:])
        sums[1 + np.flatnonzero(~hours.majority)] *= down
        np.cumsum(sums, out=sums)
        after = sums.take(end)[:, np.newaxis] - sums.take(places[:, 1:])
        place = np.minimum(places[:, 1:], len(hours.cell) - 1)
        weight = np.where(hours.majority.take(place), 1, down)
        cut = wholes - self.table.before.take(row[:, np.newaxis] + columns.T)  # of that hour, before the edge
        after -= np.where(hours.cell.take(place) == wanted, cut * weight, 0)
        result[:, :, DOWN] = -(after >> _BITS)
        result[:, :, UP] = (after >> _BITS) - (after & (1 << _BITS) - 1)
        return result

    def instants(self, store: NDArray[np.integer], second: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return when (seconds since 1970 UTC) each of some seconds of the open time begins."""
        stretches, schedule = self.table.stretches, self.schedules.of_store.take(store)
        length = stretches.end - stretches.begin
        before = np.cumsum(length) - length
        before -= np.repeat(before.take(stretches.first[:-1], mode="clip"), np.diff(stretches.first))
        keys = (stretches.schedule << _BITS) + before
        place = np.searchsorted(keys, (schedule.astype(np.int64) << _BITS) + second, side="right") - 1
        found: NDArray[np.int64] = stretches.begin.take(place) - before.take(place) + second
        return found


@dataclass(frozen=True, kw_only=True)
class Placed:
    """Spans in the open time of their stores."""

    store: NDArray[np.int64]
    low: NDArray[np.int64]  # open seconds before it
    high: NDArray[np.int64]  # the same before its end
    status: NDArray[np.integer]

    def take(self, chosen: NDArray[np.integer]) -> Placed:
        """Return the chosen ones."""
        return Placed(
            store=self.store.take(chosen),
            low=self.low.take(chosen),
            high=self.high.take(chosen),
            status=self.status.take(chosen),
        )

    def sums(self, wholes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the seconds by status before edges, [stores, edges, 4]; `wholes`: all open ones there."""
        result = np.zeros((*wholes.shape, 4), dtype=np.int64)
        if not len(self.store):
            return result
        place = 4 * self.store + self.status
        for number, whole in enumerate(wholes.T):
            ends = whole.take(self.store)
            seconds = np.minimum(self.high, ends) - np.minimum(self.low, ends)
            result[:, number] = sum_at(place, seconds, 4 * len(wholes)).reshape(-1, 4)
        return result

    def runs(self, first: NDArray[np.int64], end: NDArray[np.int64]) -> Placed:
        """Join those of one status that touch in first ≤ second < end (of each store); in order."""
        low = np.maximum(self.low, first.take(self.store))
        high = np.minimum(self.high, end.take(self.store))
        real = np.flatnonzero(low < high)
        store = self.store.take(real) << _BITS
        begin, until = (store + low.take(real) << 2) + self.status.take(real), store + high.take(real)
        begin.sort()
        until.sort()  # spans that are disjoint have their begins and ends in one order
        code, begin = begin & 3, begin >> 2
        parted = np.ones(len(begin), dtype=np.bool_)
        parted[1:] = (begin[1:] != until[:-1]) | (code[1:] != code[:-1])
        starts, mask = np.flatnonzero(parted), (1 << _BITS) - 1
        begin, until = begin.take(starts), until.take(np.append(starts[1:], len(code))[: len(starts)] - 1)
        return Placed(
            store=begin >> _BITS,
            low=begin & mask,
            high=until & mask,
            status=code.take(starts),
        )


def _state(time: OpenTime, status: Placed, *, as_of: int, found: Mapping[int, NDArray[np.int64]]) -> State:
    """Find the state at the as-of, and the outages of the week before it (R16).

    `found` are open seconds before some instants, those of all stores.
    """
    first, last, end = (
        found[at] if at in found else time.before(np.array([at])) for at in (as_of - WEEK, as_of - 1, as_of)
    )
    runs = status.runs(first, end)
    store = np.arange(len(end))
    latest = np.searchsorted(runs.store, store, side="right") - 1  # -1 takes the one appended below
    owner, low, high, code = (
        np.append(values, -1).take(latest) for values in (runs.store, runs.low, runs.high, runs.status)
    )
    is_known = owner == store
    reaches = is_known & (high == end)
    state = np.where(reaches, code, UNKNOWN)
    state[end == first] = NO_STATE
    since = np.where(reaches, low, np.where(is_known, high, first))
    begun = np.flatnonzero((since > first) & (state != NO_STATE))
    at = np.full(len(end), -1)
    at[begun] = time.instants(begun, since.take(begun))
    down = runs.take(np.flatnonzero(runs.status == DOWN))
    longest = np.zeros(len(end), dtype=np.int64)
    np.maximum.at(longest, down.store, down.high - down.low)
    return State(
        status=state,
        is_closed=last == end,
        since=at,
        outages=np.bincount(down.store, minlength=len(end)),
        longest=longest,
    )


def spans_of(stretches: StatusStretches) -> Spans:
    """Return stretches of known status as spans."""
    status = np.where(stretches.up, np.int8(UP), np.int8(DOWN))
    return Spans(store=stretches.store, begin=stretches.begin, end=stretches.end, status=status)


def spans_of_stores(spans: Spans, part: slice) -> Spans:
    """Return the spans of a range of stores, which are numbered from 0 then."""
    mine = spans.take(np.flatnonzero((spans.store >= part.start) & (spans.store < part.stop)))
    return replace(mine, store=mine.store - part.start)
