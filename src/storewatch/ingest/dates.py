"""Local dates as exports write them: `2022-12-25`."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"


def dates_of(dates: pl.Series) -> tuple[pl.Series, NDArray[np.bool_]]:
    """Read dates.

    Args:
        dates: String, Date, or Datetime, of which midnights are dates; null or "" is none.

    Returns:
        The dates (Date), null where there is none, and which were given and are none.
    """
    if dates.dtype == pl.String:
        is_given = dates.fill_null("") != ""
        is_date = dates.str.contains(_DATE).fill_null(value=False)
        read = dates.set(~is_date, None).str.to_date("%Y-%m-%d", strict=False)
    else:
        is_given = dates.is_not_null()
        read = dates.cast(pl.Date)
        if isinstance(dates.dtype, pl.Datetime):
            is_midnight = (read.cast(dates.dtype) == dates).fill_null(value=False)
            read = read.set(~is_midnight, None)
    read = read.set(~(read >= date.min).fill_null(value=False), None)  # Polars has a year 0
    return read, (is_given & read.is_null()).to_numpy()
