"""Expiry: reports that are older than the retention go, and their jobs after them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from storewatch.ports.jobs import Keeper
    from storewatch.ports.shelf import ReportShelf

BATCH = 100  # jobs


def expire(board: Keeper, shelf: ReportShelf, *, older_than: float) -> int:
    """Remove all jobs that ended `older_than` seconds ago or earlier, and what lies on the shelf for them.

    The shelf goes first: if this ends half-way, the job is still on the board and is met again. Several may
    do it at once.

    Returns:
        How many jobs were removed here.

    Raises:
        UnavailableError: Board or shelf do not answer; what was not removed will be at the next call.
    """
    removed = 0
    while True:
        job_ids = board.expired(older_than=older_than, limit=BATCH)
        for job_id in job_ids:
            shelf.sweep(job_id, keep=None)
        removed += board.forget(job_ids)
        if len(job_ids) < BATCH:
            return removed
