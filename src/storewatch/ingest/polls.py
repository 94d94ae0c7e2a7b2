"""Polls: text or typed columns → instants and statuses, with a reason for every row that has none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from storewatch.domain.kinds import POLLS
from storewatch.ingest.csv.texts import distinct_places, distinct_texts
from storewatch.ingest.ids import check_ids
from storewatch.ingest.rejects import Codes, Reason, first_reason, flaws_of
from storewatch.ingest.stamps import stamps_from_bytes, stamps_from_text, stamps_of, words_at

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from storewatch.ingest.csv.fields import Fields
    from storewatch.ingest.csv.lines import Places
    from storewatch.ingest.layout import Layout

_ACTIVE = np.uint64(int.from_bytes(b"active", "little"))
_SIX_BYTES = np.uint64((1 << 48) - 1)
_INACTIVE = np.uint64(int.from_bytes(b"inactive", "little"))
_DOUBTFUL = np.ones(
    256, np.bool_
)  # bytes of an id that may be wrong: white space, control signs, +, no ASCII
_DOUBTFUL[[0, *range(ord("!"), 127)]] = False  # 0 is behind the end
_DOUBTFUL[ord("+")] = True


def check_polls(columns: pl.DataFrame, latest: float | None) -> tuple[pl.DataFrame, Codes]:
    """Check polls given as columns.

    Args:
        columns: store_id (String or Categorical), status (String), timestamp_utc (String, or Datetime,
            which is UTC if it has no zone); nulls allowed.
        latest: Microseconds since 1970 UTC after which polls are in the future; None: none is.

    Returns:
        POLLS for every row, and the reason of each that is to be rejected.
    """
    ids, status, stamps = (columns[name] for name in POLLS.names)
    ids, id_codes = _numbered_ids(ids)
    at, stamp_codes = stamps_of(stamps)
    active, known = _equal(status)
    if not known.all():
        active[~known], known[~known] = _spelled_statuses(status.filter(pl.Series(~known)))
    codes = _combine(id_codes, known, at, stamp_codes, latest)
    return _frame(ids, at, active), codes


def poll_fields(fields: Fields, layout: Layout, latest: float | None) -> tuple[pl.DataFrame, Codes]:
    """Check the polls of a block in place: what `check_polls` does, many times as fast."""
    ids, id_codes = _ids(fields, layout)
    active, known = _statuses(fields.data, *fields.bounds(layout.at["status"]))
    if not known.all():
        rest = fields.columns(layout, ["status"])["status"].filter(pl.Series(~known))
        active[~known], known[~known] = _spelled_statuses(rest)
    at, understood = stamps_from_bytes(fields.data, *fields.bounds(layout.at["timestamp_utc"]))
    codes = np.zeros(len(at), np.uint8)
    if not understood.all():
        rest = fields.columns(layout, ["timestamp_utc"])["timestamp_utc"].filter(pl.Series(~understood))
        at[~understood], codes[~understood] = stamps_from_text(rest)
    return _frame(ids, at, active), _combine(id_codes, known, at, codes, latest)


def _numbered_ids(ids: pl.Series) -> tuple[pl.Series, Codes]:
    """Return ids as Categorical, and the reason of each that is to be rejected."""
    found = distinct_places(ids) if ids.dtype == pl.String else None
    if found is None:
        return ids.cast(pl.Categorical), check_ids(ids)
    names, number = found
    return names.cast(pl.Categorical).gather(pl.Series(number)), check_ids(names).take(number)


def _ids(fields: Fields, layout: Layout) -> tuple[pl.Series, Codes]:
    """Return the ids of a block (Categorical), and the reason of each that is to be rejected."""
    texts = distinct_texts(fields.data, *fields.bounds(layout.at["store_id"]))
    if texts is None:
        ids = fields.columns(layout, ["store_id"])["store_id"]
        return ids.cast(pl.Categorical), check_ids(ids)
    names = pl.Series(texts.distinct.tolist(), dtype=pl.Binary).cast(pl.String)
    codes = np.zeros(len(names), np.uint8) if _are_plain(texts.distinct) else check_ids(names)
    return names.cast(pl.Categorical).gather(texts.number), codes.take(texts.number)


def _are_plain(texts: NDArray[np.bytes_]) -> bool:
    """Tell that no id can be wrong: a blank one has white space, a destroyed one a +."""
    return bool((texts != b"").all()) and not _DOUBTFUL.take(texts.view(np.uint8)).any()


def _frame(ids: pl.Series, at: Places, active: NDArray[np.bool_]) -> pl.DataFrame:
    stamps = pl.Series("at", at).cast(pl.Datetime("us", "UTC"))
    return pl.DataFrame([ids.alias("store_id"), stamps, pl.Series("active", active)])


def _statuses(data: bytes, begins: Places, ends: Places) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return whether each status is active, and whether it is a status at all."""
    word, length = words_at(data, begins, 1)[:, 0], ends - begins
    active = ((word & _SIX_BYTES) == _ACTIVE) & (length == len("active"))
    return active, active | ((word == _INACTIVE) & (length == len("inactive")))


def _spelled_statuses(statuses: pl.Series) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Do the same for statuses as people write them: of any case, with spaces around (R1)."""
    return _equal(statuses.str.strip_chars().str.to_lowercase())


def _equal(statuses: pl.Series) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    active, inactive = (
        (statuses == word).fill_null(value=False).to_numpy(writable=True) for word in ("active", "inactive")
    )
    return active, active | inactive


def _combine(ids: Codes, known: NDArray[np.bool_], at: Places, stamps: Codes, latest: float | None) -> Codes:
    ahead = np.zeros(len(at), np.bool_) if latest is None else at > latest
    if known.all() and not (ids.any() or stamps.any() or ahead.any()):
        return ids
    flaws = [*flaws_of(ids), (Reason.STATUS, ~known), *flaws_of(stamps), (Reason.FUTURE, ahead)]
    return first_reason(len(at), *flaws)
