"""R11: windows by length, by the calendar, between two instants, and the ones before."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from beyond import account, valid
from engines import polled
from storewatch.checking import reference
from storewatch.domain.window import CALENDAR, Window, parse_window, parse_windows
from storewatch.errors import InputError
from strategies import DAY, HOUR, WEEK, facts_of, instant

AS_OF = "2023-01-25 12:00"  # a Wednesday


def edges(text: str, zone: str, as_of: str) -> tuple[str, str]:
    """Return a window's edges as the wall clock of UTC shows them."""
    begin, end = reference.edges(parse_window(text), zone, instant(as_of))
    return shown(begin), shown(end)


def edges_before(text: str, zone: str, as_of: str) -> tuple[str, str]:
    begin, end = reference.edges_before(parse_window(text), zone, instant(as_of))
    return shown(begin), shown(end)


def shown(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}".removesuffix(":00")


@pytest.mark.parametrize(
    ("text", "name", "length", "unit"),
    [
        ("hour", "last_hour", HOUR, 60),
        ("day", "last_day", DAY, HOUR),
        ("week", "last_week", WEEK, HOUR),
        ("1h", "1h", HOUR, HOUR),
        ("28d", "28d", 28 * DAY, HOUR),
        ("400d", "400d", 400 * DAY, HOUR),
        ("9600h", "9600h", 400 * DAY, HOUR),
        ("previous_month", "previous_month", None, HOUR),
    ],
)
def test_a_window_has_a_name_a_length_and_a_unit(text: str, name: str, length: int | None, unit: int) -> None:
    window = parse_window(text)
    assert (window.name, window.length, window.unit) == (name, length, unit)


def test_a_window_may_be_two_instants() -> None:
    window = parse_window("2023-03-01T00:00:00Z/2023-03-05T13:00:00+01:00")
    assert window.span == (instant("2023-03-01 00:00"), instant("2023-03-05 12:00"))
    assert (window.name, window.unit) == ("window", HOUR)
    assert window.text == "2023-03-01T00:00:00Z/2023-03-05T12:00:00Z"


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["0h"], "there is no window '0h'"),
        (["07d"], "there is no window '07d'"),
        (["401d"], "1h to 400d"),
        (["9601h"], "1h to 400d"),
        (["1w"], "there is no window '1w'"),
        (["Hour"], "there is no window 'Hour'"),
        ([""], "there is no window ''"),
        (["28d", "28d"], "28d is asked for twice"),
        (["week", "day", "week"], "week is asked for twice"),
        (["2023-03-02T00:00:00Z/2023-03-02T00:00:00Z"], "no length"),
        (["2023-03-02T00:00:00Z/2023-03-01T00:00:00Z"], "ends before it begins"),
        (["2023-03-02T00:00:00/2023-03-03T00:00:00Z"], "no time zone"),
        (["2023-03-02T00:00:00.5Z/2023-03-03T00:00:00Z"], "fraction of a second"),
        (["yesterday/today"], "instant of a window 'yesterday' is no instant"),
        (
            ["2023-03-01T00:00:00Z/2023-03-02T00:00:00Z", "2023-03-03T00:00:00Z/2023-03-04T00:00:00Z"],
            "two windows are from an instant to another",
        ),
    ],
)
def test_what_is_no_window_is_refused_in_a_sentence(texts: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse_windows(texts)


@pytest.mark.parametrize(
    ("text", "window", "before"),
    [
        ("hour", ("2023-01-25 11:00", "2023-01-25 12:00"), ("2023-01-25 10:00", "2023-01-25 11:00")),
        ("2d", ("2023-01-23 12:00", "2023-01-25 12:00"), ("2023-01-21 12:00", "2023-01-23 12:00")),
        ("today", ("2023-01-25 00:00", "2023-01-25 12:00"), ("2023-01-24 00:00", "2023-01-24 12:00")),
        ("yesterday", ("2023-01-24 00:00", "2023-01-25 00:00"), ("2023-01-23 00:00", "2023-01-24 00:00")),
        ("this_week", ("2023-01-23 00:00", "2023-01-25 12:00"), ("2023-01-16 00:00", "2023-01-18 12:00")),
        ("previous_week", ("2023-01-16 00:00", "2023-01-23 00:00"), ("2023-01-09 00:00", "2023-01-16 00:00")),
        ("this_month", ("2023-01-01 00:00", "2023-01-25 12:00"), ("2022-12-01 00:00", "2022-12-25 12:00")),
        (
            "previous_month",
            ("2022-12-01 00:00", "2023-01-01 00:00"),
            ("2022-11-01 00:00", "2022-12-01 00:00"),
        ),
        (
            "2023-01-20T00:00:00Z/2023-01-22T12:00:00Z",
            ("2023-01-20 00:00", "2023-01-22 12:00"),
            ("2023-01-17 12:00", "2023-01-20 00:00"),
        ),
    ],
)
def test_a_window_and_the_one_before_it(text: str, window: tuple[str, str], before: tuple[str, str]) -> None:
    assert edges(text, "UTC", AS_OF) == window
    assert edges_before(text, "UTC", AS_OF) == before


@pytest.mark.parametrize(
    ("said", "text", "zone", "as_of", "window"),
    [
        ("at local midnight today is empty", "today", "UTC", "2023-01-25 00:00", ("2023-01-25 00:00",) * 2),
        ("and a Monday's week too", "this_week", "UTC", "2023-01-23 00:00", ("2023-01-23 00:00",) * 2),
        (
            "the date is the clock's",
            "yesterday",
            "Asia/Tokyo",
            "2023-01-25 15:00",
            ("2023-01-24 15:00", "2023-01-25 15:00"),
        ),
        (
            "a second before its midnight",
            "yesterday",
            "Asia/Tokyo",
            "2023-01-25 14:59:59",
            ("2023-01-23 15:00", "2023-01-24 15:00"),
        ),
        (
            "a date of 23 hours",
            "yesterday",
            "America/New_York",
            "2023-03-13 12:00",
            ("2023-03-12 05:00", "2023-03-13 04:00"),
        ),
        (
            "a date of 25 hours",
            "yesterday",
            "America/New_York",
            "2023-11-06 12:00",
            ("2023-11-05 04:00", "2023-11-06 05:00"),
        ),
        # Cairo went from Thursday 24:00 to Friday 01:00.
        (
            "no midnight",
            "yesterday",
            "Africa/Cairo",
            "2023-04-29 12:00",
            ("2023-04-27 22:00", "2023-04-28 21:00"),
        ),
        (
            "a date that was skipped",
            "yesterday",
            "Pacific/Apia",
            "2011-12-31 00:00",
            ("2011-12-30 10:00",) * 2,
        ),
        # St John's showed 00:00 for a minute, went back to 23:01, and reached 00:00 once more.
        (
            "midnight comes twice",
            "today",
            "America/St_Johns",
            "2011-11-06 03:00",
            ("2011-11-06 02:30", "2011-11-06 03:00"),
        ),
        ("a leap day", "previous_month", "UTC", "2024-03-31 00:00", ("2024-02-01 00:00", "2024-03-01 00:00")),
    ],
)
def test_calendar_windows_go_by_the_wall_clock(
    said: str, text: str, zone: str, as_of: str, window: tuple[str, str]
) -> None:
    assert edges(text, zone, as_of) == window, said


def test_before_a_window_that_holds_the_as_of_ends_with_its_period_at_most() -> None:
    # 30 days and 12 hours into March; February has 28 days.
    assert edges_before("this_month", "UTC", "2023-03-31 12:00") == ("2023-02-01 00:00", "2023-03-01 00:00")
    # Twenty-four and a half hours of a Sunday of 25; the Saturday before has 24.
    found = edges_before("today", "America/New_York", "2023-11-06 04:30")
    assert found == ("2023-11-04 04:00", "2023-11-05 04:00")


@pytest.mark.parametrize("text", CALENDAR)
def test_windows_before_lie_before(text: str) -> None:
    for zone in ("UTC", "Asia/Kathmandu", "America/New_York"):
        begin, end = reference.edges(Window(text=text), zone, instant(AS_OF))
        first, last = reference.edges_before(Window(text=text), zone, instant(AS_OF))
        assert first < last <= begin < end


def test_chosen_windows_take_the_place_of_the_three_and_the_ones_before_come_last() -> None:
    facts = facts_of(polled(("2023-01-24 23:10", False), ("2023-01-25 00:10", True)), zones={"a": "UTC"})
    row = account(facts, AS_OF, "today", "2h", compare=True)["a"]
    assert (row["uptime_today"], row["uptime_today_before"]) == (12 * HOUR, 0)
    assert (row["unknown_today_before"], row["downtime_2h_before"]) == (12 * HOUR, 0)
    names = list(row)
    assert not [name for name in names if "last_hour" in name or "last_day" in name]
    assert [name.endswith("_before") for name in names] == sorted(name.endswith("_before") for name in names)


def test_polls_after_a_span_and_up_to_the_as_of_count_for_its_last_hour() -> None:
    facts = facts_of(polled(("2023-01-24 10:50", False)))
    span = "2023-01-24T10:00:00Z/2023-01-24T10:30:00Z"
    assert account(facts, AS_OF, span)["a"]["downtime_window"] == HOUR / 2
    assert account(facts, "2023-01-24 10:40", span)["a"]["unknown_window"] == HOUR / 2


def test_a_calendar_window_of_each_store_is_its_own() -> None:
    facts = facts_of(
        hours=[*valid(range(7), ("00:00", "24:00")), *valid(range(7), ("00:00", "24:00"), store_id="b")],
        zones={"a": "America/New_York", "b": "UTC"},
    )
    rows = account(facts, "2023-03-13 12:00", "yesterday", "today")
    assert [rows[name]["open_yesterday"] for name in "ab"] == [23 * HOUR, 24 * HOUR]
    assert [rows[name]["open_today"] for name in "ab"] == [8 * HOUR, 12 * HOUR]
