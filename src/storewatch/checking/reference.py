"""The report rules in plain pandas: one store at a time, one function a step.

This is the text that the kernel is held against. It is slow and plain on purpose, and shares nothing with the
kernel but the reading of input. `load` gives the stores; the steps of one, each to be looked at by itself:

    polls ─► distinct_polls ───────────────────────────────────────────┐
    hours ─► weekly_hours ─┬► opening_hours_utc ─► open_stretches ─┬► discard_outside ─► resample
    zone ──► clock_spans ──┘                                       │    ─► majority ─► carry_forward
                                                                   └► pieces (of those statuses) ─► add_up

Under the policy `last-observation`, `observe` takes the place of resample, majority and carry_forward.

Instants are `datetime64[us, UTC]` in all frames, an hour is named by its first instant.
"""

from __future__ import annotations

import signal
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from itertools import pairwise
from multiprocessing import get_context
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import polars as pl

from storewatch.domain.ask import Policy
from storewatch.domain.zone import load_zone

if TYPE_CHECKING:
    from collections.abc import Iterable

    from storewatch.domain.ask import Ask
    from storewatch.domain.facts import Facts

WINDOWS = {"hour": 3_600, "day": 86_400, "week": 604_800}  # R6, seconds
STATUSES = {"uptime": "up", "downtime": "down", "unknown": "unknown"}  # figure → status

_DAY = 86_400
_LAST_MINUTE = 23 * 3_600 + 59 * 60  # R2: an end from here on is the end of the day
_SECOND = pd.Timedelta(seconds=1)
_HOUR = pd.Timedelta(hours=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STATUS = {True: "up", False: "down"}


@dataclass(frozen=True, kw_only=True)
class Store:
    """What is known of one store."""

    store_id: str
    polls: pd.DataFrame  # at, active; any order, doubles allowed
    hours: pd.DataFrame  # day (0 = Monday), start, end (seconds of the day as written)
    zone: str


# ---------------------------------------------------------------- the report


def report(facts: Facts, ask: Ask, *, jobs: int = 1) -> pd.DataFrame:
    """Report on every store that the facts name, by the rules R1 to R7 and R15.

    Args:
        facts: Checked polls, hours and zones.
        ask: Its as-of is settled; ids that nothing names get no row.
        jobs: Processes to spread the stores over.

    Returns:
        `store_id` and, for `last_hour`, `last_day` and `last_week`, the int64 columns `uptime_seconds_…`,
        `downtime_seconds_…`, `unknown_seconds_…` and `open_seconds_…`; in order of `store_id` by code point.
    """
    stores = load(facts, ask.store_ids)
    row = partial(report_store, as_of=ask.instant, carry=ask.carry, policy=ask.policy)
    if jobs == 1 or len(stores) < jobs:
        rows = [row(store) for store in stores]
    else:
        quiet = (signal.SIGINT, signal.SIG_DFL)  # Ctrl-C is told once, by who started them
        context = get_context("spawn")
        with ProcessPoolExecutor(jobs, context, initializer=signal.signal, initargs=quiet) as pool:
            rows = list(pool.map(row, stores, chunksize=-(-len(stores) // (4 * jobs))))
    columns = figure_columns()
    return pd.DataFrame(rows, columns=["store_id", *columns]).astype(dict.fromkeys(columns, "int64"))


def figure_columns() -> list[str]:
    """Name the columns of seconds, in their order."""
    return [f"{figure}_seconds_last_{window}" for window in WINDOWS for figure in (*STATUSES, "open")]


def report_store(store: Store, *, as_of: int, carry: int | None, policy: Policy) -> dict[str, object]:
    """Take one store through all the steps; return its row."""
    until = pd.Timestamp(as_of, unit="s", tz="UTC")
    polls = distinct_polls(store.polls, until)
    spans = clock_spans(store.zone, days_of_interest(polls, until))
    stretches = open_stretches(opening_hours_utc(weekly_hours(store.hours), spans))
    counted = discard_outside(polls, stretches)
    if policy is Policy.LAST_OBSERVATION:
        statuses = observe(counted, until, carry)
    else:
        statuses = carry_forward(majority(resample(counted, until)), counted, carry)
    return {"store_id": store.store_id, **add_up(pieces(statuses, stretches), until)}


# ---------------------------------------------------------------- load


def load(facts: Facts, store_ids: Iterable[str] | None = None) -> list[Store]:
    """Take the facts apart by store, in order of `store_id` by code point (R7).

    Every store that polls, hours, zones or `facts.stores` name is there: polled or not, in open hours or not.
    """
    polls, hours = polls_frame(facts.polls), hours_frame(facts.hours)
    zones = dict(zip(_ids(facts.zones), facts.zones["zone"].to_list(), strict=True))
    named = {*_ids(facts.polls), *_ids(facts.hours), *zones}
    named |= set() if facts.stores is None else set(facts.stores.to_list())
    wanted = sorted(named if store_ids is None else named.intersection(store_ids))
    polls_of, hours_of = _by_store(polls), _by_store(hours)
    return [
        Store(
            store_id=store_id,
            polls=polls_of.get(store_id, polls.iloc[:0]),
            hours=hours_of.get(store_id, hours.iloc[:0]),
            zone=zones.get(store_id, "America/Chicago"),  # R2
        )
        for store_id in wanted
    ]


def polls_frame(polls: pl.DataFrame) -> pd.DataFrame:
    """Return polls as pandas: store_id, at, active."""
    at = polls["at"].to_physical().to_numpy().astype("datetime64[us]")
    return pd.DataFrame(
        {"store_id": _ids(polls), "at": pd.DatetimeIndex(at, tz="UTC"), "active": polls["active"].to_numpy()}
    )


def hours_frame(hours: pl.DataFrame) -> pd.DataFrame:
    """Return hours as pandas: store_id, day, start, end as int64."""
    columns = {name: hours[name].to_numpy().astype("int64") for name in ("day", "start", "end")}
    return pd.DataFrame({"store_id": _ids(hours), **columns})


def _ids(frame: pl.DataFrame) -> list[str]:
    return frame["store_id"].cast(pl.String).to_list()


def _by_store(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {str(store_id): rows for store_id, rows in frame.groupby("store_id", sort=False)}


def distinct_polls(polls: pd.DataFrame, until: pd.Timestamp) -> pd.DataFrame:
    """Make one poll of those at one instant, inactive if they disagree (R1); drop those after the as-of (R3).

    Returns:
        at, active; in order of time.
    """
    upto = polls[polls["at"] <= until]
    return upto.groupby("at")["active"].all().reset_index()


# ---------------------------------------------------------------- opening hours to UTC


def weekly_hours(hours: pd.DataFrame) -> pd.DataFrame:
    """Write the week's hours so that no row passes midnight (R2).

    What runs into the next day becomes a row of that day; from Sunday that is Monday. Rows of no length go.

    Returns:
        day (0 = Monday), start, end (seconds of the day, start < end ≤ 86,400); every day whole if there are
        no rows at all.
    """
    if hours.empty:
        return pd.DataFrame({"day": range(7), "start": 0, "end": _DAY})
    rows = hours[["day", "start", "end"]]
    rows = rows.assign(end=rows["end"].where(rows["end"] < _LAST_MINUTE, _DAY))
    overnight = rows[rows["end"] < rows["start"]]
    evening = overnight.assign(end=_DAY)
    morning = overnight.assign(day=(overnight["day"] + 1) % 7, start=0)
    weekly = pd.concat([rows, evening, morning])
    weekly = weekly[weekly["start"] < weekly["end"]]
    return weekly.drop_duplicates().sort_values(["day", "start", "end"], ignore_index=True)


def days_of_interest(polls: pd.DataFrame, until: pd.Timestamp) -> list[int]:
    """List the UTC days (since 1970) of the polls and of the week up to the as-of, its first hour whole."""
    begin = (until - pd.Timedelta(seconds=WINDOWS["week"])).floor("h")
    week = range(_seconds(begin) // _DAY, _seconds(until) // _DAY + 1)
    polled = (polls["at"].dt.floor("D") - pd.Timestamp(_EPOCH)) // pd.Timedelta(days=1)
    return sorted({*week, *polled.unique().tolist()})


def clock_spans(zone: str, days: Iterable[int]) -> pd.DataFrame:
    """Cut UTC days into the spans in which the zone's wall clock is ahead of UTC by one amount.

    Returns:
        since, until (UTC), ahead (timedelta); one row a day, two where a clock changes.
    """
    rows = [span for day in days for span in _spans_of_day(zone, day)]
    spans = np.array(rows, dtype="int64").reshape(-1, 3)
    return pd.DataFrame(
        {
            "since": _instants(spans[:, 0]),
            "until": _instants(spans[:, 1]),
            "ahead": pd.to_timedelta(spans[:, 2], unit="s"),
        }
    )


@cache
def _spans_of_day(zone: str, day: int) -> list[tuple[int, int, int]]:
    """Cut one UTC day: (begin, end, ahead) in seconds."""
    changes = []
    for hour in range(day * _DAY, (day + 1) * _DAY, 3_600):
        if _ahead(zone, hour) != _ahead(zone, hour + 3_600):
            seconds = range(hour + 1, hour + 3_601)
            changes += [at for at in seconds if _ahead(zone, at) != _ahead(zone, at - 1)]
    edges = [day * _DAY, *changes, (day + 1) * _DAY]
    return [(begin, end, _ahead(zone, begin)) for begin, end in pairwise(edges) if begin < end]


def _ahead(zone: str, at: int) -> int:
    local = (_EPOCH + timedelta(seconds=at)).astimezone(load_zone(zone))
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
    last = (spans["until"] + spans["ahead"] - _SECOND).dt.tz_localize(None).dt.floor("D")
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


# ---------------------------------------------------------------- the status of each hour


def resample(counted: pd.DataFrame, until: pd.Timestamp) -> pd.DataFrame:
    """Count the polls of each UTC hour that the week touches, whole hours (R4).

    Returns:
        hour, polls, active (counts), latest (1 if the hour's latest poll is active, else 0).
    """
    begin = (until - pd.Timedelta(seconds=WINDOWS["week"])).floor("h")
    hours = _instants(np.arange(_seconds(begin), _seconds(until), 3_600)).rename("hour")
    active = counted["active"].astype("int64").groupby(counted["at"].dt.floor("h"))
    counts = pd.DataFrame({"polls": active.size(), "active": active.sum(), "latest": active.last()})
    return counts.reindex(hours, fill_value=0).reset_index()


def majority(hourly: pd.DataFrame) -> pd.DataFrame:
    """Give each hour that has polls the status of most of them, on a tie of the latest (R4).

    Returns:
        The frame with status: up, down, or null where the hour has no polls.
    """
    up, down = hourly["active"], hourly["polls"] - hourly["active"]
    is_up = (up > down) | ((up == down) & (hourly["latest"] == 1))
    return hourly.assign(status=is_up.map(_STATUS).where(hourly["polls"] > 0))


def carry_forward(hourly: pd.DataFrame, counted: pd.DataFrame, carry: int | None) -> pd.DataFrame:
    """Give each hour without polls the status of the latest poll before it, if that is not too old (R5).

    Returns:
        The frame with status up, down or unknown in every hour, its bounds since and until, and the carried
        poll: at, before_active.
    """
    before = counted.rename(columns={"active": "before_active"})
    hourly = pd.merge_asof(hourly, before, left_on="hour", right_on="at", allow_exact_matches=False)
    known = hourly["at"].notna()
    if carry is not None:
        known &= hourly["at"] >= hourly["hour"] - _as_timedelta(carry)
    carried = hourly["before_active"].map(_STATUS).where(known, "unknown")
    return hourly.assign(
        status=hourly["status"].fillna(carried), since=hourly["hour"], until=hourly["hour"] + _HOUR
    )


# ---------------------------------------------------------------- the status from poll to poll


def observe(counted: pd.DataFrame, until: pd.Timestamp, carry: int | None) -> pd.DataFrame:
    """Let each poll's status hold from its second to the next poll, if that is not too far off (R15).

    Of two polls in one second the earlier one holds for no time at all.

    Returns:
        since, until, status (up, down or unknown) over the week up to the as-of.
    """
    begin = until - pd.Timedelta(seconds=WINDOWS["week"])
    since = counted["at"].dt.floor("s")
    following = since.shift(-1).fillna(until)
    held = following if carry is None else following.clip(upper=since + _as_timedelta(carry))
    first = until if counted.empty else since.iloc[0]
    spans = pd.concat(
        [
            pd.DataFrame({"since": [begin], "until": [first], "status": "unknown"}),
            pd.DataFrame({"since": since, "until": held, "status": counted["active"].map(_STATUS)}),
            pd.DataFrame({"since": held, "until": following, "status": "unknown"}),
        ],
        ignore_index=True,
    )
    return spans[(spans["since"] < spans["until"]) & (spans["until"] > begin)]


def _as_timedelta(seconds: int) -> pd.Timedelta:
    """Return a carry as pandas can hold it: 100,000 days reach from 2200 to before 1970."""
    return pd.Timedelta(days=min(seconds // _DAY, 100_000), seconds=seconds % _DAY)


# ---------------------------------------------------------------- add up


def pieces(statuses: pd.DataFrame, stretches: pd.DataFrame) -> pd.DataFrame:
    """Cut the open stretches where a status begins or ends.

    Returns:
        begin, end, status; in order.
    """
    both = statuses[["since", "until", "status"]].merge(stretches, how="cross")
    begin = both["begin"].clip(lower=both["since"])
    end = both["end"].clip(upper=both["until"])
    cuts = both.assign(begin=begin, end=end)[["begin", "end", "status"]]
    return cuts[begin < end].reset_index(drop=True)


def add_up(open_pieces: pd.DataFrame, until: pd.Timestamp) -> dict[str, int]:
    """Add up the seconds of each status in each window, which ends at the as-of (R6)."""
    totals = {}
    for window, length in WINDOWS.items():
        seconds = cut(open_pieces, until - pd.Timedelta(seconds=length), until)
        for figure, status in STATUSES.items():
            totals[f"{figure}_seconds_last_{window}"] = int(seconds[open_pieces["status"] == status].sum())
        totals[f"open_seconds_last_{window}"] = int(seconds.sum())
    return totals


def cut(open_pieces: pd.DataFrame, begin: pd.Timestamp, end: pd.Timestamp) -> pd.Series[int]:
    """Return how many seconds of each piece lie in [begin, end)."""
    begins = open_pieces["begin"].where(open_pieces["begin"] > begin, begin)
    ends = open_pieces["end"].where(open_pieces["end"] < end, end)
    return (ends - begins).dt.total_seconds().astype("int64").clip(lower=0)


def _seconds(at: pd.Timestamp) -> int:
    return int((at - pd.Timestamp(_EPOCH)) // _SECOND)


def _instants(seconds: np.ndarray[tuple[int], np.dtype[np.int64]]) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(seconds.astype("datetime64[s]").astype("datetime64[us]"), tz="UTC")
