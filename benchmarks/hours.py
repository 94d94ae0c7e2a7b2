"""The table of hours: the week of a fleet, from facts in memory to a Parquet file.

    python -m benchmarks.hours [--rounds 7]

Once as the fleet is, and once with all stores open all the time, which are 168 hours a store; at the end it
is checked that the hours add up to the report.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from benchmarks.fleets import full_fleet
from benchmarks.kernel import read
from benchmarks.measure import Target, interleaved, keep, median, timed

from storewatch.adapters.polls.given import GivenFacts
from storewatch.answering.answer import answer
from storewatch.answering.hours import open_hours
from storewatch.domain.ask import Ask
from storewatch.domain.instant import WEEK, as_of_from_newest
from storewatch.domain.uptime import store_names
from storewatch.formats.hours import writer_of

if TYPE_CHECKING:
    from storewatch.domain.facts import Facts

FIGURES = ("uptime", "downtime", "unknown", "open")


def write(facts: Facts, as_of: int, out: Path) -> None:
    """Write the hours of the last week."""
    with open_hours(GivenFacts(facts=facts), Ask(as_of=as_of), as_of - WEEK, as_of) as (_, parts):
        writer_of(out)(part.rows for part in parts)


def check(facts: Facts, as_of: int, out: Path) -> int:
    """Stop if hours and report differ; return how many rows there are."""
    hours, totals = pl.read_parquet(out), answer(GivenFacts(facts=facts), Ask(as_of=as_of)).totals()
    for figure in FIGURES:
        if hours[f"{figure}_seconds"].sum() != totals[f"{figure}_seconds_last_week"]:
            raise SystemExit(f"the hours do not add up to the report's {figure}")
    return hours.height


def main() -> None:
    """Measure, check, keep."""
    parser = argparse.ArgumentParser(description="Facts in memory → hours of the week as Parquet.")
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    facts = read(full_fleet("parquet")).facts
    named = replace(facts, stores=store_names(facts))
    always = replace(named, others={**facts.others, "hours": facts.hours.clear()})
    newest = facts.polls["at"].to_physical().max()
    assert isinstance(newest, int)  # noqa: S101 - of integers
    as_of = as_of_from_newest(newest)
    fleets = {"hours of the week": facts, "the same, always open": always}
    with tempfile.TemporaryDirectory() as scratch:
        outs = {name: Path(scratch) / f"{nth}.parquet" for nth, name in enumerate(fleets)}
        costs = interleaved(
            {
                name: partial(timed, partial(write, fleet, as_of, outs[name]))
                for name, fleet in fleets.items()
            },
            rounds,
        )
        rows = {name: check(fleet, as_of, outs[name]) for name, fleet in fleets.items()}
        sizes = {name: round(out.stat().st_size / 2**20, 1) for name, out in outs.items()}
    keep(
        "hours",
        costs,
        [
            Target(
                what="hours of a week, always open, to Parquet",
                figure=median(costs["the same, always open"]).wall,
                limit=1.5,
                unit="s",
            )
        ],
        polls=len(facts.polls),
        stores=len(store_names(facts)),
        rows=rows,
        mb=sizes,
    )


if __name__ == "__main__":
    main()
