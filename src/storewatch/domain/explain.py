"""Where a store's figures of a window come from: its row of the report, and the evidence for it (R1–R16)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from storewatch.domain.account import account
from storewatch.domain.counted import Polls, counted_polls
from storewatch.domain.evidence import NO_HOURS, Annotation, Day, Hour, PollSeen, by_day
from storewatch.domain.hour_by_hour import Case, Reasons, Span
from storewatch.domain.instant import DAY, HOUR, MICROSECONDS
from storewatch.domain.kernel import polled_hours
from storewatch.domain.kinds import ANNOTATIONS
from storewatch.domain.opening import (
    LONGEST_CLOSED,
    exceptions,
    goes_by_the_week,
    hours_rows,
    last_open,
    openings,
    schedules_by_row,
)
from storewatch.domain.outages import Outage, outages
from storewatch.domain.periods import window_edges
from storewatch.domain.spans import EXCLUDED, STATUSES
from storewatch.domain.stated import annotation_of, plain_rows, stated_times
from storewatch.domain.sums import OpenTime, statuses
from storewatch.domain.uptime import zones_of
from storewatch.domain.window import FIRST, FURTHER
from storewatch.domain.zone import local_days, wall_clock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from storewatch.domain.ask import Ask
    from storewatch.domain.facts import Facts
    from storewatch.domain.schedule import Schedules
    from storewatch.domain.shifts import HoursRow, OnDate
    from storewatch.domain.sums import Placed
    from storewatch.domain.window import Window


@dataclass(frozen=True, kw_only=True)
class State:
    """What a store is at the as-of (R16)."""

    status: str | None  # up, down, unknown, excluded; None: no open second in the week before
    is_closed: bool
    since: int | None  # seconds since 1970 UTC; None: from before that week, or no status


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What is promised of the store, and whether the window keeps it (R10)."""

    target_percent: float
    is_met: bool | None  # None: no verdict
    allowed_seconds: int
    left_seconds: int  # negative when missed


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Where a store's figures of one window come from."""

    store_id: str
    zone: str
    has_zone: bool  # False: it is the default one (R2)
    as_of: int  # seconds since 1970 UTC
    carry: int | None  # seconds; None: for ever
    window: str  # as it is asked for
    begin: int  # the window's, seconds since 1970 UTC
    end: int
    rows: tuple[HoursRow, ...]  # all of the store, numbered
    hours: tuple[Hour, ...]  # those with open time in the window, in order
    days: tuple[Day, ...]  # the same by local date, all dates of the window
    outages: tuple[Outage, ...]
    discarded: tuple[PollSeen, ...]  # polls in hours without open time, in order
    openings: tuple[tuple[int, int], ...]  # from when to when it is open on the dates of the window, in order
    row: Mapping[str, Any]  # the report's, of all windows asked for
    figures: Mapping[str, int]  # the seconds of the report's row: uptime … high
    state: State
    verdict: Verdict | None  # None: the store has no target
    exceptions: tuple[OnDate, ...]  # of dates whose shifts can be in the window, numbered after the rows
    annotations: tuple[Annotation, ...]  # those that decide some of the window, by begin and id

    @property
    def opening(self) -> list[str]:
        """The hours rows and exceptions in words."""
        return [
            *([row.text for row in self.rows] or [NO_HOURS]),
            *(exception.text for exception in self.exceptions),
        ]

    @property
    def statuses(self) -> tuple[str, ...]:
        """The statuses that are told of; `excluded` only if there is such time."""
        return STATUSES if self.figures["excluded"] else STATUSES[:EXCLUDED]

    def seconds(self, status: str | None = None) -> int:
        """Return the hours' open seconds of a status, by default of all; they are the figures'."""
        return sum(hour.open_seconds for hour in self.hours if status in (None, hour.status))


def explain(facts: Facts, store_id: str, ask: Ask) -> Explanation:
    """Explain a store's figures of the first of the windows asked for.

    Args:
        facts: Checked, with polls since `evidence_since`; those of other stores do no harm.
        store_id: If no input names it, it is a store without polls, hours and zone.
        ask: Its as-of is settled.
    """
    window, zone = ask.parsed_windows[0], _zone(facts, store_id)
    span = _span(window, zone, ask)
    row, touched = _report(facts, store_id, ask, window)
    days = local_days(zone, span.begin, span.end)
    annotations = _annotations(facts, touched)
    rows = hours_rows(facts, store_id)
    dates = (wall_clock(zone, at).date() for at in (span.begin - DAY, span.end))
    differing = exceptions(facts, store_id, *dates, first=len(rows) + 1)
    schedules = schedules_by_row(facts, store_id, zone, (*rows, *differing))
    polls = _given(facts.polls, store_id, until=ask.until)
    time, status = _course(facts, store_id, ask, schedules, polls, reach=_reach(schedules, span.begin))
    case = Case(
        rows=(*rows, *differing),
        time=time,
        status=status,
        notes=_decided(facts, store_id, ask, span, annotations),
        # A poll store does not hand out older ones, which decide nothing, and no sentence may differ by that.
        given=polls.take(np.flatnonzero(polls.at >= (ask.since or 0))),
        span=span,
        days=days,
        reasons=Reasons(zone=zone, carry=ask.carry, policy=ask.policy, since=span.begin),
    )
    hours, discarded = case.weigh()
    return Explanation(
        store_id=store_id,
        zone=zone,
        has_zone=store_id in facts.zones["store_id"].to_list(),
        as_of=ask.instant,
        carry=ask.carry,
        window=window.text,
        begin=span.begin,
        end=span.end,
        rows=rows,
        hours=hours,
        days=by_day(hours, days),
        outages=outages(time, status, begin=span.begin, end=span.end, as_of=ask.instant),
        discarded=discarded,
        openings=openings(schedules, since=days[0][0], until=days[-1][1]) if days else (),
        row=row,
        figures={figure: row[f"{figure}_seconds_{window.name}"] for figure in (*FIRST, *FURTHER)},
        state=_state(row),
        verdict=_verdict(row, window),
        exceptions=differing,
        annotations=tuple(sorted(annotations.values(), key=lambda note: (note.begin, note.id))),
    )


def usual_since(ask: Ask) -> int | None:
    """Return `evidence_since` of a store whose hours go by the week, whatever they are."""
    return None if ask.since is None else ask.since - LONGEST_CLOSED * MICROSECONDS


def evidence_since(facts: Facts, store_id: str, ask: Ask) -> int | None:
    """Return the first instant (microseconds) whose polls can matter to an explanation; None: all the past.

    That is further back than for a report: an outage may have begun in open time long before the window.
    """
    if ask.since is None or ask.carry is None or goes_by_the_week(facts):
        return ask.since
    zone = _zone(facts, store_id)
    schedules = schedules_by_row(facts, store_id, zone, hours_rows(facts, store_id))
    reach = _reach(schedules, _span(ask.parsed_windows[0], zone, ask).begin)
    return min(ask.since, (reach - ask.carry) * MICROSECONDS)


def _reach(schedules: Schedules, begin: int) -> int:
    """Return the full hour from which on statuses tell whether an outage of a window began before it."""
    last = last_open(schedules, begin)
    return (begin if last is None else last) // HOUR * HOUR


def _zone(facts: Facts, store_id: str) -> str:
    (zone,) = zones_of(facts, pl.Series([store_id]))
    return zone


def _span(window: Window, zone: str, ask: Ask) -> Span:
    begin, end = window_edges([window], [zone], ask.instant, compare=False)[:, 0].tolist()
    return Span(begin=begin, end=end)


def _report(facts: Facts, store_id: str, ask: Ask, window: Window) -> tuple[dict[str, Any], dict[str, int]]:
    """Return the store's row of the report, and the seconds of annotations that touch the window."""
    named = replace(facts, stores=pl.Series("store_id", [store_id]))
    found = account(named, replace(ask, store_ids=(store_id,)))
    (row,) = found.rows.to_dicts()
    touched = {each["id"]: each[f"seconds_{window.name}"] for each in found.touched.iter_rows(named=True)}
    return row, {name: seconds for name, seconds in touched.items() if seconds}


def _annotations(facts: Facts, touched: Mapping[str, int]) -> dict[str, Annotation]:
    """Return the annotations that decide some of a window, by id."""
    if not touched:
        return {}
    rows = facts.of(ANNOTATIONS).filter(pl.col("id").is_in(list(touched)))
    return {row["id"]: annotation_of(row, touched[row["id"]]) for row in plain_rows(rows)}


def _decided(
    facts: Facts, store_id: str, ask: Ask, span: Span, annotations: Mapping[str, Annotation]
) -> tuple[tuple[int, int, Annotation], ...]:
    """Return from when to when (seconds) which annotation decides, in order."""
    stated = stated_times(facts, pl.Series([store_id]), since=span.begin, until=ask.instant)
    spans, ids = stated.spans, stated.ids.gather(stated.note).to_list()
    found: list[tuple[int, int, Annotation]] = []
    for begin, end, name in zip(spans.begin.tolist(), spans.end.tolist(), ids, strict=True):
        note = annotations.get(name)
        if found and found[-1][1:] == (begin, note):  # another one begins there, and does not decide
            found[-1] = (found[-1][0], end, found[-1][2])
        elif note is not None:
            found.append((begin, end, note))
    return tuple(found)


def _course(
    facts: Facts, store_id: str, ask: Ask, schedules: Schedules, polls: Polls, *, reach: int
) -> tuple[OpenTime, Placed]:
    """Return the open time of the store (0) and of each row, and what the store's counts as."""
    time = OpenTime.of(schedules, since=reach, until=ask.instant)
    counted = counted_polls(polls, schedules, time.table, as_of=ask.instant, carry=ask.carry)
    stated = stated_times(facts, pl.Series([store_id]), since=reach, until=ask.instant)
    return time, time.place(statuses(counted, polled_hours(counted), stated.spans, ask.policy))


def _given(polls: pl.DataFrame, store_id: str, *, until: int) -> Polls:
    """Return a store's polls up to an instant (microseconds) as those of store 0."""
    own = polls.filter((pl.col("store_id") == store_id) & (pl.col("at").to_physical() <= until))
    return Polls(
        store=np.zeros(len(own), dtype=np.int64),
        at=own["at"].to_physical().to_numpy(),
        active=own["active"].to_numpy(),
    )


def _state(row: Mapping[str, Any]) -> State:
    since = row["since"]
    return State(
        status=row["state"],
        is_closed=row["is_closed"],
        since=None if since is None else int(since.timestamp()),
    )


def _verdict(row: Mapping[str, Any], window: Window) -> Verdict | None:
    if row.get("target_percent") is None:
        return None
    return Verdict(
        target_percent=row["target_percent"],
        is_met=row[f"met_{window.name}"],
        allowed_seconds=row[f"allowed_seconds_{window.name}"],
        left_seconds=row[f"left_seconds_{window.name}"],
    )
