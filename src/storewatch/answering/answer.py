"""The one way to a report: settle what is asked, gather, compute.

ask ─► settle (as-of, version) ─► gather (facts) ─► compute (the kernel) ─► a complete report
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from storewatch.answering.course import Course
from storewatch.domain.assumed import Seen
from storewatch.domain.input import Input
from storewatch.domain.instant import MICROSECONDS, WEEK, resolve_as_of
from storewatch.domain.uptime import uptime
from storewatch.errors import InputError
from storewatch.formats.report import Report

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from storewatch.domain.ask import Ask
    from storewatch.domain.facts import Facts
    from storewatch.domain.slices import Within
    from storewatch.ports.polls import Snapshot, Source


@dataclass(frozen=True, kw_only=True)
class Settled:
    """An ask with all that decides its answer: its as-of and the version of the source."""

    ask: Ask
    version: str


def settle(snapshot: Snapshot, ask: Ask) -> Settled:
    """Settle an ask on a version of a source.

    Raises:
        InputError: A part of the ask is not known here.
        NoPollsError: No as-of is asked for, and there are no polls to take it from (R3).
    """
    if ask.unknown:
        raise InputError(f"this version of storewatch does not know what is asked: {', '.join(ask.unknown)}")
    as_of = resolve_as_of(None, snapshot.newest) if ask.as_of is None else ask.as_of
    return Settled(ask=ask.at(as_of), version=snapshot.version)


def plan(snapshot: Snapshot, ask: Ask, slices: int) -> Sequence[Within]:
    """Return the parts in which an ask is answered, in the order of their stores; a few stores are one."""
    if ask.is_of_few:
        return [ask.store_ids]
    return snapshot.slices(slices) if slices > 1 else [None]


def gather(snapshot: Snapshot, ask: Ask, within: Within) -> Facts:
    """Return the facts that a part of the answer to a settled ask rests on."""
    return snapshot.scan(since=ask.since, until=ask.until, within=within)


def answer(
    source: Source,
    ask: Ask,
    *,
    version: str | None = None,
    slices: int = 1,
    engine: Callable[[Facts, Ask], pl.DataFrame] = uptime,
    course: Course | None = None,
) -> Report:
    """Return the complete report that is asked for.

    It is made slice by slice, so that only one slice's facts are held at a time, and is the same, byte for
    byte, for any number of them.

    Args:
        source: A poll store, or facts in memory.
        ask: What is asked.
        version: Of the source; None: the present one.
        slices: How many, at most.
        engine: What computes the rows: the kernel, or the reference.
        course: Hears of each stage.

    Raises:
        InputError: A part of the ask is not known here, or the version is not kept any more.
        NoPollsError: There is neither a poll nor an as-of.
    """
    course = course or Course()
    with source.at(version) as snapshot:
        settled = settle(snapshot, ask)
        parts: list[Report] = []
        for within in plan(snapshot, settled.ask, slices):
            done = sum(part.rows.height for part in parts)
            with course.stage("gather", done=done):
                facts = gather(snapshot, settled.ask, within)
            course.read(facts)
            with course.stage("compute", done=done, total=_total(done, facts, settled.ask)):
                parts.append(compute(facts, settled, engine=engine))
        return _joined(parts, seen=_seen(snapshot, settled.ask, parts), newest=snapshot.newest)


def compute(
    facts: Facts, settled: Settled, *, engine: Callable[[Facts, Ask], pl.DataFrame] = uptime
) -> Report:
    """Return the report on facts that were gathered."""
    rows = engine(facts, settled.ask)
    made_of = Input.of(facts, rows["store_id"], version=settled.version, as_of=settled.ask.instant)
    return Report(rows=rows, ask=settled.ask, made_of=made_of)


def _seen(snapshot: Snapshot, ask: Ask, parts: Sequence[Report]) -> Seen:
    """Add up what was read; if only one instant has polls in it, look for the one before, however old."""
    seen = Seen.joined([part.made_of.seen for part in parts if part.made_of.seen])
    if ask.store_ids is not None or len(seen.newest) != 1:
        return seen
    until, span = seen.newest[0] - 1, WEEK * MICROSECONDS
    while until >= 0:
        at = snapshot.scan(since=max(until - span, 0), until=until).polls["at"].to_physical()
        earlier = at.filter(at <= until).max()
        if isinstance(earlier, int):
            return replace(seen, newest=(*seen.newest, earlier))
        until, span = until - span - 1, span * 4
    return seen


def _joined(parts: Sequence[Report], *, seen: Seen, newest: int | None) -> Report:
    """Put the parts of a report one after the other, which keeps the order of the ids."""
    return replace(
        parts[0],
        rows=pl.concat([part.rows for part in parts]),
        made_of=Input.joined([part.made_of for part in parts], seen, newest=newest, as_of=parts[0].as_of),
    )


def _total(done: int, facts: Facts, ask: Ask) -> int:
    """Return about how many stores there are to be done, as far as the slices have come."""
    if ask.store_ids is not None:
        return len(set(ask.store_ids))
    return done if facts.stores is None else done + len(facts.stores)
