"""Time zones of stores: names of the pinned database, one a store (R1)."""

from __future__ import annotations

import polars as pl

from storewatch.domain.kinds import ZONES
from storewatch.domain.zone import zone_names
from storewatch.ingest.ids import check_ids
from storewatch.ingest.rejects import Codes, Reason, first_reason, flaws_of


def check_zones(columns: pl.DataFrame) -> tuple[pl.DataFrame, Codes]:
    """Check zones given as columns store_id and timezone_str (String, nulls allowed).

    Returns:
        ZONES for every row, and the reason of each that is to be rejected by itself.
    """
    ids, zones = columns["store_id"].cast(pl.String), columns["timezone_str"].cast(pl.String)
    distinct = zones.unique().drop_nulls().to_list()
    known = pl.Series([name for name in distinct if name in zone_names()], dtype=pl.String)
    unknown = ~zones.is_in(known.implode()).fill_null(value=False).to_numpy()
    codes = first_reason(len(ids), *flaws_of(check_ids(ids)), (Reason.ZONE, unknown))
    return pl.DataFrame({"store_id": ids, "zone": zones}, schema=ZONES.schema), codes
