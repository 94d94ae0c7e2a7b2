"""Annotations: what somebody states of a time, and the ids of those that were given none (R9)."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from storewatch.domain.instant import MICROSECONDS
from storewatch.domain.kinds import ANNOTATIONS, EVERY_STORE
from storewatch.domain.label import folded
from storewatch.domain.spans import STATUSES
from storewatch.ingest.ids import check_ids, has_zero
from storewatch.ingest.rejects import Codes, Reason, first_reason, flaws_of
from storewatch.ingest.stamps import stamps_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TEXTS = ("id", "store_id", "label", "value", "reason", "author")
_ID = 32  # hexadecimal digits of one that is made


def check_annotations(columns: pl.DataFrame) -> tuple[pl.DataFrame, Codes]:
    """Check annotations given as columns.

    Args:
        columns: start_utc, end_utc, made_at and withdrawn_at (String or Datetime), all others String; nulls
            allowed.

    Returns:
        ANNOTATIONS for every row, and the reason of each that is to be rejected by itself. One without an id
        has one that is made of all else but `withdrawn_at`.
    """
    text = {name: columns[name].cast(pl.String).fill_null("") for name in _TEXTS}
    text["label"] = _folded(text["label"])
    counts_as = columns["counts_as"].cast(pl.String).str.strip_chars().str.to_lowercase()
    since, since_codes = stamps_of(columns["start_utc"])
    made, made_codes = stamps_of(columns["made_at"])
    until, until_codes, has_end = _perhaps(columns["end_utc"])
    withdrawn, withdrawn_codes, is_withdrawn = _perhaps(columns["withdrawn_at"])
    codes = first_reason(
        len(columns),
        *_flaws(text["id"], Reason.NOTE_ID),
        *_flaws(text["store_id"]),
        (Reason.ABOUT, ~_is_about_one(text)),
        (Reason.NO_STAMP, _is_missing(columns["start_utc"]) | _is_missing(columns["made_at"])),
        *(
            flaw
            for found in (since_codes, until_codes, made_codes, withdrawn_codes)
            for flaw in flaws_of(found)
        ),
        (Reason.SECOND, (since % MICROSECONDS > 0) | (until % MICROSECONDS > 0)),
        (Reason.ENDS, has_end & (until <= since)),
        (Reason.COUNTS_AS, ~counts_as.is_in(STATUSES).fill_null(value=False).to_numpy()),
        (Reason.ZERO, has_zero(*text.values())),
    )
    numbers = {"since": (since, None), "until": (until, has_end), "made_at": (made, None)}
    numbers["withdrawn_at"] = withdrawn, is_withdrawn
    rows = text | {"counts_as": counts_as} | {name: _instants(*of) for name, of in numbers.items()}
    return _with_ids(pl.DataFrame(rows).select(*ANNOTATIONS.schema), codes), codes


def _folded(labels: pl.Series) -> pl.Series:
    """Return labels as names of columns are matched (R10)."""
    known = {text: folded(text) for text in labels.unique().to_list()}
    return labels.replace_strict(known, return_dtype=pl.String)


def _flaws(ids: pl.Series, reason: Reason | None = None) -> list[tuple[Reason, NDArray[np.bool_]]]:
    """Return what is wrong with ids that may be empty, all under one reason if there is one."""
    codes = check_ids(ids)
    codes[(ids == "").to_numpy()] = Reason.GOOD
    return flaws_of(codes) if reason is None else [(reason, codes > 0)]


def _is_about_one(text: dict[str, pl.Series]) -> NDArray[np.bool_]:
    has_store, has_label, has_value = ((text[name] != "") for name in ("store_id", "label", "value"))
    is_every = text["label"] == EVERY_STORE
    of_label = has_label & (has_value ^ is_every)
    return (has_store & ~has_label & ~has_value | ~has_store & of_label).to_numpy()


def _is_missing(stamps: pl.Series) -> NDArray[np.bool_]:
    return (stamps.cast(pl.String).fill_null("") == "").to_numpy()


def _perhaps(stamps: pl.Series) -> tuple[NDArray[np.int64], Codes, NDArray[np.bool_]]:
    """Read instants of which some are not given: microseconds (0 for those), reasons, which are given."""
    if stamps.dtype == pl.String:
        stamps = stamps.set(stamps == "", None)
    at, codes = stamps_of(stamps)
    is_given = stamps.is_not_null().to_numpy()
    codes[~is_given] = Reason.GOOD
    return at, codes, is_given


def _instants(at: NDArray[np.int64], is_given: NDArray[np.bool_] | None) -> pl.Series:
    found = pl.Series(at).cast(pl.Datetime("us", "UTC"))
    return found if is_given is None else found.set(pl.Series(~is_given), None)


def _with_ids(rows: pl.DataFrame, codes: Codes) -> pl.DataFrame:
    """Give the rows an id that are good and have none."""
    lack = np.flatnonzero((rows["id"] == "").to_numpy() & (codes == 0))
    if not len(lack):
        return rows
    content = rows[lack].drop("id", "withdrawn_at").with_columns(pl.col(pl.Datetime).to_physical())
    made = [hashlib.sha256(json.dumps(row).encode()).hexdigest()[:_ID] for row in content.iter_rows()]
    return rows.with_columns(rows["id"].scatter(lack, made))
