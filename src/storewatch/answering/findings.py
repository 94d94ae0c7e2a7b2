"""Findings on a whole fleet, slice by slice, in two passes over it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl

from storewatch.answering.answer import settle
from storewatch.answering.hours import each_slice, plan_hours
from storewatch.domain.assumed import Seen
from storewatch.domain.findings import FirstLook, Week, counted, group_sizes, large_groups, looked_at
from storewatch.domain.found import Finding, findings
from storewatch.domain.hours import hour_columns
from storewatch.domain.instant import WEEK, iso

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storewatch.domain.ask import Ask
    from storewatch.domain.facts import Facts
    from storewatch.domain.findings import Thresholds
    from storewatch.domain.slices import Within
    from storewatch.ports.polls import Snapshot, Source


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
        groups = large_groups(sizes_of(snapshot, ask, planned), thresholds)
        first = FirstLook.nothing(groups, ask, thresholds)
        look = partial(_look_at_week, ask=ask, first=first)
        return found(snapshot, ask, planned, list(each_slice(snapshot, ask, planned, look)), first)


def sizes_of(snapshot: Snapshot, ask: Ask, planned: Sequence[Within]) -> list[pl.DataFrame]:
    """Return the sizes of the groups of each slice; no polls are read for it."""
    return [group_sizes(snapshot.scan(since=ask.until, until=ask.until, within=each)) for each in planned]


@dataclass(frozen=True, kw_only=True)
class Look:
    """What there is to be said of a slice."""

    counts: pl.DataFrame  # as `counted` returns them
    rows: pl.DataFrame  # as `looked_at`
    seen: Seen


def look_at(week: Week, facts: Facts, within: Within, *, ask: Ask, first: FirstLook) -> Look:
    """Look at a slice: the counts of its stores, and single ones in the light of what is known of all."""
    return Look(
        counts=counted(week, facts, first.groups),
        rows=looked_at(week, facts, ask, first),
        seen=Seen.of(facts, week.names, as_of=ask.instant, within=within),
    )


def _look_at_week(facts: Facts, within: Within, *, ask: Ask, first: FirstLook) -> Look:
    return look_at(_week(facts, ask), facts, within, ask=ask, first=first)


def _look_again(facts: Facts, _: Within, *, ask: Ask, first: FirstLook) -> pl.DataFrame:
    return looked_at(_week(facts, ask), facts, ask, first)


def _week(facts: Facts, ask: Ask) -> Week:
    return Week.of(*hour_columns(facts, ask, ask.instant - WEEK, ask.instant), ask)


def found(
    snapshot: Snapshot, ask: Ask, planned: Sequence[Within], looks: Sequence[Look], first: FirstLook
) -> Found:
    """Return what was found in all slices.

    Args:
        snapshot: It is read again where many stores were down together, or the poller was.
        ask: Settled, of the week.
        planned: The slices.
        looks: At each of them, by …
        first: … what was known of all stores before: nothing.
    """
    first = FirstLook.of([look.counts for look in looks], first.groups, ask, first.thresholds)
    rows = [look.rows for look in looks]
    if first.is_unusual:
        rows = list(each_slice(snapshot, ask, planned, partial(_look_again, ask=ask, first=first)))
    seen = Seen.joined([look.seen for look in looks])
    return Found(ask=ask, stores=seen.stores, findings=tuple(findings(first, pl.concat(rows), seen)))
