"""A store's explanation in words, as the command line and the pages show it. Times are the wall clock's."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from storewatch.domain.evidence import date_of, spelled
from storewatch.domain.instant import MICROSECONDS, iso
from storewatch.domain.zone import clock_text, wall_clock
from storewatch.entrypoints.wording import hours

if TYPE_CHECKING:
    from datetime import datetime

    from storewatch.domain.evidence import Day, Outage, Part, PollSeen
    from storewatch.domain.explain import Explanation


TimedPolls = list[tuple[str, "PollSeen"]]  # polls with their times


@dataclass(frozen=True, kw_only=True)
class HourView:
    """An hour with open time, or its part in one local day, in words."""

    anchor: str
    clock: str
    utc: str
    open: str
    status: str
    why: str
    rows: str
    polls: TimedPolls


@dataclass(frozen=True, kw_only=True)
class DayView:
    """A local day with open time."""

    date: datetime
    open: str
    down: str | None
    unknown: str | None
    hours: list[HourView]


@dataclass(frozen=True, kw_only=True)
class OutageView:
    """An outage in words; the instants are for machines."""

    begin: str
    begin_utc: str
    end: str
    end_utc: str
    lost: str
    began_before: bool
    ending: str


def day_views(found: Explanation) -> list[DayView]:
    """Return the days with open time, in order."""
    return [_day(found.zone, day) for day in found.days if day.parts]


def _day(zone: str, day: Day) -> DayView:
    down, unknown = day.seconds("down"), day.seconds("unknown")
    return DayView(
        date=wall_clock(zone, day.begin),
        open=hours(day.seconds()),
        down=hours(down) if down else None,
        unknown=hours(unknown) if unknown else None,
        hours=[_hour(part) for part in day.parts],
    )


def _hour(part: Part) -> HourView:
    clock = part.clock
    return HourView(
        anchor=f"h{part.begin}",
        clock=clock.time(part.begin * MICROSECONDS),
        utc=f"{wall_clock('UTC', part.begin):%H:%M}",
        open=hours(part.open_seconds),
        status=part.status,
        why=part.reason.because(clock),
        rows=f"row {', '.join(str(row.number) for row in part.rows)}" if part.rows else "no hours",
        polls=[(clock.time(poll.at, "%H:%M:%S"), poll) for poll in part.polls],
    )


def outage_views(found: Explanation, form: str) -> list[OutageView]:
    """Return the outages in order; `form` is one of strftime's, with `{}` for the date."""
    return [_outage(found.zone, outage, form) for outage in found.outages]


def _outage(zone: str, outage: Outage, form: str) -> OutageView:
    begin, end = wall_clock(zone, outage.begin), wall_clock(zone, outage.end)
    changes = begin.utcoffset() != end.utcoffset()
    first, last = (
        clock_text(local, form.format(date_of(local)), with_offset=changes) for local in (begin, end)
    )
    return OutageView(
        begin=first,
        begin_utc=iso(outage.begin),
        end=last,
        end_utc=iso(outage.end),
        lost=hours(outage.open_seconds),
        began_before=outage.began_before,
        ending=outage.ending,
    )


def discarded_views(found: Explanation) -> list[tuple[datetime, TimedPolls]]:
    """Return the polls in hours without open time by local day, in order."""
    seen = [(wall_clock(found.zone, poll.at // MICROSECONDS), poll) for poll in found.discarded]
    return [
        (day[0][0], [(clock_text(local, "%H:%M:%S"), poll) for local, poll in day])
        for day in (list(polls) for _, polls in groupby(seen, lambda each: each[0].date()))
    ]


def carry_text(carry: int | None) -> str:
    """Return how long a poll carries: `for 7 days`."""
    return "for ever" if carry is None else f"for {spelled(carry)}"
