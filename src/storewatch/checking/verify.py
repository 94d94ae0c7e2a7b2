"""Kernel against reference on given facts, store by store."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from storewatch.checking import reference
from storewatch.domain.account import account
from storewatch.domain.uptime import store_names
from storewatch.formats.csv import csv_bytes

if TYPE_CHECKING:
    from storewatch.domain.ask import Ask
    from storewatch.domain.facts import Facts


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether the two implementations of the rules agree."""

    stores: int  # compared
    differences: pl.DataFrame  # store_id, column, kernel, reference (as text); a row a figure that differs
    same_bytes: bool  # of the CSV

    @property
    def agrees(self) -> bool:
        """True if every figure and every byte is the same."""
        return self.same_bytes and not self.differences.height


def verify(facts: Facts, ask: Ask, *, stores: int | None = None, jobs: int = 1) -> Verdict:
    """Run kernel and reference on the same facts and compare.

    Args:
        facts: Checked ones.
        ask: Its as-of is settled.
        stores: How many to compare, spread evenly over the ids; None: all.
        jobs: Processes of the reference.
    """
    chosen = _spread(store_names(facts), stores).to_list()
    ask = replace(ask, store_ids=tuple(chosen))
    by_kernel = account(facts, ask).rows
    windows, compare = ask.parsed_windows, ask.compare
    plain = reference.account(facts, ask, windows, compare=compare, jobs=jobs)
    by_reference = reference.to_polars(plain)
    return Verdict(
        stores=len(chosen),
        differences=_differences(by_kernel, by_reference),
        same_bytes=csv_bytes(by_kernel) == reference.export_account(plain, windows, compare=compare),
    )


def _spread(names: pl.Series, count: int | None) -> pl.Series:
    if count is None or count >= len(names):
        return names
    return names.gather([i * len(names) // count for i in range(count)])


def _differences(by_kernel: pl.DataFrame, by_reference: pl.DataFrame) -> pl.DataFrame:
    """Return the figures that differ; a store that only one of them knows differs in all."""
    kernel, plain = (
        rows.cast(pl.String).unpivot(index="store_id", variable_name="column", value_name=name)
        for name, rows in (("kernel", by_kernel), ("reference", by_reference))
    )
    both = kernel.join(
        plain,
        on=["store_id", "column"],
        how="full",
        coalesce=True,
    )
    return both.filter(pl.col("kernel").ne_missing(pl.col("reference"))).sort("store_id", "column")
