"""Kernel against reference on given facts, store by store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from storewatch.checking import reference
from storewatch.domain.uptime import store_names, uptime
from storewatch.formats.report import Report

if TYPE_CHECKING:
    from storewatch.domain.facts import Facts


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether the two implementations of the rules agree."""

    stores: int  # compared
    differences: pl.DataFrame  # store_id, column, kernel, reference (seconds); a row a figure that differs
    same_bytes: bool  # of the CSV

    @property
    def agrees(self) -> bool:
        """True if every figure and every byte is the same."""
        return self.same_bytes and not self.differences.height


def verify(
    facts: Facts, *, as_of: int, carry: int | None, stores: int | None = None, jobs: int = 1
) -> Verdict:
    """Run kernel and reference on the same facts and compare.

    Args:
        facts: Checked ones.
        as_of: Seconds since 1970 UTC.
        carry: Seconds; None: for ever.
        stores: How many to compare, spread evenly over the ids; None: all.
        jobs: Processes of the reference.
    """
    chosen = _spread(store_names(facts), stores).to_list()
    by_kernel = uptime(facts, as_of=as_of, carry=carry, store_ids=chosen)
    plain = reference.report(facts, as_of=as_of, carry=carry, store_ids=chosen, jobs=jobs)
    by_reference = pl.DataFrame(
        {name: plain[name].to_list() for name in plain.columns}, schema=by_kernel.schema
    )
    return Verdict(
        stores=len(chosen),
        differences=_differences(by_kernel, by_reference),
        same_bytes=Report(rows=by_kernel, as_of=as_of).csv_bytes() == reference.export(plain),
    )


def _spread(names: pl.Series, count: int | None) -> pl.Series:
    if count is None or count >= len(names):
        return names
    return names.gather([i * len(names) // count for i in range(count)])


def _differences(by_kernel: pl.DataFrame, by_reference: pl.DataFrame) -> pl.DataFrame:
    """Return the figures that differ; a store that only one of them knows differs in all."""
    both = by_kernel.unpivot(index="store_id", variable_name="column", value_name="kernel").join(
        by_reference.unpivot(index="store_id", variable_name="column", value_name="reference"),
        on=["store_id", "column"],
        how="full",
        coalesce=True,
    )
    return both.filter(pl.col("kernel").ne_missing(pl.col("reference"))).sort("store_id", "column")
