"""The kernel on arrays in memory, against the rules in DuckDB and in plain pandas.

    python -m benchmarks.kernel [--rounds 15] [--reference-stores 60]

All three start from dense store numbers, instants, statuses, raw hours rows and zones; schedules are worked
out anew in each round, the zones' offsets too. The kernel has one thread, DuckDB all cores. First it is
checked that all say the same: kernel and DuckDB on all stores, the reference on some.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from benchmarks.baselines import duckdb_rules
from benchmarks.fleets import full_fleet
from benchmarks.measure import Target, interleaved, keep, median, ratio, timed

from storewatch.checking import reference
from storewatch.domain.ask import Ask, Policy
from storewatch.domain.facts import Facts
from storewatch.domain.instant import DEFAULT_CARRY, WINDOWS
from storewatch.domain.kernel import Polls, tally
from storewatch.domain.schedule import distinct_schedules
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
    totals = tally(
        fleet.polls,
        schedules,
        as_of=as_of,
        carry=DEFAULT_CARRY,
        policy=Policy.HOURLY_MAJORITY,
        edges=np.array([[as_of - length] for length in (*WINDOWS.values(), 0)]),
    )
    return totals[:, -1:] - totals[:, :-1]


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
    parser = argparse.ArgumentParser(description="The kernel against DuckDB and pandas.")
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
    places = np.sort(np.random.default_rng(1).permutation(len(fleet.names))[: options.reference_stores])
    some = fleet.names.gather(places)
    mine = Fleet(**vars(fleet) | {"facts": only(fleet.facts, some)})
    check(figures[places], by_reference(mine, as_of, some), "the reference")

    costs = interleaved(
        {
            "kernel, 1 thread": partial(timed, partial(by_kernel, fleet, as_of)),
            "DuckDB, all cores": partial(timed, partial(duckdb_rules.run, con, as_of)),
        },
        options.rounds,
    )
    costs |= interleaved(
        {f"pandas, {len(some)} stores": partial(timed, partial(by_reference, mine, as_of, some))}, 3
    )
    kernel, duckdb, pandas = costs.values()
    one = median(pandas).cpu / len(some)
    keep(
        "kernel",
        costs,
        [
            Target(
                what="kernel, polls a second",
                figure=len(fleet.polls) / median(kernel).wall,
                limit=18e6,
                at_least=True,
            ),
            Target(
                what="times as fast as DuckDB on all cores",
                figure=ratio(duckdb, kernel),
                limit=7,
                at_least=True,
            ),
        ],
        polls=len(fleet.polls),
        stores=len(fleet.names),
        pandas_seconds_all_stores=round(one * len(fleet.names), 1),
        times_as_fast_as_pandas=round(one * len(fleet.names) / median(kernel).cpu),
    )


def only(facts: Facts, stores: pl.Series) -> Facts:
    """Return the facts of some stores."""
    mine = pl.col("store_id").is_in(stores.implode())
    return facts.where(mine)


if __name__ == "__main__":
    main()
