"""The figures that any of the rules make of facts, for all stores at once.

This shares nothing with kernel and reference but the numbering of stores and the zone database. By the
default rules it gives their figures to the second; a test holds it against the reference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from storewatch.checking.against.week import Hours, OpenTime, laid_out, weekly_rows
from storewatch.domain.instant import DAY, HOUR, MICROSECONDS, WINDOWS
from storewatch.domain.kernel import HOUR_US, Polls
from storewatch.domain.uptime import dense_numbers, numbered_polls
from storewatch.domain.zone import offset_spans

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl
    from numpy.typing import NDArray

    from storewatch.checking.against.rules import Rules
    from storewatch.domain.facts import Facts

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Edges = tuple[Ints, Ints]

KINDS = ("uptime", "downtime", "unknown", "open")
_UP, _DOWN, _UNKNOWN, _OPEN = range(4)
_REACH = 16 * DAY  # before the as-of: every calendar window begins in it
_LONGEST = 90 * DAY  # older polls are left out here: laying out years for each cause takes too long


class Segments(NamedTuple):
    """Known status over time: disjoint for each store, by store and time, instants in microseconds."""

    store: Ints
    begin: Ints
    end: Ints
    up: NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """Facts as arrays, stores by dense numbers in the order of their ids."""

    stores: int
    polls: Polls  # by store and time, distinct (R1), none after the as-of (R3)
    hours: Hours
    zones: tuple[str | None, ...]
    as_of: int

    @classmethod
    def from_facts(cls, facts: Facts, names: pl.Series, *, as_of: int) -> Fleet:
        """Number the named stores (String, sorted, distinct) and what is known of them."""
        zone_of = dict(zip(facts.zones["store_id"], facts.zones["zone"], strict=True))
        store = dense_numbers(facts.hours["store_id"], names).astype(np.int64)
        day, start, end = (facts.hours[name].to_numpy().astype(np.int64) for name in ("day", "start", "end"))
        hours = Hours(store=store, day=day, start=start, end=end).take(np.flatnonzero(store < len(names)))
        return cls(
            stores=len(names),
            polls=_distinct(numbered_polls(facts.polls, names), as_of),
            hours=hours,
            zones=tuple(zone_of.get(name) for name in names),
            as_of=as_of,
        )

    def take(self, chosen: NDArray[np.integer]) -> Fleet:
        """Return the chosen stores (in order), numbered anew."""
        number = np.full(self.stores, -1)
        number[chosen] = np.arange(len(chosen))
        polls = self.polls.take(np.flatnonzero(number[self.polls.store] >= 0))
        hours = self.hours.take(np.flatnonzero(number[self.hours.store] >= 0))
        return Fleet(
            stores=len(chosen),
            polls=Polls(store=number[polls.store], at=polls.at, active=polls.active),
            hours=Hours(store=number[hours.store], day=hours.day, start=hours.start, end=hours.end),
            zones=tuple(self.zones[i] for i in chosen.tolist()),
            as_of=self.as_of,
        )


def _distinct(polls: Polls, as_of: int) -> Polls:
    begin, end = (as_of - _LONGEST) * MICROSECONDS, as_of * MICROSECONDS
    polls = polls.take(np.flatnonzero((polls.at >= begin) & (polls.at <= end)))
    polls = polls.take(np.lexsort((polls.active, polls.at, polls.store)))
    same = (polls.store[1:] == polls.store[:-1]) & (polls.at[1:] == polls.at[:-1])
    polls = polls.take(np.flatnonzero(np.concatenate(([True], ~same))[: len(polls)]))
    return Polls(store=polls.store.astype(np.int64), at=polls.at, active=polls.active)


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """When stores are open and what is known of them, before any window is cut."""

    fleet: Fleet
    zones: list[str]
    opened: OpenTime
    polls: Polls  # that count
    segments: Segments

    @classmethod
    def by(cls, fleet: Fleet, rules: Rules) -> Timeline:
        """Read a fleet by some rules."""
        zones = [zone or rules.no_zone for zone in fleet.zones]
        first = int(fleet.polls.at.min()) // MICROSECONDS if len(fleet.polls) else fleet.as_of
        since, until = (min(first, fleet.as_of - _REACH) - DAY) // HOUR * HOUR, fleet.as_of
        week = weekly_rows(fleet.hours, rules, stores=fleet.stores)
        after = until + HOUR  # a poll on the as-of counts, so that its second must be laid out
        rows = laid_out(week, zones, rules, since=since, until=after, as_of=until)
        once = rules.overlaps == "once"
        opened = OpenTime(rows, since=since, until=after, stores=fleet.stores, once=once)
        polls = fleet.polls
        if rules.counted == "open":
            polls = polls.take(np.flatnonzero(opened.is_open(polls.store.astype(np.int64), polls.at)))
        status = _by_last if rules.status == "last" else _by_majority
        segments = _merged(_filled_back(status(polls, rules, until), rules, since))
        return cls(fleet=fleet, zones=zones, opened=opened, polls=polls, segments=segments)

    def figures(self, rules: Rules) -> Floats:
        """Return the seconds of every store, window and kind: [stores, WINDOWS, KINDS].

        The rules may differ from those that the timeline was made by in the windows and in `unknown`.
        """
        windows = window_edges(self.fleet, rules, self.zones)
        if rules.status == "share":
            return _with_unknown(_by_share(self.polls, self.opened, windows), rules)
        return _with_unknown(_added_up(self.segments, self.opened, windows), rules)


def figures(fleet: Fleet, rules: Rules) -> Floats:
    """Return the seconds of every store, window and kind: [stores, WINDOWS, KINDS]."""
    return Timeline.by(fleet, rules).figures(rules)


def _with_unknown(seconds: Floats, rules: Rules) -> Floats:
    rest = seconds[:, :, _OPEN] - seconds[:, :, _UP] - seconds[:, :, _DOWN]
    seconds[:, :, {"unknown": _UNKNOWN, "up": _UP, "down": _DOWN}[rules.unknown]] += rest
    return seconds


# ---------------------------------------------------------------- status


def _by_majority(polls: Polls, rules: Rules, as_of: int) -> Segments:
    """Give each hour with polls its majority, and carry the latest poll from its end on (R4, R5)."""
    hour, store = polls.at // HOUR_US, polls.store.astype(np.int64)
    changes = np.flatnonzero((np.diff(store, prepend=-1) != 0) | (np.diff(hour, prepend=-1) != 0))
    last = np.append(changes[1:], len(store))[: len(changes)] - 1
    count = last - changes + 1
    active = np.add.reduceat(polls.active.astype(np.int64), changes) if len(changes) else count
    latest = polls.active[last]
    majority = np.where(2 * active == count, latest, 2 * active > count)
    store, begin, end = store[last], hour[last] * HOUR_US, (hour[last] + 1) * HOUR_US
    carried = _following(store, begin, as_of)
    if rules.carry is not None:
        expiry = ((polls.at[last] + rules.carry * MICROSECONDS) // HOUR_US + 1) * HOUR_US
        carried = np.minimum(carried, expiry)
    carried = np.maximum(carried, end)
    return Segments(
        store=np.repeat(store, 2),
        begin=np.stack((begin, end), axis=1).ravel(),
        end=np.stack((end, carried), axis=1).ravel(),
        up=np.stack((majority, latest), axis=1).ravel(),
    )


def _by_last(polls: Polls, rules: Rules, as_of: int) -> Segments:
    """Let each poll hold until the next one."""
    store = polls.store.astype(np.int64)
    end = _following(store, polls.at, as_of)
    if rules.carry is not None:
        end = np.minimum(end, polls.at + rules.carry * MICROSECONDS)
    return Segments(store=store, begin=polls.at, end=end, up=polls.active)


def _following(store: Ints, begin: Ints, as_of: int) -> Ints:
    """Return where the store's next stretch begins; the as-of after its last one."""
    end = np.append(begin[1:], as_of * MICROSECONDS)[: len(begin)]
    end[np.flatnonzero(np.diff(store))] = as_of * MICROSECONDS
    return end


def _filled_back(segments: Segments, rules: Rules, since: int) -> Segments:
    if rules.before_first == "unknown":
        return segments
    begin = segments.begin.copy()
    begin[np.flatnonzero(np.diff(segments.store, prepend=-1))] = since * MICROSECONDS
    return segments._replace(begin=begin)


def _merged(segments: Segments) -> Segments:
    """Join those of one status that touch; drop the empty ones. Nine in ten go."""
    real = segments.begin < segments.end
    store, begin, end = segments.store[real], segments.begin[real], segments.end[real]
    up = segments.up[real]
    touches = (store[1:] == store[:-1]) & (begin[1:] == end[:-1]) & (up[1:] == up[:-1])
    opens = np.flatnonzero(np.concatenate(([True], ~touches))[: len(store)])
    closes = np.append(opens[1:], len(store))[: len(opens)] - 1
    return Segments(store=store[opens], begin=begin[opens], end=end[closes], up=up[opens])


# ---------------------------------------------------------------- windows


def window_edges(fleet: Fleet, rules: Rules, zones: list[str]) -> list[Edges]:
    """Return begin and end (seconds) of each store's hour, day and week."""
    ends = np.full(fleet.stores, fleet.as_of)
    if rules.ends == "own":
        newest = np.full(fleet.stores, -1)
        np.maximum.at(newest, fleet.polls.store, -(-fleet.polls.at // MICROSECONDS))
        ends = np.where(newest < 0, ends, newest)
    rolling = {window: (ends - length, ends) for window, length in WINDOWS.items()}
    hour, day, week = (
        _hour_edges(rules.hour, fleet.as_of),
        _day_edges(rules.day, fleet.as_of, zones),
        _week_edges(rules.week, fleet.as_of, zones),
    )
    return [
        rolling[window] if edges is None else edges
        for window, edges in zip(WINDOWS, (hour, day, week), strict=True)
    ]


def _hour_edges(kind: str, as_of: int) -> Edges | None:
    if kind == "rolling":
        return None
    full = as_of // HOUR * HOUR
    return (np.array(full), np.array(as_of)) if kind == "so far" else (np.array(full - HOUR), np.array(full))


def _day_edges(kind: str, as_of: int, zones: list[str]) -> Edges | None:
    if kind == "rolling":
        return None
    clock, which = kind.split(" ")
    today = _midnight(as_of, zones, clock, days=0)
    return (today, np.array(as_of)) if which == "today" else (_midnight(as_of, zones, clock, days=1), today)


def _week_edges(kind: str, as_of: int, zones: list[str]) -> Edges | None:
    if kind == "rolling":
        return None
    clock, which = kind.split(" ", 1)
    if which == "monday":
        return _midnight(as_of, zones, clock, days=None), np.array(as_of)
    begin = _midnight(as_of, zones, clock, days=6 if which == "with today" else 7)
    return begin, _midnight(as_of, zones, clock, days=0) if which == "seven days" else np.array(as_of)


def _midnight(as_of: int, zones: list[str], clock: str, *, days: int | None) -> Ints:
    """Return each store's midnight so many days before today; None: that of Monday."""
    of_zone = {zone: _midnight_of("UTC" if clock == "utc" else zone, as_of, days) for zone in set(zones)}
    return np.array([of_zone[zone] for zone in zones], dtype=np.int64)


def _midnight_of(zone: str, as_of: int, days: int | None) -> int:
    spans = offset_spans(zone, as_of - _REACH, as_of + 1)
    today = (as_of + spans[-1][2]) // DAY
    local = (today - ((today + 3) % 7 if days is None else days)) * DAY  # day 0 of 1970 was a Thursday
    starts = [local - offset for begin, _, offset in spans if local - offset >= begin]
    return starts[-1]


# ---------------------------------------------------------------- add up


def _added_up(segments: Segments, opened: OpenTime, windows: list[Edges]) -> Floats:
    begin, end = (opened.before(segments.store, at) for at in (segments.begin, segments.end))
    seconds = np.zeros((opened.stores, len(WINDOWS), len(KINDS)))
    for number, (low, high) in enumerate(_open_edges(opened, windows)):
        seconds[:, number, _OPEN] = (high - low) / MICROSECONDS
        low, high = low[segments.store], high[segments.store]  # noqa: PLW2901 - the same edges, a segment each
        inside = np.clip(end, low, high) - np.clip(begin, low, high)
        for kind, chosen in ((_UP, segments.up), (_DOWN, ~segments.up)):
            sums = np.bincount(segments.store[chosen], inside[chosen], minlength=opened.stores)
            seconds[:, number, kind] = sums / MICROSECONDS
    return seconds


def _by_share(polls: Polls, opened: OpenTime, windows: list[Edges]) -> Floats:
    """Split each window's open time as its polls are split."""
    seconds = np.zeros((opened.stores, len(WINDOWS), len(KINDS)))
    for number, (low, high) in enumerate(_open_edges(opened, windows)):
        seconds[:, number, _OPEN] = (high - low) / MICROSECONDS
        begin, end = (np.broadcast_to(edge * MICROSECONDS, opened.stores) for edge in windows[number])
        inside = (polls.at >= begin[polls.store]) & (polls.at <= end[polls.store])
        count = np.bincount(polls.store[inside], minlength=opened.stores)
        active = np.bincount(polls.store[inside & polls.active], minlength=opened.stores)
        share = active / np.maximum(count, 1)
        known = np.where(count > 0, seconds[:, number, _OPEN], 0)
        seconds[:, number, _UP], seconds[:, number, _DOWN] = known * share, known * (1 - share)
    return seconds


def _open_edges(opened: OpenTime, windows: list[Edges]) -> Iterator[Edges]:
    """Yield each window's edges in open microseconds of every store."""
    store = np.arange(opened.stores)
    for begin, end in windows:
        low, high = (np.broadcast_to(edge * MICROSECONDS, opened.stores) for edge in (begin, end))
        yield opened.before(store, low), opened.before(store, high)
