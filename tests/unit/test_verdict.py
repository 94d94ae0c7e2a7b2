"""The sentences that a store's page begins with, each variant written out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beyond import note, on_date, valid
from engines import polled
from storewatch.domain.ask import Ask, Policy
from storewatch.domain.explain import explain
from storewatch.domain.window import parse_window
from storewatch.entrypoints.http.pages.verdict import gaps, headline, sentences, words_of
from strategies import HOUR, WEEK, facts_of, instant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from storewatch.domain.explain import Explanation

HOURLY = [f"2023-01-25 {hour:02}:30" for hour in range(24)]
UTC = {"a": "UTC"}


def explained(
    as_of: str, *, window: str = "day", zones: Mapping[str, str] | None = None, **facts: object
) -> Explanation:
    ask = Ask(as_of=instant(as_of), carry=WEEK, windows=(window,), policy=Policy.HOURLY_MAJORITY)
    return explain(facts_of(zones=UTC if zones is None else zones, **facts), "a", ask)  # type: ignore[arg-type]


def said(found: Explanation, *, has_run_out: bool = False) -> list[str]:
    within = "in the last 24 hours"
    return [headline(found), *sentences(found, within=within, has_run_out=has_run_out)]


def test_a_store_that_is_down_still_says_since_when_it_was_not_looked_at() -> None:
    """Up at 0, 1 and 2, down from 3 on; no check in hours 10, 11 and 12, so 09:30 to 13:30 is the gap."""
    polls = polled(
        *((at, at < "2023-01-25 03") for at in HOURLY if not "2023-01-25 10" < at < "2023-01-25 13")
    )
    found = explained("2023-01-26 00:00", polls=polls, hours=valid(range(7), ("00:00", "24:00")))
    assert said(found) == [
        "You were down 21 h of 24 h.",
        "Still down as of 00:00.",
        "18 of 21 checks in opening hours said inactive; the longest gap without a check was 4 h.",
        "3 h of the 24 h are carried from an earlier check, not measured.",
    ]


def test_a_store_that_was_never_down_says_so_in_the_same_form() -> None:
    polls = polled(*((at, True) for at in HOURLY))
    found = explained("2023-01-26 00:00", polls=polls, hours=valid(range(7), ("00:00", "24:00")))
    assert said(found) == [
        "You were down 0 min of 24 h.",
        "Up as of 00:00.",
        "0 of 24 checks in opening hours said inactive; the longest gap without a check was 1 h.",
    ]


def test_unknown_time_is_said_with_its_reason() -> None:
    polls = polled(*((at, True) for at in HOURLY[14:]))
    found = explained("2023-01-26 00:00", polls=polls, hours=valid(range(7), ("00:00", "24:00")))
    assert "For 14 h nothing is known: there was no check in the 7 days before." in said(found)


def test_time_that_somebody_stated_as_unknown_is_not_blamed_on_checks() -> None:
    stated = [note("unknown", "2023-01-25 10:00", "2023-01-25 12:00")]
    polls = polled(*((at, True) for at in HOURLY))
    texts = said(explained("2023-01-26 00:00", polls=polls, annotations=stated))
    assert "For 2 h nothing is known, because somebody has stated so." in texts
    assert not any("no check in" in text for text in texts)


def test_without_any_check_nothing_is_known() -> None:
    assert said(explained("2023-01-26 00:00", hours=valid(range(7), ("09:00", "17:00")))) == [
        "You were down 0 min of 8 h.",
        "Closed as of 00:00; whether it was up when it closed is not known.",
        "No checks at all: nothing is known.",
    ]


def test_checks_outside_of_opening_hours_alone_are_told_from_none() -> None:
    polls = polled(("2023-01-25 03:00", True), ("2023-01-25 20:00", False))
    found = explained("2023-01-25 21:00", polls=polls, hours=valid(range(7), ("09:00", "17:00")))
    assert "No check fell in opening hours: nothing is known." in said(found)


def test_a_store_that_only_carries_says_so() -> None:
    polls = polled(("2023-01-24 16:30", False))
    found = explained("2023-01-26 00:00", polls=polls, hours=valid(range(7), ("09:00", "17:00")))
    assert said(found) == [
        "You were down 8 h of 8 h.",
        "Closed as of 00:00; it was down when it closed.",
        "No checks at all: what an earlier check said is carried on.",
        "All of it is carried from an earlier check, not measured.",
    ]


def test_a_silent_store_says_when_it_was_last_checked() -> None:
    polls = polled(*((f"2023-01-22 {hour:02}:00", True) for hour in range(9, 17)))
    found = explained(
        "2023-01-25 17:00", window="week", polls=polls, hours=valid(range(7), ("09:00", "17:00"))
    )
    assert "The last check in opening hours was 3 days ago." in said(found)
    assert (gaps(found)[0], gaps(found)[-1]) == (24 * HOUR, 25 * HOUR)


def test_closed_time_makes_no_gap() -> None:
    polls = polled(("2023-01-25 16:30", True), ("2023-01-26 09:30", True))
    found = explained("2023-01-26 10:00", polls=polls, hours=valid(range(7), ("09:00", "17:00")))
    assert gaps(found)[1] == HOUR


def test_planned_downtime_and_what_was_stated_are_said() -> None:
    stated = [
        note("excluded", "2023-01-25 02:00", "2023-01-25 04:00"),
        note("up", "2023-01-25 05:00", "2023-01-25 05:30", name="m"),
    ]
    polls = polled(*((at, False) for at in HOURLY))
    texts = said(explained("2023-01-26 00:00", polls=polls, annotations=stated))
    assert texts[0] == "You were down 21 h 30 min of 24 h."
    assert "2 h are planned downtime and do not count." in texts
    assert "30 min are up because somebody has stated so." in texts


def test_a_store_that_was_not_open_says_so_in_the_same_form() -> None:
    hours = valid([0], ("09:00", "17:00"))  # Monday; the 25th was a Wednesday
    labels = [("a", "targetpercent", "99")]
    assert said(explained("2023-01-26 00:00", hours=hours, labels=labels)) == [
        "You were down 0 min of 0 min.",
        "It had no opening hours in the last 24 hours.",
    ]


def test_hours_that_have_run_out_are_said_to_close_it() -> None:
    hours = valid(range(7), ("09:00", "17:00"), until="2022-12-31")
    assert said(explained("2023-01-26 00:00", hours=hours), has_run_out=True) == [
        "You were down 0 min of 0 min.",
        "The opening hours that we were given have run out, so the store counts as closed.",
    ]


def test_what_is_assumed_is_said() -> None:
    texts = said(explained("2023-01-26 00:00", polls=polled(("2023-01-25 12:00", True)), zones={}))
    assert texts[-2:] == [
        "We were given no hours, so we assume it is always open.",
        "We were given no time zone, so we assume that of America/Chicago.",
    ]


def test_the_days_of_clock_changes_say_how_long_they_were() -> None:
    zones = {"a": "America/New_York"}
    back = explained("2025-11-03 12:00", zones=zones, polls=polled(("2025-11-03 11:00", True)))
    assert "Clocks went back on Sunday 2 November: that day had 25 hours." in said(back)
    forward = explained("2025-03-09 20:00", zones=zones, polls=polled(("2025-03-09 11:00", True)))
    assert "Clocks went forward on Sunday 9 March: that day had 23 hours." in said(forward)
    odd = explained(
        "2025-04-05 20:00", zones={"a": "Australia/Lord_Howe"}, polls=polled(("2025-04-05 11:00", True))
    )
    assert "Clocks went back on Sunday 6 April: that day had 24 h 30 min." in said(odd)


def test_a_window_that_is_over_says_nothing_of_now() -> None:
    polls = polled(*((at, True) for at in HOURLY))
    span = "2023-01-25T00:00:00Z/2023-01-25T12:00:00Z"
    texts = said(explained("2023-01-26 00:00", window=span, polls=polls))
    assert (
        texts[1] == "0 of 12 checks in opening hours said inactive; the longest gap without a check was 1 h."
    )


def test_a_target_says_what_became_of_it() -> None:
    polls = polled(*((at, at > "2023-01-25 01") for at in HOURLY))
    for target, text in (
        ("90", "The target of 90 % was met: it allows for 2 h 24 min of downtime."),
        (
            "99",
            "The target of 99 % was missed: it allows for 14 min 24 s of downtime, this is 45 min 36 s more.",
        ),
    ):
        found = explained("2023-01-26 00:00", polls=polls, labels=[("a", "targetpercent", target)])
        assert said(found)[-1] == text


def test_windows_are_named_as_people_say_them() -> None:
    for text, words in (("week", "in the last week"), ("this_month", "this month"), ("today", "today")):
        assert words_of(parse_window(text))[1] == words


def test_an_exception_that_closes_the_day_leaves_no_opening_hours() -> None:
    found = explained(
        "2023-01-26 00:00", hours=valid(range(7), ("09:00", "17:00")), exceptions=on_date("2023-01-25")
    )
    assert said(found)[1] == "It had no opening hours in the last 24 hours."
