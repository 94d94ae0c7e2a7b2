"""Odd files end in figures or in one clear line, never in a traceback, and none is passed over in silence."""

from __future__ import annotations

import gzip
import random
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

import pandas as pd
import polars as pl
import pytest

from storewatch import ingest
from storewatch.errors import InputError
from storewatch.ingest.opening import check_unpacked

if TYPE_CHECKING:
    from pathlib import Path

NOW = 2e9
ROWS = 300
SEEDS = 200
HEADERS = [
    "store_id,status,timestamp_utc",
    "Store ID,STATUS,timestamp-utc",
    "store_id,status,timestamp",
    "store,status,timestamp_utc",
    "store_id,storeId,status,timestamp_utc",
    "store_id,day,start_time_local,end_time_local",
    "store_id,dayOfWeek,start_time,end_time",
    "store_id,timezone_str",
    "item,price",
    "",
]
VALUES = [
    *(
        "a",
        "007",
        "1.48E+18",
        "x" * 600,
        "active",
        "Inactive",
        "2023-01-25 18:12:00 UTC",
        "01/25/2023 6:12 PM",
    ),
    *(
        "01/25/2023 6:12 PM",
        "Monday",
        "3",
        "09:00",
        "America/Chicago",
        "",
        '"',
        '"x',
        "é",
        "\0",
        "\r",
        "12,5",
    ),
]
NAMES = [
    *("a.csv", "a.tsv", "a.txt", "a.csv.gz", "a.json", "a.xlsx"),
    *("a.zip", "a", "a.csv.bak", "README", ".a.csv"),
]


def parquet() -> pl.DataFrame:
    stamps = pl.datetime_range(
        datetime(2023, 1, 1, tzinfo=UTC), datetime(2023, 1, 1, 4, 59, tzinfo=UTC), "1m", eager=True
    )
    statuses = ["active", "inactive"] * (ROWS // 2)
    return pl.DataFrame(
        {"store_id": [f"s{n % 7}" for n in range(ROWS)], "status": statuses, "timestamp_utc": stamps}
    )


def odd_file(folder: Path, chance: random.Random) -> Path:
    """Make a Parquet file with flipped bits, or a text of odd header, rows, separator, encoding and name."""
    folder.mkdir()
    if chance.random() < 1 / 3:
        path = folder / "a.parquet"
        parquet().write_parquet(path)
        data = bytearray(path.read_bytes())
        for _ in range(chance.choice([1, 1, 2, 9])):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        path.write_bytes(data)
        return path
    path = folder / chance.choice(NAMES)
    rows = [
        ",".join(chance.choices(VALUES, k=chance.choice([2, 3, 3, 4]))) for _ in range(chance.randrange(9))
    ]
    text = "\n".join([chance.choice(HEADERS), *rows]).replace(",", chance.choice([",", ",", ";", "\t", "|"]))
    data = bytearray(text.encode(chance.choice(["utf-8", "utf-8-sig", "utf-16", "cp1252", "utf-16-le"])))
    if chance.random() < 1 / 4:
        data = data[: chance.randrange(len(data) + 1)]
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" and chance.random() < 3 / 4 else data)
    return path


def test_generated_odd_files_end_in_figures_or_one_clear_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    ends = Counter(one_end(odd_file(tmp_path / f"{seed}", random.Random(seed))) for seed in range(SEEDS))  # noqa: S311
    assert set(ends) == {"refused", "complete", "with rejects"}
    assert "panicked" not in capfd.readouterr().err


def one_end(path: Path) -> str:
    """Read a file and say how that ended; whatever was given is used, rejected or named."""
    try:
        reading = ingest.read([path], now=NOW)
    except InputError as error:
        message = f"{error}"
        return "refused" if path.name in message and "\n" not in message else message
    good = sum(len(rows) for rows in (reading.facts.polls, reading.facts.hours))
    given = reading.rows["polls"] + reading.rows["hours"]
    if reading.files != (f"{path}",) or good + reading.rejects.height < given:
        return f"{path} lost rows"
    return "complete" if reading.is_complete else "with rejects"


@pytest.mark.parametrize("zone", ["+00:00", "+05:30", "-09:30", "UTC", "Asia/Beirut"])
def test_stamps_of_any_zone_in_parquet_are_the_instants_that_they_are(tmp_path: Path, zone: str) -> None:
    at = pd.to_datetime(["2023-01-25T12:00:00Z", ""]).tz_convert(zone)
    frame = pd.DataFrame({"store_id": ["a", "b"], "status": ["active"] * 2, "timestamp_utc": at})
    frame.to_parquet(tmp_path / "a.parquet")
    reading = ingest.read([tmp_path], now=NOW)
    assert reading.facts.polls["at"].to_list() == [datetime(2023, 1, 25, 12, tzinfo=UTC)]
    assert reading.rejects.select("line", "row").rows() == [(2, "b,active,")]


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_stamps_that_no_calendar_has_are_rejects(tmp_path: Path, unit: Literal["ms", "us", "ns"]) -> None:
    stamps = pl.Series([2**63 - 1, -(2**63) + 1, 0]).cast(pl.Datetime(unit))
    frame = pl.DataFrame({"store_id": ["a", "b", "c"], "status": ["active"] * 3, "timestamp_utc": stamps})
    frame.write_parquet(tmp_path / "a.parquet")
    reading = ingest.read([tmp_path], now=NOW)
    assert reading.rejects["reason"].to_list() == ["year outside 1970-2200"] * 2
    assert reading.stores.to_list() == ["c"]


def test_a_packed_file_that_grows_out_of_proportion_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pl.DataFrame({"store_id": ["a"], "status": ["active"], "timestamp_utc": ["2023-01-25 12:00:00"]}).select(
        pl.all().repeat_by(20_000_000).explode()
    ).write_parquet(path)
    with pytest.raises(InputError, match="unpacks to more than 250 times its size"):
        ingest.read([path], now=NOW)
    check_unpacked(path, 250 << 30, 1 << 30)
    with pytest.raises(InputError, match="unpacks to more than 250 times its size"):
        check_unpacked(path, (250 << 30) + 1, 1 << 30)
