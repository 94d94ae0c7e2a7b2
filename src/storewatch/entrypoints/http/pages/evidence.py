"""What a store's page shows: its figures, and where they come from."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from storewatch.answering.explain import find_store
from storewatch.domain.account import account
from storewatch.domain.ask import Ask
from storewatch.domain.explain import explain
from storewatch.entrypoints.explanation import (
    carry_text,
    day_views,
    discarded_views,
    known_lines,
    outage_views,
)
from storewatch.entrypoints.http.pages.fleet import StoreRow, store_rows
from storewatch.entrypoints.http.pages.pictures import NARROW, WIDE, week_picture
from storewatch.errors import InputError

if TYPE_CHECKING:
    from datetime import datetime

    from markupsafe import Markup

    from storewatch.answering.answer import Settled
    from storewatch.domain.explain import Explanation
    from storewatch.domain.facts import Facts
    from storewatch.entrypoints.explanation import DayView, OutageView, TimedPolls
    from storewatch.ports.jobs import Job
    from storewatch.ports.polls import PollStore


@dataclass(frozen=True, kw_only=True)
class StoreView:
    """A store's page."""

    found: Explanation
    carry: str
    is_report: bool
    row: StoreRow
    pictures: list[Markup]
    outages: list[OutageView]
    days: list[DayView]  # the latest first, as all here
    discarded: list[tuple[datetime, TimedPolls]]
    known: list[str]  # how sure the figures are, the state, and what was stated


def find(
    polls: PollStore, store_id: str, job: Job | None, *, as_of: int | None
) -> tuple[Facts, Settled, bool]:
    """Return what a store's figures rest on, the ask that settles them, and whether a report has them.

    A report's own input comes first. The poll store as it is now takes its place if that input is not kept
    any more, or does not have the store; as of `as_of` (seconds since 1970 UTC; None: the newest poll).

    Raises:
        UnknownStoreError: No load named the store.
        NoPollsError: There is no poll, so there is nothing to show.
    """
    if job is not None:
        with suppress(InputError):
            return *find_store(polls, store_id, job.pinned, version=job.version), True
    return *find_store(polls, store_id, Ask(as_of=as_of)), False


def store_view(facts: Facts, store_id: str, settled: Settled, *, is_report: bool) -> StoreView:
    """Return a store's page: the figures as a report of this input has them, and their evidence."""
    (row,) = store_rows(account(facts, settled.ask).rows, settled.ask.parsed_windows)
    found = explain(facts, store_id, replace(settled.ask, windows=("week",)))
    return StoreView(
        found=found,
        carry=carry_text(found.carry),
        is_report=is_report,
        row=row,
        pictures=[week_picture(found, sheet) for sheet in (WIDE, NARROW)],
        outages=outage_views(found, "{}, %H:%M")[::-1],
        days=day_views(found)[::-1],
        discarded=discarded_views(found)[::-1],
        known=list(known_lines(found)),
    )
