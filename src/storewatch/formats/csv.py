"""The report as CSV: columns, units, rounding, and ids that no spreadsheet runs (R7)."""

from __future__ import annotations

import io
import re
from functools import lru_cache
from typing import TYPE_CHECKING

import polars as pl

from storewatch.domain.instant import HOUR, WINDOWS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

UNITS = {"hour": 60, "day": HOUR, "week": HOUR}  # seconds in the CSV's unit

_FORMULA = r"^'*[=+\-@\t\r]"  # what a spreadsheet would run, and what an apostrophe already keeps from it


def csv_pieces(parts: Iterable[pl.DataFrame]) -> Iterator[bytes]:
    """Yield rows as the CSV of R7: hours in minutes, days and weeks in hours, two decimals; a piece a part.

    An id that a spreadsheet would take for a formula has an apostrophe before it (`safe_ids`).
    """
    for nth, rows in enumerate(parts):
        buffer = io.BytesIO()
        _printed(_hundredths(rows)).write_csv(buffer, include_header=not nth)
        yield buffer.getvalue()


def csv_bytes(rows: pl.DataFrame) -> bytes:
    """Return rows as the CSV of R7."""
    return b"".join(csv_pieces([rows]))


def column_sums(parts: Iterable[pl.DataFrame]) -> dict[str, int]:
    """Return each column's sum over the stores of all parts, in seconds."""
    sums = pl.concat(rows.select(pl.col(rows.columns[1:]).sum()) for rows in parts)
    return {name: int(sums[name].sum()) for name in sums.columns}


def safe_ids() -> pl.Expr:
    """Put an apostrophe before each id that begins with `=`, `+`, `-`, `@`, a tab or a return.

    Spreadsheets run such cells as formulas. Ids that begin with apostrophes and then one of these get one
    more, so that taking one off gives the id back, and no two ids become one.
    """
    raw = pl.col("store_id")
    return pl.when(raw.str.contains(_FORMULA)).then("'" + raw).otherwise(raw).alias("store_id")


def bare_id(text: str) -> str:
    """Return the id that `safe_ids` wrote so."""
    return text[1:] if text[:1] == "'" and re.match(_FORMULA, text) else text


def csv_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the CSV's columns in order; hundredths are exact, since they are rounded as whole numbers."""
    return _hundredths(rows).with_columns(pl.exclude("store_id") / 100)


def _hundredths(rows: pl.DataFrame) -> pl.DataFrame:
    durations = [
        _duration(kind, window) for kind in ("uptime", "downtime", "unknown", "open") for window in WINDOWS
    ]
    percentages = [percent_hundredths(window).alias(f"uptime_percent_last_{window}") for window in WINDOWS]
    return rows.select("store_id", *durations, *percentages)


def _duration(kind: str, window: str) -> pl.Expr:
    """Round half up to hundredths of the window's unit."""
    unit = UNITS[window]
    hundredths = (100 * pl.col(f"{kind}_seconds_last_{window}") + unit // 2) // unit
    return hundredths.alias(f"{kind}_last_{window}")


def _printed(hundredths: pl.DataFrame) -> pl.DataFrame:
    """Return the CSV's cells: to look each figure up takes half as long as to print it."""
    figures = hundredths.drop("store_id")
    most: int = figures.select(pl.max_horizontal(pl.all().max())).item() or 0
    texts = _texts(most.bit_length())
    return hundredths.select(safe_ids()).with_columns(
        texts.gather(column).alias(column.name) for column in figures
    )


@lru_cache(maxsize=4)
def _texts(bits: int) -> pl.Series:
    """Return how each number of hundredths of so many bits is printed."""
    numbers = pl.int_range(1 << bits, eager=True)
    return (numbers // 100).cast(pl.String) + "." + (numbers % 100).cast(pl.String).str.zfill(2)


def percent_hundredths(window: str) -> pl.Expr:
    """Cut uptime ÷ (uptime + downtime) to hundredths of a percent, null where that sum is 0 (R6)."""
    up, down = (pl.col(f"{kind}_seconds_last_{window}") for kind in ("uptime", "downtime"))
    return pl.when(up + down > 0).then(10_000 * up // (up + down))
