"""The rules over generated fleets: kernel against reference, and what must not change a figure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from storewatch.checking import reference
from storewatch.domain.account import account
from storewatch.formats.csv import csv_bytes
from strategies import DAY, FIXED_ZONES, HOUR, SECOND, WEEK, Fleet, fleets, rows_of_seconds

if TYPE_CHECKING:
    from random import Random

    from storewatch.domain.facts import Facts
    from strategies import Poll

KINDS = ("uptime", "downtime", "unknown", "open")

Rows = dict[str, dict[str, int]]


def kernel_rows(facts: Facts, fleet: Fleet) -> pl.DataFrame:
    """Return the kernel's report on facts, asked as for the fleet, without what comes after R7."""
    return account(facts, fleet.ask).rows.select("store_id", *reference.figure_columns())


def reference_rows(facts: Facts, fleet: Fleet) -> pd.DataFrame:
    """Return the reference's report on facts, asked as for the fleet."""
    return reference.report(facts, fleet.ask)


def figures(fleet: Fleet) -> Rows:
    """Return the kernel's rows by store."""
    rows = kernel_rows(fleet.facts, fleet).to_dicts()
    return {row.pop("store_id"): row for row in rows}


@given(fleets())
def test_kernel_and_reference_agree_to_the_second_and_the_byte(fleet: Fleet) -> None:
    expected, found = reference_rows(fleet.facts, fleet), kernel_rows(fleet.facts, fleet)
    assert found.columns == list(expected.columns)
    assert found.to_dicts() == expected.to_dict("records")
    assert csv_bytes(found) == reference.export(expected)


@given(st.lists(rows_of_seconds(), max_size=5, unique_by=lambda row: row["store_id"]))
def test_any_seconds_are_written_as_the_same_bytes(rows: list[dict[str, object]]) -> None:
    columns = ["store_id", *reference.figure_columns()]
    frame = pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(columns[1:], "int64"))
    schema = {"store_id": pl.String, **dict.fromkeys(columns[1:], pl.Int64)}
    assert csv_bytes(pl.DataFrame(rows, schema=schema, orient="row")) == reference.export(frame)


@given(fleets(), st.randoms(use_true_random=False))
def test_shuffling_and_doubling_polls_changes_nothing(fleet: Fleet, random: Random) -> None:
    polls = list(fleet.polls) + [poll for poll in fleet.polls if random.random() < 0.5]
    random.shuffle(polls)
    assert figures(fleet.with_polls(polls)) == figures(fleet)


@given(fleets(zones=FIXED_ZONES), st.integers(-1_000, 5_000))
def test_shifting_everything_by_whole_weeks_changes_nothing(fleet: Fleet, number: int) -> None:
    fleet = replace(fleet, zones=dict.fromkeys(_ids(fleet), "UTC") | dict(fleet.zones))
    first = min([fleet.as_of * SECOND, *(at for _, at, _ in fleet.polls)]) // SECOND
    last = max([fleet.as_of * SECOND, *(at for _, at, _ in fleet.polls)]) // SECOND
    number = max(-(first // WEEK), min(number, (7_289_654_399 - last) // WEEK))
    assert figures(fleet.shifted(number * WEEK)) == figures(fleet)


@given(fleets())
def test_a_stores_row_does_not_depend_on_the_others(fleet: Fleet) -> None:
    together = figures(fleet)
    for store_id, row in together.items():
        assert figures(fleet.only(store_id)) == {store_id: row}
        asked = account(fleet.facts, replace(fleet.ask, store_ids=(store_id, "nobody"))).rows
        assert asked.select("store_id", *row).to_dicts() == [{"store_id": store_id, **row}]


@given(fleets())
def test_uptime_downtime_and_unknown_make_up_the_open_time(fleet: Fleet) -> None:
    for row in figures(fleet).values():
        for window, length in {"hour": HOUR, "day": DAY, "week": WEEK}.items():
            up, down, unknown, whole = (row[f"{kind}_seconds_last_{window}"] for kind in KINDS)
            assert min(up, down, unknown) >= 0
            assert up + down + unknown == whole <= length


@given(fleets())
def test_the_hour_is_inside_the_day_and_the_day_inside_the_week(fleet: Fleet) -> None:
    for row in figures(fleet).values():
        for kind in KINDS:
            hour, day, week = (row[f"{kind}_seconds_last_{window}"] for window in ("hour", "day", "week"))
            assert hour <= day <= week
            assert day - hour <= DAY - HOUR
            assert week - day <= WEEK - DAY


@given(fleets(full_hour=True))
def test_a_day_is_the_sum_of_its_24_hours_and_a_week_of_its_7_days(fleet: Fleet) -> None:
    whole = figures(fleet)
    hours = [figures(replace(fleet, as_of=fleet.as_of - n * HOUR)) for n in range(24)]
    days = [figures(replace(fleet, as_of=fleet.as_of - n * DAY)) for n in range(7)]
    for store_id, row in whole.items():
        for kind in KINDS:
            hour, day, week = (f"{kind}_seconds_last_{window}" for window in ("hour", "day", "week"))
            assert row[day] == sum(part[store_id][hour] for part in hours)
            assert row[week] == sum(part[store_id][day] for part in days)


@given(fleets())
def test_polls_outside_opening_hours_change_nothing(fleet: Fleet) -> None:
    counted = {
        (store.store_id, at) for store in reference.load(fleet.facts) for at in _inside(store, fleet.as_of)
    }
    inside = [poll for poll in fleet.polls if (poll[0], poll[1]) in counted]
    assert figures(fleet.with_polls(inside)) == figures(fleet)


@given(fleets(), st.integers(1, WEEK * SECOND), st.booleans())
def test_polls_after_the_as_of_change_nothing(fleet: Fleet, later: int, active: bool) -> None:  # noqa: FBT001
    future: list[Poll] = [(store_id, fleet.as_of * SECOND + later, active) for store_id in _ids(fleet)]
    assert figures(fleet.with_polls([*fleet.polls, *future])) == figures(fleet)


@given(fleets())
def test_ids_as_categories_give_the_same_rows(fleet: Fleet) -> None:
    facts = fleet.facts
    coded = replace(facts, polls=facts.polls.cast({"store_id": pl.Categorical}))
    assert kernel_rows(coded, fleet).equals(kernel_rows(facts, fleet))


def _ids(fleet: Fleet) -> list[str]:
    return [store.store_id for store in reference.load(fleet.facts)]


def _inside(store: reference.Store, as_of: int) -> list[int]:
    until = pd.Timestamp(as_of, unit="s", tz="UTC")
    polls = reference.distinct_polls(store.polls, until)
    spans = reference.clock_spans(store.zone, reference.days_of_interest(polls, until))
    rows = reference.opening_hours_utc(reference.weekly_hours(store.hours), spans)
    counted = reference.discard_outside(polls, reference.open_stretches(rows))
    return [int(at.timestamp()) * SECOND + at.microsecond for at in counted["at"]]
