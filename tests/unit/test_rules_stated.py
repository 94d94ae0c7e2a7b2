"""R9 and R12 in both engines: what is stated, measured, carried. 2023-01-25 is a Wednesday."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from beyond import MADE, account, hours_table, note, on_date, same_rows, utc, valid
from engines import polled
from storewatch.checking import reference
from storewatch.domain.account import account as account_of_all
from storewatch.domain.ask import Ask, Policy
from strategies import DAY, HOUR, WEEK, facts_of, instant

if TYPE_CHECKING:
    from collections.abc import Iterable

POLLS = polled(("2023-01-25 01:30", True), ("2023-01-25 03:30", False), ("2023-01-25 05:20", True))
FIGURES = ("uptime", "downtime", "unknown", "excluded", "measured", "stated_up", "stated_down", "low", "high")


def hours_of(row: dict[str, int], window: str, figures: Iterable[str] = FIGURES) -> list[float]:
    """Return figures of a window in hours."""
    return [row[f"{figure}_{window}"] / HOUR for figure in figures]


def test_the_worked_night_of_the_rules() -> None:
    facts = facts_of(POLLS, annotations=[note("excluded", "2023-01-25 02:00", "2023-01-25 04:00")])
    row = account(facts, "2023-01-25 06:00", "6h")["a"]
    # Hour 0 unknown, 1 up, 2 and 3 excluded, 4 down (carried), 5 up; hours 1 and 5 measured.
    assert hours_of(row, "6h") == [2, 1, 1, 2, 2, 0, 0, 2, 4]
    assert [hour["how"] for hour in hours_table(facts, "2023-01-25 00:00", "2023-01-25 06:00")] == [
        *("none", "majority", "stated", "stated", "carried", "majority")
    ]


@pytest.mark.parametrize(
    ("said", "counts_as", "since", "until", "hours"),
    [
        # uptime, downtime, unknown, excluded, measured, stated_up, stated_down, low, high; without any: up in
        # 1, 2 and 5, down in 3 and 4, measured in 1, 3 and 5
        ("excluded", "excluded", "03:00", "04:00", [3, 1, 1, 1, 2, 0, 0, 2, 5]),
        ("up", "up", "03:00", "04:00", [4, 1, 1, 0, 2, 1, 0, 3, 6]),
        ("down", "down", "05:00", "06:00", [2, 3, 1, 0, 2, 0, 1, 1, 4]),
        ("unknown", "unknown", "03:00", "04:00", [3, 1, 2, 0, 2, 0, 0, 2, 6]),
        ("where nothing was known", "up", "00:00", "01:00", [4, 2, 0, 0, 3, 1, 0, 3, 5]),
        ("where it was carried", "down", "02:00", "03:00", [2, 3, 1, 0, 3, 0, 1, 2, 4]),
        ("a part of an hour", "down", "05:30", "05:45", [2.75, 2.25, 1, 0, 2.75, 0, 0.25, 1.75, 4.75]),
        ("over hours", "excluded", "01:30", "04:30", [1.5, 0.5, 1, 3, 1.5, 0, 0, 1.5, 3]),
        ("all of them", "excluded", "00:00", "06:00", [0, 0, 0, 6, 0, 0, 0, 0, 0]),
        ("from before the window on", "down", "-20:00", "00:30", [3, 2.5, 0.5, 0, 3, 0, 0.5, 2, 4.5]),
    ],
)  # fmt: skip
def test_each_open_second_that_it_covers_counts_as_stated(
    said: str, counts_as: str, since: str, until: str, hours: list[float]
) -> None:
    begin = f"2023-01-24 {since[1:]}" if since.startswith("-") else f"2023-01-25 {since}"
    stated = note(counts_as, begin, f"2023-01-25 {until}")
    row = account(facts_of(POLLS, annotations=[stated]), "2023-01-25 06:00", "6h")["a"]
    assert hours_of(row, "6h") == hours, said


def test_one_without_an_end_holds_until_further_notice() -> None:
    facts = facts_of(POLLS, annotations=[note("down", "2023-01-25 05:00")])
    row = account(facts, "2023-01-25 06:00", "6h")["a"]
    assert (row["downtime_6h"], row["state"]) == (3 * HOUR, "down")
    assert account(facts, "2023-02-25 06:00", "6h")["a"]["stated_down_6h"] == 6 * HOUR


def test_a_stated_status_is_never_carried_and_the_polls_count_as_if_it_were_not_there() -> None:
    polls = polled(("2023-01-25 01:30", True))
    facts = facts_of(polls, annotations=[note("down", "2023-01-25 01:00", "2023-01-25 03:00")])
    row = account(facts, "2023-01-25 05:00", "5h")["a"]
    assert (row["uptime_5h"], row["downtime_5h"], row["unknown_5h"]) == (2 * HOUR, 2 * HOUR, HOUR)


def test_closed_time_is_not_stated() -> None:
    facts = facts_of(
        hours=valid(range(7), ("09:00", "17:00")),
        zones={"a": "UTC"},
        annotations=[note("up", "2023-01-25 00:00", "2023-01-26 00:00")],
    )
    row = account(facts, "2023-01-26 00:00")["a"]
    assert (row["uptime_last_day"], row["open_last_day"]) == (8 * HOUR, 8 * HOUR)


def test_one_made_after_the_as_of_counts_and_a_withdrawn_one_does_not() -> None:
    late = note("down", "2023-01-25 05:00", "2023-01-25 06:00", made=utc("2023-02-01 00:00"))
    gone = note(
        "up", "2023-01-25 05:00", name="z", made=utc("2023-03-01 00:00"), withdrawn=utc("2023-03-02 00:00")
    )
    row = account(facts_of(POLLS, annotations=[late, gone]), "2023-01-25 06:00")["a"]
    assert row["downtime_last_hour"] == HOUR


LATER = MADE + timedelta(seconds=1)
SPAN = ("2023-01-25 05:00", "2023-01-25 06:00")


@pytest.mark.parametrize(
    ("said", "notes", "status"),
    [
        (
            "a store before a label",
            [note("up", *SPAN), note("down", *SPAN, name="o", about=("brand", "x"), made=LATER)],
            "uptime",
        ),
        (
            "a label before all",
            [note("up", *SPAN, about=("brand", "x")), note("down", *SPAN, name="o", about="*", made=LATER)],
            "uptime",
        ),
        (
            "a store before all",
            [note("down", *SPAN, name="z", about="*", made=LATER), note("up", *SPAN)],
            "uptime",
        ),
        ("then the latest", [note("up", *SPAN, made=LATER), note("down", *SPAN, name="z")], "uptime"),
        ("then the greater id", [note("up", *SPAN, name="b"), note("down", *SPAN, name="a")], "uptime"),
        ("by code point", [note("up", *SPAN, name="a"), note("down", *SPAN, name="Z")], "uptime"),
        (
            "of two labels the latest",
            [
                note("down", *SPAN, name="z", about=("brand", "x")),
                note("up", *SPAN, about=("city", "y"), made=LATER),
            ],
            "uptime",
        ),
        ("another value", [note("down", *SPAN, about=("brand", "X"))], "unknown"),
        ("another label", [note("down", *SPAN, about=("city", "x"))], "unknown"),
        ("another store", [note("down", *SPAN, about="b")], "unknown"),
        ("a name is no label", [note("down", *SPAN, about=("storename", "Shop"))], "unknown"),
        ("all", [note("excluded", *SPAN, about="*")], "excluded"),
    ],
)
def test_where_several_cover_a_second(said: str, notes: list[tuple[object, ...]], status: str) -> None:
    labels = [("a", "brand", "x"), ("a", "city", "y"), ("a", "storename", "Shop")]
    for given in (notes, notes[::-1]):
        facts = facts_of(stores=["a"], annotations=given, labels=labels)
        assert account(facts, "2023-01-25 06:00")["a"][f"{status}_last_hour"] == HOUR, said


def test_each_second_is_decided_by_itself() -> None:
    notes = [
        note("excluded", "2023-01-25 01:00", "2023-01-25 05:00", about="*", made=LATER),
        note("up", "2023-01-25 02:00", "2023-01-25 03:00"),
    ]
    facts = facts_of(stores=["a"], annotations=notes)
    row = account(facts, "2023-01-25 06:00", "6h")["a"]
    assert (row["excluded_6h"], row["uptime_6h"], row["unknown_6h"]) == (3 * HOUR, HOUR, 2 * HOUR)


def test_those_that_touched_a_report_are_listed_with_the_open_seconds_that_they_decide() -> None:
    notes = [
        note("excluded", "2023-01-25 01:00", "2023-01-25 05:00", name="all", about="*"),
        note("up", "2023-01-25 02:00", "2023-01-25 03:00", name="a's"),
        note("up", "2023-01-20 02:00", "2023-01-20 03:00", name="before"),
    ]
    facts = facts_of(
        stores=["a", "b"],
        annotations=notes,
        zones={"b": "UTC"},
        exceptions=on_date("2023-01-25", ("02:00", "24:00"), store_id="b"),
    )
    ask = Ask(as_of=instant("2023-01-25 06:00"), windows=("6h", "3h"))
    found = reference.touched(facts, ask, ask.parsed_windows)
    assert found.to_numpy().tolist() == [["a's", HOUR, 0], ["all", 6 * HOUR, 4 * HOUR]]
    same_rows(account_of_all(facts, ask).touched.sort("id"), found)


@pytest.mark.parametrize(
    ("polls", "carry", "measured"),
    [
        ((("2023-01-25 05:20", True),), WEEK, HOUR),
        ((("2023-01-25 04:20", True),), WEEK, 0),  # carried
        ((("2023-01-25 06:00", True),), WEEK, 0),  # a poll of the next hour
        ((), WEEK, 0),
    ],
)
def test_a_second_is_measured_if_its_hour_has_a_counted_poll(
    polls: tuple[tuple[str, bool], ...], carry: int, measured: int
) -> None:
    facts = facts_of(polled(*polls), stores=["a"])
    assert account(facts, "2023-01-25 06:00", carry=carry)["a"]["measured_last_hour"] == measured


def test_under_the_other_policy_measured_is_by_hours_where_the_status_is_known() -> None:
    facts = facts_of(polled(("2023-01-25 04:15", True), ("2023-01-25 05:45", False)))
    row = account(facts, "2023-01-25 06:00", "2h", carry=HOUR, policy=Policy.LAST_OBSERVATION)["a"]
    # 04:00 unknown, 04:15 up, 05:15 unknown, 05:45 down: all of it within hours with a poll.
    assert hours_of(row, "2h") == [1, 0.25, 0.75, 0, 1.25, 0, 0, 1, 1.75]


def test_a_poll_after_the_window_of_its_hour_up_to_the_as_of_measures_it() -> None:
    facts = facts_of(polled(("2023-01-25 05:45", True)))
    row = account(facts, "2023-01-25 06:00", "2023-01-25T05:00:00Z/2023-01-25T05:30:00Z")["a"]
    assert (row["uptime_window"], row["measured_window"]) == (HOUR / 2, HOUR / 2)


def test_without_such_facts_only_what_was_measured_and_bounded_is_said() -> None:
    row = account(facts_of(POLLS), "2023-01-25 06:00")["a"]
    assert hours_of(row, "last_day") == [3, 2, 19, 0, 3, 0, 0, 2, 23]
    assert row["open_last_day"] == DAY
