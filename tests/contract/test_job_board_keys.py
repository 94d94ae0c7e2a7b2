"""What any job board must do with the keys that jobs are submitted with, and how its jobs are paged."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from boards import claimed, job_of
from storewatch.adapters.jobs import open_jobs
from storewatch.domain.ask import Ask
from storewatch.errors import InputError, KeyReusedError
from storewatch.ports.jobs import JobBoard, State

if TYPE_CHECKING:
    from collections.abc import Iterator

ASKED = Ask(as_of=1_674_670_332, carry=None, store_ids=("007", "8139926242460185114"))

# --- keys -----------------------------------------------------------------------------------------------


def test_the_same_key_and_request_are_one_job(board: JobBoard) -> None:
    job_id = board.submit(ASKED, key="a")
    again = Ask(as_of=ASKED.as_of, carry=None, store_ids=ASKED.store_ids)
    assert board.submit(again, key="a", request_id="another call") == job_id
    assert [job.id for job in board.recent(9)] == [job_id]
    assert board.queue_length() == 1


def test_a_key_holds_however_its_job_stands(board: JobBoard) -> None:
    job_id = board.submit(ASKED, key="a")
    claim = claimed(board)
    assert board.submit(ASKED, key="a") == job_id
    assert board.finish(claim, key="k", rows=1)
    assert board.submit(ASKED, key="a") == job_id
    assert job_of(board, job_id).state is State.COMPLETE
    assert board.claim("b", lease=1) is None


@pytest.mark.parametrize("other", [Ask(), Ask(as_of=1_674_670_332, carry=None)])
def test_a_key_with_another_request_is_refused_and_submits_nothing(board: JobBoard, other: Ask) -> None:
    job_id = board.submit(ASKED, key="a")
    with pytest.raises(KeyReusedError, match=f"report {job_id}, with another request: take a new key"):
        board.submit(other, key="a")
    assert issubclass(KeyReusedError, InputError)
    assert board.queue_length() == 1


def test_other_keys_and_no_keys_are_jobs_of_their_own(board: JobBoard) -> None:
    keys = ["a", "A", "a ", "", None, None, "店 ✗", 'it\'s "quoted" \\ 100%', "jobs"]
    ids = [board.submit(ASKED, key=key) for key in keys]
    assert len(set(ids)) == len(keys)
    assert [board.submit(ASKED, key=key) for key in keys if key is not None] == [
        job_id for job_id, key in zip(ids, keys, strict=True) if key is not None
    ]


def test_a_key_is_forgotten_with_its_job(board: JobBoard) -> None:
    old, other = board.submit(ASKED, key="a"), board.submit(ASKED, key="b")
    board.cancel(old)
    assert board.forget([old]) == 1
    new = board.submit(Ask(), key="a")
    assert new != old
    assert board.submit(Ask(), key="a") == new
    assert board.submit(ASKED, key="b") == other


@pytest.fixture
def boards(board_url: str) -> Iterator[list[JobBoard]]:
    """Yield four openings of one board."""
    opened = [open_jobs(board_url) for _ in range(4)]
    yield opened
    for board in opened:
        board.close()


def test_one_key_submitted_by_many_at_once_is_one_job(boards: list[JobBoard]) -> None:
    with ThreadPoolExecutor(20) as threads:
        ids = list(threads.map(lambda n: boards[n % 4].submit(ASKED, key="a"), range(60)))
    assert len(set(ids)) == 1
    assert boards[0].queue_length() == 1


def test_a_board_file_from_before_there_were_keys_takes_them(sqlite_board_url: str) -> None:
    with closing(open_jobs(sqlite_board_url)) as board:
        old = board.submit(ASKED)
    with closing(sqlite3.connect(sqlite_board_url.removeprefix("sqlite://"))) as driver:
        driver.execute("DROP INDEX jobs_by_submit_key")
        driver.execute("ALTER TABLE jobs DROP COLUMN submit_key")
    with closing(open_jobs(sqlite_board_url)) as board:
        new = board.submit(ASKED, key="a")
        assert board.submit(ASKED, key="a") == new
        assert [job.id for job in board.recent(9)] == [new, old]


# --- pages ----------------------------------------------------------------------------------------------


def paged(board: JobBoard, size: int) -> Iterator[list[str]]:
    """Yield the ids of all jobs, page by page."""
    jobs = board.recent(size)
    while jobs:
        yield [job.id for job in jobs]
        jobs = board.recent(size, before=jobs[-1].number)


def test_pages_before_a_number_hold_each_job_once_newest_first(board: JobBoard) -> None:
    ids = [board.submit(Ask()) for _ in range(7)]
    assert [len(page) for page in paged(board, 3)] == [3, 3, 1]
    assert [job_id for page in paged(board, 3) for job_id in page] == ids[::-1]


def test_pages_stay_as_they_are_while_jobs_come_and_go(board: JobBoard) -> None:
    ids = [board.submit(Ask()) for _ in range(6)]
    pages = paged(board, 2)
    assert next(pages) == [ids[5], ids[4]]
    board.submit(Ask())
    board.cancel(ids[4])  # the one that the next page is counted from
    board.forget([ids[4]])
    assert [job_id for page in pages for job_id in page] == ids[3::-1]


def test_numbers_grow_in_the_order_of_submits(board: JobBoard) -> None:
    numbers = [job_of(board, board.submit(Ask())).number for _ in range(5)]
    assert numbers == sorted(set(numbers))
    assert claimed(board).job.number == numbers[0]
