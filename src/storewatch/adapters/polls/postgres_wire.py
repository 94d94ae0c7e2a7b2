"""Columns to and from PostgreSQL in bulk: millions of values without one Python object each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from polars._typing import PolarsDataType

    from storewatch.adapters.polls.postgres_server import Connection

    Numbers = NDArray[np.int64]
    Column = NDArray[np.int64] | NDArray[np.int32] | NDArray[np.int16] | NDArray[np.bool_]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = -62_000_000_000_000_000, 253_000_000_000_000_000  # the years 5 and 9987: beyond any poll
_SHIFT = 946_684_800_000_000  # microseconds from 1970 to 2000, where PostgreSQL begins to count
_HEADER, _TRAILER = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
_PIECE = 1 << 16  # rows
_LINES = "SELECT string_agg(concat({}), E'\\n') FROM {}"  # a null is nothing
_QUOTED = "'\"' || replace({}, '\"', '\"\"') || '\"'"


def instant(microseconds: int) -> datetime:
    """Return an instant, given in microseconds since 1970 UTC, as the driver takes it."""
    return _EPOCH + timedelta(microseconds=min(max(microseconds, _FIRST), _LAST))


def micros(at: datetime) -> int:
    """Return an instant in microseconds since 1970 UTC."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def stamps(microseconds: Numbers) -> Numbers:
    """Return instants, given in microseconds since 1970 UTC, as a column of timestamptz."""
    return microseconds - _SHIFT


def instants(packed: Sequence[bytes]) -> Numbers:
    """Return the microseconds since 1970 UTC of timestamptz values in their binary format, joined."""
    return np.frombuffer(b"".join(packed), ">i8").astype(np.int64) + _SHIFT


def copy_in(connection: Connection, table: sql.Composable, columns: Mapping[str, Column]) -> None:
    """Append rows to a table, by columns of one length: integers, booleans, `stamps`."""
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(table, names)
    length = len(next(iter(columns.values())))
    with connection.cursor().copy(statement) as copy:
        copy.write(_HEADER)
        for begin in range(0, length, _PIECE):
            copy.write(_rows({name: column[begin : begin + _PIECE] for name, column in columns.items()}))
        copy.write(_TRAILER)


def copy_rows_in(connection: Connection, table: sql.Composable, rows: pl.DataFrame) -> None:
    """Append rows to a table, by columns of the same names; far slower than `copy_in`, but of any type."""
    names = sql.SQL(", ").join(map(sql.Identifier, rows.columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(table, names)
    with connection.cursor().copy(statement) as copy:
        copy.write(rows.write_csv(include_header=False))


def select_rows(
    connection: Connection,
    source: sql.Composable,
    columns: Mapping[str, PolarsDataType],
    parameters: Mapping[str, object],
) -> pl.DataFrame:
    """Return rows of any type, as CSV that the server joins: row by row it would take many times as long.

    Args:
        connection: Reading.
        source: What follows FROM.
        columns: Of the source, with their types.
        parameters: Of the source.
    """
    values = [
        sql.SQL(_QUOTED if dtype == pl.String else "{}").format(sql.Identifier(name))
        for name, dtype in columns.items()
    ]
    statement = sql.SQL(_LINES).format(sql.SQL(", ',', ").join(values), source)
    (lines,) = connection.execute(statement, parameters).fetchone() or (None,)
    if not lines:
        return pl.DataFrame(schema=columns)
    return pl.read_csv(lines.encode(), has_header=False, schema=columns)


def _rows(columns: Mapping[str, Column]) -> bytes:
    """Return rows as COPY wants them: the number of fields, then size and value of each."""
    fields: list[tuple[str, np.dtype[Any]]] = [("fields", np.dtype(">i2"))]
    for name, column in columns.items():
        fields += [(f"size of {name}", np.dtype(">i4")), (name, column.dtype.newbyteorder(">"))]
    rows = np.zeros(len(next(iter(columns.values()))), fields)
    rows["fields"] = len(columns)
    for name, column in columns.items():
        rows[f"size of {name}"] = column.itemsize
        rows[name] = column
    return rows.tobytes()
