"""The kernel on arrays in memory, against the rules in DuckDB, in plain pandas, and a plain loop.

    python -m benchmarks.kernel [--rounds 15] [--reference-stores 60]

All start from dense store numbers, instants, statuses, raw hours rows and zones; schedules are worked out
anew in each round, the zones' offsets too. The kernel has one thread, then one a core, each with its range of
stores, as slices of a report are; DuckDB has all cores. First it is checked that all say the same: kernel and
DuckDB on all stores, the reference on some. The loop is what public programs do: they ask for each store's
polls, hold each until the next one, and know no hours; its figures are others, its time is a lower bound.
"""

from __future__ import annotations

import argparse
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import polars as pl
from benchmarks.baselines import duckdb_rules
from benchmarks.fleets import full_fleet
from benchmarks.measure import Target, interleaved, keep, median, ratio, timed

from storewatch.checking import reference
from storewatch.domain.ask import Ask, Policy
from storewatch.domain.counted import Polls
from storewatch.domain.facts import Facts
from storewatch.domain.instant import DEFAULT_CARRY, MICROSECONDS, WEEK, WINDOWS
from storewatch.domain.kernel import tally
from storewatch.domain.schedule import Schedules, distinct_schedules
from storewatch.domain.zone import DEFAULT_ZONE, offset_spans

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

KINDS = ("uptime", "downtime", "open")


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """A fleet as each of the three takes it."""

    facts: Facts
    names: pl.Series  # sorted: a store's number is its place
    polls: Polls
    hours: tuple[NDArray[np.int64], ...]  # store, day, start, end
    zone_of_store: Sequence[str]


def read(folder: Path) -> Fleet:
    """Read a fleet's Parquet files."""
    polls, hours, zones = (
        pl.read_parquet(folder / f"{name}.parquet") for name in ("store_status", "menu_hours", "timezones")
    )
    facts = Facts(
        polls=polls.select(
            pl.col("store_id").cast(pl.Categorical), at="timestamp_utc", active=pl.col("status") == "active"
        ),
        others={
            "hours": hours.select(
                "store_id",
                pl.col("day").cast(pl.Int8),
                start=seconds_of_day("start_time_local"),
                end=seconds_of_day("end_time_local"),
            ),
            "zones": zones.rename({"timezone_str": "zone"}),
        },
    )
    names = pl.concat([frame["store_id"] for frame in (polls, hours, zones)]).unique().sort()
    place = pl.col("store_id").cast(pl.Enum(names)).to_physical()
    zone_of = dict(facts.zones.iter_rows())
    return Fleet(
        facts=facts,
        names=names,
        polls=Polls(
            store=facts.polls.select(place.cast(pl.UInt32)).to_series().to_numpy(),
            at=facts.polls["at"].to_physical().to_numpy(),
            active=facts.polls["active"].to_numpy(),
        ),
        hours=tuple(
            column.cast(pl.Int64).to_numpy() for column in facts.hours.with_columns(place).iter_columns()
        ),
        zone_of_store=[zone_of.get(name, DEFAULT_ZONE) for name in names],
    )


def seconds_of_day(column: str) -> pl.Expr:
    """Read HH:MM:SS."""
    part = pl.col(column).str.split(":").list
    return sum((part.get(i).cast(pl.Int32) * unit for i, unit in enumerate((3_600, 60, 1))), pl.lit(0))


def by_kernel(fleet: Fleet, as_of: int) -> NDArray[np.int64]:
    """Return the figures of all stores: [stores, windows, (up, down, open)]."""
    offset_spans.cache_clear()
    schedules = distinct_schedules(*fleet.hours, zone_of_store=fleet.zone_of_store)
    return figures_of(fleet.polls, schedules, as_of)


def figures_of(polls: Polls, schedules: Schedules, as_of: int) -> NDArray[np.int64]:
    """Return the figures of the stores of some polls."""
    totals = tally(
        polls,
        schedules,
        as_of=as_of,
        carry=DEFAULT_CARRY,
        policy=Policy.HOURLY_MAJORITY,
        edges=np.array([[as_of - length] for length in (*WINDOWS.values(), 0)]),
    )
    return totals[:, -1:] - totals[:, :-1]


def by_kernel_on_all_cores(fleet: Fleet, as_of: int) -> NDArray[np.int64]:
    """Return the same, each core at work on a range of the stores, as slices of a report are."""
    offset_spans.cache_clear()
    schedules = distinct_schedules(*fleet.hours, zone_of_store=fleet.zone_of_store)
    cores = len(os.sched_getaffinity(0))
    bounds = np.linspace(0, len(fleet.names), cores + 1).astype(int).tolist()

    def part(low: int, high: int) -> NDArray[np.int64]:
        mine = fleet.polls.take(np.flatnonzero((fleet.polls.store >= low) & (fleet.polls.store < high)))
        return figures_of(
            replace(mine, store=mine.store - low),
            replace(schedules, of_store=schedules.of_store[low:high]),
            as_of,
        )

    with ThreadPoolExecutor(cores) as pool:
        return np.concatenate(list(pool.map(part, bounds[:-1], bounds[1:])))


def by_loop(polls: pd.DataFrame, as_of: int, some: Sequence[str]) -> dict[str, int]:
    """Return the seconds of the last week that follow an active poll, as a loop over stores and polls."""
    begin, seconds = as_of - WEEK, {}
    for store in some:
        up, since, was_active = 0, begin, False
        mine = polls[polls["store_id"] == store].sort_values("second")
        for second, is_active in zip(mine["second"].tolist(), mine["active"].tolist(), strict=True):
            if second > begin:
                up += second - since if was_active else 0
                since = second
            was_active = is_active
        seconds[store] = up + (as_of - since if was_active else 0)
    return seconds


def by_reference(fleet: Fleet, as_of: int, some: pl.Series) -> NDArray[np.int64]:
    """Return the figures of some stores."""
    rows = reference.report(fleet.facts, Ask(as_of=as_of, carry=DEFAULT_CARRY, store_ids=tuple(some)))
    columns = [f"{kind}_seconds_last_{window}" for window in WINDOWS for kind in KINDS]
    return rows[columns].to_numpy().reshape(len(rows), len(WINDOWS), len(KINDS))


def check(figures: NDArray[np.int64], expected: NDArray[np.int64], what: str) -> None:
    """Stop if two engines differ."""
    wrong = np.count_nonzero((figures != expected).any(axis=(1, 2)))
    if figures.shape != expected.shape or wrong:
        raise SystemExit(f"kernel and {what} differ on {wrong} of {len(expected)} stores")


def main() -> None:
    """Check, measure, keep."""
    parser = argparse.ArgumentParser(description="The kernel against DuckDB, pandas, a loop.")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--reference-stores", type=int, default=60)
    options = parser.parse_args()
    folder = full_fleet("parquet")
    fleet, con = read(folder), duckdb_rules.connect()
    duckdb_rules.load(con, folder)
    as_of = duckdb_rules.newest(con)

    figures = by_kernel(fleet, as_of)
    duckdb_rules.run(con, as_of)
    table = con.sql("from result order by store").fetchnumpy()
    up, down, unknown = (
        np.stack([table[f"{kind}_{window}"] for window in WINDOWS], axis=1)
        for kind in ("up", "down", "unknown")
    )
    check(figures, np.stack((up, down, up + down + unknown), axis=2), "DuckDB")
    check(by_kernel_on_all_cores(fleet, as_of), figures, "the kernel on all cores")
    places = np.sort(np.random.default_rng(1).permutation(len(fleet.names))[: options.reference_stores])
    some = fleet.names.gather(places)
    mine = Fleet(**vars(fleet) | {"facts": only(fleet.facts, some)})
    check(figures[places], by_reference(mine, as_of, some), "the reference")

    costs = interleaved(
        {
            "kernel, 1 thread": partial(timed, partial(by_kernel, fleet, as_of)),
            "kernel, all cores": partial(timed, partial(by_kernel_on_all_cores, fleet, as_of)),
            "DuckDB, all cores": partial(timed, partial(duckdb_rules.run, con, as_of)),
        },
        options.rounds,
    )
    seconds = pl.col("at").to_physical() // MICROSECONDS
    loop = fleet.facts.polls.select(pl.col("store_id").cast(pl.String), "active", second=seconds)
    frame = pd.DataFrame({name: loop[name].to_numpy() for name in loop.columns})
    costs |= interleaved(
        {
            f"pandas, {len(some)} stores": partial(timed, partial(by_reference, mine, as_of, some)),
            f"loop, {len(some)} stores": partial(timed, partial(by_loop, frame, as_of, some.to_list())),
        },
        3,
    )
    kernel, cores, duckdb, pandas, looped = costs.values()
    one, one_looped = (median(each).cpu / len(some) for each in (pandas, looped))
    keep(
        "kernel",
        costs,
        [
            Target(
                what="kernel, polls a second of CPU",
                figure=len(fleet.polls) / median(kernel).cpu,
                limit=20e6,
                at_least=True,
            ),
            Target(
                what="on all cores, times as fast as DuckDB",
                figure=ratio(duckdb, cores),
                limit=10,
                at_least=True,
            ),
        ],
        polls=len(fleet.polls),
        stores=len(fleet.names),
        one_thread_times_as_fast_as_duckdb=round(ratio(duckdb, kernel), 2),
        loop_seconds_all_stores=round(one_looped * len(fleet.names), 1),
        times_as_fast_as_loop=round(one_looped * len(fleet.names) / median(kernel).cpu),
        pandas_seconds_all_stores=round(one * len(fleet.names), 1),
        times_as_fast_as_pandas=round(one * len(fleet.names) / median(kernel).cpu),
    )


def only(facts: Facts, stores: pl.Series) -> Facts:
    """Return the facts of some stores."""
    mine = pl.col("store_id").is_in(stores.implode())
    return facts.where(mine)


if __name__ == "__main__":
    main()
