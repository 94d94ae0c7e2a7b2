"""Stores files: what stores are called and promised, their labels, and perhaps their zones (R10)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from storewatch.domain.kinds import EVERY_STORE, LABELS, TARGET
from storewatch.domain.label import folded, is_of_reports
from storewatch.ingest.ids import CONTROL, LONGEST, check_ids, has_zero
from storewatch.ingest.rejects import Codes, Reason, first_reason, flaws_of
from storewatch.ingest.zones import is_unknown_zone

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from storewatch.domain.kinds import Schema

# Of a stores file a row is a store; what becomes of it is a row of LABELS for each of its values, and perhaps
# one of ZONES.
STORES: Schema = {
    "store_id": pl.String(),
    "zone": pl.String(),  # null: not said
    "values": pl.List(pl.Struct({"label": pl.String(), "value": pl.String()})),  # in order of the labels
}

_WHOLE = 1_000  # thousandths
_TARGET = r"^[0-9]{1,3}(\.[0-9]{1,3})?$"


def is_label(name: str) -> bool:
    """Say whether a column of stores may be a label: it has a name, and no column of reports has the same."""
    text = folded(name)
    is_name = 0 < len(text.encode()) <= LONGEST and not re.search(CONTROL, text) and text != EVERY_STORE
    return is_name and not is_of_reports(text)


def check_stores(columns: pl.DataFrame) -> tuple[pl.DataFrame, Codes]:
    """Check stores given as columns.

    Args:
        columns: store_id and store_name, perhaps target_percent and timezone_str, and one for each label, by
            its folded name; String, nulls allowed.

    Returns:
        STORES for every row, and the reason of each that is to be rejected by itself.
    """
    ids = columns["store_id"].cast(pl.String)
    values = {
        folded(name): columns[name].cast(pl.String).fill_null("")
        for name in columns.columns
        if name not in {"store_id", "timezone_str"}
    }
    flaws = []
    if TARGET in values:
        values[TARGET], is_wrong = _targets(values[TARGET])
        flaws.append((Reason.TARGET, is_wrong))
    zone = pl.repeat(None, len(ids), dtype=pl.String, eager=True)
    if "timezone_str" in columns.columns:
        zone = columns["timezone_str"].cast(pl.String)
        zone = zone.set(zone == "", None)
        flaws.append((Reason.ZONE, is_unknown_zone(zone) & zone.is_not_null().to_numpy()))
    codes = first_reason(
        len(ids), *flaws_of(check_ids(ids)), *flaws, (Reason.ZERO, has_zero(*values.values()))
    )
    ordered = [pl.struct(label=pl.lit(label), value=values[label]) for label in sorted(values)]
    rows = pl.DataFrame({"store_id": ids, "zone": zone}).with_columns(values=pl.concat_list(ordered))
    return rows.cast(pl.Schema(STORES)), codes


def _targets(texts: pl.Series) -> tuple[pl.Series, NDArray[np.bool_]]:
    """Return targets as text in one form, 99.5 for 99.50, and which are given and are none."""
    number = texts.set(~texts.str.contains(_TARGET), None).cast(pl.Float64)
    thousandths = (number * _WHOLE).round().cast(pl.Int64)
    is_target = thousandths.is_between(1, 100 * _WHOLE).fill_null(value=False)
    rest = (thousandths % _WHOLE).cast(pl.String).str.zfill(3)
    plain = pl.select(pl.format("{}.{}", thousandths // _WHOLE, rest)).to_series()
    plain = plain.str.strip_chars_end("0").str.strip_chars_end(".")
    return plain.set(~is_target, ""), ((texts != "") & ~is_target).to_numpy()


def doubled(stores: pl.DataFrame) -> pl.DataFrame:
    """Return the stores (store_id) that have two different rows."""
    return stores.group_by("store_id").len().filter(pl.col("len") > 1).select("store_id")


def labels_of(stores: pl.DataFrame) -> pl.DataFrame:
    """Return the LABELS that STORES give."""
    found = stores.select("store_id", "values").explode("values").unnest("values")
    return found.select(*LABELS.schema)
