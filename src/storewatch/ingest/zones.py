"""Time zones of stores: names of the pinned database, one a store (R1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from storewatch.domain.facts import ZONES
from storewatch.domain.zone import zone_names
from storewatch.ingest.ids import check_ids
from storewatch.ingest.rejects import Codes, Reason, first_reason

if TYPE_CHECKING:
    from numpy.typing import NDArray


def check_zones(columns: pl.DataFrame) -> tuple[pl.DataFrame, Codes]:
    """Check zones given as columns store_id and timezone_str (String, nulls allowed).

    Returns:
        ZONES for every row, and the reason of each that is to be rejected by itself; what contradicts another
        row is found by `contradicting`.
    """
    ids, zones = columns["store_id"].cast(pl.String), columns["timezone_str"].cast(pl.String)
    distinct = zones.unique().drop_nulls().to_list()
    known = pl.Series([name for name in distinct if name in zone_names()], dtype=pl.String)
    unknown = ~zones.is_in(known.implode()).fill_null(value=False).to_numpy()
    id_codes = check_ids(ids)
    codes = first_reason(
        len(ids),
        *((Reason(int(code)), id_codes == code) for code in np.unique(id_codes) if code),
        (Reason.ZONE, unknown),
    )
    return pl.DataFrame({"store_id": ids, "zone": zones}, schema=ZONES), codes


def contradicting(zones: pl.DataFrame) -> NDArray[np.bool_]:
    """Tell which rows (ZONES) belong to a store that has two different zones among them."""
    if not len(zones):
        return np.zeros(0, np.bool_)
    return zones.select(pl.col("zone").n_unique().over("store_id") > 1).to_series().to_numpy()
