"""Explanations of dated hours, exceptions, stated time, states and targets (R8 to R12, R16), written out."""

from __future__ import annotations

import pytest

from beyond import note, on_date, utc, valid
from engines import polled
from storewatch.adapters.polls.given import GivenFacts
from storewatch.answering.explain import explain_store
from storewatch.domain.ask import Ask
from storewatch.domain.explain import Explanation, evidence_since, explain, usual_since
from storewatch.entrypoints.cli.explanation import explanation_lines
from storewatch.entrypoints.explanation import known_lines
from strategies import DAY, HOUR, WEEK, facts_of, instant, micros

UTC = {"a": "UTC"}
NIGHT = polled(("2023-01-25 01:30", True), ("2023-01-25 03:30", False), ("2023-01-25 05:20", True))
PLANNED = note("excluded", "2023-01-25 02:00", "2023-01-25 04:00")


def explained(as_of: str, *, window: str = "day", **facts: object) -> Explanation:
    ask = Ask(as_of=instant(as_of), carry=WEEK, windows=(window,))
    return explain(facts_of(zones=UTC, **facts), "a", ask)  # type: ignore[arg-type]


def test_the_worked_night_names_the_annotation_its_author_and_reason() -> None:
    found = explained("2023-01-25 06:00", polls=NIGHT, annotations=[PLANNED])
    last = found.hours[-6:]
    assert [(hour.reason.text, hour.measured) for hour in last] == [
        ("unknown: no counted poll in the 7 days before, R5", False),
        ("up: its one poll, of 01:30, is active, R4", True),
        ("excluded: annotation n by who: why, R9", False),
        ("excluded: annotation n by who: why, R9", False),
        ("down: carried from the poll of 03:30, R5", False),
        ("up: its one poll, of 05:20, is active, R4", True),
    ]
    assert [(outage.begin, str(outage.ending)) for outage in found.outages] == [
        (instant("2023-01-25 04:00"), "recovered")
    ]


def test_the_worked_night_in_words() -> None:
    """Of 22 hours that count 2 are measured, both up; uptime is 2 of 3 known hours."""
    found = explained("2023-01-25 06:00", polls=NIGHT, annotations=[PLANNED])
    span = "from 2023-01-25T02:00:00Z to 2023-01-25T04:00:00Z, made 2023-01-01T00:00:00Z"
    assert list(known_lines(found)) == [
        "66.66 % up; 9.09 % of it measured; by the hours with a check: between 9.09 and 100.00 %",
        "of the open time 2:00:00 excluded",
        "at 2023-01-25T06:00:00Z: up since Wed 25 Jan 05:00:00 (2023-01-25T05:00:00Z)",
        f"annotation n by who: why – store a is excluded {span}; it decides 2:00:00",
    ]
    lines = list(explanation_lines(found))
    assert lines[2] == (
        "up 2:00:00, down 1:00:00, unknown 19:00:00, excluded 2:00:00 of 24:00:00 open; uptime 66.66 %"
    )
    assert lines[-4:] == list(known_lines(found))


def test_an_annotation_off_the_hour_cuts_it_and_polls_of_the_whole_hour_still_decide_the_rest() -> None:
    polls = polled(("2023-01-25 10:05", True), ("2023-01-25 10:35", False), ("2023-01-25 10:55", False))
    stated = [note("up", "2023-01-25 10:20:30", "2023-01-25 10:40")]
    found = explained("2023-01-25 11:00", window="hour", polls=polls, annotations=stated)
    assert [(hour.begin % HOUR, hour.open_seconds, hour.reason.text) for hour in found.hours] == [
        (0, 1_230, "down: 2 of 3 polls inactive, R4"),
        (1_230, 1_170, "up: annotation n by who: why, R9"),
        (2_400, 1_200, "down: 2 of 3 polls inactive, R4"),
    ]
    assert [[poll.at for poll in hour.polls] for hour in found.hours] == [[poll[1]] for poll in polls]
    assert (found.figures["stated_up"], found.figures["low"], found.figures["high"]) == (1_170,) * 3


def test_one_annotation_cut_by_another_that_does_not_decide_is_one_part() -> None:
    both = [
        note("down", "2023-01-25 10:00"),
        note("up", "2023-01-25 10:20", "2023-01-25 10:40", about="*", name="m"),
    ]
    (hour,) = explained("2023-01-25 11:00", window="hour", annotations=both).hours
    assert (hour.open_seconds, hour.reason.annotation) == (HOUR, "n")


@pytest.mark.parametrize("reason", ["{}", "50 % {off}", "a, b"])
def test_a_reason_is_given_to_the_letter(reason: str) -> None:
    name, *about, _, _, made, withdrawn = PLANNED
    stated = [(name, *about, reason, "", made, withdrawn)]
    found = explained("2023-01-25 03:00", window="hour", annotations=stated)
    assert found.hours[0].reason.text == f"excluded: annotation n: {reason}, R9"


def test_an_annotation_without_end_is_until_further_notice_and_says_whom_it_is_about() -> None:
    stated = [note("unknown", "2023-01-25 00:00", about=("brand", "x"))]
    found = explained("2023-01-25 01:00", window="hour", annotations=stated, labels=[("a", "brand", "x")])
    assert "brand x is unknown from 2023-01-25T00:00:00Z until further notice" in list(known_lines(found))[-1]


def test_the_worked_christmas_lists_the_exception_and_opens_by_rows() -> None:
    rows = valid(range(7), ("17:00", "02:00"))
    found = explained(
        "2022-12-27 00:00",
        window="week",
        hours=rows,
        exceptions=[("a", *on_date("2022-12-25")[0][1:4], "Christmas")],
    )
    assert found.opening[-1] == "exception 8: Sun 25 Dec 2022 closed, Christmas"
    christmas, next_day = instant("2022-12-25 00:00"), instant("2022-12-26 00:00")
    hours = [hour.begin for hour in found.hours if christmas <= hour.begin < next_day + DAY]
    assert hours == [christmas, christmas + HOUR, *(next_day + HOUR * n for n in range(17, 24))]


def test_an_exception_with_times_is_what_opens_the_hours_of_its_date() -> None:
    found = explained(
        "2023-01-26 00:00",
        hours=valid(range(7), ("08:00", "12:00")),
        exceptions=on_date("2023-01-25", ("10:30", "11:30")),
    )
    assert [(hour.open_seconds, [row.text for row in hour.rows]) for hour in found.hours] == [
        (1_800, ["exception 8: Wed 25 Jan 2023 10:30–11:30"])
    ] * 2
    assert "(exception 8)" in "\n".join(explanation_lines(found))


def test_exceptions_of_a_store_without_hours_leave_its_other_dates_open_all_day() -> None:
    found = explained("2023-01-26 12:00", exceptions=on_date("2023-01-25"))
    assert found.opening == ["no hours: open all the time", "exception 1: Wed 25 Jan 2023 closed"]
    assert [hour.begin for hour in found.hours] == [instant("2023-01-26 00:00") + HOUR * n for n in range(12)]


def test_a_row_says_how_long_it_is_valid() -> None:
    rows = [
        *valid([2], ("09:00", "17:00"), until="2023-01-31"),
        *valid([2], ("09:00", "18:00"), since="2023-02-01", until="2023-02-28"),
    ]
    assert explained("2023-01-26 00:00", hours=rows).opening == [
        "row 1: Wednesday 09:00–17:00, until Tue 31 Jan 2023",
        "row 2: Wednesday 09:00–18:00, from Wed 1 Feb 2023, until Tue 28 Feb 2023",
    ]


def test_an_outage_that_planned_downtime_ends_is_excluded_after() -> None:
    polls = polled(("2023-01-25 00:30", False))
    found = explained("2023-01-25 06:00", polls=polls, annotations=[PLANNED])
    assert [(outage.open_seconds, str(outage.ending)) for outage in found.outages] == [
        (2 * HOUR, "excluded after"),
        (2 * HOUR, "still down"),
    ]


def test_a_window_without_open_time_has_no_outage_though_the_store_is_down_around_it() -> None:
    polls = polled(("2023-01-24 20:50", False), ("2023-01-25 09:30", False))
    night = "2023-01-24T22:00:00Z/2023-01-24T23:00:00Z"
    rows = valid(range(7), ("09:00", "21:00"))
    found = explained("2023-01-25 12:00", window=night, polls=polls, hours=rows)
    assert (found.figures["open"], found.outages) == (0, ())


def test_an_outage_began_before_a_pause_of_months_and_polls_are_read_from_before_it() -> None:
    """Open until 30 September and again from 23 January; down on the last evening, and no poll since."""
    rows = [
        *valid(range(7), ("09:00", "17:00"), until="2022-09-30"),
        *valid(range(7), ("09:00", "17:00"), since="2023-01-23"),
    ]
    polls = polled(("2022-09-30 15:00", False), ("2023-01-23 09:10", False))
    facts = facts_of(polls, rows, UTC)
    ask = Ask(as_of=instant("2023-01-25 12:00"), windows=("week",))
    (outage,) = explain_store(GivenFacts(facts=facts), "a", ask).outages
    assert (outage.began_before, outage.begin) == (True, instant("2023-01-23 09:00"))
    needed, usual = evidence_since(facts, "a", ask), usual_since(ask)
    assert needed is not None
    assert usual is not None
    assert needed == micros("2022-09-30 16:00") - WEEK * 1_000_000 < usual


@pytest.mark.parametrize(
    ("polls", "hours", "text"),
    [
        ([("01-25 10:30", False)], [], "down since Wed 25 Jan 10:00:00 (2023-01-25T10:00:00Z)"),
        ([("01-10 10:30", True), ("01-17 10:30", True), ("01-24 09:30", True)], [],
         "up since 2023-01-18T12:00:00Z or earlier"),
        ([], [], "unknown since 2023-01-18T12:00:00Z or earlier"),
        ([("01-25 08:30", True)], valid([2], ("08:00", "09:00")),
         "up since 2023-01-18T12:00:00Z or earlier, closed now"),
        ([], valid([2], ("08:00", "08:00")), "not open in the 7 days before"),
    ],
)  # fmt: skip
def test_the_state_says_since_when(
    polls: list[tuple[str, bool]], hours: list[tuple[object, ...]], text: str
) -> None:
    seen = polled(*((f"2023-{at}", active) for at, active in polls))
    found = explained("2023-01-25 12:00", polls=seen, hours=hours)
    assert f"at 2023-01-25T12:00:00Z: {text}" in list(known_lines(found))


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("99.5", "99.5 %: missed; 0:07:12 of downtime allowed, 11:52:48 over"),
        ("40", "40 %: met; 14:24:00 of downtime allowed, 2:24:00 left"),
    ],
)
def test_a_target_has_its_verdict_and_what_it_allows(target: str, text: str) -> None:
    """Half a day up, half down, all of it measured; of a day 0.5 % are 432 seconds."""
    polls = polled(*((f"2023-01-25 {hour:02}:30", hour < 12) for hour in range(24)))
    found = explained("2023-01-26 00:00", polls=polls, labels=[("a", "targetpercent", target)])
    assert f"target {text}" in list(known_lines(found))


def test_a_target_of_a_store_that_nobody_looked_at_has_no_verdict() -> None:
    found = explained("2023-01-26 00:00", labels=[("a", "targetpercent", "99.5")])
    assert "target 99.5 %: no verdict; 0:00:00 of downtime allowed, 0:00:00 left" in list(known_lines(found))
    assert next(known_lines(found)).startswith("– up; 0.00 % of it measured")


def test_a_later_annotation_decides_and_only_those_that_decide_are_named() -> None:
    over = note("down", "2023-01-25 02:00", "2023-01-25 04:00", name="o", made=utc("2023-01-02 00:00"))
    found = explained("2023-01-25 06:00", polls=NIGHT, annotations=[PLANNED, over])
    assert [(each.id, each.seconds) for each in found.annotations] == [("o", 2 * HOUR)]
