"""The hours of all stores (R13), slice by slice, in the way that a report goes."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from storewatch.answering.answer import SLICE_POLLS, plan, settle
from storewatch.domain.assumed import Seen
from storewatch.domain.hours import hour_facts
from storewatch.domain.instant import HOUR, iso
from storewatch.domain.uptime import named_stores
from storewatch.engines.local import LocalEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    import polars as pl

    from storewatch.domain.ask import Ask
    from storewatch.domain.facts import Facts
    from storewatch.domain.slices import Within
    from storewatch.ports.polls import Snapshot, Source

SLICE_HOURS = 1 << 20  # of all stores of a slice, about


@dataclass(frozen=True, kw_only=True)
class Told:
    """What is told of the stores of a slice."""

    stores: pl.Series  # their ids, in order
    rows: pl.DataFrame  # by store or not, as whoever tells likes
    seen: Seen


@contextmanager
def open_hours(
    source: Source, ask: Ask, begin: int, end: int, *, slices: int | None = None
) -> Iterator[tuple[Ask, Iterator[Told]]]:
    """Yield the settled ask, and the hours of slice after slice, whose stores are in order.

    Args:
        source: A poll store, or facts in memory; it is read while the hours are taken.
        ask: But for its windows. No as-of: the later of the end and the newest poll.
        begin: Seconds since 1970 UTC.
        end: The same.
        slices: How many, at most; None: as many as bound what is held at a time.

    Raises:
        InputError: The end is not after the begin, or after the as-of; or needed polls are not kept any more.
        NoPollsError: There is neither a poll nor an as-of.
    """
    ask = replace(ask, windows=(f"{iso(begin)}/{iso(end)}",))
    with source.at() as snapshot:
        ask = settle(snapshot, ask).ask
        planned = plan_hours(snapshot, ask, end - begin, slices)
        with closing(tell(snapshot, ask, planned, partial(hour_facts, begin=begin, end=end))) as told:
            yield ask, told


def plan_hours(snapshot: Snapshot, ask: Ask, seconds: int, count: int | None) -> Sequence[Within]:
    """Return the slices in which the hours of a time are told, as `plan` does."""
    amount = snapshot.amount(since=ask.since, until=ask.until)
    hours = amount.stores * seconds // HOUR
    return plan(snapshot, ask, count or max(-(-amount.polls // SLICE_POLLS), -(-hours // SLICE_HOURS)))


def tell(
    snapshot: Snapshot, ask: Ask, slices: Sequence[Within], rule: Callable[[Facts, Ask], pl.DataFrame]
) -> Generator[Told]:
    """Yield what a rule tells of each slice, on the cores of this machine, in their order."""
    return LocalEngine().each(partial(_told, snapshot, ask, rule), slices)


def _told(snapshot: Snapshot, ask: Ask, rule: Callable[[Facts, Ask], pl.DataFrame], within: Within) -> Told:
    facts = snapshot.scan(since=ask.since, until=ask.until, within=within)
    stores, _ = named_stores(facts, ask)
    return Told(stores=stores, rows=rule(facts, ask), seen=Seen.of(facts, stores, as_of=ask.instant))
