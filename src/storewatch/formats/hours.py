"""The table of hours as a file (R13), written part by part."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storewatch.domain.hours import SCHEMA
from storewatch.errors import InputError
from storewatch.formats.csv import safe
from storewatch.formats.parquet import sink_parquet
from storewatch.whole import whole_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from typing import BinaryIO

    import polars as pl

_INSTANT = "%Y-%m-%dT%H:%M:%S%.fZ"


def writer_of(path: Path) -> Callable[[Iterable[pl.DataFrame]], None]:
    """Return what writes frames of hours to a file, whole or not at all, of the kind that its ending names.

    Raises:
        InputError: The ending is neither .parquet nor .csv.
    """
    write = {".parquet": _parquet, ".csv": _csv}.get(path.suffix.lower())
    if write is None:
        raise InputError(
            f"{path}: hours are written as .parquet or .csv: end the file's name with one of them"
        )

    def writer(parts: Iterable[pl.DataFrame]) -> None:
        with whole_file(path) as file:
            write(parts, file)

    return writer


def _parquet(parts: Iterable[pl.DataFrame], file: BinaryIO) -> None:
    # Instants to the microsecond hardly shrink, and are most of the work; small groups stay in the cache.
    sink_parquet(parts, SCHEMA, file, level=1, group=1 << 17)


def _csv(parts: Iterable[pl.DataFrame], file: BinaryIO) -> None:
    for nth, rows in enumerate(parts):
        rows.with_columns(safe("store_id")).write_csv(file, include_header=not nth, datetime_format=_INSTANT)
