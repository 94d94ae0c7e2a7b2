"""A finished report's files: what lies on the shelf beside its CSV, and what is made of that when asked for.

All files of an attempt have one name but for the ending. The Parquet has the whole seconds that the CSV's
rounded figures cannot give back, so JSON and workbook are made of it.
"""

from __future__ import annotations

import io
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from storewatch.ports.shelf import ReportShelf


def beside(key: str, ending: str) -> str:
    """Return where a report's file with another ending (`parquet`; `json`: its manifest) lies."""
    return str(PurePosixPath(key).with_suffix(f".{ending}"))


def content(shelf: ReportShelf, key: str) -> bytes | None:
    """Return all that lies at `key`, None if nothing does."""
    return None if shelf.size(key) is None else b"".join(shelf.read(key))


def convert(parquet: bytes, *, as_of: int, ending: str) -> bytes:
    """Return a report's JSON or workbook, made of its Parquet.

    Args:
        parquet: As it was published.
        as_of: The report's, in seconds since 1970 UTC.
        ending: `json` or `xlsx`.

    Raises:
        InputError: A sheet cannot hold it.
    """
    import polars as pl  # noqa: PLC0415 - the service needs neither of them for anything else

    from storewatch.formats.report import Report  # noqa: PLC0415 - the same

    report = Report(rows=pl.read_parquet(io.BytesIO(parquet)), as_of=as_of)
    return report.json_bytes() if ending == "json" else report.xlsx_bytes()
