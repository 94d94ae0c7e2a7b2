"""The table of hours in PostgreSQL (R13), for whoever asks it in SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from storewatch.adapters.polls.postgres_schema import take
from storewatch.adapters.polls.postgres_server import Server
from storewatch.adapters.polls.postgres_wire import copy_rows_in, instant
from storewatch.domain.instant import HOUR, MICROSECONDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl

_WRITING = 7_865_403  # our lock, held to the end of the transaction
_TABLE = """
CREATE TABLE store_hours (
    store_id text COLLATE "C" NOT NULL,
    hour timestamptz NOT NULL,
    open_seconds integer NOT NULL,
    uptime_seconds integer NOT NULL,
    downtime_seconds integer NOT NULL,
    unknown_seconds integer NOT NULL,
    excluded_seconds integer NOT NULL,
    measured_seconds integer NOT NULL,
    low_seconds integer NOT NULL,
    high_seconds integer NOT NULL,
    how text NOT NULL,
    polls integer NOT NULL,
    active_polls integer NOT NULL,
    decided_at timestamptz,
    PRIMARY KEY (store_id, hour)
)
"""
_CLEAR = "DELETE FROM store_hours WHERE store_id = ANY(%s) AND hour >= %s AND hour < %s"


def write_hours(url: str, parts: Iterable[tuple[pl.Series, pl.DataFrame]], *, begin: int, end: int) -> None:
    """Put hours into the table `store_hours` of the database at `url`, all or nothing.

    What it has of the same stores and time goes; so the same again changes nothing.

    Args:
        url: The table is made in the first schema of the user's search path, if it is not there.
        parts: Stores (String), and the hours of these, as `hour_facts` returns them.
        begin: Of the time that they are of, seconds since 1970 UTC.
        end: The same.

    Raises:
        SettingsError: `url` is no PostgreSQL address, or the user may not.
        UnavailableError: The server does not answer.
    """
    first, last = (instant(hour * HOUR * MICROSECONDS) for hour in (begin // HOUR, -(-end // HOUR)))
    with Server(url, name="database for hours").writing() as connection:
        take(connection, _WRITING)
        if connection.execute("SELECT to_regclass('store_hours')").fetchone() == (None,):
            connection.execute(_TABLE)
        for stores, rows in parts:
            connection.execute(_CLEAR, [stores.to_list(), first, last])
            copy_rows_in(connection, sql.Identifier("store_hours"), rows)
