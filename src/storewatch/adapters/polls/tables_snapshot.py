"""A team's own tables as one transaction sees them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from psycopg import sql

from storewatch.adapters.polls.given import GivenSnapshot
from storewatch.adapters.polls.postgres_keys import writable
from storewatch.adapters.polls.postgres_queries import query_errors
from storewatch.adapters.polls.postgres_wire import copy_rows_out
from storewatch.domain.kinds import POLLS
from storewatch.domain.nearest import nearest
from storewatch.domain.slices import Slice, cut
from storewatch.ingest import check_frames
from storewatch.ingest.ids import readable_ids

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storewatch.adapters.polls.postgres_queries import Input
    from storewatch.adapters.polls.postgres_server import Connection
    from storewatch.adapters.polls.postgres_times import TimeColumn
    from storewatch.domain.facts import Facts
    from storewatch.domain.kinds import Kind
    from storewatch.domain.slices import Within
    from storewatch.ingest import Reading

_ALL_STORES = sql.SQL("true")


class TablesSnapshot:
    """The tables as one transaction sees them; a `Snapshot`."""

    def __init__(
        self,
        connection: Connection,
        inputs: dict[Kind, Input],
        time: TimeColumn,
        *,
        version: str,
        latest: int,
    ) -> None:
        """Take a connection that reads, and the last instant (microseconds) that a poll may have."""
        self._connection = connection
        self._inputs = inputs
        self._time = time
        self._version = version
        self._latest = latest
        self._held: tuple[tuple[int | None, int], GivenSnapshot] | None = None

    @property
    def version(self) -> str:
        """Its name."""
        return self._version

    @property
    def newest(self) -> int | None:
        """The newest poll's instant in microseconds since 1970 UTC, None without polls."""
        with query_errors(POLLS):
            last = self._select(self._time.last(), self._time.before(self._latest))
            row = self._connection.execute(last).fetchone()
        since = self._time.well_before(row[0]) if row else None
        at = None if since is None else _newest(self._read_polls(since, self._latest))
        # What looks like the newest may be rejected for other reasons: then all polls are looked at.
        return _newest(self._read_polls(None, self._latest)) if at is None else at

    def scan(self, *, since: int | None, until: int, within: Within = None) -> Facts:
        """Read all store names, the polls of `since` ≤ at ≤ `until` (microseconds), and all other kinds.

        With `within`: only what is about these stores. Of two polls at one instant both come. `rejects` has
        the rows that a load would reject; of the polls those whose time stamp lies between the two, or is
        none.
        """
        if isinstance(within, Slice):
            return self._whole(since, until).scan(since=since, until=until, within=within)
        own = _of_stores(within)
        reading = self._read_polls(since, min(until, self._latest), own, others=True)
        return replace(
            reading.facts,
            stores=pl.concat([self._polled(own), reading.stores.rename("store_id")]).unique().sort(),
            rejects=reading.rejects.select("kind", "reason", "row"),
        )

    def _whole(self, since: int | None, until: int) -> GivenSnapshot:
        """Return all that there is to be read between two instants; it is read once and cut in memory."""
        if self._held is None or self._held[0] != (since, until):
            self._held = (since, until), GivenSnapshot(facts=self.scan(since=since, until=until))
        return self._held[1]

    def slices(self, count: int) -> list[Slice]:
        """Return up to `count` slices, in order, that together hold all stores, about as many each."""
        return cut(self._stores(), count)

    def has(self, store_id: str) -> bool:
        """Say whether a usable row names the store."""
        return store_id in self._stores([store_id])

    def near(self, store_id: str) -> list[str]:
        """Return up to three ids of stores that are most like one that there is not."""
        return nearest(store_id, self._stores())

    def _stores(self, within: Sequence[str] | None = None) -> pl.Series:
        stores = self.scan(since=0, until=0, within=within).stores
        assert stores is not None  # noqa: S101 - see scan
        return stores

    def _select(self, what: sql.Composable, where: sql.Composable) -> sql.Composed:
        source = self._inputs[POLLS].source
        return sql.SQL("SELECT {} FROM {} WHERE {}").format(what, source, where)

    def _read_polls(
        self,
        since: int | None,
        until: int,
        own: sql.Composable = _ALL_STORES,
        *,
        others: bool = False,
    ) -> Reading:
        """Read and check polls of `since` ≤ at ≤ `until`, and the other inputs if they are wanted."""
        within = sql.SQL("({}) AND {}").format(self._time.within(since, until), own)
        frames = {"polls": self._polls(within)}
        for kind, one in self._inputs.items() if others else ():
            if kind is not POLLS:
                select = sql.SQL("SELECT * FROM {} WHERE {}").format(one.source, own)
                frames[kind.name] = _copy_out(self._connection, kind, select)
        return _cut(check_frames(frames), since, until)

    def _polls(self, where: sql.Composable) -> pl.DataFrame:
        """Return polls as they are, read in packed groups: row by row it would take many times as long."""
        columns = sql.SQL("store_id::text, status::text, count(timestamp_utc), count(*), {}")
        select = self._select(columns.format(self._time.packed), where)
        with query_errors(POLLS):
            statement = sql.SQL("{} GROUP BY 1, 2").format(select)
            groups = self._connection.cursor(binary=True).execute(statement).fetchall()
        stamps, counts = self._time.unpacked([group[4] for group in groups if group[4] is not None])
        if counts.to_list() != [group[2] for group in groups if group[4] is not None]:
            return _copy_out(self._connection, POLLS, self._select(sql.SQL("*"), where))
        return _ungrouped(groups, stamps)

    def _polled(self, own: sql.Composable) -> pl.Series:
        """Return the ids in polls of any time that a load would take."""
        condition = sql.SQL("status::text IN ('active', 'inactive') AND {} AND {}")
        usable = condition.format(self._time.before(self._latest), own)
        with query_errors(POLLS):
            select = self._select(sql.SQL("DISTINCT store_id::text"), usable)
            rows = self._connection.execute(select).fetchall()
        ids = pl.Series("store_id", [name for (name,) in rows], dtype=pl.String)
        return pl.Series("store_id", sorted(readable_ids(ids)), dtype=pl.String)


def _of_stores(within: Sequence[str] | None) -> sql.Composable:
    """Return a condition for rows of these stores; an id with a zero byte in it is in no row."""
    if within is None:
        return _ALL_STORES
    return sql.SQL("store_id::text = ANY({}::text[])").format(sql.Literal(writable(within)))


def _copy_out(connection: Connection, kind: Kind, select: sql.Composable) -> pl.DataFrame:
    """Return what a statement gives, all columns as text."""
    with query_errors(kind):
        return copy_rows_out(connection, select, dict.fromkeys(kind.names, pl.String()))


def _ungrouped(groups: Sequence[tuple[Any, ...]], stamps: pl.Series) -> pl.DataFrame:
    """Return polls from groups (store id, status, how many have a stamp, how many in all) and stamps."""
    sound = np.array([group[2] for group in groups], dtype=np.int64)
    rows = np.array([group[3] for group in groups], dtype=np.int64)
    nth = np.arange(len(groups), dtype=np.uint32)
    order = pl.Series(np.concatenate([nth.repeat(sound), nth.repeat(rows - sound)]))
    ids = pl.Series("store_id", [group[0] for group in groups], dtype=pl.String).cast(pl.Categorical)
    statuses = pl.Series("status", [group[1] for group in groups], dtype=pl.String)
    every = stamps.extend_constant(None, len(order) - len(stamps)).rename("timestamp_utc")
    return pl.DataFrame([ids.gather(order), statuses.gather(order), every])


def _newest(reading: Reading) -> int | None:
    at = reading.facts.polls["at"].to_physical().max()
    return at if isinstance(at, int) else None


def _cut(reading: Reading, since: int | None, until: int) -> Reading:
    """Leave out good polls that are not between two instants."""
    polls = reading.facts.polls
    at = polls["at"].to_physical()
    inside = (at <= until) if since is None else at.is_between(since, until)
    if inside.all():
        return reading
    return replace(reading, facts=replace(reading.facts, polls=polls.filter(inside)))
