"""One version of the embedded poll store, open to be read: its files never change."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from storewatch.adapters.polls.delta_parts import owners
from storewatch.adapters.polls.delta_table import STORES
from storewatch.domain.facts import Facts
from storewatch.domain.instant import DAY, MICROSECONDS, as_of_from_newest
from storewatch.domain.kinds import HOURS, POLLS, ZONES, replaced_kinds
from storewatch.domain.nearest import nearest
from storewatch.domain.slices import Slice, cut, only
from storewatch.domain.validity import run_out
from storewatch.ports.polls import Amount

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storewatch.adapters.polls.delta_table import DataFile, Version
    from storewatch.domain.slices import Within

_IDS = {"store_id": pl.String}


class DeltaSnapshot:
    """A version of the table; a `Snapshot`."""

    def __init__(self, table: Version) -> None:
        """Take the version."""
        self.table = table

    @property
    def version(self) -> str:
        """Its name."""
        return self.table.name

    @property
    def shared(self) -> str:
        """The same: the files of a version are the same for all."""
        return self.table.name

    @property
    def newest(self) -> int | None:
        """The newest poll's instant in microseconds since 1970 UTC, None without polls."""
        return max((file.last for file in self.table.polls() if file.last is not None), default=None)

    @property
    def kept_since(self) -> int | None:
        """Before when retention dropped polls, microseconds since 1970 UTC; None: it dropped none."""
        day = self.table.kept_since
        return None if day is None else day * DAY * MICROSECONDS

    def scan(self, *, since: int | None, until: int, within: Within = None) -> Facts:
        """Read all store names, the polls of `since` ≤ at ≤ `until` (microseconds), and all other kinds.

        With `within`: only what is about these stores. The polls are in order within each of some pieces.
        """
        stores = only(self._ids, within)
        own = within if within is None or isinstance(within, Slice) else stores
        return Facts(
            polls=read_polls(self.table, self.table.polls(), since, until, own),
            others=read_others(self.table, own),
            stores=stores,
        )

    def amount(self, *, since: int | None, until: int) -> Amount:
        """Return about how much `scan` has to read: what the files that it would open hold."""
        files = [file for file in self.table.polls() if file.meets(since, until)]
        stores = sum(file.rows for file in self.table.of(STORES))
        return Amount(stores=stores, polls=sum(file.rows for file in files))

    def slices(self, count: int) -> list[Slice]:
        """Return up to `count` slices, in order, that together hold all stores, about as many each."""
        return cut(self._ids, count)

    def has(self, store_id: str) -> bool:
        """Say whether any load named the store."""
        return store_id in self._ids

    def near(self, store_id: str) -> list[str]:
        """Return up to three ids of stores that are most like one that there is not."""
        return nearest(store_id, self._ids)

    @cached_property
    def _ids(self) -> pl.Series:
        return read_stores(self.table)


def read_others(table: Version, within: Slice | pl.Series | None = None) -> dict[str, pl.DataFrame]:
    """Return the rows of all kinds but polls, by kind, of some stores or of all."""
    return {
        kind.name: kind.lean(table.read(table.of(kind.name), kind.whole, within if kind.by_store else None))
        for kind in replaced_kinds()
    }


def count_run_out(table: Version) -> int:
    """Count the stores whose hours have run out by the newest poll (R8), a file of hours at a time."""
    newest = DeltaSnapshot(table).newest
    if newest is None:
        return 0
    count = 0
    for file in table.of(HOURS.name):
        if not table.has(file, HOURS.optional):
            continue
        hours = table.read([file], HOURS.whole)
        ids = hours["store_id"].unique().sort()
        zones = table.read(owners(table.of(ZONES.name), ids), ZONES.schema, ids)
        count += len(run_out(hours, zones, as_of_from_newest(newest)))
    return count


def read_stores(table: Version) -> pl.Series:
    """Return the ids of the stores that any load named, String, sorted."""
    return table.read(table.of(STORES), _IDS)["store_id"].sort()


def read_polls(
    table: Version,
    files: Sequence[DataFile],
    since: int | None,
    until: int,
    within: Slice | pl.Series | None = None,
) -> pl.DataFrame:
    """Return the polls of some files between two instants, both included, of some stores or of all."""
    polls = table.read([file for file in files if file.meets(since, until)], POLLS.schema, within)
    at = polls["at"].to_physical()
    inside = (at <= until) if since is None else at.is_between(since, until)
    return polls if inside.all() else polls.filter(inside)
