"""What a store's page is made of: the figures of the report, hours, marks and bands."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from beyond import note, on_date, valid
from engines import polled
from storewatch.domain.account import account
from storewatch.domain.ask import Ask
from storewatch.domain.instant import DAY, WEEK
from storewatch.entrypoints.http.pages.evidence import Shown, StoreView, store_view
from storewatch.entrypoints.http.pages.pictures import WIDE, bands
from storewatch.entrypoints.http.pages.sums import FIGURES
from storewatch.entrypoints.wording import duration
from strategies import facts_of, instant

if TYPE_CHECKING:
    from storewatch.domain.facts import Facts

UTC = {"a": "UTC"}
ODD = ["Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Chatham", "America/New_York", "America/St_Johns"]


def viewed(as_of: str, *windows: str, facts: Facts, compare: bool = True) -> StoreView:
    ask = Ask(as_of=instant(as_of), windows=windows or ("week", "hour", "day"), compare=compare)
    return store_view(Shown(facts=facts, ask=ask, is_report=True), "a")


def week_of(zone: str, as_of: str) -> Facts:
    """Return weeks of checks every 50 minutes, each seventh inactive, of a store open over midnight."""
    end = instant(as_of)
    polls = [("a", (end - n * 3_000) * 1_000_000, n % 7 > 0) for n in range(2 * WEEK // 3_000)]
    return facts_of(polls, valid(range(6), ("07:30", "12:00"), ("16:15", "02:45")), {"a": zone})


@pytest.mark.parametrize("as_of", ["2025-11-03 13:07:21", "2025-03-10 13:07:21", "2025-04-06 05:10"])
@pytest.mark.parametrize("zone", ODD)
def test_the_sums_are_those_of_the_report_in_odd_zones_and_weeks_of_clock_changes(
    zone: str, as_of: str
) -> None:
    facts = week_of(zone, as_of)
    view = viewed(as_of, "week", "hour", "day", "previous_week", facts=facts)
    ask = Ask(as_of=instant(as_of), windows=("hour", "day", "week", "previous_week"))
    (row,) = account(facts, ask).rows.to_dicts()
    names = ["last_week", "last_week", "last_hour", "last_day", "previous_week"]
    for place, name in enumerate(names):
        if place != 1:
            expected = [row[f"{figure}_seconds_{name}"] for figure in FIGURES.values()]
            assert list(view.sums[place].seconds.values()) == expected
    drawn = dict.fromkeys(("up", "down", "unknown"), 0)
    for day in view.found.days:
        for band in bands(day):
            drawn[band.status] += band.end - band.begin
    assert list(drawn.values()) == list(view.sums[0].seconds.values())[:3]
    assert sum(day.open for day in view.days) == view.sums[0].seconds["Open"]
    assert sum(outage.lost for outage in view.outages) == view.sums[0].seconds["Down"]


def test_what_is_carried_is_paler_and_adds_up_to_what_is_said() -> None:
    polls = polled(("2023-01-25 00:30", True), ("2023-01-25 03:30", False))
    view = viewed("2023-01-25 06:00", "6h", facts=facts_of(polls, zones=UTC))
    found = [(band.status, band.is_carried, band.end - band.begin) for band in bands(view.found.days[0])]
    assert found == [
        ("up", False, 3_600),
        ("up", True, 7_200),
        ("down", False, 3_600),
        ("down", True, 7_200),
    ]
    assert "4 h of the 6 h are carried from an earlier check, not measured." in view.sentences
    assert view.pictures[0].count("carried") == 2


def test_stated_time_is_not_drawn_as_carried() -> None:
    view = viewed(
        "2023-01-25 06:00",
        "6h",
        facts=facts_of([], zones=UTC, annotations=[note("up", "2023-01-25 00:00", "2023-01-25 06:00")]),
    )
    assert [band.is_carried for band in bands(view.found.days[0])] == [False]


def test_every_check_is_a_mark_of_its_kind() -> None:
    polls = polled(
        ("2023-01-25 08:00", True),
        ("2023-01-25 10:00", True),
        ("2023-01-25 11:00", False),
        ("2023-01-25 12:00", True),
    )
    facts = facts_of(polls, valid(range(7), ("09:00", "17:00")), UTC)
    wide = viewed("2023-01-26 00:00", facts=facts).pictures[0]
    marks = dict(re.findall(r'class="poll ([a-z ]+)" d="([^"]+)"', wide))
    assert {kind: drawn.count("M") for kind, drawn in marks.items()} == {
        "active discarded": 1,
        "active counted": 2,
        "inactive counted": 1,
    }


def test_a_day_with_a_clock_change_is_longer_or_shorter_in_the_picture() -> None:
    facts = facts_of([], zones={"a": "America/New_York"})
    view = viewed("2025-11-04 05:00", facts=facts)
    lines = [re.search(r"H([\d.]+)$", d) for d in re.findall(r'class="closed" d="([^"]+)"', view.pictures[0])]
    ends = [float(line[1]) for line in lines if line]
    assert max(ends) == WIDE.width - WIDE.right
    assert min(ends) == pytest.approx(WIDE.left + (WIDE.width - WIDE.left - WIDE.right) * 24 / 25, abs=0.1)


def test_the_week_has_seven_lines_whatever_is_open() -> None:
    rows = [
        *valid([0], ("12:00", "14:30"), ("08:00", "12:00")),
        *valid([4], ("18:00", "02:00"), ("23:00", "23:59")),
    ]
    rows += [*valid([5], ("00:00", "23:59:59")), *valid([6], ("10:00", "10:00"))]
    week = viewed("2023-01-26 00:00", facts=facts_of([], rows, UTC)).opening.week
    assert [(day, ", ".join(shifts)) for day, shifts in week] == [
        ("Monday", "08:00–14:30"),
        ("Tuesday", ""),
        ("Wednesday", ""),
        ("Thursday", ""),
        ("Friday", "18:00–02:00 the next day"),
        ("Saturday", "all day"),
        ("Sunday", ""),
    ]


def test_hours_say_how_long_they_hold_and_those_of_other_times_are_left_out() -> None:
    rows = [
        *valid([2], ("09:00", "12:00"), until="2022-12-31"),
        *valid([2], ("09:00", "13:00"), since="2023-01-01", until="2023-01-25"),
        *valid([2], ("09:00", "14:00"), since="2023-01-26"),
    ]
    week = viewed("2023-01-26 00:00", facts=facts_of([], rows, UTC)).opening.week
    assert week[2] == (
        "Wednesday",
        ["09:00–13:00 (from Sun 1 Jan 2023 until Wed 25 Jan 2023)", "09:00–14:00 (from Thu 26 Jan 2023)"],
    )
    old = valid([2], ("09:00", "12:00"), until="2022-12-31")
    view = viewed("2023-01-26 00:00", facts=facts_of([], old, UTC))
    assert view.opening.week[2] == ("Wednesday", ["09:00–12:00 (until Sat 31 Dec 2022)"])
    assert (
        "The opening hours that we were given have run out, so the store counts as closed." in view.sentences
    )


def test_dates_that_differ_stand_below_the_week() -> None:
    dates = [
        *on_date("2023-01-24", ("10:00", "11:00"), ("15:00", "16:00")),
        ("a", on_date("2023-01-25")[0][1], None, None, "Fair"),
    ]
    facts = facts_of([], valid(range(7), ("09:00", "17:00")), UTC, exceptions=dates)
    found = viewed("2023-01-26 00:00", facts=facts).opening.dates
    assert [(str(day), shifts, reason) for day, shifts, reason in found] == [
        ("2023-01-24", ["10:00–11:00", "15:00–16:00"], ""),
        ("2023-01-25", [], "Fair"),
    ]


def test_a_discarded_check_says_why_it_does_not_count() -> None:
    """Open 09:00 to 12:00 and 18:00 to 02:00 but on Sundays; the as-of is before Wednesday's opening."""
    times = [
        "2023-01-22 10:00",
        "2023-01-23 08:00",
        "2023-01-23 15:00",
        "2023-01-24 05:00",
        "2023-01-25 08:10",
    ]
    hours = [*valid(range(6), ("09:00", "12:00"), ("18:00", "02:00"))]
    polls = polled(*((at, True) for at in times), ("2023-01-22 02:30", True))
    view = viewed("2023-01-25 08:30", facts=facts_of(polls, hours, UTC))
    assert {f"{day.date:%d}": day.discarded for day in view.days if day.discarded} == {
        "25": [("before opening: not counted", "08:10:00 active")],
        "24": [("before opening: not counted", "05:00:00 active")],
        "23": [
            ("before opening: not counted", "08:00:00 active"),
            ("between two openings: not counted", "15:00:00 active"),
        ],
        "22": [("after closing: not counted", "02:30:00 active, 10:00:00 active")],
    }
    closed = viewed(
        "2023-01-23 00:00",
        facts=facts_of(polled(("2023-01-22 10:00", True)), valid([0], ("09:00", "12:00")), UTC),
    )
    assert closed.days[0].discarded == [("closed that day: not counted", "10:00:00 active")]


def test_the_hours_tell_the_time_as_the_wall_clock_does_on_every_day() -> None:
    zone = ZoneInfo("America/New_York")
    facts = week_of("America/New_York", "2025-11-03 13:00")
    view = viewed("2025-11-03 13:00", facts=facts)
    for day in view.days:
        midnight = datetime(day.date.year, day.date.month, day.date.day, tzinfo=zone)
        assert int((midnight + timedelta(days=1)).timestamp() - midnight.timestamp()) in (DAY, DAY + 3_600)
        shown = [hour.clock.partition(" ")[0] for hour in day.hours]
        assert shown == sorted(shown)
    assert view.days[1].hours[0].clock == "00:00"


def test_the_windows_before_are_compared() -> None:
    polls = polled(("2023-01-25 01:30", True), ("2023-01-25 02:30", False), ("2023-01-25 03:30", True))
    view = viewed("2023-01-25 04:00", "2h", facts=facts_of(polls, zones=UTC))
    assert [sums.percent for sums in view.sums] == ["50.00 %", "100.00 %"]
    assert view.change == "−50.00 points"
    alone = viewed("2023-01-25 04:00", "2h", facts=facts_of(polls, zones=UTC), compare=False)
    assert (len(alone.sums), alone.is_compared) == (1, False)


@pytest.mark.parametrize("zone", ODD[:3])
def test_a_month_is_a_square_a_day_that_says_what_the_table_does(zone: str) -> None:
    as_of = "2025-11-03 13:07:21"
    view = viewed(as_of, "previous_month", facts=week_of(zone, as_of))
    assert (view.pictures, view.days) == ([], [])
    assert len(view.day_sums) == 31
    whole = view.sums[0].seconds
    for name in ("open", "down", "unknown"):
        assert sum(getattr(day, name) for day in view.day_sums) == whole[name.title()]
    titles = re.findall(r"<title>(.*?)</title>", view.month or "")
    assert len(titles) == 31
    for title, day in zip(titles, reversed(view.day_sums), strict=True):
        assert title.startswith(f"{day.date:%a} {day.date.day} ")
        assert (f"down {duration(day.down)}" in title) == (day.down > 0)
        assert ("closed" in title) == (day.open == 0)


def test_a_day_of_a_month_leads_to_its_hours() -> None:
    as_of = "2025-11-03 13:07:21"
    facts = week_of("Australia/Lord_Howe", as_of)
    month = viewed(as_of, "28d", facts=facts)
    for day in month.day_sums[1:4]:
        alone = viewed(as_of, day.window, facts=facts)
        assert (alone.sums[0].seconds["Open"], alone.sums[0].seconds["Down"]) == (day.open, day.down)
        assert [f"{each.date:%d}" for each in alone.days] == [f"{day.date:%d}"]


def test_a_long_window_without_days_is_no_error() -> None:
    view = viewed("2023-02-01 00:00", "this_month", facts=facts_of([], zones=UTC, stores=["a"]))
    assert view.headline == "You were down 0 min of 0 min."
