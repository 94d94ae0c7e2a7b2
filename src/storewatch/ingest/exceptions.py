"""Exceptions: on a date a store is open from and to, or closed, whatever its hours say (R8)."""

from __future__ import annotations

from datetime import date

import polars as pl

from storewatch.domain.kinds import EXCEPTIONS
from storewatch.ingest.dates import dates_of
from storewatch.ingest.hours import are_in_time, times_of
from storewatch.ingest.ids import check_ids, has_zero
from storewatch.ingest.rejects import Codes, Reason, first_reason, flaws_of
from storewatch.ingest.stamps import FIRST_YEAR, LAST_YEAR


def check_exceptions(columns: pl.DataFrame) -> tuple[pl.DataFrame, Codes]:
    """Check exceptions given as columns.

    Args:
        columns: store_id and reason (String), date (as `dates_of` takes it), start_time_local and
            end_time_local (String or Time); nulls allowed.

    Returns:
        EXCEPTIONS for every row, and the reason of each that is to be rejected by itself.
    """
    ids, why = columns["store_id"].cast(pl.String), columns["reason"].cast(pl.String)
    day, no_day = dates_of(columns["date"])
    given = [columns[name] for name in ("start_time_local", "end_time_local")]
    start, end = map(times_of, given)
    has_start, has_end = ((times.cast(pl.String).fill_null("") != "").to_numpy() for times in given)
    known = day.is_between(date(FIRST_YEAR, 1, 1), date(LAST_YEAR, 12, 31)).fill_null(value=False)
    codes = first_reason(
        len(ids),
        *flaws_of(check_ids(ids)),
        (Reason.DATE, no_day | day.is_null().to_numpy()),
        (Reason.DATE_YEAR, ~known.to_numpy()),
        (Reason.HALF_CLOSED, has_start != has_end),
        (Reason.TIME, has_start & ~are_in_time(start, end)),
        (Reason.ZERO, has_zero(why)),
    )
    rows = {"store_id": ids, "date": day, "start": start, "end": end, "reason": why.fill_null("")}
    return pl.DataFrame(rows, schema=EXCEPTIONS.schema), codes


def open_and_closed(exceptions: pl.DataFrame) -> pl.DataFrame:
    """Return the stores and dates (store_id, date) with a closed row beside one with times."""
    closed = pl.col("start").is_null()
    both = exceptions.group_by(EXCEPTIONS.replaces).agg(both=closed.any() & ~closed.all())
    return both.filter("both").drop("both")
