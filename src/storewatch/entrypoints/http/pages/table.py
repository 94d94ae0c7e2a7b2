"""The fleet as one frame, a row a store, and what of it can be asked for by name.

Counts, list, groups and exports all ask here, so that a count and the list behind its link are the same.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import polars as pl

from storewatch.domain.instant import HOUR
from storewatch.domain.instant import WEEK as WEEK_SECONDS
from storewatch.domain.zone import DEFAULT_ZONE, offset_spans
from storewatch.formats.csv import cut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from storewatch.entrypoints.http.pages.current import Current
    from storewatch.formats.overview import Overview
    from storewatch.formats.report import Report

LABEL = "label:"  # before the name of a label, in a column's name
TARGET = 95.0  # percent, of stores that have none
WEEK = "last_week"
STATES = ("down", "up", "unknown", "excluded", "closed")
SEARCHED = "searched"  # a column: id and name, in lower case
EVERY = pl.lit(value=True)
CHOICES = 50  # values of a label that forms offer
HOURS = 168  # of a week
_THURSDAY = 3  # the weekday of 1970-01-01
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
    rows = rows.with_columns(missing).with_columns(pl.col("store_name").replace("", None))
    texts = pl.concat_str("store_id", "store_name", separator="\n", ignore_nulls=True)
    return rows.with_columns(texts.str.to_lowercase().alias(SEARCHED))


@lru_cache(maxsize=2)
def _offered(of: _Identity) -> tuple[dict[str, list[str]], list[str], bool]:
    rows = _joined(of)
    labels = {name: _most(rows[f"{LABEL}{name}"]) for name in labels_of(rows)}
    zones = rows.select(zone().unique().sort()).to_series().to_list() if of.overview else []
    return labels, zones, rows["store_name"].null_count() < rows.height


def _most(values: pl.Series) -> list[str]:
    counts = values.alias("value").drop_nulls().value_counts()
    return sorted(counts.sort("count", "value", descending=[True, False])["value"].head(CHOICES))


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


def offered(now: Current) -> tuple[dict[str, list[str]], list[str], bool]:
    """Return what forms offer: by label its most frequent values, the zones; and if any store has a name."""
    return _offered(_Identity(now.report, now.overview))


def labels_of(table: pl.DataFrame) -> list[str]:
    """Return the names of the labels that stores have."""
    return [name.removeprefix(LABEL) for name in table.columns if name.startswith(LABEL)]


def seconds(figure: str, window: str = WEEK, end: str = "") -> pl.Expr:
    """Return a figure's seconds in a window; with `end="_before"` in the one before."""
    return pl.col(f"{figure}_seconds_{window}{end}")


def is_down(end: str = "") -> pl.Expr:
    """Return which stores are down now and not closed; with `end="_before"` a week earlier."""
    return is_in("down", end)


def is_in(state: str, end: str = "") -> pl.Expr:
    """Return which stores are open and in a state of R16; or `closed`, whatever their state."""
    is_closed = pl.col(f"is_closed{end}").fill_null(value=False)
    return is_closed if state == "closed" else (pl.col(f"state{end}") == state) & ~is_closed


def is_below(percent: float | None = None, window: str = WEEK, end: str = "") -> pl.Expr:
    """Return whose uptime is below a percentage (None: their own target or `TARGET`), in integers (R10)."""
    target = pl.col("target_percent").fill_null(TARGET) if percent is None else pl.lit(float(percent))
    return _is_less(*_uptime(window, end), target)


def is_hardly_measured(percent: float, window: str = WEEK) -> pl.Expr:
    """Return of whose open, not excluded time less than a percentage is measured (R12)."""
    return _is_less(*_measured(window), pl.lit(float(percent)))


def _is_less(part: pl.Expr, whole: pl.Expr, percent: pl.Expr) -> pl.Expr:
    thousandths = (percent * 1_000).round().cast(pl.Int64)
    return (whole > 0) & (100_000 * part < thousandths * whole)


def _uptime(window: str, end: str = "") -> tuple[pl.Expr, pl.Expr]:
    up, down = seconds("uptime", window, end), seconds("downtime", window, end)
    return up, up + down


def _measured(window: str) -> tuple[pl.Expr, pl.Expr]:
    return seconds("measured", window), seconds("open", window) - seconds("excluded", window)


def uptime(window: str = WEEK, end: str = "") -> pl.Expr:
    """Return the uptime in whole hundredths of a percent, cut (R6); null where nothing is known."""
    return cut(*_uptime(window, end))


def change(window: str = WEEK) -> pl.Expr:
    """Return by how many hundredths of a percentage point the uptime is above that of the window before."""
    return uptime(window) - uptime(window, "_before")


def measured(window: str = WEEK) -> pl.Expr:
    """Return how much was measured (R12) in whole hundredths of a percent, cut."""
    return cut(*_measured(window))


def has_no_data(window: str = WEEK, end: str = "") -> pl.Expr:
    """Return which stores have open time of which nothing at all is known."""
    return (seconds("unknown", window, end) > 0) & (
        seconds("uptime", window, end) + seconds("downtime", window, end) == 0
    )


def is_silent() -> pl.Expr:
    """Return which stores have not been polled for far longer than usual, and are not yet."""
    return pl.col("silent_since").is_not_null()


def is_of(label: str, values: list[str]) -> pl.Expr:
    """Return which stores have one of some values of a label; the empty one: none at all."""
    return pl.col(f"{LABEL}{label}").fill_null("").is_in(values)


def zone() -> pl.Expr:
    """Return the stores' zones, the default where none is known (R2)."""
    return pl.col("timezone_str").replace("", None).fill_null(DEFAULT_ZONE)


def has(text: str) -> pl.Expr:
    """Return in whose id or name a text is, to the letter but for case."""
    return pl.col(SEARCHED).str.contains(text.lower(), literal=True)


def was(letters: Iterable[str], table: pl.DataFrame, cell: int, *, is_local: bool, as_of: int) -> pl.Expr:
    """Return which stores were something, for a second or more, in an hour of the week before the as-of.

    Args:
        letters: Of their weeks: `DOWN` or `UNMEASURED` of `domain/overview`.
        table: The fleet.
        cell: Weekday · 24 + hour, Monday 0: a UTC hour, or …
        is_local: … what the store's own clock shows as a UTC hour begins. Where clocks change, a cell may
            have no hour of the week or two; so has that of the as-of, of which the week has both ends.
        as_of: Seconds since 1970 UTC.
    """
    begin = (as_of - WEEK_SECONDS) // HOUR * HOUR
    clock = zone() if is_local else pl.lit("UTC")
    places = {name: _places(name, cell, begin, as_of) for name in table.select(clock.unique()).to_series()}
    is_so = [pl.lit(value=False)]
    for nth in range(max(map(len, places.values()), default=0)):
        nths = {name: found[nth] for name, found in places.items() if nth < len(found)}
        place = clock.replace_strict(nths, default=None, return_dtype=pl.Int64)
        is_so.append(pl.col("week").str.slice(place, 1).is_in(list(letters)))
    return pl.any_horizontal(is_so)


def _places(zone: str, cell: int, begin: int, as_of: int) -> list[int]:
    """Return which of the UTC hours from `begin` on show this weekday and hour on a zone's wall clock."""
    return [
        (at - begin) // HOUR
        for since, until, offset in offset_spans(zone, begin, as_of)
        for at in range(-(-since // HOUR) * HOUR, until, HOUR)
        if ((at + offset) // HOUR + 24 * _THURSDAY) % HOURS == cell
    ]


def _share(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    return pl.when(whole > 0).then(part / whole)


ORDERS: dict[str, Callable[[str], pl.Expr]] = {  # by what a list may be sorted, of a window
    "uptime": lambda window: _share(*_uptime(window)),
    "change": change,
    "downtime": lambda window: seconds("downtime", window),
    "since": lambda _: pl.when(pl.col("state").is_not_null()).then(
        pl.col("since").dt.epoch("s").fill_null(0)  # no instant: all of the week
    ),
    "longest": lambda _: pl.col("longest_outage_seconds_last_week"),
    "outages": lambda _: pl.col("outages_last_week"),
    "measured": lambda window: _share(*_measured(window)),
    "id": lambda _: pl.int_range(pl.len()),
    "name": lambda _: pl.col("store_name").str.to_lowercase(),
    "state": lambda _: pl.col("state"),
}


def ordered(table: pl.DataFrame, kept: pl.Expr, order: str, window: str, *, is_descending: bool) -> pl.Series:
    """Return the places of the stores that are kept, in an order; equal ones by id, unknown ones last."""
    rows = table.select(
        kept=kept, key=ORDERS[order](window), place=pl.int_range(pl.len(), dtype=pl.UInt32)
    ).filter("kept")
    return rows.sort("key", descending=is_descending, nulls_last=True, maintain_order=True)["place"]
