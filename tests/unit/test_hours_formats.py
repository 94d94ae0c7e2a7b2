"""Hours as schema.org and Google give them, on documents in the wire format, and what is not known."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from storewatch.adapters.polls import open_polls
from storewatch.entrypoints.cli import commands
from storewatch.ingest.documents import read_documents
from storewatch.ingest.google import GOOGLE
from storewatch.ingest.schema_org import SCHEMA_ORG

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from storewatch.ingest import Reading
    from storewatch.ingest.documents import Format

HOUR = 3_600
DAY = 86_400
MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY = range(7)


def read(folder: Path, form: Format, document: object, name: str = "7.json") -> Reading:
    (folder / name).write_text(json.dumps(document), encoding="utf-8")
    return read_documents([folder / name], form)


def hours(reading: Reading) -> list[tuple[Any, ...]]:
    """Return store, day, start, end in hours, and the validity if any has one."""
    return sorted((row[0], row[1], *_times(row[2:4]), *row[4:]) for row in reading.facts.hours.iter_rows())


def exceptions(reading: Reading) -> list[tuple[Any, ...]]:
    """Return store, date, start and end in hours, and the reason."""
    rows = reading.facts.others["exceptions"].iter_rows()
    return sorted(((row[0], f"{row[1]}", *_times(row[2:4]), row[4]) for row in rows), key=str)


def _times(seconds: Sequence[int | None]) -> list[float | None]:
    return [None if second is None else second / HOUR for second in seconds]


def flaws(reading: Reading) -> list[tuple[str, str]]:
    """Return the reason and the value of each rejected row."""
    return list(reading.rejects.select("reason", "value").iter_rows())


# As a site has it in its pages
RESTAURANT = {
    "@context": "https://schema.org",
    "@type": "Restaurant",
    "name": "Dave's",
    "openingHoursSpecification": [
        {
            "@type": "OpeningHoursSpecification",
            "dayOfWeek": ["Monday", "https://schema.org/Tuesday", "http://schema.org/Wednesday"],
            "opens": "09:00",
            "closes": "21:00:00",
        },
        {
            "@type": "OpeningHoursSpecification",
            "dayOfWeek": {"@id": "https://schema.org/Saturday"},
            "opens": "18:00",
            "closes": "03:00",
        },
        {"@type": "OpeningHoursSpecification", "dayOfWeek": "Thursday", "opens": "00:00", "closes": "23:59"},
        {"@type": "OpeningHoursSpecification", "dayOfWeek": "Sunday", "opens": "00:00", "closes": "00:00"},
        {
            "@type": "OpeningHoursSpecification",
            "dayOfWeek": "Friday",
            "opens": "10:00",
            "closes": "12:00",
            "validFrom": "2023-06-01",
            "validThrough": "2023-08-31T23:59:59",
        },
    ],
    "specialOpeningHoursSpecification": [
        {
            "@type": "OpeningHoursSpecification",
            "name": "Christmas",
            "validFrom": "2023-12-25",
            "validThrough": "2023-12-26",
            "opens": "00:00",
            "closes": "00:00",
        },
        {
            "@type": "OpeningHoursSpecification",
            "validFrom": "2023-12-31",
            "validThrough": "2023-12-31",
            "opens": "18:00",
            "closes": "02:00",
        },
    ],
}


def test_a_document_of_schema_org(tmp_path: Path) -> None:
    reading = read(tmp_path, SCHEMA_ORG, RESTAURANT)
    summer = date(2023, 6, 1), date(2023, 8, 31)

    assert flaws(reading) == []
    assert hours(reading) == [
        ("7", MONDAY, 9, 21, None, None),
        ("7", TUESDAY, 9, 21, None, None),
        ("7", WEDNESDAY, 9, 21, None, None),
        ("7", THURSDAY, 0, 23 + 59 / 60, None, None),
        ("7", FRIDAY, 10, 12, *summer),
        ("7", SATURDAY, 18, 3, None, None),
        ("7", SUNDAY, 0, 0, None, None),
    ]
    assert exceptions(reading) == [
        ("7", "2023-12-25", None, None, "Christmas"),
        ("7", "2023-12-26", None, None, "Christmas"),
        ("7", "2023-12-31", 18, 2, ""),
    ]
    assert reading.is_complete


def weekly(**entry: object) -> dict[str, object]:
    return {"openingHoursSpecification": {"dayOfWeek": "Monday", "opens": "09:00", "closes": "17:00"} | entry}


def special(**entry: object) -> dict[str, object]:
    given = {"validFrom": "2023-12-24", "validThrough": "2023-12-24", "opens": "09:00", "closes": "12:00"}
    return {"specialOpeningHoursSpecification": [given | entry]}


def test_without_opens_a_day_is_closed(tmp_path: Path) -> None:
    assert hours(read(tmp_path, SCHEMA_ORG, weekly(opens=None, closes=None))) == [("7", MONDAY, 0, 0)]
    closed = read(tmp_path, SCHEMA_ORG, special(opens=None, closes=None, description="Eve"))
    assert exceptions(closed) == [("7", "2023-12-24", None, None, "Eve")]


def test_a_closed_season_within_the_weekly_hours_takes_its_dates_away(tmp_path: Path) -> None:
    season = weekly(
        dayOfWeek=None, opens="00:00", closes="00:00", validFrom="2023-12-23", validThrough="2024-01-05"
    )
    reading = read(tmp_path, SCHEMA_ORG, season)

    assert hours(reading) == []
    assert [row[1:4] for row in exceptions(reading)][::13] == [
        ("2023-12-23", None, None),
        ("2024-01-05", None, None),
    ]


def test_special_hours_of_some_days_of_the_week(tmp_path: Path) -> None:
    """24 December 2023 is a Sunday, the 30th a Saturday."""
    document = special(validThrough="2023-12-31", dayOfWeek=["Saturday", "Sunday"])

    assert [row[1] for row in exceptions(read(tmp_path, SCHEMA_ORG, document))] == [
        "2023-12-24",
        "2023-12-30",
        "2023-12-31",
    ]


NOT_KNOWN = "not known in this format"
SCHEMA_ORG_FLAWS: dict[str, tuple[dict[str, object], tuple[str, str]]] = {
    "public holidays": (
        weekly(dayOfWeek="https://schema.org/PublicHolidays"),
        (NOT_KNOWN, 'dayOfWeek "https://schema.org/PublicHolidays"'),
    ),
    "short days": (weekly(dayOfWeek="Mo"), (NOT_KNOWN, 'dayOfWeek "Mo"')),
    "no days": (weekly(dayOfWeek=None), (NOT_KNOWN, "without dayOfWeek")),
    "12 hours": (weekly(opens="9:00 AM"), ("impossible time of day", "9:00 AM–17:00")),
    "a time with an offset": (
        weekly(opens="09:00:00+01:00"),
        ("impossible time of day", "09:00:00+01:00–17:00"),
    ),
    "a number": (weekly(opens=900), (NOT_KNOWN, "opens 900")),
    "only opens": (weekly(closes=None), (NOT_KNOWN, "closes null")),
    "an instant": (weekly(validFrom="2023-06-01T12:00:00"), (NOT_KNOWN, 'validFrom "2023-06-01T12:00:00"')),
    "no date": (weekly(validThrough="2023-02-30"), (NOT_KNOWN, 'validThrough "2023-02-30"')),
    "turned dates": (
        weekly(validFrom="2023-06-02", validThrough="2023-06-01"),
        ("valid_from after valid_to", "2023-06-02–2023-06-01"),
    ),
    "another key": (weekly(valid_through="2023-06-01"), (NOT_KNOWN, "valid_through")),
    "text": ({"openingHoursSpecification": "Mo-Fr 09:00-17:00"}, (NOT_KNOWN, "no object")),
    "only openingHours": (
        {"openingHours": "Mo-Fr 09:00-17:00"},
        (NOT_KNOWN, "gives no hours"),
    ),
    "a special time": (special(opens="soon"), ("impossible time of day", "soon–12:00")),
    "a special date without end": (
        special(validThrough=None),
        (NOT_KNOWN, "without validFrom or validThrough"),
    ),
    "a day on none of the dates": (
        special(dayOfWeek="Monday"),
        (NOT_KNOWN, 'dayOfWeek "Monday" on none of its dates'),
    ),
    "a hundred years": (
        special(validThrough="2123-12-24"),
        (NOT_KNOWN, "from 2023-12-24 through 2123-12-24, of at most 1,000 dates"),
    ),
}


@pytest.mark.parametrize("name", SCHEMA_ORG_FLAWS)
def test_what_schema_org_does_not_say_is_rejected(name: str, tmp_path: Path) -> None:
    document, flaw = SCHEMA_ORG_FLAWS[name]
    reading = read(tmp_path, SCHEMA_ORG, document)

    assert flaws(reading) == [flaw]
    assert (hours(reading), exceptions(reading)) == ([], [])


def time(hour: int, minute: int = 0) -> dict[str, int]:
    """Return a time as Google sends it: what is 0 is left out."""
    return {name: value for name, value in (("hours", hour), ("minutes", minute)) if value}


def period(open_day: str, opens: object, close_day: str, closes: object) -> dict[str, object]:
    return {"openDay": open_day, "openTime": opens, "closeDay": close_day, "closeTime": closes}


# As `accounts.locations.list` returns it, with `readMask=storeCode,regularHours,specialHours`
LOCATION = {
    "name": "locations/17",
    "storeCode": "GB-17",
    "regularHours": {
        "periods": [
            period("MONDAY", time(9), "MONDAY", time(17, 30)),
            period("TUESDAY", {}, "TUESDAY", time(24)),
            period("FRIDAY", time(18), "SATURDAY", time(2)),
            period("SUNDAY", time(20), "MONDAY", {}),
        ]
    },
    "specialHours": {
        "specialHourPeriods": [
            {"startDate": {"year": 2023, "month": 12, "day": 25}, "closed": True},
            {
                "startDate": {"year": 2023, "month": 12, "day": 24},
                "endDate": {"year": 2023, "month": 12, "day": 24},
                "openTime": time(10),
                "closeTime": time(14),
            },
            {
                "startDate": {"year": 2023, "month": 12, "day": 31},
                "endDate": {"year": 2024, "month": 1, "day": 1},
                "openTime": time(18, 30),
                "closeTime": time(3),
            },
        ]
    },
}


def test_a_location_of_google(tmp_path: Path) -> None:
    reading = read(tmp_path, GOOGLE, [LOCATION])

    assert flaws(reading) == []
    assert hours(reading) == [
        ("GB-17", MONDAY, 9, 17.5),
        ("GB-17", TUESDAY, 0, 24),
        ("GB-17", FRIDAY, 18, 2),
        ("GB-17", SUNDAY, 20, 24),
    ]
    assert exceptions(reading) == [
        ("GB-17", "2023-12-24", 10, 14, ""),
        ("GB-17", "2023-12-25", None, None, ""),
        ("GB-17", "2023-12-31", 18.5, 3, ""),
    ]


def regular(*given: object, **changed: object) -> dict[str, object]:
    one = period("MONDAY", time(9), "MONDAY", time(17)) if not given else period(*given)  # type: ignore[arg-type]
    return {"regularHours": {"periods": [one | changed]}}


@pytest.mark.parametrize(
    ("given", "rows"),
    [
        (("MONDAY", {}, "TUESDAY", {}), [(MONDAY, 0, 24)]),
        (("SATURDAY", time(12), "MONDAY", time(8)), [(SATURDAY, 12, 24), (SUNDAY, 0, 24), (MONDAY, 0, 8)]),
        (("MONDAY", time(8), "TUESDAY", time(8)), [(MONDAY, 8, 24), (TUESDAY, 0, 8)]),
        (("MONDAY", time(8), "TUESDAY", time(24)), [(MONDAY, 8, 24), (TUESDAY, 0, 24)]),
        (("SUNDAY", {}, "SATURDAY", time(24)), [(day, 0, 24) for day in range(7)]),
        (("MONDAY", "09:00", "MONDAY", "24:00"), [(MONDAY, 9, 24)]),
    ],
)
def test_periods_of_a_day_and_longer(
    given: tuple[object, ...], rows: list[tuple[int, float, float]], tmp_path: Path
) -> None:
    found = hours(read(tmp_path, GOOGLE, regular(*given)))

    assert found == sorted(("7", *row) for row in rows)


def special_period(**changed: object) -> dict[str, object]:
    one = {"startDate": {"year": 2023, "month": 12, "day": 24}, "openTime": time(10), "closeTime": time(14)}
    return {"specialHours": {"specialHourPeriods": [one | changed]}}


def test_special_hours_as_google_allows_them(tmp_path: Path) -> None:
    eve, christmas = ({"year": 2023, "month": 12, "day": day} for day in (24, 25))
    closed = special_period(closed=True, endDate=christmas, openTime=None, closeTime=None)
    day = special_period(openTime={}, closeTime={}, endDate=christmas)

    assert exceptions(read(tmp_path, GOOGLE, closed)) == [("7", "2023-12-24", None, None, "")]
    assert exceptions(read(tmp_path, GOOGLE, day)) == [("7", "2023-12-24", 0, 24, "")]
    assert exceptions(read(tmp_path, GOOGLE, special_period(endDate=eve, closed=False))) == [
        ("7", "2023-12-24", 10, 14, "")
    ]


GOOGLE_FLAWS: dict[str, tuple[dict[str, object], str]] = {
    "no day": (regular(openDay="DAY_OF_WEEK_UNSPECIFIED"), 'openDay "DAY_OF_WEEK_UNSPECIFIED"'),
    "a small day": (regular(closeDay="Monday"), 'closeDay "Monday"'),
    "no time": (regular(openTime=None), "without openTime"),
    "25 hours": (regular(closeTime=time(25)), 'closeTime {"hours": 25}'),
    "after 24:00": (regular(closeTime=time(24, 1)), 'closeTime {"hours": 24, "minutes": 1}'),
    "a text for a number": (regular(openTime={"hours": "9"}), 'openTime {"hours": "9"}'),
    "another key": (regular(closed=True), "closed"),
    "another unit": (regular(openTime={"hour": 9}), "hour"),
    "closed before open": (regular(closeTime=time(8)), "closes before it has opened"),
    "no length": (regular(openTime={}, closeTime={}), "closes before it has opened"),
    "no list": ({"regularHours": []}, "no object"),
    "nothing": ({"regularHours": {}}, "gives no hours"),
    "only more hours": (
        {"moreHours": [{"hoursTypeId": "DELIVERY"}]},
        "gives no hours",
    ),
    "a date without a year": (
        special_period(startDate={"month": 12, "day": 24}),
        'startDate {"month": 12, "day": 24}',
    ),
    "no such date": (
        special_period(startDate={"year": 2023, "month": 2, "day": 29}),
        'startDate {"year": 2023, "month": 2, "day": 29}',
    ),
    "a far date": (
        special_period(startDate={"year": 10**30, "month": 12, "day": 24}),
        f'startDate {{"year": {10**30}, "month": 12, "day": 24}}'[:60],
    ),
    "a date as text": (special_period(startDate="2023-12-24"), 'startDate "2023-12-24"'),
    "overnight without an end date": (special_period(closeTime=time(2)), "closes before it has opened"),
    "two days": (
        special_period(endDate={"year": 2023, "month": 12, "day": 26}),
        'endDate {"year": 2023, "month": 12, "day": 26}, neither its startDate nor the next date'[:60],
    ),
    "open without times": (special_period(closed=False, openTime=None), "without openTime"),
    "closed as text": (special_period(closed="true"), 'closed "true"'),
    "24 hours from noon": (
        special_period(openTime=time(12), closeTime=time(12), endDate={"year": 2023, "month": 12, "day": 25}),
        "is open for 24 hours or more",
    ),
}


@pytest.mark.parametrize("name", GOOGLE_FLAWS)
def test_what_google_does_not_say_is_rejected(name: str, tmp_path: Path) -> None:
    document, flaw = GOOGLE_FLAWS[name]
    reading = read(tmp_path, GOOGLE, document)

    assert flaws(reading) == [(NOT_KNOWN, flaw)]
    assert (hours(reading), exceptions(reading)) == ([], [])


def test_a_list_names_its_stores_and_a_file_its_store(tmp_path: Path) -> None:
    listed = [
        weekly() | {"store_id": "a"},
        weekly() | {"storeId": 8139926242460185114},
        weekly() | {"branchCode": "b"},
    ]
    (tmp_path / "all.json").write_text(json.dumps(listed))
    (tmp_path / "007.json").write_text(json.dumps(weekly() | {"branchCode": "b"}))
    (tmp_path / "8.json").write_text(json.dumps(weekly() | {"store_id": "c"}))
    reading = read_documents([tmp_path], SCHEMA_ORG)

    assert [row[0] for row in hours(reading)] == ["007", "8139926242460185114", "a", "b", "c"]


@pytest.mark.parametrize("store_id", [{}, {"store_id": None}, {"store_id": 1.48e18}, {"store_id": True}])
def test_a_listed_document_without_a_store_id_is_rejected_with_its_place(
    store_id: dict[str, object], tmp_path: Path
) -> None:
    reading = read(tmp_path, SCHEMA_ORG, [weekly() | {"store_id": "a"}, weekly() | store_id], "all.json")

    assert [row[0] for row in hours(reading)] == ["a"]
    assert reading.rejects.select("line", "reason", "row").rows() == [
        (
            2,
            "store id missing",
            'openingHoursSpecification[0]: {"dayOfWeek": "Monday", "opens": "09:00", "closes": "17:00"}',
        )
    ]


def test_a_rejected_part_taints_what_it_is_about(tmp_path: Path) -> None:
    """So that the store keeps its hours, or those of the date; other dates are taken (R1, R8)."""
    week = [weekly()["openingHoursSpecification"], weekly(dayOfWeek="Mo")["openingHoursSpecification"]]
    dates = [
        *special(opens=9)["specialOpeningHoursSpecification"],  # type: ignore[misc]
        *special(validFrom="2023-12-26", validThrough="2023-12-26")["specialOpeningHoursSpecification"],
    ]
    document = {"openingHoursSpecification": week, "specialOpeningHoursSpecification": dates}
    reading = read(tmp_path, SCHEMA_ORG, document)

    assert reading.tainted["hours"].rows() == [("7",)]
    assert reading.tainted["exceptions"].rows() == [("7", date(2023, 12, 24))]
    assert [row[1] for row in exceptions(reading)] == ["2023-12-26"]
    assert [row[1] for row in hours(reading)] == [MONDAY]


def test_a_load_keeps_what_a_rejected_part_is_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first load gives hours from 9 to 17; the second has an unknown day for one of two stores."""
    monkeypatch.setenv("STOREWATCH_HOME", f"{tmp_path / 'home'}")
    stores = [weekly() | {"store_id": "a"}, weekly() | {"store_id": "b"}]
    days = (("a", "Mo"), ("b", "Monday"))
    later = [weekly(opens="10:00", dayOfWeek=day) | {"store_id": store} for store, day in days]
    codes = []
    for documents in (stores, later):
        (tmp_path / "all.json").write_text(json.dumps(documents))
        words = ["load", "--hours-format", "schema.org", f"{tmp_path / 'all.json'}"]
        codes.append(CliRunner().invoke(commands, words).exit_code)
    with open_polls(f"delta://{tmp_path / 'home' / 'polls'}").at() as snapshot:
        found = snapshot.scan(since=None, until=0).hours

    assert codes == [0, 3]
    assert sorted((row[0], row[2] / HOUR) for row in found.iter_rows()) == [("a", 9), ("b", 10)]


def test_closed_and_open_on_one_date_are_both_rejected(tmp_path: Path) -> None:
    both = (
        special()["specialOpeningHoursSpecification"]
        + special(opens=None, closes=None)[  # type: ignore[operator]
            "specialOpeningHoursSpecification"
        ]
    )
    reading = read(tmp_path, SCHEMA_ORG, {"specialOpeningHoursSpecification": both})

    assert [reason for reason, _ in flaws(reading)] == ["open and closed on one date"] * 2
    assert exceptions(reading) == []


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"{", "is no JSON that can be read"),
        (b"\xff\xfe\x00", "is no JSON that can be read"),
        (b"store_id,day\n", "is no JSON that can be read"),
        (b'{"openingHoursSpecification": [], "openingHoursSpecification": []}', "a key twice in one object"),
        (b"[" * 100_000, "is no JSON that can be read"),
        (b'{"store_id": "\\ud800"}', "is no JSON that can be read"),
    ],
)
def test_a_file_that_is_no_json_is_named_and_the_others_are_read(
    data: bytes, told: str, tmp_path: Path
) -> None:
    (tmp_path / "1.json").write_bytes(data)
    (tmp_path / "2.json").write_text(json.dumps(weekly()))
    reading = read_documents([tmp_path], SCHEMA_ORG)

    assert [row[0] for row in hours(reading)] == ["2"]
    assert [told in sentence and "1.json" in sentence for sentence in reading.unused] == [True]
    assert not reading.is_complete
