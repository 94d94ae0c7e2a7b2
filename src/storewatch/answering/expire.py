"""Expiry: reports that are older than the retention go, their jobs after them, and reports without a job."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storewatch.ports.jobs import Jobs, Keeper
    from storewatch.ports.shelf import ReportShelf

BATCH = 100  # jobs

_OF_AN_ATTEMPT = re.compile(r"([0-9a-f]{32})/\d+/.+")  # job, epoch, file; see `attempt`


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


def unknown(board: Jobs, shelf: ReportShelf, *, before: float) -> Iterator[tuple[str, int]]:
    """Yield the ids of jobs that the board does not know, and how many files lie on the shelf for each.

    They are left when a board is lost, or set back to a copy. Only jobs of which nothing was written since
    `before` (seconds since 1970) are told of, and what is no report's file is passed over.

    Raises:
        UnavailableError: Board or shelf do not answer.
    """
    written: dict[str, list[float]] = {}
    for key, at in shelf.entries():
        if found := _OF_AN_ATTEMPT.fullmatch(key):
            written.setdefault(found[1], []).append(at)
    for job_id, times in sorted(written.items()):
        if max(times) <= before and board.get(job_id) is None:
            yield job_id, len(times)
