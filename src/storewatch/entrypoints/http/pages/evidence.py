"""What a store's page shows: its figures, and where they come from."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from storewatch.answering.answer import compute
from storewatch.answering.explain import find_store
from storewatch.domain.ask import Ask
from storewatch.domain.evidence import NO_HOURS, date_of, spelled
from storewatch.domain.explain import explain
from storewatch.domain.instant import HOUR, MICROSECONDS, iso
from storewatch.domain.zone import wall_clock
from storewatch.entrypoints.http.pages.fleet import StoreRow, store_rows
from storewatch.entrypoints.http.pages.pictures import NARROW, WIDE, week_picture
from storewatch.entrypoints.wording import hours
from storewatch.errors import InputError

if TYPE_CHECKING:
    from datetime import datetime

    from markupsafe import Markup

    from storewatch.answering.answer import Settled
    from storewatch.domain.evidence import Hour, Outage, PollSeen
    from storewatch.domain.explain import Explanation
    from storewatch.domain.facts import Facts
    from storewatch.ports.jobs import Job
    from storewatch.ports.polls import PollStore


@dataclass(frozen=True, kw_only=True)
class PollView:
    """A poll in words."""

    clock: str
    status: str
    is_counted: bool
    note: str


@dataclass(frozen=True, kw_only=True)
class HourView:
    """An hour with open time, in words."""

    anchor: str
    clock: str
    utc: str
    open: str
    status: str
    why: str
    rows: str
    polls: list[PollView]


@dataclass(frozen=True, kw_only=True)
class DayView:
    """The hours of a local day."""

    name: str
    open: str
    down: str | None
    unknown: str | None
    hours: list[HourView]


@dataclass(frozen=True, kw_only=True)
class OutageView:
    """An outage in words; times are the wall clock's, the instants are for machines."""

    begin: str
    begin_utc: str
    end: str
    end_utc: str
    lost: str


@dataclass(frozen=True, kw_only=True)
class StoreView:
    """A store's page."""

    store_id: str
    zone: str
    has_zone: bool
    as_of: int
    carry: str
    is_report: bool
    row: StoreRow
    hours_rows: list[str]
    pictures: list[Markup]
    outages: list[OutageView]
    days: list[DayView]
    discarded: list[tuple[str, list[PollView]]]  # by local day


def find(polls: PollStore, store_id: str, job: Job | None) -> tuple[Facts, Settled, bool]:
    """Return what a store's figures rest on, the ask that settles them, and whether a report has them.

    A report's own input comes first. The poll store as it is now takes its place if that input is not kept
    any more, or does not have the store.

    Raises:
        UnknownStoreError: No load named the store.
        NoPollsError: There is no poll, so there is nothing to show.
    """
    if job is not None:
        with suppress(InputError):
            return *find_store(polls, store_id, job.pinned, version=job.version), True
    return *find_store(polls, store_id, Ask()), False


def store_view(facts: Facts, store_id: str, settled: Settled, *, is_report: bool) -> StoreView:
    """Return a store's page: the figures as a report of this input has them, and their evidence."""
    (row,) = store_rows(compute(facts, settled).rows)
    found = explain(facts, store_id, replace(settled.ask, windows=("week",)))
    return StoreView(
        store_id=store_id,
        zone=found.zone,
        has_zone=found.has_zone,
        as_of=found.as_of,
        carry="for ever" if found.carry is None else f"for {spelled(found.carry)}",
        is_report=is_report,
        row=row,
        hours_rows=[hours_row.text for hours_row in found.rows] or [NO_HOURS],
        pictures=[week_picture(found, sheet) for sheet in (WIDE, NARROW)],
        outages=[_outage(found.zone, outage) for outage in reversed(found.outages)],
        days=[_day(found.zone, hours_of_day) for hours_of_day in _by_day(found)],
        discarded=_discarded(found),
    )


def _by_day(found: Explanation) -> list[list[Hour]]:
    """Return the hours by local day, the latest day first."""
    days = groupby(found.hours, lambda hour: wall_clock(found.zone, hour.begin).date())
    return [list(hours_of_day) for _, hours_of_day in days][::-1]


def _day(zone: str, of_day: list[Hour]) -> DayView:
    seconds = {
        status: sum(hour.open_seconds for hour in of_day if hour.status == status)
        for status in ("down", "unknown")
    }
    return DayView(
        name=_date(wall_clock(zone, of_day[0].begin)),
        open=hours(sum(hour.open_seconds for hour in of_day)),
        down=hours(seconds["down"]) if seconds["down"] else None,
        unknown=hours(seconds["unknown"]) if seconds["unknown"] else None,
        hours=[_hour(zone, hour) for hour in of_day],
    )


def _hour(zone: str, hour: Hour) -> HourView:
    return HourView(
        anchor=f"h{hour.begin}",
        clock=f"{wall_clock(zone, hour.begin):%H:%M}",
        utc=f"{hour.begin // HOUR % 24:02}:00",
        open=hours(hour.open_seconds),
        status=hour.status,
        why=hour.reason.text.partition(": ")[2],
        rows=f"row {', '.join(str(row.number) for row in hour.rows)}" if hour.rows else "no hours",
        polls=[_poll(zone, poll) for poll in hour.polls],
    )


def _poll(zone: str, poll: PollSeen) -> PollView:
    notes = [
        "also given as active, R1" if poll.disagreed else "",
        "" if poll.counted else "outside open hours, discarded, R3",
    ]
    return PollView(
        clock=f"{wall_clock(zone, poll.at // MICROSECONDS):%H:%M:%S}",
        status=poll.status,
        is_counted=poll.counted,
        note="; ".join(note for note in notes if note),
    )


def _outage(zone: str, outage: Outage) -> OutageView:
    begin, end = wall_clock(zone, outage.begin), wall_clock(zone, outage.end)
    return OutageView(
        begin=f"{date_of(begin)}, {begin:%H:%M}",
        begin_utc=iso(outage.begin),
        end=f"{date_of(end)}, {end:%H:%M}",
        end_utc=iso(outage.end),
        lost=hours(outage.open_seconds),
    )


def _discarded(found: Explanation) -> list[tuple[str, list[PollView]]]:
    """Return the polls in hours without open time, by local day, the latest day first."""
    days = groupby(found.discarded, lambda poll: wall_clock(found.zone, poll.at // MICROSECONDS).date())
    shown = [(list(polls)) for _, polls in days][::-1]
    return [
        (_date(wall_clock(found.zone, polls[0].at // MICROSECONDS)), [_poll(found.zone, p) for p in polls])
        for polls in shown
    ]


def _date(local: datetime) -> str:
    return f"{local:%A} {local.day} {local:%B}"
