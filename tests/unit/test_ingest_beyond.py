"""Files of dated hours, exceptions, annotations and stores: what is read, what is rejected (R8 to R10)."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd
import polars as pl
import pytest

from storewatch import ingest
from storewatch.domain.kinds import ANNOTATIONS, EXCEPTIONS, LABELS
from storewatch.errors import InputError
from storewatch.ingest.rejects import Reason

if TYPE_CHECKING:
    from pathlib import Path

HOURS = "store_id,day,start_time_local,end_time_local,valid_from,valid_to"
DATES = "store_id,date,start_time_local,end_time_local,reason"
NOTES = "id,store_id,label,value,start_utc,end_utc,counts_as,reason,author,made_at,withdrawn_at"
STORES = "store_id,store_name,target_percent,Brand,timezone_str"
XMAS = date(2022, 12, 25)
NINE, FIVE = 9 * 3600, 17 * 3600
AT = datetime(2023, 1, 1, 12, tzinfo=UTC)


def read(folder: Path, *files: str) -> ingest.Reading:
    for number, text in enumerate(files):
        (folder / f"{number}.csv").write_text(text, newline="")
    return ingest.read([folder / f"{number}.csv" for number, _ in enumerate(files)], now=2e9)


def reasons(reading: ingest.Reading) -> list[tuple[int, str]]:
    return reading.rejects.select("line", "reason").rows()


def note(**columns: str) -> str:
    """Return a row of NOTES about store a."""
    good = {"store_id": "a", "start_utc": "2023-01-01 12:00:00", "counts_as": "excluded"}
    good |= {"made_at": "2023-01-01 12:00:00"}
    return ",".join((good | columns).get(name, "") for name in NOTES.split(","))


def test_hours_may_be_valid_from_a_date_to_a_date_both_or_neither(tmp_path: Path) -> None:
    reading = read(tmp_path, f"{HOURS}\na,0,9:00,17:00,2023-01-01,2023-02-28\na,1,9:00,17:00,,\n")
    assert reading.facts.hours.rows() == [
        ("a", 0, NINE, FIVE, date(2023, 1, 1), date(2023, 2, 28)),
        ("a", 1, NINE, FIVE, None, None),
    ]


def test_hours_whose_validities_say_nothing_are_as_those_without(tmp_path: Path) -> None:
    plain = ",".join(HOURS.split(",")[:4])
    given = read(tmp_path, f"{HOURS}\na,0,9:00,17:00,,\n").facts.hours
    assert given.equals(read(tmp_path, f"{plain}\na,0,9:00,17:00\n").facts.hours)


@pytest.mark.parametrize(
    ("dates", "reason"),
    [
        ("2023-02-30,", Reason.DATE),
        (",1/2/2023", Reason.DATE),
        ("2023-1-2,", Reason.DATE),
        ("0000-01-01,", Reason.DATE),
        ("2023-01-02 00:00,", Reason.DATE),
        ("2023-01-02,2023-01-01", Reason.VALIDITY),
    ],
)
def test_hours_with_an_impossible_validity_are_rejected_and_taint_their_store(
    tmp_path: Path, dates: str, reason: Reason
) -> None:
    reading = read(tmp_path, f"{HOURS}\na,0,9:00,17:00,{dates}\nb,0,9:00,17:00,2023-01-01,2023-01-01\n")
    assert reasons(reading) == [(2, reason.text)]
    assert reading.tainted["hours"].rows() == [("a",)]
    assert len(reading.facts.hours) == 1


def test_exceptions_are_dates_with_other_times_or_with_none(tmp_path: Path) -> None:
    rows = "a,2022-12-25,,,Christmas\na,2022-12-31,9:00,17:00,\na,2022-12-31,9:00,9:00,\n"
    reading = read(
        tmp_path, f"{DATES}\n{rows}", "Store ID;date;start_time_local;End-Time-Local\nb;2022-12-25;;\n"
    )
    assert reading.is_complete
    assert sorted(reading.facts.of(EXCEPTIONS).rows(), key=str) == [
        ("a", XMAS, None, None, "Christmas"),
        ("a", date(2022, 12, 31), NINE, NINE, ""),
        ("a", date(2022, 12, 31), NINE, FIVE, ""),
        ("b", XMAS, None, None, ""),
    ]
    assert reading.stores.to_list() == []


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a,2022-12-25,9:00,,", Reason.HALF_CLOSED),
        ("a,2022-12-25,,9:00,", Reason.HALF_CLOSED),
        ("a,2022-12-25,24:00,9:00,", Reason.TIME),
        ("a,2022-12-25,9:00,later,", Reason.TIME),
        ("a,25.12.2022,,,", Reason.DATE),
        ("a,,,,", Reason.DATE),
        ("a,1969-12-31,,,", Reason.DATE_YEAR),
        (",2022-12-25,,,", Reason.NO_ID),
        ("a,2022-12-25,,,\0", Reason.ZERO),
    ],
)
def test_an_impossible_exception_is_rejected(tmp_path: Path, row: str, reason: Reason) -> None:
    reading = read(tmp_path, f"{DATES}\n{row}\na,2022-12-26,,,\n")
    assert reasons(reading) == [(2, reason.text)]
    assert reading.facts.of(EXCEPTIONS)["date"].to_list() == [date(2022, 12, 26)]
    dated = re.match(r"a,(\d+-\d+-\d+)", row)
    assert reading.tainted["exceptions"].rows() == ([("a", date.fromisoformat(dated[1]))] if dated else [])


def test_a_date_that_is_closed_and_open_in_one_load_is_rejected_in_all_of_its_rows(tmp_path: Path) -> None:
    rows = "a,2022-12-25,,,x\na,2022-12-25,9:00,9:00,\na,2022-12-26,,,\n"
    reading = read(tmp_path, f"{DATES}\n{rows}", f"{DATES}\na,2022-12-25,,,x\n")
    clash = Reason.OPEN_AND_CLOSED.text
    assert reasons(reading) == [(2, clash), (3, clash), (2, clash)]
    assert reading.facts.of(EXCEPTIONS)["date"].to_list() == [date(2022, 12, 26)]
    assert reading.tainted["exceptions"].rows() == [("a", XMAS)]


def test_annotations_are_about_a_store_a_label_or_all(tmp_path: Path) -> None:
    rows = [
        note(id="1", end_utc="2023-01-01T14:00:00+01:00", reason="why", author="who"),
        note(id="2", store_id="", label="Bra nd", value="X", counts_as=" UP "),
        note(id="3", store_id="", label="*", withdrawn_at="2023-01-01 12:00:00Z"),
    ]
    reading = read(tmp_path, "\n".join([NOTES, *rows]))
    assert reading.is_complete
    assert reading.facts.of(ANNOTATIONS).rows() == [
        ("1", "a", "", "", AT, AT.replace(hour=13), "excluded", "why", "who", AT, None),
        ("2", "", "brand", "X", AT, None, "up", "", "", AT, None),
        ("3", "", "*", "", AT, None, "excluded", "", "", AT, AT),
    ]
    assert reading.stores.to_list() == []


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"store_id": ""}, Reason.ABOUT),
        ({"label": "brand"}, Reason.ABOUT),
        ({"label": "brand", "value": "X"}, Reason.ABOUT),
        ({"label": "*"}, Reason.ABOUT),
        ({"value": "X"}, Reason.ABOUT),
        ({"store_id": "", "label": "brand"}, Reason.ABOUT),
        ({"store_id": "", "value": "X"}, Reason.ABOUT),
        ({"store_id": "", "label": "*", "value": "X"}, Reason.ABOUT),
        ({"store_id": "1.5E+18"}, Reason.BAD_ID),
        ({"id": "x" * 513}, Reason.NOTE_ID),
        ({"id": " "}, Reason.NOTE_ID),
        ({"start_utc": "2023-01-01 12:00:00.5"}, Reason.SECOND),
        ({"end_utc": "2023-01-01 12:00:00.000001"}, Reason.SECOND),
        ({"end_utc": "2023-01-01 12:00:00"}, Reason.ENDS),
        ({"end_utc": "2023-01-01 11:59:59"}, Reason.ENDS),
        ({"start_utc": ""}, Reason.NO_STAMP),
        ({"end_utc": "noon"}, Reason.STAMP),
        ({"made_at": ""}, Reason.NO_STAMP),
        ({"made_at": "noon"}, Reason.STAMP),
        ({"made_at": "2201-01-01 00:00:00"}, Reason.YEAR),
        ({"withdrawn_at": "yes"}, Reason.STAMP),
        ({"counts_as": "ok"}, Reason.COUNTS_AS),
        ({"counts_as": ""}, Reason.COUNTS_AS),
        ({"author": "\0"}, Reason.ZERO),
    ],
)
def test_an_impossible_annotation_is_rejected(
    tmp_path: Path, columns: dict[str, str], reason: Reason
) -> None:
    reading = read(tmp_path, "\n".join([NOTES, note(**columns), note()]))
    assert reasons(reading) == [(2, reason.text)]
    assert len(reading.facts.of(ANNOTATIONS)) == 1


def test_an_annotation_without_an_id_has_one_of_its_content_but_for_its_withdrawal(tmp_path: Path) -> None:
    def made(**columns: str) -> str:
        (name,) = read(tmp_path, "\n".join([NOTES, note(**columns)])).facts.of(ANNOTATIONS)["id"]
        return str(name)

    assert made() == made(start_utc="2023-01-01T13:00:00.0+01", counts_as="Excluded")
    assert made() == made(withdrawn_at="2023-01-02 00:00:00")
    others = [{"reason": "x"}, {"author": "x"}, {"store_id": "b"}, {"counts_as": "up"}]
    others += [{name: "2023-01-01 12:00:01"} for name in ("start_utc", "end_utc", "made_at")]
    assert len({made(), *(made(**other) for other in others)}) == len(others) + 1


def test_two_different_annotations_of_one_id_are_both_rejected(tmp_path: Path) -> None:
    rows = [note(id="1"), note(id="1", reason="x"), note(id="2"), note(id="2"), note(), note()]
    reading = read(tmp_path, "\n".join([NOTES, *rows]))
    assert reasons(reading) == [(2, Reason.TWO_NOTES.text), (3, Reason.TWO_NOTES.text)]
    assert len(reading.facts.of(ANNOTATIONS)) == 2


def test_a_file_of_stores_has_names_targets_labels_and_zones(tmp_path: Path) -> None:
    reading = read(
        tmp_path,
        f"{STORES}\na,A,99.50,X,Asia/Beirut\nb,,,,\n",
        "store_id,store_name,,Sales Region\nc,C,1,n\n",
    )
    assert reading.is_complete
    assert sorted(reading.facts.of(LABELS).rows()) == [
        ("a", "brand", "X"),
        ("a", "storename", "A"),
        ("a", "targetpercent", "99.5"),
        ("b", "brand", ""),
        ("b", "storename", ""),
        ("b", "targetpercent", ""),
        ("c", "salesregion", "n"),
        ("c", "storename", "C"),
    ]
    assert reading.facts.zones.rows() == [("a", "Asia/Beirut")]
    assert reading.stores.to_list() == ["a"]
    assert (reading.rows["labels"], reading.rows["zones"]) == (3, 0)


@pytest.mark.parametrize(
    "target", ["0", "0.000", "100.001", "99.5555", "-1", "99,5", "1e1", "ten", " 5", "."]
)
def test_an_impossible_target_rejects_its_row_with_its_zone(tmp_path: Path, target: str) -> None:
    text = STORES.replace(",", ";")
    reading = read(tmp_path, f"{text}\na;A;{target};X;Asia/Beirut\n")
    assert reasons(reading) == [(2, Reason.TARGET.text)]
    assert (len(reading.facts.of(LABELS)), len(reading.facts.zones)) == (0, 0)


@pytest.mark.parametrize(
    ("target", "kept"),
    [("100", "100"), ("0.001", "0.001"), ("007.10", "7.1"), ("100.000", "100"), ("10", "10")],
)
def test_a_target_is_kept_in_one_form(tmp_path: Path, target: str, kept: str) -> None:
    reading = read(tmp_path, f"{STORES}\na,A,{target},X,\n")
    assert ("a", "targetpercent", kept) in reading.facts.of(LABELS).rows()


def test_an_unknown_zone_rejects_a_row_of_stores(tmp_path: Path) -> None:
    reading = read(tmp_path, f"{STORES}\na,A,,X,Mars\n")
    assert reasons(reading) == [(2, Reason.ZONE.text)]
    assert len(reading.facts.of(LABELS)) == 0


def test_two_different_rows_for_one_store_are_both_rejected(tmp_path: Path) -> None:
    rows = "a,A,,X,UTC\na,A,,Y,UTC\nb,B,1,X,UTC\nb,B,1.0,X,UTC\n"
    reading = read(tmp_path, f"{STORES}\n{rows}", "store_id,store_name,size\nb,B,1\nc,C,1\n")
    two = Reason.TWO_STORES.text
    assert reasons(reading) == [(2, two), (3, two), (4, two), (5, two), (2, two)]
    assert reading.facts.of(LABELS)["store_id"].unique().to_list() == ["c"]
    assert len(reading.facts.zones) == 0


def test_a_store_with_two_zones_keeps_neither_nor_the_row_that_says_so(tmp_path: Path) -> None:
    reading = read(
        tmp_path, f"{STORES}\na,A,,X,UTC\nb,B,,X,UTC\n", "store_id,timezone_str\na,Asia/Beirut\nb,UTC\n"
    )
    assert reasons(reading) == [(2, Reason.TWO_ZONES.text)] * 2
    assert reading.rejects["kind"].to_list() == ["labels", "zones"]
    assert reading.facts.zones.rows() == [("b", "UTC")]
    assert reading.facts.of(LABELS)["store_id"].unique().to_list() == ["b"]


@pytest.mark.parametrize(
    "name",
    [
        "state",
        "Uptime last hour",
        "met_previous_month",
        "low-seconds-28d",
        "stores",
        "*",
        "open_today_before",
    ],
)
def test_a_column_called_as_in_reports_is_no_label_and_is_named(tmp_path: Path, name: str) -> None:
    reading = read(tmp_path, f"store_id,store_name,{name},brand\na,A,x,X\n")
    assert len(reading.unused) == 1
    assert f"`{name}`" in reading.unused[0]
    assert sorted(reading.facts.of(LABELS)["label"]) == ["brand", "storename"]
    with pytest.raises(InputError, match="labels: the column"):
        ingest.check_frames({"labels": pl.DataFrame({"store_id": ["a"], "store_name": ["A"], name: ["x"]})})


@pytest.mark.parametrize("name", ["uptime", "open", "window", "status", "lasthour", "region_28d"])
def test_what_is_only_like_a_column_of_reports_is_a_label(tmp_path: Path, name: str) -> None:
    assert read(tmp_path, f"store_id,store_name,{name}\na,A,x\n").is_complete


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("store_id,store_name,Brand,b_rand", "looks like labels: `Brand` and `b_rand` mean the same"),
        (
            "store_id,store_name,timezone_str,Store Name",
            "looks like labels: `store_name` and `Store Name` mean",
        ),
        (
            "store_id,store name,target_percent,Target percent",
            "looks like labels: `target_percent` and `Target",
        ),
        (
            HOURS.replace("valid_to", "Valid From"),
            "looks like hours: `valid_from` and `Valid From` mean the same",
        ),
        ("store_id,start_utc,counts_as,made", "looks like annotations: `made` should be `made_at`"),
        ("store_id,date,start_time_local", "looks like exceptions: `end_time_local` is missing"),
    ],
)
def test_a_file_with_two_columns_for_one_meaning_or_too_few_is_refused(
    tmp_path: Path, header: str, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        read(tmp_path, f"{header}\n")


@pytest.mark.parametrize("make", [pl.DataFrame, pd.DataFrame])
def test_frames_and_parquet_give_what_csv_gives(tmp_path: Path, make: Any) -> None:
    """Dates, instants, numbers and truth values as such, or as text."""
    given: dict[str, dict[str, list[Any]]] = {
        "hours": dict(zip(HOURS.split(","), [["a"], [0], ["9:00"], ["17:00"], [XMAS], [None]], strict=True)),
        "exceptions": {
            "store_id": ["a"],
            "date": [datetime(2022, 12, 25)],  # noqa: DTZ001 - a date, as pandas has it
            "start_time_local": [""],
            "end_time_local": [None],
        },
        "annotations": {
            "store_id": [7],
            "start_utc": [AT],
            "counts_as": ["up"],
            "made_at": ["2023-01-01 12:00:00"],
        },
        "labels": {
            "store_id": ["a"],
            "store_name": ["A"],
            "target_percent": [99.5],
            "open_since": [XMAS],
            "big": [True],
        },
    }
    csv = [
        f"{HOURS}\na,0,9:00,17:00,2022-12-25,\n",
        "store_id,date,start_time_local,end_time_local\na,2022-12-25,,\n",
        "store_id,start_utc,counts_as,made_at\n7,2023-01-01 12:00:00,up,2023-01-01 12:00:00\n",
        "store_id,store_name,target_percent,open_since,big\na,A,99.5,2022-12-25,true\n",
    ]
    expected = read(tmp_path, *csv).facts
    for facts in (
        ingest.check_frames({kind: make(columns) for kind, columns in given.items()}).facts,
        parquet(tmp_path, given),
    ):
        for kind in (EXCEPTIONS, ANNOTATIONS, LABELS):
            assert facts.of(kind).sort(pl.all()).equals(expected.of(kind).sort(pl.all()))
        assert facts.hours.equals(expected.hours)


def parquet(folder: Path, given: dict[str, dict[str, list[Any]]]) -> Any:
    for kind, columns in given.items():
        pl.DataFrame(columns, strict=False).write_parquet(folder / f"{kind}.parquet")
    return ingest.read([folder / f"{kind}.parquet" for kind in given], now=2e9).facts


def test_a_date_with_a_zone_or_a_time_is_none() -> None:
    row = {"store_id": ["a"], "start_time_local": [""], "end_time_local": [""]}
    with pytest.raises(InputError, match="exceptions: column date is Datetime"):
        ingest.check_frames({"exceptions": pl.DataFrame(row | {"date": [AT]})})
    reading = ingest.check_frames({"exceptions": pl.DataFrame(row | {"date": [AT.replace(tzinfo=None)]})})
    assert reading.rejects["reason"].to_list() == [Reason.DATE.text]
