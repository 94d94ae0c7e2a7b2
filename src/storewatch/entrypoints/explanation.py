"""A store's explanation in words, as the command line and the pages show it. Times are the wall clock's."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from storewatch.domain.evidence import spelled
from storewatch.domain.instant import MICROSECONDS, WINDOWS, iso
from storewatch.domain.shifts import HoursRow, OnDate, date_of
from storewatch.domain.stated import annotation_of, plain_rows
from storewatch.domain.zone import clock_text, wall_clock
from storewatch.entrypoints.wording import hours, percent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    import polars as pl

    from storewatch.domain.evidence import Annotation, Day, Part, PollSeen
    from storewatch.domain.explain import Explanation, Verdict
    from storewatch.domain.outages import Outage
    from storewatch.domain.shifts import Row

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
    excluded: str | None
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
    down, unknown, excluded = (day.seconds(status) for status in ("down", "unknown", "excluded"))
    return DayView(
        date=wall_clock(zone, day.begin),
        open=hours(day.seconds()),
        down=hours(down) if down else None,
        unknown=hours(unknown) if unknown else None,
        excluded=hours(excluded) if excluded else None,
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
        rows=_rows(part.rows),
        polls=[(clock.time(poll.at, "%H:%M:%S"), poll) for poll in part.polls],
    )


def _rows(rows: tuple[Row, ...]) -> str:
    words = [
        f"{name} {', '.join(numbers)}"
        for name, kind in (("row", HoursRow), ("exception", OnDate))
        if (numbers := [str(row.number) for row in rows if isinstance(row, kind)])
    ]
    return ", ".join(words) or "no hours"


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


def window_text(found: Explanation) -> str:
    """Return what is explained: `the last week`, `28d, from … to …`."""
    if found.window in WINDOWS:
        return f"the last {found.window}"
    name = "the window" if "/" in found.window else found.window
    return f"{name}, from {iso(found.begin)} to {iso(found.end)}"


def known_lines(found: Explanation) -> Iterator[str]:
    """Yield how sure the figures are, the state, and whatever was stated and promised (R9, R10, R12, R16)."""
    yield _known(found.figures)
    if stated := _stated(found.figures):
        yield f"of the open time {stated}"
    yield f"at {iso(found.as_of)}: {_state(found)}"
    if found.verdict:
        yield f"target {_verdict(found.verdict)}"
    yield from (f"{_annotation(note)}; it decides {hours(note.seconds)}" for note in found.annotations)


def _known(seconds: Mapping[str, int]) -> str:
    """Return how much of the figures is known, and what the uptime is at least and at most (R12)."""
    counts = seconds["open"] - seconds["excluded"]
    if not counts:
        return "no open time that counts"
    up = percent(seconds["uptime"], seconds["downtime"])
    measured, low, high = (
        percent(seconds[figure], counts - seconds[figure]) for figure in ("measured", "low", "high")
    )
    least = low.removesuffix(" %")
    return f"{up} up; {measured} of it measured; by the hours with a check: between {least} and {high}"


def _stated(seconds: Mapping[str, int]) -> str:
    words = {"excluded": "excluded", "stated_up": "stated as up", "stated_down": "stated as down"}
    return ", ".join(f"{hours(seconds[figure])} {word}" for figure, word in words.items() if seconds[figure])


def _state(found: Explanation) -> str:
    """Return the state and since when: `up since Wed 25 Jan 10:00:00`."""
    state = found.state
    if state.status is None:
        return "not open in the 7 days before"
    if state.since is None:
        since = f"{iso(found.as_of - WINDOWS['week'])} or earlier"
    else:
        local = wall_clock(found.zone, state.since)
        since = f"{clock_text(local, f'{date_of(local)} %H:%M:%S')} ({iso(state.since)})"
    return f"{state.status} since {since}{', closed now' if state.is_closed else ''}"


def _verdict(verdict: Verdict) -> str:
    """Return a target and what became of it: `99.5 %: missed; 0:50:24 of downtime allowed, 0:10:00 over`."""
    met = {True: "met", False: "missed", None: "no verdict"}[verdict.is_met]
    left = f"{hours(abs(verdict.left_seconds))} {'left' if verdict.left_seconds >= 0 else 'over'}"
    return (
        f"{verdict.target_percent:g} %: {met}; {hours(verdict.allowed_seconds)} of downtime allowed, {left}"
    )


def _annotation(note: Annotation) -> str:
    until = "until further notice" if note.end is None else f"to {iso(note.end)}"
    return (
        f"{note.text} – {note.about} is {note.counts_as} from {iso(note.begin)} {until}, "
        f"made {iso(note.made_at // MICROSECONDS)}"
    )


def annotation_lines(rows: pl.DataFrame) -> Iterator[str]:
    """Yield what annotations (rows of the kind) say, a line each."""
    for row in plain_rows(rows):
        withdrawn = row["withdrawn_at"]
        end = "" if withdrawn is None else f"; withdrawn {iso(withdrawn // MICROSECONDS)}"
        yield f"{_annotation(annotation_of(row))}{end}"
