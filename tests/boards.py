"""Job boards under test, and what their tests share."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from storewatch.ports import Claim, Job, JobBoard

T = TypeVar("T")

LONG = 3_600.0  # seconds; a lease that does not run out in a test
SHORT = 0.2
PATIENCE = 30.0  # seconds until a wait is a failure


def wait_for(look: Callable[[], T | None]) -> T:
    """Return what `look` finds, once it finds something."""
    deadline = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)
    return found


def job_of(board: JobBoard, job_id: str) -> Job:
    """Return a job that is on the board."""
    job = board.get(job_id)
    assert job is not None
    return job


def claimed(board: JobBoard, worker: str = "a", *, lease: float = LONG) -> Claim:
    """Return a claim on the oldest job that can be claimed."""
    claim = board.claim(worker, lease=lease)
    assert claim is not None
    return claim
