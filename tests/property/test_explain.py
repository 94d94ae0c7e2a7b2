"""Explanations over generated fleets: they add up to the report, and say what the reference says."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from storewatch.checking import reference
from storewatch.domain.ask import Policy
from storewatch.domain.explain import STATUSES, explain
from storewatch.domain.instant import WINDOWS
from storewatch.domain.uptime import uptime
from storewatch.domain.zone import wall_clock
from strategies import DAY, HOUR, SECOND, Fleet, fleets

if TYPE_CHECKING:
    from datetime import date

    from storewatch.domain.evidence import Hour
    from storewatch.domain.explain import Explanation

ODD = ("Asia/Kathmandu", "Pacific/Chatham", "Australia/Lord_Howe", "Africa/Monrovia")
windows = st.sampled_from(sorted(WINDOWS))
by_majority, by_observation = (fleets(policies=[policy]) for policy in Policy)


def explained(fleet: Fleet, store_id: str, window: str) -> Explanation:
    return explain(fleet.facts, store_id, replace(fleet.ask, windows=(window,)))


def steps(fleet: Fleet, store: reference.Store) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return the reference's open stretches, counted polls, and statuses."""
    until = pd.Timestamp(fleet.as_of, unit="s", tz="UTC")
    polls = reference.distinct_polls(store.polls, until)
    spans = reference.clock_spans(store.zone, reference.days_of_interest(polls, until))
    rows = reference.opening_hours_utc(reference.weekly_hours(store.hours), spans)
    stretches = reference.open_stretches(rows)
    counted = reference.discard_outside(polls, stretches)
    if fleet.policy is Policy.LAST_OBSERVATION:
        return stretches, counted, reference.observe(counted, until, fleet.carry)
    hourly = reference.majority(reference.resample(counted, until))
    return stretches, counted, reference.carry_forward(hourly, counted, fleet.carry)


def seconds(times: pd.Series[pd.Timestamp]) -> list[int]:
    return [int(at.timestamp()) for at in times]


def micros(times: pd.Series[pd.Timestamp]) -> list[int]:
    return [int(at.timestamp()) * SECOND + at.microsecond for at in times]


def joined(parts: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join parts that touch."""
    edges = [edge for part in parts for edge in part]
    alone = [edge for edge in edges if edges.count(edge) == 1]
    return list(zip(alone[::2], alone[1::2], strict=True))


@given(fleets())
def test_the_hours_add_up_to_the_reports_row(fleet: Fleet) -> None:
    for row in uptime(fleet.facts, fleet.ask).to_dicts():
        for window in WINDOWS:
            found = explained(fleet, row["store_id"], window)
            figures = {status: found.seconds(status) for status in STATUSES} | {"open": found.seconds()}
            kinds = {"up": "uptime", "down": "downtime", "unknown": "unknown", "open": "open"}
            assert figures == {kind: row[f"{kinds[kind]}_seconds_last_{window}"] for kind in kinds}


@given(by_majority, windows)
def test_each_hour_has_the_status_that_the_reference_gives_it(fleet: Fleet, window: str) -> None:
    for store in reference.load(fleet.facts):
        _, _, hourly = steps(fleet, store)
        expected = dict(zip(seconds(hourly["hour"]), hourly["status"], strict=True))
        for hour in explained(fleet, store.store_id, window).hours:
            assert hour.status == expected[hour.begin]
            assert hour.reason.text.startswith(f"{hour.status}: ")
            assert hour.reason.text.endswith(f", {hour.reason.rule}")


@given(by_majority, windows)
def test_the_reason_names_what_the_reference_decides_by(fleet: Fleet, window: str) -> None:
    for store in reference.load(fleet.facts):
        _, _, hourly = steps(fleet, store)
        by_hour = dict(zip(seconds(hourly["hour"]), hourly.to_dict("records"), strict=True))
        for hour in explained(fleet, store.store_id, window).hours:
            row = by_hour[hour.begin]
            assert hour.reason.rule == ("R4" if row["polls"] else "R5")
            if row["polls"] > 1 and 2 * row["active"] != row["polls"]:
                most = max(row["active"], row["polls"] - row["active"])
                assert f"{most} of {row['polls']} polls" in hour.reason.text
                assert hour.reason.decided_by is None
            elif row["polls"]:
                assert hour.reason.decided_by == max(poll.at for poll in hour.polls if poll.counted)
            elif hour.status != "unknown":
                assert hour.reason.decided_by == micros(pd.Series([row["at"]]))[0]


@given(by_observation, windows)
def test_each_part_of_an_hour_has_the_status_that_the_reference_observes(fleet: Fleet, window: str) -> None:
    for store in reference.load(fleet.facts):
        stretches, _, statuses = steps(fleet, store)
        pieces = reference.pieces(statuses, stretches)
        expected = list(zip(seconds(pieces["begin"]), seconds(pieces["end"]), pieces["status"], strict=True))
        for hour in explained(fleet, store.store_id, window).hours:
            for begin, end in hour.open:
                there = {status for a, b, status in expected if a < end and begin < b}
                assert there == {hour.status}


@given(by_observation, windows)
def test_an_observed_status_is_that_of_the_poll_which_decides(fleet: Fleet, window: str) -> None:
    for store in reference.load(fleet.facts):
        _, counted, _ = steps(fleet, store)
        polls = dict(zip(micros(counted["at"]), counted["active"], strict=True))
        for hour in explained(fleet, store.store_id, window).hours:
            assert hour.reason.rule == "R15"
            assert hour.reason.text.startswith(f"{hour.status}: ")
            upto = [at for at in polls if at // SECOND <= hour.open[0][0]]
            if hour.status == "unknown":
                assert hour.reason.decided_by is None
            else:
                assert hour.reason.decided_by is not None
                assert polls[hour.reason.decided_by] == (hour.status == "up")
                assert hour.reason.decided_by in upto


@given(fleets(), windows)
def test_open_time_lies_where_the_reference_opens(fleet: Fleet, window: str) -> None:
    for store in reference.load(fleet.facts):
        stretches, _, _ = steps(fleet, store)
        opened = list(zip(seconds(stretches["begin"]), seconds(stretches["end"]), strict=True))
        found = explained(fleet, store.store_id, window)
        for begin in range(found.begin // HOUR * HOUR, fleet.as_of, HOUR):
            low, high = max(begin, found.begin), min(begin + HOUR, fleet.as_of)
            parts = [(max(a, low), min(b, high)) for a, b in opened if a < high and b > low]
            mine: list[Hour] = [hour for hour in found.hours if hour.begin // HOUR * HOUR == begin]
            assert joined([part for hour in mine for part in hour.open]) == parts
            assert sum(hour.open_seconds for hour in mine) == sum(b - a for a, b in parts)
            assert all(hour.rows or not found.rows for hour in mine)


@given(fleets(), windows)
def test_every_poll_of_the_windows_hours_is_shown_once_and_marked(fleet: Fleet, window: str) -> None:
    for store in reference.load(fleet.facts):
        _, counted, _ = steps(fleet, store)
        found = explained(fleet, store.store_id, window)
        first, last = found.begin // HOUR * HOUR * SECOND, -(-fleet.as_of // HOUR) * HOUR * SECOND
        given_polls = {
            at: [poll[2] for poll in fleet.polls if poll[:2] == (store.store_id, at)]
            for name, at, _ in fleet.polls
            if name == store.store_id and first <= at < last and at <= fleet.as_of * SECOND
        }
        is_counted = set(micros(counted["at"]))
        listed = [poll for hour in found.hours for poll in hour.polls]
        shown = {poll.at: poll for poll in [*listed, *found.discarded]}
        assert len(shown) == len(listed) + len(found.discarded)
        missing = given_polls.keys() - shown.keys()
        open_hours = {hour.begin // HOUR * HOUR for hour in found.hours}
        assert all(at in is_counted and at // SECOND // HOUR * HOUR not in open_hours for at in missing)
        for at, poll in shown.items():
            statuses = given_polls[at]
            assert (poll.active, poll.given) == (all(statuses), len(statuses))
            assert poll.disagreed == (len(set(statuses)) > 1)
            assert poll.counted == (at in is_counted)


@given(fleets())
def test_outages_are_the_downtime_of_the_week_in_stretches_of_open_time(fleet: Fleet) -> None:
    for store in reference.load(fleet.facts):
        found = explained(fleet, store.store_id, "week")
        runs = re.findall("d+", "".join(hour.status[0] for hour in found.hours))
        assert len(found.outages) == len(runs)
        assert sum(outage.open_seconds for outage in found.outages) == found.seconds("down")
        for outage in found.outages:
            inside = [hour for hour in found.hours if outage.begin < hour.open[-1][1] <= outage.end]
            assert {hour.status for hour in inside} == {"down"}
            assert (inside[0].open[0][0], inside[-1].open[-1][1]) == (outage.begin, outage.end)


def status_at(second: int, counted: pd.DataFrame, as_of: int, carry: int | None) -> str:
    """Return the status of an open second from the counted polls alone (R4, R5)."""
    hour = second // HOUR * HOUR * SECOND
    polls = list(zip(micros(counted["at"]), counted["active"], strict=True))
    own = [active for at, active in polls if hour <= at < hour + HOUR * SECOND and at <= as_of * SECOND]
    if own:
        return "up" if 2 * sum(own) + own[-1] > len(own) else "down"
    before = [active for at, active in polls if at < hour and (carry is None or hour - at <= carry * SECOND)]
    return "unknown" if not before else "up" if before[-1] else "down"


@given(by_majority, windows)
def test_an_outage_says_how_it_began_and_ended(fleet: Fleet, window: str) -> None:
    """The words of R16, from the statuses of the open seconds next to it."""
    words = {"up": "recovered", "unknown": "unknown after"}
    for store in reference.load(fleet.facts):
        stretches, counted, _ = steps(fleet, store)
        counted = counted.sort_values("at")
        found = explained(fleet, store.store_id, window)
        opened = list(zip(seconds(stretches["begin"]), seconds(stretches["end"]), strict=True))
        for number, outage in enumerate(found.outages):
            earlier = [min(end, outage.begin) - 1 for begin, end in opened if begin < outage.begin]
            later = [max(begin, outage.end) for begin, end in opened if end > outage.end]
            down_before = bool(earlier) and (
                status_at(max(earlier), counted, fleet.as_of, fleet.carry) == "down"
            )
            assert outage.began_before == down_before
            assert not outage.began_before or (number == 0 and max(earlier) < found.begin)
            following = min(later, default=fleet.as_of)
            if following < fleet.as_of:
                assert outage.ending == words[status_at(following, counted, fleet.as_of, fleet.carry)]
            else:
                assert outage.ending == ("still down" if outage.end == fleet.as_of else "closed while down")


@given(fleets(zones=ODD, policies=[Policy.HOURLY_MAJORITY]), windows)
def test_local_days_have_the_seconds_that_a_walk_along_the_wall_clock_counts(
    fleet: Fleet, window: str
) -> None:
    for store in reference.load(fleet.facts):
        stretches, _, hourly = steps(fleet, store)
        by_hour = dict(zip(seconds(hourly["hour"]), hourly["status"], strict=True))
        found = explained(fleet, store.store_id, window)
        expected: Counter[tuple[date, str]] = Counter()
        for begin, end in zip(seconds(stretches["begin"]), seconds(stretches["end"]), strict=True):
            low, high = max(begin, found.begin), min(end, fleet.as_of)
            walk = pd.Series(range(low, max(low, high)), dtype="int64")
            local = pd.to_datetime(walk, unit="s", utc=True).dt.tz_convert(store.zone).dt.tz_localize(None)
            seen = pd.DataFrame({"date": local.dt.floor("D"), "hour": walk // HOUR * HOUR})
            for day, hour, count in seen.value_counts().reset_index().itertuples(index=False, name=None):
                expected[day.date(), by_hour[hour]] += count
        shown = {
            (wall_clock(found.zone, day.begin).date(), status): day.seconds(status)
            for day in found.days
            for status in STATUSES
            if day.seconds(status)
        }
        assert shown == expected
        for status in STATUSES:
            assert sum(day.seconds(status) for day in found.days) == found.seconds(status)


@given(fleets(), windows)
def test_an_explanation_does_not_depend_on_other_stores_or_older_polls(fleet: Fleet, window: str) -> None:
    since = fleet.as_of - 169 * HOUR - 15 * DAY  # so far back an outage can have begun before the window
    reach = None if fleet.carry is None else (since - fleet.carry) * SECOND
    recent = fleet.with_polls(
        poll for poll in fleet.polls if reach is None or poll[1] >= reach - HOUR * SECOND
    )
    for store in reference.load(fleet.facts):
        name = store.store_id
        found = explained(fleet, name, window)
        assert explained(fleet.only(name), name, window) == found
        assert explained(recent, name, window) == found
