"""How long who reads from PostgreSQL waits, and what is left at the server when he waits no longer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING

import psycopg
import pytest

from boards import PATIENCE, job_of, wait_for
from service import AS_OF, small_facts
from sources import scan
from storewatch.adapters.polls.postgres import PostgresPollStore
from storewatch.adapters.polls.postgres_schema import upgrade
from storewatch.bootstrap import open_board
from storewatch.config import Settings, load_settings
from storewatch.domain.ask import Ask
from storewatch.errors import UnavailableError
from storewatch.ports.jobs import State
from storewatch.ports.polls import Load, Waiting
from storewatch.processes.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from processes import Process
    from servers import Server

LIMIT = 1.0  # seconds
AT = AS_OF * 1_000_000  # microseconds


@pytest.fixture
def url(postgres_url: str) -> str:
    """Return the URL of a database with polls."""
    upgrade(postgres_url)
    PostgresPollStore(postgres_url).load(Load(name="a-load", facts=small_facts()))
    return postgres_url


@contextmanager
def locked(url: str) -> Iterator[None]:
    """Let whoever reads polls wait for ever."""
    with psycopg.connect(url) as connection:
        connection.execute("LOCK TABLE storewatch.polls IN ACCESS EXCLUSIVE MODE")
        yield


def waiters(url: str) -> int:
    """Return how many of our statements wait for a lock at the server."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = 'storewatch' AND wait_event_type = 'Lock'"
        ).fetchone()
    assert row
    return int(row[0])


def test_a_statement_that_takes_too_long_is_ended_by_the_server_and_said_without_its_address(
    url: str,
) -> None:
    store = PostgresPollStore(url, Waiting(seconds=LIMIT))
    with locked(url), pytest.raises(UnavailableError) as caught:
        scan(store, since=None, until=AT)
    assert caught.value.reason() == (
        "the poll store does not answer a statement within 1 s, which is STOREWATCH_STATEMENT_SECONDS"
    )
    assert len(scan(store, since=None, until=AT).polls)


def scan_paused(store: PostgresPollStore, server: Process) -> None:
    """Read from a server that is paused in the middle of a transaction."""
    with store.at() as snapshot:
        server.pause()
        try:
            snapshot.scan(since=0, until=AT)
        finally:
            server.resume()


def test_a_server_that_says_nothing_at_all_is_waited_for_no_longer(url: str, postgres: Server) -> None:
    if postgres.process is None:
        pytest.skip("this test pauses the server, so it needs one of its own")
    store = PostgresPollStore(url, Waiting(seconds=LIMIT))
    with ThreadPoolExecutor(1) as thread, pytest.raises(UnavailableError):
        thread.submit(scan_paused, store, postgres.process).result(PATIENCE)
    assert len(scan(store, since=None, until=AT).polls)


def test_who_is_not_needed_any_more_ends_his_statement_at_the_server(url: str) -> None:
    over = Event()
    store = PostgresPollStore(url, Waiting(is_over=over.is_set))
    with locked(url), ThreadPoolExecutor(1) as thread:
        reading = thread.submit(lambda: scan(store, since=None, until=AT))
        wait_for(lambda: waiters(url))
        over.set()
        with pytest.raises(UnavailableError):
            reading.result(PATIENCE)
        wait_for(lambda: not waiters(url))


@contextmanager
def working(settings: Settings) -> Iterator[Worker]:
    worker = Worker(settings, tell=lambda **_: None)
    thread = Thread(target=worker.run)
    thread.start()
    try:
        yield worker
    finally:
        worker.stop()
        thread.join()


def test_a_worker_whose_statement_hangs_is_free_again_and_the_attempt_does_not_count(
    url: str, tmp_path: Path
) -> None:
    settings = load_settings(home=tmp_path, polls_url=url, statement_seconds=LIMIT)
    with closing(open_board(settings)) as board, working(settings):
        with locked(url):
            job_id = board.submit(Ask())
            job = wait_for(lambda: job if (job := job_of(board, job_id)).error else None)
            assert job.attempts == 0
            assert job.error is not None
            assert job.error.startswith("the poll store does not answer a statement")
        wait_for(lambda: job_of(board, job_id).state is State.COMPLETE)
        assert job_of(board, job_id).attempts == 1


def test_a_job_that_is_cancelled_ends_its_statement_at_the_server(url: str, tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path, polls_url=url, lease_seconds=0.6)
    with closing(open_board(settings)) as board, working(settings), locked(url):
        job_id = board.submit(Ask())
        wait_for(lambda: waiters(url))
        assert board.cancel(job_id)
        wait_for(lambda: not waiters(url))
        assert job_of(board, job_id).state is State.CANCELLED


def test_a_worker_that_hands_back_ends_its_statement_at_the_server(url: str, tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path, polls_url=url)
    with closing(open_board(settings)) as board, working(settings) as worker, locked(url):
        job_id = board.submit(Ask())
        wait_for(lambda: waiters(url))
        worker.stop()
        worker.hand_back()
        wait_for(lambda: not waiters(url))
        job = job_of(board, job_id)
    assert (job.state, job.attempts, job.error) == (State.QUEUED, 0, None)
