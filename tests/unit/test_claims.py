"""How a worker keeps a claim while the board is away, and what is counted of that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from boards import LONG, claimed, job_of, wait_for
from storewatch.adapters.jobs import open_jobs
from storewatch.domain.ask import Ask
from storewatch.errors import UnavailableError
from storewatch.metrics import BOARD, counted
from storewatch.ports.jobs import Progress, State
from storewatch.processes.heartbeat import heartbeat, patient, patiently

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from storewatch.ports.jobs import JobBoard


@pytest.fixture
def own_board(tmp_path: Path) -> Iterator[JobBoard]:
    board = open_jobs(f"sqlite://{tmp_path}/jobs.sqlite")
    yield board
    board.close()


def away(times: int) -> Iterator[bool]:
    """Yield whether it is away, `times` times."""
    yield from [True] * times
    while True:
        yield False


def test_what_is_not_answered_is_said_again_until_it_is() -> None:
    turns = away(2)

    def call(value: int) -> int:
        if next(turns):
            raise UnavailableError("away")
        return value

    assert patiently(call, 7, seconds=60) == 7


def test_patience_ends() -> None:
    def call() -> None:
        raise UnavailableError("away")

    with pytest.raises(UnavailableError):
        patiently(call, seconds=0)


def test_a_patient_board_answers_as_the_board_does_and_takes_a_refusal_for_an_answer(
    own_board: JobBoard,
) -> None:
    board = patient(own_board, seconds=60)
    job_id = board.submit(Ask())
    claim = claimed(board)
    assert board.pin(claim, as_of=1, version="v") == own_board.get(job_id)
    assert board.finish(claim, key="k", rows=1)
    assert not board.fail(claim, "too late", final=True)
    assert job_of(own_board, job_id).state is State.COMPLETE


def test_progress_is_told_to_the_board_at_once(own_board: JobBoard) -> None:
    job_id = own_board.submit(Ask())
    claim = claimed(own_board)
    with heartbeat(own_board, claim, lease=LONG) as tell:
        tell(Progress(stage="compute", done=0, total=9))
        progress = wait_for(lambda: job_of(own_board, job_id).progress)
    assert progress == Progress(stage="compute", done=0, total=9)


def test_a_heartbeat_goes_on_when_the_board_did_not_answer(tmp_path: Path) -> None:
    board = open_jobs(f"sqlite://{tmp_path}/jobs.sqlite")
    job_id = board.submit(Ask())
    claim = claimed(board)
    other = open_jobs(f"sqlite://{tmp_path}/jobs.sqlite")
    failed: list[str] = []
    flaky = counted(board, BOARD, failed.append)
    with heartbeat(flaky, claim, lease=0.03) as tell:
        board.close()  # from now on it does not answer
        wait_for(lambda: failed)
        tell(Progress(stage="compute", done=0, total=1))
        before = len(failed)
        wait_for(lambda: len(failed) > before)
    assert job_of(other, job_id).state is State.RUNNING
    assert set(failed) == {BOARD}
    other.close()
