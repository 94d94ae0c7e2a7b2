"""Polls in PostgreSQL: a partition a week, filled by loads, read by reports, dropped by retention."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, LiteralString

import numpy as np
import polars as pl
from psycopg import sql

from storewatch.adapters.polls.packed import news, pack, pack_columns, span, unpack_columns
from storewatch.adapters.polls.postgres_keys import CHOSEN, EVERY, places_of
from storewatch.adapters.polls.postgres_wire import copy_in, instant, instants, stamps
from storewatch.domain.instant import DAY, MICROSECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from storewatch.adapters.polls.packed import Keys
    from storewatch.adapters.polls.postgres_keys import Stores
    from storewatch.adapters.polls.postgres_server import Connection
    from storewatch.adapters.polls.postgres_wire import Column

_MONDAY = date(1969, 12, 29)  # of week 0
_THURSDAY = 3  # the weekday of 1970-01-01
_ROW_BYTES = 56  # of a poll on disk, about
_LATEST = (1 << 63) - 1  # no load has this number
_FEW = 20  # a load of less than a 20th of a week is settled by the database, a larger one here

_PARTITIONS = """
SELECT relname, pg_relation_size(inhrelid) FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
WHERE inhparent = 'storewatch.polls'::regclass AND NOT inhdetachpending ORDER BY relname
"""
_HALF_DETACHED = """
SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
WHERE inhparent = 'storewatch.polls'::regclass AND inhdetachpending
"""
_DETACHED = r"""
SELECT relname FROM pg_class
WHERE relnamespace = 'storewatch'::regnamespace AND relkind = 'r' AND relname ~ '^polls_\d{8}$'
AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = pg_class.oid)
ORDER BY relname
"""
_READ: LiteralString = f"""
SELECT store_key, active OR coalesce(turned > %(load)s, false), string_agg(timestamptz_send(at), ''::bytea)
FROM storewatch.polls
WHERE at >= coalesce(%(since)s, '-infinity'::timestamptz) AND at <= %(until)s AND load <= %(load)s
AND {CHOSEN} GROUP BY 1, 2
"""  # noqa: S608 - our own words
_STAGE = """
CREATE TEMPORARY TABLE stage (store_key integer, at timestamptz, active boolean, load bigint) ON COMMIT DROP
"""
_MERGE = """
INSERT INTO storewatch.polls AS known (store_key, at, active, load)
SELECT store_key, at, active, load FROM pg_temp.stage
ON CONFLICT (store_key, at) DO UPDATE SET active = false, turned = excluded.load
WHERE known.active AND NOT excluded.active
"""


def week_of(day: int) -> int:
    """Return the week, counted from that of 1970-01-01, of a UTC day (days since 1970)."""
    return (day + _THURSDAY) // 7


def monday_of(week: int) -> date:
    """Return a week's first day."""
    return _MONDAY + timedelta(weeks=week)


def partition_of(week: int) -> str:
    """Return the name of a week's partition."""
    return f"polls_{monday_of(week):%Y%m%d}"


def partitions(connection: Connection) -> dict[str, int]:
    """Return the partitions by name, each with its size in bytes."""
    return dict(connection.execute(_PARTITIONS).fetchall())


def amount(connection: Connection, *, since: int | None, until: int) -> int:
    """Return about how many polls the weeks of `since` to `until` (microseconds) have, by their size."""
    first, last = (partition_of(week_of((at or 0) // (DAY * MICROSECONDS))) for at in (since, until))
    return sum(size for name, size in partitions(connection).items() if first <= name <= last) // _ROW_BYTES


def read_polls(
    connection: Connection, stores: Stores, *, load: int, since: int | None, until: int
) -> pl.DataFrame:
    """Return the polls of `since` ≤ at ≤ `until` (microseconds since 1970 UTC) as of a load.

    Args:
        connection: Reading.
        stores: Whose polls are wanted.
        load: Its number.
        since: None: from the first poll on.
        until: The last instant.

    Returns:
        POLLS, `store_id` Categorical, one row a store and instant, in pieces of one store and status.
    """
    found, at, active = _read(connection, load=load, since=since, until=until, chosen=stores.chosen)
    return pl.DataFrame(
        {
            "store_id": stores.of(found),
            "at": pl.Series(at).cast(pl.Datetime("us", "UTC")),
            "active": pl.Series(active),
        }
    )


def _read(
    connection: Connection,
    *,
    load: int,
    since: int | None,
    until: int,
    chosen: Mapping[str, object] = EVERY,
) -> tuple[NDArray[np.uint32], NDArray[np.int64], NDArray[np.bool_]]:
    """Return store keys, instants and statuses."""
    first = None if since is None else instant(since)
    wanted = {"load": load, "since": first, "until": instant(until), **chosen}
    rows = connection.cursor(binary=True).execute(_READ, wanted).fetchall()
    counts = np.array([len(packed) // 8 for _, _, packed in rows], dtype=np.int64)
    found = np.array([key for key, _, _ in rows], dtype=np.uint32).repeat(counts)
    active = np.array([active for _, active, _ in rows], dtype=np.bool_).repeat(counts)
    return found, instants([packed for _, _, packed in rows]), active


def add_polls(connection: Connection, polls: pl.DataFrame, stores: pl.DataFrame, *, load: int) -> int:
    """Add the polls that say something new, and return how many they are.

    Args:
        connection: Writing, with the lock of loads.
        polls: POLLS.
        stores: store_id (String, sorted) and store_key (Int32) of all stores that the polls name.
        load: The number of this load.
    """
    store_keys = stores["store_key"].to_numpy()
    there = partitions(connection)
    fresh: dict[int, dict[int, Keys]] = {}
    known: dict[int, Keys] = {}
    for week, days in _by_week(pack(polls, stores["store_id"])).items():
        size = there.get(partition_of(week))
        if size is None:
            fresh[week] = days
        elif _FEW * sum(map(len, days.values())) < size // _ROW_BYTES:
            known |= days
        else:
            known |= _news(connection, days, store_keys)
    added = _merge(connection, _columns(known, store_keys, load))
    return added + _add_weeks(
        connection, {week: _columns(days, store_keys, load) for week, days in fresh.items()}
    )


def _by_week(days: dict[int, Keys]) -> dict[int, dict[int, Keys]]:
    weeks: dict[int, dict[int, Keys]] = {}
    for day, keys in days.items():
        weeks.setdefault(week_of(day), {})[day] = keys
    return weeks


def _news(connection: Connection, days: dict[int, Keys], store_keys: NDArray[np.int32]) -> dict[int, Keys]:
    """Return the days without the polls that the database has already."""
    spans = [span(day, keys) for day, keys in days.items()]
    since, until = min(first for first, _ in spans), max(last for _, last in spans)
    keys, at, active = _read(connection, load=_LATEST, since=since, until=until)
    place = places_of(store_keys, int(keys.max(initial=0))).take(keys)
    ours = place >= 0
    known = pack_columns(place[ours], at[ours], active[ours])
    fresh = {day: news(keys, known.get(day, keys[:0])) for day, keys in days.items()}
    return {day: keys for day, keys in fresh.items() if len(keys)}


def _columns(days: dict[int, Keys], store_keys: NDArray[np.int32], load: int) -> dict[str, Column]:
    """Return polls as columns of the table, in the order of its primary key."""
    parts = [unpack_columns(day, keys) for day, keys in days.items()]
    if not parts:
        return {}
    place, at, active = (np.concatenate(column) for column in zip(*parts, strict=True))
    keys = store_keys.take(place)
    order = np.argsort(keys, kind="stable")  # days are in order already, and instants within each
    loads = np.full(len(order), load, np.int64)
    return {
        "store_key": keys.take(order),
        "at": stamps(at.take(order)),
        "active": active.take(order),
        "load": loads,
    }


def _merge(connection: Connection, columns: dict[str, Column]) -> int:
    """Add polls to weeks that are there, and return how many say something new."""
    if not columns:
        return 0
    connection.execute(_STAGE)
    copy_in(connection, sql.SQL("pg_temp.stage"), columns)
    return connection.execute(_MERGE).rowcount


def _add_weeks(connection: Connection, weeks: dict[int, dict[str, Column]]) -> int:
    """Add weeks that are not there: each is made apart and attached at the end, which locks out no reader."""
    for week, columns in weeks.items():
        _make(connection, week, columns)
    for week in weeks:
        _attach(connection, week)
    return sum(len(columns["at"]) for columns in weeks.values())


def _make(connection: Connection, week: int, columns: dict[str, Column]) -> None:
    table = sql.Identifier("storewatch", partition_of(week))
    connection.execute(sql.SQL("CREATE TABLE {} (LIKE storewatch.polls)").format(table))
    copy_in(connection, table, columns)
    connection.execute(
        sql.SQL(
            "ALTER TABLE {} ADD PRIMARY KEY (store_key, at), ADD CONSTRAINT week CHECK (at >= {} AND at < {})"
        ).format(table, *_bounds(week))
    )


def _attach(connection: Connection, week: int) -> None:
    table = sql.Identifier("storewatch", partition_of(week))
    attach = sql.SQL("ALTER TABLE storewatch.polls ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})")
    connection.execute(attach.format(table, *_bounds(week)))
    connection.execute(sql.SQL("ALTER TABLE {} DROP CONSTRAINT week").format(table))


def _bounds(week: int) -> tuple[sql.Literal, sql.Literal]:
    first, after = monday_of(week), monday_of(week + 1)
    return sql.Literal(f"{first} 00:00:00+00"), sql.Literal(f"{after} 00:00:00+00")


def weeks_over(connection: Connection, before: date) -> list[str]:
    """Return the weeks that end before a Monday, or on it, and those that an earlier call left half dropped.

    Returns:
        The names of their tables, oldest first.
    """
    ending = [name for name in partitions(connection) if monday_after(name) <= before]
    return sorted([*ending, *_names(connection, _HALF_DETACHED), *_names(connection, _DETACHED)])


def detach_week(connection: Connection, name: str) -> None:
    """Take a week out of the polls without locking readers out; waits for those that may be reading it.

    Args:
        connection: Free of a transaction.
        name: Of its table, which may have been taken out before, wholly or by half.
    """
    if name in _names(connection, _HALF_DETACHED):
        connection.execute(_alter(name, "DETACH PARTITION {} FINALIZE"))
    elif name in partitions(connection):
        connection.execute(_alter(name, "DETACH PARTITION {} CONCURRENTLY"))


def drop_tables(connection: Connection, names: list[str]) -> None:
    """Drop tables that are no partitions any more."""
    for name in names:
        connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier("storewatch", name)))


def monday_after(partition: str) -> date:
    """Return the Monday on which a partition's week ends."""
    return date.fromisoformat(partition.removeprefix("polls_")) + timedelta(weeks=1)


def _names(connection: Connection, query: LiteralString) -> list[str]:
    return [name for (name,) in connection.execute(query)]


def _alter(name: str, change: LiteralString) -> sql.Composed:
    return sql.SQL("ALTER TABLE storewatch.polls " + change).format(sql.Identifier("storewatch", name))
