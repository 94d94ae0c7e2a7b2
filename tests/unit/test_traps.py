"""A test for each of the traps 1 to 17, time and hours, on both engines, with figures worked by hand.

The number in a test's name is that of the trap. 2023-01-25 is a Wednesday.
"""

from __future__ import annotations

import time

import pytest

from engines import Engine, figures, open_on, polled, row_of_a
from strategies import DAY, HOUR, WEEK, facts_of

MINUTE = 60
EVERY_DAY = range(7)
NEW_YORK = {"a": "America/New_York"}
UTC = {"a": "UTC"}


# Time and zones


@pytest.mark.parametrize("as_of", ["2023-03-13 04:00", "2023-11-06 05:00", "2023-01-25 18:12:07"])
def test_01a_the_rolling_week_of_a_store_that_never_closes_has_604_800_seconds(
    engine: Engine, as_of: str
) -> None:
    row = row_of_a(engine, facts_of(zones=NEW_YORK), as_of)
    assert (row["open_hour"], row["open_day"], row["open_week"]) == (3_600, 86_400, 604_800)


def test_01b_the_days_after_a_clock_change_are_not_shifted_by_an_hour(engine: Engine) -> None:
    # New York, 09:00-17:00. 11 March (EST): 14:00-22:00 UTC. 12 March (EDT): 13:00-21:00 UTC.
    facts = facts_of(polled(("2023-03-12 13:00", True)), open_on(EVERY_DAY, ("09:00", "17:00")), NEW_YORK)
    assert row_of_a(engine, facts, "2023-03-12 13:00")["open_hour"] == 0
    assert row_of_a(engine, facts, "2023-03-12 14:00")["uptime_hour"] == HOUR
    assert row_of_a(engine, facts, "2023-03-12 22:00")["open_hour"] == 0
    assert row_of_a(engine, facts, "2023-03-11 22:00")["open_hour"] == HOUR
    row = row_of_a(engine, facts, "2023-03-13 04:00")  # midnight: 6 to 12 March, 7 days of 8 hours
    assert (row["open_day"], row["open_week"]) == (8 * HOUR, 56 * HOUR)


@pytest.mark.parametrize(
    ("start", "end", "as_of", "minutes"),
    [
        ("02:00", "03:00", "2023-03-13 04:00", 0),
        ("02:30", "03:30", "2023-03-13 04:00", 30),  # from 03:00 on
        ("01:30", "02:30", "2023-03-13 04:00", 30),  # until 02:00
        ("01:00", "02:00", "2023-11-06 05:00", 120),  # 05:00-07:00 UTC
        ("01:30", "02:30", "2023-11-06 05:00", 90),  # 05:30-06:00 and 06:30-07:30 UTC
        ("00:30", "01:30", "2023-11-06 05:00", 90),  # 04:30-05:30 and 06:00-06:30 UTC
        ("00:00", "24:00", "2023-03-13 04:00", 23 * 60),
        ("00:00", "24:00", "2023-11-06 05:00", 25 * 60),
    ],
)
def test_02_open_is_what_the_wall_clock_shows(
    engine: Engine, start: str, end: str, as_of: str, minutes: int
) -> None:
    # Sundays only; on the first row's week the window reaches from Sunday 5 March 23:00 (EST) on.
    before = HOUR if end == "24:00" and as_of.startswith("2023-03") else 0
    row = row_of_a(engine, facts_of(hours=open_on([6], (start, end)), zones=NEW_YORK), as_of)
    assert row["open_week"] == minutes * MINUTE + before


def test_03_a_zone_is_not_its_local_mean_time(engine: Engine) -> None:
    # 09:00 in New York is 14:00 UTC in winter; by local mean time (-4:56:02) it would be 13:56:02.
    polls = polled(("2023-01-25 13:57", False), ("2023-01-25 14:00", True))
    facts = facts_of(polls, open_on(EVERY_DAY, ("09:00", "17:00")), NEW_YORK)
    assert row_of_a(engine, facts, "2023-01-25 14:00")["open_hour"] == 0
    row = row_of_a(engine, facts, "2023-01-25 15:00")
    assert (row["uptime_hour"], row["downtime_day"]) == (HOUR, 0)


@pytest.mark.parametrize("server", ["UTC", "America/New_York", "Asia/Kathmandu"])
def test_04_the_servers_own_zone_changes_nothing(
    engine: Engine, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    polls = polled(("2023-01-25 14:00", True), ("2023-01-25 22:00", False))  # 09:00 and 17:00
    facts = facts_of(polls, open_on(EVERY_DAY, ("09:00", "17:00")), NEW_YORK)
    with monkeypatch.context() as patch:
        patch.setenv("TZ", server)
        time.tzset()
        row = row_of_a(engine, facts, "2023-01-26 05:00")
    time.tzset()
    assert (row["uptime_day"], row["downtime_week"], row["open_day"]) == (8 * HOUR, 0, 8 * HOUR)


def test_05a_a_local_day_may_be_another_day_in_utc(engine: Engine) -> None:
    # Monday 08:00-12:00 in Tokyo is Sunday 23:00 to Monday 03:00 UTC.
    facts = facts_of(hours=open_on([0], ("08:00", "12:00")), zones={"a": "Asia/Tokyo"})
    assert row_of_a(engine, facts, "2023-01-23 00:00")["open_hour"] == HOUR
    row = row_of_a(engine, facts, "2023-01-23 03:00")
    assert (row["open_hour"], row["open_day"], row["open_week"]) == (HOUR, 4 * HOUR, 4 * HOUR)


def test_05b_a_shift_that_began_the_evening_before_the_window_counts_in_it(engine: Engine) -> None:
    # Sundays 22:00 to 06:00. Window from Monday 01:00 on: 5 hours of that shift, and 22:00-01:00 of the next.
    row = row_of_a(engine, facts_of(hours=open_on([6], ("22:00", "06:00")), zones=UTC), "2023-01-23 01:00")
    assert (row["open_hour"], row["open_week"]) == (HOUR, 5 * HOUR + 3 * HOUR)


@pytest.mark.parametrize(
    ("zone", "span", "as_of", "seconds"),
    [
        ("Asia/Kolkata", ("09:00", "10:00"), "2023-01-25 04:00", 30 * MINUTE),  # 03:30-04:30 UTC
        ("Asia/Kathmandu", ("09:00", "10:00"), "2023-01-25 04:00", 45 * MINUTE),  # 03:15-04:15 UTC
        ("Pacific/Chatham", ("09:00", "10:00"), "2023-07-25 21:00", 45 * MINUTE),  # 20:15-21:15 UTC
        ("Africa/Monrovia", ("09:00", "10:00"), "1971-06-02 10:00", 930),  # 09:44:30-10:44:30 UTC: -0:44:30
        # The clock shows 01:30-02:00 at 14:30-15:00 UTC, and again until 15:30.
        ("Australia/Lord_Howe", ("01:30", "02:00"), "2023-04-01 15:30", HOUR),
        # The clock goes from 02:00 to 02:30 at 15:30 UTC.
        ("Australia/Lord_Howe", ("02:00", "03:00"), "2023-09-30 16:00", 30 * MINUTE),
        ("US/Central", ("09:00", "10:00"), "2023-01-25 16:00", HOUR),  # an old name: 15:00-16:00 UTC
    ],
)
def test_06a_zones_with_odd_offsets_and_changes(
    engine: Engine, zone: str, span: tuple[str, str], as_of: str, seconds: int
) -> None:
    row = row_of_a(engine, facts_of(hours=open_on(EVERY_DAY, span), zones={"a": zone}), as_of)
    assert row["open_hour"] == seconds


@pytest.mark.parametrize(("day", "hours"), [(3, 8), (4, 0), (5, 8)])
def test_06b_a_day_that_was_skipped_was_not_open(engine: Engine, day: int, hours: int) -> None:
    # Apia went from Thursday 29 Dec 2011, 24:00 (-10) to Saturday 31 Dec, 00:00 (+14).
    facts = facts_of(hours=open_on([day], ("09:00", "17:00")), zones={"a": "Pacific/Apia"})
    assert row_of_a(engine, facts, "2012-01-02 00:00")["open_week"] == hours * HOUR


def test_06c_offsets_to_the_second_decide_which_polls_count(engine: Engine) -> None:
    # Monrovia before 1972 opens at 09:44:30 UTC: 930 open seconds in the hour 9, the other 2,670 in 10.
    polls = polled(("1971-06-02 09:44:29.999999", False), ("1971-06-02 09:44:30", True))
    facts = facts_of(polls, open_on(EVERY_DAY, ("09:00", "10:00")), {"a": "Africa/Monrovia"})
    row = row_of_a(engine, facts, "1971-06-02 11:00")
    assert (row["uptime_hour"], row["uptime_day"], row["downtime_day"]) == (2_670, HOUR, 0)


def test_07_the_windows_of_all_stores_end_at_one_as_of(engine: Engine) -> None:
    polls = polled(("2023-01-25 11:59:59", True)) + polled(("2023-01-15 12:00", True), store_id="b")
    rows = figures(engine, facts_of(polls), "2023-01-25 12:00")
    assert (rows["a"]["uptime_hour"], rows["a"]["open_week"]) == (HOUR, WEEK)
    assert (rows["b"]["unknown_hour"], rows["b"]["open_week"]) == (HOUR, WEEK)
    # The week of b begins on 18 Jan 12:00; its poll of 15 Jan 12:00 carries to 22 Jan, that hour included.
    assert rows["b"]["uptime_week"] == 4 * DAY + HOUR


# Hours


@pytest.mark.parametrize(
    ("trap", "spans", "a_day"),
    [
        ("08 two shifts a day both count", [("09:00", "12:00"), ("14:00", "18:00")], 7 * HOUR),
        ("09 past midnight", [("22:00", "02:00")], 4 * HOUR),
        ("09 until midnight", [("18:00", "00:00")], 6 * HOUR),
        ("09 the tail and the next shift are one", [("22:00", "09:00"), ("08:00", "10:00")], 12 * HOUR),
        ("10 a minute before midnight", [("12:00", "23:59"), ("00:00", "12:00")], DAY),
        ("10 and a second", [("12:00", "23:59:01"), ("00:00", "12:00")], DAY),
        ("10 a second before midnight", [("12:00", "23:59:59"), ("00:00", "12:00")], DAY),
        ("10 midnight", [("12:00", "24:00"), ("00:00", "12:00")], DAY),
        ("10 two seconds before the rule", [("12:00", "23:58:59"), ("00:00", "12:00")], DAY - 61),
        ("10 a night in two rows", [("18:00", "23:59:59"), ("00:00", "02:00")], 8 * HOUR),
        ("10 read before it is compared with the start", [("23:59", "23:59")], 60),
        ("10 nor past midnight then", [("23:59:30", "23:59:10")], 30),
        ("13 end = start is nothing", [("09:00", "09:00")], 0),
        ("13 at midnight too", [("00:00", "00:00")], 0),
        ("13 beside another row", [("09:00", "09:00"), ("10:00", "11:00")], HOUR),
        ("14 overlapping", [("09:00", "13:00"), ("11:00", "17:00")], 8 * HOUR),
        ("14 nested", [("09:00", "17:00"), ("10:00", "12:00")], 8 * HOUR),
        ("14 touching", [("09:00", "12:00"), ("12:00", "17:00")], 8 * HOUR),
        ("14 doubled", [("09:00", "17:00"), ("09:00", "17:00")], 8 * HOUR),
        ("14 two nights, one in the other", [("20:00", "06:00"), ("22:00", "04:00")], 10 * HOUR),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_08_to_14_a_week_of_equal_days(
    engine: Engine, trap: str, spans: list[tuple[str, str]], a_day: int
) -> None:
    row = row_of_a(engine, facts_of(hours=open_on(EVERY_DAY, *spans), zones=UTC), "2023-01-25 12:00")
    assert (row["open_day"], row["open_week"]) == (a_day, 7 * a_day), trap


def test_09_a_poll_on_sunday_night_counts_on_monday_morning(engine: Engine) -> None:
    polls = polled(("2023-01-23 01:30", True), ("2023-01-23 02:00", False))  # Monday; closed from 02:00 on
    row = row_of_a(engine, facts_of(polls, open_on([6], ("22:00", "02:00")), UTC), "2023-01-23 03:00")
    # The hour 1 is up; the hours 22, 23 and 0 came before any poll.
    assert (row["uptime_day"], row["unknown_day"], row["downtime_day"]) == (HOUR, 3 * HOUR, 0)


def test_11_a_day_without_rows_is_closed_where_other_days_have_some(engine: Engine) -> None:
    row = row_of_a(engine, facts_of(hours=open_on([0], ("00:00", "24:00")), zones=UTC), "2023-01-25 12:00")
    assert (row["open_day"], row["open_week"]) == (0, DAY)


def test_12_a_store_without_hours_is_open_all_the_time_where_others_have_some(engine: Engine) -> None:
    rows = figures(
        engine,
        facts_of(polled(("2023-01-25 11:00", True), store_id="b"), open_on([0], ("09:00", "10:00"))),
        "2023-01-25 12:00",
    )
    assert (rows["b"]["open_week"], rows["b"]["uptime_week"]) == (WEEK, HOUR)
    assert rows["a"]["open_week"] == HOUR


def test_15_day_0_is_monday(engine: Engine) -> None:
    facts = facts_of(hours=open_on([0], ("00:00", "24:00")), zones=UTC)
    assert row_of_a(engine, facts, "2023-01-24 00:00")["open_day"] == DAY  # all of Monday 23 Jan
    assert row_of_a(engine, facts, "2023-01-25 00:00")["open_day"] == 0


def test_16_a_store_without_a_zone_is_in_chicago(engine: Engine) -> None:
    hours = open_on(EVERY_DAY, ("09:00", "17:00"))  # 15:00-23:00 UTC in winter, 14:00-22:00 in summer
    facts = facts_of(polled(("2023-01-25 15:00", True), store_id="b"), hours)
    assert row_of_a(engine, facts, "2023-01-25 15:00")["open_hour"] == 0
    assert row_of_a(engine, facts, "2023-01-25 16:00")["open_hour"] == HOUR
    assert row_of_a(engine, facts, "2023-07-25 15:00")["open_hour"] == HOUR
    assert figures(engine, facts, "2023-01-25 16:00")["b"]["uptime_hour"] == HOUR  # neither hours nor zone


def test_17_new_hours_and_zones_count_in_the_next_report(engine: Engine) -> None:
    # Wednesdays; 09:00 in Tokyo is 00:00 UTC.
    for zone, end, hours in [("UTC", "10:00", 1), ("UTC", "12:00", 3), ("Asia/Tokyo", "11:00", 2)]:
        facts = facts_of(hours=open_on([2], ("09:00", end)), zones={"a": zone})
        assert row_of_a(engine, facts, "2023-01-25 12:00")["open_day"] == hours * HOUR
