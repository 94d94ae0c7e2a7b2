"""A worker that meets what only a later version understands."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from boards import claimed, job_of, wait_for
from storewatch.bootstrap import open_board
from storewatch.config import Settings
from storewatch.domain.ask import Ask
from storewatch.ports.jobs import State
from storewatch.processes.worker import LONGEST_PAUSE, Worker, pause_after

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


def written_later(settings: Settings, job_id: str) -> None:
    """Change a job's ask to one of which no version knows everything."""
    asked = json.dumps({**Ask().values(), "planet": "Mars"})
    with closing(sqlite3.connect(settings.home / "jobs.sqlite", isolation_level=None)) as driver:
        driver.execute("UPDATE jobs SET request = ? WHERE id = ?", [asked, job_id])


def test_a_worker_hands_back_what_it_does_not_know_and_goes_on(settings: Settings) -> None:
    with closing(open_board(settings)) as board:
        strange, plain = board.submit(Ask()), board.submit(Ask())
        written_later(settings, strange)
        told: list[dict[str, Any]] = []
        worker = Worker(settings, tell=lambda **message: told.append(message))
        thread = Thread(target=worker.run)
        thread.start()
        wait_for(lambda: job_of(board, plain).state is State.FAILED)  # there are no polls
        worker.stop()
        thread.join()
        job = job_of(board, strange)
    assert (job.state, job.attempts) == (State.QUEUED, 0)
    assert "does not know what is asked (planet 'Mars')" in str(job.error)
    assert len([message for message in told if "attempt" in message]) == 1


def test_the_more_often_a_job_was_handed_back_the_longer_is_the_pause(settings: Settings) -> None:
    with closing(open_board(settings)) as board:
        board.submit(Ask())
        job = claimed(board).job
        pauses = [pause_after(replace(job, epoch=1 + count)) for count in range(9)]
    assert pauses[:3] == [1.0, 2.0, 4.0]
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE
