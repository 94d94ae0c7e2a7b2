"""The poll store in PostgreSQL: its own schema, polls partitioned by week, versions by load.

Loads run one after the other: each takes a lock that ends with its transaction, however that ends. So the
number of a load is its place in the order of commits, and a version, named for its last load, is every row
that came by that load and was not ended by it. Readers take no lock of ours, and wait for nobody.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, LiteralString

import polars as pl

from storewatch.adapters.polls import postgres_schema as schema
from storewatch.adapters.polls.merge import decide, labels_of, polls_of, spoken_ids
from storewatch.adapters.polls.postgres_kinds import known_rows, replace_rows
from storewatch.adapters.polls.postgres_server import Server
from storewatch.adapters.polls.postgres_snapshot import last_load, open_snapshot, version_name
from storewatch.adapters.polls.postgres_weeks import (
    add_polls,
    detach_week,
    drop_tables,
    monday_after,
    weeks_over,
)
from storewatch.adapters.polls.postgres_wire import instant
from storewatch.domain.instant import as_of_from_newest
from storewatch.domain.kinds import HOURS, ZONES, replaced_kinds, spoken_of
from storewatch.domain.validity import run_out
from storewatch.errors import InputError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from storewatch.adapters.polls.merge import Change
    from storewatch.adapters.polls.postgres_server import Connection
    from storewatch.adapters.polls.postgres_snapshot import PostgresSnapshot
    from storewatch.domain.kinds import Kind
    from storewatch.ports.polls import Load, LoadSummary, Probe, Rewritten, Waiting

_VERSION = re.compile(r"postgresql:(\d{1,18})(?:@([0-9A-F-]+))?")  # the end: of an open snapshot, shared
_KNOWN_STORES = "SELECT store_id, store_key FROM storewatch.stores WHERE store_id = ANY(%s)"
_ADD_STORES = """
INSERT INTO storewatch.stores (store_id, store_key, load)
SELECT store_id, coalesce((SELECT max(store_key) FROM storewatch.stores), -1) + place, %(load)s
FROM unnest(%(ids)s::text[]) WITH ORDINALITY AS new (store_id, place)
"""
_ADD_LOAD = """
INSERT INTO storewatch.loads (load, name, newest, kept_since)
VALUES (%(load)s, %(name)s, %(newest)s, %(kept_since)s)
"""
_ALWAYS_OPEN = """
SELECT (SELECT count(*) FROM storewatch.stores)
    - (SELECT count(DISTINCT store_key) FROM storewatch.hours WHERE ended IS NULL)
"""
# Stores no row of which holds for all the days around an instant: only they can have hours that have run out.
_PERHAPS_RUN_OUT = """
SELECT store_id FROM storewatch.hours JOIN storewatch.stores USING (store_key)
WHERE ended IS NULL AND store_key IN (
    SELECT store_key FROM storewatch.hours
    WHERE ended IS NULL AND (valid_from IS NOT NULL OR valid_to IS NOT NULL)
)
GROUP BY store_id HAVING NOT bool_or(
    coalesce(valid_from <= %(since)s, true) AND coalesce(valid_to >= %(until)s, true)
)
"""
_KNOWN_LABELS = """
SELECT label FROM unnest(%s::text[]) AS given (label)
WHERE EXISTS (SELECT FROM storewatch.labels AS held WHERE held.label = given.label AND ended IS NULL)
"""


class PostgresPollStore:
    """All facts in the schema `storewatch` of a database; a `PollStore`."""

    def __init__(self, url: str, waiting: Waiting | None = None) -> None:
        """Open the store.

        Raises:
            SettingsError: The schema is missing or behind, or `url` is no PostgreSQL address.
            UnavailableError: The server does not answer.
        """
        self._server = Server(url, waiting)
        with self._server.reading() as connection:
            schema.check(connection, self._server.address)

    def load(self, load: Load) -> LoadSummary:
        """Commit a whole load or nothing of it; loads at once end as if one had run after the other."""
        with self._server.writing() as connection:
            schema.take(connection, schema.LOADING)
            return _Loading(connection, load).run()

    def version(self) -> str:
        """Name the present state; under this name the same is read later, whatever is loaded since."""
        with self._server.reading() as connection:
            return version_name(last_load(connection)[0])

    @contextmanager
    def at(self, version: str | None = None) -> Iterator[PostgresSnapshot]:
        """Open a version to be read, by default the present one, in one transaction.

        Raises:
            InputError: There is no such version.
        """
        number, shared = (None, None) if version is None else self._number(version)
        with open_snapshot(self._server, number, shared=shared) as snapshot:
            yield snapshot

    def retention(self, before: date) -> list[str]:
        """Drop whole weeks (Monday to Sunday, UTC) of polls that are over before a day.

        All else stays. Readers are not locked out; a version from before that needs dropped
        polls is refused from now on.

        Returns:
            The dropped weeks' partitions, oldest first.
        """
        with self._server.free() as other:
            with self._server.writing() as connection:
                connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
                schema.take(connection, schema.LOADING)
                gone = weeks_over(other, before)
                for name in gone:
                    # First the note: whoever opens a version from then on knows that the week may be gone.
                    _note_retention(other, kept_since=monday_after(name))
                    detach_week(other, name)
            drop_tables(other, gone)
        return gone

    def optimize(self) -> list[Rewritten]:
        """Refuse.

        Raises:
            SettingsError: Always.
        """
        raise SettingsError(
            f"lake optimize is for a poll store in a folder, and this one is at {self._server.address}: "
            "PostgreSQL sees to it by itself"
        )

    def probe(self) -> tuple[Probe, ...]:
        """Return nothing: it is read by no queries of others."""
        return ()

    def close(self) -> None:
        """Do nothing: no connection stays open between two calls."""

    def _number(self, version: str) -> tuple[int, str | None]:
        found = _VERSION.fullmatch(version)
        if not found:
            raise InputError(
                f"{version!r} is no version of the poll store at {self._server.address}: "
                "they are like postgresql:12"
            )
        return int(found[1]), found[2]


class _Loading:
    """One load, in its transaction, while no other one runs."""

    def __init__(self, connection: Connection, load: Load) -> None:
        self._connection = connection
        self._load = load
        self._polls = polls_of(load)
        self._last, self._newest = last_load(connection)
        self._number = self._last + 1

    def run(self) -> LoadSummary:
        """Add what is new and return what changed."""
        change = self._change()
        self._execute(_ADD_STORES, ids=change.stores.to_list())
        keys = self._keys(self._polls.stores)["store_key"].to_numpy()
        new_polls = add_polls(self._connection, self._polls, keys, load=self._number)
        replaced = [kind for kind in replaced_kinds() if len(change.kinds[kind.name].rows)]
        for kind in replaced:
            of_kind = change.kinds[kind.name]
            stores = self._keys(of_kind.rows["store_id"].unique()) if kind.names_stores else None
            replace_rows(self._connection, kind, of_kind, stores, load=self._number)
        changed = new_polls + len(change.stores) + len(replaced) > 0
        if changed:
            self._note()
        number = self._number if changed else self._last
        (always_open,) = self._connection.execute(_ALWAYS_OPEN).fetchone() or (0,)
        return change.summary(
            self._load,
            polls=self._polls,
            version=version_name(number),
            new_polls=new_polls,
            always_open=always_open,
            run_out=self._run_out(),
        )

    def _change(self) -> Change:
        facts, polled = self._load.facts, self._polls.stores
        spoken = [spoken_ids(self._load, kind) for kind in spoken_of()]
        ids = pl.concat([polled, *(series.unique() for series in facts.ids()[1:]), *spoken]).unique()
        return decide(
            self._load,
            polled=polled,
            known={kind.name: self._known(kind) for kind in replaced_kinds()},
            stores=self._keys(ids)["store_id"],
            labels={
                label for (label,) in self._connection.execute(_KNOWN_LABELS, [[*labels_of(self._load)]])
            },
        )

    def _known(self, kind: Kind) -> pl.DataFrame:
        """Return the rows of a kind that the load may replace."""
        frames = [self._load.facts.of(kind), self._load.tainted.get(kind.name)]
        columns = [frame["store_id"] for frame in frames if frame is not None and kind.by_store]
        return known_rows(self._connection, kind, {name for column in columns for name in column.unique()})

    def _keys(self, ids: pl.Series) -> pl.DataFrame:
        """Return store_id and store_key of stores that are known by now, in order of the ids."""
        rows = self._connection.execute(_KNOWN_STORES, [ids.to_list()]).fetchall() if len(ids) else []
        return pl.DataFrame(rows, schema=_STORE_KEYS, orient="row").sort("store_id")

    def _run_out(self) -> int:
        """Count the stores whose hours have run out by the newest poll (R8)."""
        newest = self._all_newest
        if newest is None:
            return 0
        at, days = as_of_from_newest(newest), timedelta(days=8)  # more than a week, in whatever zone
        wanted = {"since": instant(newest) - days, "until": instant(newest) + days}
        ids = [store_id for (store_id,) in self._connection.execute(_PERHAPS_RUN_OUT, wanted)]
        hours, zones = (known_rows(self._connection, kind, ids) for kind in (HOURS, ZONES))
        return len(run_out(hours, zones, at))

    @property
    def _all_newest(self) -> int | None:
        both = (self._polls.newest, self._newest)
        return max((at for at in both if at is not None), default=None)

    def _note(self) -> None:
        _add_load(self._connection, self._number, name=self._load.name, newest=self._all_newest)

    def _execute(self, query: LiteralString, **parameters: object) -> None:
        self._connection.execute(query, {"load": self._number, **parameters})


_STORE_KEYS = {"store_id": pl.String(), "store_key": pl.Int32()}


def _add_load(
    connection: Connection, number: int, *, name: str, newest: int | None, kept_since: datetime | None = None
) -> None:
    at = None if newest is None else instant(newest)
    connection.execute(_ADD_LOAD, {"load": number, "name": name, "newest": at, "kept_since": kept_since})


def _note_retention(connection: Connection, *, kept_since: date) -> None:
    number, newest = last_load(connection)
    if newest is not None and instant(newest).date() < kept_since:
        newest = None
    midnight = datetime.combine(kept_since, time(), UTC)  # a date would become one in the server's zone
    _add_load(connection, number + 1, name="retention", newest=newest, kept_since=midnight)
