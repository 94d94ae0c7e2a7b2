"""The made fleet has the shape of the real one, as ratios on a fleet of moderate size."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from storewatch import sample
from storewatch.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

STORES = 2_000
SCALE = STORES / 14_092


@cache
def fleet() -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    return sample.fleet(stores=STORES, days=7.8, seed=7)


@cache
def polls() -> pl.DataFrame:
    text = pl.col("timestamp_utc")
    return fleet()[0].with_columns(at=text.str.to_datetime("%Y-%m-%d %H:%M:%S%.f UTC", time_unit="us"))


def store_days() -> pl.DataFrame:
    return fleet()[1].group_by("store_id", "day").len()


def share(column: pl.Series, value: str) -> float:
    return int((column == value).sum()) / len(column)


def test_the_same_arguments_make_the_same_fleet() -> None:
    one, two = (sample.fleet(stores=50, days=2, seed=3) for _ in range(2))
    for frame, same in zip(one, two, strict=True):
        assert_frame_equal(frame, same)


def test_another_seed_makes_another_fleet() -> None:
    one, two = (sample.fleet(stores=50, days=2, seed=seed) for seed in (3, 4))
    assert not set(one[0]["store_id"]) & set(two[0]["store_id"])


def test_the_columns_are_those_of_an_export() -> None:
    given, hours, zones = fleet()
    assert given.schema == {"store_id": pl.String, "status": pl.String, "timestamp_utc": pl.String}
    clock = {"start_time_local": pl.String, "end_time_local": pl.String}
    assert hours.schema == {"store_id": pl.String, "day": pl.Int64, **clock}
    assert zones.schema == {"store_id": pl.String, "timezone_str": pl.String}


def test_a_store_has_about_129_polls() -> None:
    assert len(fleet()[0]) == pytest.approx(1_822_080 * SCALE, rel=0.01)
    assert fleet()[0]["store_id"].n_unique() == STORES


def test_who_has_hours_and_zones_is_as_in_the_real_fleet() -> None:
    polled, scheduled, zoned = (set(frame["store_id"]) for frame in fleet())
    assert len(scheduled) == pytest.approx(11_116 * SCALE, abs=2)
    assert len(zoned) == pytest.approx(13_559 * SCALE, abs=2)
    assert len(polled - zoned) == pytest.approx(644 * SCALE, abs=2)
    assert len(polled - scheduled) == pytest.approx(3_094 * SCALE, abs=2)
    assert len(scheduled - polled) == pytest.approx(118 * SCALE, abs=2)


def test_zones_are_mixed_as_in_the_real_fleet() -> None:
    zones = fleet()[2]["timezone_str"]
    for zone, count in (("New_York", 8_191), ("Los_Angeles", 3_224), ("Chicago", 1_517), ("Phoenix", 418)):
        assert share(zones, f"America/{zone}") == pytest.approx(count / 13_559, abs=0.002)


def test_rarest_zones_are_there_at_full_size() -> None:
    zones = sample.fleet(stores=14_092, days=0.1, seed=1)[2]
    assert zones.height == 13_559
    assert zones["timezone_str"].n_unique() == 11
    assert "Asia/Beirut" in zones["timezone_str"]


def test_hours_rows_and_days_are_as_in_the_real_fleet() -> None:
    rows = store_days()["len"]
    assert rows.sum() == pytest.approx(86_198 * SCALE, rel=0.02)
    assert (rows > 1).sum() == pytest.approx(11_674 * SCALE, rel=0.03)
    assert rows.max() == 3
    days = store_days().group_by("store_id").len()["len"]
    assert (days < 7).sum() == pytest.approx(2_066 * SCALE, rel=0.03)


def test_days_end_at_the_last_minute_or_second_as_often_as_in_the_real_fleet() -> None:
    ends = fleet()[1]["end_time_local"]
    assert share(ends, "23:59:59") == pytest.approx(0.16, abs=0.02)
    assert share(ends, "23:59:00") == pytest.approx(0.15, abs=0.02)


def test_a_row_never_runs_past_midnight() -> None:
    hours = fleet()[1]
    assert (hours["start_time_local"] < hours["end_time_local"]).all()


def test_a_night_goes_on_in_a_row_of_the_next_day() -> None:
    hours = fleet()[1]
    tails = hours.filter(pl.col("start_time_local") == "00:00:00", pl.col("end_time_local") < "06:00:00")
    late = hours.filter(pl.col("end_time_local") >= "23:59:00").select(
        "store_id", day=(pl.col("day") + 1) % 7
    )
    assert len(tails) == pytest.approx(10_500 * SCALE, rel=0.05)
    assert tails.join(late, on=["store_id", "day"], how="anti").is_empty()


def test_rows_of_one_day_do_not_overlap() -> None:
    ordered = fleet()[1].sort("store_id", "day", "start_time_local")
    before = pl.col("end_time_local").shift().over("store_id", "day")
    assert ordered.filter(before > pl.col("start_time_local")).is_empty()


def test_there_are_few_distinct_schedules() -> None:
    hours, zones = fleet()[1:]
    row = pl.format("{} {}-{}", "day", "start_time_local", "end_time_local")
    weeks = (
        hours.group_by("store_id").agg(week=row.sort().str.join("|")).join(zones, on="store_id", how="left")
    )
    assert 200 < weeks.select("week", "timezone_str").n_unique() < 600


def test_downtime_comes_in_runs() -> None:
    down = polls().sort("store_id", "at").select("store_id", down=pl.col("status") == "inactive")
    runs = down.select(
        (pl.col("down") & ~pl.col("down").shift(fill_value=False).over("store_id")).sum()
    ).item()
    assert down["down"].mean() == pytest.approx(0.069, abs=0.012)
    assert down["down"].sum() / runs > 2


def test_some_stores_are_down_for_good() -> None:
    last = polls().sort("at").group_by("store_id").agg(pl.col("status").tail(30))
    assert (
        0
        < last.filter(
            pl.col("status").list.n_unique() == 1, pl.col("status").list.first() == "inactive"
        ).height
        < 40
    )


def test_some_stores_begin_in_mid_window() -> None:
    first = polls().group_by("store_id").agg(pl.col("at").min())["at"]
    late = first > first.min() + pl.Series([24 * 3_600_000_000]).cast(pl.Duration("us"))
    assert 10 < late.sum() < 80


def test_some_hours_hold_more_than_one_poll() -> None:
    cells = polls().group_by("store_id", pl.col("at").dt.truncate("1h")).len()["len"]
    assert (cells > 1).mean() == pytest.approx(0.027, abs=0.005)
    assert cells.max() in {3, 4, 5}


def test_a_poll_in_a_thousand_is_doubled_and_a_quarter_of_those_contradict() -> None:
    doubles = polls().group_by("store_id", "at").agg(pl.len(), states=pl.col("status").n_unique())
    doubles = doubles.filter(pl.col("len") > 1)
    assert len(doubles) == pytest.approx(len(polls()) / 1_000, rel=0.25)
    assert (doubles["states"] > 1).mean() == pytest.approx(0.25, abs=0.1)


def test_stamps_are_written_as_the_export_writes_them() -> None:
    stamps = fleet()[0]["timestamp_utc"]
    assert stamps.str.contains(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{0,5}[1-9])? UTC$").all()
    assert (~stamps.str.contains(".", literal=True)).sum() > 50


def test_polls_are_in_no_order() -> None:
    stamps = polls()["at"]
    assert (stamps.diff().dt.total_microseconds() < 0).mean() == pytest.approx(0.5, abs=0.01)


def test_most_ids_have_19_digits_and_some_have_fewer() -> None:
    digits = fleet()[0]["store_id"].unique().str.len_chars()
    assert (digits == 19).mean() == pytest.approx(0.89, abs=0.03)
    assert (digits < 19).any()


def test_the_newest_poll_lies_in_the_second_before_the_end() -> None:
    end = int(datetime(2024, 3, 10, 9, tzinfo=UTC).timestamp())
    made = sample.fleet(stores=20, days=3, seed=1, end=end)[0]
    assert made["timestamp_utc"].max() == "2024-03-10 08:59:59.47922 UTC"
    assert str(made["timestamp_utc"].min()) > "2024-03-07 09:00:00"


def test_one_store_is_a_fleet() -> None:
    made, hours, zones = sample.fleet(stores=1, days=1, seed=1)
    assert made["store_id"].n_unique() == 1
    assert len(zones) <= 1
    assert hours["store_id"].n_unique() <= 1


@pytest.mark.parametrize(("stores", "days"), [(0, 1.0), (5, 0.0), (5, -1.0), (5, float("nan"))])
def test_no_stores_or_no_days_are_refused(stores: int, days: float) -> None:
    with pytest.raises(InputError, match="ask for at least one"):
        sample.fleet(stores=stores, days=days, seed=1)


def test_written_files_hold_the_fleet(tmp_path: Path) -> None:
    sample.write(tmp_path / "new", stores=30, days=1, seed=5)
    made = sample.fleet(stores=30, days=1, seed=5)
    for name, frame in zip(("store_status", "menu_hours", "timezones"), made, strict=True):
        assert_frame_equal(pl.read_csv(tmp_path / "new" / f"{name}.csv", schema=frame.schema), frame)


def test_parquet_holds_the_same_instants_typed(tmp_path: Path) -> None:
    sample.write(tmp_path, stores=30, days=1, seed=5, parquet=True)
    typed = pl.read_parquet(tmp_path / "store_status.parquet")
    text = sample.fleet(stores=30, days=1, seed=5)[0]["timestamp_utc"]
    assert typed.schema["timestamp_utc"] == pl.Datetime("us", "UTC")
    parsed = text.str.to_datetime("%Y-%m-%d %H:%M:%S%.f UTC", time_unit="us", time_zone="UTC")
    assert typed["timestamp_utc"].equals(parsed)


def test_existing_files_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "timezones.csv").write_text("mine")
    with pytest.raises(InputError, match=r"timezones\.csv is there already"):
        sample.write(tmp_path, stores=5, days=1, seed=1)
    assert [path.name for path in tmp_path.iterdir()] == ["timezones.csv"]
