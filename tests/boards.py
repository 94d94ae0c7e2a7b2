"""Job boards under test, and what their tests share."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar
from uuid import uuid4

import pytest
from redis import Redis

from storewatch.adapters.jobs import open_jobs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from servers import Server
    from storewatch.ports.jobs import Claim, Job, JobBoard

T = TypeVar("T")

LONG = 3_600.0  # seconds; a lease that does not run out in a test
SHORT = 0.2
PATIENCE = 60.0  # seconds until a wait is a failure


@pytest.fixture(params=["sqlite", "redis"])
def board_url(request: pytest.FixtureRequest) -> str:
    """Return the URL of a new, empty board, on each technology in turn."""
    url: str = request.getfixturevalue(f"{request.param}_board_url")
    return url


@pytest.fixture
def sqlite_board_url(tmp_path: Path) -> str:
    """Return the URL of a new board in a file."""
    return f"sqlite://{tmp_path}/jobs.sqlite"


@pytest.fixture
def redis_board_url(valkey: Server) -> Iterator[str]:
    """Yield the URL of a board with keys of its own on the real server, and remove them afterwards."""
    prefix = f"test-{uuid4().hex}"
    yield f"{valkey.url}?prefix={prefix}"
    with Redis.from_url(valkey.url) as driver:
        for key in driver.scan_iter(match=f"{{{prefix}*", count=1_000):
            driver.delete(key)


@pytest.fixture
def board(board_url: str) -> Iterator[JobBoard]:
    """Yield a new, empty board."""
    board = open_jobs(board_url)
    yield board
    board.close()


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
