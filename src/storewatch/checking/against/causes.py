"""What other programs make of the same facts: known causes, each a change of what the kernel is asked.

A cause rewrites hours and zones, or asks for another policy, carry or other windows, so that all figures are
the kernel's. What remains is what it cannot be asked for: the last two fields of `Case`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from storewatch.domain.ask import Ask, Policy
from storewatch.domain.dates import closing
from storewatch.domain.hour_table import hour_table
from storewatch.domain.instant import DAY, HOUR, MICROSECONDS, WEEK, WINDOWS
from storewatch.domain.kernel import add_up, known_status, tally
from storewatch.domain.kinds import HOURS, ZONES, Kind
from storewatch.domain.schedule import ALWAYS_OPEN
from storewatch.domain.uptime import numbered_polls, numbered_schedules, zones_of
from storewatch.domain.zone import DEFAULT_ZONE, load_zone, utc_offset, wall_clock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from storewatch.domain.counted import Polls
    from storewatch.domain.facts import Facts

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

UP, DOWN, UNKNOWN = range(3)  # as in domain.account.FIRST

_LONG_AGO = -4_000_000_000  # 1843: no place had a standard time yet
_OLDEST = 2 * WEEK  # before the as-of: an own now that is older is taken for as old
_MONDAY = -1  # in place of a count of days


@dataclass(frozen=True, kw_only=True)
class Case:
    """What the kernel is asked, and what is then done with its answer."""

    names: pl.Series  # String, sorted, distinct
    facts: Facts  # hours and zones are rewritten, polls are not
    polls: Polls  # those of the facts, numbered by the names
    zones: tuple[str, ...]  # [stores] as they were given
    ask: Ask
    windows: Mapping[str, tuple[Ints, Ints]]  # begin and end, [stores] or [1]
    counts_all: bool = False  # polls outside open hours decide too
    unknown_is: int = UNKNOWN  # the place of the figure that unknown time is added to

    @classmethod
    def from_facts(cls, facts: Facts, names: pl.Series, ask: Ask) -> Case:
        """Return the case of no deviation, of the named stores (String, sorted, distinct)."""
        mine = pl.col("store_id").cast(pl.String).is_in(names.implode())
        facts = facts.where(mine)
        zone_of = dict(facts.zones.select("store_id", "zone").iter_rows())
        end = np.array([ask.instant])
        return cls(
            names=names,
            facts=facts,
            polls=numbered_polls(facts.polls, names),
            zones=tuple(zone_of.get(name, DEFAULT_ZONE) for name in names),
            ask=ask,
            windows={window: (end - length, end) for window, length in WINDOWS.items()},
        )

    def figures(self) -> Floats:
        """Return the seconds of every store, window and kind: [stores, windows, kinds]."""
        edges = np.stack(np.broadcast_arrays(*(edge for window in self.windows.values() for edge in window)))
        sums = self._sums(edges)
        up, down, whole = np.moveaxis(sums[:, 1::2] - sums[:, ::2], 2, 0)
        made = np.stack((up, down, whole - up - down, whole), axis=2).astype(np.float64)
        unknown = made[:, :, UNKNOWN].copy()
        made[:, :, UNKNOWN] = 0
        made[:, :, self.unknown_is] += unknown
        return made

    def _sums(self, edges: Ints) -> Ints:
        """Return what `tally` does; polls that count in closed time too are those of stores always open."""
        schedules = numbered_schedules(self.facts, self.names, zones_of(self.facts, self.names))
        ask, as_of = self.ask, self.ask.instant
        if not self.counts_all:
            return tally(self.polls, schedules, as_of=as_of, carry=ask.carry, policy=ask.policy, edges=edges)
        always = replace(schedules, of_store=np.full_like(schedules.of_store, ALWAYS_OPEN))
        begin, end = int(edges.min()) // HOUR, int(edges.max()) // HOUR + 1
        table = hour_table(schedules, first_hour=begin, hours=end - begin)
        known = known_status(self.polls, always, table, as_of=as_of, carry=ask.carry, policy=ask.policy)
        return add_up(known, schedules, table, edges)


# ---------------------------------------------------------------- hours, rewritten

_START, _END, _CLOSES = pl.col("start"), pl.col("end"), pl.col("closes")  # closes: the end as R2 reads it
_NIGHT = _CLOSES < _START


def _with(case: Case, kind: Kind, rows: pl.DataFrame) -> Case:
    rows = rows.select(pl.col(name).cast(dtype) for name, dtype in kind.schema.items())
    return replace(case, facts=replace(case.facts, others={**case.facts.others, kind.name: rows}))


def _rewrite(case: Case, *, hours: Callable[[pl.DataFrame], pl.DataFrame]) -> Case:
    rows = case.facts.hours
    return _with(case, HOURS, hours(rows.with_columns(closes=closing(rows["end"].to_numpy()))))


def _columns(**columns: pl.Expr) -> Callable[[Case], Case]:
    return partial(_rewrite, hours=lambda rows: rows.with_columns(**columns))


def _one_shift(keep: str) -> Callable[[Case], Case]:
    return partial(
        _rewrite,
        hours=lambda rows: rows.unique(["store_id", "day"], keep=keep, maintain_order=True),  # type: ignore[arg-type]
    )


def _every_day(rows: pl.DataFrame) -> pl.DataFrame:
    """Add 00:00–24:00 on each day without rows."""
    days = pl.DataFrame({"day": range(7)}, schema={"day": HOURS.schema["day"]})
    every = rows.select("store_id").unique().join(days, how="cross")
    missing = every.join(rows, on=["store_id", "day"], how="anti")
    return pl.concat([rows, missing.with_columns(start=0, end=DAY)], how="diagonal_relaxed")


def _closed_without_hours(case: Case) -> Case:
    """Give each store without rows an empty one."""
    missing = pl.DataFrame({"store_id": case.names}).join(case.facts.hours, on="store_id", how="anti")
    empty = missing.with_columns(day=0, start=0, end=0)
    return _rewrite(case, hours=lambda rows: pl.concat([rows, empty], how="diagonal_relaxed"))


def _literal_end() -> Callable[[Case], Case]:
    """Let ends of 23:59 stand: told from the midnight after, they are no end of a day to the kernel."""
    literal = (_CLOSES != _END) & (_START < _END)
    return _columns(
        day=pl.col("day") + literal,
        **{
            name: pl.when(literal).then(pl.col(name) - DAY).otherwise(pl.col(name))
            for name in ("start", "end")
        },
    )


# ---------------------------------------------------------------- zones, rewritten


def _all_in_utc(case: Case) -> Case:
    return _with(case, ZONES, pl.DataFrame({"store_id": case.names}).with_columns(zone=pl.lit("UTC")))


def _default_utc(case: Case) -> Case:
    known = case.facts.zones
    missing = _all_in_utc(case).facts.zones.join(known, on="store_id", how="anti")
    return _with(case, ZONES, pl.concat([known, missing]))


def _one_offset(case: Case, *, offset: Callable[[str, int], int]) -> Case:
    """Move all hours to UTC by one offset a zone, told from the week's end, so that none is at midnight."""
    ahead = {zone: offset(zone, case.ask.instant) for zone in set(case.zones)}
    of_store = pl.DataFrame({"store_id": case.names, "ahead": [ahead[zone] for zone in case.zones]})
    length = (_CLOSES - _START + pl.when(_NIGHT).then(DAY).otherwise(0)).alias("length")
    begin = ((pl.col("day").cast(pl.Int64) * DAY + _START - pl.col("ahead") + 2 * WEEK) % WEEK).alias("begin")

    def moved(rows: pl.DataFrame) -> pl.DataFrame:
        rows = rows.join(of_store, on="store_id").select("store_id", begin, length)
        late = pl.col("begin") + pl.col("length") - WEEK  # beyond the week's end
        pieces = [
            rows.select("store_id", start=pl.col("begin") - WEEK, end=late.clip(upper_bound=0)),
            rows.filter(late > 0).select("store_id", start=-WEEK, end=late - WEEK),
        ]
        return pl.concat(pieces, how="vertical_relaxed").select(
            "store_id", pl.lit(7).alias("day"), "start", "end"
        )

    return _rewrite(_all_in_utc(case), hours=moved)


def _standard(zone: str, as_of: int) -> int:
    return min(utc_offset(zone, as_of - month * 30 * DAY) for month in range(12))


def _mean_time(zone: str, _as_of: int) -> int:
    """Return the local mean time's offset, to the minute, as the programs that do so have it."""
    return round(utc_offset(zone, _LONG_AGO) / 60) * 60


# ---------------------------------------------------------------- windows


def _own_now(case: Case) -> Case:
    """End the windows at each store's newest poll."""
    newest = np.full(len(case.names), case.ask.instant)
    polls = case.polls.take(np.flatnonzero(case.polls.at <= case.ask.until))
    newest[np.unique(polls.store)] = case.ask.instant - _OLDEST
    np.maximum.at(newest, polls.store, -(-polls.at // MICROSECONDS))
    return replace(case, windows={window: (newest - length, newest) for window, length in WINDOWS.items()})


def _hour(case: Case, *, hours: int) -> Case:
    """Take the hour on the clock so far, or full hours before."""
    full = np.array([case.ask.instant // HOUR * HOUR])
    edges = (full - hours * HOUR, full) if hours else (full, np.array([case.ask.instant]))
    return replace(case, windows={**case.windows, "hour": edges})


def _days(case: Case, *, clock: str, window: str, begin: int, end: int | None) -> Case:
    """Take a window from one midnight to another, each so many days before today; None: to the as-of."""
    zones = case.zones if clock == "local" else ("UTC",) * len(case.zones)
    as_of = case.ask.instant
    low, high = (_midnights(zones, as_of, days) for days in (begin, end))
    return replace(case, windows={**case.windows, window: (low, high)})


def _midnights(zones: Sequence[str], as_of: int, days: int | None) -> Ints:
    found = {zone: _midnight(zone, as_of, days) for zone in set(zones)}
    return np.array([found[zone] for zone in zones], dtype=np.int64)


def _midnight(zone: str, as_of: int, days: int | None) -> int:
    if days is None:
        return as_of
    today = wall_clock(zone, as_of).date()
    day = today - timedelta(days=today.weekday() if days == _MONDAY else days)
    return int(datetime.combine(day, time(), load_zone(zone)).timestamp())


# ---------------------------------------------------------------- the causes


@dataclass(frozen=True, kw_only=True)
class Cause:
    """A known way to other figures."""

    key: str  # short, for files
    sentence: str
    aspects: frozenset[str]  # what it changes: of two causes that change one aspect, a program has one
    change: Callable[[Case], Case]


def _cause(key: str, aspects: str, sentence: str, change: Callable[[Case], Case]) -> Cause:
    return Cause(key=key, sentence=sentence, aspects=frozenset(aspects.split()), change=change)


def _set(**fields: object) -> Callable[[Case], Case]:
    return lambda case: replace(case, **fields)  # type: ignore[arg-type]  # fields of Case


def _asked(**fields: object) -> Callable[[Case], Case]:
    return lambda case: replace(case, ask=replace(case.ask, **fields))  # type: ignore[arg-type]  # of Ask


_CALENDAR = {  # what the last day or week is to a program with a calendar: begin and end as `_days` has them
    "today": ("day", 0, None, "the last day is today since midnight"),
    "yesterday": ("day", 1, 0, "the last day is the calendar day before"),
    "monday": ("week", _MONDAY, None, "the week runs since Monday"),
    "seven-days": ("week", 7, 0, "the week is the seven calendar days before today"),
    "since-midnight": ("week", 7, None, "the week runs since midnight seven days ago"),
    "with-today": ("week", 6, None, "the week is today and six calendar days"),
}


def _calendar_causes() -> list[Cause]:
    return [
        _cause(f"{clock.lower()}-{key}", window, f"{sentence}, {clock}",
               partial(_days, clock=clock, window=window, begin=begin, end=end))
        for clock in ("UTC", "local")
        for key, (window, begin, end, sentence) in _CALENDAR.items()
    ]  # fmt: skip


# In the order in which they are applied, and of preference where two explain equally many stores.
CAUSES = (
    _cause("last-observation", "policy", "each poll holds until the next one, no majority of the hour",
           _asked(policy=Policy.LAST_OBSERVATION)),
    _cause("all-polls", "counted", "polls outside open hours counted", _set(counts_all=True)),
    _cause("last-shift", "rows", "one shift a day: the last row of a day wins", _one_shift("last")),
    _cause("first-shift", "rows", "one shift a day: the first row of a day wins", _one_shift("first")),
    _cause("missing-day-open", "missing", "a day without rows taken as open all day",
           partial(_rewrite, hours=_every_day)),
    _cause("nights-dropped", "night", "rows past midnight dropped",
           _columns(end=pl.when(_NIGHT).then(_START).otherwise(_END))),
    _cause("nights-cut", "night", "rows past midnight cut at midnight",
           _columns(end=pl.when(_NIGHT).then(DAY).otherwise(_END))),
    _cause("empty-row-open", "empty", "rows that end where they start taken as open all day",
           _columns(start=pl.when(_START == _CLOSES).then(0).otherwise(_START),
                    end=pl.when(_START == _CLOSES).then(DAY).otherwise(_END))),
    _cause("sunday-first", "weekday", "weekday 0 read as Sunday", _columns(day=(pl.col("day") + 6) % 7)),
    _cause("literal-23:59", "end", "an end of 23:59 is read literally: time is lost each midnight",
           _literal_end()),
    _cause("no-hours-closed", "no hours", "stores without hours taken as closed", _closed_without_hours),
    _cause("no-daylight-saving", "clock", "the zone's standard time all the year",
           partial(_one_offset, offset=_standard)),
    _cause("one-offset", "clock", "the offset at the as-of for all of the week",
           partial(_one_offset, offset=utc_offset)),
    _cause("local-mean-time", "clock", "the zone's local mean time (a zone attached to a naive time)",
           partial(_one_offset, offset=_mean_time)),
    _cause("no-zones", "clock", "zones ignored: hours read in UTC", _all_in_utc),
    _cause("default-utc", "clock", "UTC instead of America/Chicago where no zone is known", _default_utc),
    _cause("endless-carry", "carry", "the last status carried without end", _asked(carry=None)),
    _cause("unknown-down", "unknown", "unknown time counted as down", _set(unknown_is=DOWN)),
    _cause("unknown-up", "unknown", "unknown time counted as up", _set(unknown_is=UP)),
    _cause("own-now", "hour day week", "windows end at each store's own newest poll", _own_now),
    _cause("clock-hour", "hour", "the last hour is the hour on the clock so far", partial(_hour, hours=0)),
    _cause("full-hour", "hour", "the last hour is the full hour before", partial(_hour, hours=1)),
    *_calendar_causes(),
)  # fmt: skip
