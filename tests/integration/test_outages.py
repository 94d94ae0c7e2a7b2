"""A worker in one process with a shelf that does not answer: whose attempt is that, and for how long."""

from __future__ import annotations

from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from boards import job_of, wait_for
from processes import free_ports
from service import Service, small_facts
from storewatch.bootstrap import open_board
from storewatch.config import load_settings
from storewatch.domain.ask import Ask
from storewatch.errors import Port
from storewatch.ports.jobs import State
from storewatch.processes.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from storewatch.config import Settings
    from storewatch.ports.jobs import JobBoard

AWAY = "the report shelf does not answer"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a home folder with polls, where S3 is a port that nobody listens on."""
    (port,) = free_ports(1)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "none")
    service = Service(home=tmp_path / "home", folder=tmp_path)
    service.load(small_facts())
    return service.home


@pytest.fixture
def board(home: Path) -> Iterator[JobBoard]:
    board = open_board(load_settings(home=home))
    yield board
    board.close()


@contextmanager
def working(settings: Settings) -> Iterator[list[dict[str, Any]]]:
    """Run a worker; yield what it tells its parent."""
    told: list[dict[str, Any]] = []
    worker = Worker(settings, tell=lambda **message: told.append(message))
    thread = Thread(target=worker.run)
    thread.start()
    try:
        yield told
    finally:
        worker.stop()
        thread.join()


def test_a_shelf_that_is_away_is_no_attempt_and_the_job_says_what_it_waits_for(
    home: Path, board: JobBoard
) -> None:
    job_id = board.submit(Ask())
    with working(load_settings(home=home, reports_url="s3://reports/x")) as told:
        wait_for(lambda: job_of(board, job_id).epoch >= 3)
        wait_for(lambda: job_of(board, job_id).state is State.QUEUED)
    job = job_of(board, job_id)
    assert (job.state, job.attempts, job.error) == (State.QUEUED, 0, AWAY)
    assert {"unanswered": Port.SHELF} in told
    with working(load_settings(home=home)):  # the shelf is there again
        wait_for(lambda: job_of(board, job_id).state is State.COMPLETE)
    assert (job_of(board, job_id).attempts, job_of(board, job_id).error) == (1, None)


def test_a_job_that_waited_for_as_long_as_it_may_fails_and_says_for_what(home: Path, board: JobBoard) -> None:
    job_id = board.submit(Ask())
    with working(load_settings(home=home, reports_url="s3://reports/x", patience=2)) as told:
        wait_for(lambda: job_of(board, job_id).state is State.FAILED)
        wait_for(
            lambda: [message for message in told if "attempt" in message and message["attempt"]["outcome"]]
        )
    job = job_of(board, job_id)
    assert job.attempts == 1
    said = f"{AWAY}, for 2 s: trigger the report again when it does"
    assert job.error == f"{said}; the log says more, at report_id {job_id}"
