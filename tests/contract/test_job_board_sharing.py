"""Any job board among threads and processes that race, close and die; and its URLs."""

from __future__ import annotations

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from boards import LONG, PATIENCE, claimed, job_of
from storewatch.adapters.jobs import open_jobs
from storewatch.domain.ask import Ask
from storewatch.errors import SettingsError, UnavailableError
from storewatch.ports.jobs import Claim, JobBoard, State

if TYPE_CHECKING:
    from pathlib import Path


def test_threads_that_race_for_one_job_end_with_one_claim(board: JobBoard) -> None:
    start = Barrier(8)

    def race(worker: int) -> Claim | None:
        start.wait()
        return board.claim(str(worker), lease=LONG)

    with ThreadPoolExecutor(8) as threads:
        for _ in range(20):
            board.submit(Ask())
            assert len([claim for claim in threads.map(race, range(8)) if claim]) == 1


def test_threads_that_work_at_once_end_every_job_once(board: JobBoard) -> None:
    def work(worker: int) -> int:
        board.submit(Ask())
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
from storewatch.domain.ask import Ask
board = open_jobs(sys.argv[1])
while True:
    print(board.submit(Ask()), flush=True)
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


def test_processes_that_race_for_jobs_claim_each_of_them_once(board: JobBoard, board_url: str) -> None:
    ids = [board.submit(Ask()) for _ in range(60)]
    processes = [started(CLAIM_ALL, board_url) for _ in range(2)]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()  # it is ready
    lines = [line for process in processes for line in finished(process)]
    assert sorted(lines) == sorted(f"{job_id} 1" for job_id in ids)


def finished(process: subprocess.Popen[str]) -> list[str]:
    output, _ = process.communicate("\n", timeout=PATIENCE)
    assert process.returncode == 0
    return output.split("\n")[:-1]


def test_processes_may_open_a_new_board_at_once(board_url: str) -> None:
    start = Barrier(8)

    def submit(_: int) -> str:
        start.wait()
        board = open_jobs(board_url)
        job_id = board.submit(Ask())
        board.close()
        return job_id

    with ThreadPoolExecutor(8) as threads:
        ids = list(threads.map(submit, range(8)))
    board = open_jobs(board_url)
    assert all(board.get(job_id) for job_id in ids)
    board.close()


# --- closing, dying, breaking ---------------------------------------------------------------------------


def test_everything_is_still_there_after_close_and_reopen(board_url: str) -> None:
    board = open_jobs(board_url)
    ids = [board.submit(Ask(store_ids=(str(n),))) for n in range(4)]
    board.finish(claimed(board), key="k", rows=1)
    running = claimed(board)
    before = [board.get(job_id) for job_id in ids]
    board.close()
    again = open_jobs(board_url)
    assert [again.get(job_id) for job_id in ids] == before
    assert again.finish(running, key="k2", rows=2)
    assert claimed(again).job.id == ids[2]
    again.close()


def test_two_openings_see_each_others_changes(board_url: str, board: JobBoard) -> None:
    other = open_jobs(board_url)
    job_id = board.submit(Ask())
    claim = claimed(other)
    assert job_of(board, job_id).state == State.RUNNING
    board.cancel(job_id)
    assert not other.beat(claim, lease=LONG)
    other.close()


@pytest.mark.parametrize("acknowledged", [1, 8, 33])
def test_a_process_killed_at_work_leaves_the_board_usable_and_its_submits_on_it(
    board: JobBoard, board_url: str, acknowledged: int
) -> None:
    process = started(SUBMIT_AND_CLAIM, board_url)
    assert process.stdout is not None
    ids = [process.stdout.readline().strip() for _ in range(acknowledged)]
    process.send_signal(signal.SIGKILL)
    output, _ = process.communicate(timeout=PATIENCE)
    ids += [line for line in output.split("\n")[:-1] if line]
    assert all(board.get(job_id) for job_id in ids)
    assert board.submit(Ask())
    assert board.finish(claimed(board), key="k", rows=1)


def test_a_closed_board_says_that_it_is_unavailable(board_url: str) -> None:
    board = open_jobs(board_url)
    board.close()
    with pytest.raises(UnavailableError):
        board.submit(Ask())
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
