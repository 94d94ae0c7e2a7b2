"""What a report is made of, once it is checked."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

Schema = dict[str, pl.DataType]

POLLS: Schema = {"store_id": pl.String(), "at": pl.Datetime("us", "UTC"), "active": pl.Boolean()}
HOURS: Schema = {"store_id": pl.String(), "day": pl.Int8(), "start": pl.Int32(), "end": pl.Int32()}
ZONES: Schema = {"store_id": pl.String(), "zone": pl.String()}


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Checked polls, business hours and zones (R1).

    No frame holds nulls. `store_id` of the polls may be Categorical instead of String, which spares
    numbering the ids a second time.
    """

    polls: pl.DataFrame  # POLLS; any order, doubles allowed
    hours: pl.DataFrame  # HOURS; day 0 = Monday, start/end in seconds of the day as written (end ≤ 86,400)
    zones: pl.DataFrame  # ZONES; at most one row a store, names of the IANA database
    stores: pl.Series | None = None  # String; further stores that some input named, if any
    rejects: pl.DataFrame | None = None  # kind, reason, row: what a source holds that cannot be used
