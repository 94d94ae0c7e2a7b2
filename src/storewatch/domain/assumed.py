"""What a report had to assume of its stores, for want of knowing (R2, R5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from storewatch.domain.facts import Facts


@dataclass(frozen=True, kw_only=True)
class Assumed:
    """The assumptions that touch figures, and how many stores of the report each one touches."""

    carry: int | None  # seconds; None: for ever
    without_hours: int  # stores taken as open all the time
    without_zone: int  # stores taken as being in America/Chicago

    @classmethod
    def from_facts(cls, facts: Facts, store_ids: pl.Series, *, carry: int | None) -> Assumed:
        """Count the stores of a report (String, distinct) that have no hours or no zone."""
        return cls(
            carry=carry,
            without_hours=_lacking(store_ids, facts.hours["store_id"]),
            without_zone=_lacking(store_ids, facts.zones["store_id"]),
        )


def _lacking(store_ids: pl.Series, known: pl.Series) -> int:
    return int((~store_ids.is_in(known.unique().cast(pl.String).implode())).sum())
