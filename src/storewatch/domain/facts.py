"""What a report is made of, once it is checked."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from storewatch.domain.kinds import HOURS, KINDS, POLLS, ZONES, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Checked polls and the checked rows of all other kinds (R1), each by its kind's schema."""

    polls: pl.DataFrame  # any order, doubles allowed
    others: Mapping[str, pl.DataFrame] = field(default_factory=dict)  # by the name of the kind
    stores: pl.Series | None = None  # String; further stores that some input named, if any
    rejects: pl.DataFrame | None = None  # kind, reason, row: what a source holds that cannot be used

    def __post_init__(self) -> None:
        """Refuse a frame of another schema: ids that are text here and numbered there cost time unseen."""
        for name, rows in {POLLS.name: self.polls, **self.others}.items():
            kind, found = KINDS[name], rows.schema
            if found not in (kind.schema, kind.whole):
                raise TypeError(f"{kind.name} have {dict(found)}, wanted {kind.schema}")

    def of(self, kind: Kind) -> pl.DataFrame:
        """Return the rows of a kind, by its schema."""
        if kind is POLLS:
            return self.polls
        found = self.others.get(kind.name)
        return kind.frame() if found is None else found

    @property
    def hours(self) -> pl.DataFrame:
        """The business hours."""
        return self.of(HOURS)

    @property
    def zones(self) -> pl.DataFrame:
        """The zones, at most one a store."""
        return self.of(ZONES)

    def where(self, named: pl.Expr, spoken_of: pl.Expr | None = None) -> Facts:
        """Return only the rows for which `named` holds, of the kinds that are kept by store.

        Args:
            named: Of rows that name stores.
            spoken_of: Of those that only speak of them; None: as `named`.
        """
        others = {}
        for name, rows in self.others.items():
            chosen = named if KINDS[name].names_stores or spoken_of is None else spoken_of
            others[name] = rows.filter(chosen) if KINDS[name].by_store else rows
        return replace(self, polls=self.polls.filter(named), others=others)

    def ids(self) -> list[pl.Series]:
        """Return the columns of ids that name stores (R7), String or Categorical, the polls' first."""
        named = [self.of(kind)["store_id"] for kind in KINDS.values() if kind.names_stores]
        return named if self.stores is None else [*named, self.stores.rename("store_id")]
