"""The one way to a report: settle what is asked, plan slices, put their parts together.

ask ─► settle (as-of, version) ─► plan (slices) ─► gather, compute each (an engine) ─► a complete report
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl
import polars.selectors as cs

from storewatch.answering.course import Course
from storewatch.domain.account import account
from storewatch.domain.assumed import Seen
from storewatch.domain.groups import added, group_table
from storewatch.domain.input import Input
from storewatch.domain.instant import HOUR, MICROSECONDS, WEEK, iso, resolve_as_of
from storewatch.domain.label import words_of
from storewatch.engines.local import LocalEngine
from storewatch.errors import DroppedError, InputError, NoStoreError
from storewatch.formats.report import Report
from storewatch.formats.rows import Rows
from storewatch.ports.jobs import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from storewatch.domain.ask import Ask
    from storewatch.domain.slices import Within
    from storewatch.engines.part import Engine, Part, Rules
    from storewatch.ports.polls import Snapshot, Source

# The most that a slice holds, about; see docs/decisions/0013-parts.md.
SLICE_POLLS = 1 << 21
SLICE_STORES = 1 << 15
SLICE_HOURS = SLICE_STORES * 7 * 24  # of all its stores


@dataclass(frozen=True, kw_only=True)
class Settled:
    """An ask with all that decides its answer: its as-of and the version of the source."""

    ask: Ask
    version: str


def settle(snapshot: Snapshot, ask: Ask) -> Settled:
    """Settle an ask on a version of a source.

    Where a window is from an instant to another and no as-of is asked for, it is not before that one (R11).

    Raises:
        InputError: A part of the ask is not known here.
        DroppedError: Polls that it needs were dropped.
        NoPollsError: No as-of is asked for, and there are no polls to take it from (R3).
    """
    if ask.unknown:
        raise InputError(f"this version of storewatch does not know what is asked: {', '.join(ask.unknown)}")
    if ask.as_of is None:
        ends = (window.span[1] for window in ask.parsed_windows if window.span)
        ask = ask.at(max([resolve_as_of(None, snapshot.newest), *ends]))
    _check_kept(snapshot, ask)
    return Settled(ask=ask, version=snapshot.version)


def _check_kept(snapshot: Snapshot, ask: Ask) -> None:
    """Refuse what would count as unknown because its polls were dropped (R11).

    What would be carried without end from before the windows is not missed.
    """
    needed = ask.begin * MICROSECONDS if ask.since is None else ask.since
    if snapshot.kept_since is not None and needed < snapshot.kept_since:
        raise DroppedError(
            f"this needs polls from {iso(needed // MICROSECONDS)} on, and those before "
            f"{iso(snapshot.kept_since // MICROSECONDS)} were dropped: ask for shorter windows, a later as-of"
            " or a shorter carry"
        )


def plan(snapshot: Snapshot, ask: Ask, count: int | None = None) -> Sequence[Within]:
    """Return the slices in which a settled ask is answered, in the order of their stores; few stores are one.

    Args:
        snapshot: What is read.
        ask: What is asked.
        count: Of slices, at most; None: as many as bound what is held at a time.
    """
    if ask.is_of_few:
        return [ask.store_ids]
    if count is None:
        amount = snapshot.amount(since=ask.since, until=ask.until)
        hours = amount.stores * ((ask.instant - ask.begin) // HOUR)
        count = max(-(-amount.polls // SLICE_POLLS), -(-hours // SLICE_HOURS))
    return snapshot.slices(count) if count > 1 else [None]


def answer(
    source: Source,
    ask: Ask,
    *,
    version: str | None = None,
    slices: int | None = None,
    rules: Rules = account,
    engine: Engine | None = None,
    course: Course | None = None,
    folder: str | None = None,
) -> Report:
    """Return the complete report that is asked for.

    It is made slice by slice and put together on disk, so that a few slices are held at a time, whatever the
    fleet, and is the same, byte for byte, for any number of them.

    Args:
        source: A poll store, or facts in memory.
        ask: What is asked.
        version: Of the source; None: the present one.
        slices: How many, at most; None: as many as bound what is held at a time.
        rules: What computes the rows: the kernel, or the reference.
        engine: Where slices are computed; None: on the cores of this machine.
        course: Hears of each stage.
        folder: On the shelf, where an engine may keep parts meanwhile; None: one of its own.

    Raises:
        InputError: A part of the ask is not known here, or the version is not kept any more.
        NoPollsError: There is neither a poll nor an as-of.
        NoStoreError: No store has the labels that are asked for.
        OverError: Nobody needs it any more, as the course says.
    """
    course, engine = course or Course(), engine or LocalEngine()
    with source.at(version) as snapshot:
        ask = settle(snapshot, ask).ask
        planned = plan(snapshot, ask, slices)
        with closing(
            engine.parts(snapshot, ask, planned, rules=rules, tell=course.tell, folder=folder)
        ) as parts:
            rows, touched, sums, found = _joined(parts, course, of=len(planned))
        if ask.where and not rows.height:
            raise NoStoreError(words_of(ask.where))
        seen = _seen(snapshot, ask, planned, found)
        made_of = Input.joined(found, seen, newest=snapshot.newest, as_of=ask.instant)
    groups = None if ask.by is None or sums is None else group_table(sums, ask.by, ask.parsed_windows)
    return Report(parts=rows, touched=touched, groups=groups, ask=ask, made_of=made_of)


def _joined(
    parts: Iterator[Part], course: Course, *, of: int
) -> tuple[Rows, pl.DataFrame, pl.DataFrame | None, list[Input]]:
    """Put the parts of a report one after the other, which keeps the order of the ids; add up the rest."""
    part = next(parts)
    course.add(part)
    rows, touched, sums, found = Rows(part.rows), [part.touched], part.groups, [part.made_of]
    for part in parts:
        # Slices have about as many stores each.
        course.tell(Progress(stage="compute", done=rows.height, total=rows.height * of // len(found)))
        course.add(part)
        rows.add(part.rows)
        touched.append(part.touched)
        if sums is not None and part.groups is not None:
            sums = added([sums, part.groups])
        found.append(part.made_of)
    return rows, _added_up(touched), sums, found


def _added_up(touched: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return what annotations decide in all parts, by id; what else is said of one is the same in all."""
    seconds = cs.starts_with("seconds_")
    return pl.concat(touched).group_by("id").agg((~seconds).first(), seconds.sum()).sort("id")


def _seen(snapshot: Snapshot, ask: Ask, slices: Sequence[Within], found: Sequence[Input]) -> Seen:
    """Add up what was read; if only one instant has polls in it, look for the one before, however old."""
    seen = Seen.joined([part.seen for part in found if part.seen])
    if ask.store_ids is not None or len(seen.newest) != 1:
        return seen
    until, span = seen.newest[0] - 1, WEEK * MICROSECONDS
    while until >= 0:
        since = max(until - span, 0)
        earlier = [at for within in slices for at in _newest(snapshot, since, until, within)]
        if earlier:
            return replace(seen, newest=(*seen.newest, max(earlier)))
        until, span = until - span - 1, span * 4
    return seen


def _newest(snapshot: Snapshot, since: int, until: int, within: Within) -> Iterator[int]:
    """Yield the newest instant with polls of `since` ≤ at ≤ `until` (microseconds), if there is one."""
    newest = snapshot.scan(since=since, until=until, within=within).polls["at"].to_physical().max()
    if isinstance(newest, int):
        yield newest
