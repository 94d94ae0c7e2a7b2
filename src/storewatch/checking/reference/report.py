"""The report by the rules R1 to R7 and R15."""

from __future__ import annotations

import signal
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import TYPE_CHECKING

import pandas as pd
import polars as pl

from storewatch.checking.reference.opening import (
    WEEK,
    clock_spans,
    days_of_interest,
    discard_outside,
    distinct_polls,
    open_stretches,
    opening_hours_utc,
    weekly_hours,
)
from storewatch.checking.reference.status import carry_forward, majority, observe, resample
from storewatch.checking.reference.stores import load
from storewatch.checking.reference.times import DAY
from storewatch.domain.ask import Policy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from storewatch.checking.reference.stores import Store
    from storewatch.domain.ask import Ask
    from storewatch.domain.facts import Facts

WINDOWS = {"hour": 3_600, "day": DAY, "week": WEEK}  # R6, seconds
_TYPES = {  # of the columns that are no whole numbers
    "store_id": pl.String(),
    "id": pl.String(),
    "state": pl.String(),
    "is_closed": pl.Boolean(),
    "since": pl.Datetime("us", "UTC"),
    "target_percent": pl.Float64(),
}
STATUSES = {"uptime": "up", "downtime": "down", "unknown": "unknown"}  # figure → status


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
    row = partial(report_store, as_of=ask.instant, carry=ask.carry, policy=ask.policy)
    rows = of_each(load(facts, ask), row, jobs=jobs)
    columns = figure_columns()
    return pd.DataFrame(rows, columns=["store_id", *columns]).astype(dict.fromkeys(columns, "int64"))


def of_each(
    stores: Sequence[Store], row: Callable[[Store], dict[str, object]], *, jobs: int
) -> list[dict[str, object]]:
    """Return the row of each store, in order, made by so many processes."""
    if jobs == 1 or len(stores) < jobs:
        return [row(store) for store in stores]
    quiet = (signal.SIGINT, signal.SIG_DFL)  # Ctrl-C is told once, by who started them
    with ProcessPoolExecutor(jobs, get_context("spawn"), initializer=signal.signal, initargs=quiet) as pool:
        return list(pool.map(row, stores, chunksize=-(-len(stores) // (4 * jobs))))


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


def to_polars(frame: pd.DataFrame) -> pl.DataFrame:
    """Return a report as the kernel gives it."""
    schema = {name: _polars_type(name) for name in frame.columns}
    values = {name: [None if pd.isna(value) else value for value in frame[name]] for name in schema}
    return pl.DataFrame(values, schema=schema)


def _polars_type(name: str) -> pl.DataType:
    if name.startswith("met_"):
        return pl.Boolean()
    return _TYPES.get(name, pl.Int64())
