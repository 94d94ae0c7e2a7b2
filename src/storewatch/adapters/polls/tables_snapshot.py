"""A team's own tables as one transaction sees them, read by one statement a table."""

from __future__ import annotations

from dataclasses import replace
from threading import RLock
from typing import TYPE_CHECKING

import polars as pl
from psycopg import sql

from storewatch.adapters.polls.given import SHORT, GivenSnapshot
from storewatch.adapters.polls.postgres_queries import query_errors
from storewatch.adapters.polls.postgres_server import export
from storewatch.adapters.polls.tables_polls import EVERY_ROW, PollsTable, of_stores
from storewatch.domain.kinds import POLLS
from storewatch.domain.nearest import nearest
from storewatch.domain.slices import Slice, cut
from storewatch.domain.uptime import store_names
from storewatch.ingest import check_frames
from storewatch.ports.polls import Amount

if TYPE_CHECKING:
    from storewatch.adapters.polls.postgres_queries import Input
    from storewatch.adapters.polls.postgres_server import Connection
    from storewatch.adapters.polls.postgres_times import TimeColumn
    from storewatch.domain.facts import Facts
    from storewatch.domain.kinds import Kind
    from storewatch.domain.slices import Within


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
        source = inputs[POLLS].source
        self._polls = PollsTable(connection=connection, source=source, time=time, latest=latest)
        self._version = version
        self._newest: int | None = None
        self.kept_since: int | None = None  # nobody says what its owners drop
        self._reading = RLock()  # one statement at a time: there is one connection
        self._held: tuple[tuple[int | None, int], GivenSnapshot] | None = None

    @property
    def version(self) -> str:
        """Its name."""
        return self._version

    @property
    def shared(self) -> str:
        """Under which the same is read in another process, for as long as this one is open."""
        with self._reading:
            return f"{self._version}@{export(self._connection)}"

    @property
    def newest(self) -> int | None:
        """The newest poll's instant in microseconds since 1970 UTC, None without polls.

        A scan of all stores finds it on its way; asked for before one, it takes statements of its own.
        """
        with self._reading:
            if self._newest is None:
                self._newest = self._polls.newest()
            return self._newest

    def scan(self, *, since: int | None, until: int, within: Within = None) -> Facts:
        """Read all store names, the polls of `since` ≤ at ≤ `until` (microseconds), and all other kinds.

        With `within`: only what is about these stores; slices are cut in memory out of all, read once.
        Of two polls at one instant both come. `rejects` has the rows that a load would reject; of the polls
        those whose time stamp lies between the two, or can be no poll's.
        """
        with self._reading:
            if within is not None and not isinstance(within, Slice):
                return self._read(since, until, of_stores(within))[0]
            held = self._all(since, until)
        return held.scan(since=since, until=until, within=within)

    def _all(self, since: int | None, until: int) -> GivenSnapshot:
        """Return what was read of a time; it is read once."""
        asked = (since, until)
        if self._held is None or self._held[0] != asked:
            facts, newest = self._read(since, until, EVERY_ROW)
            self._held = asked, GivenSnapshot(facts=facts)
            self._newest = newest if self._newest is None else self._newest
        return self._held[1]

    def amount(self, *, since: int | None, until: int) -> Amount:
        """Return how many stores there are, where hours of a long time have to be held."""
        if since is not None and until - since <= SHORT:  # then all is read when the first slice is
            return Amount()
        with self._reading:
            return self._all(since, until).amount(since=since, until=until)

    def slices(self, count: int) -> list[Slice]:
        """Return up to `count` slices, in order, that together hold all stores, about as many each."""
        return cut(self._stores(), count)

    def has(self, store_id: str) -> bool:
        """Say whether a usable row names the store."""
        return store_id in store_names(self.scan(since=0, until=0, within=[store_id]))

    def near(self, store_id: str) -> list[str]:
        """Return up to three ids of stores that are most like one that there is not."""
        return nearest(store_id, self._stores())

    def _stores(self) -> pl.Series:
        with self._reading:
            held = self._held[1] if self._held else self._all(0, 0)
        return store_names(held.facts)

    def _read(self, since: int | None, until: int, own: sql.Composable) -> tuple[Facts, int | None]:
        """Return what is about some stores, and the newest poll if that is known by it."""
        found = self._polls.find(since, min(until, self._polls.latest), own)
        others = check_frames(
            {kind.name: self._rows(kind, own) for kind in self._inputs if kind is not POLLS}
        )
        rejects = pl.concat([found.rejects, others.rejects])
        facts = replace(
            others.facts,
            polls=found.polls,
            stores=pl.concat([found.stores, others.stores.rename("store_id")]).unique().sort(),
            rejects=rejects.select("kind", "reason", "row"),
        )
        return facts, found.newest

    def _rows(self, kind: Kind, own: sql.Composable) -> pl.DataFrame:
        """Return the rows of a kind, all columns as text."""
        where = own if kind.by_store else EVERY_ROW
        select = sql.SQL("SELECT * FROM {} WHERE {}").format(self._inputs[kind].source, where)
        statement = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv)").format(select)
        with query_errors(kind), self._connection.cursor().copy(statement) as copy:
            data = b"".join(copy)
        schema = dict.fromkeys(self._inputs[kind].columns, pl.String())
        if not data:
            return pl.DataFrame(schema=schema)
        return pl.read_csv(data, has_header=False, schema=schema, encoding="utf8-lossy")
