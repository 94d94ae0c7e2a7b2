"""`storewatch.report()`: frames in, a report out."""

from __future__ import annotations

import doctest
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import storewatch
from storewatch.entrypoints import library
from storewatch.errors import InputError, NoPollsError

# What is assumed is said each time; the tests that are about it ask for it.
pytestmark = pytest.mark.filterwarnings("ignore::storewatch.errors.StorewatchWarning")

POLLS = {
    "store_id": ["b", "a", "a"],
    "status": ["active", "inactive", "active"],
    "timestamp_utc": ["2023-01-25 11:05:00 UTC", "2023-01-25 10:10:00 UTC", "2023-01-25 11:40:00.5 UTC"],
}
HOURS = {"store_id": ["a"], "day": [2], "start_time_local": ["05:00"], "end_time_local": ["23:59"]}
ZONES = {"store_id": ["c"], "timezone_str": ["Asia/Beirut"]}
NOON = "2023-01-25T12:00:00Z"


def of_polls(**options: Any) -> storewatch.Report:
    return storewatch.report(pl.DataFrame(POLLS), **options)


def test_polars_pandas_and_arrow_frames_give_the_same_report() -> None:
    made = [
        storewatch.report(kind(POLLS), kind(HOURS), kind(ZONES), as_of=NOON)
        for kind in (pl.DataFrame, pd.DataFrame, pa.table)
    ]

    assert made[0].rows["store_id"].to_list() == ["a", "b", "c"]
    assert all(report.csv_bytes() == made[0].csv_bytes() for report in made)
    # Store a opens at 05:00 in Chicago, 11:00 UTC; its poll of 10:10 is discarded.
    assert made[0].rows["uptime_seconds_last_day"].to_list()[0] == 3600


def test_rows_are_added_up_by_a_label_and_stores_chosen_by_theirs() -> None:
    stores = {"store_id": ["a", "b", "c"], "store_name": ["", "", ""], "Brand": ["x", "x", ""]}
    given = {"zones": pl.DataFrame(ZONES), "stores": pl.DataFrame(stores), "as_of": NOON}
    groups = of_polls(by="brand", **given).groups
    assert groups is not None
    assert groups.select("brand", "stores", "no_verdict").rows() == [("", 1, 1), ("x", 2, 2)]
    assert of_polls(where={"brand": "x"}, **given).rows["store_id"].to_list() == ["a", "b"]
    assert of_polls(where={"BRAND": ["x", ""]}, **given).rows["store_id"].to_list() == ["a", "b", "c"]
    with pytest.raises(storewatch.NoStoreError, match="no store has brand y"):
        of_polls(where={"brand": ["y"]}, **given)


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


AN_INSTANT = [
    datetime(2023, 1, 25, 12, tzinfo=UTC),
    datetime(2023, 1, 25, 6, tzinfo=timezone(timedelta(hours=-6))),
    "2023-01-25T13:00:00+01:00",
    pd.Timestamp("2023-01-25 06:00", tz="America/Chicago"),
    pd.Timestamp(np.datetime64("2023-01-25T12:00:00", "ns"), tz="UTC"),
]


@pytest.mark.parametrize("as_of", AN_INSTANT, ids=repr)
def test_an_as_of_is_whatever_has_a_zone(as_of: datetime | str) -> None:
    assert of_polls(as_of=as_of).as_of == int(datetime(2023, 1, 25, 12, tzinfo=UTC).timestamp())


@pytest.mark.parametrize("as_of", [np.datetime64("2023-01-25T12:00:00"), date(2023, 1, 25), 1_674_648_000])
def test_an_as_of_that_can_have_no_zone_is_told_so(as_of: Any) -> None:
    with pytest.raises(InputError, match=f"a {type(as_of).__name__}, which has no time zone"):
        of_polls(as_of=as_of)


@pytest.mark.parametrize("carry", [timedelta(hours=1), "1h", "3600s"])
def test_a_carry_is_a_timedelta_or_text(carry: timedelta | str) -> None:
    """The poll of store b at 11:05 holds for its hour and for the next; at 13:00 it is older than an hour."""
    report = of_polls(as_of="2023-01-25T15:00:00Z", carry=carry, store_ids=["b"])

    assert report.rows["uptime_seconds_last_day"].to_list() == [7200]


def test_a_carry_of_none_never_ends() -> None:
    year = "2024-01-25T12:00:00Z"

    assert of_polls(as_of=year, carry=None).csv_bytes() == of_polls(as_of=year, carry="none").csv_bytes()
    assert of_polls(as_of=year, carry=None).csv_bytes() != of_polls(as_of=year).csv_bytes()


@pytest.mark.parametrize(
    "carry", [7, timedelta(seconds=-1), timedelta(microseconds=1), timedelta.max, "week"]
)
def test_a_carry_that_is_none_of_these_is_an_error_that_says_what_to_give(carry: Any) -> None:
    with pytest.raises(InputError, match=r"7d|none"):
        of_polls(carry=carry)


@pytest.mark.parametrize(
    ("store_ids", "said"),
    [("b", r"one text: give a list of ids, \['b'\]"), ([7], "7, a int: an id is text, to the letter: '7'")],
)
def test_ids_that_are_no_list_of_texts_are_an_error(store_ids: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        of_polls(store_ids=store_ids)


def test_ids_come_from_any_column_of_text() -> None:
    for column in (pd.Series(["b"]), pl.Series(["b"]), np.array(["b"]), (each for each in "b")):
        assert of_polls(as_of=NOON, store_ids=column).rows["store_id"].to_list() == ["b"]


def test_ids_that_nothing_names_are_a_warning_and_an_attribute() -> None:
    with pytest.warns(storewatch.StorewatchWarning, match="no input names nobody"):
        report = of_polls(as_of=NOON, store_ids=["nobody", "b", "nobody"])

    assert report.strangers == ("nobody",)


def test_rejects_are_counted_by_reason_in_the_warning_and_the_report() -> None:
    polls = pl.DataFrame(POLLS | {"status": ["closed", "closed", "active"]})
    with pytest.warns(storewatch.StorewatchWarning, match=r"2 rows .*\(2 unknown status"):
        report = storewatch.report(polls, as_of=NOON)

    assert sum(report.reasons.values()) == 2
    assert of_polls(as_of=NOON).reasons == {}


def test_what_is_assumed_is_a_warning_each_and_an_attribute() -> None:
    with pytest.warns(storewatch.StorewatchWarning) as warned:
        report = storewatch.report(pl.DataFrame(POLLS), pl.DataFrame(HOURS), as_of=NOON)

    assert tuple(str(each.message) for each in warned) == report.notes
    assert "1 of 2 stores has no hours: counted as open all the time" in report.notes


def test_polls_that_are_none_are_an_error_that_says_what_to_give() -> None:
    with pytest.raises(InputError, match="give a frame of store_id, status, timestamp_utc"):
        storewatch.report(None, pl.DataFrame(HOURS), as_of=NOON)


def test_the_front_names_what_it_has_and_imports_it_when_it_is_asked_for() -> None:
    code = "import sys, storewatch as s; print(dir(s), 'polars' in sys.modules, s.Report.__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    names = ("InputError", "NoPollsError", "Report", "StorewatchError", "StorewatchWarning", "report")
    assert all(f"'{name}'" in done.stdout for name in names)
    assert done.stdout.endswith("False Report\n")


def test_a_report_is_shown_in_a_line_and_the_package_is_typed() -> None:
    newest = "2023-01-25T11:40:00Z"  # and half a second

    assert repr(of_polls(as_of=NOON)) == f"Report(as_of={NOON}, stores=2, newest_poll={newest})"
    assert (Path(storewatch.__file__).parent / "py.typed").exists()


def test_no_polls_and_no_as_of_is_an_error() -> None:
    with pytest.raises(NoPollsError, match="as-of"):
        storewatch.report(pl.DataFrame(POLLS).clear())


def test_the_docstrings_examples_hold() -> None:
    assert doctest.testmod(library).failed == 0
