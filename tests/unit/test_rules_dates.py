"""R8 in both engines: hours with a validity, and dates that differ. 2022-12-25 is a Sunday."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from beyond import ALWAYS, account, on_date, valid
from engines import polled
from storewatch.checking import reference
from strategies import DAY, HOUR, facts_of, instant

if TYPE_CHECKING:
    from storewatch.domain.facts import Facts

EVERY_DAY = range(7)
SUNDAY = 6
UTC = {"a": "UTC"}
NIGHTS = valid(EVERY_DAY, ("17:00", "02:00"))
NINE_TO_FIVE = ("09:00", "17:00")


def open_hours(facts: Facts, *days: str) -> list[float]:
    """Return the open hours of the one store on days of UTC."""
    (store,) = reference.load(facts)
    begins = [instant(f"{day} 00:00") for day in days]
    return [int(reference.Opening(store).between(begin, begin + DAY).sum()) / HOUR for begin in begins]


def test_the_worked_christmas_of_the_rules() -> None:
    facts = facts_of(hours=NIGHTS, zones=UTC, exceptions=on_date("2022-12-25"))
    # The tail of the 23rd and the evening; the tail of the 24th; the evening alone; both again.
    assert open_hours(facts, "2022-12-24", "2022-12-25", "2022-12-26", "2022-12-27") == [9, 2, 7, 9]
    row = account(facts, "2022-12-26 18:00")["a"]
    assert (row["open_last_hour"], row["open_last_day"]) == (HOUR, HOUR)  # 17:00 to 18:00, of the 26th


@pytest.mark.parametrize(
    ("said", "since", "until", "hours"),
    [
        ("no limit", None, None, [8, 8, 8]),
        ("from a date on, itself included", "2022-12-25", None, [0, 8, 8]),
        ("up to a date, itself included", None, "2022-12-25", [8, 8, 0]),
        ("on one date", "2022-12-25", "2022-12-25", [0, 8, 0]),
        ("on none of them", "2023-01-01", None, [0, 0, 0]),
    ],
)
def test_a_row_makes_a_shift_on_the_dates_that_it_is_valid_for(
    said: str, since: str | None, until: str | None, hours: list[float]
) -> None:
    facts = facts_of(hours=valid(EVERY_DAY, NINE_TO_FIVE, since=since, until=until), zones=UTC)
    assert open_hours(facts, "2022-12-24", "2022-12-25", "2022-12-26") == hours, said


def test_the_tail_of_the_last_valid_date_is_open_and_the_first_one_has_none_before_it() -> None:
    facts = facts_of(
        hours=valid(EVERY_DAY, ("17:00", "02:00"), since="2022-12-25", until="2022-12-25"), zones=UTC
    )
    assert open_hours(facts, "2022-12-24", "2022-12-25", "2022-12-26", "2022-12-27") == [0, 7, 2, 0]


def test_rows_of_two_times_of_the_year_stand_side_by_side() -> None:
    hours = valid(EVERY_DAY, NINE_TO_FIVE, until="2022-12-25")
    hours += valid(EVERY_DAY, ("10:00", "14:00"), since="2022-12-26")
    assert open_hours(facts_of(hours=hours, zones=UTC), "2022-12-25", "2022-12-26") == [8, 4]


def test_dates_are_those_of_the_wall_clock() -> None:
    # Auckland is 13 hours ahead: its 25 December begins on the 24th at 11:00 UTC.
    facts = facts_of(zones={"a": "Pacific/Auckland"}, exceptions=on_date("2022-12-25"), stores=["a"])
    assert open_hours(facts, "2022-12-24", "2022-12-25") == [11, 13]


@pytest.mark.parametrize(
    ("said", "exceptions", "hours"),
    [
        ("closed", on_date("2022-12-25"), [9, 2, 7]),
        ("other times", on_date("2022-12-25", ("10:00", "14:00")), [9, 2 + 4, 7]),
        ("two shifts", on_date("2022-12-25", ("10:00", "12:00"), ("13:00", "14:00")), [9, 2 + 3, 7]),
        ("a tail of its own", on_date("2022-12-25", ("22:00", "01:00")), [9, 2 + 2, 1 + 7]),
        ("23:59 is the end of the day", on_date("2022-12-25", ("22:00", "23:59")), [9, 2 + 2, 7]),
        ("no length: closed", on_date("2022-12-25", ("10:00", "10:00")), [9, 2, 7]),
        (
            "no length beside a shift",
            on_date("2022-12-25", ("10:00", "10:00"), ("13:00", "14:00")),
            [9, 3, 7],
        ),
        ("all day", on_date("2022-12-25", ALWAYS), [9, 24, 7]),
        ("it overlaps the tail of the day before", on_date("2022-12-25", ("01:00", "03:00")), [9, 3, 7]),
        ("another date", on_date("2022-12-28"), [9, 9, 9]),
    ],
)
def test_an_exception_takes_the_place_of_the_shifts_of_its_date(
    said: str, exceptions: list[tuple[object, ...]], hours: list[float]
) -> None:
    facts = facts_of(hours=NIGHTS, zones=UTC, exceptions=exceptions)
    assert open_hours(facts, "2022-12-24", "2022-12-25", "2022-12-26") == hours, said


def test_an_exception_opens_a_date_on_which_no_row_makes_a_shift() -> None:
    hours = valid([0], NINE_TO_FIVE)  # Mondays
    facts = facts_of(hours=hours, zones=UTC, exceptions=on_date("2022-12-25", ("10:00", "14:00")))
    assert open_hours(facts, "2022-12-25", "2022-12-26") == [4, 8]


def test_a_store_without_any_row_has_a_shift_of_the_whole_date_that_an_exception_replaces() -> None:
    facts = facts_of(zones=UTC, exceptions=on_date("2022-12-25", ("22:00", "02:00")))
    assert open_hours(facts, "2022-12-24", "2022-12-25", "2022-12-26") == [24, 2, 24]
    assert open_hours(
        facts_of(stores=["a"], exceptions=on_date("2022-12-25", store_id="b")), "2022-12-25"
    ) == [24]


def test_the_exceptions_of_a_store_are_nobody_elses() -> None:
    facts = facts_of(stores=["a", "b"], zones=UTC | {"b": "UTC"}, exceptions=on_date("2023-01-25"))
    rows = account(facts, "2023-01-26 00:00")
    assert (rows["a"]["open_last_day"], rows["b"]["open_last_day"]) == (0, DAY)


def test_what_only_speaks_of_stores_makes_no_row() -> None:
    facts = facts_of(
        stores=["a"], exceptions=on_date("2022-12-25", store_id="nobody"), labels=[("who", "brand", "x")]
    )
    assert list(account(facts, "2022-12-26 00:00")) == ["a"]


@pytest.mark.parametrize(
    ("said", "date", "span", "minutes"),
    [
        ("the hour that comes twice", "2023-11-05", ("01:00", "02:00"), 120),
        ("the hour that does not exist", "2023-03-12", ("02:00", "03:00"), 0),
        ("half of it", "2023-03-12", ("02:30", "03:30"), 30),
        ("all of a date of 25 hours", "2023-11-05", ALWAYS, 25 * 60),
        ("all of a date of 23 hours", "2023-03-12", ALWAYS, 23 * 60),
        ("a night into it", "2023-11-04", ("23:00", "01:30"), 60 + 60 + 30 + 30),
    ],
)
def test_an_exception_is_read_off_the_wall_clock(
    said: str, date: str, span: tuple[str, str], minutes: int
) -> None:
    hours = valid([2], NINE_TO_FIVE)  # Wednesdays
    facts = facts_of(hours=hours, zones={"a": "America/New_York"}, exceptions=on_date(date, span))
    (store,) = reference.load(facts)
    begin = instant(f"{date} 00:00")
    assert int(reference.Opening(store).between(begin, begin + 2 * DAY).sum()) == 60 * minutes, said


def test_a_poll_on_a_closed_date_is_discarded_and_one_in_its_own_hours_counts() -> None:
    polls = polled(("2022-12-25 12:30", False), ("2022-12-26 12:30", True), store_id="a")
    closed = facts_of(polls, valid(EVERY_DAY, NINE_TO_FIVE), UTC, exceptions=on_date("2022-12-25"))
    row = account(closed, "2022-12-26 17:00")["a"]
    assert (row["uptime_last_day"], row["downtime_last_day"]) == (
        5 * HOUR,
        0,
    )  # from 12:00; before it unknown
    assert row["unknown_last_day"] == 3 * HOUR
    later = facts_of(
        polls, valid(EVERY_DAY, ("18:00", "20:00")), UTC, exceptions=on_date("2022-12-25", ("12:00", "13:00"))
    )
    assert account(later, "2022-12-25 20:00")["a"]["downtime_last_day"] == HOUR
    assert account(later, "2022-12-26 19:00")["a"]["downtime_last_hour"] == HOUR  # carried


@pytest.mark.parametrize(
    ("since", "until", "has_run_out"),
    [
        (None, None, False),
        (None, "2023-01-17", True),
        (None, "2023-01-18", False),
        ("2023-01-26", None, True),
    ],
)
def test_hours_have_run_out_if_no_row_makes_a_shift_in_the_week(
    since: str | None,
    until: str | None,
    has_run_out: bool,  # noqa: FBT001 - a column of the table above
) -> None:
    (store,) = reference.load(facts_of(hours=valid(EVERY_DAY, NINE_TO_FIVE, since=since, until=until)))
    assert reference.has_run_out(store, instant("2023-01-25 00:00") // DAY) is has_run_out
    (without,) = reference.load(facts_of(stores=["a"]))
    assert not reference.has_run_out(without, instant("2023-01-25 00:00") // DAY)
