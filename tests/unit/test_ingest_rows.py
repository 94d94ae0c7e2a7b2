"""Which rows are good, and the reason of each that is not."""

from __future__ import annotations

from datetime import UTC, datetime, time
from pathlib import Path
from typing import Literal

import polars as pl
import pytest

from storewatch import ingest
from storewatch.entrypoints.cli.texts import reject_lines
from storewatch.errors import InputError
from storewatch.ingest.rejects import Reason, sentences, write_rejects

NOW = datetime(2023, 1, 25, 12, tzinfo=UTC).timestamp()
POLLS = "store_id,status,timestamp_utc"
HOURS = "store_id,day,start_time_local,end_time_local"
ZONES = "store_id,timezone_str"


def load(tmp_path: Path, *files: str | bytes, allow_future: bool = False) -> ingest.Reading:
    paths = [tmp_path / f"{number}.csv" for number, _ in enumerate(files)]
    for path, text in zip(paths, files, strict=True):
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return ingest.read(paths, now=NOW, allow_future=allow_future)


def reasons(reading: ingest.Reading) -> list[tuple[int, str]]:
    return reading.rejects.select("line", "reason").rows()


def ids(reading: ingest.Reading) -> list[str]:
    return reading.facts.polls["store_id"].cast(pl.String).to_list()


def tainted(reading: ingest.Reading) -> set[str]:
    return set(reading.tainted["hours"]["store_id"])


@pytest.mark.parametrize(
    "store",
    [
        "8139926242460185114",
        "007",
        "b5d0a65d-6d54-47aa-95e9-9312f0353326",
        " 7",
        "7 ",
        "99999999999999999999999999999999999999999999",
        "1.5E18",
        "E+18",
        "null",
        "NaN",
        "日本",
        "x" * 512,
        "é" * 256,
    ],
)
def test_an_id_is_kept_to_the_letter(tmp_path: Path, store: str) -> None:
    reading = load(
        tmp_path,
        f"{POLLS}\n{store},active,2023-01-22 12:09:39",
        f"{HOURS}\n{store},0,9:00,17:00",
        f"{ZONES}\n{store},Asia/Beirut",
    )
    assert ids(reading) == [store]
    assert reading.stores.to_list() == [store]
    assert reading.rejects.is_empty()


@pytest.mark.parametrize(
    ("store", "reason"),
    [
        ("", Reason.NO_ID),
        (" ", Reason.NO_ID),
        ("\u00a0\t", Reason.NO_ID),
        ("1.48197E+18", Reason.BAD_ID),
        ("1e+5", Reason.BAD_ID),
        ("-1.5E+18", Reason.BAD_ID),
        ("a\x00", Reason.WRONG_ID),
        ("a\tb", Reason.WRONG_ID),
        ("a\x7f", Reason.WRONG_ID),
        ("a\u0085", Reason.WRONG_ID),
        ("x" * 513, Reason.WRONG_ID),
        ("é" * 257, Reason.WRONG_ID),
    ],
)
def test_an_id_that_is_blank_or_destroyed_is_rejected_in_every_kind(
    tmp_path: Path, store: str, reason: Reason
) -> None:
    reading = load(
        tmp_path,
        f"{POLLS}\n{store},active,2023-01-22 12:09:39",
        f"{HOURS}\n{store},0,9:00,17:00",
        f"{ZONES}\n{store},Asia/Beirut",
    )
    assert reasons(reading) == [(2, reason.text)] * 3
    assert reading.stores.is_empty()
    assert tainted(reading) == set()


@pytest.mark.parametrize("status", ["", "activ", "inactivee", "in active", "1", "up"])
def test_no_other_word_is_a_status(tmp_path: Path, status: str) -> None:
    text = f"{POLLS}\na,{status},2023-01-22 12:09:39\na,inactive,2023-01-22 12:09:39\n"
    reading = load(tmp_path, text)
    assert reasons(reading) == [(2, "unknown status")]
    assert reading.facts.polls["active"].to_list() == [False]


def test_a_poll_more_than_an_hour_ahead_is_rejected_unless_allowed(tmp_path: Path) -> None:
    text = f"{POLLS}\na,active,2023-01-25 13:00:00 UTC\nb,active,2023-01-25 13:00:00.000001 UTC\n"
    assert reasons(load(tmp_path, text)) == [(3, "more than an hour in the future")]
    assert ids(load(tmp_path, text, allow_future=True)) == ["a", "b"]


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("a,up,2023-01-22 12:09:39", "unknown status `up`: write active or inactive"),
        (
            "a,active,01/25/2023 6:12 PM",
            "impossible time stamp `01/25/2023 6:12 PM`: write 2023-01-25 18:12:00 UTC",
        ),
        ("a,active,1674648000", "impossible time stamp `1674648000`: write 2023-01-25 18:12:00 UTC"),
        ("a,active,1890-01-01 00:00:00", "year outside 1970-2200 `1890-01-01 00:00:00`: write"),
        ("a,active,2199-01-01 00:00:00", "more than an hour in the future `2199-01-01 00:00:00`: correct it"),
        ("1.5E+18,active,2023-01-22 12:09:39", "destroyed by a spreadsheet `1.5E+18`: export ids as text"),
        (
            "a\x00b,active,2023-01-22 12:09:39",
            "impossible store id `a\ufffdb`: an id is 1 to 512",
        ),
        (
            f"{'x' * 999},active,2023-01-22 12:09:39",
            f"impossible store id `{'x' * 60}`: an id",
        ),
        (",active,2023-01-22 12:09:39", "store id missing: each row names its store"),
        ("a,active", "wrong number of fields: a row has as many as the header"),
        ('"a,active', "broken quotes: a field in quotes ends with one"),
        (b"caf\xe9,active,2023-01-22 12:09:39", "not UTF-8: export the file as UTF-8"),
        (POLLS, "repeated header line: take it out"),
    ],
)
def test_a_rejected_polls_line_says_its_value_and_what_is_accepted(
    tmp_path: Path, row: str | bytes, sentence: str
) -> None:
    """Beside a row in quotes and without, for both readers; in the rejects file and by the counts."""
    raw = row if isinstance(row, bytes) else row.encode()
    reading = load(
        tmp_path, POLLS.encode() + b"\n" + raw + b"\n", POLLS.encode() + b'\n"b",active,"\n"\n' + raw
    )
    write_rejects(reading.rejects, tmp_path / "rejects.csv")
    written = pl.read_csv(tmp_path / "rejects.csv")["reason"]
    assert sentence in written[0]
    assert sentence in written[-1]
    assert any(sentence in line for line in reject_lines(reading.rejects))


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("a,Monday,9:00,17:00", "day is not 0 to 6 `Monday`: a day is 0 for Monday to 6 for Sunday"),
        ("a,0,9:00 AM,5:00 PM", "impossible time of day `9:00 AM–5:00 PM`: write 09:30 or 09:30:00"),
        (HOURS, "repeated header line: take it out"),
    ],
)
def test_a_rejected_hours_line_says_its_value_and_what_is_accepted(
    tmp_path: Path, row: str, sentence: str
) -> None:
    reading = load(tmp_path, f"{HOURS}\n{row}", f"{ZONES}\na,CST6")
    assert sentence in sentences(reading.rejects)[0]
    assert sentences(reading.rejects)[1].startswith("unknown time zone `CST6`: write an IANA name")
    assert "store_id" not in tainted(reading)


def test_stamps_of_all_forms_are_read_in_one_file(tmp_path: Path) -> None:
    forms = [
        "2023-01-22 12:00:00 UTC",
        "2023-01-22T12:00:00Z",
        "2023-01-22 17:30:00.0+05:30",
        "2023-01-22T12:00:00",
    ]
    reading = load(tmp_path, POLLS + "".join(f"\na,active,{form}" for form in forms))
    assert set(reading.facts.polls["at"].to_list()) == {datetime(2023, 1, 22, 12, tzinfo=UTC)}
    assert reading.rows["polls"] == len(reading.facts.polls) == len(forms)


def test_lines_are_those_of_the_file(tmp_path: Path) -> None:
    rows = [
        "",
        '"x",active,"2023-01-22\n12:00:00"',
        "short,active",
        "",
        'a,"in\nvalid",2023-01-22 12:00:00',
        "b,c,d,e",
    ]
    reading = load(tmp_path, "\n".join([POLLS, *rows]))
    assert reasons(reading) == [
        (3, Reason.STAMP.text),
        (5, Reason.FIELDS.text),
        (7, Reason.STATUS.text),
        (9, Reason.FIELDS.text),
    ]


def test_a_stray_quote_costs_its_own_row_only(tmp_path: Path) -> None:
    rows = [f"s{number},active,2023-01-22 12:00:00" for number in range(5)]
    rows[1] = '"' + rows[1]
    rows[3] = rows[3] + '"'
    reading = load(tmp_path, "\n".join([POLLS, *rows]))
    assert reasons(reading) == [(3, Reason.QUOTES.text), (5, Reason.STAMP.text)]
    assert ids(reading) == ["s0", "s2", "s4"]


def test_bytes_that_are_not_utf8_are_shown_escaped(tmp_path: Path) -> None:
    rows = [b"caf\xe9,active,2023-01-22 12:00:00", b"caf\xc3\xa9,active,2023-01-22 12:00:00"]
    reading = load(tmp_path, b"\n".join([POLLS.encode(), *rows]))
    assert reading.rejects.select("reason", "row").rows() == [
        ("not UTF-8", "caf\\xe9,active,2023-01-22 12:00:00")
    ]
    assert ids(reading) == ["café"]


@pytest.mark.parametrize(
    ("start", "end", "seconds"),
    [
        ("9:05", "17:00", (32_700, 61_200)),
        ("09:05", "17:00:30", (32_700, 61_230)),
        ("9:05:07", "23:59", (32_707, 86_340)),
        ("00:00", "24:00", (0, 86_400)),
        ("0:00:00", "24:00:00", (0, 86_400)),
        ("23:59:59", "23:59:59", (86_399, 86_399)),
        ("18:00", "02:00", (64_800, 7_200)),
    ],
)
def test_times_of_day_are_kept_as_written(
    tmp_path: Path, start: str, end: str, seconds: tuple[int, int]
) -> None:
    reading = load(tmp_path, f"{HOURS}\na,6,{start},{end}")
    assert reading.facts.hours.rows() == [("a", 6, *seconds)]


@pytest.mark.parametrize(
    ("day", "start", "end", "reason"),
    [
        ("7", "9:00", "17:00", Reason.DAY),
        ("-1", "9:00", "17:00", Reason.DAY),
        ("", "9:00", "17:00", Reason.DAY),
        ("Monday", "9:00", "17:00", Reason.DAY),
        ("1.0", "9:00", "17:00", Reason.DAY),
        ("0", "24:00", "17:00", Reason.TIME),
        ("0", "9:00", "24:00:01", Reason.TIME),
        ("0", "9:00", "25:00", Reason.TIME),
        ("0", "9:60", "17:00", Reason.TIME),
        ("0", "9:00:60", "17:00", Reason.TIME),
        ("0", "9:00:00.5", "17:00", Reason.TIME),
        ("0", "9", "17:00", Reason.TIME),
        ("0", "", "17:00", Reason.TIME),
        ("0", "9:00 AM", "17:00", Reason.TIME),
        ("0", "009:00", "17:00", Reason.TIME),
    ],
)
def test_impossible_hours_are_rejected_and_taint_their_store(
    tmp_path: Path, day: str, start: str, end: str, reason: Reason
) -> None:
    reading = load(tmp_path, f"{HOURS}\na,{day},{start},{end}\nb,0,9:00,17:00")
    assert reasons(reading) == [(2, reason.text)]
    assert tainted(reading) == {"a"}
    assert reading.stores.to_list() == ["b"]


def test_a_useless_hours_row_taints_the_store_that_it_can_still_be_seen_to_mean(tmp_path: Path) -> None:
    rows = [
        b"a,0,9:00",
        b"b,0,9:00,17:00,x",
        b"c,0,9:00,\xff",
        b'd,0,"9:00,17:00',
        b"\xff,0,9:00,17:00",
        b",0,9:00",
    ]
    reading = load(tmp_path, b"\n".join([HOURS.encode(), *rows]))
    assert len(reading.rejects) == len(rows)
    assert tainted(reading) == {"a", "b", "c", "d"}


def test_zones_are_names_of_the_database_to_the_letter(tmp_path: Path) -> None:
    rows = ["a,US/Central", "b,america/chicago", "c,Mars/Olympus", "d,", "e, UTC", "f,Etc/GMT+5"]
    reading = load(tmp_path, "\n".join([ZONES, *rows]))
    assert reading.facts.zones.rows() == [("a", "US/Central"), ("f", "Etc/GMT+5")]
    assert reasons(reading) == [(line, "unknown time zone") for line in (3, 4, 5, 6)]


def test_two_zones_for_one_store_are_both_rejected_over_all_files(tmp_path: Path) -> None:
    one = f"{ZONES}\na,Asia/Beirut\nb,Asia/Beirut\nc,Asia/Beirut\nc,Asia/Beirut\nd,Asia/Beirut\n"
    two = f"{ZONES}\na,America/Boise\nb,Asia/Beirut\nd,Nowhere\n"
    reading = load(tmp_path, one, two)
    assert sorted(reading.facts.zones.rows()) == [
        ("b", "Asia/Beirut"),
        ("c", "Asia/Beirut"),
        ("d", "Asia/Beirut"),
    ]
    found = [(Path(file).name, line, reason, row) for file, line, reason, row, *_ in reading.rejects.rows()]
    assert found == [
        ("0.csv", 2, "two zones for one store", "a,Asia/Beirut"),
        ("1.csv", 2, "two zones for one store", "a,America/Boise"),
        ("1.csv", 4, "unknown time zone", "d,Nowhere"),
    ]
    assert reading.reasons == {"two zones for one store": 2, "unknown time zone": 1}
    assert "a" not in reading.stores.to_list()


def test_parquet_types_are_read_for_what_they_are(tmp_path: Path) -> None:
    at = datetime(2023, 1, 22, 12, 9, 39, 388_884)  # noqa: DTZ001 - naive is UTC in a column
    stamps = (
        pl.Series([at, at, None], dtype=pl.Datetime("ns"))
        .dt.offset_by("999ns")
        .dt.replace_time_zone("Asia/Beirut")
    )
    status = pl.Series(["active", None, "active"], dtype=pl.Categorical)
    polls = {"note": [1, 2, 3], "store_id": [7, 8, 9], "status": status, "timestamp_utc": stamps}
    pl.DataFrame(polls).write_parquet(tmp_path / "polls.parquet")
    hours = {
        "store_id": ["a", "b", "c", None],
        "day": [0, 7, 1, 1],
        "start_time_local": [time(9), time(9), time(9, 0, 0, 500_000), time(9)],
        "end_time_local": [time(17), time(17), time(17), None],
    }
    pl.DataFrame(hours).write_parquet(tmp_path / "hours.parquet")
    reading = ingest.read([tmp_path], now=NOW)
    assert reading.facts.polls["at"].to_list() == [datetime(2023, 1, 22, 10, 9, 39, 388_884, tzinfo=UTC)]
    assert ids(reading) == ["7"]
    assert reading.facts.hours.rows() == [("a", 0, 9 * 3600, 17 * 3600)]
    assert reading.rejects.select("kind", "line", "reason").rows() == [
        ("hours", 2, Reason.DAY.text),
        ("hours", 3, Reason.TIME.text),
        ("hours", 4, Reason.NO_ID.text),
        ("polls", 2, Reason.STATUS.text),
        ("polls", 3, Reason.STAMP.text),
    ]
    assert reading.rejects["row"][4] == "3,9,active,"
    assert tainted(reading) == {"b", "c"}


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_parquet_stamps_outside_the_years_are_rejected(
    tmp_path: Path, unit: Literal["ms", "us", "ns"]
) -> None:
    days = [datetime(1969, 12, 31), datetime(1970, 1, 1), datetime(2200, 12, 31), datetime(2201, 1, 1)]  # noqa: DTZ001
    stamps = pl.Series(days, dtype=pl.Datetime(unit))
    frame = pl.DataFrame({"store_id": ["a"] * 4, "status": ["active"] * 4, "timestamp_utc": stamps})
    frame.write_parquet(tmp_path / "a.parquet")
    reading = ingest.read([tmp_path], now=NOW, allow_future=True)
    assert reasons(reading) == [(1, Reason.YEAR.text), (4, Reason.YEAR.text)]


def test_a_float_id_column_in_parquet_is_an_error(tmp_path: Path) -> None:
    frame = pl.DataFrame({"store_id": [8.139926242460185e18], "timezone_str": ["UTC"]})
    frame.write_parquet(tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"store_id is Float64.*export it as text"):
        ingest.read([tmp_path], now=NOW)
