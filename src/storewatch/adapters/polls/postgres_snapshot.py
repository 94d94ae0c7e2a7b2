"""One version of the poll store in PostgreSQL, open to be read: all of it in one transaction."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from datetime import UTC
from typing import TYPE_CHECKING

from storewatch.adapters.polls.postgres_keys import find_stores, writable
from storewatch.adapters.polls.postgres_kinds import read_rows
from storewatch.adapters.polls.postgres_server import Readers
from storewatch.adapters.polls.postgres_weeks import amount, read_polls
from storewatch.adapters.polls.postgres_wire import instant, micros
from storewatch.domain.facts import Facts
from storewatch.domain.kinds import replaced_kinds
from storewatch.domain.nearest import NEIGHBOURS, most_alike
from storewatch.domain.slices import Slice, between
from storewatch.errors import InputError
from storewatch.ports.polls import Amount

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storewatch.adapters.polls.postgres_server import Connection, Server
    from storewatch.domain.slices import Within

# Retention waits for whoever holds this. It comes before all that is read, so that a snapshot which holds it
# either has a week whole or knows that it is gone. The weeks stay free: retention may wait for them.
_HOLD = "LOCK TABLE ONLY storewatch.polls IN ACCESS SHARE MODE"
_LAST = "SELECT load, newest FROM storewatch.loads ORDER BY load DESC LIMIT 1"
_LOAD = "SELECT load, newest FROM storewatch.loads WHERE load = %s"
_KEPT_SINCE = "SELECT max(kept_since) FROM storewatch.loads WHERE load > %s"
_DROPPED_BEFORE = "SELECT max(kept_since) FROM storewatch.loads WHERE load <= %s"
_COUNT = "SELECT count(*) FROM storewatch.stores WHERE load <= %s"
_EDGES = """
SELECT min(store_id) FROM (
    SELECT store_id, ntile(%(count)s) OVER (ORDER BY store_id) AS part
    FROM storewatch.stores WHERE load <= %(load)s
) AS numbered GROUP BY part ORDER BY part
"""
# By code points: the ids are COLLATE "C", and so is the index on them from their end.
_NEIGHBOURS = """
(SELECT store_id FROM storewatch.stores WHERE store_id < %(id)s AND load <= %(load)s
ORDER BY store_id DESC LIMIT %(most)s)
UNION ALL
(SELECT store_id FROM storewatch.stores WHERE store_id > %(id)s AND load <= %(load)s
ORDER BY store_id LIMIT %(most)s)
"""
_ENDING_ALIKE = """
(SELECT store_id FROM storewatch.stores
WHERE reverse(store_id) COLLATE "C" < reverse(%(id)s) AND load <= %(load)s
ORDER BY reverse(store_id) COLLATE "C" DESC LIMIT %(most)s)
UNION ALL
(SELECT store_id FROM storewatch.stores
WHERE reverse(store_id) COLLATE "C" > reverse(%(id)s) AND load <= %(load)s
ORDER BY reverse(store_id) COLLATE "C" LIMIT %(most)s)
"""


class PostgresSnapshot:
    """A version in the database; a `Snapshot`."""

    def __init__(self, readers: Readers, *, load: int, newest: int | None, address: str) -> None:
        """Take what `open_snapshot` found."""
        self._readers = readers
        self._load = load
        self._newest = newest
        self._address = address

    @property
    def version(self) -> str:
        """Its name."""
        return version_name(self._load)

    @property
    def shared(self) -> str:
        """Under which the same is read in another process, for as long as this one is open."""
        return f"{self.version}@{self._readers.shared}"

    @property
    def newest(self) -> int | None:
        """The newest poll's instant in microseconds since 1970 UTC, None without polls."""
        return self._newest

    @property
    def kept_since(self) -> int | None:
        """Before when retention dropped polls, microseconds since 1970 UTC; None: it dropped none."""
        with self._readers.one() as connection:
            (kept,) = connection.execute(_DROPPED_BEFORE, [self._load]).fetchone() or (None,)
        return None if kept is None else micros(kept)

    def scan(self, *, since: int | None, until: int, within: Within = None) -> Facts:
        """Read all store names, the polls of `since` ≤ at ≤ `until` (microseconds), and all other kinds.

        With `within`: only what is about these stores. The polls are in pieces of one store and status.

        Raises:
            InputError: Retention has dropped polls that it needs.
        """
        with self._readers.one() as connection:
            self._check_kept(connection, since)
            stores = find_stores(connection, within, load=self._load)
            return Facts(
                polls=read_polls(connection, stores, load=self._load, since=since, until=until),
                others={
                    kind.name: read_rows(connection, kind, stores, load=self._load)
                    for kind in replaced_kinds()
                },
                stores=stores.ids,
            )

    def amount(self, *, since: int | None, until: int) -> Amount:
        """Return about how much `scan` has to read, by how large the weeks are."""
        with self._readers.one() as connection:
            (stores,) = connection.execute(_COUNT, [self._load]).fetchone() or (0,)
            return Amount(stores=stores, polls=amount(connection, since=since, until=until))

    def slices(self, count: int) -> list[Slice]:
        """Return up to `count` slices, in order, that together hold all stores, about as many each."""
        with self._readers.one() as connection:
            rows = connection.execute(_EDGES, {"count": count, "load": self._load}).fetchall()
        return between(edge for (edge,) in rows[1:])

    def has(self, store_id: str) -> bool:
        """Say whether any load named the store."""
        with self._readers.one() as connection:
            return len(find_stores(connection, [store_id], load=self._load).ids) > 0

    def near(self, store_id: str) -> list[str]:
        """Return up to three ids of stores that are most like one that there is not."""
        wanted = {"id": "".join(writable(store_id)), "load": self._load, "most": NEIGHBOURS}
        with self._readers.one() as connection:
            found = [
                name
                for query in (_NEIGHBOURS, _ENDING_ALIKE)
                for (name,) in connection.execute(query, wanted).fetchall()
            ]
        return most_alike(store_id, found)

    def _check_kept(self, connection: Connection, since: int | None) -> None:
        (kept_since,) = connection.execute(_KEPT_SINCE, [self._load]).fetchone() or (None,)
        if kept_since is not None and (since is None or instant(since) < kept_since):
            raise InputError(
                f"version {self.version} of the poll store at {self._address} is no longer kept: "
                f"polls before {kept_since.astimezone(UTC):%Y-%m-%d} were dropped; read the present version"
            )


@contextmanager
def open_snapshot(
    server: Server, load: int | None, *, shared: str | None = None
) -> Iterator[PostgresSnapshot]:
    """Open the version that a load ended, by default the last one.

    Args:
        server: Where.
        load: Its number.
        shared: By which an open snapshot can be read elsewhere.

    Raises:
        InputError: There is no such version.
    """
    with ExitStack() as closing:
        connection = closing.enter_context(server.reading(shared))
        connection.execute(_HOLD)
        number, newest = _found(connection, load, server.address)
        readers = Readers(server, connection, closing)
        yield PostgresSnapshot(readers, load=number, newest=newest, address=server.address)


def _found(connection: Connection, load: int | None, address: str) -> tuple[int, int | None]:
    """Return the number of a load, by default of the last one, and the newest poll's instant after it."""
    if load is None:
        return last_load(connection)
    row = connection.execute(_LOAD, [load]).fetchone() or (0, None)
    if row[0] != load:
        raise InputError(f"version {version_name(load)} is not known to the poll store at {address}")
    return load, None if row[1] is None else micros(row[1])


def version_name(load: int) -> str:
    """Return the name of the version that a load ended."""
    return f"postgresql:{load}"


def last_load(connection: Connection) -> tuple[int, int | None]:
    """Return the number of the last load, 0 before the first, and the newest poll's instant."""
    number, newest = connection.execute(_LAST).fetchone() or (0, None)
    return number, None if newest is None else micros(newest)
