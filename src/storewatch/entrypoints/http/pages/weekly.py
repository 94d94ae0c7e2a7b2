"""When a store is meant to be open, as people read it: a line a weekday, and dates that differ (R2, R8)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from storewatch.domain.dates import closing
from storewatch.domain.instant import DAY
from storewatch.domain.shifts import WEEKDAYS, date_of, time_of_day
from storewatch.domain.zone import wall_clock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from storewatch.domain.explain import Explanation
    from storewatch.domain.shifts import HoursRow


@dataclass(frozen=True, kw_only=True)
class Opening:
    """A store's hours in words."""

    week: list[
        tuple[str, list[str]]
    ]  # seven weekdays, each with its shifts; no shift: closed; empty: no hours
    dates: list[tuple[date, list[str], str]]  # that differ: their shifts, and why


def opening(found: Explanation) -> Opening:
    """Return the hours that hold in the time shown, or all of them if none does, and its exceptions."""
    first, last = (wall_clock(found.zone, at).date() for at in (found.begin - DAY, found.end))
    holding = [row for row in found.rows if _holds(row, first, last)] or found.rows
    by_day = {day: list(_shifts(row for row in holding if row.day == day)) for day in range(7)}
    dates = groupby(found.exceptions, lambda exception: exception.date)
    return Opening(
        week=[(WEEKDAYS[day], by_day[day]) for day in by_day] if found.rows else [],
        dates=[
            (
                day,
                _merged(
                    (row.start, row.end) for row in rows if row.start is not None and row.end is not None
                ),
                "; ".join(dict.fromkeys(row.reason for row in rows if row.reason)),
            )
            for day, rows in ((day, list(rows)) for day, rows in dates)
        ],
    )


def _holds(row: HoursRow, first: date, last: date) -> bool:
    return (row.valid_from or first) <= last and (row.valid_to or last) >= first


def _shifts(rows: Iterable[HoursRow]) -> Iterator[str]:
    """Yield the shifts of one weekday, those of one validity together."""
    by_validity: dict[tuple[date | None, date | None], list[tuple[int, int]]] = {}
    for row in rows:
        by_validity.setdefault((row.valid_from, row.valid_to), []).append((row.start, row.end))
    for (since, until), spans in by_validity.items():
        words = [
            f"{word} {date_of(day)} {day.year}" for word, day in (("from", since), ("until", until)) if day
        ]
        validity = f" ({' '.join(words)})" if words else ""
        yield from (f"{shift}{validity}" for shift in _merged(spans))


def _merged(spans: Iterable[tuple[int, int]]) -> list[str]:
    """Return the shifts of a day in words; those that overlap or touch are one, those of no length none."""
    found: list[tuple[int, int]] = []
    for start, end in sorted((start, _after(start, end)) for start, end in spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        elif start < end:
            found.append((start, end))
    return [_shift(start, end) for start, end in found]


def _after(start: int, end: int) -> int:
    """Return when a shift ends, in seconds from the midnight before it (R2)."""
    closes = int(closing(end))
    return closes + DAY if closes < start else closes


def _shift(start: int, end: int) -> str:
    if (start, end) == (0, DAY):
        return "all day"
    ends = f"{time_of_day(end - DAY)} the next day" if end > DAY else time_of_day(end)
    return f"{time_of_day(start)}–{ends}"
