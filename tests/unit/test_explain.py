"""Explanations of single hours and outages, written out; and how they read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from engines import open_on, polled
from storewatch.adapters.polls.given import GivenFacts
from storewatch.answering.explain import explain_store
from storewatch.domain.ask import Ask
from storewatch.domain.evidence import HoursRow, spelled
from storewatch.domain.explain import Explanation, explain
from storewatch.domain.nearest import nearest
from storewatch.entrypoints.cli.explanation import explanation_lines
from storewatch.errors import UnknownStoreError
from strategies import DAY, HOUR, WEEK, facts_of, instant, micros, of_day

if TYPE_CHECKING:
    from storewatch.domain.facts import Facts

WEDNESDAY = 2
UTC = {"a": "UTC"}


def explained(facts: Facts, as_of: str, *, window: str = "day", carry: int | None = WEEK) -> Explanation:
    return explain(facts, "a", Ask(as_of=instant(as_of), carry=carry, windows=(window,)))


def reasons(found: Explanation) -> dict[int, str]:
    """The sentences by the hour of the UTC day."""
    return {hour.begin // HOUR % 24: hour.reason.text for hour in found.hours}


def test_the_worked_hour_of_the_rules_reads_as_it_is_worked() -> None:
    polls = polled(
        ("2023-01-25 10:05", True),
        ("2023-01-25 10:20", True),
        ("2023-01-25 10:50", False),
        ("2023-01-25 13:10", True),
    )
    found = explained(facts_of(polls, zones=UTC), "2023-01-25 14:00")
    assert [reasons(found)[hour] for hour in (9, 10, 11, 12, 13)] == [
        "unknown: no poll in the 7 days before, R5",
        "up: 2 of 3 polls active, R4",
        "down: carried from the poll of 10:50, R5",
        "down: carried from the poll of 10:50, R5",
        "up: its one poll, of 13:10, is active, R4",
    ]
    assert (found.seconds("up"), found.seconds("down")) == (2 * HOUR, 2 * HOUR)


def test_the_worked_morning_of_the_rules_shows_the_discarded_poll_and_who_decides() -> None:
    polls = polled(("2023-01-24 20:55", False), ("2023-01-25 08:58", True), ("2023-01-25 10:30", True))
    facts = facts_of(polls, open_on(range(7), ("09:00", "21:00")), UTC)
    found = explained(facts, "2023-01-25 11:00")
    assert reasons(found)[9] == "down: carried from the poll of Tue 24 Jan 20:55, R5"
    assert reasons(found)[10] == "up: its one poll, of 10:30, is active, R4"
    assert [(poll.at, poll.counted) for poll in found.discarded] == [(micros("2023-01-25 08:58"), False)]


def test_a_tie_names_the_latest_poll() -> None:
    polls = polled(("2023-01-25 10:20", False), ("2023-01-25 10:50", True))
    found = explained(facts_of(polls, zones=UTC), "2023-01-25 11:00", window="hour")
    assert reasons(found) == {10: "up: tie of 1 and 1, the latest poll, of 10:50, decides, R4"}
    assert found.hours[0].reason.decided_by == micros("2023-01-25 10:50")


def test_a_poll_that_no_longer_carries_is_named_as_too_old() -> None:
    facts = facts_of(polled(("2023-01-25 08:10", True)), zones=UTC)
    found = reasons(explained(facts, "2023-01-25 11:00", carry=HOUR))
    assert found[9] == "up: carried from the poll of 08:10, R5"
    assert found[10] == "unknown: the latest poll, of 08:10, is older than 1 hour, R5"


def test_without_an_end_of_the_carry_unknown_means_no_poll_ever() -> None:
    facts = facts_of(polled(("2023-01-25 10:10", True)), zones=UTC)
    assert reasons(explained(facts, "2023-01-25 11:00", carry=None))[9] == "unknown: no poll before, R5"


def test_a_poll_of_another_year_is_named_with_it() -> None:
    facts = facts_of(polled(("2021-12-31 10:10", False)), zones=UTC)
    found = explained(facts, "2023-01-25 11:00", carry=None, window="hour")
    assert reasons(found) == {10: "down: carried from the poll of Fri 31 Dec 2021 10:10, R5"}


def test_times_in_sentences_are_the_wall_clocks() -> None:
    facts = facts_of(polled(("2023-01-25 16:10", False)))
    found = explained(facts, "2023-01-25 17:00", window="hour")
    assert (found.zone, found.has_zone) == ("America/Chicago", False)
    assert found.hours[0].reason.text == "down: its one poll, of 10:10, is inactive, R4"


def test_doubled_polls_are_one_and_inactive_if_they_disagree() -> None:
    polls = polled(
        ("2023-01-25 10:05", True), ("2023-01-25 10:05", False), ("2023-01-25 10:50", True), store_id="a"
    )
    (hour,) = explained(facts_of([*polls, polls[-1]], zones=UTC), "2023-01-25 11:00", window="hour").hours
    assert [(p.active, p.given, p.disagreed) for p in hour.polls] == [(False, 2, True), (True, 2, False)]
    assert hour.reason.text.startswith("up: tie of 1 and 1")


def test_an_hour_names_the_rows_that_open_it_and_counts_their_overlap_once() -> None:
    rows = open_on([WEDNESDAY], ("09:00", "10:30"), ("10:15", "10:45"), ("12:00", "12:00"))
    found = explained(facts_of(hours=rows, zones=UTC), "2023-01-25 12:00", window="day")
    assert [[row.number for row in hour.rows] for hour in found.hours] == [[1], [1, 2]]
    assert [hour.open_seconds for hour in found.hours] == [3_600, 2_700]
    ten, quarter_to = instant("2023-01-25 10:00"), instant("2023-01-25 10:45")
    assert found.hours[1].open == ((ten, quarter_to),)
    assert [row.text for row in found.rows] == [
        "row 1: Wednesday 09:00–10:30",
        "row 2: Wednesday 10:15–10:45",
        "row 3: Wednesday 12:00–12:00 (closed: it ends where it starts, R2)",
    ]


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        ("09:00", "24:00", "Sunday 09:00–24:00"),
        ("09:00:30", "23:59:59", "Sunday 09:00:30–23:59:59 (to 24:00, R2)"),
        ("22:00", "02:00", "Sunday 22:00–02:00 (into the next day)"),
        ("23:59", "23:59", "Sunday 23:59–23:59 (to 24:00, R2)"),
    ],
)
def test_a_row_says_how_it_is_read(start: str, end: str, text: str) -> None:
    assert HoursRow(number=3, day=6, start=of_day(start), end=of_day(end)).text == f"row 3: {text}"


def test_an_hour_that_the_window_cuts_has_its_part_and_all_of_its_polls() -> None:
    facts = facts_of(polled(("2023-01-25 10:05", False), ("2023-01-25 11:05", True)), zones=UTC)
    first, last = explained(facts, "2023-01-25 11:30", window="hour").hours
    assert (first.open_seconds, last.open_seconds) == (1_800, 1_800)
    assert [poll.at for poll in first.polls] == [micros("2023-01-25 10:05")]
    assert (first.status, last.status) == ("down", "up")


def test_a_night_that_is_closed_between_two_downs_is_one_outage_of_open_time() -> None:
    facts = facts_of(
        polled(("2023-01-24 19:10", False), ("2023-01-25 10:10", True)),
        open_on(range(7), ("09:30", "20:30")),
        UTC,
    )
    (outage,) = explained(facts, "2023-01-25 12:00").outages
    assert outage.begin == instant("2023-01-24 19:00")
    assert outage.end == instant("2023-01-25 10:00")
    assert outage.open_seconds == 3_600 + 1_800 + 1_800


def test_an_unknown_hour_parts_two_outages() -> None:
    facts = facts_of(polled(("2023-01-25 08:10", False), ("2023-01-25 10:10", False)), zones=UTC)
    found = explained(facts, "2023-01-25 11:00", carry=60)
    assert [outage.open_seconds for outage in found.outages] == [HOUR, HOUR]


def test_an_hour_that_comes_twice_on_the_wall_clock_is_two_hours() -> None:
    facts = facts_of(hours=open_on([6], ("01:00", "02:00")), zones={"a": "America/New_York"})
    hours = explained(facts, "2023-11-05 12:00").hours
    assert [hour.begin for hour in hours] == [instant("2023-11-05 05:00"), instant("2023-11-05 06:00")]


def test_the_text_has_figures_rows_hours_outages_and_discarded_polls() -> None:
    facts = facts_of(
        polled(("2023-01-24 20:55", False), ("2023-01-25 08:58", True), ("2023-01-25 10:30", True)),
        open_on(range(7), ("09:00", "21:00")),
        UTC,
    )
    lines = list(explanation_lines(explained(facts, "2023-01-25 11:00", window="day")))
    assert lines[2] == "up 1:00:00, down 2:00:00, unknown 9:00:00 of 12:00:00 open; uptime 33.33 %"
    assert "row 3: Wednesday 09:00–21:00" in lines
    assert "  09:00 09:00    1:00:00  down: carried from the poll of Tue 24 Jan 20:55, R5 (row 3)" in lines
    assert "Tue 24 Jan 20:00:00     Wed 25 Jan 10:00:00            2:00:00" in lines
    assert lines[-1] == "  Wed 25 Jan  08:58:00 active"
    assert max(map(len, lines)) <= 110


def test_many_polls_of_an_hour_are_wrapped_and_none_is_lost() -> None:
    polls = polled(*((f"2023-01-25 10:{minute:02}", True) for minute in range(30)))
    lines = list(explanation_lines(explained(facts_of(polls, zones=UTC), "2023-01-25 11:00", window="hour")))
    assert max(map(len, lines)) <= 110
    assert sum(line.count("active") for line in lines) == 30 + 1  # and in the sentence


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(WEEK, "7 days"), (DAY, "1 day"), (36 * HOUR, "36 hours"), (90, "90 seconds"), (0, "0 seconds")],
)
def test_a_carry_is_spelled_in_its_largest_whole_unit(seconds: int, text: str) -> None:
    assert spelled(seconds) == text


def test_a_store_that_no_input_names_is_an_error_with_the_nearest_ids() -> None:
    facts = facts_of(zones={"8139926242460185114": "UTC", "5063651958711463634": "UTC"})
    with pytest.raises(
        UnknownStoreError, match="8139926242460185141: the nearest ids are 8139926242460185114"
    ):
        explain_store(
            GivenFacts(facts=facts), "8139926242460185141", Ask(as_of=0, carry=WEEK, windows=("week",))
        )


@pytest.mark.parametrize(
    "typed",
    [
        "8139926242460185141",
        "8139926242460185",
        "9139926242460185114",
        "813992624246018511",
        " 8139926242460185114",
    ],
)
def test_a_slip_at_either_end_of_an_id_finds_it_among_many(typed: str) -> None:
    ids = [str(7_919 * number**3 % 10**19) for number in range(1, 5_000)]
    assert nearest(typed, pl.Series([*ids, "8139926242460185114"]).sort())[0] == "8139926242460185114"
