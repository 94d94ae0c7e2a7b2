"""What opens one store, row by row: its hours rows, and the exceptions near a window (R2, R8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from storewatch.domain.facts import Facts
from storewatch.domain.instant import DAY
from storewatch.domain.kinds import EXCEPTIONS, HOURS, POLLS
from storewatch.domain.schedule import Schedules, distinct_schedules, open_stretches
from storewatch.domain.shifts import HoursRow, OnDate
from storewatch.domain.uptime import numbered_schedules

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from storewatch.domain.shifts import Row

# Of a store that ever opens and goes by the week alone: a clock change can skip a shift, never two in a row.
LONGEST_CLOSED = 15 * DAY


def hours_rows(facts: Facts, store_id: str) -> tuple[HoursRow, ...]:
    """Number a store's rows. A poll store keeps no order of them, so theirs is that of the week."""
    columns = [name for name in (*HOURS.schema, *HOURS.optional) if name in facts.hours.columns]
    own = set(facts.hours.filter(pl.col("store_id") == store_id).select(columns[1:]).iter_rows())
    ordered = sorted(own, key=lambda row: [(value is not None, value) for value in row])
    named = (dict(zip(columns[1:], row, strict=True)) for row in ordered)
    return tuple(HoursRow(number=number, **row) for number, row in enumerate(named, 1))


def goes_by_the_week(facts: Facts) -> bool:
    """Say whether no store has hours that hold for a time, or dates that differ."""
    return facts.of(EXCEPTIONS).is_empty() and not HOURS.optional.keys() & set(facts.hours.columns)


def exceptions(facts: Facts, store_id: str, since: date, until: date, *, first: int) -> tuple[OnDate, ...]:
    """Number a store's exceptions of the dates since ≤ date ≤ until, from `first` on."""
    own = _of(facts, store_id)
    if own.is_empty():
        return ()
    own = own.filter(pl.col("date").is_between(since, until)).sort(pl.all())
    rows = own.drop("store_id").iter_rows(named=True)
    return tuple(OnDate(number=number, **row) for number, row in enumerate(rows, first))


def _of(facts: Facts, store_id: str) -> pl.DataFrame:
    held = facts.of(EXCEPTIONS)
    return held if held.is_empty() else held.filter(pl.col("store_id") == store_id).unique()


def schedules_by_row(facts: Facts, store_id: str, zone: str, rows: Sequence[Row]) -> Schedules:
    """Return the schedules of a store (0) and of each of its rows (by its number) as if it were the only one.

    Which dates an hours row makes no shift on is still as the store's exceptions say.
    """
    own = _of(facts, store_id)
    if own.is_empty() and not any(
        row.valid_from or row.valid_to for row in rows if isinstance(row, HoursRow)
    ):
        return _weekly(rows, zone)
    names = pl.Series([f"{number:09}" for number in range(len(rows) + 1)])
    days = own.select("date").unique()
    hours: list[tuple[object, ...]] = []
    dates = [own.with_columns(store_id=pl.lit(names[0]))]
    for row in rows:
        name = names[row.number]
        if isinstance(row, OnDate):
            hours.append((name, 0, 0, 0, None, None))  # on all other dates it is closed
            dates.append(EXCEPTIONS.frame([(name, row.date, row.start, row.end, row.reason)]))
        else:
            shift = (row.day, row.start, row.end, row.valid_from, row.valid_to)
            hours += [(names[0], *shift), (name, *shift)]
            dates.append(_closed(name, days))
    made_up = Facts(
        polls=POLLS.frame(),
        others={
            HOURS.name: pl.DataFrame(hours, schema=HOURS.schema | HOURS.optional, orient="row"),
            EXCEPTIONS.name: pl.concat(dates),
        },
    )
    return numbered_schedules(made_up, names, [zone] * len(names))


def _weekly(rows: Sequence[Row], zone: str) -> Schedules:
    """Return the same where nothing goes by the date, as in nearly all stores, in a tenth of the time."""
    day, start, end = (
        np.array([getattr(row, name) for row in rows] * 2, dtype=np.int64) for name in ("day", "start", "end")
    )
    owner = np.append(np.zeros(len(rows), dtype=np.int64), 1 + np.arange(len(rows)))
    return distinct_schedules(owner, day, start, end, zone_of_store=[zone] * (len(rows) + 1))


def _closed(name: str, days: pl.DataFrame) -> pl.DataFrame:
    return days.select(
        store_id=pl.lit(name),
        date="date",
        start=pl.lit(None, pl.Int32),
        end=pl.lit(None, pl.Int32),
        reason=pl.lit(""),
    )


def openings(schedules: Schedules, *, since: int, until: int) -> tuple[tuple[int, int], ...]:
    """Return from when to when (seconds since 1970 UTC) store 0 is open in [since, until), in order."""
    stretches = open_stretches(schedules, since=since, until=until)
    low, high = stretches.first[schedules.of_store[0] :][:2]
    pieces = zip(stretches.begin[low:high].tolist(), stretches.end[low:high].tolist(), strict=True)
    return tuple((max(begin, since), min(end, until)) for begin, end in pieces)


def last_open(schedules: Schedules, before: int) -> int | None:
    """Return the last second in which store 0 is open before an instant; None: there is none since 1970.

    Hours that go by the date can pause for years.
    """
    length = LONGEST_CLOSED
    while True:
        stretches = open_stretches(schedules, since=before - length, until=before)
        low, high = stretches.first[schedules.of_store[0] :][:2]
        if high > low:
            return int(stretches.end[high - 1]) - 1
        if schedules.dated is None or length > before:
            return None
        length *= 2
