"""The kinds of facts other than polls in the schema `storewatch`: a table each, named for the kind.

A row holds from its `load` on, and until another load has `ended` it. A kind that names stores has their keys
in place of their ids.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
from psycopg import sql

from storewatch.adapters.polls.postgres_keys import CHOSEN, WITHIN
from storewatch.adapters.polls.postgres_wire import copy_rows_in, select_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from storewatch.adapters.polls.merge import Replaced
    from storewatch.adapters.polls.postgres_keys import Stores
    from storewatch.adapters.polls.postgres_server import Connection
    from storewatch.domain.kinds import Kind

_OTHER_NAMES = {"start": "opens", "end": "closes"}  # END is a word of SQL
_OF_LOAD = "load <= %(load)s AND (ended IS NULL OR ended > %(load)s)"
_UNITS = sql.SQL("CREATE TEMPORARY TABLE {units} ON COMMIT DROP AS SELECT {names} FROM {kind} WITH NO DATA")
_END = sql.SQL(
    "UPDATE {kind} AS held SET ended = {load} FROM {units} AS gone WHERE held.ended IS NULL AND {same}"
)


def read_rows(connection: Connection, kind: Kind, stores: Stores, *, load: int) -> pl.DataFrame:
    """Return the rows of a kind, not polls, as of a load, of one kept by store those of these stores.

    One that only speaks of stores also speaks of some that nothing names: they are in a range, too.
    """
    wanted = {"load": load, **stores.chosen}
    source = _table(kind) + sql.SQL(" WHERE ") + sql.SQL(_OF_LOAD)
    if kind.names_stores:
        source += sql.SQL(" AND ") + sql.SQL(CHOSEN)
        rows = _rows(connection, kind, source, wanted, {"store_key": pl.Int32()})
        ids = stores.of(rows["store_id"].to_numpy()).cast(pl.String)
        return kind.lean(rows.with_columns(ids.alias("store_id")))
    if kind.by_store:
        source += sql.SQL(" AND ") + sql.SQL(WITHIN)
        wanted |= stores.within
    return kind.lean(_rows(connection, kind, source, wanted))


def known_rows(connection: Connection, kind: Kind, store_ids: Iterable[str]) -> pl.DataFrame:
    """Return the rows of a kind, whole, that hold now; of one kept by store those of some stores."""
    ids = sorted(store_ids)
    if kind.by_store and not ids:
        return kind.filled(kind.frame())
    source = _table(kind)
    if kind.names_stores:
        source += sql.SQL(" JOIN storewatch.stores USING (store_key)")
    source += sql.SQL(" WHERE ended IS NULL")
    if kind.by_store:
        source += sql.SQL(" AND store_id = ANY(%(ids)s)")
    return _rows(connection, kind, source, {"ids": ids})


def _rows(
    connection: Connection,
    kind: Kind,
    source: sql.Composable,
    parameters: Mapping[str, object],
    key: Mapping[str, pl.DataType] | None = None,
) -> pl.DataFrame:
    """Return rows by the kind's whole schema, with another column's values in place of the store's id."""
    columns: dict[str, pl.DataType] = {}
    for name, dtype in kind.whole.items():
        columns |= key if key and name == "store_id" else {_OTHER_NAMES.get(name, name): dtype}
    rows = select_rows(connection, source, columns, parameters)
    rows.columns = list(kind.whole)
    return rows


def replace_rows(
    connection: Connection, kind: Kind, change: Replaced, keys: pl.DataFrame | None, *, load: int
) -> None:
    """Put a load's rows in the place of those that they replace.

    Args:
        connection: Writing, with the lock of loads.
        kind: Not polls.
        change: What becomes of it.
        keys: store_id and store_key of all stores that it names, of a kind that names stores.
        load: The number of this load.
    """
    if len(change.other):
        _end(connection, kind, _as_kept(change.other, keys), load)
    rows = _as_kept(change.rows, keys).with_columns(load=pl.lit(load))
    copy_rows_in(connection, _table(kind), rows)


def _end(connection: Connection, kind: Kind, gone: pl.DataFrame, load: int) -> None:
    units = sql.Identifier("pg_temp", f"gone_{kind.name}")
    names = list(map(sql.Identifier, gone.columns))
    same = sql.SQL(" AND ").join(sql.SQL("held.{0} = gone.{0}").format(name) for name in names)
    listed = sql.SQL(", ").join(names)
    connection.execute(_UNITS.format(units=units, names=listed, kind=_table(kind)))
    copy_rows_in(connection, units, gone)
    connection.execute(_END.format(kind=_table(kind), load=sql.Literal(load), units=units, same=same))


def _as_kept(rows: pl.DataFrame, keys: pl.DataFrame | None) -> pl.DataFrame:
    """Return rows as they are in the table of their kind."""
    if keys is not None:
        rows = rows.join(keys, on="store_id", maintain_order="left").select(
            "store_key", pl.exclude("store_id", "store_key")
        )
    return rows.rename(_OTHER_NAMES, strict=False)


def _table(kind: Kind) -> sql.Composable:
    return sql.Identifier("storewatch", kind.name)
