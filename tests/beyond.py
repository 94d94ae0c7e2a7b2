"""Facts of the rules beyond the first report (R8 to R13, R16), and what they come to, in a line each."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd

from storewatch.checking import reference
from storewatch.domain.account import account as kernel_account
from storewatch.domain.ask import Ask, Policy
from storewatch.domain.hours import hour_facts
from strategies import WEEK, instant, of_day

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl

    from storewatch.domain.facts import Facts
    from strategies import DatedRow

Record = dict[str, Any]

MADE = datetime(2023, 1, 1, tzinfo=UTC)
ALWAYS = ("00:00", "24:00")


def utc(text: str) -> datetime:
    """Return an instant of text like `2023-01-25 10:05`."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def valid(
    days: Iterable[int],
    *spans: tuple[str, str],
    since: str | None = None,
    until: str | None = None,
    store_id: str = "a",
) -> list[DatedRow]:
    """Return an hours row for each day and span, valid from one local date to another."""
    first, last = (None if text is None else date.fromisoformat(text) for text in (since, until))
    return [(store_id, day, of_day(start), of_day(end), first, last) for day in days for start, end in spans]


def on_date(text: str, *spans: tuple[str, str], store_id: str = "a") -> list[tuple[object, ...]]:
    """Return the exceptions of a date: a closed one if there are no spans."""
    day = date.fromisoformat(text)
    rows: list[tuple[object, ...]] = [(store_id, day, of_day(start), of_day(end), "") for start, end in spans]
    return rows or [(store_id, day, None, None, "")]


def note(
    counts_as: str,
    since: str,
    until: str | None = None,
    *,
    name: str = "n",
    about: str | tuple[str, str] = "a",
    made: datetime = MADE,
    withdrawn: datetime | None = None,
) -> tuple[object, ...]:
    """Return an annotation: about a store, a label of a value, or `*`."""
    store_id, (label, value) = ("", about) if isinstance(about, tuple) else (about, ("", ""))
    if about == "*":
        store_id, label = "", "*"
    end = None if until is None else utc(until)
    return (name, store_id, label, value, utc(since), end, counts_as, "why", "who", made, withdrawn)


def account(
    facts: Facts,
    as_of: str,
    *windows: str,
    carry: int | None = WEEK,
    policy: Policy = Policy.HOURLY_MAJORITY,
    compare: bool = False,
) -> dict[str, Record]:
    """Return the rows of a report by store, `_seconds` left out of their columns; both engines must agree."""
    asked = windows or ("hour", "day", "week")
    ask = Ask(as_of=instant(as_of), carry=carry, policy=policy, windows=asked, compare=compare)
    found = reference.account(facts, ask, ask.parsed_windows, compare=compare)
    same_rows(kernel_account(facts, ask).rows, found)
    return _records(found)


def same_rows(by_kernel: pl.DataFrame, by_reference: pd.DataFrame) -> None:
    """Hold what the kernel says against what the reference does."""
    assert by_kernel.columns == list(by_reference)
    for name in by_kernel.columns:
        values = by_reference[name].tolist()
        assert by_kernel[name].to_list() == [None if pd.isna(value) else value for value in values], name


def hours_table(
    facts: Facts,
    begin: str,
    end: str,
    *,
    as_of: str | None = None,
    carry: int | None = WEEK,
    policy: Policy = Policy.HOURLY_MAJORITY,
) -> list[Record]:
    """Return the rows of the table of hours; both engines must agree."""
    ask = Ask(as_of=instant(as_of or end), carry=carry, policy=policy)
    frame = reference.hours(facts, ask, instant(begin), instant(end))
    same_rows(hour_facts(facts, ask, instant(begin), instant(end)), frame)
    return [_plain(row) for row in frame.to_dict("records")]


def _records(frame: pd.DataFrame) -> dict[str, Record]:
    rows = [_plain(row) for row in frame.to_dict("records")]
    return {row.pop("store_id"): {k.replace("_seconds", ""): v for k, v in row.items()} for row in rows}


def _plain(row: dict[Any, Any]) -> Record:
    return {str(column): None if pd.isna(value) else value for column, value in row.items()}
