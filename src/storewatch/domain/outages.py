"""The outages of one store in a window, and how each ended (R16)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from storewatch.domain.spans import DOWN, EXCLUDED, UP

if TYPE_CHECKING:
    from storewatch.domain.sums import OpenTime, Placed


class Ending(StrEnum):
    """How an outage ended (R16)."""

    RECOVERED = "recovered"
    UNKNOWN = "unknown after"
    EXCLUDED = "excluded after"
    ONGOING = "still down"  # it reaches the as-of
    CLOSED = "closed while down"  # the store has not been open since


_ENDING = {UP: Ending.RECOVERED, EXCLUDED: Ending.EXCLUDED}  # by what comes next; else nothing is known


@dataclass(frozen=True, kw_only=True)
class Outage:
    """A longest run of down open seconds; closed time does not part it, and is no part of it (R16)."""

    begin: int  # seconds since 1970 UTC, the first open second
    end: int  # after the last one
    open_seconds: int
    began_before: bool  # it was down already in the last open second before the window
    ending: Ending


def outages(time: OpenTime, status: Placed, *, begin: int, end: int, as_of: int) -> tuple[Outage, ...]:
    """Return the outages of store 0 in [begin, end), which add up to its downtime.

    Args:
        time: From the last open second before the window on, or from earlier, up to the as-of.
        status: Of that time.
        begin: Seconds since 1970 UTC.
        end: The same; an outage that goes on after it ends where it does so beyond.
        as_of: The same.
    """
    low, high, before_last, last = (
        int(time.before(np.array([at]))[0]) for at in (begin, end, as_of - 1, as_of)
    )
    every = len(time.schedules.of_store)
    runs = status.runs(np.zeros(every, dtype=np.int64), np.full(every, last))
    found = []
    reaches = np.maximum(runs.low, low) < np.minimum(runs.high, high)
    for place in np.flatnonzero((runs.status == DOWN) & reaches).tolist():
        since, until = int(runs.low[place]), int(runs.high[place])
        inside = range(max(since, low), min(until, high))
        edges = time.instants(np.zeros(2, dtype=np.int64), np.array([inside[0], inside[-1]])).tolist()
        if until == last:
            ending = Ending.ONGOING if before_last < last else Ending.CLOSED
        elif place + 1 < len(runs.low) and runs.low[place + 1] == until:
            ending = _ENDING[int(runs.status[place + 1])]
        else:
            ending = Ending.UNKNOWN
        found.append(
            Outage(
                begin=edges[0],
                end=edges[1] + 1,
                open_seconds=len(inside),
                began_before=since < low,
                ending=ending,
            )
        )
    return tuple(found)
