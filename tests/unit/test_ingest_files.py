"""Which files are read, and what is said about those that are not."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import polars as pl
import pytest

from storewatch import ingest
from storewatch.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

NOW = 2e9  # seconds: 2033
POLLS = "store_id,status,timestamp_utc\n007,active,2023-01-22 12:09:39.388884 UTC\n"
HOURS = "store_id,day,start_time_local,end_time_local\n007,0,09:00:00,17:00:00\n"
ZONES = "store_id,timezone_str\n007,America/Denver\n"


def read(*paths: Path) -> ingest.Reading:
    return ingest.read(paths, now=NOW)


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_kinds_are_known_by_columns_not_by_names(tmp_path: Path) -> None:
    write(tmp_path / "store status.csv", POLLS)
    write(tmp_path / "Menu hours.csv", HOURS.replace("day", "dayOfWeek"))
    write(tmp_path / "bq-results-20230125-202210-1674678181880.csv", ZONES)
    reading = read(tmp_path)
    assert reading.rows == {"polls": 1, "hours": 1, "zones": 1}
    assert reading.facts.hours.rows() == [("007", 0, 9 * 3600, 17 * 3600)]
    assert reading.facts.zones.rows() == [("007", "America/Denver")]
    assert reading.stores.to_list() == ["007"]


@pytest.mark.parametrize(
    "text",
    [
        POLLS,
        POLLS.removesuffix("\n"),
        POLLS.replace("\n", "\r\n"),
        "\ufeff" + POLLS,
        "\n\n" + POLLS + "\n\r\n",
        '"store_id","status","timestamp_utc"\n"007","active","2023-01-22 12:09:39.388884 UTC"\n',
        'status,"two\nlines",timestamp_utc,more,store_id\nactive,"a,\nb",2023-01-22 12:09:39.388884 UTC,,007',
    ],
)
def test_csv_comes_in_many_shapes(tmp_path: Path, text: str) -> None:
    reading = read(write(tmp_path / "a.csv", text))
    at = pl.Series(["2023-01-22T12:09:39.388884"]).str.to_datetime(time_zone="UTC")[0]
    assert [(f"{row[0]}", *row[1:]) for row in reading.facts.polls.rows()] == [("007", at, True)]
    assert reading.rejects.is_empty()


def test_gzip_and_parquet_give_the_same_as_csv(tmp_path: Path) -> None:
    plain = write(tmp_path / "a.csv", POLLS)
    packed = write(tmp_path / "b.csv.gz", gzip.compress(POLLS.encode()))
    pl.read_csv(plain, infer_schema=False).write_parquet(tmp_path / "c.parquet")
    first = read(plain)
    for other in (read(packed), read(tmp_path / "c.parquet")):
        assert other.facts.polls.equals(first.facts.polls)


def test_a_file_with_a_header_only_gives_no_rows(tmp_path: Path) -> None:
    for text in ("store_id,status,timestamp_utc", "store_id,status,timestamp_utc\n"):
        assert read(write(tmp_path / "a.csv", text)).rows["polls"] == 0


def test_of_a_folder_only_csv_gzip_and_parquet_files_directly_in_it_are_read(tmp_path: Path) -> None:
    (tmp_path / "deeper.csv").mkdir()
    write(tmp_path / "deeper.csv" / "z.csv", ZONES)
    write(tmp_path / "hours.txt", HOURS)
    write(tmp_path / "POLLS.CSV", POLLS)
    reading = read(tmp_path)
    assert reading.files == (f"{tmp_path / 'POLLS.CSV'}",)


def test_a_stranger_in_a_folder_is_named_and_skipped(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", POLLS)
    write(tmp_path / "prices.csv", "item,price\n1,2\n")
    write(tmp_path / "empty.csv", "")
    first, second = read(tmp_path).skipped
    assert "empty.csv" in first
    assert "prices.csv" in second
    assert "item, price" in second


def test_our_own_reports_and_rejects_in_a_folder_are_skipped_silently(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", POLLS)
    write(
        tmp_path / "storewatch-20230125T181200Z.csv",
        "store_id,uptime_last_hour,uptime_last_day\n007,1.00,2.00\n",
    )
    pl.DataFrame({"store_id": ["007"], "uptime_seconds_last_hour": [1]}).write_parquet(tmp_path / "r.parquet")
    bad = read(write(tmp_path / "bad.csv", POLLS.replace("active", "up")))
    ingest.write_rejects(bad.rejects, tmp_path / "rejects.csv")
    (tmp_path / "bad.csv").unlink()
    reading = read(tmp_path)
    assert (reading.skipped, reading.files) == ((), (f"{tmp_path / 'a.csv'}",))


def test_named_files_of_no_kind_are_one_error_with_columns_found_and_wanted(tmp_path: Path) -> None:
    paths = [write(tmp_path / f"{name}.csv", f"{name},x\n1,2\n") for name in ("one", "two")]
    with pytest.raises(InputError) as caught:
        read(write(tmp_path / "a.csv", POLLS), *paths)
    for wanted in ("one.csv", "one, x", "two.csv", "two, x", "timestamp_utc", "dayOfWeek", "timezone_str"):
        assert wanted in f"{caught.value}"


def test_a_message_lists_a_few_columns_only(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="and 4981 more") as caught:
        read(write(tmp_path / "a.csv", ",".join(["x" * 99] * 5001)))
    assert len(f"{caught.value}") < 2000


def test_a_wanted_column_that_is_there_twice_is_no_kind(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="store_id, store_id"):
        read(write(tmp_path / "a.csv", "store_id,store_id,timezone_str\n1,2,UTC\n"))


def test_polls_with_a_zone_in_an_extra_column_are_polls(tmp_path: Path) -> None:
    text = "store_id,timezone_str,status,timestamp_utc\n1,UTC,active,2023-01-22 12:09:39\n"
    assert read(write(tmp_path / "a.csv", text)).rows["polls"] == 1


def test_a_file_that_is_named_twice_is_read_once(tmp_path: Path) -> None:
    assert read(write(tmp_path / "a.csv", POLLS), tmp_path).rows["polls"] == 1


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.csv.gz", POLLS.encode(), "gzip"),
        ("a.csv.gz", gzip.compress(POLLS.encode() * 99)[:-9], "gzip"),
        ("a.parquet", POLLS.encode(), "Parquet"),
        ("a.parquet", b"", "Parquet"),
    ],
)
def test_a_file_that_is_not_what_its_ending_says_is_an_error(
    tmp_path: Path, name: str, data: bytes, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        read(write(tmp_path / name, data))


def test_missing_paths_and_folders_without_data_are_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read(tmp_path / "nowhere.csv")
    with pytest.raises(InputError, match="Columns wanted"):
        read(tmp_path)


def test_brackets_in_a_name_are_no_pattern(tmp_path: Path) -> None:
    frame = pl.DataFrame({"store_id": ["1", "2"], "timezone_str": ["UTC", "Nowhere"]})
    frame.write_parquet(tmp_path / "zones [1]*.parquet")
    reading = read(tmp_path)
    assert reading.rejects.select("line", "row").rows() == [(2, "2,Nowhere")]


def test_progress_names_files_and_ends_at_all_bytes(tmp_path: Path) -> None:
    seen: list[tuple[str, float]] = []
    write(tmp_path / "a.csv", POLLS * 3)
    write(tmp_path / "b.csv.gz", gzip.compress(HOURS.encode()))
    ingest.read([tmp_path], now=NOW, progress=lambda name, done: seen.append((name, done)))
    assert {name for name, _ in seen} == {"a.csv", "b.csv.gz"}
    assert [done for _, done in seen] == sorted(done for _, done in seen)
    assert seen[-1][1] == 1


def test_rejects_are_written_whole_with_the_rows_as_they_were(tmp_path: Path) -> None:
    text = POLLS + '007,"up,\nor ""not""",2023-01-22 12:09:39\n\xff'
    reading = read(write(tmp_path / "a.csv", text.encode("latin-1")))
    path = tmp_path / "new" / "rejects.csv"
    ingest.write_rejects(reading.rejects, path)
    written = pl.read_csv(path)
    assert written.columns == ["file", "line", "reason", "row"]
    assert written["line"].to_list() == [3, 5]
    assert written["row"].to_list() == ['007,"up,\nor ""not""",2023-01-22 12:09:39', "\\xff"]
    assert [file.name for file in path.parent.iterdir()] == ["rejects.csv"]
