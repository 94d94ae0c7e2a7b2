"""The supervisor: keeps worker processes alive, ends attempts that take too long, counts what workers tell.

A worker holds the other end of a pipe as its stdin; when this process ends, however it ends, the pipe closes
and the worker with it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING

import structlog

from storewatch.answering.expire import expire
from storewatch.bootstrap import open_board, open_shelf
from storewatch.errors import SettingsError, StorewatchError, UnavailableError
from storewatch.ports.jobs import ENDED, Claim
from storewatch.processes.channel import WorkerProcess, start_worker

if TYPE_CHECKING:
    from storewatch.config import Settings
    from storewatch.metrics import Metrics
    from storewatch.processes.channel import Message

LOOK_SECONDS = 0.5  # between two looks at what is due
FIRST_DELAY, LONGEST_DELAY = 0.1, 10.0  # seconds before a worker that died at once is started again
STEADY_SECONDS = 10.0  # who lived as long did not die at once
OPENING_SECONDS = 60.0  # that a worker has to open what it needs
KILLING = 0.9  # of the grace, after which a worker that has not ended is killed
EXPIRY_SECONDS = 60.0  # between two looks at what is to be removed

log = structlog.get_logger()


@dataclass(kw_only=True)
class _Place:
    """One of the workers that there should be."""

    worker: WorkerProcess | None = None
    start_at: float = 0.0  # if there is none
    delay: float = FIRST_DELAY  # seconds before the next start, if it dies at once


class Supervisor:
    """Keeps `settings.workers` worker processes running, from `start` to `stop`."""

    def __init__(self, settings: Settings, metrics: Metrics, *, spare_a_core: bool = True) -> None:
        """Open board and shelf; `spare_a_core` keeps workers off one, for who answers calls beside them."""
        self._settings = settings
        self._metrics = metrics
        self._spare_a_core = spare_a_core
        self._board = open_board(settings)
        self._shelf = open_shelf(settings)
        self._places = [_Place() for _ in range(settings.workers)]
        # What workers tell, each with its place; None rouses the thread, to wake them.
        self._news: SimpleQueue[tuple[_Place, Message | None] | None] = SimpleQueue()
        self._threads = [Thread(target=self._supervise, name="supervisor", daemon=True)]
        if settings.workers:
            self._threads.append(Thread(target=self._expire, name="expiry", daemon=True))
        self._ends_at: float | None = None  # by the monotonic clock
        self._ended = Event()
        self._settled = Event()  # a worker has said whether it could open what it needs, or waits for
        self._failure: str | None = None
        self.has_opened = not self._places  # whether a worker could open what it needs, or none is to

    def start(self) -> None:
        """Start the workers, and a thread that looks after them."""
        for thread in self._threads:
            thread.start()

    def check(self) -> None:
        """Wait until a worker has opened what it needs, or waits for something that does not answer.

        Raises:
            SettingsError: It could not, and said why.
        """
        if self._places and not self._settled.wait(OPENING_SECONDS):
            log.warning("no worker has opened what it needs yet", seconds=OPENING_SECONDS)
        if self._failure is not None:
            raise SettingsError(self._failure)

    @property
    def is_alive(self) -> bool:
        """Say whether the workers are looked after."""
        return self._ends_at is None and self._threads[0].is_alive()

    def wake(self) -> None:
        """Tell the workers that there is work; never waits."""
        self._news.put(None)

    def end(self) -> None:
        """Have the workers claim no more, and end when they have finished what is in hand; never waits.

        Within the grace: a report that takes longer is handed back.
        """
        if self._ends_at is None:
            self._ends_at = time.monotonic() + self._settings.grace_seconds
            self.wake()

    def stop(self) -> None:
        """End all workers, and wait for it; a second time nothing happens."""
        if self._ended.is_set():
            return
        self.end()
        self._ended.set()
        self._threads[0].join()  # a removal that is slow need not be waited for
        self._board.close()

    def _supervise(self) -> None:
        while self._ends_at is None:
            for place in self._places:
                self._look_at(place)
            self._attend(self._patience())
        self._end_all(self._ends_at)

    def _attend(self, seconds: float | None) -> None:
        """Take in the next news, for at most `seconds`; None: until there is some."""
        try:
            news = self._news.get(timeout=seconds)
        except Empty:
            return
        if news is None:
            for worker in self._workers():
                worker.wake()
            return
        place, message = news
        if place.worker and message is None:
            self._bury(place, place.worker)
        elif place.worker and message:
            self._note(place.worker, message)

    def _patience(self) -> float:
        """Return the seconds until something may be due."""
        limit = self._settings.attempt_seconds
        due = [p.start_at for p in self._places if p.worker is None]
        due += [worker.held_since + limit for worker in self._workers() if worker.may_run_out]
        return min([LOOK_SECONDS, *(max(0.0, instant - time.monotonic()) for instant in due)])

    def _workers(self) -> list[WorkerProcess]:
        return [place.worker for place in self._places if place.worker]

    def _note(self, worker: WorkerProcess, message: Message) -> None:
        match message:
            case {"held": held}:
                worker.hold(held)
            case {"attempt": attempt}:
                self._metrics.attempt(attempt)
            case {"unanswered": port}:
                self._metrics.unanswered(port)
                self._settled.set()
            case {"opened": str(failure)}:
                worker.name = message.get("name")
                self._note_opening(failure or None)

    def _note_opening(self, failure: str | None) -> None:
        """Keep the first worker's failure for `check`, and log those of later ones."""
        self.has_opened |= failure is None
        if not self._settled.is_set():
            self._failure = failure
            self._settled.set()
        elif failure:
            log.error("a worker cannot start", error=failure)

    def _look_at(self, place: _Place) -> None:
        now, worker, limit = time.monotonic(), place.worker, self._settings.attempt_seconds
        if worker is None:
            if now >= place.start_at:
                self._fill(place)
        elif worker.may_run_out and now - worker.held_since >= limit:
            worker.killed_for = f"attempt outlived its limit of {limit:g} s"
            worker.process.kill()

    def _fill(self, place: _Place) -> None:
        try:
            place.worker = start_worker(
                self._settings,
                hear=lambda message: self._news.put((place, message)),
                spare_a_core=self._spare_a_core,
            )
        except OSError as error:
            log.error("a worker could not be started", error=str(error))  # noqa: TRY400  the message says it all
            self._put_off(place, lived=0.0)

    def _bury(self, place: _Place, worker: WorkerProcess) -> None:
        """Take a dead worker from its place; end its attempt, which need not wait for the lease."""
        how = _how(worker.close())
        place.worker = None
        if worker.name:
            self._withdraw(worker.name)
        self._put_off(place, lived=time.monotonic() - worker.started)
        is_over = self._ends_at is not None
        if worker.held or not (is_over or self._failure):
            log.warning("a worker ended", how=how, report_id=worker.held and worker.held[0])
        if worker.held:  # that a worker is killed because all ends is not the job's fault
            why = None if is_over else worker.killed_for or f"the worker process died ({how})"
            self._end_attempt(worker.held, reason=why)

    def _withdraw(self, name: str) -> None:
        """Have a dead worker counted no more as live."""
        try:
            self._board.announce(name, ttl=0)
        except UnavailableError as error:
            self._count_unanswered(error)

    def _put_off(self, place: _Place, *, lived: float) -> None:
        """Set when the place is filled again: at once, unless workers die as soon as they are there."""
        if lived >= STEADY_SECONDS:
            place.delay, place.start_at = FIRST_DELAY, time.monotonic()
        else:
            place.start_at = time.monotonic() + place.delay
            place.delay = min(2 * place.delay, LONGEST_DELAY)

    def _end_attempt(self, held: tuple[str, int], *, reason: str | None) -> None:
        """Record a dead worker's attempt as failed; without a reason, hand its job back."""
        job_id, epoch = held
        try:
            job = self._board.get(job_id)
            if job is None:
                return
            claim = Claim(job=job, epoch=epoch)
            if reason is None:
                self._board.hand_back(claim)
            elif self._board.fail(claim, reason, final=False):
                self._count_end(job_id)
        except StorewatchError as error:
            self._count_unanswered(error)
            log.warning("not recorded: the job's lease will run out", report_id=job_id, error=str(error))

    def _count_unanswered(self, error: StorewatchError) -> None:
        if isinstance(error, UnavailableError):
            self._metrics.unanswered(error.port)

    def _count_end(self, job_id: str) -> None:
        job = self._board.get(job_id)
        if job and job.state in ENDED:
            self._metrics.ended(job.state)

    def _end_all(self, ends_at: float) -> None:
        kill_at = ends_at - (1 - KILLING) * self._settings.grace_seconds
        for worker in self._workers():
            worker.process.terminate()
        while self._workers() and (left := kill_at - time.monotonic()) > 0:
            self._attend(left)
        for worker in self._workers():
            worker.process.kill()
        while self._workers():
            self._attend(None)

    def _expire(self) -> None:
        retention = self._settings.retention_seconds
        while not self._ended.wait(min(EXPIRY_SECONDS, retention)):
            try:
                if removed := expire(self._board, self._shelf, older_than=retention):
                    log.info("old reports removed", reports=removed)
            except StorewatchError as error:
                self._count_unanswered(error)
                log.warning("old reports are not removed yet", error=str(error))


def _how(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
