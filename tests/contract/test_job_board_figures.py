"""What any job board tells of its jobs and workers, and how it forgets them."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import pytest

from boards import LONG, SHORT, claimed, job_of, wait_for
from storewatch.domain.ask import Ask
from storewatch.ports.jobs import JobBoard, Progress, State


def ended(board: JobBoard) -> str:
    """Return a new job that has ended."""
    job_id = board.submit(Ask())
    board.cancel(job_id)
    return job_id


# --- attempts -------------------------------------------------------------------------------------------


def test_a_job_tells_who_claimed_it_last_and_when(board: JobBoard) -> None:
    job_id = board.submit(Ask())
    assert (job_of(board, job_id).worker, job_of(board, job_id).started) == (None, None)
    first = claimed(board, "a", lease=0).job
    board.hand_back(claimed(board, "b"))
    last = job_of(board, job_id)
    assert (first.worker, last.worker) == ("a", "b")
    assert first.started is not None
    assert last.started is not None
    assert first.created <= first.started <= last.started


def test_progress_is_as_the_last_beat_told_it(board: JobBoard) -> None:
    job_id = board.submit(Ask())
    claim = claimed(board)
    assert job_of(board, job_id).progress is None
    board.beat(claim, lease=LONG, progress=Progress(stage="gather", done=0, total=14_092))
    board.beat(claim, lease=LONG, progress=Progress(stage="compute", done=7_000, total=14_092))
    board.beat(claim, lease=LONG)
    assert job_of(board, job_id).progress == Progress(stage="compute", done=7_000, total=14_092)


def test_a_new_attempt_has_made_no_progress(board: JobBoard) -> None:
    board.submit(Ask())
    claim = claimed(board)
    board.beat(claim, lease=0, progress=Progress(stage="compute", done=1, total=2))
    assert claimed(board, "b").job.progress is None


def test_the_loser_of_a_job_tells_no_progress(board: JobBoard) -> None:
    job_id = board.submit(Ask())
    lost = claimed(board, lease=0)
    claimed(board, "b")
    assert not board.beat(lost, lease=LONG, progress=Progress(stage="compute", done=1, total=2))
    assert job_of(board, job_id).progress is None


# --- asking twice ---------------------------------------------------------------------------------------


def test_a_finish_that_is_said_again_is_true_again_and_changes_nothing(board: JobBoard) -> None:
    job_id = board.submit(Ask())
    claim = claimed(board)
    assert board.finish(claim, key="k", rows=1)
    before = job_of(board, job_id)
    assert board.finish(claim, key="k", rows=1)
    assert job_of(board, job_id) == before


def test_a_finish_by_the_loser_is_false_even_for_the_same_key(board: JobBoard) -> None:
    board.submit(Ask())
    lost, holder = claimed(board, lease=0), claimed(board, "b")
    assert board.finish(holder, key="k", rows=1)
    assert not board.finish(lost, key="k", rows=1)


# --- figures --------------------------------------------------------------------------------------------


def test_an_empty_board_has_nothing_to_show(board: JobBoard) -> None:
    overview = board.overview()
    assert overview.jobs == dict.fromkeys(State, 0)
    assert (overview.oldest_queued_seconds, overview.live_workers) == (None, 0)
    assert (board.queue_length(), board.recent(5)) == (0, [])


def test_jobs_are_counted_by_state(board: JobBoard) -> None:
    for _ in range(6):
        board.submit(Ask())
    board.finish(claimed(board), key="k", rows=1)
    board.fail(claimed(board), "no", final=True)
    board.cancel(claimed(board).job.id)
    claimed(board)
    assert board.overview().jobs == {
        State.QUEUED: 2,
        State.RUNNING: 1,
        State.COMPLETE: 1,
        State.FAILED: 1,
        State.CANCELLED: 1,
    }
    assert board.queue_length() == 2


def test_a_job_that_comes_back_is_counted_as_queued(board: JobBoard) -> None:
    board.submit(Ask())
    board.hand_back(claimed(board))
    board.fail(claimed(board), "no", final=False)
    assert board.queue_length() == board.overview().jobs[State.QUEUED] == 1


def test_the_oldest_queued_job_grows_older_until_it_is_claimed(board: JobBoard) -> None:
    board.submit(Ask())
    first = board.overview().oldest_queued_seconds
    assert first is not None
    assert 0 <= first < 60
    wait_for(lambda: (board.overview().oldest_queued_seconds or 0) > first)
    claimed(board)
    assert board.overview().oldest_queued_seconds is None


def test_workers_are_live_as_long_as_they_announced(board: JobBoard) -> None:
    board.announce("a", ttl=LONG)
    board.announce("b", ttl=LONG)
    board.announce("b", ttl=LONG)
    board.announce("c", ttl=SHORT)
    assert board.overview().live_workers in {2, 3}
    wait_for(lambda: board.overview().live_workers == 2)
    board.announce("a", ttl=0)
    assert board.overview().live_workers == 1


def test_the_newest_jobs_come_first(board: JobBoard) -> None:
    ids = [board.submit(Ask()) for _ in range(4)]
    board.cancel(ids[2])
    assert [job.id for job in board.recent(3)] == ids[:0:-1]
    assert board.recent(9) == [job_of(board, job_id) for job_id in reversed(ids)]
    assert board.recent(0) == []


def test_the_newest_jobs_are_told_without_the_ids_that_they_name_however_many(board: JobBoard) -> None:
    ids = tuple(f"{n:020}" for n in range(50_000))
    job_id = board.submit(Ask(as_of=1_674_670_320, carry=None, store_ids=ids), request_id="call")
    board.recent(1)  # what is loaded once
    tracemalloc.start()
    (told,) = board.recent(1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    job = job_of(board, job_id)
    assert (job.ask.store_ids, job.stores) == (ids, 50_000)
    assert told == replace(job, ask=replace(job.ask, store_ids=()))
    assert peak < sum(map(len, ids)) / 2
    assert claimed(board).job.ask.store_ids == ids


# --- forgetting -----------------------------------------------------------------------------------------


def test_jobs_expire_by_their_end_and_others_never(board: JobBoard) -> None:
    ids = [ended(board) for _ in range(3)]
    board.submit(Ask())
    claimed(board, lease=0)
    board.submit(Ask())
    assert board.expired(older_than=3_600, limit=9) == []
    assert sorted(board.expired(older_than=0, limit=9)) == sorted(ids)
    assert len(board.expired(older_than=0, limit=2)) == 2


def test_every_kind_of_end_expires(board: JobBoard) -> None:
    ids = [board.submit(Ask()) for _ in range(3)]
    board.finish(claimed(board), key="k", rows=1)
    board.fail(claimed(board), "no", final=True)
    board.cancel(ids[2])
    assert sorted(board.expired(older_than=0, limit=9)) == sorted(ids)


def test_an_expired_job_stays_until_it_is_forgotten(board: JobBoard) -> None:
    job_id = ended(board)
    board.expired(older_than=0, limit=9)
    assert job_of(board, job_id).state == State.CANCELLED
    assert board.forget([job_id, job_id, "0" * 32]) == 1
    assert board.get(job_id) is None
    assert board.expired(older_than=0, limit=9) == []
    assert board.recent(9) == []
    assert board.overview().jobs == dict.fromkeys(State, 0)


def test_a_job_that_has_not_ended_is_never_forgotten(board: JobBoard) -> None:
    running, queued = board.submit(Ask()), board.submit(Ask())
    claim = claimed(board)
    assert board.forget([running, queued]) == 0
    assert board.forget([]) == 0
    assert board.finish(claim, key="k", rows=1)
    assert claimed(board).job.id == queued


def test_more_jobs_than_go_in_one_step_are_forgotten(board: JobBoard) -> None:
    ids = [board.submit(Ask()) for _ in range(501)]
    for job_id in ids:
        board.cancel(job_id)
    assert board.forget(ids) == 501


def test_jobs_are_claimed_oldest_first_also_after_others_were_forgotten(board: JobBoard) -> None:
    board.forget([ended(board), ended(board)])
    ids = [board.submit(Ask()) for _ in range(3)]
    assert [claimed(board).job.id for _ in ids] == ids


# --- durability -----------------------------------------------------------------------------------------


def test_a_board_that_keeps_what_it_acknowledged_warns_of_nothing(board: JobBoard) -> None:
    assert board.warnings() == {}


@pytest.mark.parametrize("error", ['it\'s "broken" \\ at\nline 2', "店 ✗", ""])
def test_an_error_comes_back_as_it_was_told(board: JobBoard, error: str) -> None:
    job_id = board.submit(Ask())
    board.fail(claimed(board), error, final=True)
    assert job_of(board, job_id).error == error
