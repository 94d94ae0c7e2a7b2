"""The list of stores: what its address says, and that each filter and order is what it is said to be."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime
from fractions import Fraction
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from starlette.exceptions import HTTPException

from storewatch.entrypoints.http.pages.listing import csv_pieces, suggestions
from storewatch.entrypoints.http.pages.table import ORDERS, fleet_table
from storewatch.entrypoints.http.pages.view import DAYS, Fleet, View, where_text
from storewatch.entrypoints.http.pages.week_bar import week_bar

if TYPE_CHECKING:
    from collections.abc import Callable

    from storewatch.entrypoints.http.pages.current import Current

    Row = dict[str, Any]

STORES = 400
ZONES = ["America/Chicago", "Asia/Kathmandu", "Australia/Lord_Howe", "Europe/Paris", "Asia/Beirut", None]
CLOCKS_BACK = int(datetime(2022, 11, 8, 10, 20, tzinfo=UTC).timestamp())  # in Chicago, on 6 November
CLOCKS_FORWARD = int(datetime(2022, 10, 4, 3, tzinfo=UTC).timestamp())  # on Lord Howe, on 2 October


def rows_of(as_of: int, stores: int = STORES) -> list[Row]:
    """Make rows as a report and what lies beside it have them, with many ties and many gaps."""
    draw = random.Random(as_of)  # noqa: S311 - no secret
    hours = 168 + (as_of % 3600 > 0)
    ids = sorted(
        {
            f"{draw.choice('aBé<9-.')}{draw.randrange(1000)}{draw.choice(['', '.', ' ', ':'])}"
            for _ in range(stores)
        }
    )
    found = []
    for store_id in ids:
        state = draw.choice(["up", "down", "unknown", "excluded", None])
        row: Row = {
            "store_id": store_id,
            "store_name": draw.choice(["", None, "Café A", "CAFÉ b", "x:y", store_id.upper()]),
            "timezone_str": draw.choice(ZONES),
            "target_percent": draw.choice([None, 99.999, 50.0, 33.333]),
            "label:brand": draw.choice([None, "X", "x", "a:b", "100%"]),
            "label:a:b": draw.choice([None, "c"]),
            "label:a": draw.choice([None, "b:c"]),
            "state": state,
            "is_closed": draw.choice([True, False]) or state is None,
            "since": None
            if state is None or draw.random() < 0.2
            else datetime.fromtimestamp(as_of - 3600 * draw.randrange(9), UTC),
            "silent_since": draw.choice([None, None, datetime.fromtimestamp(as_of, UTC)]),
            "outages_last_week": draw.randrange(4),
            "longest_outage_seconds_last_week": draw.randrange(4) * 3600,
            "week": "".join(draw.choice(".UuDd?xVWYEvqyzk") for _ in range(hours)),
        }
        for window in ("hour", "day", "week"):
            for end in ("", "_before"):
                parts = [draw.choice([0, 0, 900, 1200, 3600]) for _ in range(4)]
                names = ("uptime", "downtime", "unknown", "excluded")
                row |= {
                    f"{name}_seconds_last_{window}{end}": part
                    for name, part in zip(names, parts, strict=True)
                }
                row[f"open_seconds_last_{window}{end}"] = sum(parts)
                row[f"measured_seconds_last_{window}{end}"] = draw.randint(0, parts[0] + parts[1])
        found.append(row)
    return found


def shown(rows: list[Row]) -> Current:
    """Return rows as pages have them: those of a report, and those beside it."""
    frame = pl.DataFrame(
        rows, schema_overrides={"since": pl.Datetime("us", "UTC"), "silent_since": pl.Datetime("us", "UTC")}
    )
    beside = ["store_name", "timezone_str", "target_percent", "silent_since", "week"]
    beside += [name for name in frame.columns if name.startswith("label:") or name.endswith("_before")]
    return cast(
        "Current",
        SimpleNamespace(
            report=SimpleNamespace(rows=frame.drop(beside)),
            overview=SimpleNamespace(stores=frame.select("store_id", *beside)),
        ),
    )


def fleet(rows: list[Row], as_of: int = CLOCKS_BACK, window: str = "week") -> Fleet:
    return Fleet(rows=fleet_table(shown(rows)), as_of=as_of, window=f"last_{window}")


def listed(query: str, of: Fleet) -> list[str]:
    """Return the ids that a list with this query has, all pages."""
    places, _ = View.read(parse_qsl(query)).places(of)
    return [str(name) for name in of.rows[places]["store_id"]]


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return rows_of(CLOCKS_BACK)


def ratio(row: Row, window: str = "week", end: str = "") -> Fraction | None:
    up, down = (row[f"{name}_seconds_last_{window}{end}"] for name in ("uptime", "downtime"))
    return Fraction(up, up + down) if up + down else None


def evidence(row: Row, window: str = "week") -> Fraction | None:
    measured, whole, excluded = (
        row[f"{name}_seconds_last_{window}"] for name in ("measured", "open", "excluded")
    )
    return Fraction(measured, whole - excluded) if whole - excluded else None


def is_less(share: Fraction | None, percent: str) -> bool:
    return share is not None and 100 * share < Fraction(percent)


def no_data(row: Row) -> bool:
    return bool(row["unknown_seconds_last_week"]) and ratio(row) is None


FILTERS: dict[str, Callable[[Row], bool]] = {
    "": lambda _: True,
    "state=down": lambda row: row["state"] == "down" and not row["is_closed"],
    "state=unknown": lambda row: row["state"] == "unknown" and not row["is_closed"],
    "state=closed": lambda row: row["is_closed"],
    "below=50": lambda row: is_less(ratio(row), "50"),
    "below=57.143": lambda row: is_less(ratio(row), "57.143"),
    "below=100": lambda row: is_less(ratio(row), "100"),
    "below=50&window=day": lambda row: is_less(ratio(row, "day"), "50"),
    "below=target": lambda row: is_less(ratio(row), str(row["target_percent"] or 95)),
    "low_evidence=50": lambda row: is_less(evidence(row), "50"),
    "low_evidence=0.1": lambda row: is_less(evidence(row), "0.1"),
    "only=no-data": no_data,
    "only=silent": lambda row: row["silent_since"] is not None,
    "zone=Asia/Kathmandu": lambda row: row["timezone_str"] == "Asia/Kathmandu",
    "zone=America/Chicago": lambda row: row["timezone_str"] in {"America/Chicago", None},
    "zone=Mars": lambda _: False,
    "q=CAF": lambda row: "caf" in f"{row['store_id']}\n{row['store_name'] or ''}".lower(),
    "q=.": lambda row: "." in f"{row['store_id']}\n{row['store_name'] or ''}",
    "q=%C3%89": lambda row: "é" in f"{row['store_id']}\n{row['store_name'] or ''}".lower(),
    "where=brand:X": lambda row: row["label:brand"] == "X",
    "where=Brand:X&where=brand:x": lambda row: row["label:brand"] in {"X", "x"},
    "where=brand:": lambda row: row["label:brand"] is None,
    "where=brand:a:b": lambda row: row["label:brand"] == "a:b",
    "where=brand:100%25": lambda row: row["label:brand"] == "100%",
    "where=a%253Ab:c": lambda row: row["label:a:b"] == "c",
    "where=a:b:c": lambda row: row["label:a"] == "b:c",
    "where=a:b:c&where=brand:X&where=brand:": lambda row: (
        row["label:a"] == "b:c" and row["label:brand"] in {"X", None}
    ),
    "where=brand:nobody": lambda _: False,
    "state=up&state=&q=+&state=up": lambda row: row["state"] == "up" and not row["is_closed"],
    "state=up&below=90&where=brand:X": lambda row: (
        row["state"] == "up"
        and not row["is_closed"]
        and is_less(ratio(row), "90")
        and row["label:brand"] == "X"
    ),
}


@pytest.mark.parametrize("query", FILTERS)
def test_a_filter_keeps_what_it_says(rows: list[Row], query: str) -> None:
    window = dict(parse_qsl(query)).get("window", "week")
    expected = [row["store_id"] for row in rows if FILTERS[query](row)]

    assert listed(f"{query}&sort=id", fleet(rows, window=window)) == expected
    assert (expected == []) == (query in {"zone=Mars", "where=brand:nobody"})


def percent(row: Row, end: str = "") -> int | None:
    share = ratio(row, end=end)
    return None if share is None else int(10_000 * share)


def fall(row: Row) -> int | None:
    now, before = percent(row), percent(row, "_before")
    return None if now is None or before is None else now - before


KEYS: dict[str, Callable[[Row], Any]] = {
    "uptime": ratio,
    "change": fall,
    "downtime": lambda row: row["downtime_seconds_last_week"],
    "since": lambda row: None if row["state"] is None else row["since"].timestamp() if row["since"] else 0,
    "longest": lambda row: row["longest_outage_seconds_last_week"],
    "outages": lambda row: row["outages_last_week"],
    "measured": evidence,
    "id": lambda row: row["store_id"],
    "name": lambda row: row["store_name"].lower() if row["store_name"] else None,
    "state": lambda row: row["state"],
}


@pytest.mark.parametrize("order", ORDERS)
def test_an_order_has_ties_by_id_and_the_unknown_last_in_both_directions(rows: list[Row], order: str) -> None:
    key = KEYS[order]
    known = [row for row in rows if key(row) is not None]
    unknown = [row["store_id"] for row in rows if key(row) is None]
    upwards = [row["store_id"] for row in sorted(known, key=key)]
    downwards = [row["store_id"] for row in sorted(known, key=key, reverse=True)]

    assert listed(f"sort={order}", fleet(rows)) == upwards + unknown
    assert listed(f"sort=-{order}", fleet(rows)) == downwards + unknown
    assert upwards != downwards


def cells_of(letters: str, row: Row, begin: int, zone: ZoneInfo) -> set[int]:
    """Return the weekdays and hours of a clock in which a store was something."""
    down = [n for n, letter in enumerate(row["week"]) if letter in letters]
    clocks = [datetime.fromtimestamp(begin + 3600 * n, UTC).astimezone(zone) for n in down]
    return {24 * at.weekday() + at.hour for at in clocks}


@pytest.mark.parametrize("as_of", [CLOCKS_BACK, CLOCKS_FORWARD])
@pytest.mark.parametrize("is_local", [False, True])
@pytest.mark.parametrize(("what", "letters"), [("", "DdEVYvqyk"), ("-unmeasured", "?udEWYvqzk")])
def test_a_cell_has_the_stores_that_were_so_in_it_by_their_own_clock_or_utc(
    as_of: int, what: str, letters: str, *, is_local: bool
) -> None:
    rows, end = rows_of(as_of, 40), f"{'-local' if is_local else ''}{what}"
    of, begin = fleet(rows, as_of), (as_of - 604_800) // 3600 * 3600
    zones = [(row["timezone_str"] or "America/Chicago") if is_local else "UTC" for row in rows]
    down = [cells_of(letters, row, begin, ZoneInfo(zone)) for row, zone in zip(rows, zones, strict=True)]
    for cell in range(0, 168, 2 if is_local else 7):
        expected = [row["store_id"] for row, cells in zip(rows, down, strict=True) if cell in cells]
        assert listed(f"at={DAYS[cell // 24][:3].lower()}-{cell % 24:02}{end}&sort=id", of) == expected


@pytest.mark.parametrize(
    ("query", "instead"),
    [
        ("state=open", "down, up, unknown, excluded or closed"),
        ("below=0", "like 99.5"),
        ("below=100.001", "like 99.5"),
        ("below=9.1234", "three decimals"),
        ("below=%D9%A3", "like 99.5"),
        ("below=-1", "target"),
        ("below=1e1", "target"),
        ("low_evidence=target", "a percentage"),
        ("only=down", "no-data or silent"),
        ("at=wed", "wed-14"),
        ("at=wed-24", "wed-14"),
        ("at=wed-14-utc", "wed-14-local"),
        ("window=month", "hour, day or week"),
        ("sort=-", "uptime, change"),
        ("sort=--id", "uptime, change"),
        ("page=0", "from 1 on"),
        ("page=x", "from 1 on"),
        ("where=brand", "brand, a:b, a"),
        ("where=colour:red", "brand, a:b, a"),
        ("state=up&state=down", "only once"),
        (f"state={'x' * 900}", "x…"),
    ],
)
def test_what_cannot_be_understood_is_said_with_what_can_be_written(
    rows: list[Row], query: str, instead: str
) -> None:
    with pytest.raises(HTTPException) as error:
        listed(query, fleet(rows))

    assert error.value.status_code == 422
    assert error.value.detail.startswith(f"{query.partition('=')[0]}=")
    assert instead in error.value.detail
    assert len(error.value.detail) < 250


@pytest.mark.parametrize(
    ("label", "value"), [("brand", "X"), ("a:b", "c"), ("a", "b:c"), ("%3a", "50%:&=?# "), ("=", "")]
)
def test_an_address_says_again_what_was_read_of_it(label: str, value: str) -> None:
    view = View(
        filters=(("where", where_text(label, value)), ("q", "<b>&")), window="day", sort="-outages", page=7
    )
    address = view.address({"as_of": "2023-01-25T18:12:00Z"}, "/stores.csv")

    assert address.startswith("/stores.csv?")
    assert View.read(parse_qsl(urlsplit(address).query)) == view
    assert View.read([]).address({}) == "/stores"


def test_a_column_head_sorts_and_then_turns_round() -> None:
    assert [View().by("uptime").sort, View(sort="-uptime").by("uptime").sort] == ["-uptime", "uptime"]
    assert [View().by("outages").sort, View(sort="-outages").by("outages").sort] == ["-outages", "outages"]


def test_a_filter_names_the_address_without_it(rows: list[Row]) -> None:
    view = View.read([("where", "brand:X"), ("where", "brand:x"), ("state", "down"), ("page", "2")])
    _, filters = view.places(fleet(rows))

    assert [words for words, _ in filters] == ["brand: X", "brand: x", "down now"]
    assert [without.address({}) for _, without in filters] == [
        "/stores?where=brand%3Ax&state=down",
        "/stores?where=brand%3AX&state=down",
        "/stores?where=brand%3AX&where=brand%3Ax",
    ]


def test_a_report_alone_can_be_filtered_by_what_its_rows_have(rows: list[Row]) -> None:
    """Such a one has neither names, labels, zones, targets nor figures of the time before."""
    alone = cast("Current", SimpleNamespace(report=shown(rows).report, overview=None))
    of = Fleet(rows=fleet_table(alone), as_of=CLOCKS_BACK, window="last_week")

    assert listed("below=50&sort=id", of) == [row["store_id"] for row in rows if is_less(ratio(row), "50")]
    assert listed("sort=-change", of) == [row["store_id"] for row in rows]
    assert listed("only=silent", of) == listed("at=mon-03", of) == []
    with pytest.raises(HTTPException, match="knows no labels"):
        listed("where=brand:X", of)


def test_what_begins_with_a_text_is_suggested_first(rows: list[Row]) -> None:
    found = suggestions(shown(rows), "CAFÉ")
    assert len(found) == 8
    assert all(each["store_name"] in {"Café A", "CAFÉ b"} for each in found)
    first = rows[0]["store_id"]
    assert suggestions(shown(rows), first)[0]["store_id"] == first
    assert suggestions(shown(rows), "nothing like it") == []


def test_a_bar_has_a_strip_an_hour_and_what_is_carried_is_paler() -> None:
    begin = int(datetime(2023, 1, 20, 22, tzinfo=UTC).timestamp())
    svg = week_bar("UWu.dE?qy", begin, 'up "5 h"')

    assert re.findall(r'<path class="([^"]*)"(?: fill="url\(#p-([a-z]+)\)")? d="([^"]*)"', svg) == [
        ("ground", "", "M0 6H9"),
        ("fill-up", "", "M0 4h2v4h-2z"),
        ("fill-up carried", "", "M2 4h1v4h-1z"),
        ("patterned carried", "down", "M4 0h1v12h-1z"),
        ("patterned", "down", "M5 0h1v12h-1z"),
        ("patterned", "unknown", "M6 0h2v12h-2z"),
        ("patterned", "excluded", "M8 0h1v12h-1z"),
        ("days", "", "M2 0V12"),
    ]
    assert 'aria-label="up &#34;5 h&#34;"' in svg


def test_a_file_of_a_list_runs_nothing_in_a_spreadsheet() -> None:
    rows = pl.DataFrame(
        {
            "store_id": ["=1", "7"],
            "store_name": ["+x", None],
            "@label": ["-1", "a,b"],
            "state": ["up", None],
            "is_closed": ["no", None],
            "since": ["", None],
            "uptime": [99.99, None],
        }
    )

    assert b"".join(csv_pieces(rows)).decode().splitlines() == [
        "store_id,store_name,'@label,state,is_closed,since,uptime",
        "'=1,'+x,'-1,up,no,\"\",99.99",
        '7,,"a,b",,,,',
    ]
