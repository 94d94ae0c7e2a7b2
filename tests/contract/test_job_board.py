"""What any job board must do, whatever it stands on. Each adapter is one line of the `url` fixture."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, TypeVar

import pytest

from storewatch.adapters.jobs import open_jobs
from storewatch.errors import SettingsError, UnavailableError
from storewatch.ports import Claim, Job, JobBoard, Request, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

T = TypeVar("T")

LONG = 3_600.0  # a lease that does not run out in a test
SHORT = 0.2
PATIENCE = 30.0  # seconds until a wait is a failure


@pytest.fixture(params=["embedded"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return {"embedded": f"sqlite://{tmp_path}/jobs.sqlite"}[request.param]


@pytest.fixture
def board(url: str) -> Iterator[JobBoard]:
    board = open_jobs(url)
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
    job = board.get(job_id)
    assert job is not None
    return job


def claimed(board: JobBoard, worker: str = "a", *, lease: float = LONG) -> Claim:
    claim = board.claim(worker, lease=lease)
    assert claim is not None
    return claim


def taken_over(board: JobBoard) -> tuple[Claim, Claim]:
    """Return two claims on one new job: a lost one and the one that took it over."""
    board.submit(Request())
    return claimed(board, "a", lease=0), claimed(board, "b")


# --- submitting and looking -----------------------------------------------------------------------------


def test_a_submitted_job_is_queued_and_untried(board: JobBoard) -> None:
    job = job_of(board, board.submit(Request()))
    assert (job.state, job.attempts, job.epoch) == (State.QUEUED, 0, 0)
    assert (job.as_of, job.version, job.ended, job.error, job.key, job.rows) == (None,) * 6


def test_an_id_is_32_hex_digits_and_each_submit_is_a_job_of_its_own(board: JobBoard) -> None:
    ids = [board.submit(Request()) for _ in range(20)]
    assert len(set(ids)) == 20
    assert all(len(job_id) == 32 and set(job_id) <= set("0123456789abcdef") for job_id in ids)


@pytest.mark.parametrize(
    "request_",
    [
        Request(),
        Request(as_of=1_674_670_332, carry=None, store_ids=()),
        Request(as_of=0, carry=129_600, store_ids=("007", "8139926242460185114", 'é"\\ 店')),
    ],
)
def test_a_request_comes_back_as_it_was_given(board: JobBoard, request_: Request) -> None:
    assert job_of(board, board.submit(request_)).request == request_
    assert claimed(board).job.request == request_


@pytest.mark.parametrize("job_id", ["0" * 32, "", "'; DROP TABLE jobs; --"])
def test_an_unknown_id_is_no_job(board: JobBoard, job_id: str) -> None:
    board.submit(Request())
    assert board.get(job_id) is None
    assert not board.cancel(job_id)


def test_instants_are_seconds_since_1970_and_in_order(board: JobBoard) -> None:
    job_id = board.submit(Request())
    board.cancel(job_id)
    job = job_of(board, job_id)
    assert job.ended is not None
    assert 1_700_000_000 < job.created <= job.ended < 5_000_000_000


# --- claiming -------------------------------------------------------------------------------------------


def test_an_empty_board_has_nothing_to_claim(board: JobBoard) -> None:
    assert board.claim("a", lease=LONG) is None


def test_jobs_are_claimed_oldest_first_and_each_once(board: JobBoard) -> None:
    ids = [board.submit(Request()) for _ in range(5)]
    assert [claimed(board).job.id for _ in ids] == ids
    assert board.claim("a", lease=LONG) is None


def test_a_claim_shows_the_job_as_it_is_now(board: JobBoard) -> None:
    job_id = board.submit(Request())
    claim = claimed(board)
    assert claim.job == job_of(board, job_id)
    assert (claim.job.state, claim.job.attempts, claim.job.epoch) == (State.RUNNING, 1, claim.epoch)


def test_a_job_handed_back_keeps_its_place_in_the_queue(board: JobBoard) -> None:
    first, _second = board.submit(Request()), board.submit(Request())
    board.hand_back(claimed(board))
    assert claimed(board).job.id == first


def test_threads_that_race_for_one_job_end_with_one_claim(board: JobBoard) -> None:
    start = Barrier(8)

    def race(worker: int) -> Claim | None:
        start.wait()
        return board.claim(str(worker), lease=LONG)

    with ThreadPoolExecutor(8) as threads:
        for _ in range(20):
            board.submit(Request())
            assert len([claim for claim in threads.map(race, range(8)) if claim]) == 1


def test_threads_that_work_at_once_end_every_job_once(board: JobBoard) -> None:
    def work(worker: int) -> int:
        board.submit(Request())
        ended = 0
        while claim := board.claim(str(worker), lease=LONG):
            ended += board.beat(claim, lease=LONG) and board.finish(claim, key=claim.job.id, rows=1)
        return ended

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(work, range(40))) == 40


CLAIM_ALL = """
import sys
from storewatch.adapters.jobs import open_jobs
board = open_jobs(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
while claim := board.claim("w", lease=3600):
    print(claim.job.id, claim.epoch, flush=True)
board.close()
"""

SUBMIT_AND_CLAIM = """
import sys
from storewatch.adapters.jobs import open_jobs
from storewatch.ports import Request
board = open_jobs(sys.argv[1])
while True:
    print(board.submit(Request()), flush=True)
    board.claim("w", lease=0)
"""


def started(script: str, url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": ":".join(filter(None, sys.path))},
    )


def test_processes_that_race_for_jobs_claim_each_of_them_once(board: JobBoard, url: str) -> None:
    ids = [board.submit(Request()) for _ in range(60)]
    processes = [started(CLAIM_ALL, url) for _ in range(2)]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()  # it is ready
    lines = [line for process in processes for line in finished(process)]
    assert sorted(lines) == sorted(f"{job_id} 1" for job_id in ids)


def finished(process: subprocess.Popen[str]) -> list[str]:
    output, _ = process.communicate("\n", timeout=PATIENCE)
    assert process.returncode == 0
    return output.split("\n")[:-1]


def test_processes_may_open_a_new_board_at_once(url: str) -> None:
    start = Barrier(8)

    def submit(_: int) -> str:
        start.wait()
        board = open_jobs(url)
        job_id = board.submit(Request())
        board.close()
        return job_id

    with ThreadPoolExecutor(8) as threads:
        ids = list(threads.map(submit, range(8)))
    board = open_jobs(url)
    assert all(board.get(job_id) for job_id in ids)
    board.close()


# --- leases and epochs ----------------------------------------------------------------------------------


def test_a_job_is_not_taken_over_while_its_lease_lasts(board: JobBoard) -> None:
    board.submit(Request())
    claimed(board)
    assert board.claim("b", lease=LONG) is None


def test_a_job_is_taken_over_when_its_lease_has_run_out(board: JobBoard) -> None:
    job_id = board.submit(Request())
    first = claimed(board, "a", lease=SHORT)
    second = wait_for(lambda: board.claim("b", lease=LONG))
    assert second.job.id == job_id
    assert second.job.attempts == 2
    assert second.epoch > first.epoch


def test_beats_keep_a_job_beyond_its_first_lease(board: JobBoard) -> None:
    board.submit(Request())
    claim = claimed(board, lease=LONG)
    assert board.beat(claim, lease=0)
    assert board.beat(claim, lease=LONG)
    assert board.claim("b", lease=LONG) is None


def test_a_beat_may_shorten_the_lease(board: JobBoard) -> None:
    job_id = board.submit(Request())
    assert board.beat(claimed(board), lease=SHORT)
    assert wait_for(lambda: board.claim("b", lease=LONG)).job.id == job_id


def test_the_epoch_grows_with_every_claim_whatever_ended_the_one_before(board: JobBoard) -> None:
    board.submit(Request())
    epochs = [claimed(board, lease=0).epoch]
    claim = claimed(board)
    board.hand_back(claim)
    epochs.append(claim.epoch)
    claim = claimed(board)
    board.fail(claim, "no", final=False)
    epochs.append(claim.epoch)
    epochs.append(claimed(board).epoch)
    assert epochs == sorted(set(epochs))


def test_who_lost_the_job_to_another_can_change_nothing(board: JobBoard) -> None:
    lost, holder = taken_over(board)
    before = job_of(board, holder.job.id)
    assert not board.beat(lost, lease=LONG)
    assert board.pin(lost, as_of=1, version="old") is None
    assert not board.finish(lost, key="lost", rows=1)
    assert not board.fail(lost, "lost", final=True)
    assert not board.hand_back(lost)
    assert job_of(board, holder.job.id) == before
    assert board.finish(holder, key="kept", rows=2)


def test_a_beat_of_the_loser_does_not_renew_the_lease_of_the_holder(board: JobBoard) -> None:
    lost, holder = taken_over(board)
    board.beat(holder, lease=0)
    assert not board.beat(lost, lease=LONG)
    assert claimed(board, "c").job.id == holder.job.id


def test_a_worker_that_is_late_may_finish_if_nobody_took_over(board: JobBoard) -> None:
    job_id = board.submit(Request())
    late = claimed(board, lease=0)
    assert board.finish(late, key="k", rows=3)
    assert job_of(board, job_id).state == State.COMPLETE


def test_a_worker_that_is_late_may_pin_and_beat_and_go_on_if_nobody_took_over(board: JobBoard) -> None:
    board.submit(Request())
    late = claimed(board, lease=0)
    assert board.pin(late, as_of=5, version="v")
    assert board.beat(late, lease=LONG)
    assert board.claim("b", lease=LONG) is None


@pytest.mark.parametrize("ending", ["fail", "hand_back"])
def test_a_worker_that_is_late_may_fail_or_hand_back_if_nobody_took_over(
    board: JobBoard, ending: str
) -> None:
    job_id = board.submit(Request())
    late = claimed(board, lease=0)
    assert board.hand_back(late) if ending == "hand_back" else board.fail(late, "no", final=False)
    assert job_of(board, job_id).state == State.QUEUED


def test_a_claim_that_was_handed_back_or_failed_is_lost_at_once(board: JobBoard) -> None:
    board.submit(Request())
    for end in (board.hand_back, lambda claim: board.fail(claim, "no", final=False)):
        claim = claimed(board)
        assert end(claim)
        assert not board.beat(claim, lease=LONG)
        assert not board.finish(claim, key="k", rows=1)


# --- ends -----------------------------------------------------------------------------------------------


def test_a_finished_job_is_complete_and_names_its_report(board: JobBoard) -> None:
    job_id = board.submit(Request())
    assert board.finish(claimed(board), key="a/1.csv", rows=14_092)
    job = job_of(board, job_id)
    assert (job.state, job.key, job.rows, job.error) == (State.COMPLETE, "a/1.csv", 14_092, None)
    assert job.ended is not None


def test_a_job_is_finished_once(board: JobBoard) -> None:
    job_id = board.submit(Request())
    claim = claimed(board)
    assert board.finish(claim, key="first", rows=1)
    assert not board.finish(claim, key="second", rows=2)
    assert not board.fail(claim, "no", final=True)
    assert job_of(board, job_id).key == "first"


def test_an_ended_job_is_never_claimed_again(board: JobBoard) -> None:
    board.submit(Request())
    board.finish(claimed(board, lease=0), key="k", rows=1)
    board.submit(Request())
    board.fail(claimed(board, lease=0), "no", final=True)
    board.cancel(board.submit(Request()))
    assert board.claim("a", lease=LONG) is None


def test_a_final_failure_ends_the_job_with_its_reason(board: JobBoard) -> None:
    job_id = board.submit(Request())
    assert board.fail(claimed(board), "there are no polls", final=True)
    job = job_of(board, job_id)
    assert (job.state, job.error, job.attempts) == (State.FAILED, "there are no polls", 1)
    assert job.ended is not None


def test_the_third_failed_attempt_ends_the_job_with_the_last_reason(board: JobBoard) -> None:
    job_id = board.submit(Request())
    for attempt in (1, 2, 3):
        assert job_of(board, job_id).state == State.QUEUED
        assert board.fail(claimed(board), f"reason {attempt}", final=False)
    job = job_of(board, job_id)
    assert (job.state, job.error, job.attempts) == (State.FAILED, "reason 3", 3)


def test_a_third_attempt_that_runs_out_is_failed_when_somebody_claims(board: JobBoard) -> None:
    job_id = board.submit(Request())
    for _ in range(3):
        claimed(board, lease=0)
    assert board.claim("d", lease=LONG) is None
    job = job_of(board, job_id)
    assert job.state == State.FAILED
    assert "worker was lost" in (job.error or "")


def test_a_third_attempt_that_runs_out_is_failed_when_nobody_claims_any_more(board: JobBoard) -> None:
    job_id = board.submit(Request())
    for _ in range(2):
        claimed(board, lease=0)
    claimed(board, lease=SHORT)
    job = wait_for(lambda: job if (job := job_of(board, job_id)).state != State.RUNNING else None)
    assert job.state == State.FAILED
    assert "worker was lost" in (job.error or "")


def test_a_third_attempt_that_was_called_failed_can_not_finish(board: JobBoard) -> None:
    job_id = board.submit(Request())
    claims = [claimed(board, lease=0) for _ in range(3)]
    assert job_of(board, job_id).state == State.FAILED
    assert not board.finish(claims[-1], key="k", rows=1)


def test_a_third_attempt_that_is_late_may_finish_if_nobody_looked(board: JobBoard) -> None:
    job_id = board.submit(Request())
    claims = [claimed(board, lease=0) for _ in range(3)]
    assert board.finish(claims[-1], key="k", rows=1)
    assert job_of(board, job_id).state == State.COMPLETE


def test_a_job_given_up_does_not_keep_the_next_one_waiting(board: JobBoard) -> None:
    board.submit(Request())
    following = board.submit(Request())
    for _ in range(3):
        claimed(board, lease=0)
    assert claimed(board).job.id == following


def test_a_lost_worker_and_two_failures_make_three_attempts(board: JobBoard) -> None:
    job_id = board.submit(Request())
    claimed(board, lease=0)
    board.fail(claimed(board), "no", final=False)
    board.fail(claimed(board), "no more", final=False)
    job = job_of(board, job_id)
    assert (job.state, job.error) == (State.FAILED, "no more")


def test_a_hand_back_does_not_count_as_an_attempt(board: JobBoard) -> None:
    job_id = board.submit(Request())
    for _ in range(5):
        assert board.hand_back(claimed(board))
    job = job_of(board, job_id)
    assert (job.state, job.attempts) == (State.QUEUED, 0)
    assert claimed(board).job.attempts == 1


def test_a_success_after_failures_keeps_no_error(board: JobBoard) -> None:
    job_id = board.submit(Request())
    board.fail(claimed(board), "no", final=False)
    assert job_of(board, job_id).error == "no"
    board.finish(claimed(board), key="k", rows=1)
    assert job_of(board, job_id).error is None


def test_a_board_may_allow_another_number_of_attempts(url: str) -> None:
    board = open_jobs(url, max_attempts=1)
    job_id = board.submit(Request())
    board.fail(claimed(board), "no", final=False)
    assert job_of(board, job_id).state == State.FAILED
    board.close()


# --- cancelling -----------------------------------------------------------------------------------------


def test_a_queued_job_that_is_cancelled_is_never_handed_out(board: JobBoard) -> None:
    job_id = board.submit(Request())
    assert board.cancel(job_id)
    assert job_of(board, job_id).state == State.CANCELLED
    assert board.claim("a", lease=LONG) is None


def test_a_running_job_that_is_cancelled_is_lost_to_its_worker(board: JobBoard) -> None:
    job_id = board.submit(Request())
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
    job_id = board.submit(Request())
    board.finish(claimed(board), key="k", rows=1)
    assert not board.cancel(job_id)
    assert job_of(board, job_id).state == State.COMPLETE


def test_cancelling_twice_cancels_once(board: JobBoard) -> None:
    job_id = board.submit(Request())
    assert [board.cancel(job_id), board.cancel(job_id)] == [True, False]


def test_a_cancelled_job_keeps_no_error_of_an_earlier_attempt(board: JobBoard) -> None:
    job_id = board.submit(Request())
    board.fail(claimed(board), "no", final=False)
    board.cancel(job_id)
    assert job_of(board, job_id).error is None


# --- pins -----------------------------------------------------------------------------------------------


def test_the_first_pin_wins_over_those_of_later_attempts(board: JobBoard) -> None:
    job_id = board.submit(Request())
    first = board.pin(claimed(board, lease=0), as_of=100, version="7")
    second = board.pin(claimed(board), as_of=200, version="8")
    assert first is not None
    assert second is not None
    assert (first.as_of, first.version) == (second.as_of, second.version) == (100, "7")
    assert job_of(board, job_id) == second


def test_a_pin_outlasts_failures_and_hand_backs_and_comes_with_the_next_claim(board: JobBoard) -> None:
    board.submit(Request())
    claim = claimed(board)
    board.pin(claim, as_of=0, version="")
    board.fail(claim, "no", final=False)
    board.hand_back(claimed(board))
    job = claimed(board).job
    assert (job.as_of, job.version) == (0, "")


# --- closing, dying, breaking ---------------------------------------------------------------------------


def test_everything_is_still_there_after_close_and_reopen(url: str) -> None:
    board = open_jobs(url)
    ids = [board.submit(Request(store_ids=(str(n),))) for n in range(4)]
    board.finish(claimed(board), key="k", rows=1)
    running = claimed(board)
    before = [board.get(job_id) for job_id in ids]
    board.close()
    again = open_jobs(url)
    assert [again.get(job_id) for job_id in ids] == before
    assert again.finish(running, key="k2", rows=2)
    assert claimed(again).job.id == ids[2]
    again.close()


def test_two_openings_see_each_others_changes(url: str, board: JobBoard) -> None:
    other = open_jobs(url)
    job_id = board.submit(Request())
    claim = claimed(other)
    assert job_of(board, job_id).state == State.RUNNING
    board.cancel(job_id)
    assert not other.beat(claim, lease=LONG)
    other.close()


@pytest.mark.parametrize("acknowledged", [1, 8, 33])
def test_a_process_killed_at_work_leaves_the_board_usable_and_its_submits_on_it(
    board: JobBoard, url: str, acknowledged: int
) -> None:
    process = started(SUBMIT_AND_CLAIM, url)
    assert process.stdout is not None
    ids = [process.stdout.readline().strip() for _ in range(acknowledged)]
    process.send_signal(signal.SIGKILL)
    output, _ = process.communicate(timeout=PATIENCE)
    ids += [line for line in output.split("\n")[:-1] if line]
    assert all(board.get(job_id) for job_id in ids)
    assert board.submit(Request())
    assert board.finish(claimed(board), key="k", rows=1)


def test_a_closed_board_says_that_it_is_unavailable(url: str) -> None:
    board = open_jobs(url)
    board.close()
    with pytest.raises(UnavailableError):
        board.submit(Request())
    with pytest.raises(UnavailableError):
        board.get("0" * 32)


# --- URLs -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["kafka://x", "jobs.sqlite", "", "SQL:///x"])
def test_an_unknown_scheme_is_an_error_that_lists_the_known_ones(url: str) -> None:
    with pytest.raises(SettingsError, match="sqlite"):
        open_jobs(url)


@pytest.mark.parametrize("url", ["sqlite:", "sqlite://", "sqlite://host/jobs.sqlite"])
def test_a_url_without_a_path_or_with_a_host_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="sqlite:///abs/path"):
        open_jobs(url)


def test_a_relative_path_starts_at_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    open_jobs("sqlite:some%20home/jobs.sqlite").close()
    assert (tmp_path / "some home" / "jobs.sqlite").is_file()


@pytest.mark.parametrize("name", ["a_file/jobs.sqlite", "a_folder", "a_file"])
def test_a_path_that_can_not_be_a_board_is_unavailable_and_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "a_file").write_text("this is no database, and long enough to be seen as none" * 20)
    (tmp_path / "a_folder").mkdir()
    with pytest.raises(UnavailableError, match=name):
        open_jobs(f"sqlite://{tmp_path}/{name}")
