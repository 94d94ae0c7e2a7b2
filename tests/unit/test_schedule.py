"""Schedules: rows of the week merged, numbered once where equal, laid out over UTC."""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from importlib import resources
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from storewatch.domain.schedule import _FACTORS, ALWAYS_OPEN, Schedules, distinct_schedules, open_stretches
from storewatch.domain.zone import load_zone, local_days, offset_spans, wall_clock, zone_names

if TYPE_CHECKING:
    from numpy.typing import NDArray

H = 3_600
MONDAY, SUNDAY = 0, 6


def schedules(rows: list[tuple[int, int, int, int]], zones: list[str]) -> Schedules:
    columns = np.array(rows, dtype=np.int64).reshape(-1, 4).T
    return distinct_schedules(*columns, zone_of_store=zones)


def week(rows: list[tuple[int, int, int]]) -> list[tuple[int, int]]:
    """The merged week of one store with the given (day, start, end) rows."""
    found = schedules([(0, *row) for row in rows], ["UTC"])
    low, high = found.first[found.of_store[0]], found.first[found.of_store[0] + 1]
    return list(zip(found.begin[low:high].tolist(), found.end[low:high].tolist(), strict=True))


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def open_times(rows: list[tuple[int, int, int]], zone: str, since: str, until: str) -> list[tuple[str, str]]:
    found = schedules([(0, *row) for row in rows], [zone])
    laid = open_stretches(found, since=utc(since), until=utc(until))
    low, high = laid.first[found.of_store[0]], laid.first[found.of_store[0] + 1]
    edges = zip(laid.begin[low:high].tolist(), laid.end[low:high].tolist(), strict=True)
    return [
        (f"{datetime.fromtimestamp(a, UTC):%d %H:%M}", f"{datetime.fromtimestamp(b, UTC):%d %H:%M}")
        for a, b in edges
    ]


def test_overlapping_nested_touching_and_doubled_rows_are_one_stretch() -> None:
    rows = [
        (MONDAY, 9 * H, 12 * H),
        (MONDAY, 10 * H, 11 * H),
        (MONDAY, 12 * H, 14 * H),
        (MONDAY, 9 * H, 12 * H),
    ]

    assert week(rows) == [(9 * H, 14 * H)]


@pytest.mark.parametrize("end", [23 * H + 59 * 60, 23 * H + 59 * 60 + 1, 24 * H - 1, 24 * H])
def test_an_end_from_2359_on_is_midnight(end: int) -> None:
    assert week([(MONDAY, 22 * H, end)]) == [(22 * H, 24 * H)]


def test_a_night_row_runs_into_the_next_day_and_from_sunday_into_monday() -> None:
    assert week([(MONDAY, 22 * H, 2 * H)]) == [(22 * H, 26 * H)]
    assert week([(SUNDAY, 22 * H, 2 * H)]) == [(0, 2 * H), (166 * H, 168 * H)]
    assert week([(SUNDAY, 22 * H, 0)]) == [(166 * H, 168 * H)]


def test_a_row_from_2359_to_2359_is_the_last_minute_of_its_day() -> None:
    start = 23 * H + 59 * 60  # the end is read as 24:00 before it is compared with the start

    assert week([(MONDAY, start, start)]) == [(start, 24 * H)]


def test_an_empty_row_is_closed_but_not_the_same_as_no_rows() -> None:
    found = schedules([(0, MONDAY, 0, 0)], ["UTC", "UTC"])

    assert found.of_store.tolist() == [1, ALWAYS_OPEN]
    assert found.first.tolist() == [0, 1, 1]


def test_equal_hours_in_one_zone_are_one_schedule_and_in_two_zones_two() -> None:
    rows = [(store, MONDAY, 9 * H, 17 * H) for store in range(3)]
    found = schedules(rows, ["Europe/Rome", "Europe/Rome", "Asia/Beirut"])

    assert found.of_store.tolist() == [1, 1, 2]
    assert found.zone == ("UTC", "Europe/Rome", "Asia/Beirut")


def test_the_night_clocks_go_back_one_to_two_is_open_twice() -> None:
    found = open_times([(SUNDAY, 1 * H, 2 * H)], "America/New_York", "2023-11-05", "2023-11-06")

    assert found == [("05 05:00", "05 07:00")]  # 01:00–02:00 at UTC−4, and again at UTC−5: one stretch


def test_the_night_clocks_go_forward_two_to_three_does_not_exist() -> None:
    assert open_times([(SUNDAY, 2 * H, 3 * H)], "America/New_York", "2023-03-12", "2023-03-13") == []
    half = open_times([(SUNDAY, 2 * H + 1800, 3 * H + 1800)], "America/New_York", "2023-03-12", "2023-03-13")
    assert half == [("12 07:00", "12 07:30")]  # 03:00–03:30 at UTC−4


def test_lord_howe_goes_back_by_half_an_hour() -> None:
    found = open_times([(SUNDAY, 1 * H, 2 * H)], "Australia/Lord_Howe", "2023-04-01T12:00", "2023-04-02")

    assert found == [("01 14:00", "01 15:30")]  # at UTC+11 until 15:00, then from 01:30 again at UTC+10:30


def test_the_day_that_samoa_skipped_is_open_for_none() -> None:
    friday = [(4, 9 * H, 17 * H)]  # 2011-12-30 was a Friday that Apia never had

    assert open_times(friday, "Pacific/Apia", "2011-12-28", "2011-12-31T20:00") == []


def test_midnights_inside_a_week_open_throughout_leave_one_stretch() -> None:
    rows = [(day, 0, 24 * H - 1) for day in range(7)]

    assert open_times(rows, "Asia/Kathmandu", "2023-01-01", "2023-01-20") == [("01 00:00", "20 00:00")]


def test_open_before_counts_each_schedules_seconds_up_to_an_instant() -> None:
    found = schedules([(0, MONDAY, 9 * H, 17 * H)], ["UTC"])
    laid = open_stretches(found, since=utc("2023-01-02"), until=utc("2023-01-03"))

    at = np.array([utc("2023-01-02"), utc("2023-01-02T12:00"), utc("2023-01-03")])
    assert laid.open_before(np.array([0, 0, 0]), at).tolist() == [0, 12 * H, 24 * H]
    assert laid.open_before(np.array([1, 1, 1]), at).tolist() == [0, 3 * H, 8 * H]


def test_offset_spans_cover_the_reach_and_find_changes_to_the_second() -> None:
    spans = offset_spans("America/New_York", utc("2023-11-01"), utc("2023-11-10"))

    assert spans == (
        (utc("2023-11-01"), utc("2023-11-05T06:00"), -4 * H),
        (utc("2023-11-05T06:00"), utc("2023-11-10"), -5 * H),
    )
    assert offset_spans("Africa/Monrovia", utc("1972-01-07"), utc("1972-01-08"))[0][2] == -(44 * 60 + 30)


def changes(name: str) -> list[int]:
    """The instants since 1970 at which a zone's rules change, read from its file (RFC 9636)."""
    data = resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).read_bytes()
    isut, isstd, leap, times, types, chars = struct.unpack(">6l", data[20:44])
    second = 44 + times * 5 + types * 6 + chars + leap * 8 + isstd + isut  # the block of 64-bit times
    (count,) = struct.unpack(">l", data[second + 32 : second + 36])
    found = struct.unpack(f">{count}q", data[second + 44 : second + 44 + 8 * count])
    return [at for at in found if at >= 0]


def test_no_zone_changes_twice_within_two_days() -> None:
    """The search for changes steps by whole days."""
    gaps = {later - at for name in zone_names() for at, later in pairwise(changes(name))}

    assert min(gaps) > 2 * 86_400


def test_old_names_of_zones_are_known_and_unknown_ones_refused() -> None:
    assert load_zone("US/Central").utcoffset(datetime(2023, 1, 1)) == load_zone("America/Chicago").utcoffset(  # noqa: DTZ001
        datetime(2023, 1, 1)  # noqa: DTZ001
    )
    with pytest.raises(ValueError, match="Mars/Olympus"):
        load_zone("Mars/Olympus")


@pytest.mark.parametrize(
    ("zone", "end", "hours"),
    [
        (
            "America/New_York",
            "2023-11-06T12:00:00-05:00",
            [24] * 6 + [25, 24],
        ),  # back on Sunday the 5th, 02:00
        ("America/New_York", "2023-03-13T12:00:00-04:00", [24] * 6 + [23, 24]),  # forward on Sunday the 12th
        (
            "Asia/Beirut",
            "2022-03-28T12:00:00+03:00",
            [24] * 6 + [23, 24],
        ),  # at midnight: the day begins at 01:00
        ("Asia/Kathmandu", "2023-01-25T12:00:00+05:45", [24] * 8),
        ("Australia/Lord_Howe", "2023-04-03T12:00:00+10:30", [24] * 6 + [24.5, 24]),
        ("America/St_Johns", "2010-11-08T12:00:00-03:30", [24] * 6 + [25, 24]),  # back at 00:01 of the 7th
        ("Pacific/Apia", "2012-01-02T12:00:00+14:00", [24] * 8),  # 30 December 2011 was skipped
    ],
)
def test_a_local_day_is_as_long_as_its_clocks_say(zone: str, end: str, hours: list[int]) -> None:
    as_of = int(datetime.fromisoformat(end).timestamp())
    days = local_days(zone, as_of - 168 * H, as_of)
    assert [(until - since) / H for since, until in days] == hours
    assert all(wall_clock(zone, since - 1).date() < wall_clock(zone, since).date() for since, _ in days)


@pytest.mark.parametrize("factors", [_FACTORS, np.zeros_like(_FACTORS)], ids=["good digest", "no digest"])
def test_stores_share_a_schedule_only_if_week_and_zone_are_the_same(
    factors: NDArray[np.uint64], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storewatch.domain.schedule._FACTORS", factors)
    morning, evening, empty = (MONDAY, 9 * H, 12 * H), (MONDAY, 18 * H, 22 * H), (MONDAY, 9 * H, 9 * H)
    weeks = [[morning], [morning, evening], [evening], [empty], [], [evening, morning], [morning]]
    zones = ["UTC"] * 6 + ["Asia/Tokyo"]
    rows = [(store, *row) for store, rows in enumerate(weeks) for row in rows]

    found = schedules(rows, zones)

    alone = [schedules([(0, *row) for row in week], [zone]) for week, zone in zip(weeks, zones, strict=True)]
    assert [_of(found, store) for store in range(len(weeks))] == [_of(each, 0) for each in alone]
    if factors.any():
        assert len(found.zone) == 1 + 5


def _of(found: Schedules, store: int) -> tuple[str, list[int], list[int]]:
    number = found.of_store[store]
    stretches = slice(found.first[number], found.first[number + 1])
    return found.zone[number], found.begin[stretches].tolist(), found.end[stretches].tolist()
