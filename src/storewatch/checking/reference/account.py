"""The whole report: R1 to R13, R15 and R16, second by second."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from storewatch.checking.reference.outages import WEEK, outages, state
from storewatch.checking.reference.periods import edges, edges_before
from storewatch.checking.reference.report import of_each
from storewatch.checking.reference.second import (
    DOWN,
    EXCLUDED,
    UNKNOWN,
    UP,
    case_of,
    second_by_second,
)
from storewatch.checking.reference.stores import load
from storewatch.checking.reference.targets import judge

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from storewatch.checking.reference.second import Seconds
    from storewatch.checking.reference.stores import Store
    from storewatch.domain.ask import Ask
    from storewatch.domain.facts import Facts
    from storewatch.domain.window import Window

FIGURES = ("uptime", "downtime", "unknown", "open")  # in this order in all reports
FURTHER = ("excluded", "measured", "stated_up", "stated_down", "low", "high")  # R9, R12


def account(
    facts: Facts, ask: Ask, windows: Sequence[Window], *, compare: bool = False, jobs: int = 1
) -> pd.DataFrame:
    """Report on every store that the facts name.

    Args:
        facts: Checked, of all kinds.
        ask: Its as-of is settled; its own windows are not looked at.
        windows: What is asked for; a span ends at the as-of or before.
        compare: Whether the windows before are asked for too.
        jobs: Processes to spread the stores over.

    Returns:
        `store_id`; for each window `FIGURES`, then for each `FURTHER`, as int64 columns like
        `uptime_seconds_last_hour`; state, is_closed, since (UTC), outages_last_week,
        longest_outage_seconds_last_week (R16); if a store has a target target_percent and, for each window,
        met_…, allowed_seconds_…, left_seconds_… (R10); at last the seconds of the windows before, `…_before`.
        In order of `store_id` by code point.
    """
    stores = load(facts, ask)
    row = partial(_account_of, ask=ask, windows=tuple(windows), compare=compare)
    rows = of_each(stores, row, jobs=jobs)
    columns = account_columns(
        windows, compare=compare, targets=any(store.target is not None for store in stores)
    )
    return pd.DataFrame(rows, columns=columns, dtype="object").astype(_types(columns))


def account_columns(windows: Sequence[Window], *, compare: bool, targets: bool) -> list[str]:
    """Name the columns, in their order."""
    names = [window.name for window in windows]
    seconds = [f"{figure}_seconds_{name}" for part in (FIGURES, FURTHER) for name in names for figure in part]
    judged = [
        "target_percent",
        *(f"{figure}_{name}" for name in names for figure in ("met", "allowed_seconds", "left_seconds")),
    ]
    return [
        "store_id",
        *seconds,
        *("state", "is_closed", "since", "outages_last_week", "longest_outage_seconds_last_week"),
        *(judged if targets else []),
        *([f"{column}_before" for column in seconds] if compare else []),
    ]


def touched(facts: Facts, ask: Ask, windows: Sequence[Window]) -> pd.DataFrame:
    """Return how many open seconds of each window each annotation decides (R9).

    Returns:
        id and, for each window, seconds_…; those that decide some, in order of id.
    """
    seconds: dict[str, dict[str, int]] = {}
    for store in load(facts, ask):
        asked = {window.name: edges(window, store.zone, ask.instant) for window in windows}
        found = _reach(store, ask, asked.values())
        for name, (begin, end) in asked.items():
            part = found.of(begin, end)
            for place in np.unique(part.stated_by[part.is_open & part.is_stated]).tolist():
                row = seconds.setdefault(store.annotations[place].id, dict.fromkeys(asked, 0))
                row[name] += int((part.is_open & (part.stated_by == place)).sum())
    rows = [(note, *seconds[note].values()) for note in sorted(seconds)]
    return pd.DataFrame(rows, columns=["id", *(f"seconds_{window.name}" for window in windows)])


def count(part: Seconds) -> dict[str, int]:
    """Count the open seconds by what they count as (R6, R9, R12)."""
    is_open, status = part.is_open, part.status
    measured, stated = is_open & part.is_measured, is_open & part.is_stated
    counts = {
        "uptime": is_open & (status == UP),
        "downtime": is_open & (status == DOWN),
        "unknown": is_open & (status == UNKNOWN),
        "open": is_open,
        "excluded": is_open & (status == EXCLUDED),
        "measured": measured,
        "stated_up": stated & (status == UP),
        "stated_down": stated & (status == DOWN),
        "low": (measured | stated) & (status == UP),
        "high": is_open & (status != EXCLUDED) & ~((measured | stated) & (status == DOWN)),
    }
    return {figure: int(seconds.sum()) for figure, seconds in counts.items()}


def _account_of(store: Store, *, ask: Ask, windows: tuple[Window, ...], compare: bool) -> dict[str, object]:
    asked = {window.name: edges(window, store.zone, ask.instant) for window in windows}
    if compare:
        asked |= {
            f"{window.name}_before": edges_before(window, store.zone, ask.instant) for window in windows
        }
    found = _reach(store, ask, asked.values())
    row: dict[str, object] = {"store_id": store.store_id}
    for name, (begin, end) in asked.items():
        counts = count(found.of(begin, end))
        row |= {f"{figure}_seconds_{name}": seconds for figure, seconds in counts.items()}
        if store.target is not None:
            verdict = judge(counts, store.target)
            row |= {f"{column}_{name}": value for column, value in verdict.items()}
    now = state(found, ask.instant)
    down = [outage.seconds for outage in outages(found, ask.instant - WEEK, ask.instant, ask.instant)]
    return row | {
        "state": now.status,
        "is_closed": now.is_closed,
        "since": None if now.since is None else pd.Timestamp(now.since, unit="s", tz="UTC"),
        "outages_last_week": len(down),
        "longest_outage_seconds_last_week": max(down, default=0),
        "target_percent": None if store.target is None else store.target / 1_000,
    }


def _reach(store: Store, ask: Ask, asked: Iterable[tuple[int, int]]) -> Seconds:
    """Return the seconds of all that is asked for, and of the week before the as-of (R16)."""
    return second_by_second(case_of(store, ask), min([ask.instant - WEEK, *(begin for begin, _ in asked)]))


def _types(columns: Sequence[str]) -> dict[str, str]:
    types = {"is_closed": "bool", "since": "datetime64[us, UTC]", "target_percent": "float64"}
    for column in columns:
        if column.startswith("met_"):
            types[column] = "boolean"
        elif column.startswith(("allowed_", "left_")):
            types[column] = "Int64"
        elif "_seconds_" in column or column == "outages_last_week":
            types[column] = "int64"
    return {column: types[column] for column in columns if column in types}
