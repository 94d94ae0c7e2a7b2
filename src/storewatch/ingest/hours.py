"""Business hours: days and times of day as exports write them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from storewatch.domain.kinds import HOURS
from storewatch.ingest.dates import dates_of
from storewatch.ingest.ids import check_ids
from storewatch.ingest.rejects import Codes, Reason, first_reason, flaws_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?")
_DAY = 86_400  # seconds
_NANOSECONDS = 1_000_000_000  # a second
_DAYS = {f"{day}": day for day in range(7)}


def check_hours(columns: pl.DataFrame) -> tuple[pl.DataFrame, Codes]:
    """Check business hours given as columns.

    Args:
        columns: store_id (String), day (String or numeric), start_time_local and end_time_local (String
            or Time), valid_from and valid_to (as `dates_of` takes them); nulls allowed.

    Returns:
        HOURS, whole, for every row, with the times as written (R2 reads 23:59 later), and the reason of each
        row that is to be rejected.
    """
    ids = columns["store_id"].cast(pl.String)
    day = _days(columns["day"])
    start, end = times_of(columns["start_time_local"]), times_of(columns["end_time_local"])
    (first, no_first), (last, no_last) = (dates_of(columns[name]) for name in HOURS.optional)
    codes = first_reason(
        len(ids),
        *flaws_of(check_ids(ids)),
        (Reason.DAY, day.is_null().to_numpy()),
        (Reason.TIME, ~are_in_time(start, end)),
        (Reason.DATE, no_first | no_last),
        (Reason.VALIDITY, (first > last).fill_null(value=False).to_numpy()),
    )
    rows = {"store_id": ids, "day": day, "start": start, "end": end, "valid_from": first, "valid_to": last}
    return pl.DataFrame(rows, schema=HOURS.whole), codes


def are_in_time(start: pl.Series, end: pl.Series) -> NDArray[np.bool_]:
    """Say of which rows both times are there and can be: a start before 24:00, an end at most then (R1)."""
    return ((start < _DAY) & (end <= _DAY)).fill_null(value=False).to_numpy()


def _days(days: pl.Series) -> pl.Series:
    """Return 0 (Monday) to 6, null for all else; a whole number in a float column is one."""
    if days.dtype == pl.String:
        return days.replace_strict(_DAYS, default=None, return_dtype=pl.Int8)
    fits = (days >= 0) & (days <= max(_DAYS.values()))
    if days.dtype.is_float():
        fits &= days == days.floor()
    return days.set(~fits.fill_null(value=False), None).cast(pl.Int8)


def times_of(times: pl.Series) -> pl.Series:
    """Return seconds since midnight (Int32), later than 24:00 too, null for no time of whole seconds."""
    if times.dtype == pl.Time:
        nanoseconds = times.to_physical()
        return (nanoseconds.set(nanoseconds % _NANOSECONDS != 0, None) // _NANOSECONDS).cast(pl.Int32)
    distinct = times.unique().drop_nulls()
    known = {text: _parse(text) for text in distinct.to_list()}
    return times.replace_strict(known, default=None, return_dtype=pl.Int32)


def _parse(text: str) -> int | None:
    found = _TIME.fullmatch(text)
    if not found:
        return None
    hour, minute, second = (int(part or 0) for part in found.groups())
    return (hour * 60 + minute) * 60 + second if minute < 60 and second < 60 else None  # noqa: PLR2004 - the clock's
