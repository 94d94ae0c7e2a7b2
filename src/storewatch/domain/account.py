"""The whole report: frames in, frames out (R1 to R12, R15, R16)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import polars.selectors as cs

from storewatch.domain.groups import judged, targets
from storewatch.domain.hour_table import sum_at
from storewatch.domain.instant import HOUR, MICROSECONDS, WEEK
from storewatch.domain.periods import window_edges
from storewatch.domain.spans import DOWN, EXCLUDED, STATUSES, UP
from storewatch.domain.stated import Stated, stated_times
from storewatch.domain.sums import OpenTime, State, Sums, sum_up
from storewatch.domain.uptime import kernel_polls, named_stores, numbered_schedules, zones_of
from storewatch.domain.window import FIRST, FURTHER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from storewatch.domain.ask import Ask
    from storewatch.domain.facts import Facts
    from storewatch.domain.schedule import Schedules
    from storewatch.domain.window import Window


@dataclass(frozen=True, kw_only=True)
class Account:
    """The whole report, or a slice of it."""

    rows: pl.DataFrame  # as `account` returns them; target and verdicts only where a store of it has a target
    # id, and for each window `seconds_…` (Int64): the open seconds that each annotation decides in it (R9)
    touched: pl.DataFrame


def account(facts: Facts, ask: Ask) -> Account:
    """Apply the rules to every store.

    Args:
        facts: Checked, of all kinds.
        ask: Its as-of is settled. A store that it names and no input does gets no row (R7).

    Returns:
        Rows of `store_id`; for each window `FIRST`, then for each `FURTHER`, Int64 columns of seconds;
        `state`, `is_closed`, `since` (UTC), `outages_last_week`, `longest_outage_seconds_last_week`; what
        `judged` adds if some store has a target; at last the seconds of the windows before, `…_before`. By
        Unicode code point of the id.
    """
    found, windows = _Summed.of(facts, ask), ask.parsed_windows
    names, rows, stated = found.names, found.rows(windows), found.stated
    held = targets(facts)
    if len(held) and held["store_id"].is_in(names.implode()).any():
        before = f"uptime_seconds_{windows[0].name}_before"
        rows = judged(
            rows.join(held, on="store_id", how="left", maintain_order="left"), windows, before=before
        )
    time = OpenTime.of(found.schedules, since=found.since, until=ask.instant) if len(stated.note) else None
    return Account(rows=rows, touched=_touched(stated, time, found.edges, windows))


def account_before(facts: Facts, ask: Ask) -> pl.DataFrame:
    """Return what there was of each store before, as `account` says it for a settled ask that compares.

    Returns:
        The seconds of the windows before, `…_before`, and `state_before` and `is_closed_before`: what a
        report of a week earlier has. A week is among the windows.
    """
    found = _Summed.of(facts, ask, then=ask.instant - WEEK)
    then = _state(found.sums.then)
    return found.rows(ask.parsed_windows).select(
        cs.ends_with("_before"), state_before=then["state"], is_closed_before=then["is_closed"]
    )


@dataclass(frozen=True, kw_only=True)
class _Summed:
    """The stores of a report, and what is summed up of them."""

    names: pl.Series
    schedules: Schedules
    since: int  # seconds since 1970 UTC
    stated: Stated
    edges: NDArray[np.int64]  # of windows, then of the ones before
    place: NDArray[np.intp]  # of these among the edges of the sums
    sums: Sums

    @classmethod
    def of(cls, facts: Facts, ask: Ask, *, then: int | None = None) -> _Summed:
        """Sum up; `then`: as for `sum_up`."""
        names, places = named_stores(facts, ask)
        zones = zones_of(facts, names)
        schedules = numbered_schedules(facts, names, zones)
        edges = window_edges(ask.parsed_windows, zones, ask.instant, compare=ask.compare)
        since = min(int(edges.min(initial=ask.instant)), ask.instant - WEEK) // HOUR * HOUR
        stated = stated_times(facts, names, since=since, until=ask.instant)
        distinct, place = np.unique(edges, axis=0, return_inverse=True)
        sums = sum_up(
            kernel_polls(facts.polls, places, len(names)),
            schedules,
            stated.spans,
            as_of=ask.instant,
            carry=ask.carry,
            policy=ask.policy,
            edges=distinct,
            then=then,
        )
        return cls(
            names=names, schedules=schedules, since=since, stated=stated, edges=edges, place=place, sums=sums
        )

    def rows(self, windows: Sequence[Window]) -> pl.DataFrame:
        """Return a row a store, its columns named."""
        return _rows(self.names, self.sums, self.place, [window.name for window in windows])


def _rows(names: pl.Series, sums: Sums, place: NDArray[np.intp], windows: Sequence[str]) -> pl.DataFrame:
    """Name the columns; `place`: of the windows' edges among those of the sums, then of the ones before."""
    seconds = _figures(sums, place[0::2], place[1::2])
    columns = {
        end: {
            f"{figure}_seconds_{name}{end}": seconds[figure][:, nth]
            for part in (FIRST, FURTHER)
            for nth, name in enumerate(windows, start=first)
            for figure in part
        }
        for end, first in (("", 0), ("_before", len(windows)))
        if 2 * first < len(place)
    }
    return pl.DataFrame({"store_id": names} | columns[""] | _state(sums.now) | columns.get("_before", {}))


def _touched(
    stated: Stated, time: OpenTime | None, edges: NDArray[np.int64], windows: Sequence[Window]
) -> pl.DataFrame:
    if time is None:
        return pl.DataFrame(schema={"id": pl.String} | {f"seconds_{each.name}": pl.Int64 for each in windows})
    spans = time.place(stated.spans)
    columns = {}
    for nth, window in enumerate(windows):
        begin, end = (time.before(edge).take(spans.store) for edge in edges[2 * nth : 2 * nth + 2])
        seconds = np.maximum(np.minimum(spans.high, end) - np.maximum(spans.low, begin), 0)
        columns[f"seconds_{window.name}"] = sum_at(stated.note, seconds, len(stated.ids))
    return pl.DataFrame({"id": stated.ids} | columns).filter(pl.any_horizontal(pl.col(list(columns)) > 0))


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
