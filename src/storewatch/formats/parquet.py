"""The report as Parquet: whole seconds, in row groups of one size, however many parts the rows come in."""

from __future__ import annotations

import io
import tempfile
from functools import partial
from typing import TYPE_CHECKING

from polars.exceptions import ComputeError
from polars.io.plugins import register_io_source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import IO

    import polars as pl
    from polars._typing import SchemaDict

    from storewatch.formats.rows import Rows

GROUP_ROWS = 1 << 18
PIECE = 1 << 20  # bytes


def parquet_pieces(parts: Rows) -> Iterator[bytes]:
    """Yield rows as a Parquet file, the same bytes for the same rows; several row groups are on disk first.

    Raises:
        OSError: The disk for what is temporary is full, or cannot be used.
    """
    with io.BytesIO() if parts.height <= GROUP_ROWS else tempfile.TemporaryFile() as file:
        try:
            sink_parquet(parts, parts.schema, file)
        except OSError as error:
            raise OSError(f"{tempfile.gettempdir()}: {error}") from error
        file.seek(0)
        yield from iter(partial(file.read, PIECE), b"")


def sink_parquet(
    parts: Iterable[pl.DataFrame],
    schema: SchemaDict,
    file: IO[bytes],
    *,
    level: int | None = None,
    group: int = GROUP_ROWS,
) -> None:
    """Write frames of a schema to a file, each as it comes: in groups of rows, by a level of Zstandard.

    Raises:
        OSError: It cannot be written.
    """

    def read(
        _columns: list[str] | None, _predicate: pl.Expr | None, _rows: int | None, _batch: int | None
    ) -> Iterator[pl.DataFrame]:
        yield from parts

    source = register_io_source(read, schema=schema)
    try:
        source.sink_parquet(file, row_group_size=group, engine="streaming", compression_level=level)
    except ComputeError as error:
        if "os error" not in str(error):
            raise
        raise OSError(f"{error}") from error
