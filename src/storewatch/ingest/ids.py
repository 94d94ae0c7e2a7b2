"""Store ids: text, kept to the letter (R1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from storewatch.ingest.rejects import Codes, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

LONGEST = 512  # bytes (R1): what every poll store keeps
CONTROL = r"[\x00-\x1f\x7f-\x9f]"
DESTROYED = r"(?i)^[+-]?[0-9]+(\.[0-9]+)?e\+[0-9]+$"  # 1.48197E+18: what a spreadsheet makes of long digits
# What is wrong but for its length has this: white space, control signs, +, no ASCII, or nothing at all.
_DOUBTFUL = r"^$|[^!-*,-~]"


def check_ids(ids: pl.Series) -> Codes:
    """Return for each id (String or Categorical, nulls allowed) what is wrong with it.

    Only the distinct ids are looked at, so a load of millions of polls pays for thousands.
    """
    codes = np.zeros(len(ids), np.uint8)
    distinct = ids.unique().cast(pl.String).drop_nulls()
    distinct = distinct.filter(distinct.str.contains(_DOUBTFUL) | (distinct.str.len_bytes() > LONGEST))
    for reason, flawed in _flaws(distinct) if len(distinct) else ():
        if len(flawed):
            codes[_member(ids, flawed)] = reason
    if ids.null_count():
        codes[ids.is_null().to_numpy()] = Reason.NO_ID
    return codes


def _flaws(distinct: pl.Series) -> Iterator[tuple[Reason, pl.Series]]:
    """Yield each reason and the ids (String, no nulls) that are wrong for it; the last one of an id holds."""
    is_wrong = (distinct.str.len_bytes() > LONGEST) | distinct.str.contains(CONTROL)
    yield Reason.WRONG_ID, distinct.filter(is_wrong)
    yield Reason.NO_ID, distinct.filter(distinct.str.strip_chars() == "")
    yield Reason.BAD_ID, distinct.filter(distinct.str.contains(DESTROYED))


def has_zero(*texts: pl.Series) -> NDArray[np.bool_]:
    """Say which rows have a zero byte in one of some texts (String), which not all can keep."""
    found = pl.DataFrame([text.alias(f"{nth}") for nth, text in enumerate(texts)])
    flawed = pl.any_horizontal(pl.all().str.contains("\0", literal=True)).fill_null(value=False)
    return found.select(flawed=flawed)["flawed"].to_numpy()


def _member(ids: pl.Series, flawed: pl.Series) -> NDArray[np.bool_]:
    return ids.cast(pl.String).is_in(flawed.implode()).fill_null(value=False).to_numpy()
