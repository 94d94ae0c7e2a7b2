"""Polls in PostgreSQL: a partition a week, filled by loads, read by reports, dropped by retention."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, LiteralString

import numpy as np
import polars as pl
from psycopg import sql

from storewatch.adapters.polls.postgres_keys import CHOSEN, EVERY, choice, places_of
from storewatch.adapters.polls.postgres_wire import copy_in, instant, instants, stamps
from storewatch.domain.instant import DAY, MICROSECONDS
from storewatch.domain.packed import news, pack_columns, pieces, span, stores_of, unpack_columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from storewatch.adapters.polls.postgres_keys import Stores
    from storewatch.adapters.polls.postgres_server import Connection
    from storewatch.adapters.polls.postgres_wire import Column
    from storewatch.domain.packed import Keys
    from storewatch.ports.polls import PollsByDay

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


def add_polls(connection: Connection, polls: PollsByDay, store_keys: NDArray[np.int32], *, load: int) -> int:
    """Add the polls that say something new, and return how many they are.

    Args:
        connection: Writing, with the lock of loads.
        polls: Of which some are held at a time.
        store_keys: Of their stores.
        load: The number of this load.
    """
    there = partitions(connection)
    weeks = _by_week(polls.days)
    added = 0
    for week, count in weeks.items():
        if partition_of(week) not in there:
            added += _make(
                connection, week, (_columns(days, store_keys, load) for days in _some(polls, week, count))
            )
    known = {week: count for week, count in weeks.items() if partition_of(week) in there}
    if known:
        connection.execute(_STAGE)
    for week, count in known.items():
        few = _FEW * count < there[partition_of(week)] // _ROW_BYTES
        for days in _some(polls, week, count):
            fresh = days if few else _news(connection, days, store_keys)
            copy_in(connection, sql.SQL("pg_temp.stage"), _columns(fresh, store_keys, load))
    if known:
        added += connection.execute(_MERGE).rowcount
    for week in weeks.keys() - known.keys():  # at the end, since it locks out other loads of a week
        _attach(connection, week)
    return added


def _by_week(days: Mapping[int, int]) -> dict[int, int]:
    """Return how many polls there are of each week, before they are settled, weeks in order."""
    weeks: dict[int, int] = {}
    for day, count in sorted(days.items()):
        weeks[week_of(day)] = weeks.get(week_of(day), 0) + count
    return weeks


def _some(polls: PollsByDay, week: int, count: int) -> Iterator[dict[int, Keys]]:
    """Yield a week's keys by day, of some stores at a time."""
    for within in pieces(len(polls.stores), count):
        days = {day: polls.keys(day, within) for day in polls.days if week_of(day) == week}
        yield {day: keys for day, keys in days.items() if len(keys)}


def _news(connection: Connection, days: dict[int, Keys], store_keys: NDArray[np.int32]) -> dict[int, Keys]:
    """Return the days without the polls that the database has already."""
    if not days:
        return days
    spans = [span(day, keys) for day, keys in days.items()]
    since, until = min(first for first, _ in spans), max(last for _, last in spans)
    places = np.unique(np.concatenate([stores_of(keys) for keys in days.values()]))
    chosen = choice(store_keys.take(places))
    keys, at, active = _read(connection, load=_LATEST, since=since, until=until, chosen=chosen)
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


def _make(connection: Connection, week: int, pieces_of_it: Iterable[dict[str, Column]]) -> int:
    """Make a week that is not there and return its polls; attached at the end, it locks out no reader."""
    table = sql.Identifier("storewatch", partition_of(week))
    connection.execute(sql.SQL("CREATE TABLE {} (LIKE storewatch.polls)").format(table))
    rows = sum(copy_in(connection, table, columns) for columns in pieces_of_it)
    connection.execute(
        sql.SQL(
            "ALTER TABLE {} ADD PRIMARY KEY (store_key, at), ADD CONSTRAINT week CHECK (at >= {} AND at < {})"
        ).format(table, *_bounds(week))
    )
    return rows


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
