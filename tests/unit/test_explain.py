"""Explanations of single hours and outages, written out; and how they read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from engines import open_on, polled
from storewatch.adapters.polls.given import GivenFacts
from storewatch.answering.explain import explain_store
from storewatch.domain.ask import Ask
from storewatch.domain.evidence import spelled
from storewatch.domain.explain import Explanation, explain
from storewatch.domain.nearest import nearest
from storewatch.domain.shifts import HoursRow
from storewatch.entrypoints.cli.explanation import explanation_lines
from storewatch.entrypoints.explanation import day_views, outage_views
from storewatch.entrypoints.wording import long_date
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
        "unknown: no counted poll in the 7 days before, R5",
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
    assert found[10] == "unknown: the latest counted poll, of 08:10, is older than 1 hour, R5"


def test_without_an_end_of_the_carry_unknown_means_no_poll_ever() -> None:
    facts = facts_of(polled(("2023-01-25 10:10", True)), zones=UTC)
    assert (
        reasons(explained(facts, "2023-01-25 11:00", carry=None))[9] == "unknown: no counted poll before, R5"
    )


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
    assert "Tue 24 Jan 20:00:00     Wed 25 Jan 10:00:00            2:00:00  recovered" in lines
    assert "  Wed 25 Jan  08:58:00 active" in lines
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


def days_of(facts: Facts, as_of: str) -> list[str]:
    """What a page shows of the days, the first one first."""
    return [f"{long_date(day.date)}: {day.open}" for day in day_views(explained(facts, as_of, window="week"))]


def test_an_hour_across_midnight_is_split_between_its_days() -> None:
    """Kolkata is 5:30 ahead: its midnight is 18:30 UTC, within an hour of UTC."""
    rows = open_on([1], ("23:00", "24:00")) + open_on([2], ("00:00", "01:00"))
    facts = facts_of(polled(("2023-01-24 18:10", False)), rows, {"a": "Asia/Kolkata"})
    assert days_of(facts, "2023-01-25 12:00") == [
        "Tuesday 24 January: 1:00:00",
        "Wednesday 25 January: 1:00:00",
    ]
    lines = list(explanation_lines(explained(facts, "2023-01-25 12:00")))
    why = "its one poll, of 23:40, is inactive, R4"
    assert f"  23:30 18:00    0:30:00  down: {why} (row 1)" in lines
    assert f"  00:00 18:30    0:30:00  down: {why.replace('23:40', 'Tue 24 Jan 23:40')} (row 2)" in lines


def test_a_poll_before_midnight_goes_with_the_open_part_after_it_and_has_its_date() -> None:
    rows = open_on([2], ("00:00", "01:00"))
    facts = facts_of(polled(("2023-01-24 18:10", False)), rows, {"a": "Asia/Kolkata"})
    (day,) = day_views(explained(facts, "2023-01-25 12:00"))
    assert [(clock, poll.counted) for clock, poll in day.hours[0].polls] == [("Tue 24 Jan 23:40:00", False)]
    assert (day.hours[0].clock, day.hours[0].utc) == ("00:00", "18:30")


def test_times_that_come_twice_have_their_offset_wherever_they_are_shown() -> None:
    """In New York 01:00 to 02:00 came twice on 5 November 2023: from 05:00 and from 06:00 UTC."""
    polls = polled(("2023-11-05 05:10", False), ("2023-11-05 06:40", True))
    facts = facts_of(polls, open_on([6], ("00:30", "03:30")), {"a": "America/New_York"})
    lines = "\n".join(explanation_lines(explained(facts, "2023-11-05 12:00")))
    assert "  01:00 -04:00 05:00" in lines
    assert "  01:00 -05:00 06:00" in lines
    assert "its one poll, of 01:40 -05:00, is active" in lines
    assert "01:10:00 -04:00 inactive" in lines
    assert "  02:00        07:00" in lines
    assert "Sun 5 Nov 01:00:00 -04:00  Sun 5 Nov 01:00:00 -05:00" in lines


def test_both_ends_of_an_outage_have_their_offset_if_it_changes_between_them() -> None:
    """From 00:30 to 02:30 are three hours, on the night clocks go back."""
    polls = polled(("2023-11-05 04:40", False))
    facts = facts_of(polls, open_on([6], ("00:30", "02:30")), {"a": "America/New_York"})
    (outage,) = outage_views(explained(facts, "2023-11-05 12:00"), "{}, %H:%M")
    assert (outage.begin, outage.end, outage.lost) == (
        "Sun 5 Nov, 00:30 -04:00",
        "Sun 5 Nov, 02:30 -05:00",
        "3:00:00",
    )


@pytest.mark.parametrize(
    ("polls", "as_of", "words"),
    [
        ([("25 10:10", False), ("25 11:10", True)], "25 12:00", [(False, "recovered")]),
        ([("25 10:10", False)], "25 12:00", [(False, "still down")]),
        ([("25 19:10", False)], "25 23:00", [(False, "closed while down")]),
        ([("24 19:10", False)], "25 21:00", [(True, "closed while down")]),
        ([("24 19:10", False), ("25 09:10", True)], "25 10:00", [(False, "recovered")]),
    ],
)
def test_an_outage_says_how_it_ended_and_whether_it_began_before(
    polls: list[tuple[str, bool]], as_of: str, words: list[tuple[bool, str]]
) -> None:
    """Open from 9 to 20; the window is the last day, but the fourth case's begins with the evening before."""
    facts = facts_of(
        polled(*((f"2023-01-{at}", active) for at, active in polls)),
        open_on(range(7), ("09:00", "20:00")),
        UTC,
    )
    found = explained(facts, f"2023-01-{as_of}")
    assert [(outage.began_before, str(outage.ending)) for outage in found.outages] == words


def test_an_outage_that_a_short_carry_ends_is_unknown_after() -> None:
    facts = facts_of(polled(("2023-01-25 10:10", False)), zones=UTC)
    (outage,) = explained(facts, "2023-01-25 14:00", carry=HOUR).outages
    assert (outage.open_seconds, outage.ending) == (2 * HOUR, "unknown after")


def test_a_poll_that_counts_is_told_from_a_discarded_one_beside_it() -> None:
    polls = polled(("2023-01-25 10:05", False), ("2023-01-25 10:40", True))
    facts = facts_of(polls, open_on([WEDNESDAY], ("10:30", "12:00")), UTC)
    found = reasons(explained(facts, "2023-01-25 12:00"))
    assert found[10] == "up: its one counted poll, of 10:40, is active, R4"
