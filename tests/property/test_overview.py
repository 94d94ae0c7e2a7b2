"""What the pages show of a fleet adds up to its report, to the second, and agrees with its hours."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from fleets import WholeFleet, whole_fleets
from storewatch.adapters.polls.given import GivenFacts
from storewatch.answering.answer import answer
from storewatch.answering.overview import overview
from storewatch.domain.account import account
from storewatch.domain.hours import hour_facts
from storewatch.domain.zone import wall_clock
from strategies import HOUR, WEEK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storewatch.domain.ask import Ask
    from storewatch.formats.overview import Overview

GROUP = ["label", "value"]
FIGURES = ("open", "downtime", "unknown", "excluded", "measured")
OTHERS = {  # letters by what an hour has beside the status of theirs: down, not measured
    (False, False): {},
    (True, False): str.maketrans("?Uxu", "qVyv"),
    (False, True): str.maketrans("Ux", "Wz"),
    (True, True): str.maketrans("D?Uxu", "EqYkv"),
}


@settings(max_examples=settings().max_examples // 2)
@given(whole_fleets(max_stores=4), st.integers(1, 3))
def test_it_adds_up_to_the_report_and_agrees_with_its_hours_however_it_is_sliced(
    fleet: WholeFleet, slices: int
) -> None:
    ask = replace(fleet.ask, windows=("hour", "day", "week"))
    source, begin = GivenFacts(facts=fleet.facts), ask.instant - WEEK
    found = overview(source, ask, slices=slices)
    rows = pl.concat(answer(source, ask).parts)
    assert found.stores["store_id"].equals(rows["store_id"])
    zones = dict(found.stores.select("store_id", "timezone_str").iter_rows())
    hours = hour_facts(fleet.facts, ask, begin, ask.instant)
    assert found.stores["week"].to_list() == [
        week_of(hours.filter(pl.col("store_id") == name), ask) for name in zones
    ]
    assert_sums(found, rows, hours, zones)
    assert_before(found, fleet, ask)


def week_of(rows: pl.DataFrame, ask: Ask) -> str:
    first = (ask.instant - WEEK) // HOUR
    letters = ["."] * (-(-ask.instant // HOUR) - first)
    for row in rows.with_columns(pl.col("hour").dt.epoch("s") // HOUR - first).to_dicts():
        letters[row["hour"]] = letter_of(row)
    return "".join(letters)


def letter_of(row: dict[str, Any]) -> str:
    """Return the letter of the status with most seconds, a small one where they are carried.

    Others take its place in hours with some seconds down, or not measured, that it does not tell of.
    """
    seconds = {
        "D": row["downtime_seconds"],
        "?": row["unknown_seconds"],
        "U": row["uptime_seconds"],
        "x": row["excluded_seconds"],
    }
    letter = max(seconds, key=lambda each: seconds[each])
    known = {
        "U": row["low_seconds"],
        "D": row["open_seconds"] - row["excluded_seconds"] - row["high_seconds"],
    }
    carried = seconds[letter] - known.get(letter, seconds[letter])
    assert row["how"] == "carried" or not carried
    is_down = row["downtime_seconds"] > 0
    is_unmeasured = row["open_seconds"] - row["excluded_seconds"] > row["measured_seconds"]
    own = letter.lower() if 2 * carried > seconds[letter] else letter
    return own.translate(OTHERS[is_down, is_unmeasured])


def assert_sums(found: Overview, rows: pl.DataFrame, hours: pl.DataFrame, zones: dict[str, str]) -> None:
    """Hold the sums against the report, and each cell against the wall clocks of its stores."""
    members = pl.concat(members_of(found.stores))
    of_week = members.join(rows, on="store_id").filter(pl.col("open_seconds_last_week") > 0)
    wanted = of_week.group_by(GROUP).agg(
        pl.col(f"{name}_seconds_last_week").sum().alias(name) for name in FIGURES
    )
    of_hours = members.join(hours, on="store_id").with_columns(pl.col("hour").dt.epoch("s"))
    for clock in ("utc", "local"):
        sums = found.hours.filter(pl.col("clock") == clock).drop("clock")
        assert same(sums.group_by(GROUP).agg(pl.col(FIGURES).sum()), wanted, GROUP)
        cells = [
            cell_of("UTC" if clock == "utc" else zones[name], at)
            for name, at in of_hours.select("store_id", "hour").iter_rows()
        ]
        by_cell = of_hours.with_columns(cell=pl.Series(cells, dtype=pl.Int64)).group_by(*GROUP, "cell")
        assert same(
            sums,
            by_cell.agg(pl.col(f"{name}_seconds").sum().alias(name) for name in FIGURES),
            [*GROUP, "cell"],
        )


def members_of(stores: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Yield who is in which group."""
    yield stores.select("store_id", label=pl.lit(""), value=pl.lit(""))
    for name in stores.columns:
        if name.startswith("label:"):
            yield stores.select(
                "store_id", label=pl.lit(name.removeprefix("label:")), value=name
            ).drop_nulls()


def same(one: pl.DataFrame, other: pl.DataFrame, by: list[str]) -> bool:
    return one.sort(by).equals(other.sort(by))


def cell_of(zone: str, at: int) -> int:
    local = wall_clock(zone, at)
    return local.weekday() * 24 + local.hour


def assert_before(found: Overview, fleet: WholeFleet, ask: Ask) -> None:
    """Hold what there was before against reports."""
    compared = account(fleet.facts, replace(ask, compare=True)).rows
    names = [
        f"{figure}_seconds_last_{name}_before"
        for figure in ("uptime", "downtime", "unknown", "open", "excluded")
        for name in ("hour", "day", "week")
    ]
    assert found.stores.select(names).equals(compared.select(names))
    if ask.instant >= WEEK:
        earlier = account(fleet.facts, ask.at(ask.instant - WEEK)).rows
        was = found.stores.select(state="state_before", is_closed="is_closed_before")
        assert was.equals(earlier.select("state", "is_closed"))
