"""The whole report: frames in, frames out (R1 to R12, R15, R16)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from storewatch.domain.instant import HOUR, MICROSECONDS, WEEK
from storewatch.domain.spans import DOWN, EXCLUDED, STATUSES, UP
from storewatch.domain.stated import stated_times
from storewatch.domain.sums import State, Sums, sum_up
from storewatch.domain.uptime import kernel_polls, named_stores, numbered_schedules, zones_of
from storewatch.domain.window import window_edges

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from storewatch.domain.ask import Ask
    from storewatch.domain.facts import Facts
    from storewatch.domain.window import Window

FIRST = ("uptime", "downtime", "unknown", "open")  # of the columns of R7
FURTHER = ("excluded", "measured", "stated_up", "stated_down", "low", "high")


def account(facts: Facts, ask: Ask, windows: Sequence[Window], *, compare: bool = False) -> pl.DataFrame:
    """Apply the rules to every store.

    Args:
        facts: Checked, of all kinds.
        ask: Its as-of is settled. A store that it names and no input does gets no row (R7).
        windows: What is asked for; a span ends at the as-of or before.
        compare: Whether the windows before are asked for too.

    Returns:
        `store_id`; for each window `FIRST`, then for each `FURTHER`, Int64 columns of seconds; `state`,
        `is_closed`, `since` (UTC), `outages_last_week`, `longest_outage_seconds_last_week`; at last the
        seconds of the windows before, `…_before`. A row a store, by Unicode code point of the id.
    """
    names, places = named_stores(facts, ask)
    zones = zones_of(facts, names)
    edges = window_edges(windows, zones, ask.instant, compare=compare)
    distinct, place = np.unique(edges, axis=0, return_inverse=True)
    since = min(int(edges.min(initial=ask.instant)), ask.instant - WEEK) // HOUR * HOUR
    sums = sum_up(
        kernel_polls(facts.polls, places, len(names)),
        numbered_schedules(facts, names, zones),
        stated_times(facts, names, since=since, until=ask.instant).spans,
        as_of=ask.instant,
        carry=ask.carry,
        policy=ask.policy,
        edges=distinct,
    )
    begin, end = place[0::2], place[1::2]
    seconds = _figures(sums, begin, end)
    named = [window.name for window in windows]
    now = {
        f"{figure}_seconds_{name}": seconds[figure][:, i]
        for part in (FIRST, FURTHER)
        for i, name in enumerate(named)
        for figure in part
    }
    before = {
        f"{figure}_seconds_{name}_before": seconds[figure][:, i]
        for part in (FIRST, FURTHER)
        for i, name in enumerate(named, start=len(named))
        for figure in part
        if compare
    }
    return pl.DataFrame({"store_id": names} | now | _state(sums.now) | before)


def _figures(sums: Sums, begin: NDArray[np.intp], end: NDArray[np.intp]) -> dict[str, NDArray[np.int64]]:
    """Return each figure's seconds between edges (their places), [stores, windows]."""
    opened, status, measured, stated = (
        value[:, end] - value[:, begin] for value in (sums.open, sums.status, sums.measured, sums.stated)
    )
    up, down, excluded = (status[:, :, place] for place in (UP, DOWN, EXCLUDED))
    stated_up, stated_down = (stated[:, :, place] for place in (UP, DOWN))
    return {
        "uptime": up,
        "downtime": down,
        "unknown": opened - up - down - excluded,
        "open": opened,
        "excluded": excluded,
        "measured": measured[:, :, UP] + measured[:, :, DOWN],
        "stated_up": stated_up,
        "stated_down": stated_down,
        "low": measured[:, :, UP] + stated_up,
        "high": opened - excluded - measured[:, :, DOWN] - stated_down,
    }


def _state(now: State) -> dict[str, pl.Series]:
    words = pl.Series([*STATUSES, None], dtype=pl.String)
    since = pl.Series(now.since * MICROSECONDS).replace(-MICROSECONDS, None)
    return {
        "state": words.gather(now.status),
        "is_closed": pl.Series(now.is_closed),
        "since": since.cast(pl.Datetime("us", "UTC")),
        "outages_last_week": pl.Series(now.outages),
        "longest_outage_seconds_last_week": pl.Series(now.longest),
    }
