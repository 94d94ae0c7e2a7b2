"""`make demo-kill`: the worker is killed in mid-report, and the report arrives all the same, once.

The same beginning as `make demo`, with a fleet large enough to be met in the middle of its report. What the
job board and the report shelf hold is shown as they hold it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from demo import (
    HOME,
    PATIENCE,
    environment,
    fetch,
    get_report,
    made_fleet,
    say,
    service,
    stores_asked_for,
    storewatch,
    trigger,
)
from storewatch.bootstrap import open_board
from storewatch.config import load_settings
from storewatch.ports.jobs import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    from storewatch.ports.jobs import Job, JobBoard

    T = TypeVar("T")

STORES = 14_000
TRIES = 20  # reports that may be finished before the kill
UNDISTURBED = HOME / "undisturbed.csv"


def main() -> None:
    """Kill a worker and watch what comes of its report."""
    made_fleet(stores_asked_for(STORES))
    storewatch("report", "--out", UNDISTURBED)
    with service() as (base, server):
        say(f"3  the service answers on {base}: process {server}, its worker is {worker_of(server)}")
        os.environ.clear()  # what is opened here is what the service has opened
        os.environ.update(environment())
        board = open_board(load_settings())
        say("4  a report is triggered, and its worker killed")
        report_id = kill_in_mid_report(base, server, board)
        say("5  what a client is told meanwhile, and what the job board holds")
        url = watch(base, board, report_id)
        say("6  what arrived")
        check(report_id, fetch(url))
        board.close()
        started = {server, *children(server)}
    until("service and worker have ended", lambda: not started.intersection(pid for pid, _, _ in processes()))
    say("\nservice and worker have ended; nothing is left running")


def kill_in_mid_report(base: str, server: int, board: JobBoard) -> str:
    """Trigger a report, kill its worker while it is Running, and return the report's id."""
    for _ in range(TRIES):
        worker = worker_of(server)
        report_id = trigger(base)
        begun = until("the report is begun", partial(begun_job, board, report_id), pause=0.001)
        os.kill(worker, signal.SIGKILL)
        until("the worker is gone", partial(is_gone, worker, server))
        after = job_of(board, report_id)
        if begun.state is State.RUNNING and not (after.state is State.COMPLETE and after.attempts == 1):
            say(f"   report {report_id} was {told(begun)}")
            say(f"   kill -9 {worker}")
            return report_id
        say(f"   kill -9 {worker} came after report {report_id} was complete: another one")
    sys.exit(f"{TRIES} reports were finished before their worker could be killed: take more --stores")


def watch(base: str, board: JobBoard, report_id: str) -> str:
    """Say what changes until the report is complete; return its link."""
    began, last = time.monotonic(), ""
    while time.monotonic() < began + PATIENCE:
        answer = get_report(base, report_id)
        job = job_of(board, report_id)
        line = f"{answer['status']:<10} board: {told(job)}"
        is_between = (
            job.state is State.COMPLETE and answer["status"] == "Running"
        )  # it was completed just now
        if line != last and not is_between:
            say(f"   {time.monotonic() - began:5.2f} s  get_report: {line}")
            last = line
        if answer["status"] == "Complete":
            return answer["url"]
        if answer["status"] == "Failed":
            sys.exit(f"the report failed: {answer['error']}")
        time.sleep(0.005)
    sys.exit(f"the report was not complete after {PATIENCE} s")


def check(report_id: str, arrived: bytes) -> None:
    """Show that the report is whole and there once.

    Raises:
        SystemExit: It is not.
    """
    folder = HOME / "reports" / report_id
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    say(f"   {len(arrived.splitlines()) - 1:,} rows; on the shelf, by attempt: {', '.join(files)}")
    if sum(name.endswith(".csv") for name in files) != 1:
        sys.exit("there should be one CSV")
    if arrived != UNDISTURBED.read_bytes():
        sys.exit(f"it should have the bytes of {UNDISTURBED}")
    say("   one CSV, byte for byte what `storewatch report` wrote when nothing was killed")


def begun_job(board: JobBoard, report_id: str) -> Job | None:
    job = job_of(board, report_id)
    return None if job.state is State.QUEUED else job


def is_gone(worker: int, server: int) -> bool:
    return worker not in children(server)


def job_of(board: JobBoard, report_id: str) -> Job:
    job = board.get(report_id)
    if job is None:
        sys.exit(f"the board does not know {report_id}")
    return job


def told(job: Job) -> str:
    """Say in words what the board holds of a job."""
    words = f"{job.state}, attempt {job.attempts}"
    if job.state is State.RUNNING:
        words += f", worker {job.worker}"
    return f"{words} ({job.error})" if job.error else words


def worker_of(server: int) -> int:
    """Return the process id of the service's worker, when it has one."""
    return until("the service has a worker", lambda: next(iter(children(server)), None))


def children(parent: int) -> list[int]:
    """Return the process ids of a process's living children."""
    return sorted(pid for pid, of, state in processes() if of == parent and state != "Z")


def processes() -> Iterator[tuple[int, int, str]]:
    """List all processes: id, parent, state (Z: dead). From /proc, where there is none from `ps`."""
    if not Path("/proc/self/stat").exists():
        listed = subprocess.check_output(["ps", "-A", "-o", "pid=,ppid=,stat="], text=True)  # noqa: S607  of any place
        for pid, of, state in (line.split() for line in listed.splitlines()):
            yield int(pid), int(of), state[0]
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended meanwhile
            state, of, *_ = path.read_text().rpartition(")")[2].split()
            yield int(path.parent.name), int(of), state


def until(what: str, ask: Callable[[], T | None], *, pause: float = 0.01) -> T:
    """Return the first answer that is true, asking again after each pause (seconds)."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if answer := ask():
            return answer
        time.sleep(pause)
    sys.exit(f"not within {PATIENCE} s: {what}")


if __name__ == "__main__":
    main()
