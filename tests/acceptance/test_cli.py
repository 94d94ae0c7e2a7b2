"""The command line, as a real process under a zone that is not UTC."""

from __future__ import annotations

import csv
import gzip
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import polars as pl
import pytest

if TYPE_CHECKING:
    from pathlib import Path

POLLS = """store_id,status,timestamp_utc
a,active,2023-01-25 11:05:00.123456 UTC
b,inactive,2023-01-25T11:10:00Z
a,inactive,2023-01-25 10:10:00 UTC
007,active,2023-01-25 12:00:00+01:00
"""
HOURS = """\ufeffstore_id,dayOfWeek,start_time_local,end_time_local,note
a,2,05:00:00,23:59:00,Wednesdays
"""
ZONES = "store_id,timezone_str\nb,America/New_York\n"


@pytest.fixture(name="data")
def _data(tmp_path: Path) -> Path:
    folder = tmp_path / "my files"
    folder.mkdir()
    (folder / "store status.csv").write_text(POLLS)
    (folder / "Menu hours.csv").write_text(HOURS)
    (folder / "bq-results-20230125-1.csv.gz").write_bytes(gzip.compress(ZONES.encode()))
    return folder


def run(*arguments: object, home: Path, code: int = 0) -> tuple[str, str]:
    """Run a command; return stdout and stderr."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("STOREWATCH_")}
    done = subprocess.run(
        [sys.executable, "-m", "storewatch.entrypoints.cli", *map(str, arguments)],
        env=environment | {"STOREWATCH_HOME": str(home), "TZ": "Asia/Kathmandu"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == code, done.stderr
    return done.stdout, done.stderr


def test_a_folder_becomes_a_csv_in_a_pipe(data: Path, tmp_path: Path) -> None:
    out, err = run("report", "--data", data, home=tmp_path)
    rows = list(csv.DictReader(out.splitlines()))

    assert [row["store_id"] for row in rows] == ["007", "a", "b"]
    assert rows[1]["uptime_last_hour"] == "10.00"  # from 10:10 to 11:10 UTC; store a opens at 11:00 UTC
    assert "as of 2023-01-25T11:10:00Z" in err
    assert "stores" in err
    assert not (tmp_path / "storewatch-data").exists()


def test_the_as_of_carry_and_stores_are_options(data: Path, tmp_path: Path) -> None:
    options = ["--as-of", "2023-01-25T14:00:00Z", "--carry", "1h", "--store", "b", "--store", "x"]
    out, err = run("report", "--data", data, *options, home=tmp_path)
    (row,) = csv.DictReader(out.splitlines())

    assert (row["store_id"], row["downtime_last_day"], row["unknown_last_hour"]) == ("b", "2.00", "60.00")
    assert "no input names the store x" in err


def test_the_policy_reaches_report_verify_and_explain(data: Path, tmp_path: Path) -> None:
    """R15: store a opens at 11:00 and is first seen at 11:05:00.123456, store b at 11:10, the as-of."""
    policy = ["--data", data, "--policy", "last-observation"]
    by_kernel, _ = run("report", *policy, home=tmp_path)
    rows = list(csv.DictReader(by_kernel.splitlines()))
    figures = [(row["uptime_last_hour"], row["downtime_last_hour"], row["unknown_last_hour"]) for row in rows]
    verified, _ = run("verify", data, *policy[2:], home=tmp_path)
    explained, _ = run("explain", "a", *policy, "--window", "hour", home=tmp_path)

    assert figures == [("10.00", "0.00", "50.00"), ("5.00", "0.00", "5.00"), ("0.00", "0.00", "60.00")]
    assert run("report", *policy, "--engine", "pandas", home=tmp_path)[0] == by_kernel
    assert "agree" in verified
    assert "up 0:05:00, down 0:00:00, unknown 0:05:00 of 0:10:00 open" in explained
    assert "up: the poll of 05:05 is active, R15" in explained


def test_other_windows_take_the_place_of_the_three(data: Path, tmp_path: Path) -> None:
    span = "2023-01-25T11:00:00Z/2023-01-25T12:00:00Z"
    options = ["--data", data, "--window", "2h", "--window", span, "--compare"]
    by_kernel, said = run("report", *options, home=tmp_path)
    row = next(row for row in csv.DictReader(by_kernel.splitlines()) if row["store_id"] == "a")

    assert "as of 2023-01-25T12:00:00Z" in said  # the later of the window's end and the newest poll's, 11:10
    assert list(row)[1:3] == ["uptime_2h", "uptime_window"]
    assert list(row)[-2:] == ["measured_percent_2h_before", "measured_percent_window_before"]
    assert (row["uptime_2h"], row["uptime_window"], row["open_window_before"]) == ("1.00", "1.00", "0.00")
    assert run("report", *options, "--engine", "pandas", home=tmp_path)[0] == by_kernel


def test_out_writes_the_kind_that_its_ending_names(data: Path, tmp_path: Path) -> None:
    for ending in ("csv", "parquet", "json"):
        run("report", "--data", data, "--out", tmp_path / f"r.{ending}", home=tmp_path)

    rows = json.loads((tmp_path / "r.json").read_text())
    since = pl.col("since").dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert rows == pl.read_parquet(tmp_path / "r.parquet").with_columns(since).to_dicts()
    assert (tmp_path / "r.csv").read_text() == run("report", "--data", data, home=tmp_path)[0]


@pytest.mark.parametrize(
    "wrong",
    [
        ["--as-of", "2023-01-25T14:00:00"],
        ["--as-of", "2023-01-25T14:00:00.5Z"],
        ["--carry", "7"],
        ["--policy", "majority"],
        ["--window", "2w"],
        ["--window", "day", "--window", "day"],
        ["--out", "report.ods"],
        ["--out", "no/such/folder/r.csv"],
    ],
)
def test_a_wrong_option_is_a_usage_error_before_anything_is_read(
    wrong: list[str], data: Path, tmp_path: Path
) -> None:
    _, err = run("report", "--data", data, *wrong, home=tmp_path, code=2)

    assert "Error" in err
    assert "Traceback" not in err


def test_both_engines_write_the_same_bytes(data: Path, tmp_path: Path) -> None:
    kernel, _ = run("report", "--data", data, home=tmp_path)
    pandas, _ = run("report", "--data", data, "--engine", "pandas", "--jobs", 2, home=tmp_path)

    assert kernel == pandas


def test_bad_rows_are_counted_and_the_report_is_made_without_them(data: Path, tmp_path: Path) -> None:
    with (data / "store status.csv").open("a") as file:
        file.write("a,closed,2023-01-25 11:06:00 UTC\nb,active\n1.48197E+18,active,2023-01-25 11:06:00 UTC\n")
    (data / "notes.csv").write_text("who,what\nme,nothing\n")
    out, err = run("report", "--data", data, home=tmp_path, code=3)

    assert len(out.splitlines()) == 4
    assert "3 rows could not be used" in err
    assert "store status.csv:6" in err
    assert "notes.csv" in err


def test_what_is_assumed_and_a_stray_stamp_are_said_beside_the_figures(data: Path, tmp_path: Path) -> None:
    with (data / "store status.csv").open("a") as file:
        file.write("b,active,2023-06-02 11:10:00 UTC\n")
    said = run("report", "--data", data, home=tmp_path)[1].splitlines()
    run("load", data, home=tmp_path)

    assert said[1:] == [
        "the newest poll, which sets the as-of, is 128 days after the one before it",
        "1 of 3 stores was polled in the last week",
        "2 of 3 stores have no hours: counted as open all the time",
        "2 of 3 stores have no zone: America/Chicago",
    ]
    assert run("report", home=tmp_path)[1].splitlines()[1:] == said[1:]
    assert run("report", "--out", tmp_path / "r.csv", home=tmp_path)[1].splitlines()[1:] == said[1:]


def test_check_says_what_there_is_and_changes_nothing(data: Path, tmp_path: Path) -> None:
    good, _ = run("check", data, home=tmp_path)
    (data / "hours.json").write_text("[]")
    with (data / "Menu hours.csv").open("a") as file:
        file.write("b,Monday,09:00,10:00,\n")
    bad, _ = run("check", data, home=tmp_path, code=3)

    assert f"{data / 'store status.csv'}: polls, 4 rows, 0 of them rejected" in good
    assert "as of 2023-01-25T11:10:00Z" in good
    assert "2 of 3 stores have no hours: counted as open all the time" in good
    assert f"{data / 'Menu hours.csv'}: hours, 2 rows, 1 of them rejected" in bad
    assert "hours.json: is JSON" in bad
    assert "day is not 0 to 6 `Monday`: a day is 0 for Monday to 6 for Sunday" in bad
    assert "1 stores had no hours before and only rejected hours rows: counted as open all the time: b" in bad
    assert not (tmp_path / "storewatch-data").exists()


def test_a_strict_report_is_none_and_its_rejects_are_written(data: Path, tmp_path: Path) -> None:
    (data / "more.csv").write_text("store_id,status,timestamp_utc\nz,broken,2023-01-25 11:06:00 UTC\n")
    options = ["report", "--data", data, "--rejects", tmp_path / "bad.csv"]
    out, err = run(*options, "--strict", home=tmp_path, code=3)

    assert out == ""
    assert "no report was made" in err
    assert "broken" in (tmp_path / "bad.csv").read_text()
    assert len(run(*options, home=tmp_path, code=3)[0].splitlines()) == 4
    run("report", "--strict", home=tmp_path, code=2)


def test_load_then_report_is_the_report_of_the_folder(data: Path, tmp_path: Path) -> None:
    loaded, _ = run("load", data, home=tmp_path)
    again, _ = run("load", data, home=tmp_path)

    assert "loaded 4 polls (4 new) of 3 stores (3 new)" in loaded
    assert "2 stores have no hours" in loaded
    assert "loaded 4 polls (0 new)" in again
    assert run("report", home=tmp_path)[0] == run("report", "--data", data, home=tmp_path)[0]


def test_a_load_keeps_what_it_could_not_use_and_says_what_it_changed(data: Path, tmp_path: Path) -> None:
    run("load", data, home=tmp_path)
    hours = tmp_path / "hours.csv"
    hours.write_text(
        "store_id,day,start_time_local,end_time_local\n"
        "a,9,05:00,06:00\na,1,05:00,06:00\nb,1,07:00,07:00\n007,1,05:00,26:00\n007,2,05:00,06:00\n"
    )
    out, _ = run("load", hours, home=tmp_path, code=3)

    assert "1 stores keep the hours that they had, since an hours row of theirs was rejected: a" in out
    assert "1 stores had no hours before and a rejected hours row: their good rows were taken: 007" in out
    assert "1 hours rows end where they start: closed" in out
    (kept,) = (tmp_path / "rejects").glob("*.csv")
    lines = [(row["line"], row["row"]) for row in csv.DictReader(kept.read_text().splitlines())]
    assert lines == [("2", "a,9,05:00,06:00"), ("5", "007,1,05:00,26:00")]


def test_strict_loads_nothing_if_there_is_one_bad_row(data: Path, tmp_path: Path) -> None:
    (data / "more.csv").write_text("store_id,status,timestamp_utc\nz,broken,2023-01-25 11:06:00 UTC\n")
    out, _ = run("load", "--strict", data, home=tmp_path, code=3)

    assert "nothing was loaded" in out
    assert "no polls" in run("report", home=tmp_path, code=1)[1]


@pytest.mark.parametrize("name", ["notes.csv", "my files/hours.csv"])
def test_a_file_that_cannot_be_used_is_never_beside_exit_code_0(
    name: str, data: Path, tmp_path: Path
) -> None:
    """Hours that are not understood would count every store open all the time (R1)."""
    (tmp_path / name).write_text("store_id,day,start_time,end_time\na,1,05:00,06:00\n")
    strict, _ = run("load", "--strict", data, tmp_path / name, home=tmp_path, code=3)
    empty = run("report", home=tmp_path, code=1)[1]
    loaded, _ = run("load", data, tmp_path / name, home=tmp_path, code=3)

    assert "nothing was loaded" in strict
    assert "no polls" in empty
    assert "looks like hours: `start_time` should be `start_time_local`" in loaded
    assert "loaded 4 polls (4 new)" in loaded


def test_every_command_that_reads_a_folder_names_what_it_could_not_use(data: Path, tmp_path: Path) -> None:
    (data / "hours.json").write_text("[]")
    for command in (
        ["report", "--data", data],
        ["explain", "a", "--data", data],
        ["verify", data, "--jobs", 1],
    ):
        _, err = run(*command, home=tmp_path, code=3)
        assert "hours.json: is JSON, which is not read: export it as CSV or Parquet" in err


def test_a_poll_far_in_the_future_is_rejected_unless_allowed(data: Path, tmp_path: Path) -> None:
    (data / "later.csv").write_text("store_id,status,timestamp_utc\na,active,2199-01-01 00:00:00 UTC\n")

    assert "as of 2023-01-25T11:10:00Z" in run("report", "--data", data, home=tmp_path, code=3)[1]
    assert "as of 2199-01-01T00:00:00Z" in run("report", "--data", data, "--allow-future", home=tmp_path)[1]


def test_verify_says_that_kernel_and_reference_agree(data: Path, tmp_path: Path) -> None:
    out, _ = run("verify", data, "--jobs", 1, home=tmp_path)

    assert "agree on all figures and bytes of 3 stores" in out


def test_a_made_fleet_is_the_same_for_the_same_seed_and_loads_cleanly(tmp_path: Path) -> None:
    for name in ("one", "two"):
        run("sample", tmp_path / name, "--stores", 30, "--days", 2, "--seed", 5, home=tmp_path)
    files = sorted(path.name for path in (tmp_path / "one").iterdir())

    assert files == ["menu_hours.csv", "store_status.csv", "timezones.csv"]
    assert all((tmp_path / "one" / f).read_bytes() == (tmp_path / "two" / f).read_bytes() for f in files)
    run("load", tmp_path / "one", home=tmp_path)


def test_help_needs_no_heavy_imports() -> None:
    code = (
        "import sys; from storewatch.entrypoints.cli import commands\n"
        "try: commands(['--help'])\n"
        "except SystemExit: pass\n"
        "print([m for m in ('polars', 'numpy', 'pandas', 'fastapi', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"
