"""Facts in memory as a source of reports: a folder that was read, frames that were given."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from storewatch.domain.uptime import store_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storewatch.domain.facts import Facts


@dataclass(frozen=True, kw_only=True)
class GivenFacts:
    """Facts that were read once, as a source of one version; a `Source`."""

    facts: Facts

    def version(self) -> str:
        """Name the one state that there is."""
        return "given"

    def newest(self, _version: str) -> int | None:
        """Return the newest poll's instant in microseconds since 1970 UTC, None without polls."""
        at = self.facts.polls["at"].to_physical().to_numpy()
        return int(at.max()) if len(at) else None

    def scan(
        self, _version: str, *, since: int | None, until: int, store_ids: Sequence[str] | None = None
    ) -> Facts:
        """Return the facts, of some stores only if these are named; polls outside the reach do no harm."""
        del since, until
        if store_ids is None:
            return self.facts
        wanted = pl.col("store_id").is_in(list(store_ids))
        names = self.stores(_version)
        return replace(
            self.facts,
            polls=self.facts.polls.filter(wanted),
            hours=self.facts.hours.filter(wanted),
            zones=self.facts.zones.filter(wanted),
            stores=names.filter(names.is_in(list(store_ids))),
        )

    def stores(self, _version: str) -> pl.Series:
        """Return the ids of all stores that something names, String, sorted."""
        return store_names(self.facts)
