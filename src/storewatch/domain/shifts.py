"""What opens one store, row by row: its hours rows, and the exceptions near a window (R2, R8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from storewatch.domain.dates import closing
from storewatch.domain.facts import Facts
from storewatch.domain.instant import DAY, HOUR
from storewatch.domain.kinds import EXCEPTIONS, HOURS, POLLS
from storewatch.domain.schedule import Schedules, open_stretches
from storewatch.domain.uptime import numbered_schedules

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

# Of a store that ever opens and goes by the week alone: a clock change can skip a shift, never two in a row.
LONGEST_CLOSED = 15 * DAY


@dataclass(frozen=True, kw_only=True)
class HoursRow:
    """One of a store's hours rows, as it was given."""

    number: int  # from 1, in order of day, start, end, and validity
    day: int  # 0 = Monday
    start: int  # seconds of the day
    end: int
    valid_from: date | None = None  # local dates, both inclusive; None: no limit
    valid_to: date | None = None

    @property
    def text(self) -> str:
        """The row in words: `row 3: Wednesday 09:00–17:00`, and how R2 reads what is unusual."""
        return f"row {self.number}: {WEEKDAYS[self.day]} {_shift(self.start, self.end)}{self._validity}"

    @property
    def _validity(self) -> str:
        first, last = (None if day is None else _date(day) for day in (self.valid_from, self.valid_to))
        return f"{f', from {first}' if first else ''}{f', until {last}' if last else ''}"


@dataclass(frozen=True, kw_only=True)
class OnDate:
    """A row of the exceptions of a date, which take the place of its shifts."""

    number: int  # after those of the hours rows, in order of date, start, end
    date: date
    start: int | None  # seconds of the day; None, as the end: the store is closed
    end: int | None
    reason: str  # "": none is given

    @property
    def text(self) -> str:
        """The exception in words: `exception 8: Mon 25 Dec 2023 closed, Christmas`."""
        shift = "closed" if self.start is None or self.end is None else _shift(self.start, self.end)
        return (
            f"exception {self.number}: {_date(self.date)} {shift}{f', {self.reason}' if self.reason else ''}"
        )


Row = HoursRow | OnDate


def _shift(start: int, end: int) -> str:
    return f"{time_of_day(start)}–{time_of_day(end)}{_note(start, end)}"


def _note(start: int, end: int) -> str:
    closes = int(closing(end))
    if closes == start:
        return " (closed: it ends where it starts, R2)"
    if closes < start:
        return " (into the next day)"
    return " (to 24:00, R2)" if closes != end else ""


def _date(day: date) -> str:
    return f"{date_of(day)} {day.year}"


def date_of(local: date | datetime) -> str:
    """Return a day as `Wed 25 Jan`."""
    return f"{local:%a} {local.day} {local:%b}"


def time_of_day(seconds: int) -> str:
    """Return a time of day as `09:00`, with its seconds only if it has any."""
    text = f"{seconds // HOUR:02}:{seconds // 60 % 60:02}"
    return f"{text}:{seconds % 60:02}" if seconds % 60 else text


def hours_rows(facts: Facts, store_id: str) -> tuple[HoursRow, ...]:
    """Number a store's rows. A poll store keeps no order of them, so theirs is that of the week."""
    columns = [name for name in (*HOURS.schema, *HOURS.optional) if name in facts.hours.columns]
    own = facts.hours.filter(pl.col("store_id") == store_id).select(columns[1:]).unique().sort(columns[1:])
    return tuple(HoursRow(number=number, **row) for number, row in enumerate(own.iter_rows(named=True), 1))


def exceptions(facts: Facts, store_id: str, since: date, until: date, *, first: int) -> tuple[OnDate, ...]:
    """Number a store's exceptions of the dates since ≤ date ≤ until, from `first` on."""
    own = _of(facts, store_id).filter(pl.col("date").is_between(since, until)).sort(pl.all())
    rows = own.drop("store_id").iter_rows(named=True)
    return tuple(OnDate(number=number, **row) for number, row in enumerate(rows, first))


def _of(facts: Facts, store_id: str) -> pl.DataFrame:
    return facts.of(EXCEPTIONS).filter(pl.col("store_id") == store_id).unique()


def schedules_by_row(facts: Facts, store_id: str, zone: str, rows: Sequence[Row]) -> Schedules:
    """Return the schedules of a store (0) and of each of its rows (by its number) as if it were the only one.

    Which dates an hours row makes no shift on is still as the store's exceptions say.
    """
    names = pl.Series([f"{number:09}" for number in range(len(rows) + 1)])
    own = _of(facts, store_id)
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


def _closed(name: str, days: pl.DataFrame) -> pl.DataFrame:
    return days.select(
        store_id=pl.lit(name),
        date="date",
        start=pl.lit(None, pl.Int32),
        end=pl.lit(None, pl.Int32),
        reason=pl.lit(""),
    )


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
