"""The hours of all stores as a table (R13)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from storewatch.checking.reference.account import count
from storewatch.checking.reference.second import UNKNOWN, case_of, hourly, second_by_second
from storewatch.checking.reference.stores import load
from storewatch.checking.reference.times import HOUR, seconds
from storewatch.domain.ask import Policy

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping

    from storewatch.checking.reference.second import Case, Seconds
    from storewatch.domain.ask import Ask
    from storewatch.domain.facts import Facts

FIGURES = ("open", "uptime", "downtime", "unknown", "excluded", "measured", "low", "high")
COLUMNS = {
    "store_id": "object",
    "hour": "datetime64[us, UTC]",
    **{f"{figure}_seconds": "int64" for figure in FIGURES},
    "how": "object",
    "polls": "int64",
    "active_polls": "int64",
    "decided_at": "datetime64[us, UTC]",
}


def hours(facts: Facts, ask: Ask, begin: int, end: int) -> pd.DataFrame:
    """Return a row for each store and UTC hour with open seconds in [begin, end), which add up to a report.

    Args:
        facts: Checked, of all kinds.
        ask: Its as-of is settled.
        begin: Seconds since 1970 UTC.
        end: The same, up to the as-of.

    Returns:
        `COLUMNS`; in order of `store_id` by code point, and of hours.
    """
    rows = [row for store in load(facts, ask) for row in _hours_of(case_of(store, ask), begin, end)]
    return pd.DataFrame(rows, columns=list(COLUMNS), dtype="object").astype(COLUMNS)


def _hours_of(case: Case, begin: int, end: int) -> Iterator[dict[str, object]]:
    found = second_by_second(case, begin)
    for row in hourly(case, found.begin).to_dict("records"):
        first = seconds(row["hour"])
        if first >= end:
            break
        part = found.of(max(first, begin), min(first + 3_600, end))
        if part.is_open.any():
            how, decided_at = _how(case, part, row)
            counts = count(part)
            yield {
                "store_id": case.store.store_id,
                "hour": row["hour"],
                **{f"{figure}_seconds": counts[figure] for figure in FIGURES},
                "how": how,
                "polls": row["polls"],
                "active_polls": row["active"],
                "decided_at": decided_at,
            }


def _how(case: Case, part: Seconds, row: Mapping[Hashable, Any]) -> tuple[str, pd.Timestamp | None]:
    """Say how the status of an hour, a row of `carry_forward`, came about, and by which poll."""
    left = part.is_open & ~part.is_stated
    if not left.any():
        return "stated", None
    at, active = case.counted["at"], case.counted["active"]
    own = (at >= row["hour"]) & (at < row["hour"] + HOUR)
    if own.any():
        if case.policy is Policy.LAST_OBSERVATION:
            return "observed", at[own].iloc[-1]
        return "majority", at[own & (active == (row["status"] == "up"))].iloc[-1]
    if (part.by_polls[left] != UNKNOWN).any():
        return "carried", row["at"]
    return "none", None
