"""Rows, units, rounding and totals (R7)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl
import pytest

from storewatch.checking import reference
from storewatch.domain.ask import Ask
from storewatch.domain.input import Input
from storewatch.errors import InputError
from storewatch.formats.report import Report
from storewatch.formats.rows import Rows

if TYPE_CHECKING:
    from pathlib import Path
from strategies import facts_of

AS_OF = 1_674_670_320  # 2023-01-25T18:12:00Z

HEADER = (
    "store_id,uptime_last_hour,uptime_last_day,uptime_last_week,"
    "downtime_last_hour,downtime_last_day,downtime_last_week,"
    "unknown_last_hour,unknown_last_day,unknown_last_week,"
    "open_last_hour,open_last_day,open_last_week,"
    "uptime_percent_last_hour,uptime_percent_last_day,uptime_percent_last_week"
)


def made(*rows: tuple[str, list[int]]) -> Report:
    """A report of rows as (id, [uptime, downtime, unknown, open] of hour, day and week)."""
    columns = {name: [figures[i] for _, figures in rows] for i, name in enumerate(reference.figure_columns())}
    schema = {"store_id": pl.String} | dict.fromkeys(reference.figure_columns(), pl.Int64)
    frame = pl.DataFrame({"store_id": [name for name, _ in rows]} | columns, schema=schema)
    made_of = Input.of(facts_of(), frame["store_id"], version="1", as_of=AS_OF)
    return Report(parts=Rows(frame), ask=Ask(as_of=AS_OF), made_of=made_of)


def line(report: Report) -> list[str]:
    return report.csv_bytes().decode().splitlines()[1].split(",")


def test_the_csv_begins_with_the_columns_of_the_first_version() -> None:
    assert made(("a", [0] * 12)).csv_bytes().decode().splitlines()[0] == HEADER


def test_durations_are_rounded_half_up_from_whole_seconds() -> None:
    cells = line(made(("a", [3, 0, 0, 3, 18, 0, 0, 18, 17, 0, 0, 17])))

    assert cells[1] == "0.05"  # 3 s = 0.05 min
    assert cells[2] == "0.01"  # 18 s = 0.005 h, half up
    assert cells[3] == "0.00"  # 17 s = 0.0047 h


def test_percentages_are_cut_and_never_rounded_up() -> None:
    cells = line(made(("a", [2, 1, 0, 3, 86_399, 1, 0, 86_400, 604_796, 4, 0, 604_800])))

    assert cells[13:] == ["66.66", "99.99", "99.99"]


def test_a_percentage_of_nothing_known_is_empty() -> None:
    assert line(made(("a", [0, 0, 3600, 3600] * 3)))[13:] == ["", "", ""]


@pytest.mark.parametrize(
    ("store_id", "cell"), [("a,b", '"a,b"'), ('a"b', '"a""b"'), ("007", "007"), ("ä ö", "ä ö")]
)
def test_ids_are_quoted_only_where_csv_needs_it(store_id: str, cell: str) -> None:
    assert made((store_id, [0] * 12)).csv_bytes().decode().splitlines()[1].startswith(f"{cell},0.00")


def test_every_kind_of_file_carries_the_same_rows(tmp_path: Path) -> None:
    report = made(("007", list(range(12))), ("8139926242460185114", [0] * 12))
    for ending in ("csv", "parquet", "json"):
        report.write(tmp_path / report.file_name(ending))

    assert pl.read_parquet(tmp_path / "storewatch-20230125T181200Z.parquet").equals(report.rows)
    objects = json.loads((tmp_path / "storewatch-20230125T181200Z.json").read_text())
    assert objects == report.rows.to_dicts()
    assert objects[0] == {"store_id": "007"} | dict(zip(reference.figure_columns(), range(12), strict=True))
    assert (tmp_path / "storewatch-20230125T181200Z.csv").read_bytes() == report.csv_bytes()
    assert report.to_pandas().to_dict("records") == objects


def test_a_file_of_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\.csv, \.parquet, \.json"):
        made().write(tmp_path / "report.ods")


def test_totals_are_sums_of_seconds_and_do_not_depend_on_rounding() -> None:
    report = made(("a", [1] * 12), ("b", [2] * 12))

    assert set(report.totals().values()) == {3}


def test_the_worst_stores_lost_most_open_time_and_none_without_downtime() -> None:
    week = {"a": 5, "b": 0, "c": 9, "d": 5}
    report = made(*((name, [0] * 9 + [down, 0, down]) for name, down in week.items()))

    assert report.worst(3)["store_id"].to_list() == ["c", "a", "d"]
    assert report.worst(9).height == 3


def test_a_report_without_rows_is_a_header() -> None:
    assert made().csv_bytes().decode() == HEADER + "\n"
    assert json.loads(made().json_bytes()) == []
