"""How far these rules and a plain last-observation program differ on one made fleet, both without a bug.

    python -m benchmarks.compare_rules [--stores N]

A plain program takes each poll as the status until the next one, and adds up the open seconds.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from benchmarks.measure import keep

from storewatch import sample
from storewatch.domain.account import account
from storewatch.domain.ask import Ask
from storewatch.domain.instant import MICROSECONDS, WEEK, as_of_from_newest
from storewatch.domain.schedule import Schedules, open_stretches
from storewatch.domain.uptime import numbered_polls, numbered_schedules, store_names, zones_of
from storewatch.ingest import from_frames

if TYPE_CHECKING:
    from numpy.typing import NDArray


def main() -> None:
    """Compare, print, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stores", type=int, default=14_092)
    stores = parser.parse_args().stores
    facts = from_frames(*sample.fleet(stores=stores, days=7.8, seed=1)).facts
    names = store_names(facts)
    polls = numbered_polls(facts.polls, names)
    as_of = as_of_from_newest(int(polls.at.max()))
    ours = account(facts, Ask(as_of=as_of, carry=WEEK)).rows
    plain = last_observation(
        polls.store, polls.at, polls.active, numbered_schedules(facts, names, zones_of(facts, names)), as_of
    )
    both = ours.with_columns(plain=pl.Series(plain)).filter(
        pl.col("uptime_seconds_last_week") + pl.col("downtime_seconds_last_week") > 0
    )
    minutes = (both["uptime_seconds_last_week"] - both["plain"]).to_numpy() / 60
    figures = {
        "stores": len(minutes),
        "median_minutes": round(float(np.median(np.abs(minutes))), 1),
        "mean_minutes": round(float(minutes.mean()), 1),
        "stores_over_a_minute_percent": round(100 * float((np.abs(minutes) > 1).mean()), 1),
    }
    keep("compare_rules", {}, [], **figures)


def last_observation(
    store: NDArray[np.integer],
    at: NDArray[np.int64],
    active: NDArray[np.bool_],
    schedules: Schedules,
    as_of: int,
) -> NDArray[np.int64]:
    """Return each store's open seconds of the last week that follow an active poll directly."""
    order = np.lexsort((at, store))
    store, second, active = store[order].astype(np.int64), at[order] // MICROSECONDS, active[order]
    begin = np.maximum(second, as_of - WEEK)
    following = np.append(second[1:], as_of)
    following[:-1][store[1:] != store[:-1]] = as_of
    end = np.maximum(following, begin)
    schedule = schedules.of_store[store].astype(np.int64)
    seconds = np.where(
        active,
        _open_before(schedules, schedule, end, as_of) - _open_before(schedules, schedule, begin, as_of),
        0,
    )
    return np.bincount(store, weights=seconds, minlength=len(schedules.of_store)).astype(np.int64)


def _open_before(
    schedules: Schedules, schedule: NDArray[np.int64], second: NDArray[np.int64], as_of: int
) -> NDArray[np.int64]:
    """Return how long each schedule is open from the week's beginning to each instant."""
    laid = open_stretches(schedules, since=as_of - WEEK, until=as_of)
    total = np.concatenate(([0], np.cumsum(laid.end - laid.begin)))
    reach = 1 << 40
    found = np.searchsorted(laid.schedule * reach + laid.begin, schedule * reach + second, side="right")
    last = np.maximum(found - 1, 0)
    inside = np.minimum(second, laid.end[last]) - laid.begin[last]
    return np.where(found > laid.first[schedule], total[last] + inside, total[laid.first[schedule]])


if __name__ == "__main__":
    main()
