"""The hours of all stores as a table (R13): frames in, frames out.

Everything is worked out on a grid of stores and UTC hours; what has no open second leaves it last.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import polars as pl

from storewatch.domain.ask import Policy
from storewatch.domain.counted import counted_polls, of_stores, stores_at_once
from storewatch.domain.instant import HOUR, MICROSECONDS
from storewatch.domain.kernel import hourly_majority, instants_of, last_observation, polled_hours
from storewatch.domain.spans import DOWN, EXCLUDED, UNKNOWN, UP, clipped, without
from storewatch.domain.stated import stated_times
from storewatch.domain.sums import OpenTime, spans_of, spans_of_stores
from storewatch.domain.uptime import kernel_polls, named_stores, numbered_schedules, zones_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from storewatch.domain.ask import Ask
    from storewatch.domain.counted import Counted, Polls
    from storewatch.domain.facts import Facts
    from storewatch.domain.kernel import PolledHours
    from storewatch.domain.spans import Spans

SECONDS = ("open", "uptime", "downtime", "unknown", "excluded", "measured", "low", "high")
SCHEMA: dict[str, pl.DataType] = {
    "store_id": pl.String(),
    "hour": pl.Datetime("us", "UTC"),
    **{f"{figure}_seconds": pl.Int64() for figure in SECONDS},
    "how": pl.String(),
    "polls": pl.Int64(),
    "active_polls": pl.Int64(),
    "decided_at": pl.Datetime("us", "UTC"),
}
STATED, POLLED, CARRIED, NONE = range(4)  # how an hour came about
_NEVER = -1  # in place of an instant
Columns: TypeAlias = "dict[str, NDArray[Any]]"


def hour_facts(facts: Facts, ask: Ask, begin: int, end: int) -> pl.DataFrame:
    """Return a row for each store and UTC hour with open seconds in [begin, end), which add up to a report.

    Args:
        facts: Checked, of all kinds.
        ask: Its as-of is settled; its windows are not looked at.
        begin: Seconds since 1970 UTC.
        end: The same, after it, up to the as-of.

    Returns:
        `SCHEMA`, in order of `store_id` by code point, and of hours. `how`: stated, where annotations decide
        every open second; else majority (R4), observed (R15), carried or none. `polls`, `active_polls`: the
        counted ones of the whole hour up to the as-of. `decided_at`: the latest poll with the winning status,
        or the one that is carried; null: none.
    """
    names, parts = _worked_out(facts, ask, begin, end)
    return pl.concat(_frame(part.columns() | part.polls(), names, ask.policy) for part in parts)


def hour_columns(facts: Facts, ask: Ask, begin: int, end: int) -> tuple[pl.Series, Columns]:
    """Return the ids of all stores, and as arrays what `hour_facts` says for the same but for the polls.

    `store_id` is the place among the ids, `hour` is in microseconds since 1970 UTC, and `how` is `STATED`,
    `POLLED`, `CARRIED` or `NONE`.
    """
    names, found = _worked_out(facts, ask, begin, end)
    parts = [part.columns() for part in found]
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return names, parts[0] if len(parts) == 1 else joined


def _worked_out(facts: Facts, ask: Ask, begin: int, end: int) -> tuple[pl.Series, Iterator[_Hours]]:
    """Return the ids of all stores, and their hours for as many at once as a key has room for."""
    names, places = named_stores(facts, ask)
    schedules = numbered_schedules(facts, names, zones_of(facts, names))
    polls = kernel_polls(facts.polls, places, len(names))
    stated = stated_times(facts, names, since=begin, until=end).spans
    stores, at_once = len(names), stores_at_once(-(-end // HOUR) - begin // HOUR)

    def work_out(low: int) -> _Hours:
        part = slice(low, low + at_once)
        own = replace(schedules, of_store=schedules.of_store[part])
        grid = _Grid(time=OpenTime.of(own, since=begin, until=end - 1), first=low, begin=begin, end=end)
        mine = of_stores(polls, part) if stores > at_once else polls
        return _Hours.of(grid, mine, spans_of_stores(stated, part), ask)

    return names, map(work_out, range(0, max(stores, 1), at_once))


@dataclass(frozen=True, kw_only=True)
class _Grid:
    """Stores and the hours of their table, its outer columns included: a cell each, flat."""

    time: OpenTime
    first: int  # of the stores, among all
    begin: int  # of the time asked for, seconds since 1970 UTC
    end: int  # the same

    @property
    def columns(self) -> int:
        """How many cells a store has."""
        return self.time.table.columns

    @property
    def size(self) -> int:
        """How many cells there are."""
        return len(self.time.schedules.of_store) * self.columns

    def whole(self) -> NDArray[np.int32]:
        """Return the open seconds of each cell's whole hour."""
        rows = self.time.table.seconds.reshape(-1, self.columns)
        return rows.take(self.time.schedules.of_store, axis=0).ravel().astype(np.int32)

    def opened(self, whole: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the open seconds of each cell in the time asked for."""
        edges = (self.begin, self.end, self.time.begin + self.time.table.hours * HOUR)
        begin, end, last = (self.time.before(np.array([at])).astype(np.int32) for at in edges)
        cells = whole.reshape(-1, self.columns).copy()
        cells[:, 1] -= begin
        cells[:, -2] -= last - end
        return cells.ravel()

    def seconds(self, spans: Spans, status: int, whole: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the open seconds of each cell that lie in the spans of a status."""
        spans = spans.take(np.flatnonzero(spans.status == status))
        (opens, late), (closes, early) = (self._edge(spans.store, at) for at in (spans.begin, spans.end))
        steps = np.bincount(opens, minlength=self.size) - np.bincount(closes, minlength=self.size)
        found: NDArray[np.int32] = np.cumsum(steps).astype(np.int32) * whole
        for cell, seconds, sign in ((opens, late, -1), (closes, early, 1)):
            cut = np.flatnonzero(seconds)
            np.add.at(found, cell.take(cut), sign * seconds.take(cut).astype(np.int32))
        return found

    def _edge(
        self, store: NDArray[np.int64], at: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the cells that hold instants, and their open seconds before these."""
        table = self.time.table
        column, second = np.divmod(at - table.begin, HOUR)
        seconds = np.zeros(len(at), dtype=np.int64)
        cut = np.flatnonzero(second)
        schedule = self.time.schedules.of_store.take(store.take(cut))
        before = table.before.take(schedule * np.int64(self.columns) + column.take(cut))
        seconds[cut] = table.open_before(schedule, at.take(cut)) - before
        return store * self.columns + column, seconds

    def places(self, counted: Counted, hours: PolledHours) -> NDArray[np.int32]:
        """Return the place of each cell among the hours that have polls, from 1 on; 0: it has none."""
        places = np.zeros(self.size, dtype=np.int32)
        places[(hours.cell >> counted.bits) * self.columns + hours.column] = np.arange(len(hours.cell)) + 1
        return places


@dataclass(frozen=True, kw_only=True)
class _Hours:
    """The cells with open seconds of a grid, and what decides them."""

    grid: _Grid
    cells: NDArray[np.intp]  # of the grid
    opened: NDArray[np.int32]  # seconds of each
    seconds: Mapping[tuple[str, int], NDArray[np.int32]]  # by what decides and status; what is missing is 0
    counted: Counted
    hours: PolledHours
    places: NDArray[np.int32]  # as the grid tells them, of all its cells
    by_majority: bool

    @classmethod
    def of(cls, grid: _Grid, polls: Polls, stated: Spans, ask: Ask) -> _Hours:
        """Lay out the polls and what is stated on a grid."""
        time, by_majority = grid.time, ask.policy is Policy.HOURLY_MAJORITY
        counted = counted_polls(polls, time.schedules, time.table, as_of=ask.instant, carry=ask.carry)
        hours = polled_hours(counted)
        known = spans_of(hourly_majority(counted, hours) if by_majority else last_observation(counted))
        whole = grid.whole()
        opened = grid.opened(whole)
        cells = np.flatnonzero(opened)
        stated = clipped(stated, grid.begin, grid.end)
        spans = {"by_polls": without(clipped(known, grid.begin, grid.end), stated), "stated": stated}
        return cls(
            grid=grid,
            cells=cells,
            opened=opened.take(cells),
            seconds={
                (by, status): grid.seconds(found, status, whole).take(cells)
                for by, found in spans.items()
                for status in np.unique(found.status).tolist()
            },
            counted=counted,
            hours=hours,
            places=grid.places(counted, hours),
            by_majority=by_majority,
        )

    def columns(self) -> Columns:
        """Return the store of each cell, its hour, its seconds and how they came about."""
        nothing = np.zeros(len(self.cells), dtype=np.int32)
        up, down = (self.seconds.get(("by_polls", status), nothing) for status in (UP, DOWN))
        said_up, said_down, said_unknown, excluded = (
            self.seconds.get(("stated", status), nothing) for status in (UP, DOWN, UNKNOWN, EXCLUDED)
        )
        is_polled = self.places.take(self.cells) > 0
        is_stated = said_up + said_down + said_unknown + excluded == self.opened
        by_polls = np.where(is_polled, POLLED, np.where(up + down > 0, CARRIED, NONE))
        return {
            "store_id": self.cells // self.grid.columns + self.grid.first,
            "hour": (self.cells % self.grid.columns * HOUR + self.grid.time.table.begin) * MICROSECONDS,
            "open_seconds": self.opened,
            "uptime_seconds": up + said_up,
            "downtime_seconds": down + said_down,
            "unknown_seconds": self.opened - up - said_up - down - said_down - excluded,
            "excluded_seconds": excluded,
            "measured_seconds": (up + down) * is_polled,
            "low_seconds": up * is_polled + said_up,
            "high_seconds": self.opened - excluded - down * is_polled - said_down,
            "how": np.where(is_stated, STATED, by_polls),
        }

    def polls(self) -> Columns:
        """Return how many polls each cell has, and which one decides it."""
        deciding = _Deciding.of(self.counted, self.hours, by_majority=self.by_majority)
        latest = np.maximum.accumulate(self.places.reshape(-1, self.grid.columns), axis=1).ravel()
        own, latest = self.places.take(self.cells), latest.take(self.cells)
        how = self.columns()["how"]
        decided = np.where(own > 0, deciding.decides.take(own), deciding.carries.take(latest))
        return {
            "polls": deciding.polls.take(own),
            "active_polls": deciding.active.take(own),
            "decided_at": np.where((how == STATED) | (how == NONE), _NEVER, decided),
        }


@dataclass(frozen=True, kw_only=True)
class _Deciding:
    """What each hour that has polls has of them, from place 1 on; place 0 stands for no such hour."""

    polls: NDArray[np.int64]
    active: NDArray[np.int64]
    decides: NDArray[np.int64]  # when the latest poll with the winning status was, microseconds since 1970
    carries: NDArray[np.int64]  # the latest poll of all

    @classmethod
    def of(cls, counted: Counted, hours: PolledHours, *, by_majority: bool) -> _Deciding:
        """Count and look up; by R15, the latest poll decides."""
        active = np.cumsum(counted.keys & 1).take(hours.final)
        deciding = _with_majority(counted, hours) if by_majority else hours.final
        return cls(
            polls=np.append(0, np.diff(hours.final, prepend=-1)),
            active=np.append(0, np.diff(active, prepend=0)),
            decides=np.append(_NEVER, instants_of(counted, deciding)),
            carries=np.append(_NEVER, instants_of(counted, hours.final)),
        )


def _with_majority(counted: Counted, hours: PolledHours) -> NDArray[np.intp]:
    """Return the place of each hour's latest poll with the hour's majority."""
    found = hours.final.copy()
    place, active = np.arange(len(counted.keys)), counted.keys & 1
    for is_up in (False, True):
        turned = np.flatnonzero((hours.majority == is_up) & (hours.latest != is_up))
        found[turned] = np.maximum.accumulate(place * (active == is_up)).take(found.take(turned))
    return found


def _frame(columns: Columns, names: pl.Series, policy: Policy) -> pl.DataFrame:
    by_polls = "majority" if policy is Policy.HOURLY_MAJORITY else "observed"
    words = pl.Series(["stated", by_polls, "carried", "none"])
    texts = {"store_id": names.gather(columns["store_id"]), "how": words.gather(columns["how"])}
    decided = pl.col("decided_at")
    return pl.DataFrame(columns | texts).select(
        pl.when(decided >= 0).then(decided).alias(name).cast(dtype)
        if name == "decided_at"
        else pl.col(name).cast(dtype)
        for name, dtype in SCHEMA.items()
    )
