"""The worker: claims report jobs one by one and computes them, as a process of its own.

How it lives with its parent, the supervisor:

- stdin: a byte says that there may be work; its end says that the parent is gone, however it ended, and then
  this process ends at once, also in mid-computation.
- stdout: a line of JSON for each claim, `{"job": …, "epoch": …}`, and `{}` when nothing is in hand.
- SIGTERM: the job in hand is handed back, which counts as no attempt, and the process ends.

So the main thread only listens, and the computation runs in a second one.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

import polars as pl
import structlog

from storewatch import reports
from storewatch.bootstrap import open_board, open_polls, open_shelf
from storewatch.config import load_settings
from storewatch.domain.facts import HOURS, ZONES, Facts
from storewatch.domain.instant import DEFAULT_CARRY
from storewatch.domain.report import Report
from storewatch.domain.uptime import uptime
from storewatch.entrypoints.logs import configure_logs
from storewatch.errors import SettingsError, StorewatchError, UnavailableError
from storewatch.ports import ENDED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storewatch.config import Settings
    from storewatch.ports import Claim, JobBoard

IDLE_SECONDS = 0.05  # between two looks at the board, for jobs that came by another service
PAUSE_SECONDS = 1.0  # before an attempt ends because something did not answer: the next would meet the same
NICENESS = 5  # the service's own calls go first
LONGEST_ERROR = 500  # characters

log = structlog.get_logger()


@contextmanager
def heartbeat(board: JobBoard, claim: Claim, *, lease: float) -> Iterator[Event]:
    """Renew a claim's lease (seconds) beside the computation; yield an event that says it was lost."""
    ended, lost = Event(), Event()

    def beat() -> None:
        while not ended.wait(lease / 3):
            try:
                if not board.beat(claim, lease=lease):
                    lost.set()
                    return
            except UnavailableError as error:
                log.warning("heartbeat failed", report_id=claim.job.id, error=str(error))

    thread = Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield lost
    finally:
        ended.set()
        thread.join()


class Worker:
    """Claims and computes jobs, one at a time, until it is stopped."""

    def __init__(self, settings: Settings, *, tell: int) -> None:
        """Open everything; `tell` is the file descriptor on which the parent listens."""
        self._lease = settings.lease_seconds
        self._tell = tell
        self._board = open_board(settings)
        self._polls = open_polls(settings)
        self._shelf = open_shelf(settings)
        self._name = f"{socket.gethostname()}-{os.getpid()}"
        self._wake, self._stopping = Event(), Event()
        self._claiming = Lock()  # what is claimed is always in `_held` for who has this
        self._held: Claim | None = None

    def run(self) -> None:
        """Work until stopped."""
        while not self._stopping.is_set():
            try:
                claim = self._claim()
            except UnavailableError as error:
                log.warning("the job board does not answer", error=str(error))
                self._stopping.wait(PAUSE_SECONDS)
                continue
            if claim is None:
                self._wake.wait(IDLE_SECONDS)
                self._wake.clear()
            else:
                self._attempt(claim)
                self._hold(None)

    def wake(self) -> None:
        """Look at the board now."""
        self._wake.set()

    def stop(self) -> None:
        """Claim nothing more, and hand back the job in hand."""
        self._stopping.set()
        with self._claiming:
            claim = self._held
        try:
            if claim and self._board.hand_back(claim):
                log.info("handed back", report_id=claim.job.id, epoch=claim.epoch)
        except UnavailableError as error:
            log.warning("not handed back: the lease will run out", error=str(error))

    def _claim(self) -> Claim | None:
        with self._claiming:
            if self._stopping.is_set():
                return None
            claim = self._board.claim(self._name, lease=self._lease)
            if claim:
                self._hold(claim)
            return claim

    def _hold(self, claim: Claim | None) -> None:
        self._held = claim
        line = json.dumps({"job": claim.job.id, "epoch": claim.epoch} if claim else {})
        os.write(self._tell, line.encode() + b"\n")

    def _attempt(self, claim: Claim) -> None:
        with (
            structlog.contextvars.bound_contextvars(report_id=claim.job.id, epoch=claim.epoch),
            heartbeat(self._board, claim, lease=self._lease) as lost,
        ):
            log.info("attempt begins", attempts=claim.job.attempts)
            try:
                done = reports.work(claim, polls=self._polls, board=self._board, shelf=self._shelf)
                log.info("report complete" if done else "claim lost, result dropped")
            except Exception as error:  # noqa: BLE001  a job's error must not end the worker; it is logged and told
                self._fail(claim, error, lost=lost)

    def _fail(self, claim: Claim, error: Exception, *, lost: Event) -> None:
        expected = isinstance(error, StorewatchError)
        passing = not expected or isinstance(error, UnavailableError)
        log.error("attempt failed", error=describe(error), exc_info=None if expected else error)
        if isinstance(error, UnavailableError):
            lost.wait(PAUSE_SECONDS * claim.job.attempts)
        try:
            self._board.fail(claim, describe(error), final=not passing)
            job = self._board.get(claim.job.id)
            if job and job.state in ENDED and job.key is None:
                self._shelf.sweep(job.id, keep=None)
        except StorewatchError as second:
            log.warning("the failure is not recorded: the lease will run out", error=describe(second))


def describe(error: Exception) -> str:
    """Return what a report's reader may know of an error: ours in words, of others nothing."""
    if isinstance(error, StorewatchError):
        return f"{type(error).__name__}: {error}"[:LONGEST_ERROR]
    return "internal error, see the log"


def listen(worker: Worker) -> None:
    """Start the work; wake it by stdin, until stdin ends (the parent is gone) or SIGTERM comes."""
    # Another thread may be the one that the signal interrupts, so the main thread must hear of it by a pipe.
    bell, cord = os.pipe()
    os.set_blocking(cord, False)
    signal.set_wakeup_fd(cord)
    signal.signal(signal.SIGTERM, lambda *_: None)
    Thread(target=_run, args=(worker,), name="work", daemon=True).start()
    while True:
        ready, _, _ = select.select([sys.stdin.fileno(), bell], [], [])
        if bell in ready:
            worker.stop()
            return
        if not os.read(sys.stdin.fileno(), 64):
            return
        worker.wake()


def warm_up() -> None:
    """Compute a small report, so that the first real one finds all code loaded."""
    at = datetime(2023, 1, 25, 12, tzinfo=UTC)
    facts = Facts(
        polls=pl.DataFrame({"store_id": ["1"], "at": [at], "active": [True]}),
        hours=pl.DataFrame([("1", 2, 32_400, 61_200)], schema=HOURS, orient="row"),
        zones=pl.DataFrame([("1", "America/New_York")], schema=ZONES, orient="row"),
    )
    as_of = int(at.timestamp())
    Report(rows=uptime(facts, as_of=as_of, carry=DEFAULT_CARRY), as_of=as_of).csv_bytes()


def main() -> None:
    """Run a worker process. It ends with `os._exit`, for a computation cannot be interrupted otherwise."""
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C reaches the whole group; the parent ends us in order
    tell = os.dup(1)
    os.dup2(2, 1)  # whatever else prints must not disturb what we tell the parent
    configure_logs()
    try:
        worker = Worker(load_settings(), tell=tell)
    except (SettingsError, UnavailableError) as error:
        log.error("the worker cannot start", error=str(error))  # noqa: TRY400  the message says it all
        os._exit(1)
    os.nice(NICENESS)
    warm_up()
    listen(worker)
    os._exit(0)


def _run(worker: Worker) -> None:
    try:
        worker.run()
    except BaseException:  # a worker that only listens is worse than none: the parent starts another
        log.exception("the worker broke")
        os._exit(1)


if __name__ == "__main__":
    main()
