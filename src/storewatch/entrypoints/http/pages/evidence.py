"""What a store's page shows: its figures, and where they come from."""

from __future__ import annotations

from bisect import bisect_right
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING, Any

import polars as pl

from storewatch.answering.explain import find_store
from storewatch.domain.ask import Ask
from storewatch.domain.explain import explain
from storewatch.domain.instant import DAY, HOUR, MICROSECONDS
from storewatch.domain.kinds import ANNOTATIONS, LABELS, NAME
from storewatch.domain.uptime import zones_of
from storewatch.domain.validity import run_out
from storewatch.domain.window import parse_window
from storewatch.domain.zone import clock_text, utc_offset, wall_clock
from storewatch.entrypoints.explanation import carry_text
from storewatch.entrypoints.http.pages.month import DaySums, day_sums, is_long, month_picture
from storewatch.entrypoints.http.pages.pictures import NARROW, WIDE, week_picture
from storewatch.entrypoints.http.pages.stating import Note, notes
from storewatch.entrypoints.http.pages.sums import Sums, all_sums, change
from storewatch.entrypoints.http.pages.verdict import headline, moment, sentences, words_of
from storewatch.entrypoints.http.pages.weekly import opening
from storewatch.entrypoints.wording import duration, percent
from storewatch.errors import DroppedError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from markupsafe import Markup

    from storewatch.domain.evidence import Day, Part, PollSeen
    from storewatch.domain.explain import Explanation
    from storewatch.domain.facts import Facts
    from storewatch.entrypoints.http.pages.weekly import Opening
    from storewatch.ports.jobs import Job
    from storewatch.ports.polls import PollStore


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What a store's figures rest on, and whether a report has them."""

    facts: Facts
    ask: Ask  # its as-of is settled; of its windows the first is shown
    is_report: bool
    is_restated: bool = False  # not of the report, because what is stated of the store differs now

    def zone(self, store_id: str) -> str:
        """Return the store's zone."""
        return zones_of(self.facts, pl.Series([store_id]))[0]


def find(
    polls: PollStore,
    store_id: str,
    job: Job | None,
    *,
    as_of: int | None,
    window: str,
    present: str | None = None,
) -> Shown:
    """Return what a store's figures of a window rest on; `present` is the version of what is loaded now.

    A report's own input comes first. The poll store as it is now takes its place if that input is not kept
    any more, or does not have the store, or if what is stated of it has changed since; as of `as_of` (seconds
    since 1970 UTC; None: the newest poll).

    Raises:
        InputError: There is no such window, or its polls were dropped.
        UnknownStoreError: No load named the store.
        NoPollsError: There is no poll, so there is nothing to show.
    """
    is_restated = False
    if job is not None:
        ask = _asked(job.pinned, window)
        is_restated = (
            as_of is None
            and None not in (job.version, present)
            and _is_restated(polls, store_id, str(job.version), str(present))
        )
        if not is_restated:
            with suppress(InputError):
                return Shown(**_read(polls, store_id, ask, version=job.version), is_report=True)
    found = _read(polls, store_id, _asked(Ask(as_of=as_of), window))
    return Shown(**found, is_report=False, is_restated=is_restated)


def _asked(ask: Ask, window: str) -> Ask:
    """Return an ask of one store and a window first, compared with the one before; then of those it had."""
    first = parse_window(window)
    others = [each.text for each in ask.parsed_windows if each.name != first.name]
    return replace(ask, windows=(first.text, *others), compare=True, by=None, where=())


def _read(polls: PollStore, store_id: str, ask: Ask, *, version: str | None = None) -> dict[str, Any]:
    """Read a store; without what is before the window, if that was dropped."""
    try:
        facts, settled = find_store(polls, store_id, ask, version=version)
    except DroppedError:
        facts, settled = find_store(polls, store_id, replace(ask, compare=False), version=version)
    return {"facts": facts, "ask": settled.ask}


@dataclass(frozen=True, kw_only=True)
class _Version:
    """A version of a poll store."""

    name: str
    polls: PollStore


@lru_cache(maxsize=4)
def _annotations(version: _Version) -> pl.DataFrame:
    with version.polls.at(version.name) as snapshot:
        return snapshot.scan(since=0, until=0, within=[]).of(ANNOTATIONS).sort("id")


def _is_restated(polls: PollStore, store_id: str, version: str, present: str) -> bool:
    """Say whether other annotations can be about a store at present than in a version that is kept."""
    if present == version:
        return False
    about = pl.col("store_id").is_in([store_id, ""])
    with suppress(InputError):
        then, now = (_annotations(_Version(name=name, polls=polls)) for name in (version, present))
        return not then.filter(about).equals(now.filter(about))
    return False


@dataclass(frozen=True, kw_only=True)
class OutageLine:
    """An outage in words; the instants are for machines."""

    begin: str
    end: str
    begin_at: int
    end_at: int
    lost: int
    began_before: bool
    ending: str


@dataclass(frozen=True, kw_only=True)
class HourLine:
    """An hour with open time, or its part in one local day, in words."""

    clock: str
    utc: str
    open: str
    status: str
    is_carried: bool
    why: str
    checks: str


@dataclass(frozen=True, kw_only=True)
class DayLines:
    """A local day, hour by hour."""

    date: datetime
    open: int
    down: int
    unknown: int
    excluded: int
    hours: list[HourLine]
    discarded: list[
        tuple[str, str]
    ]  # why checks in hours without open time do not count, and which these are


@dataclass(frozen=True, kw_only=True)
class StoreView:
    """A store's page."""

    found: Explanation
    name: str  # "": none
    words: str  # the window's name
    begin: str  # when the window begins and ends on the store's clock
    end: str
    as_of: str
    headline: str
    sentences: list[str]
    within: str  # the same after a verb, `in the last week`
    pictures: list[Markup]  # none, if a picture of its days takes their place
    month: Markup | None
    day_sums: list[DaySums]
    outages: list[OutageLine]  # the latest first, as the days
    opening: Opening
    sums: list[Sums]  # the window's, the one's before if that is known, those of further windows
    is_compared: bool
    change: str  # of the uptime
    between: tuple[str, str] | None  # the least and the most uptime by the hours with a check
    carry: str
    is_by_majority: bool
    days: list[DayLines]
    notes: list[Note]
    is_report: bool
    is_restated: bool


def store_view(shown: Shown, store_id: str) -> StoreView:
    """Return a store's page: the figures as a report of this input has them, and their evidence."""
    facts, ask = shown.facts, shown.ask
    found, window = explain(facts, store_id, ask), ask.parsed_windows[0]
    words, within = words_of(window)
    long = is_long(found)
    has_run_out = store_id in run_out(facts.hours, facts.zones, ask.instant).to_list()
    return StoreView(
        found=found,
        name=_name(facts, store_id),
        words=words,
        begin=moment(found, found.begin),
        end=moment(found, found.end),
        as_of=moment(found, found.as_of),
        headline=headline(found),
        sentences=list(sentences(found, within=within, has_run_out=has_run_out)),
        within=within,
        pictures=[] if long else [week_picture(found, sheet) for sheet in (WIDE, NARROW)],
        month=month_picture(found) if long else None,
        day_sums=day_sums(found) if long else [],
        outages=[_outage(found, place) for place in reversed(range(len(found.outages)))],
        opening=opening(found),
        sums=list(all_sums(found.row, ask.parsed_windows, is_compared=ask.compare)),
        is_compared=ask.compare,
        change=change(found.row, window) if ask.compare else "",
        between=_between(found),
        carry=carry_text(found.carry),
        is_by_majority=ask.policy == "hourly-majority",
        days=[] if long else [_day(found, day) for day in reversed(found.days)],
        notes=notes(
            facts.of(ANNOTATIONS), store_id, found.zone, frozenset(note.id for note in found.annotations)
        ),
        is_report=shown.is_report,
        is_restated=shown.is_restated,
    )


def _name(facts: Facts, store_id: str) -> str:
    labels = facts.of(LABELS)
    if labels.is_empty():
        return ""
    rows = labels.filter((pl.col("store_id") == store_id) & (pl.col("label") == NAME))
    return str(rows["value"][0]) if len(rows) else ""


def _between(found: Explanation) -> tuple[str, str] | None:
    """Return the least and the most that the uptime is by the hours with a check (R12)."""
    figures = found.figures
    counts = figures["open"] - figures["excluded"]
    if not counts:
        return None
    low, high = (percent(figures[end], counts - figures[end]) for end in ("low", "high"))
    return low, high


def _outage(found: Explanation, place: int) -> OutageLine:
    outage = found.outages[place]
    begin, end = (wall_clock(found.zone, at) for at in (outage.begin, outage.end))
    with_offset = begin.utcoffset() != end.utcoffset()
    first, last = (
        clock_text(local, f"%a {local.day} %b, %H:%M{':%S' * (local.second > 0)}", with_offset=with_offset)
        for local in (begin, end)
    )
    return OutageLine(
        begin=first,
        end=last,
        begin_at=outage.begin,
        end_at=outage.end,
        lost=outage.open_seconds,
        began_before=outage.began_before,
        ending=outage.ending,
    )


def _day(found: Explanation, day: Day) -> DayLines:
    time = _clock(found.zone, day)
    why = _discards(found, day)
    closed = [
        (why(poll), _check(time, poll))
        for poll in found.discarded
        if day.begin <= poll.at // MICROSECONDS < day.end
    ]
    return DayLines(
        date=wall_clock(found.zone, day.begin),
        open=day.seconds(),
        down=day.seconds("down"),
        unknown=day.seconds("unknown"),
        excluded=day.seconds("excluded"),
        hours=[_hour(part, time, why) for part in day.parts],
        discarded=[
            (reason, ", ".join(text for _, text in same))
            for reason, same in groupby(closed, lambda each: each[0])
        ],
    )


def _hour(part: Part, time: Callable[[int], str], why: Callable[[PollSeen], str]) -> HourLine:
    minute = part.begin // 60 % 1_440
    return HourLine(
        clock=time(part.begin)[:-3] if part.begin % 60 == 0 else time(part.begin),
        utc=f"{minute // 60:02}:{minute % 60:02}",
        open=duration(part.open_seconds),
        status=part.status,
        is_carried=part.is_carried,
        why=part.reason.told(part.clock),
        checks="" if part.reason.is_of(part.polls) else ", ".join(_checks(part.polls, time, why)),
    )


def _checks(
    polls: Iterable[PollSeen], time: Callable[[int], str], why: Callable[[PollSeen], str]
) -> Iterator[str]:
    for poll in polls:
        yield _check(time, poll) if poll.counted else f"{_check(time, poll)} ({why(poll)})"


def _check(time: Callable[[int], str], poll: PollSeen) -> str:
    disagreed = ", also given as active" if poll.disagreed else ""
    return f"{time(poll.at // MICROSECONDS)} {poll.status}{disagreed}"


def _clock(zone: str, day: Day) -> Callable[[int], str]:
    """Return what tells the time of instants of a local day to the second; most days need no calendar."""
    if day.end - day.begin != DAY:
        return lambda at: clock_text(wall_clock(zone, at), "%H:%M:%S")
    offset = utc_offset(zone, day.begin)

    def time(at: int) -> str:
        second = (at + offset) % DAY
        return f"{second // HOUR:02}:{second // 60 % 60:02}:{second % 60:02}"

    return time


def _discards(found: Explanation, day: Day) -> Callable[[PollSeen], str]:
    """Return what tells why a discarded check of a local day does not count."""
    own = [span for span in found.openings if span[0] < day.end and span[1] > day.begin]
    begins = [begin for begin, _ in own]

    def why(poll: PollSeen) -> str:
        place = bisect_right(begins, poll.at // MICROSECONDS)
        if not own:
            return "closed that day: not counted"
        if place == len(own):
            return "after closing: not counted"
        # What is open at midnight began the day before.
        return (
            "before opening: not counted"
            if not place or begins[place - 1] <= day.begin
            else ("between two openings: not counted")
        )

    return why
