"""How a worker keeps a claim while the board is away, and what is counted of that."""

# ruff: noqa: D102 - the port says what its verbs do

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from boards import LONG, claimed, job_of, wait_for
from storewatch.adapters.jobs import open_jobs
from storewatch.domain.ask import Ask
from storewatch.errors import Port, UnavailableError
from storewatch.ports.jobs import Progress, State
from storewatch.processes.heartbeat import Patient, heartbeat

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from storewatch.ports.jobs import Claim, Job, JobBoard


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


class Holder:
    """A board that does not answer its first calls."""

    def __init__(self, board: JobBoard, times: int) -> None:
        self._board, self._away = board, away(times)

    def _check(self) -> None:
        if next(self._away):
            raise UnavailableError("away", port=Port.BOARD)

    def pin(self, claim: Claim, *, as_of: int, version: str) -> Job | None:
        self._check()
        return self._board.pin(claim, as_of=as_of, version=version)

    def finish(self, claim: Claim, *, key: str, rows: int) -> bool:
        self._check()
        return self._board.finish(claim, key=key, rows=rows)

    def fail(self, claim: Claim, error: str, *, final: bool) -> bool:
        self._check()
        return self._board.fail(claim, error, final=final)

    def hand_back(self, claim: Claim, *, pause: float = 0.0, reason: str | None = None) -> bool:
        self._check()
        return self._board.hand_back(claim, pause=pause, reason=reason)


def test_what_is_not_answered_is_said_again_until_it_is(own_board: JobBoard) -> None:
    job_id = own_board.submit(Ask())
    claim, missed = claimed(own_board), list[UnavailableError]()
    board = Patient(board=Holder(own_board, 2), seconds=LONG, missed=missed.append)
    assert board.pin(claim, as_of=1, version="v") == own_board.get(job_id)
    assert [error.port for error in missed] == [Port.BOARD] * 2


def test_patience_ends(own_board: JobBoard) -> None:
    own_board.submit(Ask())
    board = Patient(board=Holder(own_board, 99), seconds=0, missed=lambda _: None)
    with pytest.raises(UnavailableError):
        board.finish(claimed(own_board), key="k", rows=1)


def test_a_patient_board_answers_as_the_board_does_and_takes_a_refusal_for_an_answer(
    own_board: JobBoard,
) -> None:
    board = Patient(board=own_board, seconds=LONG, missed=lambda _: None)
    job_id = own_board.submit(Ask())
    board.hand_back(claimed(own_board))
    claim = claimed(own_board)
    assert board.finish(claim, key="k", rows=1)
    assert not board.fail(claim, "too late", final=True)
    assert job_of(own_board, job_id).state is State.COMPLETE


def test_progress_is_told_to_the_board_at_once(own_board: JobBoard) -> None:
    job_id = own_board.submit(Ask())
    claim = claimed(own_board)
    with heartbeat(own_board, claim, lease=LONG, missed=lambda _: None, lost=lambda: None) as tell:
        tell(Progress(stage="compute", done=0, total=9))
        progress = wait_for(lambda: job_of(own_board, job_id).progress)
    assert progress == Progress(stage="compute", done=0, total=9)


def test_a_heartbeat_goes_on_when_the_board_did_not_answer(tmp_path: Path) -> None:
    board = open_jobs(f"sqlite://{tmp_path}/jobs.sqlite")
    job_id = board.submit(Ask())
    claim = claimed(board)
    other = open_jobs(f"sqlite://{tmp_path}/jobs.sqlite")
    failed: list[UnavailableError] = []
    with heartbeat(board, claim, lease=0.03, missed=failed.append, lost=lambda: None) as tell:
        board.close()  # from now on it does not answer
        wait_for(lambda: failed)
        tell(Progress(stage="compute", done=0, total=1))
        before = len(failed)
        wait_for(lambda: len(failed) > before)
    assert job_of(other, job_id).state is State.RUNNING
    assert {error.port for error in failed} == {Port.BOARD}
    other.close()
