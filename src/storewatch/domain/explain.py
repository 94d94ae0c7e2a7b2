"""One store's evidence, hour by hour: what every hour of a window counts as, and why (R1–R6, R15).

The kernel itself makes the figures: asked for the sums before each hour, it gives what differs by the hours,
so they add up to the report's row. The store's hours rows are asked along, each as if it were another store's
only one, which tells by which rows an hour is open.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from storewatch.domain.ask import Policy
from storewatch.domain.evidence import (
    NO_HOURS,
    Clock,
    Day,
    Hour,
    HoursRow,
    Outage,
    Part,
    PollSeen,
    Reason,
    by_day,
    outages,
    reason_observed,
    reason_with_polls,
    reason_without_polls,
)
from storewatch.domain.instant import DAY, HOUR, MICROSECONDS, WINDOWS
from storewatch.domain.kernel import Polls, latest_before, tally
from storewatch.domain.schedule import Schedules, distinct_schedules, open_stretches
from storewatch.domain.zone import DEFAULT_ZONE, local_days

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from storewatch.domain.ask import Ask
    from storewatch.domain.facts import Facts

STATUSES = ("up", "down", "unknown")

_LONGEST_CLOSED = 15 * DAY  # of a store that ever opens: a clock change can skip a shift, never two in a row


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Where a store's figures of one window come from."""

    store_id: str
    zone: str
    has_zone: bool  # False: it is the default one (R2)
    as_of: int  # seconds since 1970 UTC, the window's end
    carry: int | None  # seconds; None: for ever
    window: str  # hour, day, week
    rows: tuple[HoursRow, ...]  # all of the store, numbered
    hours: tuple[Hour, ...]  # those with open time in the window, in order
    days: tuple[Day, ...]  # the same by local date, all dates of the window
    outages: tuple[Outage, ...]
    discarded: tuple[PollSeen, ...]  # polls in hours without open time, in order

    @property
    def begin(self) -> int:
        """The window's start, seconds since 1970 UTC."""
        return self.as_of - WINDOWS[self.window]

    @property
    def opening(self) -> list[str]:
        """The hours rows in words."""
        return [row.text for row in self.rows] or [NO_HOURS]

    def seconds(self, status: str | None = None) -> int:
        """Return the window's open seconds of a status, by default of all: the figures of the report."""
        return sum(hour.open_seconds for hour in self.hours if status in (None, hour.status))


def explain(facts: Facts, store_id: str, ask: Ask) -> Explanation:
    """Explain a store's figures of the first of the windows asked for.

    Args:
        facts: Checked; those of other stores do no harm.
        store_id: If no input names it, it is a store without polls, hours and zone.
        ask: Its as-of is settled.
    """
    window = ask.windows[0]
    rows = _rows(facts.hours, store_id)
    known = facts.zones.filter(pl.col("store_id") == store_id)["zone"].to_list()
    zone = known[0] if known else DEFAULT_ZONE
    span = _Span(begin=ask.instant - WINDOWS[window], end=ask.instant)
    days = local_days(zone, span.begin, span.end)
    case = _Case(
        rows=rows,
        schedules=_schedules(rows, zone),
        given=_given(facts.polls, store_id, since=ask.since, until=ask.until),
        span=span,
        days=days,
        reasons=_Reasons(zone=zone, carry=ask.carry, policy=ask.policy, since=span.begin),
    )
    hours, discarded = case.weigh()
    began_before = False
    if hours and hours[0].status == "down":
        earlier = _given(facts.polls, store_id, since=evidence_since(ask), until=ask.until)
        began_before = case.was_down(earlier)
    return Explanation(
        store_id=store_id,
        zone=zone,
        has_zone=bool(known),
        as_of=ask.instant,
        carry=ask.carry,
        window=window,
        rows=rows,
        hours=hours,
        days=by_day(hours, days),
        outages=outages(hours, as_of=ask.instant, began_before=began_before),
        discarded=discarded,
    )


def evidence_since(ask: Ask) -> int | None:
    """Return the first instant (microseconds) whose polls can matter to an explanation; None: all the past.

    That is further back than for a report: an outage may have begun in open time long before the window.
    """
    return None if ask.since is None else ask.since - _LONGEST_CLOSED * MICROSECONDS


@dataclass(frozen=True, kw_only=True)
class _Span:
    """A window, in seconds since 1970 UTC."""

    begin: int
    end: int

    @property
    def hours(self) -> range:
        """The first seconds of the UTC hours that it touches."""
        return range(self.begin // HOUR * HOUR, self.end, HOUR)

    def inside(self, pieces: NDArray[np.int64], begin: int, end: int) -> tuple[tuple[int, int], ...]:
        """Return the parts of open stretches (rows of begin, end) in the window and a part of it."""
        low, high = max(begin, self.begin), min(end, self.end)
        met = pieces[(pieces[:, 0] < high) & (pieces[:, 1] > low)]
        return tuple((max(first, low), min(last, high)) for first, last in met.tolist())


@dataclass(frozen=True, kw_only=True)
class _Case:
    """What the figures of one window rest on."""

    rows: tuple[HoursRow, ...]
    schedules: Schedules  # of the store, and of each row by its number
    given: Polls  # of store 0
    span: _Span
    days: Sequence[tuple[int, int]]  # the local ones
    reasons: _Reasons

    def weigh(self) -> tuple[tuple[Hour, ...], tuple[PollSeen, ...]]:
        """Return the hours with open time, and the polls discarded in the others."""
        pieces = _open_pieces(self.schedules, self.span)
        first, last = self.span.hours[0], self.span.hours[-1] + HOUR
        settled = _settled(self.given, pieces, since=first * MICROSECONDS)
        before = _before(self.given, self.schedules, first)
        turns = self.reasons.turns([poll for poll in (before, *settled) if poll and poll.counted])
        inside = (turn for turn in turns if self.span.begin < turn < self.span.end)
        begins = sorted({*self.span.hours, *inside})
        seen = _by_part(settled, [*begins, last])
        hours: list[Hour] = []
        discarded: list[PollSeen] = []
        for (begin, end), opened in zip(pairwise([*begins, last]), self._figures(begins), strict=True):
            polls = seen[begin]
            counted = [poll for poll in polls if poll.counted]
            if opened:
                reason = self.reasons.of(opened[0].status, begin, polls, before)
                edges = [begin, *(cut.begin for cut in opened[1:]), end]
                hours.append(self._hour(edges, reason, opened, polls, pieces))
            else:
                discarded += [poll for poll in polls if not poll.counted]
            before = counted[-1] if counted else before
        return tuple(hours), tuple(discarded)

    def _hour(
        self,
        edges: Sequence[int],
        reason: Reason,
        opened: Sequence[_Cut],
        polls: Sequence[PollSeen],
        pieces: NDArray[np.int64],
    ) -> Hour:
        """Return an hour of parts that are cut at edges; a closed one goes to the part beside it."""
        parts = tuple(
            Part(
                begin=cut.begin,
                open=self.span.inside(pieces, low, high),
                rows=tuple(row for row in self.rows if cut.seconds[row.number]),
                polls=tuple(poll for poll in polls if low <= poll.at // MICROSECONDS < high),
                status=cut.status,
                reason=reason,
            )
            for cut, (low, high) in zip(opened, pairwise(edges), strict=True)
        )
        return Hour(
            begin=edges[0],
            open=self.span.inside(pieces, edges[0], edges[-1]),
            open_seconds=sum(part.open_seconds for part in parts),
            rows=tuple(row for row in self.rows if any(row in part.rows for part in parts)),
            polls=tuple(polls),
            status=reason.status,
            reason=reason,
            parts=parts,
        )

    def _figures(self, begins: Sequence[int]) -> Iterator[list[_Cut]]:
        """Yield for each begin what is open up to the next one, cut where a local day begins."""
        days = (begin for begin, _ in self.days if self.span.hours[0] < begin < self.span.end)
        cuts = sorted({*begins, *days})
        edges = [max(cut, self.span.begin) for cut in (*cuts, self.span.end)]
        sums = self._sums(self.given, edges, as_of=self.span.end)
        figures = np.diff(sums, axis=1)
        up, down = figures[0, :, 0] > 0, figures[0, :, 1] > 0
        places = np.select((up, down), (0, 1), 2).tolist()
        found = [
            _Cut(begin=begin, status=STATUSES[place], seconds=seconds)
            for begin, place, seconds in zip(cuts, places, figures[:, :, 2].T.tolist(), strict=True)
        ]
        for _, same in groupby(found, lambda cut: bisect_right(begins, cut.begin)):
            yield [cut for cut in same if cut.seconds[0]]

    def _sums(self, given: Polls, edges: Sequence[int], *, as_of: int) -> NDArray[np.int64]:
        """Return the kernel's sums before edges in the window, [1 + rows, edges, 3]."""
        return tally(
            given,
            self.schedules,
            as_of=as_of,
            carry=self.reasons.carry,
            policy=self.reasons.policy,
            edges=np.array(edges)[:, np.newaxis],
        )

    def was_down(self, given: Polls) -> bool:
        """Say whether the last open second before the window is down, by the polls up to the as-of (R16)."""
        pieces = _open_pieces(
            self.schedules, _Span(begin=self.span.begin - _LONGEST_CLOSED, end=self.span.begin)
        )
        pieces = pieces[pieces[:, 0] < self.span.begin]
        if not len(pieces):
            return False
        last = min(int(pieces[-1, 1]), self.span.begin) - 1
        hour_end = min(last // HOUR * HOUR + HOUR, self.span.end)  # all polls of its hour count for it
        before, after = self._sums(given, [last, last + 1], as_of=hour_end)[0]
        return bool(after[1] > before[1])


@dataclass(frozen=True, kw_only=True)
class _Cut:
    """Time of one status within an hour and a local day."""

    begin: int  # seconds since 1970 UTC
    status: str
    seconds: list[int]  # that are open, of the store and of each row by its number


@dataclass(frozen=True, kw_only=True)
class _Reasons:
    """Says where a status begins, and why it is there."""

    zone: str
    carry: int | None
    policy: Policy
    since: int  # of the window

    def turns(self, counted: Sequence[PollSeen]) -> Iterator[int]:
        """Yield the seconds at which the status may change within an hour, in order of time (R15)."""
        if self.policy is not Policy.LAST_OBSERVATION:
            return
        before: PollSeen | None = None
        for poll in counted:
            second = poll.at // MICROSECONDS
            expires = self._expires(before)
            if expires is not None and expires < second:
                yield expires
                before = None
            if before is None or before.active is not poll.active:
                yield second
            before = poll
        if (expires := self._expires(before)) is not None:
            yield expires

    def _expires(self, poll: PollSeen | None) -> int | None:
        return None if poll is None or self.carry is None else poll.at // MICROSECONDS + self.carry

    def of(self, status: str, begin: int, polls: Sequence[PollSeen], before: PollSeen | None) -> Reason:
        """Return the reason of an hour by its counted polls, else by the latest one before it.

        Of a part of an hour, which has one status from its begin on (R15): by the latest poll up to there.
        """
        clock = Clock(zone=self.zone, at=begin)
        counted = [poll for poll in polls if poll.counted]
        if self.policy is Policy.LAST_OBSERVATION:
            there = [poll for poll in counted if poll.at // MICROSECONDS <= max(begin, self.since)]
            return reason_observed(status, there[-1] if there else before, self.carry, clock)
        if counted:
            return reason_with_polls(status, polls, clock)
        return reason_without_polls(status, before, self.carry, clock)


def _by_part(settled: Sequence[PollSeen], begins: Sequence[int]) -> dict[int, list[PollSeen]]:
    """Return the polls by the last begin before or at them."""
    parts: dict[int, list[PollSeen]] = {begin: [] for begin in begins}
    for poll in settled:
        parts[begins[bisect_right(begins, poll.at // MICROSECONDS) - 1]].append(poll)
    return parts


def _rows(hours: pl.DataFrame, store_id: str) -> tuple[HoursRow, ...]:
    """Number a store's rows. A poll store keeps no order of them, so theirs is that of the week."""
    own = hours.filter(pl.col("store_id") == store_id).select("day", "start", "end").unique()
    rows = enumerate(own.sort("day", "start", "end").iter_rows(), start=1)
    return tuple(HoursRow(number=number, day=day, start=start, end=end) for number, (day, start, end) in rows)


def _given(polls: pl.DataFrame, store_id: str, *, since: int | None, until: int) -> Polls:
    """Return a store's polls of `since` ≤ at ≤ `until` (microseconds) as those of store 0.

    Older ones decide nothing. A poll store does not hand them out, and no sentence may differ by that.
    """
    at = pl.col("at").to_physical()
    chosen = (pl.col("store_id") == store_id) & (at <= until)
    own = polls.filter(chosen if since is None else chosen & (at >= since))
    return Polls(
        store=np.zeros(len(own), dtype=np.int64),
        at=own["at"].to_physical().to_numpy(),
        active=own["active"].to_numpy(),
    )


def _schedules(rows: tuple[HoursRow, ...], zone: str) -> Schedules:
    """Return the schedules of the store (0) and of each row (by its number) as if it were the only one."""
    day, start, end = (
        np.array([getattr(row, name) for row in rows], dtype=np.int64) for name in ("day", "start", "end")
    )
    store = np.concatenate((np.zeros(len(rows), dtype=np.int64), 1 + np.arange(len(rows))))
    twice = (np.concatenate((column, column)) for column in (day, start, end))
    return distinct_schedules(store, *twice, zone_of_store=[zone] * (len(rows) + 1))


def _open_pieces(schedules: Schedules, span: _Span) -> NDArray[np.int64]:
    """Return the store's open stretches over the window's whole hours as rows of begin, end."""
    stretches = open_stretches(schedules, since=span.hours[0], until=span.hours[-1] + HOUR)
    low, high = stretches.first[schedules.of_store[0] :][:2]
    return np.column_stack((stretches.begin[low:high], stretches.end[low:high]))


def _settled(given: Polls, pieces: NDArray[np.int64], *, since: int) -> list[PollSeen]:
    """Return the polls from an instant (microseconds) on, in order, one an instant (R1)."""
    order = np.lexsort((given.active, given.at))
    order = order[given.at[order] >= since]
    at, first, count = np.unique(given.at[order], return_index=True, return_counts=True)
    least, most = given.active[order][first], given.active[order][first + count - 1]
    second = at // MICROSECONDS
    place = np.searchsorted(pieces[:, 0], second, side="right")
    ends = np.concatenate(([since // MICROSECONDS], pieces[:, 1]))  # before the first stretch all is closed
    columns = (at, least, second < ends[place], count, least != most)
    return [
        PollSeen(at=instant, active=active, counted=counted, given=times, disagreed=disagreed)
        for instant, active, counted, times, disagreed in zip(*(c.tolist() for c in columns), strict=True)
    ]


def _before(given: Polls, schedules: Schedules, begin: int) -> PollSeen | None:
    """Return the latest counted poll before an hour (seconds), however old."""
    found = latest_before(given, schedules, hour=begin // HOUR, carry=begin)
    if not len(found):
        return None
    return PollSeen(at=int(found.at[0]), active=bool(found.active[0]), counted=True)
