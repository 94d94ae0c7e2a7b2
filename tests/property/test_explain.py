"""Explanations over generated fleets: they add up to the report, and say what the reference says."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from fleets import WholeFleet, whole_fleets
from storewatch.checking import reference
from storewatch.checking.reference.outages import outages
from storewatch.checking.reference.second import case_of, second_by_second
from storewatch.domain.ask import Policy
from storewatch.domain.explain import explain
from storewatch.domain.instant import WINDOWS
from storewatch.domain.spans import STATUSES
from storewatch.domain.window import FIRST, FURTHER
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
                assert f"{most} of {row['polls']} polls" in hour.reason.text.replace("counted polls", "polls")
                assert hour.reason.decided_by is None
            elif row["polls"]:
                assert hour.reason.decided_by == max(poll.at for poll in hour.polls if poll.counted)
            elif hour.status != "unknown":
                assert hour.reason.decided_by == micros(pd.Series([row["at"]]))[0]


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


@given(whole_fleets(max_stores=1))
def test_the_evidence_adds_up_to_the_reports_row_on_all_rules(fleet: WholeFleet) -> None:
    facts, ask = fleet.facts, fleet.ask
    for window in fleet.windows[-2:]:
        asked = replace(ask, windows=(window.text,))
        for row in reference.account(facts, ask, [window]).to_dict("records"):
            found = explain(facts, row["store_id"], asked)
            name = window.name
            assert found.figures == {figure: row[f"{figure}_seconds_{name}"] for figure in (*FIRST, *FURTHER)}
            by_status = {"up": "uptime", "down": "downtime", "unknown": "unknown", "excluded": "excluded"}
            for status, figure in by_status.items():
                assert found.seconds(status) == row[f"{figure}_seconds_{name}"]
            measured = sum(hour.open_seconds for hour in found.hours if hour.measured)
            assert measured == row[f"measured_seconds_{name}"]
            assert sum(outage.open_seconds for outage in found.outages) == row[f"downtime_seconds_{name}"]
            since = None if pd.isna(row["since"]) else int(row["since"].timestamp())
            assert (found.state.status, found.state.is_closed) == (row["state"], row["is_closed"])
            assert found.state.since == since
            alone = reference.touched(facts, replace(ask, store_ids=(row["store_id"],)), [window])
            decided = {note.id: note.seconds for note in found.annotations}
            assert decided == dict(alone.itertuples(index=False, name=None))


@given(whole_fleets(max_stores=1), windows)
def test_each_second_has_the_status_and_the_annotation_that_the_reference_gives_it(
    fleet: WholeFleet, window: str
) -> None:
    for store in reference.load(fleet.facts):
        found = explain(fleet.facts, store.store_id, replace(fleet.ask, windows=(window,)))
        seconds = second_by_second(case_of(store, fleet.ask), found.begin).of(found.begin, found.end)
        ids = [*(note.id for note in store.annotations), None]
        shown = np.zeros(found.end - found.begin, dtype=np.bool_)
        for hour in found.hours:
            assert hour.reason.text.startswith(f"{hour.status}: ")
            assert hour.reason.text.endswith(f", {hour.reason.rule}")
            for begin, end in hour.open:
                part = slice(begin - found.begin, end - found.begin)
                shown[part] = True
                assert {STATUSES[status] for status in seconds.status[part].tolist()} == {hour.status}
                assert {ids[place] for place in seconds.stated_by[part].tolist()} == {hour.reason.annotation}
                assert set(seconds.is_measured[part].tolist()) == {hour.measured}
        assert (shown == seconds.is_open).all()


@given(whole_fleets(max_stores=1))
def test_outages_are_those_of_the_reference(fleet: WholeFleet) -> None:
    """Forty days before the window are longer than any pause of these fleets."""
    for store in reference.load(fleet.facts):
        for window in fleet.windows[-1:]:
            found = explain(fleet.facts, store.store_id, replace(fleet.ask, windows=(window.text,)))
            seconds = second_by_second(case_of(store, fleet.ask), found.begin - 40 * DAY)
            expected = outages(seconds, found.begin, found.end, fleet.fleet.as_of)
            assert [
                (outage.begin, outage.end, outage.open_seconds, outage.began_before, outage.ending)
                for outage in found.outages
            ] == [
                (outage.begin, outage.end, outage.seconds, outage.began_before, outage.ending)
                for outage in expected
            ]


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
