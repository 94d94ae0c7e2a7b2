"""`storewatch.report()`: frames in, a report out."""

from __future__ import annotations

import doctest
from datetime import UTC, datetime

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import storewatch
from storewatch.entrypoints import library
from storewatch.errors import InputError, NoPollsError

POLLS = {
    "store_id": ["b", "a", "a"],
    "status": ["active", "inactive", "active"],
    "timestamp_utc": ["2023-01-25 11:05:00 UTC", "2023-01-25 10:10:00 UTC", "2023-01-25 11:40:00.5 UTC"],
}
HOURS = {"store_id": ["a"], "day": [2], "start_time_local": ["05:00"], "end_time_local": ["23:59"]}
ZONES = {"store_id": ["c"], "timezone_str": ["Asia/Beirut"]}
NOON = "2023-01-25T12:00:00Z"


def test_polars_pandas_and_arrow_frames_give_the_same_report() -> None:
    made = [
        storewatch.report(kind(POLLS), kind(HOURS), kind(ZONES), as_of=NOON)
        for kind in (pl.DataFrame, pd.DataFrame, pa.table)
    ]

    assert made[0].rows["store_id"].to_list() == ["a", "b", "c"]
    assert all(report.csv_bytes() == made[0].csv_bytes() for report in made)
    # Store a opens at 05:00 in Chicago, 11:00 UTC; its poll of 10:10 is discarded.
    assert made[0].rows["uptime_seconds_last_day"].to_list()[0] == 3600


def test_the_newest_poll_rounded_up_is_the_as_of_unless_given() -> None:
    report = storewatch.report(pl.DataFrame(POLLS))

    assert report.as_of == int(datetime(2023, 1, 25, 11, 40, 1, tzinfo=UTC).timestamp())


def test_naive_datetimes_are_utc_in_columns_and_refused_as_as_of() -> None:
    stamps = [datetime(2023, 1, 25, 11, 5)]  # noqa: DTZ001 - what this is about
    polls = pl.DataFrame({"store_id": ["a"], "status": ["active"], "timestamp_utc": stamps})

    assert storewatch.report(polls, as_of=NOON).rows["uptime_seconds_last_hour"].to_list() == [3600]
    with pytest.raises(InputError, match="time zone"):
        storewatch.report(polls, as_of=datetime(2023, 1, 25, 12))  # noqa: DTZ001 - what this is about


def test_rows_that_cannot_be_used_are_left_out_counted_in_a_warning_and_kept() -> None:
    polls = pl.DataFrame(POLLS | {"status": ["active", "inactive", "closed"]})
    with pytest.warns(UserWarning, match="1 rows"):
        report = storewatch.report(polls, as_of=NOON)

    assert report.rejects is not None
    assert report.rejects["line"].to_list() == [3]


def test_ids_of_whole_numbers_become_text_and_of_floats_are_refused() -> None:
    polls = pd.DataFrame(POLLS | {"store_id": [8139926242460185114, 7, 7]})

    assert storewatch.report(polls, as_of=NOON).rows["store_id"].to_list() == ["7", "8139926242460185114"]
    with pytest.raises(InputError, match="store_id"):
        storewatch.report(polls.assign(store_id=[1.5, 2.0, 2.0]), as_of=NOON)


def test_only_the_stores_asked_for_have_rows_but_the_as_of_is_the_fleets() -> None:
    report = storewatch.report(pl.DataFrame(POLLS), store_ids=["b", "nobody"])

    assert report.rows["store_id"].to_list() == ["b"]
    assert report.as_of == int(datetime(2023, 1, 25, 11, 40, 1, tzinfo=UTC).timestamp())


def test_no_polls_and_no_as_of_is_an_error() -> None:
    with pytest.raises(NoPollsError, match="as-of"):
        storewatch.report(pl.DataFrame(POLLS).clear())


def test_the_docstrings_examples_hold() -> None:
    assert doctest.testmod(library).failed == 0
