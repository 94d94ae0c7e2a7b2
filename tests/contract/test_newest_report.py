"""Which report any job board calls the newest complete one of all stores."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from boards import claimed, job_of
from storewatch.adapters.jobs import open_jobs
from storewatch.adapters.jobs.sqlite import _NEWEST_COMPLETE
from storewatch.domain.ask import Ask, Policy

if TYPE_CHECKING:
    from storewatch.ports.jobs import Job, JobBoard

FIRST, SECOND, THIRD = 1_674_000_000, 1_674_500_000, 1_674_670_320  # seconds since 1970


def completed(board: JobBoard, ask: Ask | None = None, *, as_of: int) -> str:
    """Return a job that is complete, as of an instant."""
    job_id = board.submit(ask or Ask())
    claim = claimed(board)
    assert board.pin(claim, as_of=as_of, version="7")
    assert board.finish(claim, key=f"{job_id}/1/a.csv", rows=3)
    return job_id


def newest(board: JobBoard) -> Job | None:
    found = board.newest_complete()
    assert found is None or found == job_of(board, found.id)
    return found


def newest_id(board: JobBoard) -> str | None:
    found = newest(board)
    return found.id if found else None


def test_no_report_is_the_newest_where_none_is_complete(board: JobBoard) -> None:
    assert newest(board) is None
    board.cancel(board.submit(Ask()))
    board.submit(Ask())
    board.fail(claimed(board), "no", final=True)
    board.submit(Ask())
    board.pin(claimed(board), as_of=THIRD, version="7")
    assert newest(board) is None


def test_the_greatest_as_of_is_the_newest_whenever_it_was_asked_for(board: JobBoard) -> None:
    first = completed(board, as_of=SECOND)
    assert newest_id(board) == first
    last = completed(board, Ask(as_of=THIRD), as_of=THIRD)
    assert newest_id(board) == last
    completed(board, Ask(as_of=FIRST), as_of=FIRST)
    completed(board, Ask(as_of=-1), as_of=-1)
    assert newest_id(board) == last


def test_of_equal_as_ofs_the_report_submitted_last_is_the_newest(board: JobBoard) -> None:
    jobs = [board.submit(Ask()) for _ in range(12)]
    claims = [claimed(board) for _ in jobs]
    for claim in [*claims[6:], *claims[:6]]:
        board.pin(claim, as_of=SECOND, version="7")
        board.finish(claim, key="k", rows=1)
    assert newest_id(board) == jobs[-1]


@pytest.mark.parametrize(
    "other",
    [
        Ask(store_ids=("007",)),
        Ask(store_ids=()),
        Ask(carry=None),
        Ask(carry=604_799),
        Ask(windows=("hour", "day")),
        Ask(policy=Policy.LAST_OBSERVATION),
        Ask(where=(("brand", ("x",)),)),
    ],
)
def test_a_report_of_some_stores_or_by_other_rules_is_not_the_newest(board: JobBoard, other: Ask) -> None:
    completed(board, other, as_of=THIRD)
    assert newest(board) is None
    plain = completed(board, as_of=FIRST)
    for _ in range(60):
        completed(board, other, as_of=THIRD)
    assert newest_id(board) == plain


def test_what_the_pages_ask_for_beside_a_report_makes_it_no_other(board: JobBoard) -> None:
    shown = completed(board, Ask(overview=True), as_of=SECOND)
    completed(board, Ask(overview=True, store_ids=("007",)), as_of=THIRD)
    completed(board, as_of=FIRST)
    assert newest_id(board) == shown


def test_of_equal_as_ofs_a_report_with_an_overview_is_the_newest(board: JobBoard) -> None:
    completed(board, Ask(overview=True), as_of=SECOND)
    shown = completed(board, Ask(overview=True), as_of=SECOND)
    plain = completed(board, as_of=SECOND)
    assert newest_id(board) == shown
    board.forget([shown])
    assert newest_id(board) != plain


def test_the_next_report_is_the_newest_once_one_is_forgotten(board: JobBoard) -> None:
    ids = [completed(board, as_of=as_of) for as_of in (SECOND, FIRST, SECOND, THIRD)]
    found = []
    while job_id := newest_id(board):
        found.append(job_id)
        board.forget([job_id])
    assert found == [ids[3], ids[2], ids[0], ids[1]]


def test_the_newest_report_up_to_an_as_of_is_asked_for(board: JobBoard) -> None:
    first, second = completed(board, as_of=FIRST), completed(board, as_of=SECOND)
    found = [board.newest_complete(until=until) for until in (FIRST - 1, FIRST, SECOND - 1, SECOND)]
    assert [job and job.id for job in found] == [None, first, first, second]


def test_the_newest_report_is_found_by_an_index_of_the_file(sqlite_board_url: str) -> None:
    open_jobs(sqlite_board_url).close()
    with closing(sqlite3.connect(sqlite_board_url.removeprefix("sqlite://"))) as driver:
        (plan,) = driver.execute(f"EXPLAIN QUERY PLAN {_NEWEST_COMPLETE}", {"until": 1}).fetchall()
    assert "USING INDEX jobs_by_default_rules" in plan[-1]
