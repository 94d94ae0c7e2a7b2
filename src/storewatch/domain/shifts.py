"""What opens a store, and how it reads: hours rows, and exceptions of dates (R2, R8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from storewatch.domain.dates import closing
from storewatch.domain.instant import HOUR

if TYPE_CHECKING:
    from datetime import date, datetime

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


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
