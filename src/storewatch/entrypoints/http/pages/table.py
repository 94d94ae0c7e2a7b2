"""The fleet as one frame, a row a store, and what of it can be asked for by name.

Counts, list, groups and exports all ask here, so that a count and the list behind its link are the same.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from storewatch.entrypoints.http.pages.current import Current
    from storewatch.formats.overview import Overview
    from storewatch.formats.report import Report

LABEL = "label:"  # before the name of a label, in a column's name
TARGET = 95.0  # percent, of stores that have none
WEEK = "last_week"
_MAYBE: dict[str, pl.DataType] = {  # columns that plain reports, or older ones, lack
    "store_name": pl.String(),
    "timezone_str": pl.String(),
    "target_percent": pl.Float64(),
    "state": pl.String(),
    "is_closed": pl.Boolean(),
    "since": pl.Datetime("us", "UTC"),
    "outages_last_week": pl.Int64(),
    "longest_outage_seconds_last_week": pl.Int64(),
    "state_before": pl.String(),
    "is_closed_before": pl.Boolean(),
    "silent_since": pl.Datetime("us", "UTC"),
    "week": pl.String(),
    **{
        f"{figure}_seconds_last_{window}{end}": pl.Int64()
        for figure in ("uptime", "downtime", "unknown", "open", "excluded", "measured")
        for window in ("hour", "day", "week")
        for end in ("", "_before")
    },
}


@lru_cache(maxsize=2)
def _joined(of: _Identity) -> pl.DataFrame:
    rows = of.report.rows
    if of.overview is not None:
        more = of.overview.stores
        rows = rows.drop(name for name in more.columns if name in rows.columns and name != "store_id")
        rows = rows.hstack(more.drop("store_id"))
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in _MAYBE.items() if name not in rows.columns]
    return rows.with_columns(missing)


class _Identity:
    """A report and what lies beside it; there is one of each in memory, so they are told apart as objects."""

    def __init__(self, report: Report, overview: Overview | None) -> None:
        self.report = report
        self.overview = overview

    def __hash__(self) -> int:
        return hash((id(self.report), id(self.overview)))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, _Identity) and self.report is other.report and self.overview is other.overview
        )


def fleet_table(now: Current) -> pl.DataFrame:
    """Return the rows of the report, and of the overview beside it, in order of the ids.

    Columns that only an overview or a newer report has are there all the same, null. Labels are columns
    `label:NAME`.
    """
    return _joined(_Identity(now.report, now.overview))


def labels_of(table: pl.DataFrame) -> list[str]:
    """Return the names of the labels that stores have."""
    return [name.removeprefix(LABEL) for name in table.columns if name.startswith(LABEL)]


def seconds(figure: str, window: str = WEEK, end: str = "") -> pl.Expr:
    """Return a figure's seconds in a window; with `end="_before"` in the one before."""
    return pl.col(f"{figure}_seconds_{window}{end}")


def is_down(end: str = "") -> pl.Expr:
    """Return which stores are down now and not closed; with `end="_before"` a week earlier."""
    return (pl.col(f"state{end}") == "down") & ~pl.col(f"is_closed{end}").fill_null(value=False)


def is_below(percent: float | None = None, window: str = WEEK, end: str = "") -> pl.Expr:
    """Return whose uptime is below a percentage (None: their own target or `TARGET`), in integers (R10)."""
    target = pl.col("target_percent").fill_null(TARGET) if percent is None else pl.lit(float(percent))
    thousandths = (target * 1_000).round().cast(pl.Int64)
    up, down = seconds("uptime", window, end), seconds("downtime", window, end)
    return (up + down > 0) & (100_000 * up < thousandths * (up + down))


def has_no_data(window: str = WEEK, end: str = "") -> pl.Expr:
    """Return which stores have open time of which nothing at all is known."""
    return (seconds("unknown", window, end) > 0) & (
        seconds("uptime", window, end) + seconds("downtime", window, end) == 0
    )


def is_silent() -> pl.Expr:
    """Return which stores have not been polled for far longer than usual, and are not yet."""
    return pl.col("silent_since").is_not_null()
