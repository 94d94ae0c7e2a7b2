"""The poll store in PostgreSQL: its own schema, polls partitioned by week, versions by load.

Loads run one after the other: each takes a lock that ends with its transaction, however that ends. So the
number of a load is its place in the order of commits, and a version, named for its last load, is every row
that came by that load and was not ended by it. Readers take no lock of ours, and wait for nobody.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, LiteralString

import numpy as np
import polars as pl
from psycopg import sql

from storewatch.adapters.polls import postgres_schema as schema
from storewatch.adapters.polls.merge import decide
from storewatch.adapters.polls.packed import poll_stores
from storewatch.adapters.polls.postgres_server import Server
from storewatch.adapters.polls.postgres_weeks import (
    add_polls,
    detach_weeks,
    drop_tables,
    monday_after,
    read_polls,
)
from storewatch.adapters.polls.postgres_wire import copy_in, instant, micros
from storewatch.domain.facts import HOURS, ZONES, Facts
from storewatch.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from storewatch.adapters.polls.merge import Change
    from storewatch.adapters.polls.postgres_server import Connection
    from storewatch.ports.polls import Load, LoadSummary

_VERSION = re.compile(r"postgresql:(\d{1,18})")
_HOUR_ROW = np.dtype([("store_key", ">i4"), ("day", ">i2"), ("start", ">i4"), ("end", ">i4")])

_LAST = "SELECT load, newest FROM storewatch.loads ORDER BY load DESC LIMIT 1"
_LOAD = "SELECT newest FROM storewatch.loads WHERE load = %s"
_KEPT_SINCE = "SELECT max(kept_since) FROM storewatch.loads WHERE load > %s"
_STORES = "SELECT store_id FROM storewatch.stores WHERE load <= %s ORDER BY store_key"
_HOURS = """
SELECT string_agg(int4send(store_key) || int2send(day) || int4send(opens) || int4send(closes), ''::bytea)
FROM storewatch.hours WHERE load <= %(load)s AND (ended IS NULL OR ended > %(load)s)
AND (%(keys)s::integer[] IS NULL OR store_key = ANY(%(keys)s))
"""
_ZONES = """
SELECT zone, string_agg(int4send(store_key), ''::bytea)
FROM storewatch.zones WHERE load <= %(load)s AND (ended IS NULL OR ended > %(load)s)
AND (%(keys)s::integer[] IS NULL OR store_key = ANY(%(keys)s)) GROUP BY zone
"""
_KNOWN_STORES = "SELECT store_id, store_key FROM storewatch.stores WHERE store_id = ANY(%s)"
_KNOWN_HOURS = """
SELECT store_id, day, opens, closes FROM storewatch.hours JOIN storewatch.stores USING (store_key)
WHERE ended IS NULL AND store_id = ANY(%s)
"""
_KNOWN_ZONES = """
SELECT store_id, zone FROM storewatch.zones JOIN storewatch.stores USING (store_key)
WHERE ended IS NULL AND store_id = ANY(%s)
"""
_ADD_STORES = """
INSERT INTO storewatch.stores (store_id, store_key, load)
SELECT store_id, coalesce((SELECT max(store_key) FROM storewatch.stores), -1) + place, %(load)s
FROM unnest(%(ids)s::text[]) WITH ORDINALITY AS new (store_id, place)
"""
_ADD_ZONES = """
INSERT INTO storewatch.zones (store_key, zone, load)
SELECT store_key, zone, %(load)s
FROM unnest(%(keys)s::integer[], %(zones)s::text[]) AS new (store_key, zone)
"""
_END = "UPDATE {} SET ended = %(load)s WHERE ended IS NULL AND store_key = ANY(%(keys)s)"
_ADD_LOAD = """
INSERT INTO storewatch.loads (load, name, newest, kept_since)
VALUES (%(load)s, %(name)s, %(newest)s, %(kept_since)s)
"""
_ALWAYS_OPEN = """
SELECT (SELECT count(*) FROM storewatch.stores)
    - (SELECT count(DISTINCT store_key) FROM storewatch.hours WHERE ended IS NULL)
"""


class PostgresPollStore:
    """Polls, business hours and zones in the schema `storewatch` of a database; a `PollStore`."""

    def __init__(self, url: str) -> None:
        """Open the store.

        Raises:
            SettingsError: The schema is missing or behind, or `url` is no PostgreSQL address.
            UnavailableError: The server does not answer.
        """
        self._server = Server(url)
        with self._server.reading() as connection:
            schema.check(connection, self._server.address)

    def load(self, load: Load) -> LoadSummary:
        """Commit a whole load or nothing of it; loads at once end as if one had run after the other."""
        _refuse_zero_bytes(load)
        with self._server.writing() as connection:
            schema.take(connection, schema.LOADING)
            return _Loading(connection, load).run()

    def version(self) -> str:
        """Name the present state; under this name the same is read later, whatever is loaded since."""
        with self._server.reading() as connection:
            return _name(_last(connection)[0])

    def newest(self, version: str) -> int | None:
        """Return the newest poll's instant in microseconds since 1970 UTC, None without polls."""
        number = self._number(version)
        with self._server.reading() as connection:
            return self._newest(connection, number)

    def scan(
        self, version: str, *, since: int | None, until: int, store_ids: Sequence[str] | None = None
    ) -> Facts:
        """Read all hours, zones and store names, and the polls of `since` ≤ at ≤ `until` (microseconds).

        With `store_ids`: only what is about these stores. The polls' `store_id` is Categorical, in pieces of
        one store and status.

        Raises:
            InputError: There is no such version, or retention has dropped polls that it needs.
        """
        number = self._number(version)
        with self._server.reading() as connection:
            self._newest(connection, number)
            self._check_kept(connection, number, since)
            names = _names(connection, number)
            wanted = names if store_ids is None else names.filter(names.is_in(list(store_ids)))
            keys = None if store_ids is None else names.is_in(list(store_ids)).arg_true().to_list()
            return Facts(
                polls=read_polls(connection, names, load=number, since=since, until=until, keys=keys),
                hours=_hours(connection, number, names, keys),
                zones=_zones(connection, number, names, keys),
                stores=wanted.sort(),
            )

    def stores(self, version: str) -> pl.Series:
        """Return the ids of all stores that any load named, String, sorted."""
        number = self._number(version)
        with self._server.reading() as connection:
            self._newest(connection, number)
            return _names(connection, number).sort()

    def retention(self, before: date) -> list[str]:
        """Drop whole weeks (Monday to Sunday, UTC) of polls that are over before a day.

        Stores, hours and zones stay. Readers are not locked out; a version from before that needs dropped
        polls is refused from now on.

        Returns:
            The dropped weeks' partitions, oldest first.
        """
        with self._server.free() as other:
            with self._server.writing() as connection:
                connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
                schema.take(connection, schema.LOADING)
                gone = detach_weeks(other, before)
                if gone:
                    _note_retention(connection, kept_since=max(map(monday_after, gone)))
            drop_tables(other, gone)
        return gone

    def close(self) -> None:
        """Do nothing: no connection stays open between two calls."""

    def _number(self, version: str) -> int:
        found = _VERSION.fullmatch(version)
        if not found:
            raise InputError(
                f"{version!r} is no version of the poll store at {self._server.address}: "
                "they are like postgresql:12"
            )
        return int(found[1])

    def _newest(self, connection: Connection, number: int) -> int | None:
        """Return the newest poll of a version, which must exist."""
        row = connection.execute(_LOAD, [number]).fetchone()
        if number and not row:
            raise InputError(
                f"version {_name(number)} is not known to the poll store at {self._server.address}"
            )
        return micros(row[0]) if row and row[0] is not None else None

    def _check_kept(self, connection: Connection, number: int, since: int | None) -> None:
        (kept_since,) = connection.execute(_KEPT_SINCE, [number]).fetchone() or (None,)
        if kept_since is not None and (since is None or instant(since) < kept_since):
            raise InputError(
                f"version {_name(number)} of the poll store at {self._server.address} is no longer kept: "
                f"polls before {kept_since:%Y-%m-%d} were dropped; read the present version"
            )


class _Loading:
    """One load, in its transaction, while no other one runs."""

    def __init__(self, connection: Connection, load: Load) -> None:
        self._connection = connection
        self._load = load
        self._last, self._newest = _last(connection)
        self._number = self._last + 1

    def run(self) -> LoadSummary:
        """Add what is new and return what changed."""
        polled = poll_stores(self._load.facts.polls)
        change = self._change(polled)
        self._execute(_ADD_STORES, ids=change.stores.to_list())
        new_polls = 0
        if len(polled):
            polls, keys = self._load.facts.polls, self._keys(polled)
            new_polls = add_polls(self._connection, polls, keys, load=self._number)
        self._replace_hours(change.hours)
        self._replace_zones(change.zones)
        changed = new_polls + len(change.stores) + len(change.hours) + len(change.zones) > 0
        if changed:
            self._note()
        number = self._number if changed else self._last
        (always_open,) = self._connection.execute(_ALWAYS_OPEN).fetchone() or (0,)
        return change.summary(self._load, version=_name(number), new_polls=new_polls, always_open=always_open)

    def _change(self, polled: pl.Series) -> Change:
        facts = self._load.facts
        with_hours = [*facts.hours["store_id"].unique(), *self._load.tainted]
        with_zones = facts.zones["store_id"].unique().to_list()
        further = facts.stores.to_list() if facts.stores is not None else []
        known = self._known(_KNOWN_STORES, [*polled, *with_hours, *with_zones, *further], _STORE_KEYS)
        return decide(
            self._load,
            polled=polled,
            hours=self._known(_KNOWN_HOURS, with_hours, HOURS),
            zones=self._known(_KNOWN_ZONES, with_zones, ZONES),
            stores=known["store_id"],
        )

    def _known(self, query: LiteralString, ids: list[str], schema: dict[str, pl.DataType]) -> pl.DataFrame:
        rows = self._connection.execute(query, [sorted(set(ids))]).fetchall() if ids else []
        return pl.DataFrame(rows, schema=schema, orient="row")

    def _keys(self, ids: pl.Series) -> pl.DataFrame:
        """Return store_id and store_key of stores that are known by now, in order of the ids."""
        return self._known(_KNOWN_STORES, ids.to_list(), _STORE_KEYS).sort("store_id")

    def _replace_hours(self, hours: pl.DataFrame) -> None:
        if not len(hours):
            return
        rows = hours.join(self._keys(hours["store_id"].unique()), on="store_id", maintain_order="left")
        self._end("hours", rows)
        columns = {
            "store_key": rows["store_key"].to_numpy(),
            "day": rows["day"].cast(pl.Int16).to_numpy(),
            "opens": rows["start"].to_numpy(),
            "closes": rows["end"].to_numpy(),
            "load": np.full(len(rows), self._number, np.int64),
        }
        copy_in(self._connection, sql.Identifier("storewatch", "hours"), columns)

    def _replace_zones(self, zones: pl.DataFrame) -> None:
        if not len(zones):
            return
        rows = zones.join(self._keys(zones["store_id"]), on="store_id", maintain_order="left")
        self._end("zones", rows)
        self._execute(_ADD_ZONES, keys=rows["store_key"].to_list(), zones=rows["zone"].to_list())

    def _end(self, table: str, rows: pl.DataFrame) -> None:
        statement = sql.SQL(_END).format(sql.Identifier("storewatch", table))
        keys = rows["store_key"].unique().to_list()
        self._connection.execute(statement, {"load": self._number, "keys": keys})

    def _note(self) -> None:
        at = self._load.facts.polls["at"].to_physical().max()
        assert at is None or isinstance(at, int)  # noqa: S101 - of integers
        newest = max((value for value in (at, self._newest) if value is not None), default=None)
        _add_load(self._connection, self._number, name=self._load.name, newest=newest)

    def _execute(self, query: LiteralString, **parameters: object) -> None:
        self._connection.execute(query, {"load": self._number, **parameters})


_STORE_KEYS = {"store_id": pl.String(), "store_key": pl.Int32()}


def _refuse_zero_bytes(load: Load) -> None:
    facts = load.facts
    ids = [facts.polls["store_id"], facts.hours["store_id"], facts.zones["store_id"]]
    for series in ids if facts.stores is None else [*ids, facts.stores]:
        names = series.unique().cast(pl.String)
        flawed = names.filter(names.str.contains("\0", literal=True))
        if len(flawed):
            raise InputError(f"store id {flawed[0]!r} has a zero byte in it, which PostgreSQL cannot keep")


def _name(number: int) -> str:
    return f"postgresql:{number}"


def _last(connection: Connection) -> tuple[int, int | None]:
    """Return the number of the last load, 0 before the first, and the newest poll's instant."""
    number, newest = connection.execute(_LAST).fetchone() or (0, None)
    return number, None if newest is None else micros(newest)


def _add_load(
    connection: Connection, number: int, *, name: str, newest: int | None, kept_since: date | None = None
) -> None:
    at = None if newest is None else instant(newest)
    connection.execute(_ADD_LOAD, {"load": number, "name": name, "newest": at, "kept_since": kept_since})


def _note_retention(connection: Connection, *, kept_since: date) -> None:
    number, newest = _last(connection)
    if newest is not None and instant(newest).date() < kept_since:
        newest = None
    _add_load(connection, number + 1, name="retention", newest=newest, kept_since=kept_since)


def _names(connection: Connection, number: int) -> pl.Series:
    """Return the ids of the stores by their keys."""
    ids = [name for (name,) in connection.execute(_STORES, [number])]
    return pl.Series("store_id", ids, dtype=pl.String)


def _hours(
    connection: Connection, number: int, names: pl.Series, keys: list[int] | None = None
) -> pl.DataFrame:
    wanted = {"load": number, "keys": keys}
    (packed,) = connection.cursor(binary=True).execute(_HOURS, wanted).fetchone() or (None,)
    rows = np.frombuffer(packed or b"", _HOUR_ROW)
    columns = {name: rows[name].astype(int) for name in ("day", "start", "end")}
    ids = names.gather(pl.Series(rows["store_key"].astype(np.uint32)))
    return pl.DataFrame({"store_id": ids, **columns}).cast(pl.Schema(HOURS))


def _zones(
    connection: Connection, number: int, names: pl.Series, keys: list[int] | None = None
) -> pl.DataFrame:
    rows = connection.cursor(binary=True).execute(_ZONES, {"load": number, "keys": keys}).fetchall()
    frames = [
        pl.DataFrame({"store_id": names.gather(pl.Series(np.frombuffer(keys, ">i4").astype(np.uint32)))})
        .with_columns(zone=pl.lit(zone))
        .cast(pl.Schema(ZONES))
        for zone, keys in rows
    ]
    return pl.concat([pl.DataFrame(schema=ZONES), *frames])
