"""Frames of any library are checked as files are."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

import pandas as pd
import polars as pl
import pytest

from storewatch import ingest
from storewatch.errors import InputError
from storewatch.ingest.rejects import Reason

AT = datetime(2023, 1, 22, 12, 9, 39, 388_884, tzinfo=UTC)
NAIVE = AT.replace(tzinfo=None)
POLLS = {"store_id": ["007", "", "b"], "status": ["active", "active", "up"], "timestamp_utc": [NAIVE] * 3}
HOURS = {"store_id": ["007"], "dayOfWeek": [6], "start_time_local": ["9:00"], "end_time_local": [time(17)]}
ZONES = {"store_id": ["007"], "timezone_str": ["Asia/Beirut"]}


class Capsule:
    """Speaks the Arrow PyCapsule interface and nothing else."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self.frame = frame

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.frame.__arrow_c_stream__(requested_schema)


@pytest.mark.parametrize(
    "make", [pl.DataFrame, pl.LazyFrame, pd.DataFrame, lambda data: Capsule(pl.DataFrame(data))]
)
def test_frames_of_every_library_give_the_same(make: Any) -> None:
    reading = ingest.from_frames(make(POLLS), make(HOURS), make(ZONES))
    assert reading.facts.polls["store_id"].cast(pl.String).to_list() == ["007"]
    assert reading.facts.polls["at"].to_list() == [AT]
    assert reading.facts.hours.rows() == [("007", 6, 9 * 3600, 17 * 3600)]
    assert reading.facts.zones.rows() == [("007", "Asia/Beirut")]
    assert reading.rejects.drop("value").rows() == [
        ("polls", 2, Reason.NO_ID.text, ",active,2023-01-22 12:09:39.388884", "polls"),
        ("polls", 3, Reason.STATUS.text, "b,up,2023-01-22 12:09:39.388884", "polls"),
    ]


def test_hours_and_zones_may_be_missing() -> None:
    facts = ingest.from_frames(pl.DataFrame(POLLS)).facts
    assert (len(facts.hours), len(facts.zones)) == (0, 0)


def test_stamps_as_text_are_read_as_in_files() -> None:
    frame = pd.DataFrame({"store_id": ["a"] * 3, "status": ["active"] * 3})
    frame["timestamp_utc"] = ["2023-01-22 12:09:39.388884 UTC", "2023-01-22T14:09:39.388884+02", None]
    reading = ingest.from_frames(frame)
    assert reading.facts.polls["at"].to_list() == [AT, AT]
    assert reading.rejects["line"].to_list() == [3]


def test_zoned_columns_of_pandas_are_the_instants_that_they_are() -> None:
    frame = pd.DataFrame(POLLS | {"timestamp_utc": [AT, None, None]})
    frame["timestamp_utc"] = frame["timestamp_utc"].dt.tz_convert("Asia/Beirut")
    assert ingest.from_frames(frame).facts.polls["at"].to_list() == [AT]


def test_whole_number_ids_become_text() -> None:
    for numbers in ([7, 2**63], pd.array([7, 2**62], dtype="Int64")):
        frame = pd.DataFrame({"store_id": numbers, "timezone_str": ["UTC", "UTC"]})
        reading = ingest.from_frames(pl.DataFrame(POLLS), zones=frame)
        assert reading.facts.zones["store_id"].to_list() == [f"{number}" for number in numbers]


@pytest.mark.parametrize("make", [pl.DataFrame, pd.DataFrame])
def test_float_ids_are_an_error(make: Any) -> None:
    with pytest.raises(InputError, match="zones: column store_id is Float64"):
        ingest.from_frames(pl.DataFrame(POLLS), zones=make({"store_id": [1.0], "timezone_str": ["UTC"]}))


def test_a_day_column_of_floats_is_read_where_the_days_are_whole() -> None:
    hours = pl.DataFrame(HOURS | {"start_time_local": ["9:00"], "end_time_local": ["17:00"]})
    days = pl.DataFrame({"dayOfWeek": [6.0, 1.5, None]})
    reading = ingest.from_frames(pl.DataFrame(POLLS), pl.concat([hours.drop("dayOfWeek")] * 3).hstack(days))
    assert reading.facts.hours["day"].to_list() == [6]
    assert reading.tainted["hours"]["store_id"].to_list() == ["007"]


@pytest.mark.parametrize("make", [pl.DataFrame, pd.DataFrame])
def test_frames_without_rows_or_without_values_are_no_errors(make: Any) -> None:
    for cells in ([], [None]):
        polls, hours = ({name: list(cells) for name in columns} for columns in (POLLS, HOURS))
        assert len(ingest.from_frames(make(polls), make(hours)).rejects) == 2 * len(cells)


def test_ids_as_bytes_are_text_where_they_are_utf8() -> None:
    reading = ingest.from_frames(pl.DataFrame(POLLS | {"store_id": [b"caf\xc3\xa9", b"\xff", None]}))
    assert reading.stores.to_list() == ["café"]
    assert reading.rejects["row"].to_list()[0].startswith("\\xff,active")


def test_missing_columns_are_named_with_those_found() -> None:
    with pytest.raises(
        InputError, match=r"hours: columns found: store_id, timezone_str; wanted.*day or dayOfWeek"
    ):
        ingest.from_frames(pl.DataFrame(POLLS), pl.DataFrame(ZONES))


def test_what_is_no_frame_is_an_error() -> None:
    with pytest.raises(InputError, match="a list is no frame"):
        ingest.from_frames([1, 2])
