"""The polls that count: opening hours on the wall clock, in UTC, and the polls within (R1–R3)."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from storewatch.checking.reference.times import DAY, EPOCH, SECOND, instants, seconds
from storewatch.domain.zone import load_zone

if TYPE_CHECKING:
    from collections.abc import Iterable

WEEK = 604_800  # seconds, of the longest window of R6

LAST_MINUTE = 23 * 3_600 + 59 * 60  # R2: an end from here on is the end of the day


def distinct_polls(polls: pd.DataFrame, until: pd.Timestamp) -> pd.DataFrame:
    """Make one poll of those at one instant, inactive if they disagree (R1); drop those after the as-of (R3).

    Returns:
        at, active; in order of time.
    """
    upto = polls[polls["at"] <= until]
    return upto.groupby("at")["active"].all().reset_index()


def weekly_hours(hours: pd.DataFrame) -> pd.DataFrame:
    """Write the week's hours so that no row passes midnight (R2).

    What runs into the next day becomes a row of that day; from Sunday that is Monday. Rows of no length go.

    Returns:
        day (0 = Monday), start, end (seconds of the day, start < end ≤ 86,400); every day whole if there are
        no rows at all.
    """
    if hours.empty:
        return pd.DataFrame({"day": range(7), "start": 0, "end": DAY})
    rows = hours[["day", "start", "end"]]
    rows = rows.assign(end=rows["end"].where(rows["end"] < LAST_MINUTE, DAY))
    overnight = rows[rows["end"] < rows["start"]]
    evening = overnight.assign(end=DAY)
    morning = overnight.assign(day=(overnight["day"] + 1) % 7, start=0)
    weekly = pd.concat([rows, evening, morning])
    weekly = weekly[weekly["start"] < weekly["end"]]
    return weekly.drop_duplicates().sort_values(["day", "start", "end"], ignore_index=True)


def days_of_interest(polls: pd.DataFrame, until: pd.Timestamp) -> list[int]:
    """List the UTC days (since 1970) of the polls and of the week up to the as-of, its first hour whole."""
    begin = (until - pd.Timedelta(seconds=WEEK)).floor("h")
    week = range(seconds(begin) // DAY, seconds(until) // DAY + 1)
    polled = (polls["at"].dt.floor("D") - pd.Timestamp(EPOCH)) // pd.Timedelta(days=1)
    return sorted({*week, *polled.unique().tolist()})


def clock_spans(zone: str, days: Iterable[int]) -> pd.DataFrame:
    """Cut UTC days into the spans in which the zone's wall clock is ahead of UTC by one amount.

    Returns:
        since, until (UTC), ahead (timedelta); one row a day, two where a clock changes.
    """
    rows = [span for day in days for span in spans_of_day(zone, day)]
    spans = np.array(rows, dtype="int64").reshape(-1, 3)
    return pd.DataFrame(
        {
            "since": instants(spans[:, 0]),
            "until": instants(spans[:, 1]),
            "ahead": pd.to_timedelta(spans[:, 2], unit="s"),
        }
    )


@cache
def spans_of_day(zone: str, day: int) -> list[tuple[int, int, int]]:
    """Cut one UTC day (since 1970) as `clock_spans` does: (begin, end, ahead) in seconds."""
    changes = []
    for hour in range(day * DAY, (day + 1) * DAY, 3_600):
        if _ahead(zone, hour) != _ahead(zone, hour + 3_600):
            seconds = range(hour + 1, hour + 3_601)
            changes += [at for at in seconds if _ahead(zone, at) != _ahead(zone, at - 1)]
    edges = [day * DAY, *changes, (day + 1) * DAY]
    return [(begin, end, _ahead(zone, begin)) for begin, end in pairwise(edges) if begin < end]


def _ahead(zone: str, at: int) -> int:
    local = (EPOCH + timedelta(seconds=at)).astimezone(load_zone(zone))
    return round((local.utcoffset() or timedelta()).total_seconds())


def opening_hours_utc(weekly: pd.DataFrame, spans: pd.DataFrame) -> pd.DataFrame:
    """Lay the weekly hours on the wall clock and read them off in UTC.

    Within a span the wall clock runs evenly, so a row of the week is open from `wall - ahead`, and only
    inside the span: so an hour that the clock shows twice counts twice, one that it skips not at all (R2).

    Returns:
        day (of the week, on the wall clock), utc_day (in UTC, where the row begins), begin, end (UTC); rows
        may overlap.
    """
    dates = _local_dates(spans)
    rows = dates.assign(day=dates["date"].dt.day_of_week).merge(weekly, on="day")
    midnight = rows["date"].dt.tz_localize("UTC") - rows["ahead"]
    opens = midnight + pd.to_timedelta(rows["start"], unit="s")
    closes = midnight + pd.to_timedelta(rows["end"], unit="s")
    rows = rows.assign(begin=opens.clip(lower=rows["since"]), end=closes.clip(upper=rows["until"]))
    rows = rows.assign(utc_day=rows["begin"].dt.day_of_week)
    return rows.loc[rows["begin"] < rows["end"], ["day", "utc_day", "begin", "end"]].reset_index(drop=True)


def _local_dates(spans: pd.DataFrame) -> pd.DataFrame:
    """Repeat each span for the one or two dates that its wall clock shows; `date` is naive, its midnight."""
    first = (spans["since"] + spans["ahead"]).dt.tz_localize(None).dt.floor("D")
    last = (spans["until"] + spans["ahead"] - SECOND).dt.tz_localize(None).dt.floor("D")
    return pd.concat([spans.assign(date=first), spans.assign(date=last)[first < last]])


def open_stretches(rows: pd.DataFrame) -> pd.DataFrame:
    """Make one stretch of rows that overlap or touch (R2).

    Returns:
        begin, end; in order, with time between them.
    """
    rows = rows.sort_values("begin", ignore_index=True)
    ends_before = rows["end"].cummax().shift()
    stretch = (~(rows["begin"] <= ends_before)).cumsum()
    return rows.groupby(stretch).agg(begin=("begin", "min"), end=("end", "max")).reset_index(drop=True)


def discard_outside(polls: pd.DataFrame, stretches: pd.DataFrame) -> pd.DataFrame:
    """Keep the polls in open hours (R3).

    Stretches begin and end on whole seconds, so that the fraction of a poll's second decides nothing.
    """
    opened = pd.merge_asof(polls, stretches, left_on="at", right_on="begin")
    return opened.loc[opened["at"] < opened["end"], ["at", "active"]].reset_index(drop=True)
