"""Facts in memory as a source of reports: a folder that was read, frames that were given."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from storewatch.domain.instant import DAY, MICROSECONDS
from storewatch.domain.nearest import nearest
from storewatch.domain.slices import Slice, cut, only
from storewatch.domain.uptime import store_names
from storewatch.ports.polls import Amount

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from storewatch.domain.facts import Facts
    from storewatch.domain.slices import Within

SHORT = 15 * DAY * MICROSECONDS  # a time, what is carried into it too, of which all stores' hours may be held


@dataclass(frozen=True, kw_only=True)
class GivenFacts:
    """Facts that were read once, as a source of one version; a `Source`."""

    facts: Facts

    @contextmanager
    def at(self, version: str | None = None) -> Iterator[GivenSnapshot]:
        """Open the one state that there is."""
        del version
        yield GivenSnapshot(facts=self.facts)


def _are_within(within: Slice | Sequence[str]) -> pl.Expr:
    """Say of which rows the store is wanted, whether anything names it or not."""
    store = pl.col("store_id")
    if not isinstance(within, Slice):
        return store.is_in(list(within))
    is_before = pl.lit(value=True) if within.after is None else store < within.after
    return is_before if within.first is None else is_before & (store >= within.first)


@dataclass(frozen=True, kw_only=True)
class GivenSnapshot:
    """Facts that were read once; a `Snapshot`."""

    facts: Facts
    version: str = "given"
    shared: str = "given"
    kept_since: int | None = None

    @property
    def newest(self) -> int | None:
        """The newest poll's instant in microseconds since 1970 UTC, None without polls."""
        at = self.facts.polls["at"].to_physical().to_numpy()
        return int(at.max()) if len(at) else None

    def scan(self, *, since: int | None, until: int, within: Within = None) -> Facts:
        """Return the facts, the polls of `since` ≤ at ≤ `until` only, with `within` of these stores only."""
        facts = self._between(since, until)
        if within is None:
            return facts
        stores = only(self._names, within)
        mine = facts.where(pl.col("store_id").is_in(stores.implode()), _are_within(within))
        rejects = facts.rejects
        if isinstance(within, Slice) and within.first is not None and rejects is not None:
            rejects = rejects.clear()
        return replace(mine, stores=stores, rejects=rejects)

    def amount(self, *, since: int | None, until: int) -> Amount:
        """Return how many stores there are, where hours of a long time are laid out; nothing is read."""
        if since is not None and until - since <= SHORT:
            return Amount()
        return Amount(stores=len(self._names))

    def slices(self, count: int) -> list[Slice]:
        """Return up to `count` slices, in order, that together hold all stores, about as many each."""
        return cut(self._names, count)

    def has(self, store_id: str) -> bool:
        """Say whether anything names the store."""
        return store_id in self._names

    def near(self, store_id: str) -> list[str]:
        """Return up to three ids of stores that are most like one that there is not."""
        return nearest(store_id, self._names)

    def _between(self, since: int | None, until: int) -> Facts:
        at = self.facts.polls["at"].to_physical()
        inside = (at <= until) if since is None else at.is_between(since, until)
        if inside.all():
            return self.facts
        return replace(self.facts, polls=self.facts.polls.filter(inside), stores=self._names)

    @cached_property
    def _names(self) -> pl.Series:
        return store_names(self.facts)
