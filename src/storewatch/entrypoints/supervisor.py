"""The supervisor: keeps worker processes alive, and ends attempts that take too long.

A worker holds the other end of a pipe as its stdin; when this process ends, however it ends, the pipe closes
and the worker with it.
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import structlog

import storewatch
from storewatch.bootstrap import open_board
from storewatch.config import PREFIX
from storewatch.errors import StorewatchError
from storewatch.ports import Claim

if TYPE_CHECKING:
    from typing import IO

    from storewatch.config import Settings

GRACE_SECONDS = 5.0  # from SIGTERM to SIGKILL when the service ends
LOOK_SECONDS = 0.5  # between two looks at what is due
FIRST_DELAY, LONGEST_DELAY = 0.1, 10.0  # seconds before a worker that died at once is started again
STEADY_SECONDS = 10.0  # who lived as long did not die at once

log = structlog.get_logger()


@dataclass(kw_only=True)
class WorkerProcess:
    """A worker process, and what it told us that it has in hand. Instants are by the monotonic clock."""

    process: subprocess.Popen[bytes]
    commands: IO[bytes]  # its stdin
    told: IO[bytes]  # its stdout
    started: float = field(default_factory=time.monotonic)
    held: tuple[str, int] | None = None  # job id and epoch
    held_since: float = 0.0
    _unread: bytes = b""

    def wake(self) -> None:
        """Tell it that there is work; never waits."""
        try:
            os.write(self.commands.fileno(), b"\n")
        except OSError:  # full: it will look anyway; broken: it is dead, and will be buried
            return

    def listen(self) -> bool:
        """Take in what it told; False if it has closed its end, as the dead do."""
        try:
            data = os.read(self.told.fileno(), 65_536)
        except BlockingIOError:
            return True
        *lines, self._unread = (self._unread + data).split(b"\n")
        if lines:
            last = json.loads(lines[-1])
            self.held = (last["job"], last["epoch"]) if last else None
            self.held_since = time.monotonic()
        return bool(data)

    def close(self) -> int:
        """Close the pipes, by which it ends if it has not yet, and return its exit code."""
        self.commands.close()
        self.told.close()
        return self.process.wait()


def start_worker(settings: Settings) -> WorkerProcess:
    """Start a worker process that ends when our end of its stdin closes.

    Raises:
        OSError: The machine cannot start another process.
    """
    # The parent may have found this package by other means than the environment (uvicorn --app-dir).
    package = str(Path(storewatch.__file__).resolve().parents[1])
    path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    inherited = {name: value for name, value in os.environ.items() if name != f"{PREFIX}SECRET"}
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "storewatch.entrypoints.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        env={**inherited, **settings.environment(), "PYTHONPATH": path},
    )
    _spare_a_core(process.pid)
    if process.stdin is None or process.stdout is None:
        raise OSError("the worker process has no pipes")
    for pipe in (process.stdin, process.stdout):
        os.set_blocking(pipe.fileno(), False)
    return WorkerProcess(process=process, commands=process.stdin, told=process.stdout)


def _spare_a_core(process_id: int) -> None:
    """Keep a worker off one core, if there are several.

    Niceness alone does not do: a computing thread keeps its core until its slice of some milliseconds ends,
    and every call that comes in between waits for that.
    """
    if hasattr(os, "sched_setaffinity"):
        _, *others = sorted(os.sched_getaffinity(0))
        if others:
            with suppress(ProcessLookupError):  # it died at once, and will be buried
                os.sched_setaffinity(process_id, others)


@dataclass(kw_only=True)
class _Place:
    """One of the workers that there should be."""

    worker: WorkerProcess | None = None
    start_at: float = 0.0  # if there is none
    delay: float = FIRST_DELAY  # seconds before the next start, if it dies at once


class Supervisor:
    """Keeps `settings.workers` worker processes running, from `start` to `stop`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._board = open_board(settings)
        self._places = [_Place() for _ in range(settings.workers)]
        self._selector = selectors.DefaultSelector()
        self._bell, self._cord = os.pipe()  # pulled to rouse the thread
        self._thread = Thread(target=self._supervise, name="supervisor", daemon=True)
        self._is_stopping = False

    def start(self) -> None:
        """Start the workers, and a thread that looks after them."""
        os.set_blocking(self._cord, False)
        self._selector.register(self._bell, selectors.EVENT_READ)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Say whether the workers are looked after."""
        return self._thread.is_alive()

    def wake(self) -> None:
        """Tell the workers that there is work; never waits."""
        try:
            os.write(self._cord, b"\n")
        except BlockingIOError:
            return

    def stop(self, *, grace: float = GRACE_SECONDS) -> None:
        """End all workers: each may hand back its job within `grace` seconds, then it is killed."""
        self._is_stopping = True
        self.wake()
        self._thread.join()
        self._terminate(grace)
        self._selector.close()
        os.close(self._cord)
        os.close(self._bell)
        self._board.close()

    def _supervise(self) -> None:
        while not self._is_stopping:
            for place in self._places:
                self._look_at(place)
            for key, _ in self._selector.select(self._patience()):
                if key.fd == self._bell:
                    os.read(self._bell, 4_096)
                    self._wake_all()
                else:
                    self._hear(key.data)

    def _patience(self) -> float:
        """Return the seconds until something may be due."""
        limit = self._settings.attempt_seconds
        due = [p.start_at for p in self._places if p.worker is None]
        due += [p.worker.held_since + limit for p in self._places if p.worker and p.worker.held]
        return min([LOOK_SECONDS, *(max(0.0, instant - time.monotonic()) for instant in due)])

    def _wake_all(self) -> None:
        for place in self._places:
            if place.worker:
                place.worker.wake()

    def _hear(self, place: _Place) -> None:
        if place.worker and not place.worker.listen():
            self._bury(place, place.worker)

    def _look_at(self, place: _Place) -> None:
        now, worker, limit = time.monotonic(), place.worker, self._settings.attempt_seconds
        if worker is None:
            if now >= place.start_at:
                self._fill(place)
        elif worker.process.poll() is not None:
            self._bury(place, worker)
        elif worker.held and now - worker.held_since >= limit:
            worker.process.kill()
            self._bury(place, worker, reason=f"attempt outlived its limit of {limit:g} s")

    def _fill(self, place: _Place) -> None:
        try:
            place.worker = start_worker(self._settings)
        except OSError as error:
            log.error("a worker could not be started", error=str(error))  # noqa: TRY400  the message says it all
            self._put_off(place, lived=0.0)
        else:
            self._selector.register(place.worker.told, selectors.EVENT_READ, place)

    def _bury(self, place: _Place, worker: WorkerProcess, *, reason: str | None = None) -> None:
        """Take a dead or dying worker from its place; end its attempt, which need not wait for the lease."""
        worker.listen()
        self._selector.unregister(worker.told)
        how = _how(worker.close())
        place.worker = None
        self._put_off(place, lived=time.monotonic() - worker.started)
        log.warning("a worker ended", how=how, report_id=worker.held and worker.held[0])
        if worker.held:
            self._end_attempt(worker.held, reason=reason or f"the worker process died ({how})")

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
            else:
                self._board.fail(claim, reason, final=False)
        except StorewatchError as error:
            log.warning("not recorded: the job's lease will run out", report_id=job_id, error=str(error))

    def _terminate(self, grace: float) -> None:
        workers = [place.worker for place in self._places if place.worker]
        for worker in workers:
            worker.process.terminate()
        deadline = time.monotonic() + grace
        for worker in workers:
            ended = _ends_by(worker.process, deadline)
            worker.listen()
            worker.close()
            if not ended and worker.held:  # that it was killed is not the job's fault
                self._end_attempt(worker.held, reason=None)


def _ends_by(process: subprocess.Popen[bytes], deadline: float) -> bool:
    """Wait for a process until the deadline, then kill it; say whether it ended by itself."""
    try:
        process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        process.kill()
        return False
    return True


def _how(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
