"""Time zones of stores: names of the pinned database, one a store (R1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from storewatch.domain.kinds import ZONES
from storewatch.domain.zone import zone_names
from storewatch.ingest.ids import check_ids
from storewatch.ingest.rejects import Codes, Reason, first_reason, flaws_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def check_zones(columns: pl.DataFrame) -> tuple[pl.DataFrame, Codes]:
    """Check zones given as columns store_id and timezone_str (String, nulls allowed).

    Returns:
        ZONES for every row, and the reason of each that is to be rejected by itself.
    """
    ids, zones = columns["store_id"].cast(pl.String), columns["timezone_str"].cast(pl.String)
    codes = first_reason(len(ids), *flaws_of(check_ids(ids)), (Reason.ZONE, is_unknown_zone(zones)))
    return pl.DataFrame({"store_id": ids, "zone": zones}, schema=ZONES.schema), codes


def is_unknown_zone(zones: pl.Series) -> NDArray[np.bool_]:
    """Say which are no names of the database (String; null is none)."""
    distinct = zones.unique().drop_nulls().to_list()
    known = pl.Series([name for name in distinct if name in zone_names()], dtype=pl.String)
    return ~zones.is_in(known.implode()).fill_null(value=False).to_numpy()
