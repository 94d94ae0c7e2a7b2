"""How a job ends on any job board, and what it keeps until then."""

from __future__ import annotations

import time

from boards import LONG, SHORT, claimed, job_of, wait_for
from storewatch.adapters.jobs import open_jobs
from storewatch.domain.ask import Ask
from storewatch.ports.jobs import JobBoard, State

# --- ends -----------------------------------------------------------------------------------------------


def test_a_finished_job_is_complete_and_names_its_report(board: JobBoard) -> None:
    job_id = board.submit(Ask())
    assert board.finish(claimed(board), key="a/1.csv", rows=14_092)
    job = job_of(board, job_id)
    assert (job.state, job.key, job.rows, job.error) == (State.COMPLETE, "a/1.csv", 14_092, None)
    assert job.ended is not None


def test_a_job_is_finished_once(board: JobBoard) -> None:
    job_id = board.submit(Ask())
    claim = claimed(board)
    assert board.finish(claim, key="first", rows=1)
    assert not board.finish(claim, key="second", rows=2)
    assert not board.fail(claim, "no", final=True)
    assert job_of(board, job_id).key == "first"


def test_an_ended_job_is_never_claimed_again(board: JobBoard) -> None:
    board.submit(Ask())
    board.finish(claimed(board, lease=0), key="k", rows=1)
    board.submit(Ask())
    board.fail(claimed(board, lease=0), "no", final=True)
    board.cancel(board.submit(Ask()))
    assert board.claim("a", lease=LONG) is None


def test_a_final_failure_ends_the_job_with_its_reason(board: JobBoard) -> None:
    job_id = board.submit(Ask())
    assert board.fail(claimed(board), "there are no polls", final=True)
    job = job_of(board, job_id)
    assert (job.state, job.error, job.attempts) == (State.FAILED, "there are no polls", 1)
    assert job.ended is not None


def test_the_third_failed_attempt_ends_the_job_with_the_last_reason(board: JobBoard) -> None:
    job_id = board.submit(Ask())
    for attempt in (1, 2, 3):
        assert job_of(board, job_id).state == State.QUEUED
        assert board.fail(claimed(board), f"reason {attempt}", final=False)
    job = job_of(board, job_id)
    assert (job.state, job.error, job.attempts) == (State.FAILED, "reason 3", 3)


def test_a_third_attempt_that_runs_out_is_failed_when_somebody_claims(board: JobBoard) -> None:
    job_id = board.submit(Ask())
    for _ in range(3):
        claimed(board, lease=0)
    assert board.claim("d", lease=LONG) is None
    job = job_of(board, job_id)
    assert job.state == State.FAILED
    assert "worker was lost" in (job.error or "")


def test_a_third_attempt_that_runs_out_is_failed_when_nobody_claims_any_more(board: JobBoard) -> None:
    job_id = board.submit(Ask())
    for _ in range(2):
        claimed(board, lease=0)
    claimed(board, lease=SHORT)
    job = wait_for(lambda: job if (job := job_of(board, job_id)).state != State.RUNNING else None)
    assert job.state == State.FAILED
    assert "worker was lost" in (job.error or "")


def test_a_third_attempt_that_was_called_failed_can_not_finish(board: JobBoard) -> None:
    job_id = board.submit(Ask())
    claims = [claimed(board, lease=0) for _ in range(3)]
    assert job_of(board, job_id).state == State.FAILED
    assert not board.finish(claims[-1], key="k", rows=1)


def test_a_third_attempt_that_is_late_may_finish_if_nobody_looked(board: JobBoard) -> None:
    job_id = board.submit(Ask())
    claims = [claimed(board, lease=0) for _ in range(3)]
    assert board.finish(claims[-1], key="k", rows=1)
    assert job_of(board, job_id).state == State.COMPLETE


def test_a_job_given_up_does_not_keep_the_next_one_waiting(board: JobBoard) -> None:
    board.submit(Ask())
    following = board.submit(Ask())
    for _ in range(3):
        claimed(board, lease=0)
    assert claimed(board).job.id == following


def test_a_lost_worker_and_two_failures_make_three_attempts(board: JobBoard) -> None:
    job_id = board.submit(Ask())
    claimed(board, lease=0)
    board.fail(claimed(board), "no", final=False)
    board.fail(claimed(board), "no more", final=False)
    job = job_of(board, job_id)
    assert (job.state, job.error) == (State.FAILED, "no more")


def test_a_hand_back_does_not_count_as_an_attempt(board: JobBoard) -> None:
    job_id = board.submit(Ask())
    for _ in range(5):
        assert board.hand_back(claimed(board))
    job = job_of(board, job_id)
    assert (job.state, job.attempts) == (State.QUEUED, 0)
    assert claimed(board).job.attempts == 1


def test_a_job_handed_back_for_a_while_waits_with_its_reason_while_others_are_claimed(
    board: JobBoard,
) -> None:
    first, second, third = (board.submit(Ask()) for _ in range(3))
    for _ in range(2):
        assert board.hand_back(claimed(board), pause=LONG, reason="the shelf is away")
    job = job_of(board, second)
    assert (job.state, job.attempts, job.error) == (State.QUEUED, 0, "the shelf is away")
    assert board.queue_length() == board.overview().jobs[State.QUEUED] == 3
    assert claimed(board).job.id == third
    assert board.claim("b", lease=LONG) is None
    assert board.cancel(first)
    assert job_of(board, first).error is None
    assert board.forget([first]) == 1


def test_a_job_handed_back_for_a_while_is_claimed_after_it_and_before_later_ones(board: JobBoard) -> None:
    job_id = board.submit(Ask())
    claim = claimed(board)
    board.submit(Ask())
    board.hand_back(claim, pause=SHORT, reason="away")
    claims = [wait_for(lambda: board.claim("b", lease=LONG)) for _ in range(2)]
    again = next(claim for claim in claims if claim.job.id == job_id)
    assert (again.job.attempts, again.job.error) == (1, "away")
    assert board.fail(again, "no", final=False)
    assert claimed(board).job.id == job_id


def test_a_hand_back_without_a_reason_keeps_what_an_earlier_attempt_said(board: JobBoard) -> None:
    job_id = board.submit(Ask())
    board.fail(claimed(board), "no", final=False)
    board.hand_back(claimed(board))
    assert job_of(board, job_id).error == "no"


def test_a_job_is_held_up_since_its_first_hand_back_with_a_reason(board: JobBoard) -> None:
    job_id = board.submit(Ask())
    board.hand_back(claimed(board))
    assert job_of(board, job_id).held_up_since is None
    board.hand_back(claimed(board), reason="away")
    since = job_of(board, job_id).held_up_since
    assert since is not None
    time.sleep(0.01)
    claim = claimed(board)
    assert claim.job.started is not None
    assert job_of(board, job_id).created <= since < claim.job.started
    board.hand_back(claim, reason="still away")
    assert job_of(board, job_id).held_up_since == since


def test_the_loser_of_a_job_hands_nothing_back(board: JobBoard) -> None:
    board.submit(Ask())
    lost, holder = claimed(board, lease=0), claimed(board, "b")
    assert not board.hand_back(lost, pause=LONG, reason="away")
    assert board.finish(holder, key="k", rows=1)
    assert not board.hand_back(holder)


def test_a_success_after_failures_keeps_no_error(board: JobBoard) -> None:
    job_id = board.submit(Ask())
    board.fail(claimed(board), "no", final=False)
    assert job_of(board, job_id).error == "no"
    board.finish(claimed(board), key="k", rows=1)
    assert job_of(board, job_id).error is None


def test_a_board_may_allow_another_number_of_attempts(board_url: str) -> None:
    board = open_jobs(board_url, max_attempts=1)
    job_id = board.submit(Ask())
    board.fail(claimed(board), "no", final=False)
    assert job_of(board, job_id).state == State.FAILED
    board.close()


# --- cancelling -----------------------------------------------------------------------------------------


def test_a_queued_job_that_is_cancelled_is_never_handed_out(board: JobBoard) -> None:
    job_id = board.submit(Ask())
    assert board.cancel(job_id)
    assert job_of(board, job_id).state == State.CANCELLED
    assert board.claim("a", lease=LONG) is None


def test_a_running_job_that_is_cancelled_is_lost_to_its_worker(board: JobBoard) -> None:
    job_id = board.submit(Ask())
    claim = claimed(board)
    assert board.cancel(job_id)
    assert not board.beat(claim, lease=LONG)
    assert board.pin(claim, as_of=1, version="v") is None
    assert not board.finish(claim, key="k", rows=1)
    assert not board.fail(claim, "no", final=True)
    assert not board.hand_back(claim)
    job = job_of(board, job_id)
    assert (job.state, job.key) == (State.CANCELLED, None)


def test_a_job_that_has_ended_can_not_be_cancelled(board: JobBoard) -> None:
    job_id = board.submit(Ask())
    board.finish(claimed(board), key="k", rows=1)
    assert not board.cancel(job_id)
    assert job_of(board, job_id).state == State.COMPLETE


def test_cancelling_twice_cancels_once(board: JobBoard) -> None:
    job_id = board.submit(Ask())
    assert [board.cancel(job_id), board.cancel(job_id)] == [True, False]


def test_a_cancelled_job_keeps_no_error_of_an_earlier_attempt(board: JobBoard) -> None:
    job_id = board.submit(Ask())
    board.fail(claimed(board), "no", final=False)
    board.cancel(job_id)
    assert job_of(board, job_id).error is None


# --- pins -----------------------------------------------------------------------------------------------


def test_the_first_pin_wins_over_those_of_later_attempts(board: JobBoard) -> None:
    job_id = board.submit(Ask())
    first = board.pin(claimed(board, lease=0), as_of=100, version="7")
    second = board.pin(claimed(board), as_of=200, version="8")
    assert first is not None
    assert second is not None
    assert (first.as_of, first.version) == (second.as_of, second.version) == (100, "7")
    assert job_of(board, job_id) == second


def test_a_pin_outlasts_failures_and_hand_backs_and_comes_with_the_next_claim(board: JobBoard) -> None:
    board.submit(Ask())
    claim = claimed(board)
    board.pin(claim, as_of=0, version="")
    board.fail(claim, "no", final=False)
    board.hand_back(claimed(board))
    job = claimed(board).job
    assert (job.as_of, job.version) == (0, "")
