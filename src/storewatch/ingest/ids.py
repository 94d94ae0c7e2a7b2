"""Store ids: text, kept to the letter (R1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from storewatch.ingest.rejects import Codes, Reason

if TYPE_CHECKING:
    from numpy.typing import NDArray

LONGEST = 512  # bytes (R1): what every poll store keeps
CONTROL = r"[\x00-\x1f\x7f-\x9f]"
DESTROYED = r"(?i)^[+-]?[0-9]+(\.[0-9]+)?e\+[0-9]+$"  # 1.48197E+18: what a spreadsheet makes of long digits


def check_ids(ids: pl.Series) -> Codes:
    """Return for each id (String or Categorical, nulls allowed) what is wrong with it.

    Only the distinct ids are looked at, so a load of millions of polls pays for thousands.
    """
    codes = np.zeros(len(ids), np.uint8)
    distinct = ids.unique().cast(pl.String).drop_nulls()
    for reason, flawed in (
        (
            Reason.WRONG_ID,
            distinct.filter((distinct.str.len_bytes() > LONGEST) | distinct.str.contains(CONTROL)),
        ),
        (Reason.NO_ID, distinct.filter(distinct.str.strip_chars() == "")),
        (Reason.BAD_ID, distinct.filter(distinct.str.contains(DESTROYED))),
    ):
        if len(flawed):
            codes[_member(ids, flawed)] = reason
    if ids.null_count():
        codes[ids.is_null().to_numpy()] = Reason.NO_ID
    return codes


def _member(ids: pl.Series, flawed: pl.Series) -> NDArray[np.bool_]:
    return ids.cast(pl.String).is_in(flawed.implode()).fill_null(value=False).to_numpy()
