"""The hours of all stores (R13), slice by slice, in the way that a report goes."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from storewatch.answering.answer import SLICE_POLLS, plan, settle
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


T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class StoreHours:
    """The hours of a slice's stores."""

    stores: pl.Series  # ids, in order
    rows: pl.DataFrame  # as `hour_facts` returns them


@contextmanager
def open_hours(
    source: Source, ask: Ask, begin: int, end: int, *, slices: int | None = None
) -> Iterator[tuple[Ask, Iterator[StoreHours]]]:
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
        rule = partial(_hours, ask=ask, begin=begin, end=end)
        with closing(each_slice(snapshot, ask, planned, rule)) as hours:
            yield ask, hours


def _hours(facts: Facts, _: Within, *, ask: Ask, begin: int, end: int) -> StoreHours:
    return StoreHours(stores=named_stores(facts, ask)[0], rows=hour_facts(facts, ask, begin, end))


def plan_hours(snapshot: Snapshot, ask: Ask, seconds: int, count: int | None) -> Sequence[Within]:
    """Return the slices in which the hours of a time are worked out, as `plan` does."""
    amount = snapshot.amount(since=ask.since, until=ask.until)
    hours = amount.stores * seconds // HOUR
    return plan(snapshot, ask, count or max(-(-amount.polls // SLICE_POLLS), -(-hours // SLICE_HOURS)))


def each_slice(
    snapshot: Snapshot, ask: Ask, slices: Sequence[Within], rule: Callable[[Facts, Within], T]
) -> Generator[T]:
    """Yield what a rule makes of the facts of each slice, on the cores of this machine, in their order."""

    def make(within: Within) -> T:
        return rule(snapshot.scan(since=ask.since, until=ask.until, within=within), within)

    return LocalEngine().each(make, slices)
