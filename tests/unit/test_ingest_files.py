"""Which files are read, and what is said about those that are not."""

from __future__ import annotations

import gzip
import os
from typing import TYPE_CHECKING

import polars as pl
import pytest

from storewatch import ingest, report
from storewatch.adapters.polls.delta import DeltaPollStore
from storewatch.errors import InputError
from storewatch.ports.polls import Load

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
    assert {kind: rows for kind, rows in reading.rows.items() if rows} == {"polls": 1, "hours": 1, "zones": 1}
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


def test_of_a_folder_the_files_directly_in_it_are_read_and_data_below_is_named(tmp_path: Path) -> None:
    (tmp_path / "deeper.csv").mkdir()
    write(tmp_path / "deeper.csv" / "z.csv", ZONES)
    (tmp_path / "plans").mkdir()
    write(tmp_path / "plans" / "z.txt", "nothing")
    write(tmp_path / "hours.txt", HOURS)
    write(tmp_path / "POLLS.CSV", POLLS)
    reading = read(tmp_path)
    (unused,) = reading.unused
    assert reading.files == (f"{tmp_path / 'POLLS.CSV'}", f"{tmp_path / 'hours.txt'}")
    assert "deeper.csv/z.csv holds data: move it up" in unused


@pytest.mark.parametrize(
    ("name", "content", "lacks"),
    [
        (
            "prices.csv",
            "item,price\n1,2\n",
            "not polls, hours, exceptions, annotations, labels or zones (its columns: item, price)",
        ),
        ("empty.csv", "", "it is empty"),
        ("h.csv", HOURS.replace("_local", ""), "looks like hours: `start_time` should be `start_time_local`"),
        ("h.csv", HOURS.replace(",day", ""), "looks like hours: `day` is missing"),
        ("h.csv", HOURS.replace("day", "day,dayOfWeek"), "`day` and `dayOfWeek` mean the same: keep one"),
        ("s.csv", "store_id,brand\n1,x\n", "looks like labels: `store_name` is missing"),
        ("p.csv", POLLS.partition("\n")[2], "The first line names the columns"),
        ("hours.csv.bak", HOURS, "end its name with .csv"),
        ("h.csv.zip", "PK\3\4", "is an archive, which is not read: unpack it"),
        ("h.csv", "PK\3\4", "is an archive, which is not read: unpack it"),
        ("hours.xlsx", "PK\3\4", "save each of its sheets as CSV UTF-8"),
        ("hours.json", '[{"store_id": "007"}]', "is JSON, which is not read: export it as CSV or Parquet"),
        ("hours.csv", '[{"store_id": "007"}]', "is JSON, which is not read: export it as CSV or Parquet"),
        ("a.csv.gz", POLLS, "is not a whole gzip file"),
        ("a.parquet", POLLS, "cannot be read as Parquet"),
        ("long.csv", "x" * 3_000_000, "not polls, hours, exceptions, annotations, labels or zones"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_what_it_lacks(
    tmp_path: Path, name: str, content: str, lacks: str
) -> None:
    """R1: it is a rejected file, in a folder and by its own name; alone it is an error."""
    write(tmp_path / "a.csv", POLLS)
    bad = write(tmp_path / name, content)
    for reading in (read(tmp_path), read(tmp_path / "a.csv", bad)):
        (unused,) = reading.unused
        assert unused.startswith(f"{bad}: ")
        assert lacks in unused
        assert not reading.is_complete
        assert reading.rows["polls"] == 1
    with pytest.raises(InputError) as caught:
        read(bad)
    assert unused in f"{caught.value}"
    assert "\n" not in f"{caught.value}"


def test_what_is_no_data_is_left_alone_and_said_once(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", POLLS)
    for name in ("README", "readme.csv", "notes.txt", ".hidden.csv", "photo.png", "work.ipynb", "_SUCCESS"):
        write(tmp_path / name, "anything, really")
    reading = read(tmp_path)
    assert len(reading.exempt) == 7
    assert reading.is_complete


def test_what_is_no_regular_file_is_named_and_not_waited_for(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", POLLS)
    os.mkfifo(tmp_path / "pipe.csv")
    (unused,) = read(tmp_path).unused
    assert unused.startswith(f"{tmp_path / 'pipe.csv'}: is no regular file")
    with pytest.raises(InputError, match="no regular file"):
        read(tmp_path / "pipe.csv")


@pytest.mark.filterwarnings("ignore::storewatch.errors.StorewatchWarning")
def test_our_own_reports_and_rejects_in_a_folder_are_left_alone(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", POLLS)
    write(
        tmp_path / "storewatch-20230125T181200Z.csv",
        "store_id,uptime_last_hour,uptime_last_day\n007,1.00,2.00\n",
    )
    pl.DataFrame({"store_id": ["007"], "uptime_seconds_last_hour": [1]}).write_parquet(tmp_path / "r.parquet")
    bad = read(write(tmp_path / "bad.csv", POLLS.replace("active", "up")))
    ingest.write_rejects(bad.rejects, tmp_path / "rejects.csv")
    (tmp_path / "bad.csv").unlink()
    made = report(
        pl.DataFrame({"store_id": ["7"], "status": ["active"], "timestamp_utc": ["2023-01-25 11:05:00"]})
    )
    for ending in ("csv", "parquet", "json", "xlsx"):
        made.write(tmp_path / f"mine.{ending}")
    home = tmp_path / "storewatch-data"
    DeltaPollStore(home / "polls").load(Load(name="a", facts=bad.facts))
    write(home / "jobs.sqlite", "")
    reading = read(tmp_path)
    assert reading.unused == ()
    assert reading.files == (f"{tmp_path / 'a.csv'}",)
    assert len(reading.exempt) == 7


def test_files_of_no_kind_alone_are_one_error_with_columns_found_and_wanted(tmp_path: Path) -> None:
    paths = [write(tmp_path / f"{name}.csv", f"{name},x\n1,2\n") for name in ("one", "two")]
    with pytest.raises(InputError) as caught:
        read(*paths)
    for wanted in ("one.csv", "one, x", "two.csv", "two, x", "timestamp_utc", "dayOfWeek", "timezone_str"):
        assert wanted in f"{caught.value}"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", POLLS.replace("store_id", "storeId").replace("timestamp_utc", "Timestamp UTC")),
        ("a.csv", POLLS.replace("store_id", "STORE-ID").replace("active", " Active ")),
        ("a.csv", POLLS.replace(",", ";")),
        ("a.csv", POLLS.replace(",", ";").replace("active", '"active"').replace("007", '"007"')),
        ("a.tsv", POLLS.replace(",", "\t")),
        ("a.csv", POLLS.encode("utf-16")),
        ("a.csv", b"\xfe\xff" + POLLS.replace(",", "\t").encode("utf-16-be")),
        ("a.csv.gz", gzip.compress(POLLS.encode("utf-16"))),
    ],
)
def test_reading_is_generous_where_nothing_can_be_misread(
    tmp_path: Path, name: str, text: str | bytes
) -> None:
    """R1: the case and form of columns' names, the case of statuses, separators, UTF-16."""
    reading = read(write(tmp_path / name, text))
    (row,) = reading.facts.polls.rows()
    assert (f"{row[0]}", row[2]) == ("007", True)
    assert reading.is_complete


def test_a_semicolon_in_a_file_of_commas_is_part_of_a_field(tmp_path: Path) -> None:
    reading = read(
        write(tmp_path / "a.csv", 'store_id,"status",timestamp_utc\na;b,active,2023-01-22 12:09:39\n')
    )
    assert reading.stores.to_list() == ["a;b"]


def test_half_a_character_of_utf16_at_the_end_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not whole UTF-16"):
        read(write(tmp_path / "a.csv", POLLS.encode("utf-16")[:-1]))


def test_a_line_without_end_is_refused_before_it_is_held(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv.gz", gzip.compress(POLLS.encode() + b"7" * (64 << 20)))
    with pytest.raises(InputError, match="line 3 is longer than 1,048,576 bytes"):
        read(path)


def test_a_message_lists_a_few_columns_only(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="and 4981 more") as caught:
        read(write(tmp_path / "a.csv", ",".join(["x" * 99] * 5001)))
    assert len(f"{caught.value}") < 2500


def test_a_wanted_column_that_is_there_twice_is_no_kind(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="`store_id` and `store_id` mean the same: keep one"):
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


def test_a_parquet_file_is_read_some_rows_at_a_time_and_lines_count_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stamps = [f"2023-01-{day:02} 12:00:00 UTC" for day in (1, 2, 40, 4, 5, 60, 7)]
    frame = pl.DataFrame({"other": range(7), "store_id": list("abcdefg"), "timestamp_utc": stamps})
    frame.with_columns(status=pl.lit("active")).write_parquet(tmp_path / "polls.parquet")
    whole = read(tmp_path / "polls.parquet")
    monkeypatch.setattr("storewatch.ingest.reading._ROWS", 2)
    found = read(tmp_path / "polls.parquet")
    assert found.facts.polls.equals(whole.facts.polls)
    assert found.rejects.equals(whole.rejects)
    assert found.rejects["line"].to_list() == [3, 6]
    assert found.rejects["row"].to_list() == [
        f"{n},{i},{s},active" for n, i, s in ((2, "c", stamps[2]), (5, "f", stamps[5]))
    ]
    assert found.by_file == whole.by_file


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
