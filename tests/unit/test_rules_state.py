"""R13 and R16: hours as a table, state, outages. 2023-01-25 is a Wednesday."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from beyond import account, hours_table, note, on_date, utc, valid
from engines import polled
from storewatch.checking import reference
from storewatch.domain.ask import Ask, Policy
from strategies import DAY, HOUR, WEEK, facts_of, instant

if TYPE_CHECKING:
    from collections.abc import Iterable

UTC = {"a": "UTC"}
NINE_TO_FIVE = valid(range(7), ("09:00", "17:00"))
AS_OF = "2023-01-25 12:00"


# The state


@pytest.mark.parametrize(
    ("said", "polls", "notes", "state", "since"),
    [
        ("up", [("09:10", True)], [], "up", "09:00"),
        ("down", [("09:10", True), ("11:10", False)], [], "down", "11:00"),
        ("unknown, or earlier", [], [], "unknown", None),
        ("excluded", [("09:10", True)], [note("excluded", "2023-01-25 11:30")], "excluded", "11:30"),
        ("since it is stated", [("09:10", False)], [note("up", "2023-01-25 11:59:59")], "up", "11:59:59"),
        ("the nearest change", [("09:10", True), ("10:10", False), ("11:10", True)], [], "up", "11:00"),
    ],
)
def test_the_state_is_that_of_the_last_open_second(
    said: str,
    polls: list[tuple[str, bool]],
    notes: list[tuple[object, ...]],
    state: str,
    since: str | None,
) -> None:
    given = polled(*((f"2023-01-25 {at}", active) for at, active in polls))
    row = account(facts_of(given, NINE_TO_FIVE, UTC, annotations=notes), AS_OF)["a"]
    expected = None if since is None else utc(f"2023-01-25 {since}")
    assert (row["state"], row["is_closed"], row["since"]) == (state, False, expected), said


def test_a_closed_store_has_the_state_of_its_last_open_second_and_says_that_it_is_closed() -> None:
    facts = facts_of(polled(("2023-01-24 15:10", True)), NINE_TO_FIVE, UTC)
    row = account(facts, "2023-01-25 03:00")["a"]
    assert (row["state"], row["is_closed"], row["since"]) == ("up", True, utc("2023-01-24 15:00"))
    # The second before the as-of decides: at 17:00 it is open still, at 09:00 closed still.
    assert [
        account(facts, f"2023-01-25 {at}")["a"]["is_closed"]
        for at in ("09:00", "09:00:01", "17:00", "17:00:01")
    ] == [
        True,
        False,
        False,
        True,
    ]


def test_closed_time_does_not_part_the_run_and_one_that_reaches_the_first_open_second_has_no_begin() -> None:
    since_monday = facts_of(polled(("2023-01-23 10:10", False)), NINE_TO_FIVE, UTC)
    assert account(since_monday, AS_OF)["a"]["since"] == utc("2023-01-23 10:00")
    always = facts_of(polled(("2023-01-18 09:30", False)), NINE_TO_FIVE, UTC)
    assert account(always, AS_OF, carry=None)["a"]["since"] is None


def test_a_store_without_an_open_second_in_the_week_has_no_state() -> None:
    hours = valid(range(7), ("09:00", "17:00"), until="2023-01-01")
    row = account(facts_of(polled(("2023-01-24 15:10", True)), hours, UTC), AS_OF)["a"]
    assert (row["state"], row["is_closed"], row["since"], row["outages_last_week"]) == (None, True, None, 0)


# Outages


def outages(
    *polls: tuple[str, bool],
    begin: str = "2023-01-25 00:00",
    end: str = "2023-01-26 00:00",
    as_of: str = "2023-01-26 00:00",
    notes: Iterable[tuple[object, ...]] = (),
) -> list[tuple[str, str, int, bool, str]]:
    """Return the outages of a store that is open from 9 to 5, by the clock; unless asked: of Wednesday."""
    facts = facts_of(polled(*polls), NINE_TO_FIVE, UTC, annotations=notes)
    case = reference.case_of(reference.load(facts)[0], Ask(as_of=instant(as_of)))
    found = reference.second_by_second(case, instant(begin) - 15 * DAY)
    listed = reference.outages(found, instant(begin), instant(end), instant(as_of))
    return [(clock(o.begin), clock(o.end), o.seconds, o.began_before, o.ending) for o in listed]


def clock(at: int) -> str:
    """Return an instant's day and time."""
    day, second = divmod(at - instant("2023-01-01 00:00"), DAY)
    return f"{day + 1} {second // HOUR:02}:{second // 60 % 60:02}"


def test_an_outage_ends_when_the_store_is_up_again() -> None:
    found = outages(("2023-01-25 10:10", False), ("2023-01-25 12:10", True))
    assert found == [("25 10:00", "25 12:00", 2 * HOUR, False, "recovered")]


def test_an_outage_may_be_unknown_or_excluded_after_or_go_on() -> None:
    down = ("2023-01-25 10:10", False)
    notes = [note("unknown", "2023-01-25 11:00", "2023-01-25 11:30")]
    assert outages(down, notes=notes) == [
        ("25 10:00", "25 11:00", HOUR, False, "unknown after"),
        ("25 11:30", "25 17:00", 5 * HOUR + HOUR // 2, False, "closed while down"),
    ]
    notes = [note("excluded", "2023-01-25 11:00")]
    assert outages(down, notes=notes)[0][4] == "excluded after"
    assert outages(down, end="2023-01-25 17:00", as_of="2023-01-25 17:00") == [
        ("25 10:00", "25 17:00", 7 * HOUR, False, "still down")
    ]


def test_closed_time_does_not_part_an_outage_and_is_no_part_of_it() -> None:
    found = outages(
        ("2023-01-24 16:10", False),
        ("2023-01-25 10:10", True),
        begin="2023-01-24 00:00",
    )
    assert found == [("24 16:00", "25 10:00", 2 * HOUR, False, "recovered")]


def test_one_that_was_down_in_the_last_open_second_before_the_window_began_before() -> None:
    found = outages(("2023-01-24 10:10", False), ("2023-01-25 10:10", True))
    assert found == [("25 09:00", "25 10:00", HOUR, True, "recovered")]


def test_a_window_that_ends_before_the_as_of_cuts_an_outage_that_ends_as_it_did() -> None:
    end = "2023-01-25 11:00"
    polls = (("2023-01-25 10:10", False), ("2023-01-25 12:10", True))
    cut = ("25 10:00", "25 11:00", HOUR, False)
    assert outages(*polls, end=end, as_of="2023-01-26 00:00") == [(*cut, "recovered")]
    assert outages(polls[0], end=end, as_of="2023-01-25 14:00") == [(*cut, "still down")]
    assert outages(polls[0], end=end, as_of="2023-01-25 20:00") == [(*cut, "closed while down")]


def test_a_report_counts_the_outages_of_the_week_and_measures_the_longest() -> None:
    polls = polled(("2023-01-24 10:10", False), ("2023-01-24 11:10", True), ("2023-01-24 16:10", False))
    polls += polled(("2023-01-25 10:10", True))
    row = account(facts_of(polls, NINE_TO_FIVE, UTC), AS_OF)["a"]
    assert (row["outages_last_week"], row["longest_outage_last_week"]) == (2, 2 * HOUR)
    # A closed date between parts it as little as a night does.
    closed = facts_of(polls, NINE_TO_FIVE, UTC, exceptions=on_date("2023-01-25"))
    row = account(closed, "2023-01-26 10:00")["a"]
    assert (row["outages_last_week"], row["longest_outage_last_week"], row["state"]) == (2, 2 * HOUR, "down")


# The hours as a table


def test_an_hour_with_open_seconds_has_a_row_and_says_how_it_came_about() -> None:
    polls = polled(("2023-01-25 09:10", True), ("2023-01-25 09:20", False), ("2023-01-25 09:30", True))
    polls += polled(("2023-01-25 11:50", False), ("2023-01-25 12:00", True))
    notes = [note("unknown", "2023-01-25 10:00", "2023-01-25 11:00")]
    facts = facts_of(polls, NINE_TO_FIVE, UTC, annotations=notes)
    rows = hours_table(facts, "2023-01-24 16:30", "2023-01-25 12:00")
    shown = [
        (
            row["hour"].hour,
            row["open_seconds"],
            row["how"],
            row["polls"],
            row["active_polls"],
            row["decided_at"],
        )
        for row in rows
    ]
    assert shown == [
        (16, HOUR // 2, "none", 0, 0, None),
        (9, HOUR, "majority", 3, 2, utc("2023-01-25 09:30")),
        (10, HOUR, "stated", 0, 0, None),
        (11, HOUR, "majority", 1, 0, utc("2023-01-25 11:50")),
    ]


def test_the_poll_that_decides_is_the_latest_with_the_status_that_won() -> None:
    polls = polled(("2023-01-25 09:10", True), ("2023-01-25 09:20", True), ("2023-01-25 09:30", False))
    (nine, ten) = hours_table(facts_of(polls, NINE_TO_FIVE, UTC), "2023-01-25 09:00", "2023-01-25 11:00")
    assert (nine["decided_at"], nine["uptime_seconds"]) == (utc("2023-01-25 09:20"), HOUR)
    assert (ten["how"], ten["decided_at"], ten["downtime_seconds"]) == (
        "carried",
        utc("2023-01-25 09:30"),
        HOUR,
    )


def test_an_hour_is_stated_only_if_every_open_second_of_its_row_is() -> None:
    notes = [note("excluded", "2023-01-25 09:00", "2023-01-25 09:30")]
    facts = facts_of(polled(("2023-01-25 09:45", True)), NINE_TO_FIVE, UTC, annotations=notes)
    (whole,) = hours_table(facts, "2023-01-25 09:00", "2023-01-25 10:00")
    (half,) = hours_table(facts, "2023-01-25 09:00", "2023-01-25 09:30", as_of="2023-01-25 10:00")
    assert (whole["how"], whole["excluded_seconds"], half["how"]) == ("majority", HOUR // 2, "stated")
    assert (half["polls"], half["active_polls"]) == (1, 1)  # of the whole hour up to the as-of


def test_under_the_other_policy_hours_are_observed_carried_or_unknown() -> None:
    facts = facts_of(polled(("2023-01-25 09:45", True), ("2023-01-25 09:50", False)), NINE_TO_FIVE, UTC)
    rows = hours_table(
        facts,
        "2023-01-25 09:00",
        "2023-01-25 13:00",
        carry=HOUR + HOUR // 2,
        policy=Policy.LAST_OBSERVATION,
    )
    assert [(row["how"], row["downtime_seconds"], row["unknown_seconds"]) for row in rows] == [
        ("observed", 600, 2_700),
        ("carried", HOUR, 0),
        ("carried", 1_200, 2_400),  # until 11:20
        ("none", 0, HOUR),
    ]
    assert [row["decided_at"] for row in rows] == [utc("2023-01-25 09:50")] * 3 + [None]


def test_hours_are_in_order_of_store_and_hour() -> None:
    rows = hours_table(facts_of(stores=["b", "a"]), "2023-01-25 09:00", "2023-01-25 11:00")
    assert [(row["store_id"], row["hour"].hour) for row in rows] == [("a", 9), ("a", 10), ("b", 9), ("b", 10)]
    assert {row["open_seconds"] for row in rows} == {HOUR}


def test_hours_of_nothing_are_a_table_without_rows() -> None:
    frame = reference.hours(facts_of(), Ask(as_of=WEEK), 0, WEEK)
    assert frame.empty
    assert list(frame)[:3] == ["store_id", "hour", "open_seconds"]
