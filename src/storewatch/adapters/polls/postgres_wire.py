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

    from storewatch.adapters.polls.postgres_server import Connection

    Numbers = NDArray[np.int64]
    Column = NDArray[np.int64] | NDArray[np.int32] | NDArray[np.int16] | NDArray[np.bool_]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = -62_000_000_000_000_000, 253_000_000_000_000_000  # the years 5 and 9987: beyond any poll
_SHIFT = 946_684_800_000_000  # microseconds from 1970 to 2000, where PostgreSQL begins to count
_HEADER, _TRAILER = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
_PIECE = 1 << 16  # rows
_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}  # of text that is copied
_WIDTHS: dict[type[pl.DataType], int] = {pl.Int8: 2, pl.Int32: 4}  # bytes of the integers that are packed


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


def copy_in(connection: Connection, table: sql.Composable, columns: Mapping[str, Column]) -> int:
    """Append rows to a table, by columns of one length: integers, booleans, `stamps`; no column, no row.

    Returns:
        How many they are.
    """
    if not columns:
        return 0
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(table, names)
    length = len(next(iter(columns.values())))
    with connection.cursor().copy(statement) as copy:
        copy.write(_HEADER)
        for begin in range(0, length, _PIECE):
            copy.write(_rows({name: column[begin : begin + _PIECE] for name, column in columns.items()}))
        copy.write(_TRAILER)
    return length


def copy_rows_in(connection: Connection, table: sql.Composable, rows: pl.DataFrame) -> None:
    """Append rows to a table, by columns of the same names; far slower than `copy_in`, but of any type."""
    names = sql.SQL(", ").join(map(sql.Identifier, rows.columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(table, names)
    # Not as CSV: there a line `\.` ends it all, even between quotes.
    texts = pl.all().cast(pl.String).str.replace_many(_ESCAPES).fill_null("\\N")
    lines = rows.select(pl.concat_str(texts, separator="\t")).to_series()
    with connection.cursor().copy(statement) as copy:
        for piece in lines.to_frame().iter_slices(_PIECE):
            copy.write("".join(f"{line}\n" for line in piece.to_series()))


def select_rows(
    connection: Connection,
    source: sql.Composable,
    columns: Mapping[str, pl.DataType],
    parameters: Mapping[str, object],
) -> pl.DataFrame:
    """Return rows, of which no two are the same, integers packed by the values of the other columns.

    Args:
        connection: Reading.
        source: What follows FROM.
        columns: Of the source, with their types.
        parameters: Of the source.
    """
    widths = {name: _WIDTHS[type(dtype)] for name, dtype in columns.items() if type(dtype) in _WIDTHS}
    others = {name: dtype for name, dtype in columns.items() if name not in widths}
    names = sql.SQL(", ").join(map(sql.Identifier, others))
    packed = sql.SQL(" || ").join(_sent(name, width) for name, width in widths.items())
    wanted = [names] if others else []
    if widths:
        wanted.append(sql.SQL("string_agg({}, ''::bytea)").format(packed))
    statement = sql.SQL("SELECT {} FROM {}").format(sql.SQL(", ").join(wanted), source)
    if others:
        statement += sql.SQL(" GROUP BY ") + names
    rows = connection.cursor(binary=True).execute(statement, parameters).fetchall()
    found = pl.DataFrame([row[: len(others)] for row in rows], schema=others, orient="row")
    if widths:
        numbers, counts = _unpacked([row[-1] or b"" for row in rows], widths)
        nth = pl.Series(np.arange(len(rows), dtype=np.uint32).repeat(counts))
        found = numbers.with_columns(column.gather(nth) for column in found.get_columns())
    return found.select(*columns).cast(pl.Schema(columns))


def _sent(name: str, width: int) -> sql.Composed:
    """Return an integer as bytes; the least one that there is stands for null."""
    least = sql.SQL("({})::int{}").format(np.iinfo(f"i{width}").min, width)
    return sql.SQL("int{}send(coalesce({}, {}))").format(width, sql.Identifier(name), least)


def _unpacked(packed: Sequence[bytes], widths: Mapping[str, int]) -> tuple[pl.DataFrame, NDArray[np.int64]]:
    """Return the integers, and how many rows of them each piece has."""
    record = np.dtype([(name, f">i{width}") for name, width in widths.items()])
    rows = np.frombuffer(b"".join(packed), record)
    frame = pl.DataFrame({name: rows[name].astype(f"i{width}") for name, width in widths.items()})
    nulls = [pl.col(name).replace(np.iinfo(f"i{width}").min, None) for name, width in widths.items()]
    return frame.with_columns(nulls), np.array([len(piece) // record.itemsize for piece in packed], np.int64)


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
