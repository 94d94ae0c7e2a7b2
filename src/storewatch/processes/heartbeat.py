"""How a worker keeps a claim: a heartbeat beside the computation, patience with a board that is away."""

from __future__ import annotations

import functools
import time
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, TypeVar, cast

import structlog

from storewatch.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from storewatch.ports.jobs import Claim, JobBoard, Progress

R = TypeVar("R")

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0  # seconds between two tries
PATIENT = frozenset({"pin", "finish", "fail"})  # without these, what was computed would be lost

log = structlog.get_logger()


@contextmanager
def heartbeat(board: JobBoard, claim: Claim, *, lease: float) -> Iterator[Callable[[Progress], None]]:
    """Renew a claim's lease (seconds) beside the computation; yield what the computation tells progress to.

    A board that does not answer says nothing about the claim: it is asked again.
    """
    told: SimpleQueue[Progress | None] = SimpleQueue()
    thread = Thread(target=_beat, args=(board, claim, lease, told), name="heartbeat", daemon=True)
    thread.start()
    try:
        yield told.put
    finally:
        told.put(None)
        thread.join()


def _beat(board: JobBoard, claim: Claim, lease: float, told: SimpleQueue[Progress | None]) -> None:
    progress = None
    while True:
        try:
            progress = told.get(timeout=lease / 3)
            if progress is None:
                return
        except Empty:
            pass
        try:
            if not board.beat(claim, lease=lease, progress=progress):
                return
        except UnavailableError as error:
            log.warning("heartbeat failed", report_id=claim.job.id, error=str(error))


def patient(board: JobBoard, *, seconds: float) -> JobBoard:
    """Return `board` as it is, but `pin`, `finish` and `fail` are said again until they are answered.

    After `seconds` the UnavailableError is passed on.
    """
    return cast("JobBoard", _Patient(board, seconds))


class _Patient:
    def __init__(self, board: JobBoard, seconds: float) -> None:
        self._board = board
        self._seconds = seconds

    def __getattr__(self, name: str) -> object:
        call = getattr(self._board, name)
        return functools.partial(patiently, call, seconds=self._seconds) if name in PATIENT else call


def patiently(call: Callable[..., R], *given: object, seconds: float, **options: object) -> R:
    """Return what `call` answers, asking again while it raises UnavailableError, for at most `seconds`."""
    deadline, pause = time.monotonic() + seconds, FIRST_PAUSE
    while True:
        try:
            return call(*given, **options)
        except UnavailableError as error:
            if time.monotonic() + pause > deadline:
                raise
            log.warning("not answered, asked again", seconds=pause, error=str(error))
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
