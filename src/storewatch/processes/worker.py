"""The worker: claims report jobs one by one and computes them, as a process of its own.

How it lives with its parent, the supervisor:

- stdin: a byte says that there may be work; its end says that the parent is gone, however it ended, and then
  this process ends at once, also in mid-computation.
- stdout: lines of JSON. `{"opened": "", "name": name}` when all is open, for which it waits, with the name by
  which the board knows it, or `{"opened": why}` for what is set wrong; `{"held": [job, epoch]}` for each
  claim, `{"held": null}` when nothing is in hand; `{"attempt": {…}}` after each attempt, how it went;
  `{"unanswered": port}` for each call that something did not answer.
- SIGTERM: no new job is claimed. The one in hand is finished, if it can be in most of the grace, else handed
  back, which counts as no attempt; and the process ends.

So the main thread only waits for the signal; one thread computes, and one reads stdin.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
from datetime import UTC, datetime
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

import structlog

from storewatch import __version__
from storewatch.answering import attempt
from storewatch.answering.course import Course
from storewatch.bootstrap import open_board, open_polls, open_shelf
from storewatch.config import load_settings
from storewatch.domain import kinds
from storewatch.domain.account import account
from storewatch.domain.ask import Ask
from storewatch.domain.facts import Facts
from storewatch.engines import open_engine
from storewatch.errors import EngineError, OverError, SettingsError, StorewatchError, UnavailableError
from storewatch.formats.csv import csv_bytes
from storewatch.logs import configure_logs
from storewatch.ports.jobs import ENDED, State
from storewatch.processes.heartbeat import FIRST_PAUSE, Patient, heartbeat
from storewatch.processes.signals import Told

if TYPE_CHECKING:
    from collections.abc import Callable

    from storewatch.config import Settings
    from storewatch.metrics import Attempt
    from storewatch.ports.jobs import Claim, Holding, Job

    Tell = Callable[..., None]  # by keyword

IDLE_SECONDS = 0.05  # between two looks at the board, for jobs that came by another service
PAUSE_SECONDS = 1.0  # between two looks at a board that does not answer
LONGEST_OPENING = 10.0  # between two tries to open what is needed
LONGEST_PAUSE = 60.0  # before a job that was handed back is claimed again
FINISHING = 0.75  # of the grace, for the job in hand; the rest is for handing it back,
ENDING = 0.1  # and of that so much for ending what runs for it at a server
NICENESS = 5  # the service's own calls go first
LONGEST_ERROR = 500  # characters

log = structlog.get_logger()


class Worker:
    """Claims and computes jobs, one at a time, until it is stopped."""

    def __init__(self, settings: Settings, *, tell: Tell) -> None:
        """Open everything; `tell` is heard by the parent."""
        self._lease = settings.lease_seconds
        self._patience = settings.patience
        self._tell = tell
        self._over = Event()  # nobody needs the attempt in hand any more
        self._polls = open_polls(settings, is_over=self._over.is_set)
        self._shelf = open_shelf(settings)
        self._board = open_board(settings)
        self._engine = open_engine(settings)
        self._patient = Patient(board=self._board, seconds=settings.attempt_seconds, missed=self._missed)
        self.name = f"{socket.gethostname()}-{os.getpid()}"
        self._wake, self._stopping, self._ended = Event(), Event(), Event()
        self._claiming = Lock()  # what is claimed is always in `_held` for who has this
        self._held: Claim | None = None
        self._board_is_away = False

    def run(self) -> None:
        """Work until stopped."""
        announcing = Thread(target=self._announce, name="announce", daemon=True)
        announcing.start()
        while not self._stopping.is_set():
            try:
                claim = self._claim()
            except UnavailableError as error:
                self._missed(error)
                self._note_board(away=error)
                self._stopping.wait(PAUSE_SECONDS)
                continue
            self._note_board(away=None)
            if claim is None:
                self._wake.wait(IDLE_SECONDS)
                self._wake.clear()
            else:
                self._take(claim)
                self._hold(None)
        announcing.join()
        self._ended.set()

    def wait(self, seconds: float) -> None:
        """Wait until `run` has come to its end, for at most `seconds`."""
        self._ended.wait(seconds)

    def wake(self) -> None:
        """Look at the board now."""
        self._wake.set()

    def stop(self) -> None:
        """Claim nothing more; `run` ends with the job in hand."""
        self._stopping.set()
        self._wake.set()

    def hand_back(self) -> None:
        """Hand back the job in hand, if there is one, and give up the attempt."""
        with self._claiming:
            claim = self._held
        if claim:
            self._hand_back(claim, board=self._board)
            self._over.set()

    def _hand_back(
        self, claim: Claim, *, board: Holding, pause: float = 0.0, reason: str | None = None
    ) -> None:
        try:
            if board.hand_back(claim, pause=pause, reason=reason):
                log.info("handed back", report_id=claim.job.id, epoch=claim.epoch, reason=reason)
        except UnavailableError as error:
            self._missed(error)
            log.warning("not handed back: the lease will run out", error=str(error))

    def _missed(self, error: UnavailableError) -> None:
        self._tell(unanswered=error.port)

    def _announce(self) -> None:
        """Tell the board that this worker is alive, until it is stopped."""
        while True:
            is_stopping = self._stopping.is_set()
            try:
                self._board.announce(self.name, ttl=0 if is_stopping else self._lease)
            except UnavailableError as error:
                self._missed(error)
                log.debug("not announced", error=str(error))
            if is_stopping:
                return
            self._stopping.wait(self._lease / 3)

    def _note_board(self, *, away: Exception | None) -> None:
        """Log when the board goes and when it is back, not each look in between."""
        if away and not self._board_is_away:
            log.warning("the job board does not answer", error=str(away))
        elif self._board_is_away and not away:
            log.info("the job board answers again")
        self._board_is_away = away is not None

    def _claim(self) -> Claim | None:
        with self._claiming:
            if self._stopping.is_set():
                return None
            claim = self._board.claim(self.name, lease=self._lease)
            if claim:
                self._hold(claim)
            return claim

    def _hold(self, claim: Claim | None) -> None:
        self._held = claim
        self._tell(held=[claim.job.id, claim.epoch] if claim else None)

    def _take(self, claim: Claim) -> None:
        """Make an attempt, unless this version does not know what is asked: then another may."""
        if claim.job.ask.unknown:
            asked = "; ".join(claim.job.ask.unknown)
            self._put_off(claim, f"a worker of version {__version__} does not know what is asked ({asked})")
        else:
            self._attempt(claim)

    def _put_off(self, claim: Claim, reason: str) -> None:
        """Hand a job back for a while: an attempt would be in vain for now, and is none."""
        self._hand_back(
            claim, board=self._patient, pause=pause_after(claim.job), reason=reason[:LONGEST_ERROR]
        )

    def _attempt(self, claim: Claim) -> None:
        self._over.clear()
        asked = {"request_id": claim.job.request_id} if claim.job.request_id else {}
        with (
            structlog.contextvars.bound_contextvars(report_id=claim.job.id, epoch=claim.epoch, **asked),
            heartbeat(
                self._board, claim, lease=self._lease, missed=self._missed, lost=self._over.set
            ) as tell,
        ):
            log.info("attempt begins", attempts=claim.job.attempts)
            course = Course(tell=tell, is_over=self._over.is_set)
            outcome = self._work(claim, course)
            took = {f"{stage}_seconds": round(value, 3) for stage, value in course.seconds.items()}
            log.info("attempt ends", outcome=outcome, stores=course.stores, **took)
        self._tell(attempt=_told(course, outcome))

    def _work(self, claim: Claim, course: Course) -> State | None:
        """Make a job's report; return the state in which the job has ended by it, None if it has not."""
        try:
            if attempt.work(
                claim,
                polls=self._polls,
                board=self._patient,
                shelf=self._shelf,
                engine=self._engine,
                course=course,
            ):
                return State.COMPLETE
            log.info("claim lost, result dropped")
        except UnavailableError as error:
            if not self._over.is_set():
                return self._wait_for(claim, error)
            log.info("claim lost, attempt given up")
        except OverError:
            log.info("claim lost, attempt given up")
        except StorewatchError as error:
            log.error("attempt failed", error=str(error))  # noqa: TRY400  ours say it all
            return self._fail(claim, describe(error, claim.job), final=not isinstance(error, EngineError))
        except Exception as error:  # a job's error must not end the worker; it is logged and told
            log.exception("attempt failed")
            return self._fail(claim, describe(error, claim.job), final=False)
        return None

    def _wait_for(self, claim: Claim, error: UnavailableError) -> State | None:
        """Put off a job for which something does not answer, unless it was for as long as it may be."""
        self._missed(error)
        log.warning("attempt in vain", error=str(error))
        if waited(claim.job) < self._patience:
            self._put_off(claim, error.reason())
            return None
        told = f"{error.reason()}, for {self._patience:g} s: trigger the report again when it does"
        return self._fail(claim, f"{told}; {log_of(claim.job)}", final=True)

    def _fail(self, claim: Claim, why: str, *, final: bool) -> State | None:
        try:
            self._patient.fail(claim, why, final=final)
            job = self._board.get(claim.job.id)
            if job is None or job.state not in ENDED or job.epoch != claim.epoch:
                return None
        except UnavailableError as error:
            self._missed(error)
            log.warning("the failure is not recorded: the lease will run out", error=str(error))
            return None
        if job.key is None:
            self._sweep(job)
        return job.state

    def _sweep(self, job: Job) -> None:
        try:
            self._shelf.sweep(job.id, keep=None)
        except UnavailableError as error:
            self._missed(error)
            log.warning("what attempts left stays until the job is removed", error=str(error))


def _told(course: Course, outcome: State | None) -> Attempt:
    return {
        "outcome": outcome,
        "seconds": course.seconds,
        "polls": course.polls,
        "stores": course.stores,
        "rejected": course.rejected,
    }


def pause_after(job: Job) -> float:
    """Return the seconds for which a job is handed back, the more the more often it was."""
    return min(2.0 ** (job.epoch - job.attempts), LONGEST_PAUSE)


def waited(job: Job) -> float:
    """Return the seconds for which a claimed job had been held up when it was claimed."""
    return 0.0 if job.started is None or job.held_up_since is None else job.started - job.held_up_since


def describe(error: Exception, job: Job) -> str:
    """Return what a report's reader may know of an error: no path, no address, no driver's text."""
    if isinstance(error, StorewatchError) and error.told:
        return f"{type(error).__name__}: {error.told}"
    return f"this report could not be made: {log_of(job)}"


def log_of(job: Job) -> str:
    """Return where there is more to read, for whom it is meant."""
    return f"the log says more, at report_id {job.id}"


def opened(settings: Settings, *, tell: Tell) -> Worker:
    """Open a worker, as soon as all that it needs answers.

    Raises:
        SettingsError: Something is set wrong.
    """
    pause = FIRST_PAUSE
    while True:
        try:
            return Worker(settings, tell=tell)
        except UnavailableError as error:
            tell(unanswered=error.port)
            log.warning("waits for what it needs", seconds=pause, error=str(error))
        if select.select([sys.stdin], [], [], pause)[0] and not os.read(sys.stdin.fileno(), 64):
            os._exit(0)  # the parent is gone
        pause = min(2 * pause, LONGEST_OPENING)


def attend(worker: Worker, *, grace: float) -> None:
    """Start the work, and wake it by stdin, until SIGTERM comes or stdin ends (the parent is gone).

    After the signal the job in hand has most of `grace` (seconds) to be finished.
    """
    told = Told(signal.SIGTERM)
    Thread(target=_run, args=(worker,), name="work", daemon=True).start()
    Thread(target=_obey, args=(worker,), name="obey", daemon=True).start()
    told.within(None)
    worker.stop()
    worker.wait(FINISHING * grace)
    worker.hand_back()
    worker.wait(ENDING * grace)


def warm_up() -> None:
    """Compute a small report, so that the first real one finds all code loaded."""
    at = datetime(2023, 1, 25, 12, tzinfo=UTC)
    facts = Facts(
        polls=kinds.POLLS.frame([("1", at, True)]),
        others={
            "hours": kinds.HOURS.frame([("1", 2, 32_400, 61_200)]),
            "zones": kinds.ZONES.frame([("1", "America/New_York")]),
        },
    )
    as_of = int(at.timestamp())
    csv_bytes(account(facts, Ask(as_of=as_of)).rows)


def main() -> None:
    """Run a worker process. It ends with `os._exit`, for a computation cannot be interrupted otherwise."""
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C reaches the whole group; the parent ends us in order
    telling = os.dup(1)
    os.dup2(2, 1)  # whatever else prints must not disturb what we tell the parent

    turn = Lock()

    def tell(**message: object) -> None:
        with turn:
            os.write(telling, json.dumps(message).encode() + b"\n")

    configure_logs()
    try:
        settings = load_settings()
        worker = opened(settings, tell=tell)
    except SettingsError as error:
        tell(opened=str(error))
        os._exit(1)
    tell(opened="", name=worker.name)
    os.nice(NICENESS)
    warm_up()
    attend(worker, grace=settings.grace_seconds)
    os._exit(0)


def _run(worker: Worker) -> None:
    try:
        worker.run()
    except BaseException:  # a worker that only listens is worse than none: the parent starts another
        log.exception("the worker broke")
        os._exit(1)


def _obey(worker: Worker) -> None:
    while os.read(sys.stdin.fileno(), 64):
        worker.wake()
    os._exit(0)


if __name__ == "__main__":
    main()
