"""A finished report's files: what lies on the shelf beside its CSV, and what is made of that when asked for.

The Parquet has the whole seconds that the CSV's
rounded figures cannot give back, so JSON and workbook are made of it.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from storewatch.formats.names import beside

if TYPE_CHECKING:
    from storewatch.formats.report import Report
    from storewatch.ports.shelf import ReportShelf


def content(shelf: ReportShelf, key: str) -> bytes | None:
    """Return all that lies at `key`, None if nothing does."""
    return None if shelf.size(key) is None else b"".join(shelf.read(key))


def published_report(shelf: ReportShelf, key: str) -> Report | None:
    """Return the complete report whose CSV lies at `key`; None if its seconds are not there (any more)."""
    import polars as pl  # noqa: PLC0415 - a service that only hands out files needs none of these

    from storewatch.formats.manifest import read_manifest  # noqa: PLC0415 - the same
    from storewatch.formats.report import Report  # noqa: PLC0415 - the same
    from storewatch.formats.rows import Rows  # noqa: PLC0415 - the same

    parquet, manifest = (content(shelf, beside(key, ending)) for ending in ("parquet", "json"))
    if parquet is None or manifest is None:
        return None
    ask, made_of = read_manifest(manifest)
    table = None if ask.by is None else content(shelf, beside(key, "parquet", by=ask.by))
    return Report(
        parts=Rows(pl.read_parquet(io.BytesIO(parquet))),
        groups=None if table is None else pl.read_parquet(io.BytesIO(table)),
        ask=ask,
        made_of=made_of,
    )
