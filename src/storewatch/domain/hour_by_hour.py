"""A window of one store hour by hour: what is open, what it counts as, and what decides.

What each hour counts as is told by the kernel's own statuses, summed up before each hour, so the hours add up
to the report's row. The store's hours rows and exceptions are asked along, each as if it were another store's
only one, which tells by which of them an hour is open.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import groupby, pairwise
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np

from storewatch.domain.ask import Policy
from storewatch.domain.counted import Polls, latest_before
from storewatch.domain.evidence import (
    Clock,
    Hour,
    Part,
    PollSeen,
    Reason,
    reason_observed,
    reason_stated,
    reason_with_polls,
    reason_without_polls,
)
from storewatch.domain.instant import HOUR, MICROSECONDS
from storewatch.domain.spans import STATUSES, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from storewatch.domain.evidence import Annotation
    from storewatch.domain.schedule import Schedules
    from storewatch.domain.shifts import Row
    from storewatch.domain.sums import OpenTime, Placed


@dataclass(frozen=True, kw_only=True)
class Span:
    """A window, in seconds since 1970 UTC."""

    begin: int
    end: int

    @property
    def first(self) -> int:
        """Where the first UTC hour that it touches begins."""
        return self.begin // HOUR * HOUR

    @property
    def last(self) -> int:
        """Where the last one ends."""
        return -(-self.end // HOUR) * HOUR

    @property
    def hours(self) -> range:
        """The first seconds of these hours."""
        return range(self.first, self.end, HOUR)

    def inside(self, pieces: Sequence[tuple[int, int]], begin: int, end: int) -> tuple[tuple[int, int], ...]:
        """Return the parts of open stretches (begin and end, in order) in the window and a part of it."""
        low, high = max(begin, self.begin), min(end, self.end)
        met = slice(
            bisect_right(pieces, low, key=itemgetter(1)), bisect_left(pieces, high, key=itemgetter(0))
        )
        return tuple((max(first, low), min(last, high)) for first, last in pieces[met])


@dataclass(frozen=True, kw_only=True)
class Case:
    """What the figures of one window rest on."""

    rows: tuple[Row, ...]  # of hours and exceptions
    time: OpenTime  # of the store (0) and of each row by its number
    status: Placed  # of the store, in that time
    notes: tuple[tuple[int, int, Annotation], ...]  # from when to when which one decides, in order
    given: Polls  # of store 0
    span: Span
    days: Sequence[tuple[int, int]]  # the local ones
    reasons: Reasons

    def weigh(self) -> tuple[tuple[Hour, ...], tuple[PollSeen, ...]]:
        """Return the hours with open time, and the polls discarded in the others."""
        pieces = open_pieces(self.time, self.span)
        settled = _settled(self.given, pieces, self.span)
        before = _before(self.given, self.time.schedules, self.span.first)
        turns = self.reasons.turns([poll for poll in (before, *settled) if poll and poll.counted])
        edges = (edge for note in self.notes for edge in note[:2])
        inside = (at for at in (*turns, *edges) if self.span.begin < at < self.span.end)
        begins = sorted({*self.span.hours, *inside})
        seen, of_hour = _by_part(settled, begins), _by_part(settled, self.span.hours)
        hours: list[Hour] = []
        discarded: list[PollSeen] = []
        for (begin, end), opened in zip(
            pairwise([*begins, self.span.last]), self._figures(begins), strict=True
        ):
            own, whole = seen[begin], of_hour[begin // HOUR * HOUR]
            if opened:
                reason = self._reason(opened[0].status, begin, own, whole, before)
                cuts = [begin, *(cut.begin for cut in opened[1:]), end]
                is_measured = reason.is_of_polls and any(poll.counted for poll in whole)
                hours.append(self._hour(cuts, reason, opened, own, pieces, measured=is_measured))
            else:
                discarded += [poll for poll in own if not poll.counted]
            before = next((poll for poll in reversed(own) if poll.counted), before)
        return tuple(hours), tuple(discarded)

    def _reason(
        self,
        status: str,
        begin: int,
        own: Sequence[PollSeen],
        whole: Sequence[PollSeen],
        before: PollSeen | None,
    ) -> Reason:
        at = max(begin, self.span.begin)
        place = bisect_right(self.notes, at, key=lambda note: note[0]) - 1
        if place >= 0 and at < self.notes[place][1]:
            return reason_stated(self.notes[place][2], Clock(zone=self.reasons.zone, at=begin))
        return self.reasons.of(status, begin, own, whole, before)

    def _hour(
        self,
        edges: Sequence[int],
        reason: Reason,
        opened: Sequence[_Cut],
        polls: Sequence[PollSeen],
        pieces: Sequence[tuple[int, int]],
        *,
        measured: bool,
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
                measured=measured,
            )
            for cut, (low, high) in zip(opened, pairwise(edges), strict=True)
        )
        return Hour(
            begin=edges[0],
            open=parts[0].open if len(parts) == 1 else self.span.inside(pieces, edges[0], edges[-1]),
            open_seconds=sum(part.open_seconds for part in parts),
            rows=parts[0].rows
            if len(parts) == 1
            else tuple(row for row in self.rows if any(row in part.rows for part in parts)),
            polls=tuple(polls),
            status=reason.status,
            reason=reason,
            measured=measured,
            parts=parts,
        )

    def _figures(self, begins: Sequence[int]) -> Iterator[list[_Cut]]:
        """Yield for each begin what is open up to the next one, cut where a local day begins."""
        days = (begin for begin, _ in self.days if self.span.first < begin < self.span.end)
        cuts = sorted({*begins, *days})
        edges = np.array([max(cut, self.span.begin) for cut in (*cuts, self.span.end)])
        of_store = self.time.schedules.of_store
        schedule, at = np.repeat(of_store, len(edges)), np.tile(edges, len(of_store))
        opened = self.time.table.open_before(schedule, at).reshape(len(of_store), len(edges))
        known = np.diff(self.status.sums(opened[:1])[0], axis=0)
        known[:, UNKNOWN] = ~known.any(axis=1)
        found = [
            _Cut(begin=begin, status=STATUSES[place], seconds=seconds)
            for begin, place, seconds in zip(
                cuts, known.argmax(axis=1).tolist(), np.diff(opened, axis=1).T.tolist(), strict=True
            )
        ]
        for _, same in groupby(found, lambda cut: bisect_right(begins, cut.begin)):
            yield [cut for cut in same if cut.seconds[0]]


@dataclass(frozen=True, kw_only=True)
class _Cut:
    """Time of one status within an hour and a local day."""

    begin: int  # seconds since 1970 UTC
    status: str
    seconds: list[int]  # that are open, of the store and of each row by its number


@dataclass(frozen=True, kw_only=True)
class Reasons:
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

    def of(
        self,
        status: str,
        begin: int,
        own: Sequence[PollSeen],
        whole: Sequence[PollSeen],
        before: PollSeen | None,
    ) -> Reason:
        """Return the reason of a part of an hour, which has one status from its begin on.

        Args:
            status: What the polls give.
            begin: Seconds since 1970 UTC.
            own: The part's polls. Under R15 the latest up to its begin decides.
            whole: All polls of the hour. Under R4 those that count decide.
            before: The latest counted poll before the part.
        """
        clock = Clock(zone=self.zone, at=begin)
        if self.policy is Policy.LAST_OBSERVATION:
            there = [
                poll for poll in own if poll.counted and poll.at // MICROSECONDS <= max(begin, self.since)
            ]
            return reason_observed(status, there[-1] if there else before, self.carry, clock)
        if any(poll.counted for poll in whole):
            return reason_with_polls(status, whole, clock)
        return reason_without_polls(status, before, self.carry, clock)


def _by_part(settled: Sequence[PollSeen], begins: Sequence[int]) -> dict[int, list[PollSeen]]:
    """Return the polls by the last begin before or at them."""
    parts: dict[int, list[PollSeen]] = {begin: [] for begin in begins}
    for poll in settled:
        parts[begins[bisect_right(begins, poll.at // MICROSECONDS) - 1]].append(poll)
    return parts


def open_pieces(time: OpenTime, span: Span) -> list[tuple[int, int]]:
    """Return store 0's open stretches (begin and end) over the window's whole hours."""
    stretches = time.table.stretches
    low, high = stretches.first[time.schedules.of_store[0] :][:2]
    first, last = span.first, span.last
    pieces = zip(stretches.begin[low:high].tolist(), stretches.end[low:high].tolist(), strict=True)
    return [(max(begin, first), min(end, last)) for begin, end in pieces if begin < last and end > first]


def _settled(given: Polls, pieces: Sequence[tuple[int, int]], span: Span) -> list[PollSeen]:
    """Return the polls of the window's whole hours, in order, one an instant (R1)."""
    order = np.lexsort((given.active, given.at))
    first, last = span.first, span.last
    instants = given.at[order]
    order = order[(instants >= first * MICROSECONDS) & (instants < last * MICROSECONDS)]
    at, place, count = np.unique(given.at[order], return_index=True, return_counts=True)
    least, most = given.active[order][place], given.active[order][place + count - 1]
    second = at // MICROSECONDS
    begins = np.array([begin for begin, _ in pieces], dtype=np.int64)
    ends = np.array([first, *(end for _, end in pieces)])  # before the first stretch all is closed
    is_open = second < ends[np.searchsorted(begins, second, side="right")]
    columns = (at, least, is_open, count, least != most)
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
