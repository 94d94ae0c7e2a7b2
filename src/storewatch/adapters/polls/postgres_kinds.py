"""The kinds of facts other than polls in the schema `storewatch`: a table each, named for the kind.

A row holds from its `load` on, and until another load has `ended` it. A kind that names stores has their keys
in place of their ids.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
from psycopg import sql

from storewatch.adapters.polls.postgres_keys import CHOSEN
from storewatch.adapters.polls.postgres_wire import copy_rows_in, copy_rows_out

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from storewatch.adapters.polls.merge import Replaced
    from storewatch.adapters.polls.postgres_keys import Stores
    from storewatch.adapters.polls.postgres_server import Connection
    from storewatch.domain.kinds import Kind

_OTHER_NAMES = {"start": "opens", "end": "closes"}  # END is a word of SQL
_HOLDS_AT = sql.SQL("load <= %(load)s AND (ended IS NULL OR ended > %(load)s)")
_UNITS = sql.SQL("CREATE TEMPORARY TABLE {units} ON COMMIT DROP AS SELECT {names} FROM {kind} WITH NO DATA")
_END = sql.SQL(
    "UPDATE {kind} AS held SET ended = {load} FROM {units} AS gone WHERE held.ended IS NULL AND {same}"
)


def read_rows(connection: Connection, kind: Kind, stores: Stores, *, load: int) -> pl.DataFrame:
    """Return the rows of a kind, not polls, as of a load, of one kept by store those of these stores."""
    where: sql.Composable = _HOLDS_AT
    parameters: dict[str, object] = {"load": load, **stores.chosen}
    if kind.names_stores:
        where += sql.SQL(" AND ") + sql.SQL(CHOSEN)
    elif kind.by_store:
        where += sql.SQL(" AND (%(every)s OR store_id = ANY(%(ids)s))")
        parameters["ids"] = [] if stores.chosen["every"] else stores.ids.to_list()
    select = _select(_kept_names(kind), _table(kind), where)
    if not kind.names_stores:
        return copy_rows_out(connection, select, kind.schema, parameters)
    rows = copy_rows_out(connection, select, kind.schema | {"store_id": pl.Int32()}, parameters)
    return rows.with_columns(stores.of(rows["store_id"].to_numpy()).cast(pl.String).alias("store_id"))


def known_rows(connection: Connection, kind: Kind, store_ids: Iterable[str]) -> pl.DataFrame:
    """Return the rows of a kind that hold now: of one kept by store those of some stores, else all."""
    ids = sorted(store_ids)
    if kind.by_store and not ids:
        return kind.frame()
    source = _table(kind)
    if kind.names_stores:
        source += sql.SQL(" JOIN storewatch.stores USING (store_key)")
    where = sql.SQL("ended IS NULL AND store_id = ANY(%(ids)s)" if kind.by_store else "ended IS NULL")
    names = [_OTHER_NAMES.get(name, name) for name in kind.schema]
    return copy_rows_out(connection, _select(names, source, where), kind.schema, {"ids": ids})


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


def _kept_names(kind: Kind) -> list[str]:
    names = _OTHER_NAMES | ({"store_id": "store_key"} if kind.names_stores else {})
    return [names.get(name, name) for name in kind.schema]


def _table(kind: Kind) -> sql.Composable:
    return sql.Identifier("storewatch", kind.name)


def _select(names: Sequence[str], source: sql.Composable, where: sql.Composable) -> sql.Composed:
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    return sql.SQL("SELECT {} FROM {} WHERE {}").format(columns, source, where)
