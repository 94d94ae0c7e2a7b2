"""Hours that hold for a time only: frames in, frames out (R8)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from storewatch.domain.instant import DAY
from storewatch.domain.kinds import HOURS
from storewatch.domain.zone import DEFAULT_ZONE, wall_clock

if TYPE_CHECKING:
    from datetime import date

_WEEK = timedelta(days=7)


def run_out(hours: pl.DataFrame, zones: pl.DataFrame, as_of: int) -> pl.Series:
    """Return the stores with hours of which none makes a shift in the week before the as-of.

    Args:
        hours: HOURS, with or without their validity.
        zones: ZONES, of these stores at least.
        as_of: Seconds since 1970 UTC.

    Returns:
        Ids, String, sorted. The week is the store's date of the as-of and the seven before it.
    """
    if hours.is_empty() or hours.schema == HOURS.schema:  # what holds for ever makes a shift each week
        return hours["store_id"].clear()
    zone = hours.select("store_id").join(zones, on="store_id", how="left", maintain_order="left")["zone"]
    today = _dates(zone.fill_null(DEFAULT_ZONE), as_of)
    first = pl.max_horizontal("valid_from", pl.lit(today - _WEEK))
    last = pl.min_horizontal("valid_to", pl.lit(today))
    until = (pl.col("day") + 8 - first.dt.weekday()) % 7  # days until the first of its weekday
    shifts = hours.select("store_id", makes=first + pl.duration(days=until) <= last)
    makes = shifts.group_by("store_id").agg(pl.col("makes").any())
    return makes.filter(~pl.col("makes"))["store_id"].sort()


def begun(given: pl.DataFrame, held: pl.DataFrame, since: date) -> pl.DataFrame:
    """Return the hours of stores that have new ones from a date on.

    Args:
        given: The new ones, HOURS, whole.
        held: The ones that were held, of these stores at least, the same.
        since: The first local date of the new ones; of what was held all before stays. A store that held
            none was open all the time (R2), and is so before the date.
    """
    stores, last = given.select("store_id").unique(), since - timedelta(days=1)
    held = held.join(stores, on="store_id", how="semi")
    week = HOURS.filled(pl.DataFrame({"day": range(7)}).with_columns(start=0, end=DAY))
    always = stores.join(held, on="store_id", how="anti").join(week, how="cross")
    before = pl.concat([held, always.select(held.columns).cast(held.schema)])
    ended = before.filter((pl.col("valid_from") <= last).fill_null(value=True))
    begins = given.filter((pl.col("valid_to") >= since).fill_null(value=True))
    parts = [
        ended.with_columns(pl.min_horizontal("valid_to", pl.lit(last))),
        begins.with_columns(pl.max_horizontal("valid_from", pl.lit(since))),
    ]
    return pl.concat(parts).unique()


def _dates(zones: pl.Series, as_of: int) -> pl.Series:
    """Return the local date of an instant in each zone."""
    known = {name: wall_clock(name, as_of).date() for name in zones.unique().to_list()}
    return zones.replace_strict(known, return_dtype=pl.Date)
