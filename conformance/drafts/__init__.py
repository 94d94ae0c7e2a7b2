"""What the cases are made from; `python -m conformance.build` writes them, with what is expected."""

from __future__ import annotations

from conformance.drafts import (
    clocks,
    dates,
    files,
    first,
    further,
    hours,
    ids,
    loads,
    notes,
    observed,
    pairs,
    polls,
    rejects,
    table,
    together,
    windows,
)
from conformance.drafts.draft import Draft

__all__ = ["Draft", "drafts"]


def drafts() -> list[Draft]:
    """Return the drafts of all cases."""
    first_tier = (first, clocks, hours, polls, ids, files, rejects, loads, pairs)
    second_tier = (dates, notes, windows, further, observed, table, together)
    return [draft for module in (*first_tier, *second_tier) for draft in module.drafts()]
