"""The files of the Delta table: Parquet sorted by store, of which a part is read for some stores."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from functools import lru_cache
from typing import TYPE_CHECKING

import polars as pl
from polars.selectors import by_name

from storewatch.domain.slices import Slice

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from polars._typing import PolarsDataType

# Rows of a group in new files, and where a file tells how many its own have and each one's first id.
# The ids of polls are dictionary-encoded, which reads twice as fast as text; but of such a column Polars does
# not use Parquet's own least and greatest.
GROUP_ROWS = 1 << 16
_GROUPS = "storewatch:groups"


def write_file(path: Path, rows: pl.DataFrame) -> None:
    """Write rows, which are in order of their stores if they are about stores; no column of nulls alone."""
    told = {}
    if is_by_store(rows):
        firsts = rows["store_id"].gather_every(GROUP_ROWS).cast(pl.String)
        groups = {"rows": GROUP_ROWS, "first_ids": firsts.to_list(), "stores": rows["store_id"].n_unique()}
        told[_GROUPS] = json.dumps(groups)
    says = [column for column in rows.get_columns() if column.null_count() < len(rows)]
    (pl.DataFrame(says) if says else rows).write_parquet(
        path, compression="lz4", row_group_size=GROUP_ROWS, metadata=told
    )


def is_by_store(rows: pl.DataFrame) -> bool:
    """Tell whether rows that are in order are so by their stores."""
    return rows.columns[0] == "store_id" and not rows["store_id"].null_count()


def count_stores(path: Path) -> int:
    """Return how many stores a file has rows of."""
    told = json.loads(pl.read_parquet_metadata(path).get(_GROUPS, "{}"))
    if "stores" in told:
        return int(told["stores"])
    return int(pl.scan_parquet(path, glob=False).select(pl.col("store_id").n_unique()).collect().item())


def read_files(
    paths: Sequence[Path], schema: Mapping[str, PolarsDataType], within: Slice | pl.Series | None = None
) -> pl.DataFrame:
    """Return the rows of some files, one file after the other.

    Args:
        paths: Of the files.
        schema: The columns wanted, and what they become.
        within: A range of stores, or ids of stores, String, sorted; None: all.
    """
    if not paths or (isinstance(within, pl.Series) and not len(within)):
        return pl.DataFrame(schema=schema)
    chosen: pl.Expr | bool = True
    if isinstance(within, pl.Series):  # one is found in half the time
        store = pl.col("store_id")
        chosen = store == within[0] if len(within) == 1 else store.is_in(within.implode())
    # A file may lack columns: its rows have nulls there, or are of an earlier version.
    columns = [by_name(name, require_all=False).cast(kind) for name, kind in schema.items()]
    frames = pl.collect_all([scan_file(path, within).filter(chosen).select(columns) for path in paths])
    if isinstance(within, Slice):
        frames = [_cut(frame, within) for frame in frames]
    return pl.concat([pl.DataFrame(schema=schema), *frames], how="diagonal")


def scan_file(path: Path, within: Slice | pl.Series | None) -> pl.LazyFrame:
    """Scan a file; of some stores, only the row groups that can have them, in order of the stores."""
    # A folder's name may hold signs that a glob would take for patterns.
    frame = pl.scan_parquet(path, glob=False)
    if within is None:
        return frame
    groups = _groups(path)
    if groups is None:  # of an earlier version, which may not be in order
        return frame.sort(pl.col("store_id").cast(pl.String), maintain_order=True)
    rows, firsts = groups
    begin, end = _reach(firsts, within)
    return frame.slice(begin * rows, max(end - begin, 0) * rows)


@lru_cache(maxsize=1_024)  # a file never changes, and its name is used once
def _groups(path: Path) -> tuple[int, list[str]] | None:
    """Return how many rows a group of a file has, and each group's first id, if the file tells."""
    told = pl.read_parquet_metadata(path).get(_GROUPS)
    groups = None if told is None else json.loads(told)
    return groups and (groups["rows"], groups["first_ids"])


def _reach(firsts: Sequence[str], within: Slice | pl.Series) -> tuple[int, int]:
    """Return the first group that can have a store, and the one after the last."""
    if isinstance(within, pl.Series):
        return max(bisect_left(firsts, within[0]) - 1, 0), bisect_right(firsts, within[-1])
    begin = 0 if within.first is None else max(bisect_left(firsts, within.first) - 1, 0)
    return begin, len(firsts) if within.after is None else bisect_left(firsts, within.after)


def _cut(rows: pl.DataFrame, within: Slice) -> pl.DataFrame:
    """Return the rows of a range of stores, out of rows in order of their stores."""
    ids, places = rows["store_id"], range(len(rows))
    first = 0 if within.first is None else bisect_left(places, within.first, key=ids.__getitem__)
    after = len(ids) if within.after is None else bisect_left(places, within.after, key=ids.__getitem__)
    return rows.slice(first, max(after - first, 0))
