"""A test for each of the traps 18 to 31, polls and arithmetic, on both engines, with figures worked by hand.

The number in a test's name is that of the trap. 2023-01-25 is a Wednesday.
"""

from __future__ import annotations

import pytest

from engines import Engine, csv_lines, figures, open_on, polled, row_of_a
from strategies import DAY, HOUR, WEEK, facts_of, micros

MINUTE = 60
EVERY_DAY = range(7)
UTC = {"a": "UTC"}


# Polls and status


def test_18_ids_are_text_kept_to_the_letter(engine: Engine) -> None:
    ids = ["007", "07", "7", "1.48197E+18", "1481970000000000000", "9007199254740992", "9007199254740993"]
    ids += [
        "18446744073709551616",
        "b5d0a65d-6d54-47aa-95e9-9312f0353326",
        "B5D0A65D",
        " 7",
        "7 ",
        "\u00c5",
        "A\u030a",
        "\uffff",
        "😀",
    ]
    polls = [(store_id, micros("2023-01-25 11:00"), n % 2 == 0) for n, store_id in enumerate(ids)]
    rows = figures(engine, facts_of(polls), "2023-01-25 12:00")
    assert list(rows) == sorted(
        ids
    )  # by code point, where UTF-16 would have the last two the other way round
    assert [rows[store_id]["uptime_hour"] for store_id in ids] == [
        HOUR * (n % 2 == 0) for n in range(len(ids))
    ]


def test_19_the_fraction_of_a_second_is_kept_but_does_not_decide_about_open_hours(engine: Engine) -> None:
    hours = open_on(EVERY_DAY, ("09:00", "17:00"))
    kept = facts_of(polled(("2023-01-25 16:59:59.999999", False), ("2023-01-25 16:59:59", True)), hours, UTC)
    row = row_of_a(engine, kept, "2023-01-25 17:00")
    assert row["downtime_hour"] == HOUR  # a tie, and the later one by a fraction was inactive
    lost = facts_of(polled(("2023-01-25 17:00:00.000001", False), ("2023-01-25 16:59:59", True)), hours, UTC)
    assert row_of_a(engine, lost, "2023-01-25 18:00")["uptime_day"] == HOUR


@pytest.mark.parametrize(
    ("trap", "polls", "status"),
    [
        ("two at one instant that disagree are inactive", [("11:10", True), ("11:10", False)], "downtime"),
        ("in the other order too", [("11:10", False), ("11:10", True)], "downtime"),
        ("and they are one poll", [("11:10", False), ("11:10", True), ("11:20", True)], "uptime"),
        ("doubles do not outvote", [("11:10", True), ("11:10", True), ("11:20", False)], "downtime"),
        ("order in the file is no order", [("11:50", True), ("11:10", False)], "uptime"),
        ("the future does not count", [("11:10", True), ("12:00:01", False), ("12:30", False)], "uptime"),
        ("23 polls are not minutes", [("11:58", True), ("11:59", True), ("11:00", False)], "uptime"),
        ("23 nor weighted by time", [("11:00", False), ("11:57", True), ("11:58", True)], "uptime"),
        ("24 on as-of, in the next hour", [("11:10", True), ("12:00", False)], "uptime"),
        ("24 on the hour, in it", [("11:00", False)], "downtime"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_20_to_24_the_hour_before_noon(
    engine: Engine, trap: str, polls: list[tuple[str, bool]], status: str
) -> None:
    facts = facts_of(polled(*((f"2023-01-25 {at}", active) for at, active in polls)))
    row = row_of_a(engine, facts, "2023-01-25 12:00")
    assert row[f"{status}_hour"] == HOUR, trap


def test_21a_before_its_first_poll_a_store_is_unknown(engine: Engine) -> None:
    row = row_of_a(engine, facts_of(polled(("2023-01-23 12:10", True))), "2023-01-25 12:00")
    assert (row["uptime_day"], row["unknown_day"]) == (DAY, 0)
    assert (row["uptime_week"], row["unknown_week"], row["downtime_week"]) == (2 * DAY, 5 * DAY, 0)


@pytest.mark.parametrize(
    ("at", "carry", "known"),
    [
        ("2023-01-25 08:00", 3 * HOUR, 4),  # the hour 8, and 9 to 11: at 11:00 it is just 3 h old
        ("2023-01-25 08:00", 3 * HOUR - 1, 3),
        (
            "2023-01-25 07:59:59.999999",
            3 * HOUR,
            4,
        ),  # the hours 7 to 10: at 11:00 it is a microsecond too old
        ("2023-01-25 08:30", 1_800, 2),
        ("2023-01-25 08:30", 1_799, 1),
        ("2023-01-25 08:29:59.999999", 1_800, 1),
        ("2023-01-25 08:00", 0, 1),
        ("2023-01-25 08:59:59.999999", 0, 1),
        ("2023-01-25 08:00", None, 4),
        ("1970-01-01 00:00", None, 168),
        ("1970-01-01 00:00", 40 * 365 * DAY, 0),
        ("2023-01-25 08:00", 999_999_999 * DAY, 4),  # the longest that can be written, past all calendars
        ("2023-01-11 12:00", WEEK, 1),  # the week's first hour: at 12:00 on 18 Jan it is just 7 d old
        ("2023-01-11 11:59:59", WEEK, 0),
    ],
)
def test_21b_a_status_is_unknown_once_its_poll_is_older_than_the_carry(
    engine: Engine, at: str, carry: int | None, known: int
) -> None:
    row = row_of_a(engine, facts_of(polled((at, False))), "2023-01-25 12:00", carry)
    assert (row["downtime_week"], row["unknown_week"]) == (known * HOUR, WEEK - known * HOUR)


def test_22_the_majority_of_an_hour_does_not_leak_into_the_next(engine: Engine) -> None:
    polls = polled(("2023-01-25 10:05", True), ("2023-01-25 10:20", True), ("2023-01-25 10:50", False))
    row = row_of_a(engine, facts_of(polls), "2023-01-25 13:00")
    assert (row["uptime_day"], row["downtime_day"]) == (
        HOUR,
        2 * HOUR,
    )  # 10 is up; 11 and 12 carry the poll of 10:50


def test_24a_a_poll_on_opening_counts_and_one_on_closing_does_not(engine: Engine) -> None:
    hours = open_on(EVERY_DAY, ("09:30", "17:30"))
    opening = facts_of(polled(("2023-01-25 09:30", True), ("2023-01-25 09:29:59.999999", False)), hours, UTC)
    row = row_of_a(engine, opening, "2023-01-25 10:00")
    assert (row["uptime_hour"], row["open_hour"]) == (30 * MINUTE, 30 * MINUTE)
    closing = facts_of(polled(("2023-01-25 17:29:59", True), ("2023-01-25 17:30", False)), hours, UTC)
    row = row_of_a(engine, closing, "2023-01-25 18:00")
    assert (row["uptime_hour"], row["open_hour"]) == (30 * MINUTE, 30 * MINUTE)


def test_24b_a_poll_on_as_of_counts_and_one_a_microsecond_later_does_not(engine: Engine) -> None:
    # The window is 09:30-10:30; nothing is known of the hour 9.
    on = facts_of(polled(("2023-01-25 10:10", True), ("2023-01-25 10:30", False)))
    row = row_of_a(engine, on, "2023-01-25 10:30")
    assert (row["downtime_hour"], row["unknown_hour"]) == (30 * MINUTE, 30 * MINUTE)
    after = facts_of(polled(("2023-01-25 10:10", True), ("2023-01-25 10:30:00.000001", False)))
    assert row_of_a(engine, after, "2023-01-25 10:30")["uptime_hour"] == 30 * MINUTE


# Arithmetic


def test_25_a_store_that_is_always_up_has_100_percent_whatever_its_rows(engine: Engine) -> None:
    hours = open_on(EVERY_DAY, ("22:00", "09:00"), ("08:00", "10:00"), ("08:00", "10:00"))  # 12 hours a day
    facts = facts_of(polled(("2023-01-18 09:00", True)), hours, UTC)
    assert csv_lines(engine, facts, "2023-01-25 09:00")[1] == (
        "a,60.00,12.00,84.00,0.00,0.00,0.00,0.00,0.00,0.00,60.00,12.00,84.00,100.00,100.00,100.00"
    )


def test_26_durations_are_rounded_half_up_from_whole_seconds_each_by_itself(engine: Engine) -> None:
    # 18 s a day are 0.005 h: 0.01. 7 days have 126 s = 0.035 h: 0.04. 18 s are 0.30 min.
    facts = facts_of(polled(("2023-01-18 11:00", True)), open_on(EVERY_DAY, ("11:00", "11:00:18")), UTC)
    line = csv_lines(engine, facts, "2023-01-25 11:00:18")[1].split(",")
    assert line[1:7] == ["0.30", "0.01", "0.04", "0.00", "0.00", "0.00"]
    # 17 s: 0.0047 h, 0.00; 17 s are 0.2833 min: 0.28; 6 days of 18 s and 17 s are 125 s = 0.0347 h: 0.03.
    line = csv_lines(engine, facts, "2023-01-25 11:00:17")[1].split(",")
    assert line[1:4] == [
        "0.28",
        "0.01",
        "0.04",
    ]  # the day and the week reach back to yesterday's and last week's 18th second


def test_27_windows_are_rolling_and_cut_the_hours(engine: Engine) -> None:
    # As of 10:30: hour 9 up, hour 10 down.
    facts = facts_of(polled(("2023-01-25 09:10", True), ("2023-01-25 10:10", False)))
    row = row_of_a(engine, facts, "2023-01-25 10:30")
    assert (row["uptime_hour"], row["downtime_hour"]) == (30 * MINUTE, 30 * MINUTE)
    assert (row["uptime_day"], row["downtime_day"], row["unknown_day"]) == (
        HOUR,
        30 * MINUTE,
        DAY - 90 * MINUTE,
    )
    assert row["uptime_week"] == HOUR  # the last day is in the week
    # The hour that the window's start cuts has its status from all its polls: 2 inactive at 09:05 and 09:06.
    facts = facts_of(
        polled(("2023-01-25 09:05", False), ("2023-01-25 09:06", False), ("2023-01-25 09:50", True))
    )
    row = row_of_a(engine, facts, "2023-01-25 10:30")
    assert (row["downtime_hour"], row["uptime_hour"]) == (30 * MINUTE, 30 * MINUTE)


def test_28_a_percentage_of_nothing_is_empty(engine: Engine) -> None:
    facts = facts_of(hours=open_on([0], ("09:00", "09:00")), stores=["b"])
    assert csv_lines(engine, facts, "2023-01-25 12:00")[1:] == [
        "a" + ",0.00" * 12 + ",,,",
        "b" + ",0.00" * 6 + ",60.00,24.00,168.00" * 2 + ",,,",
        "",
    ]


def test_29_percentages_are_cut_and_never_reach_100_with_a_second_down(engine: Engine) -> None:
    # Mondays open for the day's first second, then from 01:00 on: down 1 s, up 604,800 - 3,600 = 601,200 s.
    hours = open_on([0], ("00:00", "00:00:01"), ("01:00", "24:00")) + open_on(range(1, 7), ("00:00", "24:00"))
    facts = facts_of(polled(("2023-01-23 00:00", False), ("2023-01-23 01:00", True)), hours, UTC)
    row = row_of_a(engine, facts, "2023-01-30 00:00")
    assert (row["downtime_week"], row["uptime_week"]) == (1, 601_200)
    assert csv_lines(engine, facts, "2023-01-30 00:00")[1].split(",")[-1] == "99.99"  # 99.99983


def test_30_a_filter_does_not_change_a_row(engine: Engine) -> None:
    polls = polled(("2023-01-25 10:05", True)) + polled(("2023-01-25 11:05", False), store_id="b")
    rows = figures(engine, facts_of(polls), "2023-01-25 12:00")
    assert figures(engine, facts_of(polls), "2023-01-25 12:00", store_ids=("b", "nobody", "b")) == {
        "b": rows["b"]
    }
    assert figures(engine, facts_of(polls), "2023-01-25 12:00", store_ids=()) == {}


def test_31_the_csv_shows_the_seconds_of_the_rows(engine: Engine) -> None:
    polls = polled(
        ("2023-01-24 10:05", True),
        ("2023-01-25 10:05", False),
        ("2023-01-25 11:05", True),
        store_id='a "b", c',
    )
    (row,) = figures(engine, facts_of(polls), "2023-01-25 11:40").values()
    # Hour: 20 min of 10 down, 40 min of 11 up. Day, from 11:40: 22 h 20 min carried up, 1 h down, 40 min up.
    assert (row["uptime_hour"], row["uptime_day"], row["downtime_day"]) == (2_400, 82_800, HOUR)
    assert csv_lines(engine, facts_of(polls), "2023-01-25 11:40")[1] == (
        # week: 24 Jan 10:00 to 25 Jan 10:00, and 40 min
        '"a ""b"", c",40.00,23.00,24.67,20.00,1.00,1.00,0.00,0.00,142.33,60.00,24.00,168.00,66.66,95.83,96.10'
    )
