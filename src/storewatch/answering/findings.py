"""Findings on a whole fleet, slice by slice, in two passes over it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl

from storewatch.answering.answer import settle
from storewatch.answering.hours import each_slice, plan_hours
from storewatch.domain.assumed import Seen
from storewatch.domain.findings import FirstLook, counted, group_sizes, large_groups, looked_at
from storewatch.domain.found import Finding, findings
from storewatch.domain.instant import WEEK, iso
from storewatch.domain.uptime import named_stores

if TYPE_CHECKING:
    from storewatch.domain.ask import Ask
    from storewatch.domain.facts import Facts
    from storewatch.domain.findings import Thresholds
    from storewatch.domain.slices import Within
    from storewatch.ports.polls import Source


@dataclass(frozen=True, kw_only=True)
class Found:
    """What there is to be looked at in the week before an as-of."""

    ask: Ask  # settled
    stores: int
    findings: tuple[Finding, ...]  # the most harmful first

    def values(self, most: int) -> dict[str, Any]:
        """Return it in plain values, with at most so many stores a finding."""
        return {
            "as_of": iso(self.ask.instant),
            "stores": self.stores,
            "findings": [finding.values(most) for finding in self.findings],
        }


def find(source: Source, ask: Ask, thresholds: Thresholds, *, slices: int | None = None) -> Found:
    """Look for what somebody should look at in the week before the as-of.

    Args:
        source: A poll store, or facts in memory.
        ask: Its windows are not looked at.
        thresholds: From which on something is worth a look.
        slices: How many, at most; None: as many as bound what is held at a time.

    Raises:
        InputError: Needed polls are not kept any more.
        NoPollsError: There is neither a poll nor an as-of.
    """
    with source.at() as snapshot:
        ask = settle(snapshot, replace(ask, windows=("week",))).ask
        planned = plan_hours(snapshot, ask, WEEK, slices)
        # No polls: only who is in which group.
        sizes = [
            group_sizes(snapshot.scan(since=ask.until, until=ask.until, within=each)) for each in planned
        ]
        groups = large_groups(sizes, thresholds)
        counts = list(each_slice(snapshot, ask, planned, lambda facts, _: counted(facts, ask, groups)))
        first = FirstLook.of(counts, groups, ask, thresholds)
        second = list(each_slice(snapshot, ask, planned, partial(_looked_at, ask=ask, first=first)))
    rows, seen = pl.concat([rows for rows, _ in second]), Seen.joined([seen for _, seen in second])
    return Found(ask=ask, stores=seen.stores, findings=tuple(findings(first, rows, seen)))


def _looked_at(facts: Facts, within: Within, *, ask: Ask, first: FirstLook) -> tuple[pl.DataFrame, Seen]:
    seen = Seen.of(facts, named_stores(facts, ask)[0], as_of=ask.instant, within=within)
    return looked_at(facts, ask, first), seen
