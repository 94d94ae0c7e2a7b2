"""What every second of a store's time counts as, and by what (R4, R5, R9, R12, R15)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from storewatch.checking.reference.dates import Opening
from storewatch.checking.reference.opening import distinct_polls
from storewatch.checking.reference.status import carry_forward, majority, observe, resample
from storewatch.checking.reference.times import seconds
from storewatch.domain.ask import Policy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from storewatch.checking.reference.stores import Store
    from storewatch.domain.ask import Ask

STATUSES = ("up", "down", "unknown", "excluded")  # a status is told by its place here
UP, DOWN, UNKNOWN, EXCLUDED = range(4)
NOBODY = -1  # in `stated_by`

_HOUR = 3_600


@dataclass(frozen=True, kw_only=True)
class Seconds:
    """A value for each second of [begin, end)."""

    begin: int  # seconds since 1970 UTC
    end: int
    is_open: NDArray[np.bool_]
    by_polls: NDArray[np.int8]  # the status by R4 and R5, or R15
    is_polled: NDArray[np.bool_]  # its UTC hour has a counted poll
    stated_by: NDArray[np.int32]  # the place in the store's annotations of the one that decides
    status: NDArray[np.int8]  # the one that counts: what is stated, else what the polls give (R9)

    @property
    def is_stated(self) -> NDArray[np.bool_]:
        """Whether an annotation decides."""
        return np.not_equal(self.stated_by, NOBODY)

    @property
    def is_measured(self) -> NDArray[np.bool_]:
        """Whether a second is measured, if it is open (R12)."""
        return self.is_polled & np.not_equal(self.by_polls, UNKNOWN) & ~self.is_stated

    def of(self, begin: int, end: int) -> Seconds:
        """Return the part of [begin, end), which lies within."""
        part = slice(begin - self.begin, end - self.begin)
        return Seconds(
            begin=begin,
            end=end,
            is_open=self.is_open[part],
            by_polls=self.by_polls[part],
            is_polled=self.is_polled[part],
            stated_by=self.stated_by[part],
            status=self.status[part],
        )


@dataclass(frozen=True, kw_only=True)
class Case:
    """A store, as it is asked for."""

    store: Store
    opening: Opening
    counted: pd.DataFrame  # at, active: its polls in open hours up to the as-of, in order (R3)
    as_of: int
    carry: int | None
    policy: Policy


def case_of(store: Store, ask: Ask) -> Case:
    """Find the polls that count."""
    opening = Opening(store)
    polls = distinct_polls(store.polls, pd.Timestamp(ask.instant, unit="s", tz="UTC"))
    is_open = [opening.at(seconds(at)) for at in polls["at"]]
    return Case(
        store=store,
        opening=opening,
        counted=polls[np.array(is_open, dtype=np.bool_)].reset_index(drop=True),
        as_of=ask.instant,
        carry=ask.carry,
        policy=ask.policy,
    )


def second_by_second(case: Case, begin: int) -> Seconds:
    """Say what each second counts as, from the UTC hour of `begin` to the end of that of the as-of."""
    begin = begin // _HOUR * _HOUR
    end = -(-case.as_of // _HOUR) * _HOUR
    is_open = case.opening.between(begin, end)
    by_polls = np.full(end - begin, UNKNOWN, dtype=np.int8)
    for since, until, name in _statuses(case, begin):
        by_polls[max(since - begin, 0) : until - begin] = STATUSES.index(name)
    is_polled = np.zeros(end - begin, dtype=np.bool_)
    for at in case.counted["at"]:
        hour = seconds(at) // _HOUR * _HOUR - begin
        if hour >= 0:
            is_polled[hour : hour + _HOUR] = True
    stated_by = np.full(end - begin, NOBODY, dtype=np.int32)
    status = by_polls.copy()
    for place, note in enumerate(case.store.annotations):  # a later one goes before
        until = end if note.until is None else min(note.until, end)
        part = slice(max(note.since - begin, 0), max(until - begin, 0))
        stated_by[part], status[part] = place, STATUSES.index(note.counts_as)
    return Seconds(
        begin=begin,
        end=end,
        is_open=is_open,
        by_polls=by_polls,
        is_polled=is_polled,
        stated_by=stated_by,
        status=status,
    )


def hourly(case: Case, begin: int) -> pd.DataFrame:
    """Return the hours from one on as `carry_forward` does: with counts of polls, and the carried one."""
    until = pd.Timestamp(case.as_of, unit="s", tz="UTC")
    counts = resample(case.counted, until, case.as_of - begin)
    return carry_forward(majority(counts), case.counted, case.carry)


def _statuses(case: Case, begin: int) -> list[tuple[int, int, str]]:
    """Return from when to when (seconds since 1970 UTC) the polls give which status."""
    if case.policy is Policy.LAST_OBSERVATION:
        until = pd.Timestamp(case.as_of, unit="s", tz="UTC")
        found = observe(case.counted, until, case.carry, case.as_of - begin)
    else:
        found = hourly(case, begin)
    edges = [(found[edge].astype("int64") // 1_000_000).tolist() for edge in ("since", "until")]
    return list(zip(*edges, found["status"].tolist(), strict=True))
