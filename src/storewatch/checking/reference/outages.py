"""The state of a store at the as-of, and the outages of a window (R16)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from storewatch.checking.reference.second import DOWN, STATUSES

if TYPE_CHECKING:
    from storewatch.checking.reference.second import Seconds

WEEK = 604_800  # seconds


@dataclass(frozen=True, kw_only=True)
class Run:
    """A longest run of open seconds of one status; closed time does not part it."""

    status: int
    begin: int  # the first open second, since 1970 UTC
    end: int  # after the last one
    seconds: int  # open ones


@dataclass(frozen=True, kw_only=True)
class State:
    """What a store is at the as-of."""

    status: str | None  # None: no open second in the week before
    is_closed: bool
    since: int | None  # None: unknown, or from before that week


@dataclass(frozen=True, kw_only=True)
class Outage:
    """A run of down open seconds in a window."""

    begin: int
    end: int
    seconds: int
    began_before: bool
    ending: str


def runs(found: Seconds) -> list[Run]:
    """Return the runs of open seconds, in order."""
    opened = np.flatnonzero(found.is_open)
    status = found.status[opened]
    parted = np.split(opened, np.flatnonzero(status[1:] != status[:-1]) + 1) if len(opened) else []
    return [
        Run(
            status=int(found.status[run[0]]),
            begin=found.begin + int(run[0]),
            end=found.begin + int(run[-1]) + 1,
            seconds=len(run),
        )
        for run in parted
    ]


def state(found: Seconds, as_of: int) -> State:
    """Return the state at the as-of, by the seven days before it."""
    week = found.of(as_of - WEEK, as_of)
    all_runs = runs(week)
    if not all_runs:
        return State(status=None, is_closed=True, since=None)
    return State(
        status=STATUSES[all_runs[-1].status],
        is_closed=not week.is_open[-1],
        since=all_runs[-1].begin if len(all_runs) > 1 else None,
    )


def outages(found: Seconds, begin: int, end: int, as_of: int) -> list[Outage]:
    """Return the outages of [begin, end), which add up to its downtime.

    What was before the window and is after it is told by the open seconds nearest to it, of all that `found`
    has up to the as-of.
    """
    before, after = runs(found.of(found.begin, begin)), runs(found.of(end, as_of))
    inside = runs(found.of(begin, end))
    return [
        Outage(
            begin=run.begin,
            end=run.end,
            seconds=run.seconds,
            began_before=run is inside[0] and bool(before) and before[-1].status == DOWN,
            ending=_ending([*inside[place + 1 :], *after], run, as_of),
        )
        for place, run in enumerate(inside)
        if run.status == DOWN
    ]


def _ending(following: list[Run], run: Run, as_of: int) -> str:
    """Say how an outage ended. One that goes on after the window ends where it does so beyond."""
    goes_on = [later for later in following if later.status != DOWN]
    if goes_on:
        return {"up": "recovered", "unknown": "unknown after", "excluded": "excluded after"}[
            STATUSES[goes_on[0].status]
        ]
    last = following[-1].end if following else run.end
    return "still down" if last == as_of else "closed while down"
