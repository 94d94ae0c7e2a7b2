"""The report as a library call: frames or files in, a `Report` out; no store, no service, no clock."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from storewatch.adapters.polls.given import GivenFacts
from storewatch.answering.answer import answer
from storewatch.domain.ask import Ask, Policy, parse_policy
from storewatch.domain.instant import parse_as_of, parse_carry
from storewatch.ingest import from_frames

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from storewatch.formats.report import Report


def report(
    polls: Any,  # noqa: ANN401 - any frame that speaks the Arrow PyCapsule interface
    hours: Any = None,  # noqa: ANN401 - the same
    zones: Any = None,  # noqa: ANN401 - the same
    *,
    as_of: datetime | str | None = None,
    carry: str = "7d",
    store_ids: Sequence[str] | None = None,
    policy: str = Policy.HOURLY_MAJORITY,
) -> Report:
    """Make the report of the last hour, day and week for every store.

    Args:
        polls: Columns `store_id`, `status` (active or inactive), `timestamp_utc`; a Polars or pandas frame,
            or anything with the Arrow PyCapsule interface. Naive datetimes are UTC.
        hours: Columns `store_id`, `day` or `dayOfWeek` (0 = Monday), `start_time_local`, `end_time_local`.
        zones: Columns `store_id`, `timezone_str`.
        as_of: An aware whole second; None: the newest poll, rounded up (R3).
        carry: How long a poll's status carries: `7d`, `36h`, `none` (R5).
        store_ids: Rows wanted; None: all stores.
        policy: How polls decide: `hourly-majority` (R4, R5) or `last-observation` (R15).

    Rows that cannot be used are left out, are counted in a warning, and lie in the report's `rejects`.

    Raises:
        InputError: A frame lacks a column or has one of an impossible type, or an option is wrong.
        NoPollsError: There is neither a poll nor an as-of.

    >>> import polars as pl
    >>> stamps = ["2023-01-25 11:05:00 UTC"]
    >>> polls = pl.DataFrame({"store_id": ["7"], "status": ["active"], "timestamp_utc": stamps})
    >>> report(polls, as_of="2023-01-25T12:00:00Z").rows["uptime_seconds_last_hour"].to_list()
    [3600]
    """
    reading = from_frames(polls, hours, zones)
    if reading.rejects.height:
        warnings.warn(
            f"{reading.rejects.height} rows could not be used and were left out: see the report's rejects",
            stacklevel=2,
        )
    ask = Ask(
        as_of=None if as_of is None else parse_as_of(as_of),
        carry=parse_carry(carry),
        store_ids=None if store_ids is None else tuple(store_ids),
        policy=parse_policy(policy),
    )
    made = answer(GivenFacts(facts=reading.facts), ask)
    return replace(made, rejects=reading.rejects)
