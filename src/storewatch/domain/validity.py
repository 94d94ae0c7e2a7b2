"""Hours that hold for a time only: frames in, frames out (R8)."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from storewatch.domain.kinds import HOURS
from storewatch.domain.zone import DEFAULT_ZONE, wall_clock

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
    if hours.is_empty() or not set(HOURS.optional) & set(
        hours.columns
    ):  # what holds for ever makes a shift each week
        return hours["store_id"].clear()
    zone = hours.select("store_id").join(zones, on="store_id", how="left", maintain_order="left")["zone"]
    today = _dates(zone.fill_null(DEFAULT_ZONE), as_of)
    first = pl.max_horizontal("valid_from", pl.lit(today - _WEEK))
    last = pl.min_horizontal("valid_to", pl.lit(today))
    until = (pl.col("day") + 8 - first.dt.weekday()) % 7  # days until the first of its weekday
    shifts = hours.select("store_id", makes=first + pl.duration(days=until) <= last)
    makes = shifts.group_by("store_id").agg(pl.col("makes").any())
    return makes.filter(~pl.col("makes"))["store_id"].sort()


def _dates(zones: pl.Series, as_of: int) -> pl.Series:
    """Return the local date of an instant in each zone."""
    known = {name: wall_clock(name, as_of).date() for name in zones.unique().to_list()}
    return zones.replace_strict(known, return_dtype=pl.Date)
