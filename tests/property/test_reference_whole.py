"""What holds of the whole report in the reference, over fleets that have all facts at once (R6–R13, R16)."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from fleets import WholeFleet, whole_fleets
from storewatch.checking import reference
from storewatch.domain.window import parse_windows
from storewatch.domain.zone import wall_clock
from strategies import DAY, HOUR, WEEK, Fleet, fleets

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping
    from random import Random

    from storewatch.checking.reference import Store

THREE = parse_windows(["hour", "day", "week"])
ADDED = ("uptime", "downtime", "unknown", "excluded")
COUNTED = (*ADDED, "open", "measured", "low", "high")

slowly = settings(max_examples=settings().max_examples // 4)


def account(fleet: WholeFleet, *, compare: bool = False) -> pd.DataFrame:
    return reference.account(fleet.facts, fleet.ask, fleet.windows, compare=compare)


@slowly
@given(whole_fleets())
def test_the_parts_of_open_time_add_up_and_low_and_high_bound_the_uptime(fleet: WholeFleet) -> None:
    frame = account(fleet, compare=True)
    for name in [window.name + end for window in fleet.windows for end in ("", "_before")]:
        seconds = {
            figure: frame[f"{figure}_seconds_{name}"] for figure in (*COUNTED, "stated_up", "stated_down")
        }
        assert (pd.DataFrame({part: seconds[part] for part in ADDED}).sum(axis=1) == seconds["open"]).all()
        assert (seconds["low"] <= seconds["uptime"]).all()
        assert (seconds["uptime"] <= seconds["high"]).all()
        assert (seconds["high"] <= seconds["open"] - seconds["excluded"]).all()
        known = seconds["measured"] + seconds["stated_up"] + seconds["stated_down"]
        assert (known <= seconds["uptime"] + seconds["downtime"]).all()
        assert (frame[[f"{figure}_seconds_{name}" for figure in COUNTED]] >= 0).all(axis=None)


@slowly
@given(whole_fleets())
def test_without_such_facts_the_report_is_that_of_the_first_rules_to_the_byte(fleet: WholeFleet) -> None:
    plain = replace(fleet.plain(), windows=THREE)
    whole, first = account(plain), reference.report(plain.facts, plain.ask)
    pd.testing.assert_frame_equal(whole[list(first)].astype(first.dtypes), first)
    assert not whole.filter(regex="^(excluded|stated)").any(axis=None)
    texts = reference.export(first), reference.export_account(whole, THREE)
    old, new = (list(csv.reader(text.decode().split("\n"))) for text in texts)
    if not any(mark in store_id for store_id in whole["store_id"] for mark in "\r\n"):
        assert [row[: len(old[0])] for row in new] == old
        assert all(row[len(old[0]) :][:3] == ["0.00"] * 3 for row in new[1:] if row)


@slowly
@given(whole_fleets(max_stores=2))
def test_the_hours_add_up_to_the_report(fleet: WholeFleet) -> None:
    fleet = replace(fleet, windows=fleet.windows[:1])
    (window,) = fleet.windows
    frame = account(fleet).set_index("store_id")
    for store in reference.load(fleet.facts):
        begin, end = reference.edges(window, store.zone, fleet.fleet.as_of)
        only = replace(fleet.ask, store_ids=(store.store_id,))
        hours = reference.hours(fleet.facts, only, begin, end)
        assert (hours["open_seconds"] > 0).all()
        for figure in COUNTED:
            assert (
                hours[f"{figure}_seconds"].sum() == frame[f"{figure}_seconds_{window.name}"][store.store_id]
            )
        _how_it_came_about(hours)


def _how_it_came_about(hours: pd.DataFrame) -> None:
    decided = hours["how"].isin(["majority", "observed", "carried"])
    assert (hours["decided_at"].notna() == decided).all()
    assert (hours.loc[hours["how"].isin(["majority", "observed"]), "polls"] > 0).all()
    assert (hours.loc[hours["how"].isin(["carried", "none"]), "polls"] == 0).all()
    assert (hours["active_polls"] <= hours["polls"]).all()
    assert (hours.loc[hours["polls"] == 0, "measured_seconds"] == 0).all()
    stated = hours[hours["how"] == "stated"]
    assert (stated["measured_seconds"] == 0).all()


@slowly
@given(whole_fleets(max_stores=2))
def test_outages_add_up_to_the_downtime_and_the_state_is_the_last_runs(fleet: WholeFleet) -> None:
    as_of = fleet.fleet.as_of
    fleet = replace(fleet, windows=THREE)
    rows = account(fleet).to_dict("records")
    for store, row in zip(reference.load(fleet.facts), rows, strict=True):
        found = reference.second_by_second(reference.case_of(store, fleet.ask), as_of - 2 * WEEK)
        outages = reference.outages(found, as_of - WEEK, as_of, as_of)
        assert sum(outage.seconds for outage in outages) == row["downtime_seconds_last_week"]
        assert (len(outages), max((o.seconds for o in outages), default=0)) == (
            row["outages_last_week"],
            row["longest_outage_seconds_last_week"],
        )
        assert sum(outage.began_before for outage in outages[1:]) == 0
        at_the_end = [outage.ending in ("still down", "closed while down") for outage in outages]
        assert not any(at_the_end[:-1])
        assert bool(at_the_end and at_the_end[-1]) == (row["state"] == "down")
        assert (row["state"] is None) == (row["open_seconds_last_week"] == 0)
        _told_of_the_state(row, found, as_of)


def _told_of_the_state(row: Mapping[Hashable, Any], found: reference.Seconds, as_of: int) -> None:
    last = found.of(as_of - 1, as_of)
    assert row["is_closed"] != bool(last.is_open[0])
    since = row["since"]
    if not pd.isna(since):
        begin = int(since.timestamp())
        run, before = found.of(begin, as_of), found.of(as_of - WEEK, begin)
        assert set(run.status[run.is_open].tolist()) == {reference.STATES.index(str(row["state"]))}
        assert before.is_open.any()
        assert before.status[before.is_open][-1] != run.status[0]


@given(whole_fleets(max_stores=1), st.lists(st.integers(0, 9 * DAY), min_size=1, max_size=50))
def test_a_second_is_open_if_its_wall_clock_lies_in_a_shift(fleet: WholeFleet, back: list[int]) -> None:
    (store, *_) = reference.load(fleet.facts)
    opening = reference.Opening(store)
    for second in (fleet.fleet.as_of - seconds for seconds in back):
        clock = wall_clock(store.zone, second)
        day = (clock.date() - date(1970, 1, 1)).days
        shown = clock.hour * HOUR + clock.minute * 60 + clock.second
        today = [start <= shown < end for start, end in reference.shifts(store, day)]
        yesterday = [start <= shown + DAY < end for start, end in reference.shifts(store, day - 1)]
        assert opening.at(second) == any(today + yesterday)


@given(fleets(max_stores=1), st.integers(-40, 1))
def test_a_date_begins_when_the_wall_clock_first_shows_it_or_a_later_one(fleet: Fleet, days: int) -> None:
    for zone in fleet.zones.values():
        day = fleet.as_of // DAY + days
        begin = reference.begin_of(zone, day)
        shown = [(wall_clock(zone, at).date() - date(1970, 1, 1)).days for at in (begin - 1, begin)]
        assert shown[0] < day <= shown[1]
        assert reference.date_of(zone, begin) == shown[1]


@slowly
@given(whole_fleets(), st.sampled_from(["brand", "city", "nothing"]))
def test_the_rows_of_any_label_add_up_to_the_fleet(fleet: WholeFleet, label: str) -> None:
    frame = account(fleet)
    groups = reference.by_label(frame, fleet.facts, fleet.ask, label, fleet.windows)
    assert groups["stores"].sum() == len(frame)
    assert (groups["met"] + groups["missed"] + groups["no_verdict"]).sum() == len(frame)
    assert groups[label].is_unique
    assert groups[label].tolist() == sorted(groups[label])
    for column in frame.filter(regex="^(?!allowed|left|longest).*_seconds_"):
        assert groups[column].sum() == frame[column].sum()


@slowly
@given(whole_fleets(), st.randoms(use_true_random=False))
def test_the_order_of_facts_and_withdrawn_annotations_change_nothing(
    fleet: WholeFleet, random: Random
) -> None:
    shuffled = list(fleet.annotations)
    random.shuffle(shuffled)
    held = tuple(note for note in shuffled if note[-1] is None)
    other = replace(fleet, annotations=held, hours=fleet.hours[::-1], exceptions=fleet.exceptions[::-1])
    pd.testing.assert_frame_equal(account(other), account(fleet))


@slowly
@given(whole_fleets(max_stores=2))
def test_an_exception_that_says_what_the_hours_say_changes_nothing(fleet: WholeFleet) -> None:
    day = fleet.fleet.as_of // DAY - 1
    stores = [store for store in reference.load(fleet.facts) if day not in {e.date for e in store.exceptions}]
    rows = [
        (store.store_id, pd.Timestamp(day, unit="D").date(), *span, "")
        for store in stores
        for span in _written(store, day)
    ]
    more = replace(fleet, exceptions=(*fleet.exceptions, *rows))
    pd.testing.assert_frame_equal(account(more), account(fleet))


def _written(store: Store, day: int) -> list[tuple[int | None, int | None]]:
    spans = [(start, end - DAY if end > DAY else end) for start, end in reference.shifts(store, day)]
    return list(spans) or [(None, None)]
